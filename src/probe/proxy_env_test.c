/* The proxy that the environment names, and the hosts it exempts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "probe/proxy_env.h"

struct variable {
    const char *name, *value;
};

static const char *from_table(void *context, const char *name)
{
    for (const struct variable *v = context; v->name != NULL; v++) {
        if (strcmp(v->name, name) == 0)
            return v->value;
    }
    return NULL;
}

static void the_variable_for_https_wins(void **state)
{
    struct variable env[] = { { "HTTP_PROXY", "http://plain.test" },
                              { "ALL_PROXY", "socks5h://all.test" },
                              { "HTTPS_PROXY", "http://upper.test:3128" },
                              { NULL, NULL } };
    struct proxy_env found = proxy_env_find("a.test", 443, from_table, env);

    (void)state;
    assert_string_equal(found.url, "http://upper.test:3128");
    assert_string_equal(found.from, "HTTPS_PROXY");
    env[2].name = "https_proxy";
    found = proxy_env_find("a.test", 443, from_table, env);
    assert_string_equal(found.from, "https_proxy");
    env[2].value = "";
    found = proxy_env_find("a.test", 443, from_table, env);
    assert_string_equal(found.url, "socks5h://all.test");
    env[1].name = "unrelated";
    found = proxy_env_find("a.test", 443, from_table, env);
    assert_null(found.url);
    assert_null(found.excluded_by);
}

static void an_exempt_host_goes_straight(void **state)
{
    struct variable env[] = { { "https_proxy", "http://p.test" },
                              { "NO_PROXY", "localhost, .a.test" },
                              { NULL, NULL } };
    struct proxy_env found = proxy_env_find("x.a.test", 443, from_table, env);

    (void)state;
    assert_null(found.url);
    assert_string_equal(found.excluded_by, "NO_PROXY");
    found = proxy_env_find("x.b.test", 443, from_table, env);
    assert_string_equal(found.url, "http://p.test");
}

static void entries_cover_what_they_name(void **state)
{
    static const struct {
        const char *list, *host;
        uint16_t port;
        bool covers;
    } cases[] = {
        { "*", "a.test", 443, true },
        { "", "a.test", 443, false },
        { "a.test", "a.test", 443, true },
        { "a.test", "A.TEST", 443, true },
        { "a.test", "www.a.test", 443, true },
        { "a.test", "nota.test", 443, false },
        { ".a.test", "a.test", 443, true },
        { "*.a.test", "www.a.test", 443, true },
        { "a.test.", "a.test", 443, true },
        { "www.a.test", "a.test", 443, false },
        { "a.test:8443", "a.test", 443, false },
        { "a.test:443", "a.test", 443, true },
        { "x.test,a.test", "a.test", 443, true },
        { "x.test a.test", "a.test", 443, true },
        { " , ,a.test ", "a.test", 443, true },
        { "192.0.2.7", "192.0.2.7", 443, true },
        { "192.0.2.7", "192.0.2.77", 443, false },
        { "192.0.2.0/24", "192.0.2.77", 443, true },
        { "192.0.2.0/25", "192.0.2.200", 443, false },
        { "192.0.2.128/25", "192.0.2.200", 443, true },
        { "0.0.0.0/0", "203.0.113.9", 443, true },
        { "0.0.0.0/0", "2001:db8::1", 443, false },
        { "192.0.2.0/33", "192.0.2.1", 443, false },
        { "192.0.2.0/", "192.0.2.1", 443, false },
        { "2001:db8::/32", "2001:db8:1::1", 443, true },
        { "2001:db8::/32", "2001:db9::1", 443, false },
        { "[2001:db8::1]:443", "2001:db8::1", 443, true },
        { "[2001:db8::1]:443", "2001:db8::1", 8443, false },
        { "2001:db8:0:0::1", "2001:db8::1", 443, true },
        { "0.2.7", "192.0.2.7", 443, false },
        { ".", "a.test", 443, false },
        { "[", "a.test", 443, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (no_proxy_covers(cases[i].list, cases[i].host, cases[i].port) != cases[i].covers)
            fail_msg("\"%s\" and %s:%u", cases[i].list, cases[i].host, cases[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variable_for_https_wins),
        cmocka_unit_test(an_exempt_host_goes_straight),
        cmocka_unit_test(entries_cover_what_they_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
