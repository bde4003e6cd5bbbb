#include "gate/bridge/h2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct h2 *h2_of(const struct bridge *b)
{
    return (struct h2 *)(uintptr_t)b;
}

const struct h2_memory *h2_memory_of(const struct bridge *b)
{
    return &h2_of(b)->memory;
}

static void ops_free(struct bridge *b)
{
    struct h2 *h = h2_of(b);

    for (const struct h2_stream *s = h->streams; s != NULL; s = s->next)
        exchange_free(s->x);
    h2_memory_deinit(&h->memory);
    free(h);
}

/* Too many heads wait for the other side: they are not under flow control.  Requests wait within
 * the server's concurrent streams, whose end may depend on what this very client sends, so they
 * are refused and never waited for. */
static bool has_to_wait(const struct h2 *h, enum bridge_side from)
{
    return from == BRIDGE_SERVER && h->leg[BRIDGE_CLIENT].heads_waiting >= H2_HEADS_MAX &&
           !h->leg[BRIDGE_CLIENT].done;
}

static void take(struct h2 *h, enum bridge_side from, struct mw_span bytes)
{
    struct h2_leg *leg = &h->leg[from];

    while (bytes.len > 0 && h->error == 0 && !leg->done && !has_to_wait(h, from)) {
        size_t n = h2_session_take(h, from, bytes);

        bytes = span_cut(bytes, n, bytes.len);
    }
    if (bytes.len > 0 && h->error == 0 && !leg->done &&
        h2_pipe_add(&h->memory, &leg->in, bytes) < 0)
        h2_session_check(h, from, NGHTTP2_ERR_NOMEM);
}

/* Goes on with what had to wait. */
static void take_waiting(struct h2 *h, enum bridge_side from, bool *progress)
{
    struct h2_pipe waiting = h->leg[from].in;

    if (waiting.len == 0 || has_to_wait(h, from))
        return;
    h->leg[from].in = (struct h2_pipe){ 0 };
    take(h, from, h2_pipe_span(&waiting));
    h2_pipe_drop(&h->memory, &waiting, waiting.len);
    *progress = true;
}

/* Streams that both sides are done with without having been closed one by one. */
static void sweep(struct h2 *h)
{
    for (struct h2_stream *s = h->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (!s->open[BRIDGE_CLIENT] && !s->open[BRIDGE_SERVER])
            h2_stream_free(h, s);
    }
}

void h2_pump(struct h2 *h)
{
    bool progress = true;

    if (h->running)
        return;
    h2_memory_wake(&h->memory);
    h->running = true;
    while (progress && h->error == 0) {
        progress = false;
        h2_session_flush(h, BRIDGE_SERVER, &progress);
        h2_session_flush(h, BRIDGE_CLIENT, &progress);
        take_waiting(h, BRIDGE_SERVER, &progress);
        take_waiting(h, BRIDGE_CLIENT, &progress);
    }
    if (h->leg[BRIDGE_CLIENT].done || h->leg[BRIDGE_SERVER].done)
        sweep(h);
    h->running = false;
}

static size_t ops_room(const struct bridge *b, enum bridge_side from)
{
    const struct h2 *h = h2_of(b);
    const struct h2_leg *leg = &h->leg[from];

    return leg->done || leg->eof || leg->in.len > 0 || has_to_wait(h, from) ? 0 : H2_FEED_MAX;
}

static int ops_feed(struct bridge *b, enum bridge_side from, struct mw_span bytes)
{
    struct h2 *h = h2_of(b);

    if (h->error != 0 || h->leg[from].done || h->leg[from].eof)
        return h->error;
    h2_memory_wake(&h->memory);
    h->running = true;
    h2_meter_fed(&h->leg[from].meter);
    take(h, from, bytes);
    h->running = false;
    h2_pump(h);
    return h->error;
}

