#include <errno.h>
#include <stdio.h>

#include "gate/bridge/h2.h"

struct h2_stream *h2_stream_new(struct h2 *h, int32_t client_id)
{
    struct h2_stream *s = h2_alloc(&h->memory, sizeof(*s));

    if (s == NULL)
        return NULL;
    *s = (struct h2_stream){ .h = h, .next = h->streams };
    s->id[BRIDGE_CLIENT] = client_id;
    s->open[BRIDGE_CLIENT] = true;
    if (s->next != NULL)
        s->next->prev = s;
    h->streams = s;
    h->n_streams++;
    return s;
}

void h2_stream_free(struct h2 *h, struct h2_stream *s)
{
    if (s->next != NULL)
        s->next->prev = s->prev;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        h->streams = s->next;
    h->n_streams--;
    exchange_free(s->x);
    h2_stream_drop(h, s, BRIDGE_CLIENT);
    h2_stream_drop(h, s, BRIDGE_SERVER);
    h2_free(&h->memory, s->websocket);
    h2_free(&h->memory, s->text);
    h2_free(&h->memory, s);
}

/* Whoever takes what comes may be sent more at once: two windows were taken, and little waits.
 * The connection's window keeps what it once grew to. */
static void window_grow(struct h2 *h, struct h2_stream *s, enum bridge_side to, size_t n)
{
    struct h2_way *way = &s->to[to];
    enum bridge_side from = h2_other(to);
    struct h2_leg *leg = &h->leg[from];
    size_t window = H2_STREAM_WINDOW + way->growth;

    way->taken += n;
    if (way->owed > window / 4 || way->taken < 2 * window || way->came_end || !s->open[from] ||
        leg->growth + window > H2_GROWTH_MAX)
        return;
    way->taken = 0;
    way->growth += window;
    leg->growth += window;
    h2_session_check(h, from,
                     nghttp2_session_set_local_window_size(leg->session, 0, s->id[from],
                                                           (int32_t)(2 * window)));
    if (leg->done || leg->growth <= leg->growth_most)
        return;
    leg->growth_most = leg->growth;
    h2_session_check(h, from,
                     nghttp2_session_set_local_window_size(
                         leg->session, 0, 0, (int32_t)(H2_CONNECTION_WINDOW + leg->growth)));
}

void h2_stream_settle(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    struct h2_way *way = &s->to[to];
    enum bridge_side from = h2_other(to);
    size_t holds = way->pipe.len + way->raw.len, n;

    if (way->owed <= holds)
        return;
    n = way->owed - holds;
    way->owed = holds;
    if (h->leg[from].done)
        return;
    h2_session_check(h, from, nghttp2_session_consume(h->leg[from].session, s->id[from], n));
    if (!h->leg[from].done)
        window_grow(h, s, to, n);
}

void h2_stream_drop(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    struct h2_way *way = &s->to[to];

    h2_pipe_drop(&h->memory, &way->pipe, way->pipe.len);
    h2_pipe_drop(&h->memory, &way->raw, way->raw.len);
    h2_head_clear(&h->memory, &way->head);
    h2_head_clear(&h->memory, &way->trailers);
    way->head_waits = false;
    h2_stream_settle(h, s, to);
}

void h2_stream_reset(struct h2 *h, struct h2_stream *s, enum bridge_side side, uint32_t code)
{
    struct h2_leg *leg = &h->leg[side];

    /* Twice would be wrong: a request that still waits for its turn is only cancelled by the first,
     * and the second would go out for a stream that its server never heard of. */
    if (!s->open[side] || s->reset[side] || leg->done)
        return;
    s->reset[side] = true;
    h2_session_check(h, side, nghttp2_submit_rst_stream(leg->session, 0, s->id[side], code));
}

/* What the other side has to hear when this one is closed.  RFC 9113 section 8.1: a response may
 * be complete before its request is; NO_ERROR then asks the client to stop sending. */
static void close_other(struct h2 *h, struct h2_stream *s, enum bridge_side side, uint32_t code)
{
    const struct h2_way *to_client = &s->to[BRIDGE_CLIENT];

    if (side == BRIDGE_CLIENT) {
        if (!to_client->sent_end || code != NGHTTP2_NO_ERROR)
            h2_stream_reset(h, s, BRIDGE_SERVER, code != NGHTTP2_NO_ERROR ? code : NGHTTP2_CANCEL);
    } else if (s->answered) {
        return;
    } else if (!to_client->came_end) {
        h2_stream_reset(h, s, BRIDGE_CLIENT,
                        code != NGHTTP2_NO_ERROR ? code : NGHTTP2_INTERNAL_ERROR);
    } else if (to_client->sent_end && !s->to[BRIDGE_SERVER].came_end) {
        h2_stream_reset(h, s, BRIDGE_CLIENT, NGHTTP2_NO_ERROR);
    }
}

void h2_stream_closed(struct h2 *h, struct h2_stream *s, enum bridge_side side, uint32_t code)
{
    enum bridge_side other = h2_other(side);

    s->open[side] = false;
    h->leg[side].growth -= s->to[other].growth;
    s->to[other].growth = 0;
    h2_stream_drop(h, s, side);
    if (side == BRIDGE_CLIENT && s->to[side].sent_end && code == NGHTTP2_NO_ERROR) {
        h2_meter_earn_exchange(&h->leg[BRIDGE_CLIENT].meter);
        h2_meter_earn_exchange(&h->leg[BRIDGE_SERVER].meter);
    }
    if (s->open[other])
        close_other(h, s, side, code);
    else
        h2_stream_free(h, s);
}

