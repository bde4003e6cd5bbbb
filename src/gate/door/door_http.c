/*
 * An HTTP proxy's first request: CONNECT, absolute form, or one to the gateway itself.  Only the
 * head is read, by the one strict parser.
 * Source: RFC 9110 sections 9.3.6, 11.7 and 15, RFC 9112 section 3.2, RFC 7617, RFC 9209.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "gate/door/door_state.h"
#include "gate/door/page.h"
#include "http/request.h"
#include "http/response.h"

enum {
    FORM_MAX = 1024, PAGE_MAX = 256 * 1024,
    ASKED_MAX = 8,              /* 407s on one connection */
};

/* --------------------------------------------------------------------- answers ---- */

static const char *title_of(int status)
{
    switch (status) {
    case 405:
        return "This cannot be done here";
    case 407:
        return "Please sign in to the gateway";
    case 413:
    case 431:
        return "The request is too large";
    default:
        return "The gateway did not understand the request";
    }
}

void door_http_answer(struct door *d, int status, const char *error, struct mw_span page)
{
    CLEANUP(buf_deinit) struct buf proxy_status = BUF_INIT(1024), text = BUF_INIT(1024);
    struct http_field fields[6];
    size_t n = 0;

    buf_printf(&proxy_status, "midwatch; error=%s; details=\"%s\"", error, d->why);
    buf_printf(&text, "%s\n", d->why);
    fields[n++] = (struct http_field){ SPAN_LIT("Content-Type"),
                                       page.len > 0 ? SPAN_LIT("text/html; charset=utf-8")
                                                    : SPAN_LIT("text/plain; charset=utf-8") };
    fields[n++] = (struct http_field){ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") };
    fields[n++] = (struct http_field){ SPAN_LIT("X-Content-Type-Options"), SPAN_LIT("nosniff") };
    fields[n++] = (struct http_field){ SPAN_LIT("Proxy-Status"), buf_span(&proxy_status) };
    if (status == 407)
        fields[n++] = (struct http_field){ SPAN_LIT("Proxy-Authenticate"),
                                           SPAN_LIT("Basic realm=\"midwatch\", "
                                                    "charset=\"UTF-8\"") };
    if (status == 503)
        fields[n++] = (struct http_field){ SPAN_LIT("Retry-After"), SPAN_LIT("10") };
    if (status == 405)
        fields[n++] = (struct http_field){ SPAN_LIT("Allow"), SPAN_LIT("GET, HEAD") };
    /* What we write into fields is ours: only memory can fail, and `out` remembers that. */
    if (buf_error(&proxy_status) != 0 || buf_error(&text) != 0 ||
        http_response_write(&d->out, status, fields, n, page.len > 0 ? page : buf_span(&text),
                            status == 407 && d->state == DOOR_MORE) != 0)
        d->out.error = -ENOMEM;
}

static void answer_page(struct door *d, int status, const char *error)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(PAGE_MAX);

    page_stopped(&page, d->config, status, title_of(status), d->why);
    door_http_answer(d, status, error, buf_error(&page) == 0 ? buf_span(&page) : span_of(NULL, 0));
}

enum door_state door_http_bad(struct door *d, int status, const char *why)
{
    if (why != d->why)
        snprintf(d->why, sizeof(d->why), "%s", why);
    d->state = DOOR_BAD;
    d->answered = true;
    answer_page(d, status, "http_request_error");
    return DOOR_BAD;
}

/* --------------------------------------------------------------- who is asking ---- */

static void wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->room);
    buf_deinit(b);
}

/* RFC 7617 section 2: the user is what stands before the first colon. */
static int sign_in_basic(struct door *d, const struct http_request *r)
{
    CLEANUP(wipe) struct buf plain = BUF_INIT(DOOR_MAX_BYTES);
    struct mw_span value = http_field_find(&r->m, "proxy-authorization"), scheme, user, password;

    /* Room for all at once, so that no copy is left behind by growing. */
    if (buf_reserve(&plain, value.len + 1) == NULL)
        return -ENOMEM;
    if (!span_field(&value, ' ', &scheme) || !span_eq_nocase(scheme, SPAN_LIT("basic")) ||
        text_unbase64(&plain, value) != 0)
        return -EACCES;
    password = buf_span(&plain);
    if (password.len == 0 || memchr(password.data, ':', password.len) == NULL ||
        !span_field(&password, ':', &user))
        return -EACCES;
    return door_sign_in(d, user, password);
}

static bool has_content(const struct http_request *r)
{
    return r->m.coded.kind == HTTP_BODY_CHUNKED ||
           (r->m.coded.kind == HTTP_BODY_LENGTH && r->m.coded.left > 0);
}

