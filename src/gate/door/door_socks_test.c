/*
 * SOCKS5 at the door, at every split of what a client says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "gate/door/door_test_talk.h"

struct socks_case {
    const char *hex;            /* what the client says; "|" separates what is not the door's */
    enum door_state state;
    const char *host;
    uint16_t port;
    const char *out;            /* hex */
};

static void check_socks(const struct gate_config *c, const struct socks_case *k)
{
    CLEANUP(buf_deinit) struct buf said = BUF_INIT(4096), out = BUF_INIT(4096);
    struct mw_span own = span_str(k->hex);
    const char *bar = strchr(k->hex, '|');
    size_t rest = 0;

    if (bar != NULL)
        own.len = (size_t)(bar - k->hex);
    assert_int_equal(text_unhex(&said, own), 0);
    if (bar != NULL) {
        rest = said.len;
        assert_int_equal(text_unhex(&said, span_str(bar + 1)), 0);
        rest = said.len - rest;
    }
    for (size_t step = 1; step <= said.len; step++) {
        struct talk t = talk(c, GATE_ENTRANCE_SOCKS5, buf_span(&said), step);

        if (t.state != k->state)
            fail_msg("%s, in steps of %zu: state %d: %s", k->hex, step, t.state,
                     door_why(t.door));
        buf_truncate(&out, 0);
        text_hex(&out, door_out(t.door), 0);
        assert_string_equal(out.len > 0 ? (const char *)out.data : "", k->out);
        if (k->host != NULL) {
            assert_string_equal(door_host(t.door), k->host);
            assert_int_equal(door_port(t.door), k->port);
        }
        if (k->state == DOOR_TUNNEL)
            assert_int_equal(t.left, rest);
        door_free(t.door);
    }
}

#define FAILED(code) "0500" "05" code "0001000000000000"

static void socks_tells_where_to(void **state)
{
    static const struct socks_case cases[] = {
        { "050100 05010001c0000207 01bb|1603", DOOR_TUNNEL, "192.0.2.7", 443, "0500" },
        { "05020200 050100030641 2e54657374 0050", DOOR_TUNNEL, "a.test", 80, "0500" },
        { "050100 0501000420010db8000000000000000000000001 ffff", DOOR_TUNNEL, "2001:db8::1",
          65535, "0500" },
        { "050100 0501000400000000000000000000ffffc0000207 01bb", DOOR_TUNNEL, "192.0.2.7", 443,
          "0500" },
        { "050100 050100030f6dc3bc6e6368656e2e74657374 2e2e 0050", DOOR_BAD, NULL, 0,
          FAILED("01") },
        { "050100 050100030d6dc3bc6e6368656e2e74657374 0050", DOOR_TUNNEL, "xn--mnchen-3ya.test",
          80, "0500" },
        { "050100 05020001c0000207 01bb", DOOR_BAD, NULL, 0, FAILED("07") },
        { "050100 05030001c0000207 01bb", DOOR_BAD, NULL, 0, FAILED("07") },
        { "050100 05010002", DOOR_BAD, NULL, 0, FAILED("08") },
        { "050100 05010101c0000207 01bb", DOOR_BAD, NULL, 0, FAILED("01") },
        { "050100 05010001c0000207 0000", DOOR_BAD, NULL, 0, FAILED("01") },
        { "050100 0501000300 0050", DOOR_BAD, NULL, 0, FAILED("01") },
        { "050100 0501000303 610062 0050", DOOR_BAD, NULL, 0, FAILED("01") },
        { "050100 0501000305 5b3a3a315d 0050", DOOR_BAD, NULL, 0, FAILED("01") },
        { "050100 04", DOOR_BAD, NULL, 0, FAILED("01") },
        { "0500", DOOR_BAD, NULL, 0, "05ff" },
        { "050102", DOOR_BAD, NULL, 0, "05ff" },
        { "04010050c000020700", DOOR_BAD, NULL, 0, "005b000000000000" },
        { "16", DOOR_BAD, NULL, 0, "" },
        { "050100 05010001c0", DOOR_MORE, NULL, 0, "0500" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_socks(&open_gate, &cases[i]);
}

static void socks_asks_to_sign_in(void **state)
{
    static const struct socks_case cases[] = {
        { "05020002 0105616c6963650b6f70656e3a736573616d65 05010001c0000207 01bb", DOOR_TUNNEL,
          "192.0.2.7", 443, "05020100" },
        { "050102 0103626f6200 05010001c0000207 01bb", DOOR_TUNNEL, "192.0.2.7", 443, "05020100" },
        { "050102 0103657665 0178", DOOR_BAD, NULL, 0, "05020101" },
        { "050102 05", DOOR_BAD, NULL, 0, "05020101" },
        { "050100", DOOR_BAD, NULL, 0, "05ff" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_socks(&users_gate, &cases[i]);
}

static void socks_reaches_our_own_pages(void **state)
{
    static const char said[] = "\x05\x01\x00\x05\x01\x00\x03\x0dmidwatch.gate\x00\x50"
                               "GET /install HTTP/1.1\r\nHost: midwatch.gate\r\n\r\n";

    (void)state;
    for (size_t step = 1; step < sizeof(said); step++) {
        struct talk t = talk(&open_gate, GATE_ENTRANCE_SOCKS5, span_of(said, sizeof(said) - 1),
                             step);

        assert_int_equal(t.state, DOOR_LOCAL);
        assert_string_equal(door_path(t.door), "/install");
        assert_int_equal(door_out(t.door).len, 12);
        door_free(t.door);
    }
}

static void socks_answers_http_in_http(void **state)
{
    struct talk t = talk(&open_gate, GATE_ENTRANCE_SOCKS5, SPAN_LIT("CONNECT a.test:443"), 1);

    (void)state;
    assert_int_equal(t.state, DOOR_BAD);
    assert_memory_equal(door_out(t.door).data, "HTTP/1.1 400 ", 13);
    assert_non_null(strstr(talk_out(t.door), "SOCKS proxy"));
    door_free(t.door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socks_tells_where_to),
        cmocka_unit_test(socks_asks_to_sign_in),
        cmocka_unit_test(socks_reaches_our_own_pages),
        cmocka_unit_test(socks_answers_http_in_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
