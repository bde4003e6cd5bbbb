/* Requests: understood, ruled on, and written anew for the server. */
#include <errno.h>

#include "gate/bridge/h1.h"
#include "http/request.h"
#include "http/response.h"

/* A request's head as we understand it.  Borrowed from the head. */
struct question {
    struct mw_span method, authority, path;
    int minor;
    struct h1_options options;
    enum http_body_kind kind;
    uint64_t length;
    bool upgrade;
};

enum wrong {
    RIGHT, WRONG_FORM, WRONG_TOO_LONG, WRONG_TOO_MUCH, WRONG_CODING, WRONG_CONNECT, WRONG_SCHEME,
};

static const struct content_block wrongs[] = {
    [WRONG_FORM] = { 400, "Bad request", "The request was malformed, so it was not passed on.",
                     "bad-request" },
    [WRONG_TOO_LONG] = { 414, "Address too long", "The address asked for is too long.",
                         "bad-request" },
    [WRONG_TOO_MUCH] = { 431, "Too many header fields",
                         "The request's header fields are more than this gateway passes on.",
                         "bad-request" },
    [WRONG_CODING] = { 501, "Unknown transfer coding",
                       "The request is coded in a way that this gateway does not know.",
                       "bad-request" },
    [WRONG_CONNECT] = { 501, "No tunnels inside",
                        "A tunnel inside an inspected connection would hide what it carries.",
                        "connect-inside" },
    [WRONG_SCHEME] = { 501, "Not by this way",
                       "An https:// address is asked for with CONNECT, so that only its own "
                       "server answers.", "wrong-scheme" },
};

static enum wrong wrong_of(enum http_error error)
{
    switch (error) {
    case HTTP_E_LONG_LINE:
        return WRONG_TOO_LONG;
    case HTTP_E_TOO_BIG:
    case HTTP_E_TOO_MANY:
        return WRONG_TOO_MUCH;
    case HTTP_E_CODING:
        return WRONG_CODING;
    default:
        return WRONG_FORM;
    }
}

static int refuse(struct h1 *h, enum wrong wrong, const char *why)
{
    bridge_blame(&h->b, BRIDGE_CLIENT, why);
    return h1_block(h, &wrongs[wrong], false);
}

/* ------------------------------------------------------------------ understanding ---- */

/* RFC 9112 section 3.2.2: what the target says counts, not Host. */
static enum wrong read_absolute(struct question *q, struct mw_span target, const struct h1 *h,
                                const char **why)
{
    struct http_url url;
    size_t skip;

    if (http_url_parse(&url, target) != 0) {
        *why = "a target that is no URL";
        return WRONG_FORM;
    }
    if (!span_eq(span_str(url.tls ? "https" : "http"), span_str(h->scheme))) {
        *why = "a target of another scheme than the connection's";
        return h->proxy ? WRONG_SCHEME : WRONG_FORM;
    }
    skip = url.tls ? 8 : 7;
    q->authority = span_cut(target, skip, SIZE_MAX);
    for (size_t i = 0; i < q->authority.len; i++) {
        if (q->authority.data[i] == '/' || q->authority.data[i] == '#')
            q->authority.len = i;
    }
    q->path = url.path.len > 0                        ? url.path
              : span_eq(q->method, SPAN_LIT("OPTIONS")) ? SPAN_LIT("*")
                                                        : SPAN_LIT("/");
    return RIGHT;
}

/* RFC 9112 section 3.2. */
static enum wrong read_target(struct question *q, struct mw_span target, const struct h1 *h,
                              const char **why)
{
    if (span_eq(q->method, SPAN_LIT("CONNECT"))) {
        *why = "CONNECT inside";
        return WRONG_CONNECT;
    }
    if (target.data[0] != '/' && !span_eq(target, SPAN_LIT("*")))
        return read_absolute(q, target, h, why);
    *why = "a target that does not fit its method";
    if (memchr(target.data, '#', target.len) != NULL ||
        (target.data[0] == '*' && !span_eq(q->method, SPAN_LIT("OPTIONS"))))
        return WRONG_FORM;
    if (h->proxy) {
        *why = "a target without its origin";
        return WRONG_FORM;
    }
    q->path = target;
    return RIGHT;
}

