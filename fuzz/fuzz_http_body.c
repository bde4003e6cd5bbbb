/* A body reads the same in one piece and in many; what was read, chunked again, reads the same. */
#include <stdlib.h>

#include "fuzz.h"
#include "http/body.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* Content to *out; *left: what was not taken. */
static enum http_state read_all(struct http_body *b, struct mw_span all, size_t step,
                                struct buf *out, size_t *left)
{
    enum http_state state = HTTP_MORE;
    struct mw_span part = { NULL, 0 }, piece;

    while (state == HTTP_MORE && all.len > 0) {
        part = span_cut(all, 0, step);
        all = span_cut(all, part.len, SIZE_MAX);
        do {
            state = http_body_take(b, &part, &piece);
            buf_add(out, piece);
        } while (state == HTTP_MORE && part.len > 0);
    }
    *left = part.len + all.len;
    must(b->trailer.len <= HTTP_MAX_TRAILER);
    return state;
}

static void reads_the_same_again(const struct http_body *b, const struct buf *content)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
    struct http_body again = { 0 };
    struct http_head before, after;
    size_t left;

    if (content->len > 0)
        buf_printf(&wire, "%zx\r\n", content->len);
    buf_add(&wire, buf_span(content));
    buf_str(&wire, content->len > 0 ? "\r\n0\r\n" : "0\r\n");
    http_body_trailers(b, &before);
    for (size_t i = 0; i < before.n_fields; i++) {
        buf_add(&wire, before.fields[i].name);
        buf_str(&wire, ":");
        buf_add(&wire, before.fields[i].value);
        buf_str(&wire, "\r\n");
    }
    buf_str(&wire, "\r\n");
    http_body_start(&again, HTTP_BODY_CHUNKED, 0);
    must(read_all(&again, buf_span(&wire), wire.len, &got, &left) == HTTP_DONE && left == 0);
    http_body_trailers(&again, &after);
    must(span_eq(buf_span(&got), buf_span(content)) && after.n_fields == before.n_fields);
    http_body_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf one = BUF_INIT(1 << 20), many = BUF_INIT(1 << 20);
    struct http_body a = { 0 }, b = { 0 };
    enum http_body_kind kind;
    enum http_state whole, cut;
    size_t left_a, left_b;

    if (len < 2)
        return 0;
    kind = data[0] % 4 == 0 ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED;
    http_body_start(&a, kind, data[0] / 4 + 1u);
    http_body_start(&b, kind, data[0] / 4 + 1u);
    whole = read_all(&a, span_of(data + 2, len - 2), len, &one, &left_a);
    cut = read_all(&b, span_of(data + 2, len - 2), 1u + data[1] % 16, &many, &left_b);
    must(whole == cut && a.error == b.error && (whole == HTTP_BAD) == (a.error != HTTP_E_OK));
    must(span_eq(buf_span(&one), buf_span(&many)));
    if (whole == HTTP_DONE) {
        must(left_a == left_b);
        reads_the_same_again(&a, &one);
    }
    http_body_deinit(&a);
    http_body_deinit(&b);
    return 0;
}
