/* Messages stay whole and in order; what does not fit waits; a killed reader loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/wire/channel.h"

struct heard {
    unsigned messages, ends;
    size_t last_len;
    uint8_t first_byte, last_byte;
    uint32_t next;              /* numbered messages: the one expected */
    bool in_order;
    struct channel *free_this, *hold_this;
    uv_loop_t *loop;
    unsigned stop_at;
};

static void hear(void *context, struct mw_span message)
{
    struct heard *h = context;

    if (message.len == 0)
        h->ends++;
    else
        h->messages++;
    h->last_len = message.len;
    if (message.len > 0) {
        h->first_byte = message.data[0];
        h->last_byte = message.data[message.len - 1];
    }
    if (message.len >= 4) {
        uint32_t n;

        memcpy(&n, message.data, sizeof(n));
        h->in_order = h->in_order && n == h->next;
        h->next = n + 1;
    }
    if (h->free_this != NULL) {
        channel_free(h->free_this);
        h->free_this = NULL;
    }
    if (h->hold_this != NULL) {
        channel_hold(h->hold_this);
        h->hold_this = NULL;
    }
    if (h->loop != NULL && (h->messages == h->stop_at || message.len == 0))
        uv_stop(h->loop);
}

struct pair {
    uv_loop_t loop;
    int fds[2];
    struct channel *a, *b;
    struct heard at_a, at_b;
};

static void pair_open(struct pair *p, unsigned flags)
{
    *p = (struct pair){ .at_a.in_order = true, .at_b.in_order = true };
    assert_int_equal(uv_loop_init(&p->loop), 0);
    assert_int_equal(channel_pair(p->fds), 0);
    assert_int_equal(channel_new(&p->a, &p->loop, p->fds[0], flags, hear, &p->at_a), 0);
    assert_int_equal(channel_new(&p->b, &p->loop, p->fds[1], flags, hear, &p->at_b), 0);
    p->at_a.loop = p->at_b.loop = &p->loop;
}

static void pair_close(struct pair *p)
{
    channel_free(p->a);
    channel_free(p->b);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
}

static void until(struct pair *p, struct heard *h, unsigned messages)
{
    h->stop_at = messages;
    while (h->messages < messages && h->ends == 0)
        uv_run(&p->loop, UV_RUN_ONCE);
    assert_int_equal(h->messages, messages);
}

static void messages_stay_whole(void **state)
{
    static uint8_t large[CHANNEL_MAX_MESSAGE];
    struct pair p;

    (void)state;
    memset(large, 7, sizeof(large));
    large[sizeof(large) - 1] = 9;
    for (unsigned flags = 0; flags <= CHANNEL_KEEP_UNTIL_HANDLED; flags++) {
        pair_open(&p, flags);
        assert_int_equal(channel_send(p.a, SPAN_LIT("one")), 0);
        assert_int_equal(channel_send(p.a, SPAN_LIT("second")), 0);
        until(&p, &p.at_b, 2);
        assert_int_equal(p.at_b.last_len, 6);
        assert_int_equal(channel_send(p.a, span_of(large, sizeof(large))), 0);
        until(&p, &p.at_b, 3);
        assert_int_equal(p.at_b.last_len, sizeof(large));
        assert_int_equal(p.at_b.first_byte, 7);
        assert_int_equal(p.at_b.last_byte, 9);
        assert_int_equal(channel_send(p.b, SPAN_LIT("back")), 0);
        until(&p, &p.at_a, 1);
        pair_close(&p);
    }
}

static void too_large_and_empty_are_refused(void **state)
{
    static uint8_t large[CHANNEL_MAX_MESSAGE + 1];
    struct pair p;

    (void)state;
    pair_open(&p, 0);
    assert_int_equal(channel_send(p.a, span_of(large, sizeof(large))), -EMSGSIZE);
    assert_int_equal(channel_send(p.a, (struct mw_span){ 0 }), -EINVAL);
    pair_close(&p);
}

/* A process that sends by other means than channel_send(). */
static void foreign_packets_do_no_harm(void **state)
{
    static uint8_t large[CHANNEL_MAX_MESSAGE + 1] = { 1 };
    struct pair p;

    (void)state;
    for (unsigned flags = 0; flags <= CHANNEL_KEEP_UNTIL_HANDLED; flags++) {
        pair_open(&p, flags);
        assert_int_equal(send(p.fds[0], large, sizeof(large), 0), sizeof(large));
        assert_int_equal(send(p.fds[0], large, 0, 0), 0);
        assert_int_equal(channel_send(p.a, SPAN_LIT("after")), 0);
        until(&p, &p.at_b, 1);
        assert_int_equal(p.at_b.last_len, 5);
        assert_int_equal(p.at_b.ends, 0);
        pair_close(&p);
    }
}

static void what_does_not_fit_waits_in_order(void **state)
{
    static uint8_t message[1000];
    uint32_t sent = 0;
    struct pair p;

    (void)state;
    pair_open(&p, 0);
    while (channel_waiting(p.a) < 100 * sizeof(message)) {
        memcpy(message, &sent, sizeof(sent));
        sent++;
        assert_int_equal(channel_send(p.a, span_of(message, sizeof(message))), 0);
    }
    until(&p, &p.at_b, sent);
    assert_true(p.at_b.in_order);
    assert_int_equal(channel_waiting(p.a), 0);
    pair_close(&p);
}

