/* A client that says anything over HTTP/2: the server behind the bridge never hears a frame or a
 * message that is malformed. */
#include "fuzz.h"
#include "h2_end.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct bridge_options o = { .kind = BRIDGE_H2, .max_streams = 20, .via = "gate.test" };
    struct h2_end server;
    struct bridge *b;

    if (bridge_new(&b, &o) != 0)
        abort();
    h2_end_begin(&server, true);
    while (h2_end_talk(&server, b, BRIDGE_SERVER))
        ;
    /* The preface and an empty SETTINGS come free. */
    if (bridge_feed(b, BRIDGE_CLIENT,
                    SPAN_LIT(NGHTTP2_CLIENT_MAGIC "\0\0\0\4\0\0\0\0\0")) != 0)
        abort();
    h2_end_fuzz(&server, b, BRIDGE_CLIENT, span_of(data, len));
    h2_end_finish(&server, b, BRIDGE_CLIENT);
    return 0;
}