static int ops_end(struct bridge *b, enum bridge_side from, bool cut)
{
    struct h2 *h = h2_of(b);
    struct h2_leg *leg = &h->leg[from];

    if (leg->eof)
        return h->error;
    leg->eof = true;
    h2_memory_wake(&h->memory);
    if (!leg->done && !leg->goaway && h->n_streams > 0)
        bridge_blame(&h->b, from, cut ? "HTTP/2: the connection was cut" :
                                        "HTTP/2: the connection ended inside an exchange");
    if (!leg->done) {
        leg->done = true;
        h2_session_gone(h, from);
    }
    h2_pump(h);
    return h->error;
}

static struct mw_span ops_out(const struct bridge *b, enum bridge_side to)
{
    return h2_pipe_span(&h2_of(b)->leg[to].out);
}

static void ops_sent(struct bridge *b, enum bridge_side to, size_t n)
{
    struct h2 *h = h2_of(b);

    h2_pipe_drop(&h->memory, &h->leg[to].out, n);
    /* Otherwise all there was to say is in there already. */
    if (h->error == 0 && h->leg[to].full && h->leg[to].out.len < H2_OUT_HIGH / 2)
        h2_pump(h);
}

static bool ops_finished(const struct bridge *b, enum bridge_side to)
{
    return h2_of(b)->leg[to].done;
}

static bool ops_over(const struct bridge *b)
{
    const struct h2 *h = h2_of(b);

    return h->error != 0 || (h->leg[BRIDGE_CLIENT].done && h->leg[BRIDGE_SERVER].done);
}

/* RFC 9113 section 6.8: a notice first, and the last word once the client has answered a ping
 * behind it, so that no request in flight is lost. */
static void ops_drain(struct bridge *b)
{
    struct h2 *h = h2_of(b);
    struct h2_leg *client = &h->leg[BRIDGE_CLIENT];

    if (h->draining || client->done || client->goaway || h->error != 0)
        return;
    h->draining = true;
    h2_memory_wake(&h->memory);
    h2_session_check(h, BRIDGE_CLIENT, nghttp2_submit_shutdown_notice(client->session));
    if (!client->done)
        h2_session_check(h, BRIDGE_CLIENT, nghttp2_submit_ping(client->session, 0, NULL));
    h2_pump(h);
}

static bool ops_idle(const struct bridge *b)
{
    const struct h2 *h = h2_of(b);

    return h->streams == NULL && h->leg[BRIDGE_CLIENT].out.len == 0 &&
           h->leg[BRIDGE_SERVER].out.len == 0 && h->leg[BRIDGE_SERVER].in.len == 0;
}

/* Nothing is on its way, neither in our pipes nor in the sessions: their last word was that they
 * have nothing more to say. */
static void ops_rest(struct bridge *b)
{
    struct h2 *h = h2_of(b);

    if (ops_idle(b) && !h->running && h->error == 0 && !h->leg[BRIDGE_CLIENT].full &&
        !h->leg[BRIDGE_SERVER].full)
        h2_memory_rest(&h->memory);
}

static const struct bridge_ops ops = {
    .free = ops_free,
    .room = ops_room,
    .feed = ops_feed,
    .end = ops_end,
    .out = ops_out,
    .sent = ops_sent,
    .finished = ops_finished,
    .over = ops_over,
    .drain = ops_drain,
    .idle = ops_idle,
    .rest = ops_rest,
};

int bridge_h2_new(struct bridge **out, const struct bridge_options *o)
{
    struct h2 *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return -ENOMEM;
    h->b.ops = &ops;
    h->b.protocol = "h2";
    h->memory.max = H2_MEMORY_MAX;
    h->max_streams = o->max_streams != 0 ? o->max_streams : 100;
    h->told_streams = h->max_streams;
    if (o->via != NULL)
        snprintf(h->via, sizeof h->via, "2 %s", o->via);
    if (h2_session_new(h, BRIDGE_SERVER) < 0 || h2_session_new(h, BRIDGE_CLIENT) < 0) {
        ops_free(&h->b);
        return -ENOMEM;
    }
    h2_pump(h);
    if (h->error != 0) {
        ops_free(&h->b);
        return -ENOMEM;
    }
    *out = &h->b;
    return 0;
}