static void what_waits_is_bounded(void **state)
{
    static uint8_t message[CHANNEL_MAX_MESSAGE];
    struct pair p;
    int r = 0;

    (void)state;
    pair_open(&p, 0);
    for (unsigned i = 0; i < 1000 && r == 0; i++)
        r = channel_send(p.a, span_of(message, sizeof(message)));
    assert_int_equal(r, -EAGAIN);
    assert_true(channel_waiting(p.a) <= CHANNEL_MAX_WAITING);
    assert_true(channel_waiting(p.a) > CHANNEL_MAX_WAITING - CHANNEL_MAX_MESSAGE);
    /* Freed with all that waits. */
    pair_close(&p);
}

static void the_end_is_told_once(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, 0);
    assert_int_equal(channel_send(p.a, SPAN_LIT("last words")), 0);
    channel_free(p.a);
    p.a = NULL;
    uv_run(&p.loop, UV_RUN_DEFAULT);    /* b watches nothing any more, so this ends */
    uv_run(&p.loop, UV_RUN_DEFAULT);
    assert_int_equal(p.at_b.messages, 1);
    assert_int_equal(p.at_b.ends, 1);
    assert_int_equal(channel_send(p.b, SPAN_LIT("hello?")), -EPIPE);
    pair_close(&p);
}

static void may_be_freed_from_its_own_callback(void **state)
{
    struct pair p;
    char left[8];
    int spare;

    (void)state;
    pair_open(&p, CHANNEL_KEEP_UNTIL_HANDLED);
    spare = dup(p.fds[1]);      /* what was handled must be out of the socket */
    assert_true(spare >= 0);
    assert_int_equal(channel_send(p.a, SPAN_LIT("1")), 0);
    assert_int_equal(channel_send(p.a, SPAN_LIT("22")), 0);
    p.at_b.free_this = p.b;
    until(&p, &p.at_b, 1);
    p.b = NULL;
    uv_run(&p.loop, UV_RUN_NOWAIT);
    assert_int_equal(p.at_b.messages, 1);
    assert_int_equal(recv(spare, left, sizeof(left), MSG_DONTWAIT), 2);
    close(spare);
    pair_close(&p);
}

static void what_could_not_be_handled_comes_again(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, CHANNEL_KEEP_UNTIL_HANDLED);
    assert_int_equal(channel_send(p.a, SPAN_LIT("1")), 0);
    assert_int_equal(channel_send(p.a, SPAN_LIT("22")), 0);
    p.at_b.hold_this = p.b;
    until(&p, &p.at_b, 1);
    for (int i = 0; i < 5; i++)
        uv_run(&p.loop, UV_RUN_NOWAIT);
    assert_int_equal(p.at_b.messages, 1);
    assert_int_equal(channel_send(p.b, SPAN_LIT("held")), 0); /* the other way goes on */
    until(&p, &p.at_a, 1);
    channel_resume(p.b);
    until(&p, &p.at_b, 3); /* the first one twice, then the second */
    assert_int_equal(p.at_b.last_len, 2);
    pair_close(&p);
}

static void die(void *context, struct mw_span message)
{
    const unsigned *at = context;

    (void)message;
    if (message.len > 0 && message.data[0] == *at)
        _exit(42);
}

/* In a process of its own: reads until the message that begins with `at`, and is gone. */
static void reader_killed_at(int fd, unsigned flags, unsigned at)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct channel *c;
        uv_loop_t loop;

        if (uv_loop_init(&loop) == 0 && channel_new(&c, &loop, fd, flags, die, &at) == 0)
            uv_run(&loop, UV_RUN_DEFAULT);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

static void a_killed_reader_finds_its_message_again(void **state)
{
    static const struct {
        unsigned flags;
        uint8_t next;           /* what the reader's successor reads first */
    } cases[] = {
        { CHANNEL_KEEP_UNTIL_HANDLED, 2 },
        { 0, 3 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct heard h = { .in_order = true };
        struct channel *c;
        uv_loop_t loop;
        int fds[2];

        assert_int_equal(channel_pair(fds), 0);
        for (uint8_t n = 1; n <= 3; n++)
            assert_int_equal(send(fds[0], &n, 1, 0), 1);
        reader_killed_at(fds[1], cases[i].flags, 2);

        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(channel_new(&c, &loop, fds[1], cases[i].flags, hear, &h), 0);
        h.free_this = c;
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(h.first_byte, cases[i].next);
        assert_int_equal(uv_loop_close(&loop), 0);
        close(fds[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_stay_whole),
        cmocka_unit_test(too_large_and_empty_are_refused),
        cmocka_unit_test(foreign_packets_do_no_harm),
        cmocka_unit_test(what_does_not_fit_waits_in_order),
        cmocka_unit_test(what_could_not_be_handled_comes_again),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(the_end_is_told_once),
        cmocka_unit_test(may_be_freed_from_its_own_callback),
        cmocka_unit_test(a_killed_reader_finds_its_message_again),
    };

    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
