/* Responses: understood, shown to the stages, and written anew for the client. */
#include "gate/bridge/h1.h"

/* A response's head as we understand it. */
struct reply {
    struct mw_span reason;
    int minor, status;
    struct h1_options options;
    enum http_body_kind kind;
    uint64_t length;
    bool announced;             /* Content-Length goes along though no body follows */
};

int h1_bad_response(struct h1 *h, const char *why)
{
    static const struct content_block bad = {
        .status = 502,
        .title = "No usable answer",
        .reason = "The site's answer broke the rules of HTTP or was cut off.",
        .code = "bad-response",
    };

    bridge_blame(&h->b, BRIDGE_SERVER, why);
    if (h->asked.answered) {
        h1_close(h, BRIDGE_SERVER, why);
        return 0;
    }
    return h1_block(h, &bad, false);
}

/* NULL: well.  RFC 9112 section 6.3, in its order. */
static const char *understand(struct reply *p, struct http_head *head, const struct h1 *h)
{
    struct mw_span host;
    enum http_error error;
    bool length;

    *p = (struct reply){ .kind = HTTP_BODY_UNTIL_CLOSE };
    if (!http_status_line(head->start_line, &p->minor, &p->status, &p->reason))
        return http_error_text(HTTP_E_START_LINE);
    error = http_head_frame(head, &p->kind, &p->length);
    if (error != HTTP_E_OK)
        return http_error_text(error);
    if (p->minor == 0 && p->kind == HTTP_BODY_CHUNKED)      /* section 6.1 */
        return "Transfer-Encoding in HTTP/1.0";
    if (!h1_fields_filter(head, &p->options, &host))
        return "malformed connection options";
    length = p->kind == HTTP_BODY_LENGTH;
    if (p->status < 200 || p->status == 204) {
        p->kind = HTTP_BODY_NONE;       /* RFC 9110 section 8.6: no Content-Length either */
    } else if (h->asked.head || p->status == 304) {
        p->kind = HTTP_BODY_NONE;
        p->announced = length;
    }
    if (p->status == 101 && !(h->asked.upgrade && p->options.upgrade && p->options.websocket))
        return "101 to a request that asked for nothing of the kind";
    return NULL;
}

static int ask_stages(struct h1 *h, const struct http_head *head, const struct reply *p)
{
    const struct content_head c = {
        .side = CONTENT_RESPONSE,
        .method = h->asked.r.method,
        .scheme = h->asked.r.scheme,
        .authority = h->asked.r.authority,
        .path = h->asked.r.path,
        .status = p->status,
        .fields = head->fields,
        .n_fields = head->n_fields,
        .has_length = p->kind == HTTP_BODY_LENGTH,
        .length = p->length,
        .protocol = h->asked.upgrade ? "websocket" : "h1",
    };
    struct content_block why;
    int answer = exchange_head(h->x, &c, &why), r;

    h->from[BRIDGE_SERVER].held = answer == CONTENT_HOLD;
    if (answer != CONTENT_BLOCK)
        return answer;
    r = h1_block(h, &why, false);
    return r < 0 ? r : CONTENT_BLOCK;
}

static void put_head(struct h1_writer *w, const struct h1 *h, const struct http_head *head,
                     const struct reply *p, enum h1_frame frame)
{
    bool length = p->announced || frame == H1_LENGTH;

    h1_put(w, SPAN_LIT("HTTP/1.1 "));
    h1_put_number(w, (uint64_t)p->status);
    h1_put(w, SPAN_LIT(" "));
    h1_put(w, p->reason);
    h1_put(w, SPAN_LIT("\r\n"));
    h1_put_fields(w, head, length ? &p->length : NULL);
    if (frame == H1_CHUNKED)
        h1_put(w, SPAN_LIT("Transfer-Encoding: chunked\r\n"));
    if (p->status == 101)
        h1_put(w, SPAN_LIT("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    else if (p->status >= 200 && !h->asked.keep)
        h1_put(w, SPAN_LIT("Connection: close\r\n"));
    else if (p->status >= 200 && h->asked.minor == 0)
        h1_put(w, SPAN_LIT("Connection: keep-alive\r\n"));
    if (h->via != NULL) {
        h1_put(w, SPAN_LIT("Via: 1.1 "));
        h1_put(w, span_str(h->via));
        h1_put(w, SPAN_LIT("\r\n"));
    }
    h1_put(w, SPAN_LIT("\r\n"));
}

/* RFC 9110 section 15.2: interim answers are passed on, but not to HTTP/1.0 clients. */
static int pass_interim(struct h1 *h, const struct http_head *head, const struct reply *p)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];
    struct h1_writer w = { .to = &h->to[BRIDGE_CLIENT] };

    if (++h->asked.interim > H1_MAX_INTERIM)
        return h1_bad_response(h, "too many interim answers");
    if (h->asked.minor == 1)
        put_head(&w, h, head, p, H1_NONE);
    leg->in = span_cut(leg->in, head->len, SIZE_MAX);
    return w.error;
}

