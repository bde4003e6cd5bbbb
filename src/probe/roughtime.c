#include "probe/roughtime.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define MAGIC "ROUGHTIM"

#define VERSION_RFC   UINT32_C(1)
#define VERSION_DRAFT UINT32_C(0x8000000c)

/* Numeric values of the tags as the RFC's registry lists them (section 12.3). */
enum tag {
    TAG_SIG = 0x00474953,
    TAG_VER = 0x00524556,
    TAG_SRV = 0x00565253,
    TAG_NONC = 0x434e4f4e,
    TAG_DELE = 0x454c4544,
    TAG_TYPE = 0x45505954,
    TAG_PATH = 0x48544150,
    TAG_RADI = 0x49444152,
    TAG_PUBK = 0x4b425550,
    TAG_MIDP = 0x5044494d,
    TAG_SREP = 0x50455253,
    TAG_VERS = 0x53524556,
    TAG_MINT = 0x544e494d,
    TAG_ROOT = 0x544f4f52,
    TAG_CERT = 0x54524543,
    TAG_MAXT = 0x5458414d,
    TAG_INDX = 0x58444e49,
    TAG_ZZZZ = 0x5a5a5a5a,
};

enum {
    FRAME_BYTES = 12,
    HASH_BYTES = 32,
    SIGNATURE_BYTES = 64,
    MAX_TAGS = 32,
    MAX_PATH = 32,
    MAX_VERSIONS = 32,
    MAX_HASHED = ROUGHTIME_MAX_REQUEST, /* a request packet; two hashes are less */
    REQUEST_MESSAGE = ROUGHTIME_REQUEST_BYTES - FRAME_BYTES,
    REQUEST_VALUES = 8 + HASH_BYTES + ROUGHTIME_NONCE_BYTES + 4,
};

/* A message: a map from tags to values, borrowed from the packet (section 4). */
struct message {
    size_t n;
    uint32_t tags[MAX_TAGS];
    struct mw_span values[MAX_TAGS];
};

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> 8 * i);
    return p;
}

static uint8_t *put(uint8_t *p, const void *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

/* H(x) of the RFC: SHA-512, its first 32 bytes, over a prefix byte and up to two pieces. */
static void hash(uint8_t out[HASH_BYTES], uint8_t prefix, struct mw_span a, struct mw_span b)
{
    uint8_t full[SHA512_DIGEST_LENGTH], all[1 + MAX_HASHED];

    all[0] = prefix;
    memcpy(all + 1, a.data, a.len);
    if (b.len > 0)
        memcpy(all + 1 + a.len, b.data, b.len);
    SHA512(all, 1 + a.len + b.len, full);
    memcpy(out, full, HASH_BYTES);
}

void roughtime_request_write(uint8_t out[ROUGHTIME_REQUEST_BYTES],
                             const uint8_t key[ROUGHTIME_KEY_BYTES],
                             const uint8_t nonce[ROUGHTIME_NONCE_BYTES])
{
    static const uint32_t offsets[] = { 8, 8 + HASH_BYTES, 8 + HASH_BYTES + ROUGHTIME_NONCE_BYTES,
                                        REQUEST_VALUES };
    static const uint32_t tags[] = { TAG_VER, TAG_SRV, TAG_NONC, TAG_TYPE, TAG_ZZZZ };
    uint8_t srv[HASH_BYTES];
    uint8_t *p = out;

    memset(out, 0, ROUGHTIME_REQUEST_BYTES);
    p = put(p, MAGIC, 8);
    p = put32(p, REQUEST_MESSAGE);
    p = put32(p, ARRAY_LEN(tags));
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
        p = put32(p, offsets[i]);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        p = put32(p, tags[i]);
    p = put32(p, VERSION_RFC); /* ascending (5.1.1) */
    p = put32(p, VERSION_DRAFT);
    hash(srv, 0xff, span_of(key, ROUGHTIME_KEY_BYTES), (struct mw_span){ NULL, 0 });
    p = put(p, srv, sizeof srv);
    put(p, nonce, ROUGHTIME_NONCE_BYTES);
    /* TYPE is 0 in a request (5.1.3), and ZZZZ is zeros up to the end (5.1.5). */
}

/* Section 4: N, N-1 offsets, N tags, values.  Offsets are multiples of four in order, tags
 * strictly ascend.  Tags we do not know are kept and never asked for. */
static bool message_read(struct message *m, struct mw_span wire)
{
    size_t header, from = 0;

    if (wire.len < 4)
        return false;
    m->n = le32(wire.data);
    if (m->n == 0 || m->n > MAX_TAGS)
        return false;
    header = 8 * m->n; /* 4 + 4 (N - 1) + 4 N */
    if (wire.len < header)
        return false;
    for (size_t i = 0; i < m->n; i++) {
        size_t to = i + 1 < m->n ? le32(wire.data + 4 + 4 * i) : wire.len - header;

        if (to < from || to > wire.len - header || (i + 1 < m->n && to % 4 != 0))
            return false;
        m->tags[i] = le32(wire.data + 4 * m->n + 4 * i);
        if (i > 0 && m->tags[i] <= m->tags[i - 1])
            return false;
        m->values[i] = span_of(wire.data + header + from, to - from);
        from = to;
    }
    return true;
}

/* The value of a tag that must be there with this length. */
static bool value(const struct message *m, enum tag tag, size_t len, struct mw_span *out)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->tags[i] == (uint32_t)tag) {
            *out = m->values[i];
            return len == SIZE_MAX || out->len == len;
        }
    }
    return false;
}

