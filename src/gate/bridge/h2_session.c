#include <errno.h>
#include <stdio.h>

#include "gate/bridge/h2.h"

enum { OUTBOUND_ACKS_MAX = 1000 };      /* PING and SETTINGS; the meter strikes before */

enum bridge_side h2_session_side(const struct h2 *h, const nghttp2_session *session)
{
    return h->leg[BRIDGE_SERVER].session == session ? BRIDGE_SERVER : BRIDGE_CLIENT;
}

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* ------------------------------------------------------------------------------ callbacks ---- */

/* What a callback returns: once memory ran out or the leg broke, nothing more is done. */
static int verdict(const struct h2 *h, enum bridge_side side)
{
    return h->error == 0 && !h->leg[side].done ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s;

    h2_head_clear(&h->memory, &h->leg[side].head);
    if (side == BRIDGE_SERVER || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    /* A stream that the client gave up counts until the server's side of it is over too: taking
     * new ones instead would let it have more work done than it has streams (RFC 9113 5.1.2). */
    if (h->n_streams >= 2 * h->max_streams || h->memory.used > H2_MEMORY_HIGH ||
        h->leg[BRIDGE_SERVER].done) {
        h2_session_check(h, side, nghttp2_submit_rst_stream(session, 0, frame->hd.stream_id,
                                                            NGHTTP2_REFUSED_STREAM));
        return verdict(h, side);
    }
    s = h2_stream_new(h, frame->hd.stream_id);
    if (s == NULL || nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, s) != 0)
        h2_session_check(h, side, NGHTTP2_ERR_NOMEM);
    return verdict(h, side);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_head *head = &h->leg[side].head;

    (void)frame;
    if (h2_head_add(&h->memory, head, name, value, flags) == -ENOMEM)
        h2_session_check(h, side, NGHTTP2_ERR_NOMEM);
    /* A few bytes that stand for many, over and over: no mistake any more. */
    if (head->too_big && head->list_size > 16 * (size_t)H2_HEAD_LIST_MAX)
        h2_session_fail(h, side, NGHTTP2_ENHANCE_YOUR_CALM,
                        "HTTP/2: a header list of more than 1 MiB, packed small");
    return verdict(h, side);
}

/* Fields with bytes that may not be in them make a message malformed (RFC 9113 section 8.2.1);
 * left to itself nghttp2 would only drop them. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                             void *context)
{
    struct h2 *h = context;

    (void)frame, (void)name, (void)value, (void)flags;
    bridge_blame(&h->b, h2_session_side(h, session),
                 "HTTP/2: a field with bytes that may not be in it");
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    char why[100];

    if (frame->hd.type == NGHTTP2_HEADERS)
        h2_head_clear(&h->memory, &h->leg[side].head);
    if (error != NGHTTP2_ERR_REFUSED_STREAM) {
        snprintf(why, sizeof why, "HTTP/2: %s", nghttp2_strerror(error));
        bridge_blame(&h->b, side, why);
    }
    return verdict(h, side);
}

/* What the server offers, the client is offered too. */
static void on_settings(struct h2 *h)
{
    nghttp2_session *server = h->leg[BRIDGE_SERVER].session;
    uint32_t streams = nghttp2_session_get_remote_settings(
                 server, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    bool connect = nghttp2_session_get_remote_settings(
                       server, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
    nghttp2_settings_entry news[2];
    size_t n = 0;

    streams = streams < h->max_streams ? streams : h->max_streams;
    if (streams != h->told_streams)
        news[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams };
    if (connect && !h->told_connect)    /* RFC 8441 section 3: never taken back */
        news[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 };
    if (n == 0 || h->leg[BRIDGE_CLIENT].done)
        return;
    h->told_streams = streams;
    h->told_connect |= connect;
    h2_session_check(h, BRIDGE_CLIENT, nghttp2_submit_settings(h->leg[BRIDGE_CLIENT].session, 0,
                                                               news, n));
}

static void last_goaway(struct h2 *h, enum bridge_side side, uint32_t code)
{
    struct h2_leg *leg = &h->leg[side];

    if (leg->goaway || leg->done)
        return;
    leg->goaway = true;
    h2_session_check(h, side,
                     nghttp2_submit_goaway(leg->session, 0,
                                           nghttp2_session_get_last_proc_stream_id(leg->session),
                                           code, NULL, 0));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (s != NULL)
            h2_message_head(h, s, side, end);
        else
            h2_head_clear(&h->memory, &h->leg[side].head);
        break;
    case NGHTTP2_DATA:
        if (s != NULL && end)
            h2_content_end(h, s, side);
        break;
    case NGHTTP2_SETTINGS:
        if (side == BRIDGE_SERVER && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            on_settings(h);
        break;
    case NGHTTP2_PING:          /* the one behind our notice: whoever meant to ask has asked */
        if (side == BRIDGE_CLIENT && h->draining && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            last_goaway(h, side, NGHTTP2_NO_ERROR);
        break;
    case NGHTTP2_GOAWAY:
        last_goaway(h, h2_other(side), frame->goaway.error_code);
        break;
    default:
        break;
    }
    return verdict(h, side);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s = stream_of(session, id);

    (void)flags;
    if (s != NULL)
        h2_content_data(h, s, side, span_of(data, len));
    else
        h2_session_check(h, side, nghttp2_session_consume(session, id, len));
    return verdict(h, side);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s = stream_of(session, id);

    if (s != NULL)
        h2_stream_closed(h, s, side, code);
    return verdict(h, side);
}

static size_t list_size(const nghttp2_frame *frame)
{
    size_t size = 0;

    for (size_t i = 0; i < frame->headers.nvlen; i++)
        size += frame->headers.nva[i].namelen + frame->headers.nva[i].valuelen + 32;
    return size;
}

/* A reset of nghttp2's own, for what the peer did wrong.  Making us reset streams is a way to
 * reset them (CVE-2025-8671), so it costs the same. */
static void on_own_reset(struct h2 *h, enum bridge_side side, uint32_t code)
{
    if (code != NGHTTP2_REFUSED_STREAM)
        bridge_blame(&h->b, side, "HTTP/2: a malformed message");
    if (side == BRIDGE_CLIENT && !h2_meter_spend(&h->leg[side].meter, H2_RESETS))
        h2_session_fail(h, side, NGHTTP2_ENHANCE_YOUR_CALM, h->leg[side].meter.why);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_RST_STREAM && (s == NULL || !s->reset[side]))
        on_own_reset(h, side, frame->rst_stream.error_code);
    if (frame->hd.type == NGHTTP2_HEADERS && side == BRIDGE_CLIENT)
        h->leg[side].heads_waiting -= list_size(frame);
    if (frame->hd.type == NGHTTP2_DATA)
        h2_meter_earn_data(&h->leg[side].meter);
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && s != NULL)
        h2_stream_sent_end(h, s, side);
    return verdict(h, side);
}

static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
                             void *context)
{
    struct h2 *h = context;
    enum bridge_side side = h2_session_side(h, session);
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);

    if (frame->hd.type != NGHTTP2_HEADERS)
        return verdict(h, side);
    if (side == BRIDGE_CLIENT)
        h->leg[side].heads_waiting -= list_size(frame);
    /* A response that cannot be sent although its stream is there.  (Requests: nghttp2 closes
     * their stream, REFUSED_STREAM, which passes on.) */
    if (s != NULL && side == BRIDGE_CLIENT && error != NGHTTP2_ERR_STREAM_CLOSING)
        h2_stream_reset(h, s, side, NGHTTP2_INTERNAL_ERROR);
    return verdict(h, side);
}

