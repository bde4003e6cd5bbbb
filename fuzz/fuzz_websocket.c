/* WebSocket frames in any pieces: what passes is a prefix of what came, however it was cut, and
 * the verdict is the same. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/bridge/websocket.h"

/* The pieces' size follows the bytes when step is 0.  Returns how much passed. */
static size_t run(struct websocket *w, struct mw_span all, size_t step)
{
    size_t passed = 0;

    for (size_t at = 0, n; at < all.len; at += n) {
        struct mw_span in, go;

        n = step != 0 ? step : 1 + all.data[at] % 7U;
        in = span_cut(all, at, n);
        do {
            enum websocket_state before = w->state;

            if (websocket_take(w, &in, &go) != WEBSOCKET_OPEN && in.len != 0)
                abort();
            if (before != WEBSOCKET_OPEN && go.len != 0)
                abort();
            if (go.len > all.len - passed ||
                (go.len > 0 && memcmp(go.data, all.data + passed, go.len) != 0))
                abort();
            passed += go.len;
        } while (in.len > 0);
    }
    return passed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct websocket whole, cut;
    struct mw_span all;

    if (len < 1)
        return 0;
    all = span_of(data + 1, len - 1);
    websocket_init(&whole, (data[0] & 1) != 0, (enum websocket_extensions)(data[0] / 2 % 3));
    cut = whole;
    if (run(&whole, all, len) != run(&cut, all, 0) || whole.state != cut.state ||
        (whole.state == WEBSOCKET_BAD) != (websocket_why(&whole) != NULL))
        abort();
    return 0;
}