static bool submessage(const struct message *m, enum tag tag, struct message *out,
                       struct mw_span *raw)
{
    return value(m, tag, SIZE_MAX, raw) && message_read(out, *raw);
}

/* 1 holds, 0 does not, -ENOMEM.  The context's terminating zero is signed too (5.2.1). */
static int ed25519_verify(const uint8_t key[ROUGHTIME_KEY_BYTES], const char *context,
                          struct mw_span signed_value, struct mw_span signature)
{
    size_t context_len = strlen(context) + 1;
    size_t len = context_len + signed_value.len;
    uint8_t message[64 + ROUGHTIME_MAX_RESPONSE];
    EVP_PKEY *pkey = NULL;
    EVP_MD_CTX *ctx = NULL;
    int rc = -ENOMEM;

    memcpy(message, context, context_len);
    memcpy(message + context_len, signed_value.data, signed_value.len);
    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ROUGHTIME_KEY_BYTES);
    ctx = EVP_MD_CTX_new();
    if (pkey != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1)
        rc = EVP_DigestVerify(ctx, signature.data, signature.len, message, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return rc;
}

/* Section 5.3.1.  The leaf is the whole request packet; PATH goes up from it, and a bit of
 * INDX says on which side we stand: 0 left. */
static bool path_holds(const struct message *response, struct mw_span root, struct mw_span request)
{
    uint8_t h[HASH_BYTES];
    struct mw_span path, indx;
    uint32_t index;

    if (!value(response, TAG_PATH, SIZE_MAX, &path) || !value(response, TAG_INDX, 4, &indx) ||
        path.len % HASH_BYTES != 0 || path.len / HASH_BYTES > MAX_PATH)
        return false;
    index = le32(indx.data);
    hash(h, 0x00, request, (struct mw_span){ NULL, 0 });
    for (size_t at = 0; at < path.len; at += HASH_BYTES) {
        struct mw_span node = span_cut(path, at, HASH_BYTES), self = span_of(h, HASH_BYTES);

        if ((index & 1) == 0)
            hash(h, 0x01, self, node);
        else
            hash(h, 0x01, node, self);
        index >>= 1;
    }
    return index == 0 && span_eq(root, span_of(h, HASH_BYTES));
}

/* The version is one of those we offered, and one that the server says it speaks. */
static int version_read(const struct message *srep, uint32_t *out)
{
    struct mw_span ver, vers;
    bool listed = false;

    if (!value(srep, TAG_VER, 4, &ver) || !value(srep, TAG_VERS, SIZE_MAX, &vers) ||
        vers.len % 4 != 0 || vers.len / 4 > MAX_VERSIONS)
        return ROUGHTIME_E_MALFORMED;
    *out = le32(ver.data);
    for (size_t at = 0; at < vers.len; at += 4)
        listed |= le32(vers.data + at) == *out;
    if (!listed)
        return ROUGHTIME_E_MALFORMED;
    return *out == VERSION_RFC || *out == VERSION_DRAFT ? 0 : ROUGHTIME_E_VERSION;
}

/* A timestamp that fits our clocks; year 292,277,026,596 is nobody's present. */
static bool wall_read(struct mw_span v, struct mw_wall *out)
{
    uint64_t s = le64(v.data);

    out->s = s > INT64_MAX / 2000 ? INT64_MAX / 2000 : (int64_t)s;
    return s <= INT64_MAX / 2000;
}