/* --------------------------------------------------------------------------------- making ---- */

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *c;

    if (nghttp2_session_callbacks_new(&c) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(c, h2_stream_send_data);
    return c;
}

static nghttp2_option *option_new(void)
{
    nghttp2_option *o;

    if (nghttp2_option_new(&o) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_outbound_ack(o, OUTBOUND_ACKS_MAX);
    nghttp2_option_set_max_settings(o, 32);
    nghttp2_option_set_max_send_header_block_length(o, 2 * (size_t)H2_HEAD_LIST_MAX);
    /* No dynamic table of ours at our peers: it would cost each idle bridge more memory than the
     * bytes are worth. */
    nghttp2_option_set_max_deflate_dynamic_table_size(o, 0);
    /* Its own limit goes by the clock; the meter's does not. */
    nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
    return o;
}

/* SETTINGS_HEADER_TABLE_SIZE stays what it is at first: less has to be acknowledged inside the next
 * header block (RFC 7541 section 4.2), and there are servers that do not. */
static int settings_submit(struct h2 *h, enum bridge_side side)
{
    nghttp2_settings_entry client[] = {
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEAD_LIST_MAX },
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->told_streams },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_settings_entry server[] = {
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEAD_LIST_MAX },
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
    };
    nghttp2_session *session = h->leg[side].session;
    int r = side == BRIDGE_CLIENT ?
                nghttp2_submit_settings(session, 0, client, ARRAY_LEN(client)) :
                nghttp2_submit_settings(session, 0, server, ARRAY_LEN(server));

    if (r == 0)
        r = nghttp2_session_set_local_window_size(session, 0, 0, H2_CONNECTION_WINDOW);
    return r == 0 ? 0 : -ENOMEM;
}

int h2_session_new(struct h2 *h, enum bridge_side side)
{
    nghttp2_session_callbacks *c = callbacks_new();
    nghttp2_option *o = option_new();
    nghttp2_mem mem = h2_nghttp2_mem(&h->memory);
    int r = NGHTTP2_ERR_NOMEM;

    h->memory.lasting = true;
    if (c != NULL && o != NULL && side == BRIDGE_CLIENT)
        r = nghttp2_session_server_new3(&h->leg[side].session, c, h, o, &mem);
    else if (c != NULL && o != NULL)
        r = nghttp2_session_client_new3(&h->leg[side].session, c, h, o, &mem);
    h->memory.lasting = false;
    if (c != NULL)
        nghttp2_session_callbacks_del(c);
    if (o != NULL)
        nghttp2_option_del(o);
    if (r != 0)
        return -ENOMEM;
    h2_meter_init(&h->leg[side].meter, side == BRIDGE_CLIENT);
    return settings_submit(h, side);
}

