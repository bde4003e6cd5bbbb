/* Every allocation fails once while a peer's bytes are read: it is told, and nothing leaks. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/response.h"
#include "net/ancient.h"
#include "probe/proxy.h"
#include "probe/starttls.h"

static bool run_response(void *context, size_t nth)
{
    struct http_response r = HTTP_RESPONSE_INIT(1000);
    struct mw_span in = SPAN_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "4\r\nwiki\r\n0\r\nSum: 1\r\n\r\n");
    enum http_state state;
    bool failed;

    (void)context;
    alloc_fail_arm(nth);
    state = http_response_feed(&r, &in);
    failed = alloc_fail_disarm();
    assert_int_equal(state, failed ? HTTP_BAD : HTTP_DONE);
    http_response_deinit(&r);
    return failed;
}

static void a_response(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_response, NULL) >= 3);
}

/* ServerHello, Certificate with a certificate "abc", ServerHelloDone. */
static bool run_flight(void *context, size_t nth)
{
    static const char hello[] = "\x16\3\3\0\x2a\2\0\0\x26\3\3" "0123456789abcdef0123456789abcdef"
                                "\0\0\5\0";
    static const char rest[] = "\x16\3\3\0\x11\x0b\0\0\x09\0\0\6\0\0\3" "abc" "\x0e\0\0\0";
    struct ancient_reader r = ANCIENT_READER_INIT(1000);
    enum io io;
    bool failed;

    (void)context;
    alloc_fail_arm(nth);
    io = ancient_read(&r, span_of(hello, sizeof(hello) - 1));
    if (io == IO_WANT_READ)
        io = ancient_read(&r, span_of(rest, sizeof(rest) - 1));
    failed = alloc_fail_disarm();
    assert_int_equal(io, failed ? IO_FAILED : IO_OK);
    assert_true(failed || r.flight.n_certs == 1);
    ancient_reader_deinit(&r);
    return failed;
}

static void a_servers_flight(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_flight, NULL) >= 3);
}

/* What could not be said must not pass for said: out keeps its failure. */
static bool run_starttls(void *context, size_t nth)
{
    struct starttls s = STARTTLS_INIT(PROBE_STARTTLS_IMAP, "site.lab.test");
    enum talk_state state;
    bool failed, told;

    (void)context;
    alloc_fail_arm(nth);
    buf_str(&s.talk.in, "* OK hello\r\nmw1 OK begin\r\n");
    state = starttls_step(&s);
    failed = alloc_fail_disarm();
    told = state == TALK_BROKEN || buf_error(&s.talk.out) != 0;
    assert_int_equal(told, failed);
    talk_deinit(&s.talk);
    return failed;
}

static void a_conversation(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_starttls, NULL) >= 2);
}

static bool run_proxy(void *context, size_t nth)
{
    struct proxy p;
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = proxy_parse(&p, "socks5h://ana:p%77d@proxy.test", NULL);
    failed = alloc_fail_disarm();
    assert_int_equal(r, failed ? -ENOMEM : 0);
    if (r == 0)
        proxy_deinit(&p);
    return failed;
}

static void a_proxys_settings(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_proxy, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response),
        cmocka_unit_test(a_servers_flight),
        cmocka_unit_test(a_conversation),
        cmocka_unit_test(a_proxys_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