/* DOOR_MORE: the client may try again on this connection, its request is eaten. */
static enum door_state ask_to_sign_in(struct door *d, const struct http_request *r)
{
    bool body = has_content(r);
    bool given = http_field_count(&r->m, "proxy-authorization") > 0;

    snprintf(d->why, sizeof(d->why), "%s",
             given ? "the user name or password is wrong" : "nobody has signed in");
    /* What follows a body we do not read is not a request. */
    if (body || r->minor == 0 || d->sign_ins >= DOOR_MAX_SIGN_INS || ++d->asked > ASKED_MAX) {
        d->state = DOOR_BAD;
        d->answered = true;
    }
    answer_page(d, 407, "http_request_denied");
    return d->state;
}

/* ------------------------------------------------------------------- where to ---- */

/* RFC 9112 section 3.2.3: host and port, both always there. */
static int read_authority(struct door *d, struct mw_span target)
{
    struct mw_span host, port;
    const uint8_t *end;
    int64_t number;
    bool bracketed = target.len > 0 && target.data[0] == '[';

    end = memchr(target.data, bracketed ? ']' : ':', target.len);
    if (end == NULL)
        return -EINVAL;
    host = span_of(target.data + bracketed, (size_t)(end - target.data) - bracketed);
    port = span_cut(target, host.len + (bracketed ? 2 : 0), SIZE_MAX);
    if (port.len < 2 || port.data[0] != ':' || port.data[1] == '0' ||
        text_number(span_cut(port, 1, SIZE_MAX), 1, 65535, &number) != 0)
        return -EINVAL;
    d->port = (uint16_t)number;
    return door_set_host(d, host, bracketed);
}

static enum door_state read_connect(struct door *d, const struct http_request *r)
{
    /* RFC 9110 section 9.3.6: content in a CONNECT means nothing; two parsers would differ. */
    if (has_content(r))
        return door_http_bad(d, 400, "a CONNECT request with content");
    if (read_authority(d, r->target) != 0)
        return door_http_bad(d, 400, "CONNECT to something that is no host:port");
    return DOOR_TUNNEL;
}

/* An origin in the clear.  https:// in absolute form would have us read what TLS is to hide. */
static enum door_state read_absolute(struct door *d, const struct http_request *r,
                                     struct mw_span *path)
{
    struct http_url url;

    if (memchr(r->target.data, '#', r->target.len) != NULL || http_url_parse(&url, r->target) != 0)
        return door_http_bad(d, 400, "a request target that is no http:// URL");
    if (url.tls)
        return door_http_bad(d, 400, "an https:// request without CONNECT");
    if (door_set_host(d, url.host, url.host.data[-1] == '[') != 0)
        return door_http_bad(d, 400, "a URL whose host is neither a name nor an address");
    d->port = url.port;
    *path = url.path;
    return DOOR_REQUEST;
}

/* ------------------------------------------------------------------ our own pages ---- */

