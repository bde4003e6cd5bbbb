#include "gate/wire/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/own.h"
#include "net/watch.h"

/* Messages handed out in one turn of the loop: the others' descriptors get theirs too. */
enum { MESSAGES_A_TURN = 32 };

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t bytes[];
};

struct channel {
    int fd;
    unsigned flags;
    channel_fn *on_message;
    void *context;
    struct watch *watch;
    struct waiting *first, *last;
    size_t waiting_bytes;
    bool gone;                  /* the other end was closed: told, and no longer watched */
    bool held;                  /* channel_hold() */
    bool busy, freed;           /* inside a callback; channel_free() was called there */
    uint8_t in[CHANNEL_MAX_MESSAGE];
};

/* ---------------------------------------------------------------- sending ---- */

static int want(struct channel *c)
{
    return watch_want(c->watch, (c->gone || c->held ? 0u : (unsigned)WATCH_READ) |
                                    (c->first != NULL ? (unsigned)WATCH_WRITE : 0u));
}

static int send_now(const struct channel *c, struct mw_span message)
{
    ssize_t n;

    do
        n = send(c->fd, message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static void drop_first(struct channel *c)
{
    struct waiting *w = c->first;

    c->first = w->next;
    if (c->first == NULL)
        c->last = NULL;
    c->waiting_bytes -= w->len;
    free(w);
}

static int wait_behind(struct channel *c, struct mw_span message)
{
    struct waiting *w;
    int r;

    if (message.len > CHANNEL_MAX_WAITING - c->waiting_bytes)
        return -EAGAIN;
    w = malloc(sizeof(*w) + message.len);
    if (w == NULL)
        return -ENOMEM;
    w->next = NULL;
    w->len = message.len;
    memcpy(w->bytes, message.data, message.len);
    if (c->last != NULL)
        c->last->next = w;
    else
        c->first = w;
    c->last = w;
    c->waiting_bytes += w->len;
    if (w != c->first)
        return 0;
    r = want(c);
    if (r < 0)
        drop_first(c);
    return r;
}

int channel_send(struct channel *c, struct mw_span message)
{
    int r = -EAGAIN;

    if (message.len > CHANNEL_MAX_MESSAGE)
        return -EMSGSIZE;
    if (message.len == 0)       /* it would be read as the end */
        return -EINVAL;
    if (c->freed || c->gone)
        return -EPIPE;
    if (c->first == NULL)
        r = send_now(c, message);
    return r == -EAGAIN ? wait_behind(c, message) : r;
}

size_t channel_waiting(const struct channel *c)
{
    return c->waiting_bytes;
}

static void flush(struct channel *c)
{
    while (c->first != NULL) {
        int r = send_now(c, span_of(c->first->bytes, c->first->len));

        if (r == -EAGAIN)
            return;
        /* Sent, or never to be: that the other end is gone is what reading says. */
        drop_first(c);
    }
    if (want(c) < 0)
        log_error("channel: cannot wait for messages");
}

/* -------------------------------------------------------------- receiving ---- */

static void destroy(struct channel *c)
{
    while (c->first != NULL)
        drop_first(c);
    watch_free(c->watch);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

/* Runs the callback; false: it freed the channel. */
static bool tell(struct channel *c, struct mw_span message)
{
    c->busy = true;
    c->on_message(c->context, message);
    c->busy = false;
    return !c->freed;
}

/* An empty packet and the end of the stream both read as 0. */
static bool other_end_is_closed(const struct channel *c)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* The length of the next message, which may be more than fits; 0: the end; -errno. */
static ssize_t receive(struct channel *c)
{
    int peek = (c->flags & CHANNEL_KEEP_UNTIL_HANDLED) != 0 ? MSG_PEEK : 0;
    ssize_t n;

    do
        n = recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT | MSG_TRUNC | peek);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Takes the message out of the socket that was only looked at until now. */
static void discard(const struct channel *c)
{
    uint8_t byte;
    ssize_t n;

    if ((c->flags & CHANNEL_KEEP_UNTIL_HANDLED) == 0)
        return;
    do
        n = recv(c->fd, &byte, sizeof(byte), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
}

static void on_end(struct channel *c)
{
    c->gone = true;
    if (want(c) < 0)
        log_error("channel: cannot stop waiting for messages");
    if (!tell(c, (struct mw_span){ 0 }))
        destroy(c);
}

/* One message; false: stop for this turn. */
static bool take_one(struct channel *c)
{
    ssize_t n = receive(c);
    bool alive = true;

    if (n == -EAGAIN)
        return false;
    if (n < 0 || (n == 0 && other_end_is_closed(c))) {
        on_end(c);
        return false;
    }
    if ((size_t)n > sizeof(c->in))
        log_warning("channel: a message of %zd bytes is over the limit and was dropped", n);
    else if (n > 0)
        alive = tell(c, span_of(c->in, (size_t)n));
    if (!c->held)
        discard(c);
    if (!alive)
        destroy(c);
    return alive && !c->held;
}

static void on_event(void *context, unsigned events)
{
    struct channel *c = context;

    if ((events & WATCH_WRITE) != 0)
        flush(c);
    if ((events & WATCH_READ) == 0 || c->gone || c->held)
        return;
    for (int i = 0; i < MESSAGES_A_TURN; i++)
        if (!take_one(c))
            return;
}

/* ------------------------------------------------------------------- life ---- */

int channel_new(struct channel **out, uv_loop_t *loop, int fd, unsigned flags,
                channel_fn *on_message, void *context)
{
    struct channel *c = malloc(sizeof(*c));
    int r;

    if (c == NULL)
        return -ENOMEM;
    memset(c, 0, offsetof(struct channel, in));
    c->fd = -1;
    c->flags = flags;
    c->on_message = on_message;
    c->context = context;
    r = watch_new(&c->watch, loop, fd, on_event, c);
    if (r == 0)
        r = want(c);
    if (r < 0) {
        destroy(c);
        return r;
    }
    c->fd = fd;
    *out = c;
    return 0;
}

void channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    c->freed = true;
    if (!c->busy)
        destroy(c);
}

static void hold(struct channel *c, bool held)
{
    c->held = held;
    if (want(c) < 0)
        log_error("channel: cannot %s messages", held ? "stop waiting for" : "wait for");
}

void channel_hold(struct channel *c)
{
    hold(c, true);
}

void channel_resume(struct channel *c)
{
    hold(c, false);
}

int channel_pair(int fds[2])
{
    /* Linux counts its own bookkeeping too, about as much again. */
    const int room = 3 * CHANNEL_MAX_MESSAGE;
    int got[2] = { -1, -1 };

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, got) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        int has = 0;
        socklen_t len = sizeof(has);

        if (setsockopt(got[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) < 0 ||
            getsockopt(got[i], SOL_SOCKET, SO_SNDBUF, &has, &len) < 0 ||
            has < CHANNEL_MAX_MESSAGE + 4096) {
            close(got[0]);
            close(got[1]);
            return -ENOBUFS;
        }
    }
    memcpy(fds, got, sizeof(got));
    return 0;
}
