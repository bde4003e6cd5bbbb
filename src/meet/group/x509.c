/*
 * X.509 credentials (RFC 9420 5.3) judged by the trust engine.  Only its public functions are
 * called: libmidwatch-sealed has no others.
 */
#include <midwatch/trust.h>

#include "meet/group/steps.h"

enum { CERTIFICATES_MAX = 20 };
enum { DER_SEQUENCE = 0x30, DER_INTEGER = 0x02, DER_VERSION = 0xa0 };

/* 5.3: cert_data<V> each, leaf first.  Their number, 0: none, too many, or malformed. */
static size_t chain_read(const struct mw_mls_credential *who,
                         struct mw_span chain[CERTIFICATES_MAX])
{
    struct reader r = { .rest = who->body };
    size_t n = 0;

    if (who->type != MW_MLS_X509)
        return 0;
    while (read_more(&r)) {
        if (n == CERTIFICATES_MAX)
            return 0;
        chain[n++] = vector_read(&r);
    }
    return r.failed ? 0 : n;
}

/* One DER element of this tag: its content; *whole (or NULL): with its header. */
static struct mw_span der_read(struct reader *r, uint8_t tag, struct mw_span *whole)
{
    const uint8_t *start = r->rest.data;
    uint8_t found = read_u8(r), first = read_u8(r);
    size_t len = first;
    struct mw_span content;

    if (found != tag || first == 0x80 || first > 0x83)
        read_fail(r);
    if (first > 0x80)
        len = 0;
    for (uint8_t i = 0x80; i < first && !r->failed; i++)
        len = len << 8 | read_u8(r);
    content = read_bytes(r, len);
    if (whole != NULL && !r->failed)
        *whole = span_of(start, (size_t)(content.data - start) + content.len);
    return content;
}

/* Subject and key of a certificate, in DER (RFC 5280 4.1); false: not found. */
static bool certificate_read(struct mw_span der, struct mw_span *subject, struct mw_span *key)
{
    struct reader r = { .rest = der };
    struct reader outer = { .rest = der_read(&r, DER_SEQUENCE, NULL) };
    struct reader tbs = { .rest = der_read(&outer, DER_SEQUENCE, NULL) };

    if (tbs.rest.len > 0 && tbs.rest.data[0] == DER_VERSION)
        (void)der_read(&tbs, DER_VERSION, NULL);
    (void)der_read(&tbs, DER_INTEGER, NULL);            /* serial number */
    (void)der_read(&tbs, DER_SEQUENCE, NULL);           /* algorithm */
    (void)der_read(&tbs, DER_SEQUENCE, NULL);           /* issuer */
    (void)der_read(&tbs, DER_SEQUENCE, NULL);           /* validity */
    *subject = der_read(&tbs, DER_SEQUENCE, NULL);
    (void)der_read(&tbs, DER_SEQUENCE, key);
    return !r.failed && !outer.failed && !tbs.failed;
}

/* What stands before the key's octets in a SubjectPublicKeyInfo (RFC 8410, RFC 5480); which one it
 * is the key's length says. */
static bool key_matches(struct mw_span spki, struct mw_span signature_key)
{
#define EC_KEY "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    static const struct {
        size_t key_len, head_len;
        const char *head;
    } kinds[] = {
        { 32, 12, "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0" },
        { 57, 12, "\x30\x43\x30\x05\x06\x03\x2b\x65\x71\x03\x3a\0" },
        { 65, 26, "\x30\x59\x30\x13" EC_KEY "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\0" },
        { 97, 23, "\x30\x76\x30\x10" EC_KEY "\x06\x05\x2b\x81\x04\0\x22\x03\x62\0" },
        { 133, 25, "\x30\x81\x9b\x30\x10" EC_KEY "\x06\x05\x2b\x81\x04\0\x23\x03\x81\x86\0" },
    };
#undef EC_KEY

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t head = kinds[i].head_len;

        if (signature_key.len == kinds[i].key_len && spki.len == head + signature_key.len)
            return memcmp(spki.data, kinds[i].head, head) == 0 &&
                   memcmp(spki.data + head, signature_key.data, signature_key.len) == 0;
    }
    return false;
}

static bool verdict_is_good(const struct mw_verdict *v, struct mw_span leaf)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity == MW_ERROR && !v->findings[i].accepted)
            return false;
    return v->outcome == MW_PRIVATE && v->n_path > 0 && span_eq(v->chain[0].der, leaf);
}

static int chain_judge(const struct mw_policy *policy, const struct mw_span *chain, size_t n,
                       struct mw_wall now)
{
    struct mw_evidence ev = {
        .now = now, .now_chosen = true, .reach = MW_REACH_NOT_TRIED, .sent = chain, .n_sent = n,
    };
    struct mw_verdict *v = NULL;
    int error = mw_judge(policy, &ev, &v);

    if (error == 0)
        error = verdict_is_good(v, chain[0]) ? 0 : MW_MLS_E_CREDENTIAL;
    mw_verdict_free(v);
    return error;
}

int mw_mls_name_x509(void *context, const struct mw_mls_credential *who, struct mw_span *out)
{
    struct mw_span chain[CERTIFICATES_MAX], subject, key;

    (void)context;
    if (chain_read(who, chain) == 0 || !certificate_read(chain[0], &subject, &key) ||
        subject.len == 0)
        return MW_MLS_E_CREDENTIAL;
    *out = subject;
    return 0;
}

int mw_mls_judge_x509(void *context, const struct mw_mls_credential *who,
                      struct mw_span signature_key, const struct mw_mls_credential *before,
                      struct mw_wall now)
{
    struct mw_span chain[CERTIFICATES_MAX], old[CERTIFICATES_MAX];
    struct mw_span subject, key, old_subject, old_key;
    size_t n = chain_read(who, chain);

    if (n == 0 || !certificate_read(chain[0], &subject, &key) || !key_matches(key, signature_key))
        return MW_MLS_E_CREDENTIAL;
    if (before != NULL &&
        (chain_read(before, old) == 0 || !certificate_read(old[0], &old_subject, &old_key) ||
         subject.len == 0 || !span_eq(subject, old_subject)))
        return MW_MLS_E_CREDENTIAL;
    return chain_judge(context, chain, n, now);
}
