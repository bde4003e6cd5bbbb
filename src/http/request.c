#include "http/request.h"

#include <errno.h>

#include "base/text.h"

void http_request_deinit(struct http_request *r)
{
    http_message_deinit(&r->m);
}

static enum http_state bad(struct http_request *r, enum http_error error)
{
    r->m.error = error;
    return HTTP_BAD;
}

static bool is_target(struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    }
    return s.len > 0;
}

static enum http_state read_head(struct http_request *r)
{
    size_t hosts = http_field_count(&r->m, "host");
    enum http_body_kind kind = HTTP_BODY_NONE;
    uint64_t length = 0;
    enum http_error error;

    if (!http_request_line(r->m.head.start_line, &r->method, &r->target, &r->minor))
        return bad(r, HTTP_E_START_LINE);
    /* RFC 9112 section 3.2. */
    if (hosts > 1 || (hosts == 0 && r->minor == 1))
        return bad(r, HTTP_E_HOST);
    r->head_done = true;
    error = http_head_frame(&r->m.head, &kind, &length);
    if (error != HTTP_E_OK)
        return bad(r, error);
    http_body_start(&r->m.coded, kind, length);
    return HTTP_DONE;
}

enum http_state http_request_feed(struct http_request *r, struct mw_span *in)
{
    enum http_state state;

    if (!r->head_done) {
        state = http_head_feed(&r->m, in);
        if (state == HTTP_DONE)
            state = read_head(r);
        if (state != HTTP_DONE)
            return state;
    }
    return http_body_feed(&r->m, in);
}

enum http_state http_request_end(struct http_request *r)
{
    return r->m.error != HTTP_E_OK ? HTTP_BAD : bad(r, HTTP_E_CUT);
}

int http_request_write(struct buf *out, const char *method, const char *target, const char *host,
                       const struct http_field *fields, size_t n_fields, struct mw_span body)
{
    if (!http_is_token(span_str(method)) || !is_target(span_str(target)) ||
        !is_target(span_str(host)))
        return -EINVAL;
    for (size_t i = 0; i < n_fields; i++) {
        if (!http_is_token(fields[i].name) || !http_is_value(fields[i].value))
            return -EINVAL;
    }
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host);
    for (size_t i = 0; i < n_fields; i++) {
        buf_add(out, fields[i].name);
        buf_str(out, ": ");
        buf_add(out, fields[i].value);
        buf_str(out, "\r\n");
    }
    if (body.len > 0)
        buf_printf(out, "Content-Length: %zu\r\n", body.len);
    buf_str(out, "Connection: close\r\n\r\n");
    buf_add(out, body);
    return buf_error(out);
}

/* "host" or "host:port" up to the path, an IPv6 address in brackets. */
static int read_authority(struct http_url *u, struct mw_span authority)
{
    struct mw_span rest, port = { NULL, 0 };
    const uint8_t *end;
    int64_t number;

    if (authority.len > 0 && authority.data[0] == '[') {
        end = memchr(authority.data, ']', authority.len);
        if (end == NULL)
            return -EINVAL;
        u->host = span_of(authority.data + 1, (size_t)(end - authority.data) - 1);
        rest = span_cut(authority, u->host.len + 2, SIZE_MAX);
    } else {
        end = authority.len > 0 ? memchr(authority.data, ':', authority.len) : NULL;
        u->host = end != NULL ? span_of(authority.data, (size_t)(end - authority.data))
                              : authority;
        rest = span_cut(authority, u->host.len, SIZE_MAX);
    }
    if (u->host.len == 0 || memchr(authority.data, '@', authority.len) != NULL)
        return -EINVAL;
    if (rest.len == 0)
        return 0;
    port = span_cut(rest, 1, SIZE_MAX);
    if (rest.data[0] != ':' || text_number(port, 1, 65535, &number) != 0)
        return -EINVAL;
    u->port = (uint16_t)number;
    return 0;
}

static bool starts_nocase(struct mw_span s, const char *with)
{
    return span_eq_nocase(span_cut(s, 0, strlen(with)), span_str(with));
}

int http_url_parse(struct http_url *out, struct mw_span text)
{
    struct http_url u = { .port = 80 };
    struct mw_span rest;
    size_t end = 0;
    int r;

    if (!is_target(text))
        return -EINVAL;
    if (starts_nocase(text, "https://")) {
        u.tls = true;
        u.port = 443;
        rest = span_cut(text, 8, SIZE_MAX);
    } else if (starts_nocase(text, "http://")) {
        rest = span_cut(text, 7, SIZE_MAX);
    } else {
        return -EINVAL;
    }
    while (end < rest.len && strchr("/?#", rest.data[end]) == NULL)
        end++;
    r = read_authority(&u, span_cut(rest, 0, end));
    if (r < 0)
        return r;
    u.path = span_cut(rest, end, SIZE_MAX);
    for (size_t i = 0; i < u.path.len; i++) {
        if (u.path.data[i] == '#')
            u.path.len = i;
    }
    /* "http://host?query" has no path to hang the query on. */
    if (u.path.len > 0 && u.path.data[0] != '/')
        return -EINVAL;
    *out = u;
    return 0;
}