static bool is_continue(struct mw_span path)
{
    struct mw_span token = span_cut(path, sizeof(DOOR_CONTINUE) - 1, SIZE_MAX);

    if (path.len != sizeof(DOOR_CONTINUE) - 1 + DOOR_TOKEN_LEN ||
        memcmp(path.data, DOOR_CONTINUE, sizeof(DOOR_CONTINUE) - 1) != 0)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        uint8_t c = token.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

/* The form's body is read and dropped: the path says it all.  DOOR_MORE: not all there yet. */
static enum door_state read_form(struct door *d, struct mw_span *in)
{
    struct http_request r = HTTP_REQUEST_INIT(FORM_MAX);
    struct mw_span rest = *in;
    enum http_state state = http_request_feed(&r, &rest);
    enum http_error error = r.m.error;

    http_request_deinit(&r);
    if (state == HTTP_BAD)
        return door_http_bad(d, error == HTTP_E_TOO_BIG ? 413 : 400, http_error_text(error));
    if (state == HTTP_MORE)
        return DOOR_MORE;
    *in = rest;
    return DOOR_LOCAL;
}

static enum door_state read_local(struct door *d, const struct http_request *r,
                                  struct mw_span path, struct mw_span *in, size_t head)
{
    enum door_state state = DOOR_LOCAL;

    if (span_eq(r->method, SPAN_LIT("GET")))
        d->method = DOOR_GET;
    else if (span_eq(r->method, SPAN_LIT("HEAD")))
        d->method = DOOR_HEAD;
    else if (span_eq(r->method, SPAN_LIT("POST")) && is_continue(path))
        d->method = DOOR_POST;
    else
        return door_http_bad(d, 405, "the gateway's own pages can only be read");
    if (d->method == DOOR_POST)
        state = read_form(d, in);
    else
        *in = span_cut(*in, head, SIZE_MAX);
    if (state != DOOR_LOCAL)
        return state;
    free(d->path);
    d->path = span_dup(path.len > 0 ? path : SPAN_LIT("/"));
    return d->path != NULL ? DOOR_LOCAL : door_broken(d);
}

/* ------------------------------------------------------------------- the request ---- */

/* A tunnel to our own name: it stands, and holds a request of HTTP. */
static enum door_state enter_own(struct door *d, struct mw_span *in, size_t head)
{
    buf_str(&d->out, "HTTP/1.1 200 Connection Established\r\n\r\n");
    *in = span_cut(*in, head, SIZE_MAX);
    d->step = DOOR_STEP_INNER;
    return DOOR_MORE;
}

static enum door_state answer_request(struct door *d, const struct http_request *r,
                                      struct mw_span *in, size_t head)
{
    struct mw_span path = r->target;
    enum door_state state = DOOR_LOCAL;
    int signed_in = 0;

    if (span_eq(r->method, SPAN_LIT("CONNECT"))) {
        if (d->step == DOOR_STEP_INNER)
            return door_http_bad(d, 400, "a CONNECT request to the gateway's own pages");
        state = read_connect(d, r);
    } else if (span_eq(r->target, SPAN_LIT("*"))) {
        /* RFC 9112 section 3.2.4: only OPTIONS has it. */
        return span_eq(r->method, SPAN_LIT("OPTIONS"))
                   ? door_http_bad(d, 405, "the gateway's own pages can only be read")
                   : door_http_bad(d, 400, "a request for \"*\" that is not OPTIONS");
    } else if (r->target.data[0] != '/') {
        state = read_absolute(d, r, &path);
    }
    if (state == DOOR_BAD)
        return state;
    if (state == DOOR_TUNNEL && door_is_own(d))
        return enter_own(d, in, head);
    if (state == DOOR_LOCAL || (state == DOOR_REQUEST && door_is_own(d)))
        return read_local(d, r, path, in, head);
    if (d->step == DOOR_STEP_INNER)
        return door_http_bad(d, 400, "a request for another site to the gateway's own pages");
    if (d->config->users_file != NULL)
        signed_in = sign_in_basic(d, r);
    if (signed_in == -ENOMEM)
        return door_broken(d);
    if (signed_in == -EAGAIN)
        return DOOR_ASK;
    if (signed_in != 0 || state == DOOR_TUNNEL)
        *in = span_cut(*in, head, SIZE_MAX);
    return signed_in != 0 ? ask_to_sign_in(d, r) : state;
}

/* What is surely no request of HTTP/1.1, known by its first byte: waiting for its end would
 * leave the client without an answer. */
static const char *not_http(uint8_t first)
{
    if (first == 22)
        return "TLS, but this listener takes plain HTTP: set the proxy as http://, not https://";
    if (first == 4 || first == 5)
        return "SOCKS, but this listener takes HTTP: set it as an HTTP proxy";
    if (first != '\r' && !http_is_token(span_of(&first, 1)))
        return "something that is not HTTP";
    return NULL;
}

/* The length of the head that begins `in`, 0: its end has not come. */
static size_t head_length(struct door *d, struct mw_span in)
{
    size_t from = d->scanned < in.len ? d->scanned : 0;

    for (size_t i = from; i + 4 <= in.len; i++) {
        if (memcmp(in.data + i, "\r\n\r\n", 4) == 0) {
            d->scanned = 0;
            return i + 4;
        }
    }
    d->scanned = in.len >= 3 ? in.len - 3 : 0;
    return 0;
}

enum door_state door_http_feed(struct door *d, struct mw_span *in)
{
    struct http_request r = HTTP_REQUEST_INIT(SIZE_MAX);
    struct mw_span head;
    enum door_state state;
    size_t len;

    if (in->len == 0)
        return DOOR_MORE;
    if (not_http(in->data[0]) != NULL)
        return door_http_bad(d, 400, not_http(in->data[0]));
    /* RFC 9112 section 2.2: an empty line before the request is nothing. */
    if (in->len >= 2 && memcmp(in->data, "\r\n", 2) == 0) {
        *in = span_cut(*in, 2, SIZE_MAX);
        d->scanned = 0;
        return DOOR_MORE;
    }
    len = head_length(d, *in);
    if (len > DOOR_MAX_BYTES || (len == 0 && in->len >= DOOR_MAX_BYTES))
        return door_http_bad(d, 431, "more bytes before the empty line than the limit");
    if (len == 0)
        return DOOR_MORE;
    head = span_cut(*in, 0, len);
    if (http_request_feed(&r, &head) == HTTP_BAD || !r.head_done)
        state = door_http_bad(d, 400, http_error_text(r.m.error));
    else
        state = answer_request(d, &r, in, len);
    if (r.m.bytes.data != NULL)
        explicit_bzero(r.m.bytes.data, r.m.bytes.len);    /* it may hold a password */
    http_request_deinit(&r);
    return state;
}
