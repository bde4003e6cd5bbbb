/* Heads and bodies written anew, straight into a queue's chunks. */
#include <errno.h>

#include "gate/bridge/h1.h"

void h1_put(struct h1_writer *w, struct mw_span s)
{
    while (s.len > 0 && w->error == 0) {
        size_t room;
        uint8_t *at = queue_reserve(w->to, &room);

        if (at == NULL) {
            w->error = -ENOMEM;
            return;
        }
        room = s.len < room ? s.len : room;
        memcpy(at, s.data, room);
        queue_took(w->to, room);
        s = span_of(s.data + room, s.len - room);
    }
}

void h1_put_number(struct h1_writer *w, uint64_t number)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    h1_put(w, span_of(digits + at, sizeof(digits) - at));
}

/* "Name: value\r\n" already stands so in what was read: then it, and its neighbours that do, are
 * copied at once. */
static bool is_written_so(const struct http_field *f)
{
    const uint8_t *colon = f->name.data + f->name.len;

    return f->value.len > 0 && f->value.data == colon + 2 && colon[1] == ' ' &&
           f->value.data[f->value.len] == '\r';
}

void h1_put_fields(struct h1_writer *w, const struct http_head *head, const uint64_t *length)
{
    struct mw_span run = { NULL, 0 };

    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *f = &head->fields[i];

        /* Written as we understood it: "007" means other things to others. */
        if (f->name.len == 14 && h1_field_kind(f->name) == H1_CONTENT_LENGTH) {
            h1_put(w, run);
            run.len = 0;
            if (length == NULL)
                continue;
            h1_put(w, SPAN_LIT("Content-Length: "));
            h1_put_number(w, *length);
            h1_put(w, SPAN_LIT("\r\n"));
            continue;
        }
        if (is_written_so(f)) {
            size_t len = f->name.len + f->value.len + 4;

            if (run.len > 0 && run.data + run.len == f->name.data) {
                run.len += len;
                continue;
            }
            h1_put(w, run);
            run = span_of(f->name.data, len);
            continue;
        }
        h1_put(w, run);
        run.len = 0;
        h1_put(w, f->name);
        h1_put(w, SPAN_LIT(": "));
        h1_put(w, f->value);
        h1_put(w, SPAN_LIT("\r\n"));
    }
    h1_put(w, run);
}

int h1_put_piece(struct queue *to, enum h1_frame frame, struct mw_span piece)
{
    static const char hex[] = "0123456789abcdef";
    struct h1_writer w = { .to = to };
    uint8_t line[18];
    size_t at = sizeof(line);

    if (piece.len == 0 || frame == H1_NONE)
        return 0;
    if (frame == H1_CHUNKED) {
        line[--at] = '\n';
        line[--at] = '\r';
        for (size_t n = piece.len; n > 0; n >>= 4)
            line[--at] = (uint8_t)hex[n & 15];
        h1_put(&w, span_of(line + at, sizeof(line) - at));
    }
    h1_put(&w, piece);
    if (frame == H1_CHUNKED)
        h1_put(&w, SPAN_LIT("\r\n"));
    return w.error;
}

int h1_put_end(struct queue *to, enum h1_frame frame, const struct http_body *body)
{
    struct h1_writer w = { .to = to };

    if (frame != H1_CHUNKED)
        return 0;
    h1_put(&w, SPAN_LIT("0\r\n"));
    if (body->trailer.len > 0) {
        struct http_head trailers;

        http_body_trailers(body, &trailers);
        for (size_t i = 0; i < trailers.n_fields; i++) {
            const struct http_field *f = &trailers.fields[i];

            if (!h1_trailer_allowed(f->name))
                continue;
            h1_put(&w, f->name);
            h1_put(&w, SPAN_LIT(": "));
            h1_put(&w, f->value);
            h1_put(&w, SPAN_LIT("\r\n"));
        }
    }
    h1_put(&w, SPAN_LIT("\r\n"));
    return w.error;
}
