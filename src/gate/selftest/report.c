#include "gate/selftest/report.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/built.h"
#include "base/file.h"
#include "base/json_out.h"
#include "base/own.h"
#include "base/text.h"

enum { FILE_MAX = 1 << 20, SIGNATURE = 64, PUBLIC = 32 };

static const char format[] = "midwatch.gate.selftest/1";
/* What stands around R. */
static const char before[] = "{\"report\":", hash_key[] = ",\"sha256\":\"",
                  signature_key[] = "\",\"signature\":\"", after[] = "\"}\n";
/* Of hex and base64 texts; the tail is as long in every report. */
enum { HASH_TEXT = 64, SIGNATURE_TEXT = 88,
       TAIL = sizeof(hash_key) - 1 + HASH_TEXT + sizeof(signature_key) - 1 + SIGNATURE_TEXT +
              sizeof(after) - 1 };

/* ------------------------------------------------------------------------ keys ---- */

static int pem_write(EVP_PKEY *key, bool private, const char *path)
{
    BIO *bio = BIO_new(private ? BIO_s_secmem() : BIO_s_mem());
    char *data = NULL;
    int r = -ENOMEM;

    if (bio != NULL && (private ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_PUBKEY(bio, key)) == 1) {
        size_t len = (size_t)BIO_get_mem_data(bio, &data);

        r = file_replace(path, span_of(data, len), private ? 0600 : 0644);
    }
    BIO_free(bio);
    return r;
}

static int key_read(EVP_PKEY **out, const char *path)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(FILE_MAX);
    int r = file_read(path, &pem);
    BIO *bio;

    if (r < 0)
        return r;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    *out = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    OPENSSL_cleanse(pem.data, pem.len);
    if (*out != NULL && EVP_PKEY_get_base_id(*out) == EVP_PKEY_ED25519)
        return 0;
    EVP_PKEY_free(*out);
    *out = NULL;
    return -EINVAL;
}

/* The public half first: a signature that nobody can check is worth nothing. */
static int key_make(EVP_PKEY **out, const char *state, const char *path)
{
    char public[PATH_MAX];
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    int r = key != NULL ? file_make_folders(state) : -ENOMEM;

    if (r == 0 && snprintf(public, PATH_MAX, "%s/report.pub", state) >= PATH_MAX)
        r = -ENAMETOOLONG;
    if (r == 0)
        r = pem_write(key, false, public);
    if (r == 0)
        r = pem_write(key, true, path);
    if (r == 0)
        *out = key;
    else
        EVP_PKEY_free(key);
    return r;
}

int report_key(EVP_PKEY **out, const char *state, const char *file, struct buf *error)
{
    char path[PATH_MAX];
    int r = snprintf(path, PATH_MAX, "%s/report.key", state) < PATH_MAX ? 0 : -ENAMETOOLONG;

    if (file != NULL)
        r = key_read(out, file);
    else if (r == 0 && (r = key_read(out, path)) == -ENOENT)
        r = key_make(out, state, path);
    if (r < 0)
        buf_printf(error, "%s: no key to sign the report with: %s", file != NULL ? file : path,
                   r == -EINVAL ? "not an Ed25519 private key; move it away and a new one is made"
                                : strerror(-r));
    return r;
}

static int public_text(const EVP_PKEY *key, struct buf *out)
{
    uint8_t raw[PUBLIC];
    size_t len = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(key, raw, &len) != 1)
        return -EINVAL;
    text_base64(out, span_of(raw, len));
    return buf_error(out);
}

/* --------------------------------------------------------------------- writing ---- */

static void rows_write(struct json_out *j, const struct report *r)
{
    json_open(j, "points", '[');
    for (size_t i = 0; i < r->n; i++) {
        json_open(j, NULL, '{');
        json_number(j, "number", (int64_t)r->rows[i].point->number);
        json_text(j, "what", r->rows[i].point->what);
        json_text(j, "result", point_result_name(r->rows[i].result));
        json_text(j, "evidence", r->rows[i].evidence);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static int body_write(struct buf *out, const struct report *r, const EVP_PKEY *key)
{
    CLEANUP(buf_deinit) struct buf public = BUF_INIT(128);
    struct json_out j = { .to = out };
    int e = public_text(key, &public);

    json_open(&j, NULL, '{');
    json_text(&j, "format", format);
    json_text(&j, "version", built_version());
    json_time(&j, "time", r->at_ms);
    json_open(&j, "config", '{');
    json_text(&j, "file", r->config->file);
    json_hex(&j, "sha256", span_of(r->config->sha256, sizeof(r->config->sha256)));
    json_close(&j, '}');
    json_number(&j, "passed", (int64_t)r->counts[POINT_PASSED]);
    json_number(&j, "failed", (int64_t)r->counts[POINT_FAILED]);
    json_number(&j, "argued", (int64_t)r->counts[POINT_ARGUED]);
    rows_write(&j, r);
    json_bytes(&j, "key", buf_span(&public));
    json_close(&j, '}');
    return e != 0 ? e : buf_error(out);
}

/* What is signed: the format's name, a NUL, and R. */
static void signed_bytes(struct buf *out, struct mw_span body)
{
    buf_add(out, span_of(format, sizeof(format)));
    buf_add(out, body);
}

static int sign(EVP_PKEY *key, struct mw_span body, uint8_t signature[SIGNATURE])
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(FILE_MAX);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = SIGNATURE;
    bool good;

    signed_bytes(&message, body);
    good = buf_error(&message) == 0 && ctx != NULL &&
           EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestSign(ctx, signature, &len, message.data, message.len) == 1 &&
           len == SIGNATURE;
    EVP_MD_CTX_free(ctx);
    return good ? 0 : -ENOMEM;
}

static void tail_write(struct buf *out, struct mw_span body, const uint8_t signature[SIGNATURE])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256(body.data, body.len, hash);
    buf_str(out, hash_key);
    text_hex(out, span_of(hash, sizeof(hash)), 0);
    buf_str(out, signature_key);
    text_base64(out, span_of(signature, SIGNATURE));
    buf_str(out, after);
}