void h2_stream_sent_end(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    enum bridge_side other = h2_other(to);

    s->to[to].sent_end = true;
    if (!s->to[other].came_end && (s->answered || !s->open[other]))
        h2_stream_reset(h, s, to, to == BRIDGE_CLIENT ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
}

/* -------------------------------------------------------------------------------- answers ---- */

static nghttp2_nv nv(const char *name, struct mw_span value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.data,
                         strlen(name), value.len, NGHTTP2_NV_FLAG_NONE };
}

void h2_stream_answer(struct h2 *h, struct h2_stream *s, const struct bridge_answer *a)
{
    struct h2_leg *client = &h->leg[BRIDGE_CLIENT];
    struct h2_way *way = &s->to[BRIDGE_CLIENT];
    nghttp2_data_provider source = h2_stream_source(s);
    nghttp2_nv fields[5];
    char status[8], length[24];
    size_t n = 0;

    s->answered = true;
    h2_stream_drop(h, s, BRIDGE_SERVER);
    h2_stream_drop(h, s, BRIDGE_CLIENT);
    h2_stream_reset(h, s, BRIDGE_SERVER, NGHTTP2_CANCEL);
    if (!s->open[BRIDGE_CLIENT] || client->done)
        return;
    snprintf(status, sizeof status, "%03d", a->status);
    snprintf(length, sizeof length, "%zu", a->body.len);
    fields[n++] = nv(":status", span_str(status));
    fields[n++] = nv("content-length", span_str(length));
    fields[n++] = nv("cache-control", SPAN_LIT("no-store"));
    if (a->type != NULL)
        fields[n++] = nv("content-type", span_str(a->type));
    /* Nobody else's page may hold ours, to have its button pressed. */
    if (a->type != NULL && strncmp(a->type, "text/html", 9) == 0)
        fields[n++] = nv("content-security-policy", SPAN_LIT("frame-ancestors 'none'"));
    for (size_t i = 0; i < n; i++)
        client->heads_waiting += fields[i].namelen + fields[i].valuelen + 32;
    if (!s->head_request && h2_pipe_add(&h->memory, &way->pipe, a->body) < 0)
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
    way->head_sent = true;
    way->ended = true;
    h2_session_check(h, BRIDGE_CLIENT,
                     nghttp2_submit_response(client->session, s->id[BRIDGE_CLIENT], fields, n,
                                             way->pipe.len > 0 ? &source : NULL));
}

void h2_stream_refuse(struct h2 *h, struct h2_stream *s, const struct content_block *why)
{
    struct bridge_answer answer = { .status = why->status, .body = span_str(why->reason),
                                    .type = "text/plain" };

    if (s->to[BRIDGE_CLIENT].head_sent) {
        s->answered = true;
        h2_stream_drop(h, s, BRIDGE_CLIENT);
        h2_stream_drop(h, s, BRIDGE_SERVER);
        h2_stream_reset(h, s, BRIDGE_CLIENT, NGHTTP2_INTERNAL_ERROR);
        h2_stream_reset(h, s, BRIDGE_SERVER, NGHTTP2_CANCEL);
        return;
    }
    if (h->b.events != NULL && h->b.events->on_block != NULL && s->text != NULL)
        h->b.events->on_block(h->b.context, &s->request, why, &answer);
    h2_stream_answer(h, s, &answer);
}

/* --------------------------------------------------------------------------------- bodies ---- */

void h2_stream_resume(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    struct h2_leg *leg = &h->leg[to];

    if (!s->to[to].deferred || !s->open[to] || leg->done)
        return;
    s->to[to].deferred = false;
    h2_session_check(h, to, nghttp2_session_resume_data(leg->session, s->id[to]));
}

void h2_stream_pass(struct h2 *h, struct h2_stream *s, enum bridge_side to, struct mw_span bytes)
{
    if (h2_pipe_add(&h->memory, &s->to[to].pipe, bytes) < 0)
        h2_session_check(h, h2_other(to), NGHTTP2_ERR_NOMEM);
    else if (bytes.len > 0)
        h2_stream_resume(h, s, to);
}

static ssize_t source_read(nghttp2_session *session, int32_t id, uint8_t *at, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct h2 *h = context;
    struct h2_stream *s = source->ptr;
    enum bridge_side to = h2_session_side(h, session);
    struct h2_way *way = &s->to[to];
    size_t n = way->pipe.len < length ? way->pipe.len : length;

    (void)id, (void)at;
    if (n == 0 && !way->ended) {
        way->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (n == way->pipe.len && way->ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (way->trailers.n > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            h2_message_send_trailers(h, s, to);
        }
    }
    if (n > 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return h->error == 0 && !h->leg[to].done ? (ssize_t)n : NGHTTP2_ERR_CALLBACK_FAILURE;
}

nghttp2_data_provider h2_stream_source(struct h2_stream *s)
{
    return (nghttp2_data_provider){ .source = { .ptr = s }, .read_callback = source_read };
}

int h2_stream_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t len, nghttp2_data_source *source, void *context)
{
    struct h2 *h = context;
    struct h2_stream *s = source->ptr;
    enum bridge_side to = h2_session_side(h, session);
    struct h2_way *way = &s->to[to];
    struct h2_pipe *out = &h->leg[to].out;

    (void)frame;
    if (h2_pipe_add(&h->memory, out, span_of(head, H2_FRAME_HEAD)) < 0 ||
        h2_pipe_add(&h->memory, out, span_cut(h2_pipe_span(&way->pipe), 0, len)) < 0) {
        h2_session_check(h, to, NGHTTP2_ERR_NOMEM);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    h2_pipe_drop(&h->memory, &way->pipe, len);
    if (way->raw.len > 0)
        h2_content_advance(h, s, h2_other(to));
    h2_stream_settle(h, s, to);
    if (h->error != 0 || h->leg[to].done)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return out->len >= H2_OUT_HIGH ? NGHTTP2_ERR_PAUSE : 0;
}
