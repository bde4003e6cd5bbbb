/* A response reads the same in one piece and in many, within its limits. */
#include <stdlib.h>

#include "fuzz.h"
#include "http/response.h"

enum { MAX_BODY = 4096 };

static void must(bool promise)
{
    if (!promise)
        abort();
}

static enum http_state feed(struct http_response *r, struct mw_span all, size_t step, size_t *left)
{
    enum http_state state = HTTP_MORE;
    struct mw_span piece = { NULL, 0 };

    while (state == HTTP_MORE && all.len > 0) {
        piece = span_cut(all, 0, step);
        all = span_cut(all, piece.len, SIZE_MAX);
        state = http_response_feed(r, &piece);
        must(state != HTTP_MORE || piece.len == 0);
    }
    *left = all.len + piece.len;
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct http_response whole = HTTP_RESPONSE_INIT(MAX_BODY), cut = HTTP_RESPONSE_INIT(MAX_BODY);
    enum http_state a, b;
    size_t left_a, left_b;

    if (len == 0)
        return 0;
    a = feed(&whole, span_of(data + 1, len - 1), len, &left_a);
    b = feed(&cut, span_of(data + 1, len - 1), 1u + data[0] % 16, &left_b);
    must(a == b);
    must(whole.m.error == cut.m.error && (whole.m.error != HTTP_E_OK) == (a == HTTP_BAD));
    if (a != HTTP_BAD) {
        must(whole.status == cut.status && whole.m.head.n_fields == cut.m.head.n_fields);
        must(span_eq(buf_span(&whole.m.body), buf_span(&cut.m.body)));
        must(left_a == left_b || a == HTTP_MORE);
    }
    must(whole.m.body.len <= MAX_BODY && whole.m.bytes.len <= HTTP_MAX_HEAD);
    for (size_t i = 0; i < whole.m.head.n_fields; i++) {
        must(http_is_token(whole.m.head.fields[i].name));
        must(http_is_value(whole.m.head.fields[i].value));
    }
    if (a == HTTP_MORE)
        (void)http_response_end(&whole);
    http_response_deinit(&whole);
    http_response_deinit(&cut);
    return 0;
}
