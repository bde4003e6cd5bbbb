/* Several addresses, of which some refuse or say nothing: the first that answers wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/connect.h"
#include "net/sock.h"
#include "peer.h"

struct got {
    unsigned told;
    struct connect_result result;
};

static void keep(void *context, const struct connect_result *result)
{
    struct got *g = context;

    g->told++;
    g->result = *result;
}

static struct got connect_all(const struct addr *addrs, size_t n, int64_t limit_ms)
{
    struct got got = { .told = 0 };
    struct connecting *c;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(connect_begin(&c, &loop, addrs, n, limit_ms, keep, &got), 0);
    assert_int_equal(got.told, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(got.told, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
    return got;
}

/* A listener whose queue is full: it answers no more. */
struct mute {
    int fds[4];
    struct addr addr;
};

static void mute_open(struct mute *m)
{
    assert_int_equal(addr_parse(&m->addr, SPAN_LIT("127.0.0.1"), 0), 0);
    assert_int_equal(sock_listen(&m->fds[0], &m->addr, 0), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(sock_tcp_begin(&m->fds[i], &m->addr), 0);
}

static void mute_close(struct mute *m)
{
    for (int i = 0; i < 4; i++)
        close(m->fds[i]);
}

static struct addr nobody(void)
{
    char at[ADDR_TEXT];
    struct addr a;

    peer_nobody(at);
    assert_int_equal(addr_parse(&a, span_str(at), 0), 0);
    return a;
}

static void wait_part(int fd, void *unused)
{
    (void)unused;
    peer_wait_for_end(fd);
}

static void the_next_is_tried_at_once_after_a_refusal(void **state)
{
    struct peer *p = peer_start(wait_part, NULL);
    struct addr addrs[] = { nobody(), nobody(), *peer_addr(p) };
    struct mono before = mono_now();
    struct got got = connect_all(addrs, 3, 2000);

    (void)state;
    assert_true(got.result.fd >= 0);
    assert_int_equal(got.result.error, SOCK_OK);
    assert_true(addr_eq(&got.result.peer, peer_addr(p)));
    assert_int_equal(got.result.tried, 3);
    assert_true(mono_diff_ns(before, mono_now()) < 240 * 1000000);
    close(got.result.fd);
    peer_stop(p);
}

static void silence_does_not_hold_up_the_others(void **state)
{
    struct peer *p = peer_start(wait_part, NULL);
    struct mute m;
    struct mono before = mono_now();
    struct got got;

    (void)state;
    mute_open(&m);
    got = connect_all((struct addr[]){ m.addr, *peer_addr(p) }, 2, 5000);
    assert_true(got.result.fd >= 0);
    assert_true(addr_eq(&got.result.peer, peer_addr(p)));
    assert_in_range(mono_diff_ns(before, mono_now()) / 1000000, CONNECT_STAGGER_MS - 10, 2000);
    close(got.result.fd);
    mute_close(&m);
    peer_stop(p);
}

static void the_most_telling_failure_is_told(void **state)
{
    struct mute m;
    struct got got;

    (void)state;
    mute_open(&m);
    got = connect_all(&m.addr, 1, 100);
    assert_int_equal(got.result.fd, -1);
    assert_int_equal(got.result.error, SOCK_TIMEOUT);
    got = connect_all((struct addr[]){ m.addr, nobody() }, 2, 300);
    assert_int_equal(got.result.error, SOCK_REFUSED);
    mute_close(&m);
}

static void a_cancelled_attempt_is_silent(void **state)
{
    struct got got = { .told = 0 };
    struct connecting *c;
    struct addr a = nobody();
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(connect_begin(&c, &loop, &a, 1, 1000, keep, &got), 0);
    connect_cancel(c);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(got.told, 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(connect_begin(&c, &loop, NULL, 0, 1000, keep, &got), -22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_is_tried_at_once_after_a_refusal),
        cmocka_unit_test(silence_does_not_hold_up_the_others),
        cmocka_unit_test(the_most_telling_failure_is_told),
        cmocka_unit_test(a_cancelled_attempt_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
