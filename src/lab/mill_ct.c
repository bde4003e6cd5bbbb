#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/mill_cert.h"

enum { HASH_BYTES = 32, TBS_MOST = 1 << 24 };

enum entry_type { X509_ENTRY = 0, PRECERT_ENTRY = 1 };   /* RFC 6962 3.1 */

struct mill_log {
    EVP_PKEY *key;
    char *name, *operator_;
    uint8_t id[HASH_BYTES];     /* SHA-256 of the key's SPKI, RFC 6962 3.2 */
};

static int spki(EVP_PKEY *key, struct buf *der)
{
    unsigned char *out = NULL;
    int n = i2d_PUBKEY(key, &out);

    if (n <= 0)
        return -ENOMEM;
    buf_add(der, span_of(out, (size_t)n));
    OPENSSL_free(out);
    return buf_error(der);
}

static int spki_hash(EVP_PKEY *key, uint8_t hash[HASH_BYTES])
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(65536);
    int r = spki(key, &der);

    if (r < 0)
        return r;
    return EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(), NULL) > 0 ? 0 : -ENOMEM;
}

int mill_log_new(struct mill_log **out, const char *name, const char *operator_)
{
    struct mill_log *log = calloc(1, sizeof(*log));
    int r = -ENOMEM;

    if (log == NULL)
        return r;
    log->name = strdup(name);
    log->operator_ = strdup(operator_);
    if (log->name != NULL && log->operator_ != NULL)
        r = mill_key_new(&log->key, MILL_P256, true);
    if (r == 0)
        r = spki_hash(log->key, log->id);
    if (r < 0) {
        mill_log_free(log);
        return r;
    }
    *out = log;
    return 0;
}

void mill_log_free(struct mill_log *log)
{
    if (log == NULL)
        return;
    EVP_PKEY_free(log->key);
    free(log->name);
    free(log->operator_);
    free(log);
}

/* The digitally-signed struct of RFC 6962 3.2, signed with ECDSA over SHA-256. */
static int sct_sign(struct buf *signature, const struct mill_log *log, struct mw_span signed_part)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t bytes[256];
    size_t n = sizeof(bytes);
    int r = -ENOMEM;

    if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, log->key) > 0 &&
        EVP_DigestSign(ctx, bytes, &n, signed_part.data, signed_part.len) > 0) {
        buf_u8(signature, 4);   /* sha256, RFC 5246 7.4.1.4.1 */
        buf_u8(signature, 3);   /* ecdsa */
        buf_u16(signature, (uint16_t)n);
        buf_add(signature, span_of(bytes, n));
        r = buf_error(signature);
    }
    EVP_MD_CTX_free(ctx);
    return r;
}

/* entry: what stands in the signed struct after entry_type. */
static int sct_append(struct buf *scts, const struct mill_log *log, enum entry_type type,
                      struct mw_span entry, struct mw_wall at)
{
    CLEANUP(buf_deinit) struct buf signed_part = BUF_INIT(TBS_MOST + 1024);
    CLEANUP(buf_deinit) struct buf signature = BUF_INIT(1024);
    uint64_t at_ms = (uint64_t)at.s * 1000;
    int r;

    buf_u8(&signed_part, 0);    /* v1 */
    buf_u8(&signed_part, 0);    /* certificate_timestamp */
    buf_u64(&signed_part, at_ms);
    buf_u16(&signed_part, (uint16_t)type);
    buf_add(&signed_part, entry);
    buf_u16(&signed_part, 0);   /* no extensions */
    if (buf_error(&signed_part) < 0)
        return buf_error(&signed_part);
    r = sct_sign(&signature, log, buf_span(&signed_part));
    if (r < 0)
        return r;
    buf_u16(scts, (uint16_t)(1 + HASH_BYTES + 8 + 2 + signature.len));
    buf_u8(scts, 0);
    buf_add(scts, span_of(log->id, HASH_BYTES));
    buf_u64(scts, at_ms);
    buf_u16(scts, 0);
    buf_add(scts, buf_span(&signature));
    return buf_error(scts);
}

