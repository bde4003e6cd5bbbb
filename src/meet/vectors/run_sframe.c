/* SFrame (RFC 9605 appendix C): a file is an object of three lists. */
#include <midwatch/sframe.h>

#include "base/buf.h"
#include "meet/sframe/cipher.h"
#include "meet/sframe/header.h"
#include "meet/vectors/kinds.h"

enum { FRAME_MAX = 4096 };

static const struct sframe_suite *suite_of(struct run *r, const json_t *c)
{
    uint64_t number = run_number(r, c, "cipher_suite", UINT16_MAX);
    const struct sframe_suite *suite = sframe_suite_find((enum mw_sframe_suite)number);

    if (!r->failed && suite == NULL)
        run_skip(r, "cipher_suite: %u is none of RFC 9605", (unsigned)number);
    return suite;
}

static bool sizes_fit(struct run *r, struct mw_span plain, struct mw_span sealed)
{
    if (!r->failed && (plain.len > FRAME_MAX || sealed.len > FRAME_MAX + MW_SFRAME_OVERHEAD_MAX))
        run_wrong(r, "a frame of more than %d bytes", FRAME_MAX);
    return !r->failed;
}

/* ----------------------------------------------------------------------- C.1 headers ---- */

static void header(struct run *r, const json_t *c)
{
    uint64_t kid = run_number(r, c, "kid", UINT64_MAX), ctr = run_number(r, c, "ctr", UINT64_MAX);
    struct mw_span encoded = run_hex(r, c, "encoded");
    struct mw_sframe_header h = { 0 };
    uint8_t out[MW_SFRAME_HEADER_MAX];

    if (r->failed)
        return;
    run_same(r, "encoded", encoded, span_of(out, sframe_header_write(out, kid, ctr)));
    if (!run_result(r, "read", mw_sframe_read_header(encoded, &h)))
        return;
    run_same_number(r, "kid", kid, h.kid);
    run_same_number(r, "ctr", ctr, h.counter);
    run_same_number(r, "length", encoded.len, h.len);
}

/* --------------------------------------------------------- C.2 AES-CTR with HMAC ---- */

static void aead_same(struct run *r, struct sframe_aead *a, const json_t *c)
{
    struct mw_span key = run_hex(r, c, "key"), nonce = run_hex(r, c, "nonce");
    struct mw_span aad = run_hex(r, c, "aad"), pt = run_hex(r, c, "pt"), ct = run_hex(r, c, "ct");
    struct mw_span enc = run_hex(r, c, "enc_key"), auth = run_hex(r, c, "auth_key");
    uint8_t out[FRAME_MAX + MW_SFRAME_OVERHEAD_MAX];

    if (!sizes_fit(r, pt, ct) || !run_same_number(r, "key's length", a->suite->key, key.len) ||
        !run_same_number(r, "nonce's length", SFRAME_SALT, nonce.len) ||
        !run_same(r, "enc_key", enc, span_cut(key, 0, CRYPT_CTR_KEY)) ||
        !run_same(r, "auth_key", auth, span_cut(key, CRYPT_CTR_KEY, key.len)) ||
        !run_result(r, "key", sframe_aead_key(a, key.data)))
        return;
    if (run_result(r, "seal", sframe_aead_seal(a, nonce.data, aad, pt, out)))
        run_same(r, "ct", ct, span_of(out, pt.len + a->suite->tag));
    if (ct.len != pt.len + a->suite->tag)
        return;                 /* told already */
    if (run_result(r, "open", sframe_aead_open(a, nonce.data, aad, ct, out)))
        run_same(r, "pt", pt, span_of(out, pt.len));
    out[0] = (uint8_t)(nonce.data[0] ^ 1);
    memcpy(out + 1, nonce.data + 1, SFRAME_SALT - 1);
    run_refused(r, "another nonce", MW_SFRAME_E_FORGED,
                sframe_aead_open(a, out, aad, ct, out + SFRAME_SALT));
}

static int aead(struct run *r, const json_t *c)
{
    const struct sframe_suite *suite = suite_of(r, c);
    struct sframe_aead a;
    int e;

    if (suite == NULL)
        return 0;
    if (!run_true(r, "cipher_suite has AES-CTR", suite->ctr))
        return 0;
    e = sframe_aead_init(&a, r->crypto, suite);
    if (e != 0)
        return e;
    aead_same(r, &a, c);
    sframe_aead_deinit(&a);
    return 0;
}

/* ------------------------------------------------------------------------ C.3 frames ---- */

static void keys_same(struct run *r, const json_t *c, const struct sframe_suite *suite,
                      uint64_t kid, struct secret *secret)
{
    struct mw_span base_key = run_hex(r, c, "base_key"), key = run_hex(r, c, "sframe_key");
    struct mw_span want = run_hex(r, c, "sframe_secret"), salt = run_hex(r, c, "sframe_salt");
    uint8_t got[SFRAME_KEY_MAX], got_salt[SFRAME_SALT];

    if (r->failed ||
        !run_result(r, "secret", sframe_secret_of(r->crypto, suite, base_key, secret)) ||
        !run_same(r, "sframe_secret", want, secret_span(secret)) ||
        !run_result(r, "derive", sframe_derive(r->crypto, suite, secret, kid, got, got_salt)))
        return;
    run_same(r, "sframe_key", key, span_of(got, suite->key));
    run_same(r, "sframe_salt", salt, span_of(got_salt, SFRAME_SALT));
}