static enum wrong understand(struct question *q, struct http_head *head, const struct h1 *h,
                             const char **why)
{
    struct mw_span target;
    enum http_error error;
    enum wrong wrong;

    *q = (struct question){ .kind = HTTP_BODY_NONE };
    *why = http_error_text(HTTP_E_START_LINE);
    if (!http_request_line(head->start_line, &q->method, &target, &q->minor))
        return WRONG_FORM;
    error = http_head_frame(head, &q->kind, &q->length);
    *why = http_error_text(error);
    if (error != HTTP_E_OK)
        return wrong_of(error);
    /* RFC 9112 section 6.1: HTTP/1.0 has no Transfer-Encoding; its framing is faulty. */
    *why = "Transfer-Encoding in HTTP/1.0";
    if (q->minor == 0 && q->kind == HTTP_BODY_CHUNKED)
        return WRONG_FORM;
    *why = "malformed connection options, or two Host fields";
    if (!h1_fields_filter(head, &q->options, &q->authority))
        return WRONG_FORM;
    /* Section 3.2: a request with no good Host is refused, whatever its target says. */
    *why = "no Host field, or a malformed one";
    if ((q->authority.len > 0 || q->minor == 1) && !h1_authority_check(&q->authority))
        return WRONG_FORM;
    wrong = read_target(q, target, h, why);
    if (wrong != RIGHT)
        return wrong;
    *why = "no host, or a malformed one";
    if (!h1_authority_check(&q->authority))
        return WRONG_FORM;
    q->upgrade = q->options.upgrade && q->options.websocket && q->minor == 1 &&
                 q->kind == HTTP_BODY_NONE && span_eq(q->method, SPAN_LIT("GET"));
    return RIGHT;
}

/* ------------------------------------------------------------------------ keeping ---- */

static struct mw_span keep(struct buf *text, struct mw_span s)
{
    size_t at = text->len;

    buf_add(text, s);
    return buf_error(text) != 0 ? s : span_of(text->data + at, s.len);
}

/* What the answer's side and the pages need of the request. */
static int remember(struct h1 *h, const struct question *q, size_t head_len)
{
    struct h1_asked *a = &h->asked;
    struct mw_span authority;

    if (buf_reserve(&a->text, q->method.len + q->authority.len + q->path.len) == NULL)
        return -ENOMEM;
    a->r.scheme = span_str(h->scheme);
    a->r.method = keep(&a->text, q->method);
    authority = keep(&a->text, q->authority);
    for (size_t i = 0; i < authority.len; i++) {
        uint8_t *c = &a->text.data[q->method.len + i];

        if (*c >= 'A' && *c <= 'Z')
            *c |= 0x20;
    }
    a->r.authority = authority;
    a->r.path = keep(&a->text, q->path);
    a->r.upgrade = a->upgrade = q->upgrade;
    a->minor = q->minor;
    a->head_len = head_len;
    a->head = span_eq(q->method, SPAN_LIT("HEAD"));
    a->keep = q->minor == 1 ? !q->options.close : q->options.keep_alive && !q->options.close;
    a->bodiless = q->kind == HTTP_BODY_NONE || (q->kind == HTTP_BODY_LENGTH && q->length == 0);
    h->active = true;
    return 0;
}

/* ------------------------------------------------------------------------- asking ---- */

/* true: the request may go on.  Otherwise *r: it was answered, or failed. */
static bool ask_session(struct h1 *h, int *r)
{
    static const struct content_block misdirected = {
        .status = 421,
        .title = "Not for this connection",
        .reason = "This connection is for another site.",
        .code = "misdirected",
    };
    struct bridge_answer answer = { .status = 403 };
    enum bridge_ruling ruling = BRIDGE_GO;

    if (h->b.events != NULL && h->b.events->on_request != NULL)
        ruling = h->b.events->on_request(h->b.context, &h->asked.r, &answer);
    *r = 0;
    if (ruling == BRIDGE_GO)
        return true;
    if (ruling == BRIDGE_MISDIRECTED) {
        *r = h1_block(h, &misdirected, true);
        return false;
    }
    h->b.counts.blocked++;
    *r = h1_answer(h, &answer, true);
    return false;
}

