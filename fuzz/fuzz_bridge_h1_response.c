/*
 * Whatever a server says, the client is sent well-formed answers only: one for each of its
 * requests, and the same ones however the bytes were cut.
 */
#include "fuzz_bridge.h"
#include "http/response.h"

enum { MAX_BODY = 1 << 20 };

static const struct {
    const char *request;
    bool head, upgrade;
} requests[] = {
    { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, false },
    { "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", true, false },
    { "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false, false },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab", false, false },
    { "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false,
      true },
};

/* How many answers there are; their statuses and bodies to out.  *cut: the last is not whole. */
static unsigned read_answers(const struct buf *got, bool head, bool ended, struct buf *out,
                             bool *cut)
{
    struct mw_span rest = buf_span(got);
    unsigned n = 0;

    *cut = false;
    while (rest.len > 0 && !*cut) {
        struct http_response r = HTTP_RESPONSE_INIT(MAX_BODY);
        enum http_state state;

        r.bodiless = head;
        state = http_response_feed(&r, &rest);
        if (state == HTTP_MORE && ended)
            state = http_response_end(&r);
        /* 1xx pass in greater numbers than that reader follows; the length of a body that was
         * cut off is told by its head. */
        must(state != HTTP_BAD || r.interim >= 8 || r.m.error == HTTP_E_CUT);
        *cut = state != HTTP_DONE;
        n += r.head_done ? 1 : 0;
        buf_printf(out, "%d ", r.head_done ? r.status : 0);
        buf_add(out, buf_span(&r.m.body));
        http_response_deinit(&r);
    }
    return n;
}

static void converse(struct mw_span said, size_t step, size_t which, bool reset,
                     struct buf *understood)
{
    const struct bridge_options o = { .kind = BRIDGE_H1 };
    struct fuzz_bridge f;
    unsigned n;
    bool cut, over;

    fuzz_bridge_start(&f, &o, step);
    fuzz_bridge_say(&f, BRIDGE_CLIENT, span_str(requests[which].request));
    fuzz_bridge_say(&f, BRIDGE_SERVER, said);
    if (bridge_protocol(f.b)[0] == 'w') {       /* frames have a target of their own */
        must(requests[which].upgrade);
        fuzz_bridge_stop(&f);
        return;
    }
    fuzz_bridge_end(&f, BRIDGE_SERVER, reset);
    over = bridge_over(f.b);
    must(over);
    n = read_answers(&f.got[BRIDGE_CLIENT], requests[which].head,
                     over && !bridge_cut_short(f.b), understood, &cut);
    must(n <= 1);
    /* an answer that is not whole is somebody's fault, and said to be */
    must(!cut || bridge_why(f.b, NULL) != NULL || which == 3);
    fuzz_bridge_stop(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf one = BUF_INIT(8 << 20), many = BUF_INIT(8 << 20);
    size_t which;
    bool reset;

    if (len < 2)
        return 0;
    which = data[0] % ARRAY_LEN(requests);
    reset = (data[0] & 0x80) != 0;
    converse(span_of(data + 2, len - 2), SIZE_MAX, which, reset, &one);
    converse(span_of(data + 2, len - 2), 1u + data[1] % 32, which, reset, &many);
    must(span_eq(buf_span(&one), buf_span(&many)));
    return 0;
}
