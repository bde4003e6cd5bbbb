/*
 * One honest end of an HTTP/2 connection for the fuzzers: takes and answers whatever the bridge
 * brings it, and aborts when that breaks the protocol.
 */
#ifndef FUZZ_H2_END_H
#define FUZZ_H2_END_H

#include <stdlib.h>

#include "gate/bridge/h2.h"

struct h2_end {
    nghttp2_session *session;
    bool server;
};

static ssize_t h2_end_body(nghttp2_session *session, int32_t id, uint8_t *at, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    size_t n = length < 3000 ? length : 3000;

    (void)session, (void)context, (void)source;
    memset(at, (uint8_t)id, n);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

#define H2_END_NV(n, v) \
    { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, sizeof(v) - 1, 0 }

/* A server answers each request once its head is there. */
static int h2_end_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    const struct h2_end *e = context;
    const nghttp2_nv head[] = { H2_END_NV(":status", "200"), H2_END_NV("server", "an end") };
    const nghttp2_data_provider body = { .read_callback = h2_end_body };

    if (!e->server || frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    return nghttp2_submit_response(session, frame->hd.stream_id, head, 2,
                                   frame->hd.stream_id % 8 == 1 ? NULL : &body);
}

/* What the bridge says is never malformed, whatever it was told: that is its purpose. */
static int h2_end_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error,
                          void *context)
{
    (void)session, (void)frame, (void)context;
    if (error != NGHTTP2_ERR_REFUSED_STREAM)
        abort();
    return 0;
}

static void h2_end_begin(struct h2_end *e, bool server)
{
    const nghttp2_settings_entry connect = { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 };
    nghttp2_session_callbacks *c;

    e->server = server;
    if (nghttp2_session_callbacks_new(&c) != 0)
        abort();
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, h2_end_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, h2_end_invalid);
    if ((server ? nghttp2_session_server_new(&e->session, c, e)
                : nghttp2_session_client_new(&e->session, c, e)) != 0 ||
        nghttp2_submit_settings(e->session, 0, &connect, server ? 1 : 0) != 0)
        abort();
    nghttp2_session_callbacks_del(c);
}

/* Both directions between the bridge and this end, until nothing moves. */
static bool h2_end_talk(struct h2_end *e, struct bridge *b, enum bridge_side side)
{
    struct mw_span out = bridge_out(b, side);
    const uint8_t *data;
    ssize_t n;
    bool moved = out.len > 0;

    if (out.len > 0 && nghttp2_session_mem_recv(e->session, out.data, out.len) < 0)
        abort();
    bridge_sent(b, side, out.len);
    while (bridge_room(b, side) >= 32 * 1024 &&
           (n = nghttp2_session_mem_send(e->session, &data)) > 0) {
        if (bridge_feed(b, side, span_of(data, (size_t)n)) != 0)
            abort();
        moved = true;
    }
    return moved;
}

/* The rest of an input in pieces, their size from the bytes themselves; what the bridge answers to
 * that side is taken and thrown away, now and then; and the bridge rests when it can. */
static void h2_end_fuzz(struct h2_end *e, struct bridge *b, enum bridge_side side,
                        struct mw_span in)
{
    while (in.len > 0 && !bridge_over(b)) {
        size_t n = in.data[0] % 4 == 0 ? 1 + in.data[0] / 4U : 4096, room = bridge_room(b, side);

        n = n < in.len ? n : in.len;
        n = n < room ? n : room;
        if (n > 0 && bridge_feed(b, side, span_of(in.data, n)) != 0)
            abort();
        in = span_cut(in, n, in.len);
        if (in.len % 3 != 0 || room == 0)
            bridge_sent(b, side, bridge_out(b, side).len);
        bridge_rest(b);
        while (h2_end_talk(e, b, side == BRIDGE_CLIENT ? BRIDGE_SERVER : BRIDGE_CLIENT))
            ;
    }
}

static void h2_end_finish(struct h2_end *e, struct bridge *b, enum bridge_side side)
{
    const struct h2_memory *m = h2_memory_of(b);

    if (bridge_end(b, side, true) != 0)
        abort();
    while (h2_end_talk(e, b, h2_other(side)))
        bridge_sent(b, side, bridge_out(b, side).len);
    bridge_sent(b, side, bridge_out(b, side).len);
    if (m->peak > m->max)
        abort();
    bridge_free(b);
    nghttp2_session_del(e->session);
}

#endif
