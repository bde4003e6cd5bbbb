#include "lab/hello.h"

#include "base/reader.h"

enum {
    RECORD_HANDSHAKE = 22,
    MESSAGE_HEADER = 4,
    CLIENT_HELLO = 1,
    EXT_SERVER_NAME = 0,
    NAME_IS_HOST = 0,
};

static void server_name_read(struct hello *h, struct mw_span extension)
{
    struct reader r = { .rest = extension };
    struct reader list = { .rest = read_vec16(&r) };

    while (read_more(&list)) {
        uint8_t type = read_u8(&list);
        struct mw_span name = read_vec16(&list);

        if (type == NAME_IS_HOST && !list.failed)
            h->server_name = name;
    }
}

/* The body of a ClientHello; what does not parse leaves the rest empty: a lab answers anyway. */
static void body_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };
    struct reader extensions;

    read_u16(&r);
    h->random = read_bytes(&r, 32);
    read_vec8(&r);
    h->suites = read_vec16(&r);
    read_vec8(&r);
    extensions = (struct reader){ .rest = read_vec16(&r) };
    while (read_more(&extensions)) {
        uint16_t type = read_u16(&extensions);
        struct mw_span extension = read_vec16(&extensions);

        if (type == EXT_SERVER_NAME && !extensions.failed)
            server_name_read(h, extension);
    }
}

enum hello_state lab_hello_read(struct hello *h, struct mw_span wire, struct buf *message)
{
    struct reader r = { .rest = wire };
    size_t want = MESSAGE_HEADER;

    *h = (struct hello){ .server_name = { NULL, 0 } };
    buf_truncate(message, 0);
    while (message->len < want) {
        uint8_t type = read_u8(&r);
        uint16_t version = read_u16(&r);
        struct mw_span fragment = read_vec16(&r);

        if (wire.len > 0 && wire.data[0] != RECORD_HANDSHAKE)
            return HELLO_NOT_TLS;
        if (r.failed)
            return wire.len > HELLO_MAX ? HELLO_NOT_TLS : HELLO_MORE;
        if (type != RECORD_HANDSHAKE || version >> 8 != 3 || fragment.len == 0)
            return HELLO_NOT_TLS;
        buf_add(message, fragment);
        if (buf_error(message) < 0)
            return HELLO_NOT_TLS;
        if (message->len >= MESSAGE_HEADER)
            want = MESSAGE_HEADER + ((size_t)message->data[1] << 16 |
                                     (size_t)message->data[2] << 8 | message->data[3]);
        if (message->data[0] != CLIENT_HELLO || want > HELLO_MAX)
            return HELLO_NOT_TLS;
    }
    buf_truncate(message, want);
    body_read(h, span_cut(buf_span(message), MESSAGE_HEADER, want));
    return HELLO_DONE;
}

bool lab_hello_offers(const struct hello *h, uint16_t suite)
{
    struct reader r = { .rest = h->suites };

    while (read_more(&r))
        if (read_u16(&r) == suite)
            return !r.failed;
    return false;
}
