/*
 * Whatever a client says, the server is sent well-formed requests only: as many as were counted,
 * each with one meaning, and the same ones however the bytes were cut.
 */
#include "fuzz_bridge.h"
#include "http/request.h"

enum { MAX_BODY = 1 << 20 };

static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
};

static void put_message(struct buf *out, const struct http_request *r)
{
    buf_add(out, r->m.head.start_line);
    for (size_t i = 0; i < r->m.head.n_fields; i++) {
        buf_str(out, "\n");
        buf_add(out, r->m.head.fields[i].name);
        buf_str(out, ":");
        buf_add(out, r->m.head.fields[i].value);
    }
    buf_str(out, "\n\n");
    buf_add(out, buf_span(&r->m.body));
}

/* What was understood, in a form of its own; how many were whole. */
static unsigned read_requests(const struct buf *got, struct buf *out)
{
    struct mw_span rest = buf_span(got);
    unsigned whole = 0;

    while (rest.len > 0) {
        struct http_request r = HTTP_REQUEST_INIT(MAX_BODY);
        enum http_state state = http_request_feed(&r, &rest);

        must(state != HTTP_BAD);
        if (state == HTTP_DONE) {
            must(http_field_count(&r.m, "host") == 1);
            must(http_field_count(&r.m, "connection") <= 1);
            must(http_field_count(&r.m, "proxy-authorization") == 0);
            must(!span_eq(r.method, SPAN_LIT("CONNECT")));
            put_message(out, &r);
            whole++;
        }
        http_request_deinit(&r);
        if (state != HTTP_DONE)
            break;
    }
    return whole;
}

static void on_origin(void *context, struct mw_span host, uint16_t port)
{
    struct fuzz_bridge *f = context;

    must(host.len > 0 && port > 0);
    bridge_origin(f->b, NULL);
}

static void on_fresh(void *context)
{
    struct fuzz_bridge *f = context;

    bridge_origin(f->b, NULL);
}

/* The client says all; the server answers each whole request once it is there. */
static void converse(struct mw_span said, size_t step, uint8_t how, const char *answer,
                     struct buf *understood)
{
    static const struct bridge_events events = { .on_origin = on_origin, .on_fresh = on_fresh };
    struct fuzz_bridge f;
    const struct bridge_options o = {
        .kind = (how & 0x80) != 0 ? BRIDGE_H1_PROXY : BRIDGE_H1,
        .second_hand = (how & 0x40) != 0,
        .events = &events,
        .context = &f
    };
    unsigned answered = 0, whole;

    fuzz_bridge_start(&f, &o, step);
    do {
        size_t before = said.len, room = bridge_room(f.b, BRIDGE_CLIENT);
        struct mw_span part = span_cut(said, 0, room < step ? room : step);

        fuzz_bridge_say(&f, BRIDGE_CLIENT, part);
        said = span_cut(said, part.len, SIZE_MAX);
        buf_truncate(understood, 0);
        whole = read_requests(&f.got[BRIDGE_SERVER], understood);
        must(whole <= bridge_counts(f.b).requests && bridge_counts(f.b).requests <= whole + 1);
        if (whole == answered && said.len == before)
            break;
        while (answered < whole) {
            fuzz_bridge_say(&f, BRIDGE_SERVER, span_str(answer));
            answered++;
        }
    } while (!bridge_over(f.b));
    fuzz_bridge_end(&f, BRIDGE_CLIENT, false);
    fuzz_bridge_stop(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf one = BUF_INIT(8 << 20), many = BUF_INIT(8 << 20);
    const char *answer;

    if (len < 2)
        return 0;
    answer = answers[data[0] % ARRAY_LEN(answers)];
    converse(span_of(data + 2, len - 2), SIZE_MAX, data[0], answer, &one);
    converse(span_of(data + 2, len - 2), 1u + data[1] % 32, data[0], answer, &many);
    must(span_eq(buf_span(&one), buf_span(&many)));
    return 0;
}
