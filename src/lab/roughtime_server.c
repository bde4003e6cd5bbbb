#include "lab/roughtime_server.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/own.h"

#define MAGIC "ROUGHTIM"

/* Section 12.3, as little-endian numbers. */
enum tag {
    TAG_SIG = 0x00474953, TAG_VER = 0x00524556, TAG_NONC = 0x434e4f4e, TAG_DELE = 0x454c4544,
    TAG_TYPE = 0x45505954, TAG_PATH = 0x48544150, TAG_RADI = 0x49444152, TAG_PUBK = 0x4b425550,
    TAG_MIDP = 0x5044494d, TAG_SREP = 0x50455253, TAG_VERS = 0x53524556, TAG_MINT = 0x544e494d,
    TAG_ROOT = 0x544f4f52, TAG_CERT = 0x54524543, TAG_MAXT = 0x5458414d, TAG_INDX = 0x58444e49,
};

enum {
    VERSION = 1,
    FRAME_BYTES = 12,
    KEY_BYTES = 32,
    NONCE_BYTES = 32,
    HASH_BYTES = 32,
    SIGNATURE_BYTES = 64,
    RADIUS_S = 3,
    TYPE_RESPONSE = 1,
    DAY_S = 86400,
    TAGS_MAX = 32,
    REQUEST_MAX = 1500,
    MESSAGE_MAX = 2048,
};

/* One entry of a message; entries are given in ascending order of tags. */
struct entry {
    enum tag tag;
    struct mw_span value;
};

static void put32(struct buf *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        buf_u8(b, (uint8_t)(v >> 8 * i));
}

static void put64(struct buf *b, uint64_t v)
{
    put32(b, (uint32_t)v);
    put32(b, (uint32_t)(v >> 32));
}

static void message_write(struct buf *out, const struct entry *entries, size_t n)
{
    size_t offset = 0;

    put32(out, (uint32_t)n);
    for (size_t i = 0; i + 1 < n; i++) {
        offset += entries[i].value.len;
        put32(out, (uint32_t)offset);
    }
    for (size_t i = 0; i < n; i++)
        put32(out, (uint32_t)entries[i].tag);
    for (size_t i = 0; i < n; i++)
        buf_add(out, entries[i].value);
}

static uint32_t get32(struct mw_span s, size_t at)
{
    return (uint32_t)s.data[at] | (uint32_t)s.data[at + 1] << 8 | (uint32_t)s.data[at + 2] << 16 |
           (uint32_t)s.data[at + 3] << 24;
}

/* Where the nonce stands in a request; empty: it is none. */
static struct mw_span request_nonce(struct mw_span packet)
{
    struct mw_span m = span_cut(packet, FRAME_BYTES, SIZE_MAX);
    struct mw_span none = { NULL, 0 };
    size_t n;

    if (packet.len < FRAME_BYTES + 4 || packet.len > REQUEST_MAX ||
        memcmp(packet.data, MAGIC, 8) != 0 || get32(packet, 8) != m.len)
        return none;
    n = get32(m, 0);
    if (n == 0 || n > TAGS_MAX || m.len < 8 * n)
        return none;
    for (size_t i = 0; i < n; i++) {
        size_t from = i == 0 ? 0 : get32(m, 4 * i);
        struct mw_span value = span_cut(span_cut(m, 8 * n, SIZE_MAX), from, NONCE_BYTES);

        if (get32(m, 4 * n + 4 * i) == (uint32_t)TAG_NONC)
            return value.len == NONCE_BYTES ? value : none;
    }
    return none;
}

/* The context's terminating zero is signed too (5.2.1). */
static void sign(struct buf *signature, EVP_PKEY *key, const char *context, const struct buf *value)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(MESSAGE_MAX);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t bytes[SIGNATURE_BYTES];
    size_t n = sizeof(bytes);

    buf_add(&message, span_of(context, strlen(context) + 1));
    buf_add(&message, buf_span(value));
    if (ctx != NULL && buf_error(&message) == 0 &&
        EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) > 0 &&
        EVP_DigestSign(ctx, bytes, &n, message.data, message.len) > 0)
        buf_add(signature, span_of(bytes, n));
    EVP_MD_CTX_free(ctx);
}

