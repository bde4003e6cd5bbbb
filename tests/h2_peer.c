#include "h2_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HEADS_MAX = 1 << 18, BODY_MAX = 1 << 24 };

static struct peer_stream *find(struct peer *p, int32_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->streams[i]->id == id)
            return p->streams[i];
    return NULL;
}

static struct peer_stream *find_or_add(struct peer *p, int32_t id)
{
    struct peer_stream *s = find(p, id);

    if (s != NULL)
        return s;
    assert_true(p->n < PEER_STREAMS);
    s = test_calloc(1, sizeof(*s));
    s->id = id;
    s->heads = (struct buf)BUF_INIT(HEADS_MAX);
    s->body = (struct buf)BUF_INIT(BODY_MAX);
    s->say = (struct buf)BUF_INIT(BODY_MAX);
    p->streams[p->n++] = s;
    return s;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    struct peer_stream *s = find_or_add(context, frame->hd.stream_id);

    (void)session, (void)flags;
    buf_printf(&s->heads, "[%.*s %.*s]", (int)name_len, name, (int)value_len, value);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct peer *p = context;

    if (frame->hd.type == NGHTTP2_HEADERS)
        find_or_add(p, frame->hd.stream_id)->begun = true;
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        find_or_add(p, frame->hd.stream_id)->ended = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        p->goaways++;
        p->goaway_code = frame->goaway.error_code;
        p->goaway_last = frame->goaway.last_stream_id;
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        p->pongs++;
    p->connect_protocol = nghttp2_session_get_remote_settings(
        session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL);
    p->max_streams = nghttp2_session_get_remote_settings(
        session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *context)
{
    struct peer *p = context;

    (void)flags;
    buf_add(&find_or_add(p, id)->body, span_of(data, len));
    if (!p->slow)
        assert_int_equal(nghttp2_session_consume(session, id, len), 0);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct peer_stream *s = find_or_add(context, id);

    (void)session;
    s->closed = true;
    s->code = code;
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *at, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct peer_stream *s = source->ptr;
    size_t n = s->say.len < length ? s->say.len : length;

    (void)context;
    s->waits = n == 0 && !s->say_end;
    if (s->waits)
        return NGHTTP2_ERR_DEFERRED;
    if (n > 0)
        memcpy(at, s->say.data, n);
    buf_drop(&s->say, n);
    if (s->say.len == 0 && s->say_end) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->say_trailer != NULL) {
            nghttp2_nv nv = { (uint8_t *)(uintptr_t) "x-trailer",
                              (uint8_t *)(uintptr_t)s->say_trailer, 9, strlen(s->say_trailer), 0 };

            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            assert_int_equal(nghttp2_submit_trailer(session, id, &nv, 1), 0);
        }
    }
    return (ssize_t)n;
}

