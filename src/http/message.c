#include "http/message.h"

#include <errno.h>

void http_message_deinit(struct http_message *m)
{
    buf_deinit(&m->bytes);
    buf_deinit(&m->body);
    http_body_deinit(&m->coded);
    *m = (struct http_message)HTTP_MESSAGE_INIT(m->body.max);
}

static enum http_state bad(struct http_message *m, enum http_error error)
{
    if (m->error == HTTP_E_OK)
        m->error = error;
    return HTTP_BAD;
}

size_t http_field_count(const struct http_message *m, const char *name)
{
    return http_head_count(&m->head, span_str(name));
}

struct mw_span http_field_find(const struct http_message *m, const char *name)
{
    return http_head_find(&m->head, span_str(name));
}

enum http_state http_head_feed(struct http_message *m, struct mw_span *in)
{
    size_t before = m->bytes.len;
    struct mw_span part = span_cut(*in, 0, HTTP_MAX_HEAD - before);
    enum http_state state;

    if (m->error != HTTP_E_OK)
        return HTTP_BAD;
    if (m->head_done)
        return HTTP_DONE;
    buf_add(&m->bytes, part);
    if (buf_error(&m->bytes) != 0)
        return bad(m, HTTP_E_MEMORY);
    state = http_head_read(&m->head, &m->mark, buf_span(&m->bytes));
    if (state == HTTP_BAD)
        return bad(m, m->head.error);
    if (state == HTTP_DONE) {
        part.len = m->head.len - before;
        buf_truncate(&m->bytes, m->head.len);
        m->head_done = true;
    }
    *in = span_cut(*in, part.len, SIZE_MAX);
    return state;
}

enum http_state http_body_feed(struct http_message *m, struct mw_span *in)
{
    enum http_state state = HTTP_MORE;
    struct mw_span piece;

    if (m->error != HTTP_E_OK)
        return HTTP_BAD;
    if (m->coded.kind == HTTP_BODY_LENGTH && m->coded.left > m->body.max - m->body.len)
        return bad(m, HTTP_E_TOO_BIG);          /* known before it comes */
    do {
        state = http_body_take(&m->coded, in, &piece);
        buf_add(&m->body, piece);
        if (buf_error(&m->body) != 0)
            return bad(m, buf_error(&m->body) == -ENOMEM ? HTTP_E_MEMORY : HTTP_E_TOO_BIG);
    } while (state == HTTP_MORE && in->len > 0);
    return state == HTTP_BAD ? bad(m, m->coded.error) : state;
}
