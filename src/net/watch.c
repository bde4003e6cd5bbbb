#include "net/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct watch {
    uv_poll_t poll;
    uv_timer_t timer;
    watch_fn *on_event;
    void *context;
    int open_handles;
    bool has_poll, freed;
};

static void watch_on_close(uv_handle_t *handle)
{
    struct watch *w = handle->data;

    if (--w->open_handles == 0)
        free(w);
}

static void watch_on_poll(uv_poll_t *poll, int status, int uv_events)
{
    struct watch *w = poll->data;
    unsigned events = 0;

    if (status < 0)
        events = WATCH_READ | WATCH_WRITE;
    if ((uv_events & (UV_READABLE | UV_DISCONNECT)) != 0)
        events |= WATCH_READ;
    if ((uv_events & UV_WRITABLE) != 0)
        events |= WATCH_WRITE;
    if (!w->freed && events != 0)
        w->on_event(w->context, events);
}

static void watch_on_timer(uv_timer_t *timer)
{
    struct watch *w = timer->data;

    if (!w->freed)
        w->on_event(w->context, WATCH_TIMEOUT);
}

int watch_new(struct watch **out, uv_loop_t *loop, int fd, watch_fn *on_event, void *context)
{
    struct watch *w = calloc(1, sizeof(*w));
    int r;

    if (w == NULL)
        return -ENOMEM;
    w->on_event = on_event;
    w->context = context;
    if (fd >= 0) {
        /* libuv's error numbers are negative errno values on every Unix. */
        r = uv_poll_init(loop, &w->poll, fd);
        if (r < 0) {
            free(w);
            return r;
        }
        w->poll.data = w;
        w->has_poll = true;
        w->open_handles++;
    }
    (void)uv_timer_init(loop, &w->timer);       /* cannot fail */
    w->timer.data = w;
    w->open_handles++;
    *out = w;
    return 0;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    w->freed = true;
    if (w->has_poll)
        uv_close((uv_handle_t *)&w->poll, watch_on_close);
    uv_close((uv_handle_t *)&w->timer, watch_on_close);
}

int watch_want(struct watch *w, unsigned events)
{
    int uv_events = 0;

    if ((events & WATCH_READ) != 0)
        uv_events |= UV_READABLE;
    if ((events & WATCH_WRITE) != 0)
        uv_events |= UV_WRITABLE;
    return uv_events != 0 ? uv_poll_start(&w->poll, uv_events, watch_on_poll)
                          : uv_poll_stop(&w->poll);
}

int watch_io(struct watch *w, enum io io)
{
    return watch_want(w, io == IO_WANT_WRITE ? WATCH_WRITE : WATCH_READ);
}

void watch_limit(struct watch *w, int64_t ms)
{
    (void)uv_timer_stop(&w->timer);
    if (ms < 0)
        return;
    /* The loop's time is that of the turn's beginning: a long turn would eat from the limit. */
    uv_update_time(w->timer.loop);
    (void)uv_timer_start(&w->timer, watch_on_timer, (uint64_t)ms, 0);
}