/* From here on both sides speak WebSocket. */
static int begin_tunnel(struct h1 *h, const struct http_head *head, const struct reply *p)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];
    struct h1_writer w = { .to = &h->to[BRIDGE_CLIENT] };
    enum websocket_extensions agreed = WEBSOCKET_PLAIN;

    for (size_t i = 0; i < head->n_fields; i++) {
        enum websocket_extensions one = WEBSOCKET_PLAIN;

        if (span_eq_nocase(head->fields[i].name, SPAN_LIT("sec-websocket-extensions")))
            one = websocket_agreed(head->fields[i].value);
        agreed = one > agreed ? one : agreed;
    }
    put_head(&w, h, head, p, H1_NONE);
    leg->in = span_cut(leg->in, head->len, SIZE_MAX);
    websocket_init(&h->ws[BRIDGE_CLIENT], true, agreed);
    websocket_init(&h->ws[BRIDGE_SERVER], false, agreed);
    h1_exchange_reset(h);
    h->tunnel = h->tainted = true;
    h->b.protocol = "websocket";
    return w.error;
}

static enum h1_frame frame_of(const struct h1 *h, const struct reply *p)
{
    if (p->kind == HTTP_BODY_NONE)
        return H1_NONE;
    if (p->kind == HTTP_BODY_LENGTH && !exchange_changes(h->x))
        return H1_LENGTH;
    return h->asked.minor == 1 ? H1_CHUNKED : H1_UNTIL_CLOSE;
}

static int pass_on(struct h1 *h, struct http_head *head, const struct reply *p)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];
    struct h1_writer w = { .to = &h->to[BRIDGE_CLIENT] };

    leg->frame = frame_of(h, p);
    h->tainted = h->tainted || p->options.bound;
    h->server_keeps = p->kind != HTTP_BODY_UNTIL_CLOSE && !p->options.close &&
                      (p->minor == 1 || p->options.keep_alive);
    h->asked.keep = h->asked.keep && leg->frame != H1_UNTIL_CLOSE && !h->draining &&
                    (h->server_keeps || h->proxy);
    if (p->options.trailer_named && leg->frame != H1_CHUNKED)
        h1_fields_drop(head, H1_TRAILER);
    put_head(&w, h, head, p, leg->frame);
    leg->in = span_cut(leg->in, head->len, SIZE_MAX);
    h->asked.answered = true;
    http_body_start(&leg->body, p->kind, p->length);
    leg->step = p->kind == HTTP_BODY_NONE || (p->kind == HTTP_BODY_LENGTH && p->length == 0)
                    ? H1_END
                    : H1_BODY;
    return w.error;
}

int h1_response_head(struct h1 *h, struct http_head *head, enum http_state state)
{
    struct reply p;
    const char *why;
    int r;

    if (state == HTTP_BAD)
        return h1_bad_response(h, http_error_text(head->error));
    why = understand(&p, head, h);
    if (why != NULL)
        return h1_bad_response(h, why);
    /* Said to a connection nobody used for a while, before our request was there to be read (RFC
     * 9110 section 15.5.9). */
    if (p.status == 408 && h1_again(h))
        return 0;
    h->second_hand = false;
    buf_wipe(&h->again);
    if (p.status < 200 && p.status != 101)
        return pass_interim(h, head, &p);
    r = ask_stages(h, head, &p);
    if (r != CONTENT_PASS)
        return r < 0 ? r : 0;
    return p.status == 101 ? begin_tunnel(h, head, &p) : pass_on(h, head, &p);
}
