#include "gate/bridge/websocket.h"

/* RFC 6455 section 5.2. */
enum { FIN = 0x80, RSV = 0x70, RSV1 = 0x40, OPCODE = 0x0f, MASK = 0x80, LENGTH = 0x7f };
enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PONG = 10, CONTROL = 8 };
enum { CONTROL_MAX = 125, LENGTH_16 = 126, LENGTH_64 = 127 };

void websocket_init(struct websocket *w, bool from_client, enum websocket_extensions agreed)
{
    *w = (struct websocket){ .masked = from_client, .extensions = agreed };
}

enum websocket_extensions websocket_agreed(struct mw_span value)
{
    enum websocket_extensions agreed = WEBSOCKET_PLAIN;
    struct mw_span extension, name;

    /* A comma inside a quoted parameter would be cut here too; what stands behind it is then no
     * name that we know, and WEBSOCKET_OTHER checks less, never wrongly more. */
    while (span_field(&value, ',', &extension)) {
        if (!span_field(&extension, ';', &name) || span_trim(name).len == 0)
            continue;
        if (!span_eq_nocase(span_trim(name), SPAN_LIT("permessage-deflate")))
            return WEBSOCKET_OTHER;
        agreed = WEBSOCKET_DEFLATE;
    }
    return agreed;
}

/* How long the head is that begins with these bytes; 0: not known yet. */
static size_t head_size(struct mw_span head)
{
    size_t mask;

    if (head.len < 2)
        return 0;
    mask = (head.data[1] & MASK) != 0 ? 4 : 0;
    switch (head.data[1] & LENGTH) {
    case LENGTH_16:
        return 4 + mask;
    case LENGTH_64:
        return 10 + mask;
    default:
        return 2 + mask;
    }
}

static uint64_t head_length(const uint8_t *head)
{
    uint64_t length = 0;
    size_t n = (head[1] & LENGTH) == LENGTH_16 ? 2 : 8;

    if ((head[1] & LENGTH) < LENGTH_16)
        return head[1] & LENGTH;
    for (size_t i = 0; i < n; i++)
        length = length << 8 | head[2 + i];
    return length;
}

/* What the first byte says, in the light of what came before. */
static const char *wrong_kind(const struct websocket *w, uint8_t first)
{
    unsigned opcode = first & OPCODE;
    bool control = (opcode & CONTROL) != 0;
    bool may_deflate = w->extensions == WEBSOCKET_DEFLATE && (opcode == TEXT || opcode == BINARY);

    if (w->extensions != WEBSOCKET_OTHER) {
        /* 5.2: MUST be 0 unless an extension gives the bit a meaning; RFC 7692 section 6: RSV1 on
         * a message's first frame only. */
        if ((first & RSV & ~(may_deflate ? RSV1 : 0)) != 0)
            return "a reserved bit that no extension explains";
        if ((opcode > BINARY && !control) || opcode > PONG)
            return "an unknown opcode";
    }
    if (control)        /* 5.5: control frames MUST NOT be fragmented */
        return (first & FIN) == 0 ? "a control frame in fragments" : NULL;
    if (opcode == CONTINUATION && !w->under_way)        /* 5.4 */
        return "a continuation without a message";
    if (opcode != CONTINUATION && w->under_way)
        return "a new message inside another";
    return NULL;
}

/* A whole head.  NULL: good. */
static const char *wrong_head(const struct websocket *w, const uint8_t *head)
{
    const char *why = wrong_kind(w, head[0]);
    uint64_t length = head_length(head);

    if (why != NULL)
        return why;
    if (((head[1] & MASK) != 0) != w->masked)   /* 5.1 */
        return w->masked ? "a frame of the client's that is not masked"
                         : "a frame of the server's that is masked";
    if ((head[0] & CONTROL) != 0 && length > CONTROL_MAX)       /* 5.5 */
        return "a control frame of more than 125 bytes";
    if ((head[0] & OPCODE) == CLOSE && length == 1)     /* 5.5.1 */
        return "a Close frame with half a status code";
    if (length >> 63 != 0)      /* 5.2: the most significant bit MUST be 0 */
        return "a length of more than 63 bits";
    /* 5.2: the minimal number of bytes MUST be used */
    if (((head[1] & LENGTH) == LENGTH_16 && length < LENGTH_16) ||
        ((head[1] & LENGTH) == LENGTH_64 && length <= UINT16_MAX))
        return "a length that is longer than it needs to be";
    return NULL;
}

