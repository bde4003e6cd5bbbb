/* A request that is taken reads the same once written again, and is known for one whatever pieces
 * it comes in; URLs are cut inside their text. */
#include <stdlib.h>

#include "fuzz.h"
#include "http/request.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void reads_the_same_again(const struct http_request *r)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 18);
    struct http_request again = HTTP_REQUEST_INIT(1 << 16);
    struct mw_span in;

    buf_add(&out, r->m.head.start_line);
    buf_str(&out, "\r\n");
    for (size_t i = 0; i < r->m.head.n_fields; i++) {
        buf_add(&out, r->m.head.fields[i].name);
        buf_str(&out, ":");
        buf_add(&out, r->m.head.fields[i].value);
        buf_str(&out, "\r\n");
    }
    buf_str(&out, "\r\n");
    in = buf_span(&out);
    (void)http_request_feed(&again, &in);
    must(again.head_done && again.m.error == HTTP_E_OK);
    must(span_eq(again.method, r->method) && span_eq(again.target, r->target));
    must(again.m.head.n_fields == r->m.head.n_fields && again.m.coded.kind == r->m.coded.kind);
    http_request_deinit(&again);
}

static void is_known(struct mw_span request)
{
    for (size_t n = 0; n <= request.len && n < HTTP_LOOK_BYTES; n++)
        must(http_look(span_cut(request, 0, n)) != HTTP_LOOK_NOT);
    must(request.len >= HTTP_LOOK_BYTES || http_look(request) == HTTP_LOOK_H1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct http_request r = HTTP_REQUEST_INIT(4096);
    struct mw_span in = span_of(data, len);
    struct http_url u;

    if (http_url_parse(&u, in) == 0) {
        must(u.host.len > 0 && u.port > 0);
        must(u.host.data >= data && u.host.data + u.host.len <= data + len);
        must(u.path.len == 0 || u.path.data[0] == '/');
    }
    if (http_request_feed(&r, &in) != HTTP_BAD && r.head_done) {
        reads_the_same_again(&r);
        is_known(span_of(data, len));
    }
    must(r.m.body.len <= 4096);
    http_request_deinit(&r);
    return 0;
}
