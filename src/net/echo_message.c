#include "net/echo_message.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "base/text.h"

#define FORMAT "midwatch.echo/1"

/* Of the same kind as TLS 1.3's own (RFC 8446 4.4.3): 64 spaces, who speaks, a zero.  A
 * signature by this key over anything else cannot be taken for an echo. */
#define CONTEXT_PAD  64
#define CONTEXT_TEXT "Midwatch echo v1, server"

enum {
    SIGNED_BYTES = CONTEXT_PAD + sizeof CONTEXT_TEXT + ECHO_NONCE_BYTES + 8 +
                   ECHO_EXPORTER_BYTES + SHA256_DIGEST_LENGTH,
    MAX_SPKI = 256,
    MAX_SIGNATURE = 128,
};

static void pkey_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void md_free(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static void json_free(json_t **value)
{
    json_decref(*value);
}

static void der_free(unsigned char **der)
{
    OPENSSL_free(*der);
}

/* Which digest goes with the key; false: no key of ours. */
static bool key_digest(EVP_PKEY *key, const EVP_MD **digest)
{
    char group[32] = "";

    if (EVP_PKEY_is_a(key, "ED25519")) {
        *digest = NULL;
        return true;
    }
    if (EVP_PKEY_is_a(key, "EC") &&
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       NULL) == 1 &&
        strcmp(group, "prime256v1") == 0) {
        *digest = EVP_sha256();
        return true;
    }
    return false;
}

static void signed_bytes(struct buf *out, const struct echo_claim *claim)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256(claim->hello.data, claim->hello.len, hash);
    buf_fill(out, ' ', CONTEXT_PAD);
    buf_add(out, span_of(CONTEXT_TEXT, sizeof CONTEXT_TEXT));   /* with its zero */
    buf_add(out, span_of(claim->nonce, sizeof claim->nonce));
    buf_u64(out, (uint64_t)claim->at.s);
    buf_add(out, span_of(claim->exporter, sizeof claim->exporter));
    buf_add(out, span_of(hash, sizeof hash));
}

static void spki_text(char out[ECHO_PIN_TEXT], struct mw_span spki)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(ECHO_PIN_TEXT);
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256(spki.data, spki.len, hash);
    buf_str(&text, "sha256/");
    text_base64(&text, span_of(hash, sizeof hash));
    snprintf(out, ECHO_PIN_TEXT, "%s", buf_error(&text) == 0 ? (const char *)text.data : "");
}

int echo_key_text(char out[ECHO_PIN_TEXT], EVP_PKEY *key)
{
    CLEANUP(der_free) unsigned char *der = NULL;
    const EVP_MD *digest;
    int len;

    if (!key_digest(key, &digest))
        return ECHO_E_KEY;
    len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        return -ENOMEM;
    spki_text(out, span_of(der, (size_t)len));
    return out[0] != '\0' ? 0 : -ENOMEM;
}

void echo_target_write(struct buf *out, const uint8_t nonce[ECHO_NONCE_BYTES])
{
    buf_str(out, ECHO_PATH "?nonce=");
    text_hex(out, span_of(nonce, ECHO_NONCE_BYTES), 0);
}

int echo_target_read(struct mw_span target, uint8_t nonce[ECHO_NONCE_BYTES])
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(ECHO_NONCE_BYTES);
    struct mw_span path;

    if (!span_field(&target, '?', &path) || !span_eq(path, SPAN_LIT(ECHO_PATH)))
        return ECHO_E_NOT_OURS;
    if (!span_eq(span_cut(target, 0, 6), SPAN_LIT("nonce=")) ||
        target.len != 6 + 2 * ECHO_NONCE_BYTES)
        return ECHO_E_MALFORMED;
    if (text_unhex(&bytes, span_cut(target, 6, SIZE_MAX)) != 0 || buf_error(&bytes) != 0 ||
        bytes.len != ECHO_NONCE_BYTES)
        return buf_error(&bytes) == -ENOMEM ? -ENOMEM : ECHO_E_MALFORMED;
    memcpy(nonce, bytes.data, ECHO_NONCE_BYTES);
    return 0;
}

static int sign(struct buf *signature, const struct echo_claim *claim, EVP_PKEY *key)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(SIGNED_BYTES);
    CLEANUP(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *digest;
    size_t len = MAX_SIGNATURE;
    uint8_t *room = buf_reserve(signature, len);

    if (!key_digest(key, &digest))
        return ECHO_E_KEY;
    signed_bytes(&message, claim);
    if (ctx == NULL || room == NULL || buf_error(&message) != 0 ||
        EVP_DigestSignInit(ctx, NULL, digest, NULL, key) != 1 ||
        EVP_DigestSign(ctx, room, &len, message.data, message.len) != 1)
        return -ENOMEM;
    buf_took(signature, len);
    return 0;
}

