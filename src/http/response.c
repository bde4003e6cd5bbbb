#include "http/response.h"

#include <errno.h>


enum { MAX_INTERIM = 8 };

void http_response_deinit(struct http_response *r)
{
    http_message_deinit(&r->m);
}

static enum http_state bad(struct http_response *r, enum http_error error)
{
    r->m.error = error;
    return HTTP_BAD;
}

static enum http_state read_head(struct http_response *r)
{
    /* RFC 9112 section 6.3, in its order. */
    enum http_body_kind kind = HTTP_BODY_UNTIL_CLOSE;
    uint64_t length = 0;
    enum http_error error;

    if (!http_status_line(r->m.head.start_line, &r->minor, &r->status, &r->reason))
        return bad(r, HTTP_E_START_LINE);
    r->head_done = true;
    error = http_head_frame(&r->m.head, &kind, &length);
    if (error != HTTP_E_OK)
        return bad(r, error);
    if (r->bodiless || r->status == 204 || r->status == 304)
        kind = HTTP_BODY_NONE;
    http_body_start(&r->m.coded, kind, length);
    return HTTP_DONE;
}

/* An interim answer is dropped; its number is kept over the reset. */
static enum http_state drop_interim(struct http_response *r)
{
    unsigned seen = r->interim + 1;
    bool bodiless = r->bodiless;

    if (seen > MAX_INTERIM || r->status == 101)
        return bad(r, HTTP_E_START_LINE);
    http_message_deinit(&r->m);
    *r = (struct http_response){ .m = r->m, .bodiless = bodiless, .interim = seen };
    return HTTP_MORE;
}

enum http_state http_response_feed(struct http_response *r, struct mw_span *in)
{
    enum http_state state;

    while (!r->head_done) {
        state = http_head_feed(&r->m, in);
        if (state == HTTP_DONE)
            state = read_head(r);
        if (state != HTTP_DONE)
            return state;
        if (r->status < 200 && drop_interim(r) == HTTP_BAD)
            return HTTP_BAD;
    }
    return http_body_feed(&r->m, in);
}

enum http_state http_response_end(struct http_response *r)
{
    if (r->m.error != HTTP_E_OK)
        return HTTP_BAD;
    if (r->head_done && r->m.coded.kind == HTTP_BODY_UNTIL_CLOSE)
        return HTTP_DONE;
    return bad(r, HTTP_E_CUT);
}

struct mw_span http_response_location(const struct http_response *r)
{
    struct mw_span none = { NULL, 0 };

    return r->status >= 300 && r->status < 400 ? http_field_find(&r->m, "location") : none;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        { 200, "OK" },
        { 204, "No Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 307, "Temporary Redirect" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 407, "Proxy Authentication Required" },
        { 408, "Request Timeout" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 421, "Misdirected Request" },
        { 431, "Request Header Fields Too Large" },
        { 451, "Unavailable For Legal Reasons" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 511, "Network Authentication Required" },
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].status == status)
            return known[i].reason;
    }
    return "";
}

int http_response_write(struct buf *out, int status, const struct http_field *fields,
                        size_t n_fields, struct mw_span body, bool keep)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (!http_is_token(fields[i].name) || !http_is_value(fields[i].value))
            return -EINVAL;
    }
    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    for (size_t i = 0; i < n_fields; i++) {
        buf_add(out, fields[i].name);
        buf_str(out, ": ");
        buf_add(out, fields[i].value);
        buf_str(out, "\r\n");
    }
    /* RFC 9110 section 8.6: never with 1xx and 204. */
    if (status >= 200 && status != 204)
        buf_printf(out, "Content-Length: %zu\r\n", body.len);
    if (!keep)
        buf_str(out, "Connection: close\r\n");
    buf_str(out, "\r\n");
    buf_add(out, body);
    return buf_error(out);
}
