/*
 * Names: what may be asked for, what a pattern covers, which names are public.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trust/name.h"

static struct host host(const char *text)
{
    struct host h;

    if (host_parse(&h, text) != 0)
        fail_msg("%s is refused", text);
    return h;
}

static void hosts_are_understood(void **state)
{
    static const struct {
        const char *text, *as;
        enum host_kind kind;
    } good[] = {
        { "Example.TEST", "example.test", HOST_DNS },
        { "example.test.", "example.test", HOST_DNS },
        { "b\xc3\xbc"
          "cher.example", "xn--bcher-kva.example", HOST_DNS },
        { "xn--bcher-kva.example", "xn--bcher-kva.example", HOST_DNS },
        { "under_score.example", "under_score.example", HOST_DNS },
        { "192.0.2.1", "192.0.2.1", HOST_IP },
        { "[2001:DB8::1]", "2001:db8::1", HOST_IP },
        { "2001:db8:0:0:0:0:0:1", "2001:db8::1", HOST_IP },
    };
    static const char *const bad[] = {
        "", ".", "a..b", "*.example.test", "exa mple.test", "example.test:443", "1.2.3",
        "0x7f.1", "192.0.2.256", "[192.0.2.1]", "[2001:db8::1", "fe80::1%eth0",
        "a\x01.test", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct host h = host(good[i].text);

        assert_string_equal(h.text, good[i].as);
        assert_int_equal(h.kind, good[i].kind);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct host h = { .kind = HOST_DNS, .text = "kept" };

        if (host_parse(&h, bad[i]) != MW_E_NAME)
            fail_msg("%s is accepted", bad[i]);
        assert_string_equal(h.text, "kept");
    }
}

static void patterns_cover_what_they_may(void **state)
{
    static const struct {
        const char *host, *pattern;
        enum name_match expected;
    } cases[] = {
        { "www.example.test", "www.example.test", NAME_MATCHES },
        { "www.example.test", "WWW.Example.Test", NAME_MATCHES },
        { "www.example.test", "*.example.test", NAME_MATCHES },
        { "xn--bcher-kva.example.test", "*.example.test", NAME_MATCHES },
        { "example.test", "*.example.test", NAME_DIFFERS },
        { "a.b.example.test", "*.example.test", NAME_TOO_DEEP },
        { "www.example.test", "example.test", NAME_DIFFERS_WWW },
        { "example.test", "www.example.test", NAME_DIFFERS_WWW },
        { "example.com", "*.com", NAME_WILDCARD_REFUSED },
        { "example.co.uk", "*.co.uk", NAME_WILDCARD_REFUSED },
        { "foo.github.io", "*.github.io", NAME_WILDCARD_REFUSED },
        { "foo.example.test", "f*.example.test", NAME_WILDCARD_REFUSED },
        { "a.foo.example.test", "a.*.example.test", NAME_WILDCARD_REFUSED },
        { "example.test", "*", NAME_WILDCARD_REFUSED },
        { "a.b.test", "*.*.test", NAME_WILDCARD_REFUSED },
        { "other.test", "*.example.test", NAME_DIFFERS },
        { "notexample.test", "*.example.test", NAME_DIFFERS },
        { "www.example.test", "www.example.test.", NAME_DIFFERS },
        { "www.example.test", "", NAME_DIFFERS },
        { "192.0.2.1", "192.0.2.1", NAME_DIFFERS },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct host h = host(cases[i].host);

        if (name_match_dns(&h, span_str(cases[i].pattern)) != cases[i].expected)
            fail_msg("%s against %s", cases[i].host, cases[i].pattern);
    }
}

/* "www.example.com\0.evil.test" must not end at the NUL. */
static void a_nul_is_no_end(void **state)
{
    static const char pattern[] = "www.example.test\0.evil.test";
    struct host h = host("www.example.test");

    (void)state;
    assert_int_equal(name_match_dns(&h, span_of(pattern, sizeof pattern - 1)), NAME_DIFFERS);
}

static void public_names_are_told_from_private(void **state)
{
    static const char *const public_names[] = {
        "example.com", "a.example.test", "x.example", "192.0.2.7", "203.0.113.1", "8.8.8.8",
        "2001:db8::1", "local.example.com", "::ffff:8.8.8.8",
    };
    static const char *const private_names[] = {
        "printer", "printer.local", "nas.lan", "x.internal", "y.home.arpa", "z.corp",
        "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.1.1",
        "100.64.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(public_names); i++) {
        struct host h = host(public_names[i]);

        if (!host_is_public(&h))
            fail_msg("%s counts as private", public_names[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(private_names); i++) {
        struct host h = host(private_names[i]);

        if (host_is_public(&h))
            fail_msg("%s counts as public", private_names[i]);
    }
}

static void registrable_domains_are_found(void **state)
{
    struct host h = host("a.b.example.co.uk"), suffix = host("co.uk"), ip = host("192.0.2.1");

    (void)state;
    assert_string_equal(host_registrable(&h), "example.co.uk");
    assert_ptr_equal(host_registrable(&h), h.text + strlen("a.b."));
    assert_null(host_registrable(&suffix));
    assert_null(host_registrable(&ip));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_understood),
        cmocka_unit_test(patterns_cover_what_they_may),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(public_names_are_told_from_private),
        cmocka_unit_test(registrable_domains_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