/* CERT: who may sign in the long-term key's name; here that key itself. */
static void cert_write(struct buf *out, EVP_PKEY *key, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf from = BUF_INIT(8), to = BUF_INIT(8);
    CLEANUP(buf_deinit) struct buf dele = BUF_INIT(MESSAGE_MAX), sig = BUF_INIT(SIGNATURE_BYTES);
    uint8_t raw[KEY_BYTES];
    size_t n = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(key, raw, &n) <= 0)
        return;
    put64(&from, (uint64_t)(now.s - DAY_S));
    put64(&to, (uint64_t)(now.s + DAY_S));
    message_write(&dele,
                  (const struct entry[]){ { TAG_PUBK, span_of(raw, n) },
                                          { TAG_MINT, buf_span(&from) },
                                          { TAG_MAXT, buf_span(&to) } },
                  3);
    sign(&sig, key, "Roughtime v1 delegation signature", &dele);
    message_write(out,
                  (const struct entry[]){ { TAG_SIG, buf_span(&sig) },
                                          { TAG_DELE, buf_span(&dele) } },
                  2);
}

/* SREP: the time, over a tree whose only leaf is this request (5.3). */
static void srep_write(struct buf *out, struct mw_span request, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf version = BUF_INIT(4), radius = BUF_INIT(4);
    CLEANUP(buf_deinit) struct buf midpoint = BUF_INIT(8), leaf = BUF_INIT(REQUEST_MAX + 1);
    uint8_t root[SHA512_DIGEST_LENGTH];

    buf_u8(&leaf, 0);
    buf_add(&leaf, request);
    SHA512(leaf.data, leaf.len, root);
    put32(&version, VERSION);
    put32(&radius, RADIUS_S);
    put64(&midpoint, (uint64_t)now.s);
    message_write(out,
                  (const struct entry[]){ { TAG_VER, buf_span(&version) },
                                          { TAG_RADI, buf_span(&radius) },
                                          { TAG_MIDP, buf_span(&midpoint) },
                                          { TAG_VERS, buf_span(&version) },
                                          { TAG_ROOT, span_of(root, HASH_BYTES) } },
                  5);
}

size_t roughtime_answer_write(uint8_t *out, size_t room, struct mw_span request, EVP_PKEY *key,
                              struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf packet = BUF_INIT(room), message = BUF_INIT(MESSAGE_MAX);
    CLEANUP(buf_deinit) struct buf srep = BUF_INIT(MESSAGE_MAX), cert = BUF_INIT(MESSAGE_MAX);
    CLEANUP(buf_deinit) struct buf sig = BUF_INIT(SIGNATURE_BYTES);
    static const uint8_t type[4] = { TYPE_RESPONSE }, index[4] = { 0 };
    struct mw_span nonce = request_nonce(request);

    if (nonce.len == 0)
        return 0;
    cert_write(&cert, key, now);
    srep_write(&srep, request, now);
    sign(&sig, key, "Roughtime v1 response signature", &srep);
    message_write(&message,
                  (const struct entry[]){ { TAG_SIG, buf_span(&sig) },
                                          { TAG_NONC, nonce },
                                          { TAG_TYPE, span_of(type, 4) },
                                          { TAG_PATH, { NULL, 0 } },
                                          { TAG_SREP, buf_span(&srep) },
                                          { TAG_CERT, buf_span(&cert) },
                                          { TAG_INDX, span_of(index, 4) } },
                  7);
    buf_str(&packet, MAGIC);
    put32(&packet, (uint32_t)message.len);
    buf_add(&packet, buf_span(&message));
    if (buf_error(&packet) < 0 || sig.len != SIGNATURE_BYTES || packet.len > request.len)
        return 0;               /* never longer than what was asked: no amplifier */
    memcpy(out, packet.data, packet.len);
    return packet.len;
}