static int ask_stages(struct h1 *h, const struct http_head *head, const struct question *q)
{
    static const struct content_block failed = {
        .status = 502,
        .title = "A content check failed",
        .reason = "A content check of the gateway could not begin, so nothing was passed on.",
        .code = "stage-failed",
    };
    const struct content_head c = {
        .side = CONTENT_REQUEST,
        .method = h->asked.r.method,
        .scheme = h->asked.r.scheme,
        .authority = h->asked.r.authority,
        .path = h->asked.r.path,
        .fields = head->fields,
        .n_fields = head->n_fields,
        .has_length = q->kind == HTTP_BODY_LENGTH,
        .length = q->length,
        .protocol = q->upgrade ? "websocket" : "h1",
    };
    struct content_block why = failed;
    int answer = 0;

    if (!h->asked.opened)
        answer = exchange_open(&h->x, h->b.stages, &c, h1_wake, h);
    h->asked.opened = true;
    if (answer == -ENOMEM)
        return answer;
    answer = answer < 0 ? CONTENT_BLOCK : exchange_head(h->x, &c, &why);
    if (answer == CONTENT_BLOCK) {
        int r = h1_block(h, &why, true);

        return r < 0 ? r : CONTENT_BLOCK;
    }
    return answer;
}

/* BRIDGE_H1_PROXY: is the server this request is for at hand? */
static int ask_origin(struct h1 *h)
{
    struct mw_span authority = h->asked.r.authority, host = authority;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(H1_MAX_HOST + 8);
    uint16_t number = 0;
    size_t at = 0;

    while (at < authority.len && (authority.data[at] != ':' || authority.data[0] == '[') &&
           authority.data[at] != ']')
        at++;
    host.len = at < authority.len && authority.data[at] == ']' ? at + 1 : at;
    for (size_t i = host.len + 1; i < authority.len; i++)
        number = (uint16_t)(number * 10 + (authority.data[i] - '0'));
    number = number > 0 ? number : 80;
    buf_add(&name, host);
    buf_u16(&name, number);
    if (buf_error(&name) != 0)
        return buf_error(&name);
    if (h->origin == H1_READY && span_eq(buf_span(&name), buf_span(&h->origin_name)))
        return 0;
    buf_truncate(&h->origin_name, 0);
    buf_add(&h->origin_name, buf_span(&name));
    if (buf_error(&h->origin_name) != 0)
        return buf_error(&h->origin_name);
    h->origin = H1_ASKED_ORIGIN;
    if (host.data[0] == '[')
        host = span_of(host.data + 1, host.len - 2);
    if (h->b.events != NULL && h->b.events->on_origin != NULL)
        h->b.events->on_origin(h->b.context, host, number);
    return 0;
}

/* ------------------------------------------------------------------------ writing ---- */

static void put_connection(struct h1_writer *w, const struct h1 *h, const struct question *q)
{
    bool close = !h->proxy && (!h->asked.keep || h->draining);

    if (!close && !q->options.trailers && !q->upgrade)
        return;
    h1_put(w, SPAN_LIT("Connection: "));
    if (q->upgrade)
        h1_put(w, SPAN_LIT("Upgrade"));
    else if (close)
        h1_put(w, SPAN_LIT("close"));
    if (q->options.trailers)
        h1_put(w, q->upgrade || close ? SPAN_LIT(", TE\r\nTE: trailers")
                                      : SPAN_LIT("TE\r\nTE: trailers"));
    h1_put(w, q->upgrade ? SPAN_LIT("\r\nUpgrade: websocket\r\n") : SPAN_LIT("\r\n"));
}

static int pass_on(struct h1 *h, struct http_head *head, const struct question *q)
{
    struct h1_leg *leg = &h->from[BRIDGE_CLIENT];
    struct h1_writer w = { .to = &h->to[BRIDGE_SERVER] };
    bool anew = q->kind == HTTP_BODY_LENGTH && exchange_changes(h->x);

    leg->frame = q->kind == HTTP_BODY_NONE                ? H1_NONE
                 : q->kind == HTTP_BODY_CHUNKED || anew ? H1_CHUNKED
                                                        : H1_LENGTH;
    /* RFC 9110 section 10.1.1: HTTP/1.0 clients do not know 100 (Continue). */
    if (q->options.expects && q->minor == 0)
        h1_fields_drop(head, H1_EXPECT);
    if (q->options.trailer_named && leg->frame != H1_CHUNKED)
        h1_fields_drop(head, H1_TRAILER);
    h1_put(&w, q->method);
    h1_put(&w, SPAN_LIT(" "));
    h1_put(&w, q->path);
    h1_put(&w, SPAN_LIT(" HTTP/1.1\r\nHost: "));
    h1_put(&w, h->asked.r.authority);
    h1_put(&w, SPAN_LIT("\r\n"));
    h1_put_fields(&w, head, leg->frame == H1_LENGTH ? &q->length : NULL);
    if (leg->frame == H1_CHUNKED)
        h1_put(&w, SPAN_LIT("Transfer-Encoding: chunked\r\n"));
    put_connection(&w, h, q);
    if (h->via != NULL) {
        h1_put(&w, SPAN_LIT("Via: 1.1 "));
        h1_put(&w, span_str(h->via));
        h1_put(&w, SPAN_LIT("\r\n"));
    }
    h1_put(&w, SPAN_LIT("\r\n"));
    leg->in = span_cut(leg->in, head->len, SIZE_MAX);
    h->asked.head_len = 0;
    h->asked.passed = true;
    h->passed++;
    h->clean = false;
    h->tainted = h->tainted || !h->asked.bodiless || q->upgrade || q->options.bound;
    h->b.counts.requests++;
    http_body_start(&leg->body, q->kind, q->length);
    leg->step = h->asked.bodiless ? H1_END : H1_BODY;
    return w.error == 0 && h->second_hand ? h1_again_keep(h) : w.error;
}

