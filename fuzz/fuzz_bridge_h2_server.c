/* A server that answers anything over HTTP/2: the client before the bridge never hears a frame or
 * a message that is malformed. */
#include "fuzz.h"
#include "h2_end.h"

static void ask(struct h2_end *client, const nghttp2_nv *fields, size_t n, bool body)
{
    const nghttp2_data_provider source = { .read_callback = h2_end_body };

    if (nghttp2_submit_request(client->session, NULL, fields, n, body ? &source : NULL, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct bridge_options o = { .kind = BRIDGE_H2, .via = "gate.test" };
    const nghttp2_nv get[] = { H2_END_NV(":method", "GET"), H2_END_NV(":scheme", "https"),
                               H2_END_NV(":authority", "site.test"), H2_END_NV(":path", "/") };
    const nghttp2_nv head[] = { H2_END_NV(":method", "HEAD"), get[1], get[2], get[3] };
    const nghttp2_nv post[] = { H2_END_NV(":method", "POST"), get[1], get[2], get[3] };
    const nghttp2_nv socket[] = { H2_END_NV(":method", "CONNECT"),
                                  H2_END_NV(":protocol", "websocket"), get[1], get[2], get[3] };
    struct h2_end client;
    struct bridge *b;

    if (bridge_new(&b, &o) != 0)
        abort();
    h2_end_begin(&client, false);
    /* SETTINGS with ENABLE_CONNECT_PROTOCOL come free. */
    if (bridge_feed(b, BRIDGE_SERVER, SPAN_LIT("\0\0\6\4\0\0\0\0\0\0\x08\0\0\0\1")) != 0)
        abort();
    while (h2_end_talk(&client, b, BRIDGE_CLIENT))
        ;
    ask(&client, get, 4, false);        /* streams 1, 3, 5, 7, 9 of the server's */
    ask(&client, post, 4, true);
    ask(&client, socket, 5, true);
    ask(&client, head, 4, false);
    ask(&client, get, 4, false);
    while (h2_end_talk(&client, b, BRIDGE_CLIENT))
        ;
    bridge_sent(b, BRIDGE_SERVER, bridge_out(b, BRIDGE_SERVER).len);
    h2_end_fuzz(&client, b, BRIDGE_SERVER, span_of(data, len));
    h2_end_finish(&client, b, BRIDGE_SERVER);
    return 0;
}