/* The head is whole: judged, and what follows is its payload. */
static bool head_accept(struct websocket *w, const uint8_t *head)
{
    w->why = wrong_head(w, head);
    if (w->why != NULL) {
        w->state = WEBSOCKET_BAD;
        return false;
    }
    w->left = head_length(head);
    w->closing = (head[0] & OPCODE) == CLOSE;
    if ((head[0] & CONTROL) == 0)
        w->under_way = (head[0] & FIN) == 0;
    return true;
}

static void payload_skip(struct websocket *w, struct mw_span in, size_t *at)
{
    size_t n = in.len - *at;

    n = w->left < n ? (size_t)w->left : n;
    *at += n;
    w->left -= n;
    if (w->left == 0 && w->closing)
        w->state = WEBSOCKET_CLOSED;
}

/* Goes on with a head that came in pieces; true: it is whole, and *pass. */
static bool head_collect(struct websocket *w, struct mw_span *in, struct mw_span *pass)
{
    while (in->len > 0) {
        w->head[w->head_len++] = in->data[0];
        *in = span_cut(*in, 1, in->len);
        if (head_size(span_of(w->head, w->head_len)) != w->head_len)
            continue;
        if (head_accept(w, w->head))
            *pass = span_of(w->head, w->head_len);
        w->head_len = 0;
        return true;
    }
    return false;
}

/* As far as whole frames and their payloads go in *in.  Returns how far. */
static size_t run_length(struct websocket *w, struct mw_span in)
{
    size_t at = 0;

    while (w->state == WEBSOCKET_OPEN && at < in.len) {
        struct mw_span rest = span_cut(in, at, in.len);
        size_t size = head_size(rest);

        if (w->left > 0) {
            payload_skip(w, in, &at);
            continue;
        }
        if (size == 0 || size > rest.len || !head_accept(w, rest.data))
            break;
        at += size;
        payload_skip(w, in, &at);
    }
    return at;
}

enum websocket_state websocket_take(struct websocket *w, struct mw_span *in, struct mw_span *pass)
{
    size_t n;

    *pass = span_of(NULL, 0);
    if (w->state == WEBSOCKET_OPEN && w->head_len > 0) {
        if (head_collect(w, in, pass) && w->left == 0 && w->closing && w->state == WEBSOCKET_OPEN)
            w->state = WEBSOCKET_CLOSED;
    } else if (w->state == WEBSOCKET_OPEN) {
        n = run_length(w, *in);
        *pass = span_cut(*in, 0, n);
        *in = span_cut(*in, n, in->len);
        if (w->state == WEBSOCKET_OPEN && in->len > 0) {        /* the beginning of a head */
            w->head_len = in->len;
            memcpy(w->head, in->data, in->len);
            *in = span_cut(*in, in->len, 0);
        }
    }
    if (w->state != WEBSOCKET_OPEN)
        *in = span_cut(*in, in->len, 0);
    return w->state;
}

bool websocket_at_border(const struct websocket *w)
{
    return w->left == 0;
}

const char *websocket_why(const struct websocket *w)
{
    return w->why;
}

size_t websocket_goodbye(uint8_t out[WEBSOCKET_CLOSE_BYTES], uint16_t code, bool masked)
{
    size_t n = 0;

    out[n++] = FIN | CLOSE;
    out[n++] = (uint8_t)(masked ? MASK | 2 : 2);
    /* A key of zeros: keys are to be unpredictable (5.3) so that a page cannot choose the bytes
     * on the wire, and these two are ours. */
    for (size_t i = 0; masked && i < 4; i++)
        out[n++] = 0;
    out[n++] = (uint8_t)(code >> 8);
    out[n++] = (uint8_t)code;
    return n;
}
