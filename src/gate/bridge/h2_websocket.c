#include "gate/bridge/h2.h"

enum { PROTOCOL_ERROR = 1002 };         /* RFC 6455 section 7.4.1 */

void h2_websocket_begin(struct h2 *h, struct h2_stream *s, const struct h2_head *response)
{
    enum websocket_extensions agreed = WEBSOCKET_PLAIN, one;

    s->tunnel = true;
    exchange_free(s->x);
    s->x = NULL;
    if (!s->websocket_wanted)
        return;
    for (size_t i = 0; i < response->n; i++) {
        if (!span_eq(h2_field_name(&response->fields[i]), SPAN_LIT("sec-websocket-extensions")))
            continue;
        one = websocket_agreed(h2_field_value(&response->fields[i]));
        agreed = one > agreed ? one : agreed;
    }
    s->websocket = h2_alloc(&h->memory, 2 * sizeof(*s->websocket));
    if (s->websocket == NULL) {
        h2_session_check(h, BRIDGE_SERVER, NGHTTP2_ERR_NOMEM);
        return;
    }
    websocket_init(&s->websocket[BRIDGE_CLIENT], true, agreed);
    websocket_init(&s->websocket[BRIDGE_SERVER], false, agreed);
}

/* Says goodbye to that side behind what has passed; mid-frame only a reset is understood. */
static void goodbye(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    uint8_t frame[WEBSOCKET_CLOSE_BYTES];
    const struct websocket *w = &s->websocket[h2_other(to)];
    size_t n = websocket_goodbye(frame, PROTOCOL_ERROR, to == BRIDGE_SERVER);

    if (!websocket_at_border(w)) {
        h2_stream_reset(h, s, to, NGHTTP2_CANCEL);
        return;
    }
    if (w->state != WEBSOCKET_CLOSED)
        h2_stream_pass(h, s, to, span_of(frame, n));
    s->to[to].ended = true;
    h2_stream_resume(h, s, to);
}

void h2_websocket_data(struct h2 *h, struct h2_stream *s, enum bridge_side from,
                       struct mw_span bytes)
{
    struct websocket *w = &s->websocket[from];
    enum websocket_state state;
    struct mw_span pass;

    do {
        state = websocket_take(w, &bytes, &pass);
        h2_stream_pass(h, s, h2_other(from), pass);
    } while (bytes.len > 0);
    if (state != WEBSOCKET_BAD)
        return;
    bridge_blame(&h->b, from, websocket_why(w));
    s->answered = true;
    goodbye(h, s, BRIDGE_CLIENT);
    goodbye(h, s, BRIDGE_SERVER);
}
