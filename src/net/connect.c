#include "net/connect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "net/sock.h"
#include "net/watch.h"

struct attempt {
    struct connecting *owner;
    struct addr to;
    int fd;                     /* -1: not begun, or over */
    struct watch *watch;
    struct mono begun;
};

struct connecting {
    uv_loop_t *loop;
    struct watch *pace;         /* when the next address is due, or the end is told */
    struct attempt attempts[CONNECT_MAX_ADDRESSES];
    size_t n, next, under_way;
    int64_t limit_ms;
    struct connect_result result;
    connect_fn *on_done;
    void *context;
};

static void attempt_end(struct attempt *a)
{
    watch_free(a->watch);
    a->watch = NULL;
    own_close(&a->fd);
    a->fd = -1;
}

void connect_cancel(struct connecting *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->next; i++)
        attempt_end(&c->attempts[i]);
    watch_free(c->pace);
    free(c);
}

static void connect_finish(struct connecting *c)
{
    struct connect_result result = c->result;
    connect_fn *on_done = c->on_done;
    void *context = c->context;

    result.tried = c->next;
    connect_cancel(c);
    on_done(context, &result);
}

/* Refused says most: a machine answered.  No route says least: it may only mean that this
 * computer has no IPv6. */
static int telling(enum sock_error e)
{
    static const int rank[] = { [SOCK_NO_ROUTE] = 1, [SOCK_BROKEN] = 2, [SOCK_TIMEOUT] = 3,
                                [SOCK_CLOSED] = 4,   [SOCK_RESET] = 4,  [SOCK_REFUSED] = 5 };

    return rank[e];
}

static void connect_next(struct connecting *c);

static void attempt_failed(struct attempt *a, enum sock_error error)
{
    struct connecting *c = a->owner;

    attempt_end(a);
    if (c->result.error == SOCK_OK || telling(error) > telling(c->result.error)) {
        c->result.error = error;
        c->result.peer = a->to;
    }
    c->under_way--;
    /* Through the timer, so that nothing is called back from within connect_begin(). */
    if (c->next < c->n || c->under_way == 0)
        watch_limit(c->pace, 0);
}

static void attempt_on_event(void *context, unsigned events)
{
    struct attempt *a = context;
    struct connecting *c = a->owner;
    enum sock_error error;

    error = (events & WATCH_TIMEOUT) != 0 ? SOCK_TIMEOUT : sock_connected(a->fd);
    if (error != SOCK_OK) {
        attempt_failed(a, error);
        return;
    }
    c->result = (struct connect_result){
        .fd = a->fd,
        .peer = a->to,
        .connect_us = mono_diff_ns(a->begun, mono_now()) / 1000,
    };
    a->fd = -1;
    connect_finish(c);
}

static void attempt_begin(struct attempt *a)
{
    struct connecting *c = a->owner;
    int r;

    c->under_way++;
    a->begun = mono_now();
    r = sock_tcp_begin(&a->fd, &a->to);
    if (r == 0)
        r = watch_new(&a->watch, c->loop, a->fd, attempt_on_event, a);
    if (r == 0)
        r = watch_want(a->watch, WATCH_WRITE);
    if (r < 0) {
        attempt_failed(a, sock_error_of(-r));
        return;
    }
    watch_limit(a->watch, c->limit_ms);
}

static void connect_next(struct connecting *c)
{
    attempt_begin(&c->attempts[c->next++]);
    if (c->next < c->n && c->under_way > 0)
        watch_limit(c->pace, CONNECT_STAGGER_MS);
}

static void connect_on_pace(void *context, unsigned events)
{
    struct connecting *c = context;

    (void)events;
    if (c->next < c->n)
        connect_next(c);
    else if (c->under_way == 0)
        connect_finish(c);
}

int connect_begin(struct connecting **out, uv_loop_t *loop, const struct addr *addrs,
                  size_t n_addrs, int64_t limit_ms, connect_fn *on_done, void *context)
{
    struct connecting *c;
    int r;

    if (n_addrs == 0)
        return -EINVAL;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    c->loop = loop;
    c->limit_ms = limit_ms;
    c->on_done = on_done;
    c->context = context;
    c->result.fd = -1;
    c->n = n_addrs < CONNECT_MAX_ADDRESSES ? n_addrs : CONNECT_MAX_ADDRESSES;
    for (size_t i = 0; i < c->n; i++)
        c->attempts[i] = (struct attempt){ .owner = c, .to = addrs[i], .fd = -1 };
    r = watch_new(&c->pace, loop, -1, connect_on_pace, c);
    if (r < 0) {
        free(c);
        return r;
    }
    connect_next(c);
    *out = c;
    return 0;
}