int echo_answer_write(struct buf *json, const struct echo_claim *claim, EVP_PKEY *key)
{
    CLEANUP(buf_deinit) struct buf signature = BUF_INIT(MAX_SIGNATURE);
    CLEANUP(der_free) unsigned char *spki = NULL;
    int len, rc;

    if (claim->hello.len == 0 || claim->hello.len > ECHO_MAX_HELLO)
        return ECHO_E_MALFORMED;
    rc = sign(&signature, claim, key);
    if (rc != 0)
        return rc;
    len = i2d_PUBKEY(key, &spki);
    if (len <= 0)
        return -ENOMEM;
    buf_str(json, "{\"format\":\"" FORMAT "\",\"nonce\":\"");
    text_base64(json, span_of(claim->nonce, sizeof claim->nonce));
    buf_printf(json, "\",\"time\":%" PRId64 ",\"exporter\":\"", claim->at.s);
    text_base64(json, span_of(claim->exporter, sizeof claim->exporter));
    buf_str(json, "\",\"hello\":\"");
    text_base64(json, claim->hello);
    buf_str(json, "\",\"key\":\"");
    text_base64(json, span_of(spki, (size_t)len));
    buf_str(json, "\",\"signature\":\"");
    text_base64(json, buf_span(&signature));
    buf_str(json, "\"}\n");
    return buf_error(json);
}

/* A base64 member of 1 to out->max bytes.  0, -ENOMEM, ECHO_E_MALFORMED. */
static int member_bytes(struct buf *out, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value))
        return ECHO_E_MALFORMED;
    if (text_unbase64(out, span_of(json_string_value(value), json_string_length(value))) != 0 ||
        buf_error(out) != 0)
        return buf_error(out) == -ENOMEM ? -ENOMEM : ECHO_E_MALFORMED;
    return out->len > 0 ? 0 : ECHO_E_MALFORMED;
}

static int member_exact(uint8_t *out, size_t len, const json_t *object, const char *name)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(len);
    int rc = member_bytes(&bytes, object, name);

    if (rc != 0)
        return rc;
    if (bytes.len != len)
        return ECHO_E_MALFORMED;
    memcpy(out, bytes.data, len);
    return 0;
}

static int claim_read(struct echo_answer *a, const json_t *object)
{
    const json_t *format = json_object_get(object, "format");
    const json_t *at = json_object_get(object, "time");
    int rc;

    if (!json_is_string(format) || strcmp(json_string_value(format), FORMAT) != 0 ||
        !json_is_integer(at))
        return ECHO_E_MALFORMED;
    a->claim.at.s = json_integer_value(at);
    rc = member_exact(a->claim.nonce, sizeof a->claim.nonce, object, "nonce");
    if (rc == 0)
        rc = member_exact(a->claim.exporter, sizeof a->claim.exporter, object, "exporter");
    if (rc == 0)
        rc = member_bytes(&a->hello, object, "hello");
    a->claim.hello = buf_span(&a->hello);
    return rc;
}

/* 0: *holds says whether the signature is over these bytes by this key. */
static int verify(const struct echo_answer *a, EVP_PKEY *key, struct mw_span signature,
                  bool *holds)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(SIGNED_BYTES);
    CLEANUP(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *digest;

    if (!key_digest(key, &digest))
        return ECHO_E_KEY;
    signed_bytes(&message, &a->claim);
    if (ctx == NULL || buf_error(&message) != 0 ||
        EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) != 1)
        return -ENOMEM;
    *holds = EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
    return 0;
}

static int signature_read(struct echo_answer *a, const json_t *object, const char *expected_key)
{
    CLEANUP(buf_deinit) struct buf spki = BUF_INIT(MAX_SPKI);
    CLEANUP(buf_deinit) struct buf signature = BUF_INIT(MAX_SIGNATURE);
    CLEANUP(pkey_free) EVP_PKEY *key = NULL;
    const unsigned char *at;
    bool holds = false;
    int rc;

    rc = member_bytes(&spki, object, "key");
    if (rc == 0)
        rc = member_bytes(&signature, object, "signature");
    if (rc != 0)
        return rc;
    at = spki.data;
    key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    if (key == NULL || at != spki.data + spki.len)
        return ECHO_E_KEY;
    spki_text(a->signer, buf_span(&spki));
    rc = verify(a, key, buf_span(&signature), &holds);
    if (rc != 0)
        return rc;
    a->key_expected = expected_key != NULL && strcmp(a->signer, expected_key) == 0;
    a->signature_good = holds && a->key_expected && a->nonce_good;
    return 0;
}

int echo_answer_read(struct echo_answer *out, struct mw_span json,
                     const uint8_t nonce[ECHO_NONCE_BYTES], const char *expected_key)
{
    CLEANUP(json_free) json_t *object = NULL;
    CLEANUP(echo_answer_deinit) struct echo_answer a = { .hello = BUF_INIT(ECHO_MAX_HELLO) };
    int rc;

    if (json.len > ECHO_MAX_ANSWER)
        return ECHO_E_MALFORMED;
    object = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object))
        return ECHO_E_MALFORMED;
    rc = claim_read(&a, object);
    if (rc != 0)
        return rc;
    a.nonce_good = CRYPTO_memcmp(a.claim.nonce, nonce, ECHO_NONCE_BYTES) == 0;
    rc = signature_read(&a, object, expected_key);
    if (rc != 0)
        return rc;
    *out = a;
    a.hello = (struct buf){ 0 };
    return 0;
}

void echo_answer_deinit(struct echo_answer *a)
{
    buf_deinit(&a->hello);
}