static void peer_begin(struct peer *p, bool server, bool table)
{
    nghttp2_session_callbacks *c;
    nghttp2_option *o;
    nghttp2_settings_entry connect = { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 };

    *p = (struct peer){ .raw = BUF_INIT(1 << 24) };
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    assert_int_equal(nghttp2_option_new(&o), 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_http_messaging(o, 1);         /* it may say what is wrong */
    nghttp2_option_set_max_deflate_dynamic_table_size(o, table ? 4096 : 0);
    nghttp2_option_set_max_send_header_block_length(o, 1 << 20);
    nghttp2_option_set_stream_reset_rate_limit(o, 1000000, 1000000);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    if (server)
        assert_int_equal(nghttp2_session_server_new2(&p->session, c, p, o), 0);
    else
        assert_int_equal(nghttp2_session_client_new2(&p->session, c, p, o), 0);
    assert_int_equal(nghttp2_submit_settings(p->session, 0, &connect, server ? 1 : 0), 0);
    nghttp2_session_callbacks_del(c);
    nghttp2_option_del(o);
}

static void peer_end(struct peer *p)
{
    nghttp2_session_del(p->session);
    for (size_t i = 0; i < p->n; i++) {
        buf_deinit(&p->streams[i]->heads);
        buf_deinit(&p->streams[i]->body);
        buf_deinit(&p->streams[i]->say);
        test_free(p->streams[i]);
    }
    buf_deinit(&p->raw);
}

/* ----------------------------------------------------------------------------------- talk ---- */

void talk_begin(struct talk *t, const struct bridge_options *o)
{
    struct bridge_options own = { .kind = BRIDGE_H2 };

    peer_begin(&t->client, false, !t->no_tables);
    peer_begin(&t->server, true, !t->no_tables);
    if (o != NULL)
        own = *o;
    own.kind = BRIDGE_H2;
    assert_int_equal(bridge_new(&t->bridge, &own), 0);
}

void talk_end(struct talk *t)
{
    bridge_free(t->bridge);
    peer_end(&t->client);
    peer_end(&t->server);
}

static struct peer *peer_of(struct talk *t, enum bridge_side side)
{
    return side == BRIDGE_CLIENT ? &t->client : &t->server;
}

size_t talk_feed(struct talk *t, enum bridge_side side, size_t n)
{
    struct peer *p = peer_of(t, side);
    size_t room = bridge_room(t->bridge, side);
    const uint8_t *data;
    ssize_t r = 1;

    while (p->raw.len < room && p->raw.len < n && r > 0) {
        r = nghttp2_session_mem_send(p->session, &data);
        assert_true(r >= 0);
        buf_add(&p->raw, span_of(data, (size_t)r));
    }
    n = n < room ? n : room;
    n = n < p->raw.len ? n : p->raw.len;
    if (n > 0 && t->tape != NULL) {
        buf_u8(t->tape, (uint8_t)side);
        buf_u32(t->tape, (uint32_t)n);
        buf_add(t->tape, span_of(p->raw.data, n));
    }
    if (n > 0)
        assert_int_equal(bridge_feed(t->bridge, side, span_of(p->raw.data, n)), 0);
    buf_drop(&p->raw, n);
    return n;
}

size_t talk_fetch(struct talk *t, enum bridge_side side, size_t n)
{
    struct peer *p = peer_of(t, side);
    struct mw_span out = bridge_out(t->bridge, side);

    n = n < out.len ? n : out.len;
    if (n == 0)
        return 0;
    if (p->heard != NULL)
        buf_add(p->heard, span_cut(out, 0, n));
    assert_true(nghttp2_session_mem_recv(p->session, out.data, n) >= 0);
    bridge_sent(t->bridge, side, n);
    return n;
}

void peer_take(struct peer *p, struct peer_stream *s, size_t n)
{
    size_t waits = s->body.len - s->taken;

    n = n < waits ? n : waits;
    s->taken += n;
    assert_int_equal(nghttp2_session_consume(p->session, s->id, n), 0);
}

void talk_run(struct talk *t)
{
    size_t moved = 1;

    while (moved > 0) {
        moved = talk_feed(t, BRIDGE_CLIENT, SIZE_MAX) + talk_fetch(t, BRIDGE_SERVER, SIZE_MAX);
        moved += talk_feed(t, BRIDGE_SERVER, SIZE_MAX) + talk_fetch(t, BRIDGE_CLIENT, SIZE_MAX);
    }
}

static size_t fields_cut(nghttp2_nv *nv, const char *const *fields)
{
    size_t n = 0;

    for (; fields != NULL && fields[n] != NULL; n++) {
        const char *colon = strstr(fields[n], ": ");

        assert_non_null(colon);
        nv[n] = (nghttp2_nv){ (uint8_t *)(uintptr_t)fields[n], (uint8_t *)(uintptr_t)(colon + 2),
                              (size_t)(colon - fields[n]), strlen(colon + 2), 0 };
    }
    return n;
}

static nghttp2_data_provider source_of(struct peer_stream *s)
{
    return (nghttp2_data_provider){ .source = { .ptr = s }, .read_callback = read_body };
}

int32_t talk_request_raw(struct talk *t, const char *const *fields, bool end)
{
    nghttp2_nv nv[400];
    size_t n = fields_cut(nv, fields);
    int32_t id = (int32_t)nghttp2_session_get_next_stream_id(t->client.session);
    nghttp2_data_provider source = source_of(find_or_add(&t->client, id));

    assert_int_equal(nghttp2_submit_request(t->client.session, NULL, nv, n, end ? NULL : &source,
                                            NULL), id);
    return id;
}

int32_t talk_request(struct talk *t, const char *method, const char *path, bool end,
                     const char *const *more)
{
    char m[64], p[256];
    const char *fields[400] = { m, ":scheme: https", ":authority: site.test", p };
    size_t n = 4;

    snprintf(m, sizeof m, ":method: %s", method);
    snprintf(p, sizeof p, ":path: %s", path);
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        size_t name = (size_t)(strstr(more[i], ": ") - more[i]), at = n;

        for (size_t k = 0; k < 4 && more[i][0] == ':'; k++)
            at = strncmp(fields[k], more[i], name + 1) == 0 ? k : at;
        fields[at] = more[i];
        n += at == n;
    }
    return talk_request_raw(t, fields, end);
}

struct peer_stream *talk_served(struct talk *t, size_t nth)
{
    assert_true(nth < t->server.n);
    return t->server.streams[nth];
}

struct peer_stream *talk_asked(struct talk *t, int32_t id)
{
    struct peer_stream *s = find(&t->client, id);

    assert_non_null(s);
    return s;
}

void talk_respond(struct talk *t, struct peer_stream *s, const char *const *fields, bool end)
{
    nghttp2_nv nv[400];
    size_t n = fields_cut(nv, fields);
    nghttp2_data_provider source = source_of(s);

    assert_int_equal(nghttp2_submit_response(t->server.session, s->id, nv, n, end ? NULL : &source),
                     0);
}

void talk_interim(struct talk *t, struct peer_stream *s, const char *const *fields)
{
    nghttp2_nv nv[40];
    size_t n = fields_cut(nv, fields);

    assert_int_equal(nghttp2_submit_headers(t->server.session, 0, s->id, NULL, nv, n, NULL), 0);
}

void talk_say(struct peer *p, struct peer_stream *s, struct mw_span bytes, bool end,
              const char *trailer)
{
    buf_add(&s->say, bytes);
    assert_int_equal(buf_error(&s->say), 0);
    s->say_end = end;
    s->say_trailer = trailer;
    if (s->waits && !s->closed)
        assert_int_equal(nghttp2_session_resume_data(p->session, s->id), 0);
    s->waits = false;
}

void talk_reset(struct peer *p, struct peer_stream *s, uint32_t code)
{
    assert_int_equal(nghttp2_submit_rst_stream(p->session, 0, s->id, code), 0);
}

void talk_frame(struct peer *p, uint8_t type, uint8_t flags, int32_t id, struct mw_span payload)
{
    buf_u24(&p->raw, (uint32_t)payload.len);
    buf_u8(&p->raw, type);
    buf_u8(&p->raw, flags);
    buf_u32(&p->raw, (uint32_t)id);
    buf_add(&p->raw, payload);
}

bool said(const struct buf *heads, const char *what)
{
    return heads->data != NULL && strstr((const char *)heads->data, what) != NULL;
}