/* The long-term key signed DELE; DELE's key signed SREP; MIDP lies in what was delegated. */
static int signatures_hold(const struct message *response, struct mw_span srep_raw,
                           const struct roughtime_answer *a, const uint8_t key[ROUGHTIME_KEY_BYTES])
{
    bool rfc = a->version == VERSION_RFC;
    const char *dele_context =
        rfc ? "Roughtime v1 delegation signature" : "RoughTime v1 delegation signature";
    const char *srep_context =
        rfc ? "Roughtime v1 response signature" : "RoughTime v1 response signature";
    struct message cert, dele;
    struct mw_span cert_raw, dele_raw, cert_sig, sig, pubk, mint, maxt;
    struct mw_wall from, until;
    int rc;

    if (!submessage(response, TAG_CERT, &cert, &cert_raw) ||
        !submessage(&cert, TAG_DELE, &dele, &dele_raw) ||
        !value(&cert, TAG_SIG, SIGNATURE_BYTES, &cert_sig) ||
        !value(response, TAG_SIG, SIGNATURE_BYTES, &sig) ||
        !value(&dele, TAG_PUBK, ROUGHTIME_KEY_BYTES, &pubk) || !value(&dele, TAG_MINT, 8, &mint) ||
        !value(&dele, TAG_MAXT, 8, &maxt))
        return ROUGHTIME_E_MALFORMED;
    rc = ed25519_verify(key, dele_context, dele_raw, cert_sig);
    if (rc > 0)
        rc = ed25519_verify(pubk.data, srep_context, srep_raw, sig);
    if (rc <= 0)
        return rc < 0 ? rc : ROUGHTIME_E_SIGNATURE;
    if (!wall_read(mint, &from) || a->midpoint.s < from.s)
        return ROUGHTIME_E_SIGNATURE;
    (void)wall_read(maxt, &until); /* "forever" is clamped, and that is fine */
    return a->midpoint.s <= until.s ? 0 : ROUGHTIME_E_SIGNATURE;
}

static int body_read(struct roughtime_answer *a, const struct message *response,
                     struct mw_span request, const uint8_t nonce[ROUGHTIME_NONCE_BYTES],
                     const uint8_t key[ROUGHTIME_KEY_BYTES])
{
    struct message srep;
    struct mw_span srep_raw, type, nonc, radi, midp, root;
    int rc;

    if (!value(response, TAG_TYPE, 4, &type) || le32(type.data) != 1 ||
        !value(response, TAG_NONC, ROUGHTIME_NONCE_BYTES, &nonc) ||
        !submessage(response, TAG_SREP, &srep, &srep_raw) || !value(&srep, TAG_RADI, 4, &radi) ||
        !value(&srep, TAG_MIDP, 8, &midp) || !value(&srep, TAG_ROOT, HASH_BYTES, &root))
        return ROUGHTIME_E_MALFORMED;
    rc = version_read(&srep, &a->version);
    if (rc != 0)
        return rc;
    a->radius_s = le32(radi.data);
    if (a->radius_s == 0 || !wall_read(midp, &a->midpoint)) /* 5.2.5: RADI is not zero */
        return ROUGHTIME_E_MALFORMED;
    if (CRYPTO_memcmp(nonc.data, nonce, ROUGHTIME_NONCE_BYTES) != 0 ||
        !path_holds(response, root, request))
        return ROUGHTIME_E_NONCE;
    return signatures_hold(response, srep_raw, a, key);
}

int roughtime_response_read(struct roughtime_answer *out, struct mw_span response,
                            struct mw_span request, const uint8_t nonce[ROUGHTIME_NONCE_BYTES],
                            const uint8_t key[ROUGHTIME_KEY_BYTES])
{
    struct roughtime_answer a = { 0 };
    struct message m;
    int rc;

    if (request.len > ROUGHTIME_MAX_REQUEST || response.len < FRAME_BYTES ||
        response.len > ROUGHTIME_MAX_RESPONSE || memcmp(response.data, MAGIC, 8) != 0 ||
        le32(response.data + 8) != response.len - FRAME_BYTES ||
        !message_read(&m, span_cut(response, FRAME_BYTES, SIZE_MAX)))
        return ROUGHTIME_E_MALFORMED;
    rc = body_read(&a, &m, request, nonce, key);
    if (rc == 0)
        *out = a;
    return rc;
}