/* --------------------------------------------------------------------------------- moving ---- */

void h2_session_check(struct h2 *h, enum bridge_side side, int result)
{
    char why[100];

    if (result >= 0 || !nghttp2_is_fatal(result) || h->error != 0 || h->leg[side].done)
        return;
    if (result == NGHTTP2_ERR_NOMEM && !h->memory.refused) {
        h->error = -ENOMEM;
        h->leg[BRIDGE_CLIENT].done = h->leg[BRIDGE_SERVER].done = true;
        bridge_blame(&h->b, side, "out of memory");
        return;
    }
    if (result == NGHTTP2_ERR_NOMEM)
        snprintf(why, sizeof why, "HTTP/2: what is under way needs more than %d MiB",
                 H2_MEMORY_MAX >> 20);
    else if (result == NGHTTP2_ERR_FLOODED)
        snprintf(why, sizeof why, "HTTP/2: a flood of frames that ask for answers nobody reads");
    else if (result == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        snprintf(why, sizeof why, "HTTP/2: it does not begin with the connection preface");
    else
        snprintf(why, sizeof why, "HTTP/2: %s", nghttp2_strerror(result));
    bridge_blame(&h->b, side, why);
    h->leg[side].done = true;   /* the session is broken: nothing more comes out of it */
    h2_session_gone(h, side);
}

static void terminate(struct h2 *h, enum bridge_side side, uint32_t code)
{
    struct h2_leg *leg = &h->leg[side];

    if (leg->done)
        return;
    leg->goaway = true;
    h2_session_check(h, side, nghttp2_session_terminate_session(leg->session, code));
}

void h2_session_fail(struct h2 *h, enum bridge_side by, uint32_t code, const char *why)
{
    bridge_blame(&h->b, by, why);
    terminate(h, by, code);
}

/* A stream whose server is gone.  A body that ended early must not pass for whole. */
static void server_lost(struct h2 *h, struct h2_stream *s)
{
    const struct content_block why = { 502, "The server ended the connection",
                                       "The server ended the connection before it had answered.",
                                       "server-gone" };

    if (!s->answered && !s->to[BRIDGE_CLIENT].came_end)
        h2_stream_refuse(h, s, &why);
}

void h2_session_gone(struct h2 *h, enum bridge_side side)
{
    enum bridge_side other = h2_other(side);

    for (struct h2_stream *s = h->streams; s != NULL; s = s->next) {
        s->open[side] = false;
        h2_stream_drop(h, s, side);
        if (side == BRIDGE_SERVER)
            server_lost(h, s);
    }
    if (side == BRIDGE_SERVER)
        last_goaway(h, other, NGHTTP2_NO_ERROR);
    else
        terminate(h, other, NGHTTP2_NO_ERROR);
}

size_t h2_session_take(struct h2 *h, enum bridge_side side, struct mw_span bytes)
{
    struct h2_leg *leg = &h->leg[side];
    size_t n = h2_meter_take(&leg->meter, bytes);
    ssize_t r;

    if (leg->done)
        return bytes.len;
    r = n > 0 ? nghttp2_session_mem_recv(leg->session, bytes.data, n) : 0;
    if (r < 0)
        h2_session_check(h, side, (int)r);
    else if (leg->meter.why != NULL)
        h2_session_fail(h, side, NGHTTP2_ENHANCE_YOUR_CALM, leg->meter.why);
    return leg->meter.why != NULL ? bytes.len : n;
}

void h2_session_flush(struct h2 *h, enum bridge_side side, bool *progress)
{
    struct h2_leg *leg = &h->leg[side];
    const uint8_t *data;
    ssize_t n = 1;

    while (!leg->done && h->error == 0 && leg->out.len < H2_OUT_HIGH && n > 0) {
        size_t before = leg->out.len;

        n = nghttp2_session_mem_send(leg->session, &data);
        if (n < 0)
            h2_session_check(h, side, (int)n);
        else if (n > 0 && h2_pipe_add(&h->memory, &leg->out, span_of(data, (size_t)n)) < 0)
            h2_session_check(h, side, NGHTTP2_ERR_NOMEM);
        else if (n > 0)
            h2_memory_spent(&h->memory, data, (size_t)n);
        *progress |= leg->out.len != before;
    }
    leg->full = leg->out.len >= H2_OUT_HIGH;
    if (!leg->done && nghttp2_session_want_read(leg->session) == 0 &&
        nghttp2_session_want_write(leg->session) == 0) {
        leg->done = true;
        *progress = true;
        h2_session_gone(h, side);
    }
}
