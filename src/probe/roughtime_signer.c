#include "probe/roughtime_signer.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/own.h"

struct field {
    const char *tag;            /* "NONC", "SIG" */
    struct mw_span value;
};

static void le32(struct buf *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        buf_u8(out, (uint8_t)(v >> 8 * i));
}

static void le64(struct buf *out, uint64_t v)
{
    le32(out, (uint32_t)v);
    le32(out, (uint32_t)(v >> 32));
}

/* The fields must come in the order of their tags' numbers. */
static void message(struct buf *out, const struct field *fields, size_t n)
{
    uint32_t offset = 0;

    le32(out, (uint32_t)n);
    for (size_t i = 0; i + 1 < n; i++) {
        offset += (uint32_t)fields[i].value.len;
        le32(out, offset);
    }
    for (size_t i = 0; i < n; i++) {
        buf_str(out, fields[i].tag);
        buf_fill(out, 0, 4 - strlen(fields[i].tag));
    }
    for (size_t i = 0; i < n; i++)
        buf_add(out, fields[i].value);
}

static void sign(const uint8_t seed[32], const char *context, struct mw_span value,
                 uint8_t signature[64])
{
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(8192);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;

    buf_add(&all, span_of(context, strlen(context) + 1));
    buf_add(&all, value);
    if (key == NULL || ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, signature, &len, all.data, all.len) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void public_key(const uint8_t seed[32], uint8_t out[32])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    size_t len = 32;

    if (key == NULL || EVP_PKEY_get_raw_public_key(key, out, &len) != 1)
        abort();
    EVP_PKEY_free(key);
}

void roughtime_signer_key(const struct roughtime_signer *s, uint8_t key[ROUGHTIME_KEY_BYTES])
{
    public_key(s->seed, key);
}

static void hash(struct buf *in, uint8_t out[32])
{
    uint8_t full[SHA512_DIGEST_LENGTH];

    SHA512(in->data, in->len, full);
    memcpy(out, full, 32);
    buf_truncate(in, 0);
}

/* Siblings are made up; the root follows from them and the request. */
static void tree(const struct roughtime_signer *s, struct mw_span request, struct buf *path,
                 uint8_t root[32])
{
    CLEANUP(buf_deinit) struct buf in = BUF_INIT(4096);

    buf_u8(&in, 0);
    buf_add(&in, request);
    hash(&in, root);
    for (unsigned i = 0; i < s->depth; i++) {
        bool right = i < 32 && (s->index >> i & 1) != 0;
        uint8_t sibling[32];

        memset(sibling, (int)(0x40 + i), sizeof sibling);
        buf_add(path, span_of(sibling, 32));
        buf_u8(&in, 1);
        buf_add(&in, span_of(right ? sibling : root, 32));
        buf_add(&in, span_of(right ? root : sibling, 32));
        hash(&in, root);
    }
    if (s->fault == ROUGHTIME_FAULT_ROOT)
        root[5] ^= 1;
}

static bool old_context(const struct roughtime_signer *s)
{
    return (s->version == 0x8000000c) != (s->fault == ROUGHTIME_FAULT_CONTEXT);
}

static void srep_write(const struct roughtime_signer *s, const uint8_t root[32], struct buf *out)
{
    CLEANUP(buf_deinit) struct buf ver = BUF_INIT(8), vers = BUF_INIT(16), radi = BUF_INIT(8),
                                   midp = BUF_INIT(8);
    uint32_t version = s->version != 0 ? s->version : 1;

    if (s->fault == ROUGHTIME_FAULT_VERSION)
        version = 7;
    le32(&ver, version);
    le32(&vers, s->fault == ROUGHTIME_FAULT_VERSIONS ? 3 : version);
    le32(&radi, s->fault == ROUGHTIME_FAULT_RADIUS ? 0 : s->radius_s);
    le64(&midp, s->midpoint_s);
    const struct field fields[] = {
        { "VER", buf_span(&ver) },
        { "RADI", buf_span(&radi) },
        { "MIDP", buf_span(&midp) },
        { "VERS", buf_span(&vers) },
        { "ROOT", span_of(root, 32) },
    };
    message(out, fields, ARRAY_LEN(fields));
}

static void cert_write(const struct roughtime_signer *s, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf dele = BUF_INIT(256), mint = BUF_INIT(8), maxt = BUF_INIT(8);
    uint8_t pubk[32], signature[64];

    public_key(s->online_seed, pubk);
    le64(&mint, s->from_s);
    le64(&maxt, s->until_s);
    const struct field dele_fields[] = {
        { "PUBK", span_of(pubk, 32) },
        { "MINT", buf_span(&mint) },
        { "MAXT", buf_span(&maxt) },
    };
    message(&dele, dele_fields, ARRAY_LEN(dele_fields));
    sign(s->seed, old_context(s) ? "RoughTime v1 delegation signature"
                                 : "Roughtime v1 delegation signature",
         buf_span(&dele), signature);
    if (s->fault == ROUGHTIME_FAULT_DELEGATION)
        signature[9] ^= 4;
    const struct field fields[] = {
        { "SIG", span_of(signature, 64) },
        { "DELE", buf_span(&dele) },
    };
    message(out, fields, ARRAY_LEN(fields));
}

/* NONC's value in a request packet of ours. */
static struct mw_span request_nonce(struct mw_span request)
{
    return span_cut(request, 12 + 4 + 4 * 4 + 5 * 4 + 8 + 32, 32);
}

void roughtime_signer_answer(const struct roughtime_signer *s, struct mw_span request,
                             struct buf *out)
{
    CLEANUP(buf_deinit) struct buf srep = BUF_INIT(256), cert = BUF_INIT(512),
                                   path = BUF_INIT(2048), indx = BUF_INIT(8),
                                   type = BUF_INIT(8), body = BUF_INIT(4096);
    uint8_t root[32], signature[64], nonce[32] = { 0 };

    tree(s, request, &path, root);
    srep_write(s, root, &srep);
    cert_write(s, &cert);
    sign(s->online_seed, old_context(s) ? "RoughTime v1 response signature"
                                        : "Roughtime v1 response signature",
         buf_span(&srep), signature);
    if (s->fault == ROUGHTIME_FAULT_SIGNATURE)
        signature[3] ^= 1;
    if (request_nonce(request).len == 32)
        memcpy(nonce, request_nonce(request).data, 32);
    if (s->fault == ROUGHTIME_FAULT_NONCE)
        nonce[0] ^= 1;
    le32(&indx, s->index);
    le32(&type, s->fault == ROUGHTIME_FAULT_TYPE ? 0 : 1);
    const struct field fields[] = {
        { "SIG", span_of(signature, 64) },
        { "NONC", span_of(nonce, 32) },
        { "TYPE", buf_span(&type) },
        { "PATH", buf_span(&path) },
        { "SREP", buf_span(&srep) },
        { "CERT", buf_span(&cert) },
        { "INDX", buf_span(&indx) },
        { "ZZXX", SPAN_LIT("eggs") },
    };
    message(&body, fields, ARRAY_LEN(fields) - (s->strange_tag ? 0 : 1));
    buf_str(out, "ROUGHTIM");
    le32(out, (uint32_t)body.len);
    buf_add(out, buf_span(&body));
}
