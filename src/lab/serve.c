/*
 * The TLS door: finds the case by its server name, then shakes hands as the case says, or does
 * not.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "http/request.h"
#include "lab/answer.h"
#include "lab/box.h"
#include "lab/hello.h"
#include "lab/old_flight.h"
#include "lab/tls_stream.h"

enum {
    FLIGHT_MAX = 6 << 20,
    DRIP_MS = 50,
    LATE_RESET_MS = 50,
    UNRECOGNIZED_NAME = 112,    /* RFC 6066 section 3 */
    REQUEST_BODY_MAX = 1024,
};

struct serving {
    struct site *site;
    struct tls_stream *tls;
    struct buf hello;           /* the ClientHello, as a handshake message */
    struct buf held;            /* of the first flight, still to drip */
    struct buf plain;
    struct http_request request;
    bool flight_begun, deaf;
};

static void serving_gone(struct peer *p)
{
    struct serving *v = p->state;

    if (v == NULL)
        return;
    tls_stream_free(v->tls);
    buf_deinit(&v->hello);
    buf_deinit(&v->held);
    buf_deinit(&v->plain);
    http_request_deinit(&v->request);
    free(v);
}

static void alert_send(struct peer *p, uint8_t description)
{
    const uint8_t record[] = { 21, 3, 3, 0, 2, 2, description };

    peer_send(p, span_of(record, sizeof(record)));
    peer_finish(p);
}

static void on_drip(uv_timer_t *t)
{
    struct peer *p = t->data;
    struct serving *v = p->state;
    size_t n = (size_t)v->site->c->tls.arg;

    peer_send(p, span_cut(buf_span(&v->held), 0, n));
    buf_drop(&v->held, n < v->held.len ? n : v->held.len);
    if (v->held.len == 0)
        peer_tick_stop(p);
}

static void on_late_reset(uv_timer_t *t)
{
    peer_reset(t->data);
}

/* What TLS wants to send, as the case lets it out.  Only the first flight is spoilt. */
static void out_shaped(struct peer *p, struct serving *v, struct buf *out)
{
    const struct case_tls *how = &v->site->c->tls;
    bool first = !v->flight_begun;

    v->flight_begun = v->flight_begun || out->len > 0;
    if (v->held.len > 0 || (first && how->fault == FAULT_DRIP && out->len > 0)) {
        buf_add(&v->held, buf_span(out));
        if (first)
            peer_tick(p, DRIP_MS, on_drip);
        return;
    }
    if (!first || out->len == 0 || how->fault == FAULT_NONE) {
        peer_send(p, buf_span(out));
        return;
    }
    if (how->fault == FAULT_CORRUPT) {
        size_t back = (size_t)how->arg < out->len ? (size_t)how->arg : out->len;

        out->data[out->len - back] ^= 1;
        peer_send(p, buf_span(out));
    } else if (how->fault == FAULT_TRUNCATE) {
        peer_send(p, span_cut(buf_span(out), 0, (size_t)how->arg));
        peer_finish(p);
    } else if (how->fault == FAULT_RESET_LATE) {
        peer_send(p, span_cut(buf_span(out), 0, out->len / 2));
        v->deaf = true;
        peer_tick(p, LATE_RESET_MS, on_late_reset);
    }
}

static void request_answer(struct peer *p, struct serving *v)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(65536), out = BUF_INIT(131072);
    int r = answer_write(&answer, p->lab, v->site, tls_stream_ssl(v->tls), buf_span(&v->hello),
                         &v->request);

    if (r == 0)
        r = tls_stream_write(v->tls, buf_span(&answer), &out);
    tls_stream_close(v->tls, &out);
    peer_send(p, buf_span(&out));
    peer_finish(p);
    (void)r;                    /* either way the connection ends here */
}

static void serving_bytes(struct peer *p, struct serving *v)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(FLIGHT_MAX);
    struct mw_span plain;
    bool ended = false;
    int r = tls_stream_feed(v->tls, buf_span(&p->in), &out);

    buf_truncate(&p->in, 0);
    out_shaped(p, v, &out);
    if (r < 0) {
        if (!v->deaf && v->held.len == 0)
            peer_finish(p);
        return;
    }
    if (!tls_stream_ready(v->tls))
        return;
    r = tls_stream_read(v->tls, &v->plain, &ended);
    plain = buf_span(&v->plain);
    switch (http_request_feed(&v->request, &plain)) {
    case HTTP_DONE:
        request_answer(p, v);
        return;
    case HTTP_BAD:
        peer_finish(p);
        return;
    case HTTP_MORE:
        break;
    }
    buf_truncate(&v->plain, 0);
    if (r < 0 || ended)
        peer_finish(p);
}

static void tls_begin(struct peer *p, struct serving *v)
{
    if (tls_stream_new(&v->tls, v->site->ctx, false, NULL) < 0)
        peer_reset(p);
    else
        serving_bytes(p, v);
}

/* The hello is here: what does the case do about it? */
static void serving_begin(struct peer *p, struct serving *v, const struct hello *hello)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(FLIGHT_MAX);
    const struct case_tls *how;

    v->site = lab_site(p->lab, hello->server_name);
    if (v->site == NULL) {
        alert_send(p, UNRECOGNIZED_NAME);
        return;
    }
    how = &v->site->c->tls;
    switch (how->fault) {
    case FAULT_RESET:
        peer_reset(p);
        return;
    case FAULT_FIN:
        peer_finish(p);
        return;
    case FAULT_HANG:
        v->deaf = true;
        return;
    case FAULT_ALERT:
        alert_send(p, (uint8_t)how->arg);
        return;
    case FAULT_BYTES:
        peer_send(p, span_str(how->bytes));
        peer_finish(p);
        return;
    case FAULT_OLD_FLIGHT:
        v->deaf = true;
        if (old_flight(&out, v->site, hello, how->suite, how->dh_bits) == 0)
            peer_send(p, buf_span(&out));
        peer_finish(p);
        return;
    case FAULT_NONE:
    case FAULT_RESET_LATE:
    case FAULT_TRUNCATE:
    case FAULT_DRIP:
    case FAULT_CORRUPT:
        break;
    }
    tls_begin(p, v);
}

static struct serving *serving_new(void)
{
    struct serving *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return NULL;
    v->hello = (struct buf)BUF_INIT(HELLO_MAX);
    v->held = (struct buf)BUF_INIT(FLIGHT_MAX);
    v->plain = (struct buf)BUF_INIT(PEER_IN_MAX);
    v->request = (struct http_request)HTTP_REQUEST_INIT(REQUEST_BODY_MAX);
    return v;
}

static void serving_data(struct peer *p)
{
    struct serving *v = p->state;
    struct hello hello;

    if (v == NULL)
        v = p->state = serving_new();
    if (v == NULL) {
        peer_reset(p);
        return;
    }
    if (v->deaf) {
        buf_truncate(&p->in, 0);
        return;
    }
    if (v->tls != NULL) {
        serving_bytes(p, v);
        return;
    }
    switch (lab_hello_read(&hello, buf_span(&p->in), &v->hello)) {
    case HELLO_MORE:
        break;
    case HELLO_NOT_TLS:
        peer_finish(p);
        break;
    case HELLO_DONE:
        serving_begin(p, v, &hello);
        break;
    }
}

const struct peer_role role_tls = { .data = serving_data, .gone = serving_gone };