int report_write(struct buf *out, const struct report *r, EVP_PKEY *key)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(FILE_MAX);
    uint8_t signature[SIGNATURE];
    int e = body_write(&body, r, key);

    if (e == 0)
        e = sign(key, buf_span(&body), signature);
    if (e != 0)
        return e;
    buf_str(out, before);
    buf_add(out, buf_span(&body));
    tail_write(out, buf_span(&body), signature);
    return buf_error(out);
}

/* ------------------------------------------------------------------- verifying ---- */

static bool good_by(EVP_PKEY *key, struct mw_span body, const uint8_t signature[SIGNATURE])
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(FILE_MAX);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good;

    signed_bytes(&message, body);
    good = buf_error(&message) == 0 && ctx != NULL &&
           EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
           EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(ctx, signature, SIGNATURE, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool good_by_any(struct mw_span pem, struct mw_span body,
                        const uint8_t signature[SIGNATURE])
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    bool good = false;
    EVP_PKEY *key;

    while (bio != NULL && !good && (key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL) {
        good = good_by(key, body, signature);
        EVP_PKEY_free(key);
    }
    BIO_free(bio);
    return good;
}

static bool good_by_own(const json_t *body_json, struct mw_span body,
                        const uint8_t signature[SIGNATURE])
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(128);
    const char *text = json_string_value(json_object_get(body_json, "key"));
    EVP_PKEY *key = NULL;
    bool good;

    if (text == NULL || text_unbase64(&raw, span_str(text)) < 0 || raw.len != PUBLIC)
        return false;
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.data, raw.len);
    good = key != NULL && good_by(key, body, signature);
    EVP_PKEY_free(key);
    return good;
}

static int bad(struct buf *error, const char *why)
{
    buf_str(error, why);
    return -EBADMSG;
}

static void say(struct buf *said, const json_t *body, bool by_own)
{
    const char *version = json_string_value(json_object_get(body, "version"));
    const char *at = json_string_value(json_object_get(body, "time"));
    const char *key = json_string_value(json_object_get(body, "key"));

    buf_printf(said, "the report is whole: midwatch %s, %s, %d passed, %d failed, %d argued\n",
               version != NULL ? version : "?", at != NULL ? at : "?",
               (int)json_integer_value(json_object_get(body, "passed")),
               (int)json_integer_value(json_object_get(body, "failed")),
               (int)json_integer_value(json_object_get(body, "argued")));
    if (by_own)
        buf_printf(said, "signed by the key that it names, %s; name a copy of STATE/report.pub "
                         "with --key to know whose that is\n", key != NULL ? key : "?");
}

int report_verify(struct mw_span text, struct mw_span public_pem, struct buf *said,
                  struct buf *error)
{
    CLEANUP(buf_deinit) struct buf tail = BUF_INIT(TAIL + 1), raw = BUF_INIT(SIGNATURE + 8);
    size_t head = sizeof(before) - 1;
    struct mw_span body, written;
    json_t *json;
    bool good;

    if (text.len < head + TAIL || !span_eq(span_cut(text, 0, head), span_of(before, head)))
        return bad(error, "not a report of midwatch gate selftest");
    body = span_cut(text, head, text.len - head - TAIL);
    written = span_cut(text, text.len - TAIL, TAIL);
    if (text_unbase64(&raw, span_cut(written, TAIL - SIGNATURE_TEXT - (sizeof(after) - 1),
                                     SIGNATURE_TEXT)) < 0 ||
        raw.len != SIGNATURE)
        return bad(error, "the signature cannot be read");
    tail_write(&tail, body, raw.data);
    if (buf_error(&tail) != 0 || !span_eq(buf_span(&tail), written))
        return bad(error, "the report was changed: its SHA-256 is another");
    json = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    good = public_pem.len > 0 ? good_by_any(public_pem, body, raw.data)
                              : good_by_own(json, body, raw.data);
    if (good)
        say(said, json, public_pem.len == 0);
    json_decref(json);
    return good ? buf_error(said) : bad(error, "the signature does not hold");
}
