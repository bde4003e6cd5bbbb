#include "trust/sct.h"

#include <errno.h>

#include "trust/der.h"
#include "trust/sign.h"

static const uint8_t oid_list[] = { 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2 };

#define OID(bytes) span_of(bytes, sizeof(bytes))

enum { LOG_ID_BYTES = 32, TLS_SHA256 = 4, TLS_RSA = 1, TLS_ECDSA = 3 };

struct mw_wall sct_time(const struct sct *s)
{
    return (struct mw_wall){ (int64_t)(s->at_ms / 1000) };
}

static bool sct_read(struct mw_span wire, struct sct *s)
{
    struct reader r = { .rest = wire };

    s->version = read_u8(&r);
    if (s->version != 0)
        return !r.failed; /* RFC 6962 3.3: skipped, not an error */
    s->log_id = read_bytes(&r, LOG_ID_BYTES);
    s->at_ms = read_u64(&r);
    s->extensions = read_vec16(&r);
    s->hash = read_u8(&r);
    s->sign = read_u8(&r);
    s->signature = read_vec16(&r);
    return read_done(&r) && s->at_ms / 1000 <= INT64_MAX / 1000;
}

bool sct_list_read(struct mw_span list, enum sct_source source, struct sct *scts, size_t room,
                   size_t *n)
{
    struct reader outer = { .rest = list };
    struct reader r = { .rest = read_vec16(&outer) };

    if (!read_done(&outer) || r.rest.len == 0)
        return false;
    while (read_more(&r)) {
        struct sct s = { .source = source };
        struct mw_span one = read_vec16(&r);

        if (r.failed || !sct_read(one, &s))
            return false;
        if (s.version == 0 && *n < room)
            scts[(*n)++] = s;
    }
    return !r.failed;
}

bool sct_embedded(const struct cert *c, struct mw_span *list)
{
    const struct cert_extension *e = cert_extension(c, OID(oid_list));
    bool ok;

    if (e == NULL)
        return false;
    *list = der_unwrap(e->value, DER_OCTET_STRING, &ok);
    return true;
}

/* -------------------------------------------------------- the precertificate ---- */

static void length_write(struct buf *out, size_t len)
{
    int bytes = 0;

    if (len < 0x80) {
        buf_u8(out, (uint8_t)len);
        return;
    }
    for (size_t left = len; left > 0; left >>= 8)
        bytes++;
    buf_u8(out, (uint8_t)(0x80 | bytes));
    while (bytes-- > 0)
        buf_u8(out, (uint8_t)(len >> (8 * bytes)));
}

static void element_write(struct buf *out, uint8_t tag, struct mw_span content)
{
    buf_u8(out, tag);
    length_write(out, content.len);
    buf_add(out, content);
}

/* The extensions without the SCT list; how many were left out. */
static int extensions_copy(struct mw_span sequence, struct buf *out)
{
    struct reader r = { .rest = sequence };
    int dropped = 0;

    while (read_more(&r)) {
        struct mw_span start = r.rest;
        struct cert_extension e;

        cert_extension_read(&r, &e);
        if (r.failed)
            return 0;
        if (span_eq(e.oid, OID(oid_list)))
            dropped++;
        else
            buf_add(out, span_of(start.data, start.len - r.rest.len));
    }
    return dropped;
}

int sct_precert(const struct cert *c, struct buf *tbs)
{
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(MW_MAX_CERT_BYTES);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MAX_CERT_BYTES);
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MW_MAX_CERT_BYTES);
    bool ok;
    struct reader r = { .rest = der_unwrap(c->tbs, DER_SEQUENCE, &ok) };
    int dropped = 0;

    while (ok && read_more(&r)) {
        struct der e = der_next(&r);
        struct reader inner = { .rest = e.content };

        if (e.tag != DER_CONTEXT_CONSTRUCTED(3)) {
            buf_add(&body, e.whole);
            continue;
        }
        dropped = extensions_copy(der_expect(&inner, DER_SEQUENCE), &kept);
        if (kept.len == 0)
            continue; /* an empty list of extensions is none (RFC 5280 4.1) */
        element_write(&list, DER_SEQUENCE, buf_span(&kept));
        element_write(&body, e.tag, buf_span(&list));
    }
    if (!ok || !read_done(&r) || dropped != 1)
        return MW_E_DER;
    element_write(tbs, DER_SEQUENCE, buf_span(&body));
    if (kept.error != 0 || list.error != 0 || body.error != 0)
        return kept.error == -ENOMEM || list.error == -ENOMEM || body.error == -ENOMEM ? -ENOMEM
                                                                                       : MW_E_DER;
    return buf_error(tbs);
}

/* ---------------------------------------------------------------- the signature ---- */

/* The struct that "digitally-signed" covers (RFC 6962 3.2). */
static void signed_write(struct buf *out, const struct sct *s, const struct sct_entry *entry)
{
    bool precert = s->source == SCT_EMBEDDED;
    struct mw_span body = precert ? entry->precert : entry->cert;

    buf_u8(out, 0); /* v1 */
    buf_u8(out, 0); /* certificate_timestamp */
    buf_u64(out, s->at_ms);
    buf_u16(out, precert ? 1 : 0);
    if (precert)
        buf_add(out, span_of(entry->issuer_key, 32));
    buf_u24(out, (uint32_t)body.len);
    buf_add(out, body);
    buf_u16(out, (uint16_t)s->extensions.len);
    buf_add(out, s->extensions);
}

static bool algorithm_fits(const struct sct *s)
{
    int key = EVP_PKEY_get_base_id(s->log->key);

    return s->hash == TLS_SHA256 && ((s->sign == TLS_ECDSA && key == EVP_PKEY_EC) ||
                                     (s->sign == TLS_RSA && key == EVP_PKEY_RSA));
}

int sct_check(struct sct *s, const struct ct_logs *logs, const struct sct_entry *entry)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(MW_MAX_CERT_BYTES + (1 << 17));
    int r;

    s->state = SCT_UNCHECKED;
    if (logs == NULL)
        return 0;
    s->log = ct_logs_find(logs, s->log_id);
    if (s->log == NULL) {
        s->state = SCT_FROM_UNKNOWN_LOG;
        return 0;
    }
    if (s->source == SCT_EMBEDDED && (entry->issuer_key == NULL || entry->precert.len == 0))
        return 0;
    s->state = SCT_WRONG;
    if (!algorithm_fits(s))
        return 0;
    signed_write(&bytes, s, entry);
    r = buf_error(&bytes);
    if (r != 0)
        return r == -ENOMEM ? r : 0;
    r = sign_check_with(s->log->key, EVP_sha256(), false, buf_span(&bytes), s->signature);
    if (r < 0)
        return r;
    if (r == 1)
        s->state = SCT_VERIFIED;
    return 0;
}