/* The label of 4.4.2: a text, the KID in eight bytes and the suite in two. */
static void label_same(struct run *r, const json_t *c, const char *field, const char *text,
                       uint64_t kid, const struct sframe_suite *suite)
{
    CLEANUP(buf_deinit) struct buf label = BUF_INIT(64);
    struct mw_span want = run_hex(r, c, field);

    buf_str(&label, text);
    buf_u64(&label, kid);
    buf_u16(&label, suite->number);
    run_same(r, field, want, buf_span(&label));
}

/* What lies between (4.4.3): the salt with the counter in it, and the header before the metadata.
 * Both are what seal and open made on their way; here they are made from the vector's own. */
static void between_same(struct run *r, const json_t *c, const struct sframe_suite *suite)
{
    uint64_t kid = run_number(r, c, "kid", UINT64_MAX), ctr = run_number(r, c, "ctr", UINT64_MAX);
    struct mw_span salt = run_hex(r, c, "sframe_salt"), metadata = run_hex(r, c, "metadata");
    struct mw_span want_nonce = run_hex(r, c, "nonce"), want_aad = run_hex(r, c, "aad");
    CLEANUP(buf_deinit) struct buf aad = BUF_INIT(MW_SFRAME_HEADER_MAX + FRAME_MAX);
    uint8_t nonce[SFRAME_SALT], head[MW_SFRAME_HEADER_MAX];

    label_same(r, c, "sframe_key_label", "SFrame 1.0 Secret key ", kid, suite);
    label_same(r, c, "sframe_salt_label", "SFrame 1.0 Secret salt ", kid, suite);
    if (!run_same_number(r, "salt's length", sizeof(nonce), salt.len))
        return;
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(salt.data[i] ^ (i < 4 ? 0 : ctr >> 8 * (sizeof(nonce) - 1 - i)));
    buf_add(&aad, span_of(head, sframe_header_write(head, kid, ctr)));
    buf_add(&aad, metadata);
    run_same(r, "nonce", want_nonce, span_of(nonce, sizeof(nonce)));
    run_same(r, "aad", want_aad, buf_span(&aad));
}

static void frame_same(struct run *r, struct sframe_cipher *cipher, const json_t *c)
{
    uint64_t kid = run_number(r, c, "kid", UINT64_MAX), ctr = run_number(r, c, "ctr", UINT64_MAX);
    struct mw_span metadata = run_hex(r, c, "metadata"), pt = run_hex(r, c, "pt");
    struct mw_span ct = run_hex(r, c, "ct"), plain = { 0 };
    CLEANUP(secret_wipe) struct secret secret = { 0 };
    struct mw_sframe_header h;
    uint8_t out[FRAME_MAX + MW_SFRAME_OVERHEAD_MAX];
    size_t len = 0;

    keys_same(r, c, cipher->aead.suite, kid, &secret);
    between_same(r, c, cipher->aead.suite);
    if (!sizes_fit(r, pt, ct) ||
        !run_result(r, "key", sframe_cipher_key(cipher, r->crypto, &secret, kid)) ||
        !run_result(r, "limits", sframe_seal_check(cipher, ctr, metadata, pt, sizeof out)))
        return;
    if (run_result(r, "seal", sframe_cipher_seal(cipher, ctr, metadata, pt, out, &len)))
        run_same(r, "ct", ct, span_of(out, len));
    if (!run_result(r, "header", mw_sframe_read_header(ct, &h)) ||
        !run_result(r, "limits", sframe_open_check(cipher->aead.suite, &h, metadata, ct, out,
                                                   sizeof out)))
        return;
    run_same_number(r, "kid", kid, h.kid);
    run_same_number(r, "ctr", ctr, h.counter);
    if (run_result(r, "open", sframe_cipher_open(cipher, &h, metadata, ct, out, &plain)))
        run_same(r, "pt", pt, plain);
}

static int frame(struct run *r, const json_t *c)
{
    const struct sframe_suite *suite = suite_of(r, c);
    struct sframe_cipher cipher;
    int e;

    if (suite == NULL)
        return 0;
    e = sframe_cipher_init(&cipher, r->crypto, suite);
    if (e != 0)
        return e;
    frame_same(r, &cipher, c);
    sframe_cipher_deinit(&cipher);
    return 0;
}

int run_sframe(struct run *r, const json_t *c)
{
    if (json_object_get(c, "encoded") != NULL) {
        header(r, c);
        return 0;
    }
    return json_object_get(c, "base_key") != NULL ? frame(r, c) : aead(r, c);
}
