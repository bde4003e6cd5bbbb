/* Addresses as people write them, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/addr.h"

static void addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *with_port;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1:443" },
        { "192.0.2.1:8443", "192.0.2.1:8443" },
        { "2001:DB8::1", "[2001:db8::1]:443" },
        { "[2001:db8::1]", "[2001:db8::1]:443" },
        { "[2001:db8::1]:8443", "[2001:db8::1]:8443" },
        { "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:443" },
    };
    char text[ADDR_TEXT];
    struct addr a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(addr_parse(&a, span_str(cases[i].text), 443), 0);
        addr_text(&a, true, text);
        assert_string_equal(text, cases[i].with_port);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const cases[] = {
        "", "example.com", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1:x", "192.0.2.256", "[192.0.2.1]:443", "[2001:db8::1", "[2001:db8::1]443",
        "[]:443", ":443", "2001:db8::1:zz", "127.0.0.1 ", "1.2.3.4:5:6",
    };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (addr_parse(&a, span_str(cases[i]), 443) == 0)
            fail_msg("\"%s\" was taken for an address", cases[i]);
    }
}

static void names_keep_their_port(void **state)
{
    struct mw_span host;
    uint16_t port;

    (void)state;
    assert_int_equal(host_port_split(SPAN_LIT("a.test:8443"), 443, &host, &port), 0);
    assert_true(span_eq(host, SPAN_LIT("a.test")));
    assert_int_equal(port, 8443);
    assert_int_equal(host_port_split(SPAN_LIT("a.test"), 443, &host, &port), 0);
    assert_int_equal(port, 443);
    assert_int_equal(host_port_split(SPAN_LIT("2001:db8::1"), 443, &host, &port), 0);
    assert_true(span_eq(host, SPAN_LIT("2001:db8::1")));
    assert_int_equal(host_port_split(SPAN_LIT("a.test:99999"), 443, &host, &port), -22);
}

static void loopback_has_three_forms(void **state)
{
    static const char *const at_home[] = { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1" };
    static const char *const abroad[] = { "128.0.0.1", "::2", "::ffff:192.0.2.1", "10.0.0.1" };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at_home); i++) {
        assert_int_equal(addr_parse(&a, span_str(at_home[i]), 0), 0);
        assert_true(addr_is_loopback(&a));
        assert_int_equal(addr_parse(&a, span_str(abroad[i]), 0), 0);
        assert_false(addr_is_loopback(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(names_keep_their_port),
        cmocka_unit_test(loopback_has_three_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