int h1_request_head(struct h1 *h, struct http_head *head, enum http_state state)
{
    struct question q;
    const char *why;
    enum wrong wrong;
    int r;

    if (state == HTTP_BAD)
        return refuse(h, wrong_of(head->error), http_error_text(head->error));
    wrong = understand(&q, head, h, &why);
    if (wrong != RIGHT)
        return refuse(h, wrong, why);
    if (!h->active) {
        r = remember(h, &q, head->len);
        if (r < 0)
            return r;
        if (!ask_session(h, &r))
            return r;
    }
    if (h1_fresh_first(h))
        return 0;
    r = ask_stages(h, head, &q);
    h->from[BRIDGE_CLIENT].held = r == CONTENT_HOLD;
    if (r != CONTENT_PASS)
        return r < 0 ? r : 0;
    if (h->proxy) {
        r = ask_origin(h);
        if (r < 0 || !h->active || h->origin != H1_READY)
            return r;
    } else if (h1_fresh_first(h)) { /* the server went while a stage thought about it */
        return 0;
    }
    return pass_on(h, head, &q);
}

/* ---------------------------------------------------------------- answers of ours ---- */

int h1_answer(struct h1 *h, const struct bridge_answer *answer, bool keep_open)
{
    struct h1_leg *leg = &h->from[BRIDGE_CLIENT];
    struct h1_writer w = { .to = &h->to[BRIDGE_CLIENT] };
    bool keeps = keep_open && h->active && h->asked.keep && h->asked.bodiless &&
                 !h->asked.passed && !h->draining;

    h1_put(&w, SPAN_LIT("HTTP/1.1 "));
    h1_put_number(&w, (uint64_t)answer->status);
    h1_put(&w, SPAN_LIT(" "));
    h1_put(&w, span_str(http_reason(answer->status)));
    if (answer->type != NULL) {
        h1_put(&w, SPAN_LIT("\r\nContent-Type: "));
        h1_put(&w, span_str(answer->type));
    }
    /* Nobody else's page may hold ours, to have its button pressed. */
    if (answer->type != NULL && strncmp(answer->type, "text/html", 9) == 0)
        h1_put(&w, SPAN_LIT("\r\nContent-Security-Policy: frame-ancestors 'none'"));
    h1_put(&w, SPAN_LIT("\r\nCache-Control: no-store\r\nContent-Length: "));
    h1_put_number(&w, answer->body.len);
    if (!keeps)
        h1_put(&w, SPAN_LIT("\r\nConnection: close"));
    else if (h->asked.minor == 0)
        h1_put(&w, SPAN_LIT("\r\nConnection: keep-alive"));
    h1_put(&w, SPAN_LIT("\r\n\r\n"));
    if (!h->asked.head)
        h1_put(&w, answer->body);
    if (w.error != 0)
        return w.error;
    if (keeps) {
        leg->in = span_cut(leg->in, h->asked.head_len, SIZE_MAX);
        h1_exchange_reset(h);
    } else {
        h1_close(h, BRIDGE_CLIENT, NULL);
    }
    return 0;
}

int h1_block(struct h1 *h, const struct content_block *why, bool keep_open)
{
    struct bridge_answer answer = {
        .status = why->status, .body = span_str(why->reason), .type = "text/plain; charset=utf-8"
    };

    h->b.counts.blocked++;
    if (h->asked.answered) {
        h1_close(h, BRIDGE_CLIENT, NULL);
        return 0;
    }
    if (h->b.events != NULL && h->b.events->on_block != NULL)
        h->b.events->on_block(h->b.context, &h->asked.r, why, &answer);
    return h1_answer(h, &answer, keep_open);
}