int mill_sct_precert(struct buf *scts, struct mill_log *log, const struct mill_spec *spec,
                     EVP_PKEY *key, const struct mill_cert *issuer, struct mw_wall at)
{
    CLEANUP(mill_x509_own) X509 *x = NULL;
    CLEANUP(buf_deinit) struct buf entry = BUF_INIT(TBS_MOST + 64);
    uint8_t issuer_hash[HASH_BYTES];
    unsigned char *tbs = NULL;
    int n, r;

    r = mill_unsigned(&x, spec, key, issuer);
    if (r == 0)
        r = spki_hash(issuer != NULL ? issuer->key : key, issuer_hash);
    if (r < 0)
        return r;
    n = i2d_re_X509_tbs(x, &tbs);
    if (n <= 0 || n >= TBS_MOST)
        return -EINVAL;
    buf_add(&entry, span_of(issuer_hash, HASH_BYTES));
    buf_u24(&entry, (uint32_t)n);
    buf_add(&entry, span_of(tbs, (size_t)n));
    OPENSSL_free(tbs);
    ERR_clear_error();
    return sct_append(scts, log, PRECERT_ENTRY, buf_span(&entry), at);
}

int mill_sct_cert(struct buf *scts, struct mill_log *log, const struct mill_cert *cert,
                  struct mw_wall at)
{
    CLEANUP(buf_deinit) struct buf entry = BUF_INIT(TBS_MOST + 64);

    if (cert->der_len >= TBS_MOST)
        return -EINVAL;
    buf_u24(&entry, (uint32_t)cert->der_len);
    buf_add(&entry, mill_cert_der(cert));
    return sct_append(scts, log, X509_ENTRY, buf_span(&entry), at);
}

int mill_sct_list_close(const struct buf *scts, struct buf *list)
{
    if (buf_error(scts) < 0)
        return buf_error(scts);
    if (scts->len > UINT16_MAX)
        return -EINVAL;
    buf_u16(list, (uint16_t)scts->len);
    buf_add(list, buf_span(scts));
    return buf_error(list);
}

static int log_describe(struct buf *json, const struct mill_log *log)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(4096);
    int r = spki(log->key, &key);

    if (r < 0)
        return r;
    buf_printf(json, "{\"description\":\"%s\",\"log_id\":\"", log->name);
    text_base64(json, span_of(log->id, HASH_BYTES));
    buf_str(json, "\",\"key\":\"");
    text_base64(json, buf_span(&key));
    buf_printf(json,
               "\",\"url\":\"https://%s.ct.lab.test/\",\"mmd\":86400,"
               "\"state\":{\"usable\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}}",
               log->name);
    return buf_error(json);
}

/* The logs of one operator, from the first that names it on. */
static int operator_describe(struct buf *json, struct mill_log *const *logs, size_t n_logs,
                             size_t first)
{
    const char *sep = "";

    buf_printf(json, "{\"name\":\"%s\",\"email\":[],\"logs\":[", logs[first]->operator_);
    for (size_t i = first; i < n_logs; i++) {
        int r;

        if (strcmp(logs[i]->operator_, logs[first]->operator_) != 0)
            continue;
        buf_str(json, sep);
        r = log_describe(json, logs[i]);
        if (r < 0)
            return r;
        sep = ",";
    }
    buf_str(json, "],\"tiled_logs\":[]}");
    return buf_error(json);
}

int mill_log_list(struct buf *json, struct mill_log *const *logs, size_t n_logs)
{
    const char *sep = "";

    buf_str(json, "{\"version\":\"1.0\",\"log_list_timestamp\":\"2026-01-01T00:00:00Z\","
                  "\"operators\":[");
    for (size_t i = 0; i < n_logs; i++) {
        bool seen = false;
        int r;

        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(logs[k]->operator_, logs[i]->operator_) == 0;
        if (seen)
            continue;
        buf_str(json, sep);
        r = operator_describe(json, logs, n_logs, i);
        if (r < 0)
            return r;
        sep = ",";
    }
    buf_str(json, "]}");
    return buf_error(json);
}
