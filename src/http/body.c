#include "http/body.h"

/* b->step, where in the chunks we are. */
enum {
    AT_SIZE,                        /* the first digit */
    IN_SIZE,
    IN_EXTENSION,
    AT_SIZE_LF,
    IN_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    IN_TRAILER,
    AT_END,
};

void http_body_start(struct http_body *b, enum http_body_kind kind, uint64_t length)
{
    b->kind = kind;
    b->left = kind == HTTP_BODY_LENGTH ? length : 0;
    b->trailer.max = HTTP_MAX_TRAILER;
}

void http_body_deinit(struct http_body *b)
{
    buf_deinit(&b->trailer);
    *b = (struct http_body){ 0 };
}

static enum http_state bad(struct http_body *b, enum http_error error)
{
    b->error = error;
    return HTTP_BAD;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9112 section 7.1: hex digits, then nothing or an extension, which is ignored. */
static enum http_state read_size(struct http_body *b, uint8_t c)
{
    int digit = b->step == IN_EXTENSION ? -1 : hex_value(c);
    bool good = ++b->line_len <= HTTP_MAX_CHUNK_LINE;

    if (digit >= 0) {
        good = good && ++b->digits <= 15;
        b->left = b->left << 4 | (uint64_t)digit;
        b->step = IN_SIZE;
    } else if (b->step == AT_SIZE) {
        good = false;
    } else if (c == '\r') {
        b->step = AT_SIZE_LF;
    } else if (b->step == IN_SIZE) {
        good = good && c == ';';
        b->step = IN_EXTENSION;
    } else {
        good = good && (c >= ' ' || c == '\t') && c != 0x7f;
    }
    return good ? HTTP_MORE : bad(b, HTTP_E_CHUNK);
}

/* One byte of what is around the data. */
static enum http_state read_frame(struct http_body *b, uint8_t c)
{
    switch (b->step) {
    case AT_SIZE_LF:
        if (c != '\n')
            return bad(b, HTTP_E_CHUNK);
        b->step = b->left > 0 ? IN_DATA : IN_TRAILER;
        b->line_len = b->digits = 0;
        return HTTP_MORE;
    case AT_DATA_CR:
        b->step = AT_DATA_LF;
        return c == '\r' ? HTTP_MORE : bad(b, HTTP_E_CHUNK);
    case AT_DATA_LF:
        b->step = AT_SIZE;
        return c == '\n' ? HTTP_MORE : bad(b, HTTP_E_CHUNK);
    default:
        return read_size(b, c);
    }
}

/* Trailer fields are held to the rules of the head's (RFC 9112 section 7.1.2). */
static enum http_state take_trailer(struct http_body *b, struct mw_span *in)
{
    size_t before = b->trailer.len, most = HTTP_MAX_TRAILER - before;
    struct http_head head;
    enum http_state state;

    if (in->len == 0)
        return HTTP_MORE;
    if (before == 0 && in->len >= 2 && in->data[0] == '\r' && in->data[1] == '\n') {
        *in = span_cut(*in, 2, SIZE_MAX);
        b->step = AT_END;
        return HTTP_DONE;
    }
    most = in->len < most ? in->len : most;
    buf_add(&b->trailer, span_cut(*in, 0, most));
    if (buf_error(&b->trailer) != 0)
        return bad(b, HTTP_E_MEMORY);
    state = http_fields_read(&head, &b->mark, buf_span(&b->trailer));
    if (state == HTTP_BAD)
        return bad(b, head.error);
    if (state == HTTP_MORE) {
        *in = span_cut(*in, most, SIZE_MAX);
        return b->trailer.len == HTTP_MAX_TRAILER ? bad(b, HTTP_E_TOO_BIG) : HTTP_MORE;
    }
    *in = span_cut(*in, head.len - before, SIZE_MAX);
    buf_truncate(&b->trailer, head.len > 2 ? head.len : 0);
    b->step = AT_END;
    return HTTP_DONE;
}

static void take_piece(struct http_body *b, struct mw_span *in, struct mw_span *piece)
{
    size_t n = in->len < b->left ? in->len : (size_t)b->left;

    *piece = span_of(in->data, n);
    *in = span_cut(*in, n, SIZE_MAX);
    b->left -= n;
}

static enum http_state take_chunks(struct http_body *b, struct mw_span *in, struct mw_span *piece)
{
    enum http_state state = HTTP_MORE;

    while (in->len > 0 && state == HTTP_MORE) {
        if (b->step == IN_DATA) {
            take_piece(b, in, piece);
            if (b->left == 0)
                b->step = AT_DATA_CR;
            return HTTP_MORE;
        }
        if (b->step == IN_TRAILER)
            return take_trailer(b, in);
        state = read_frame(b, in->data[0]);
        *in = span_of(in->data + 1, in->len - 1);
    }
    return state;
}

enum http_state http_body_take(struct http_body *b, struct mw_span *in, struct mw_span *piece)
{
    *piece = (struct mw_span){ NULL, 0 };
    if (b->error != HTTP_E_OK)
        return HTTP_BAD;
    switch (b->kind) {
    case HTTP_BODY_LENGTH:
        take_piece(b, in, piece);
        return b->left == 0 ? HTTP_DONE : HTTP_MORE;
    case HTTP_BODY_CHUNKED:
        return b->step == AT_END ? HTTP_DONE : take_chunks(b, in, piece);
    case HTTP_BODY_UNTIL_CLOSE:
        *piece = *in;
        *in = (struct mw_span){ NULL, 0 };
        return HTTP_MORE;
    default:
        return HTTP_DONE;
    }
}

enum http_state http_body_end(struct http_body *b)
{
    if (b->error != HTTP_E_OK)
        return HTTP_BAD;
    return b->kind == HTTP_BODY_UNTIL_CLOSE ? HTTP_DONE : bad(b, HTTP_E_CUT);
}

void http_body_trailers(const struct http_body *b, struct http_head *out)
{
    struct http_mark mark = { 0 };

    if (b->trailer.len == 0 ||
        http_fields_read(out, &mark, buf_span(&b->trailer)) != HTTP_DONE)
        out->n_fields = 0;
}
