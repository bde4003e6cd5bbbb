#include "trust/staple.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "trust/der.h"
#include "trust/sign.h"

static const uint8_t oid_basic[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1 };
static const uint8_t oid_nonce[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2 };
static const uint8_t oid_responder[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1 };
static const uint8_t oid_access[] = { 0x2b, 6, 1, 5, 5, 7, 1, 1 };
static const uint8_t oid_features[] = { 0x2b, 6, 1, 5, 5, 7, 1, 0x18 };
static const uint8_t oid_scts[] = { 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5 };
static const uint8_t oid_sha1[] = { 0x2b, 14, 3, 2, 26 };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1 };
static const uint8_t oid_sha384[] = { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2 };
static const uint8_t oid_sha512[] = { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3 };

#define OID(bytes) span_of(bytes, sizeof(bytes))

enum {
    DER_ENUMERATED = 0x0a,
    STATUS_REQUEST = 5,         /* the TLS extension that asks for a staple */
    MAX_DELEGATES = 4,          /* certificates in the response that are looked at */
    UNDATED_LIFE_S = 7 * 86400, /* without nextUpdate (RFC 6960 2.4: "newer is always there") */
};

static int enumerated(struct reader *r)
{
    struct mw_span value = der_expect(r, DER_ENUMERATED);

    if (value.len != 1) {
        read_fail(r);
        return -1;
    }
    return value.data[0];
}

/* Extensions in their context wrapper: is there a critical one that we do not know?  The
 * content of the SCT list comes out if asked for. */
static bool extensions_read(struct reader *outer, uint8_t tag, struct mw_span *scts)
{
    struct reader wrapped = { .rest = der_expect(outer, tag) };
    struct reader r = { .rest = der_expect(&wrapped, DER_SEQUENCE) };
    struct cert_extension e;
    bool unknown_critical = false;

    while (read_more(&r)) {
        cert_extension_read(&r, &e);
        if (scts != NULL && span_eq(e.oid, OID(oid_scts)))
            *scts = e.value;
        else if (e.critical && !span_eq(e.oid, OID(oid_nonce)))
            unknown_critical = true;
    }
    if (!read_done(&wrapped) || !read_done(&r))
        read_fail(outer);
    return unknown_critical;
}

/* ResponseData (RFC 6960 4.2.1), in wire order. */
static bool data_read(struct staple *s)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(s->tbs, DER_SEQUENCE, &ok) };

    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0))) {
        struct reader v = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(0)) };

        if (der_small(&v, 0) != 0 || !read_done(&v))
            return false;
    }
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(1))) {
        struct reader name = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(1)) };

        s->responder_name = der_expect_whole(&name, DER_SEQUENCE);
        ok = ok && read_done(&name);
    } else {
        struct reader key = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(2)) };

        s->responder_key = der_expect(&key, DER_OCTET_STRING);
        ok = ok && read_done(&key);
    }
    s->produced_at = der_time(&r);
    s->responses = der_expect(&r, DER_SEQUENCE);
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(1)))
        s->has_unknown_critical = extensions_read(&r, DER_CONTEXT_CONSTRUCTED(1), NULL);
    return ok && read_done(&r);
}

/* BasicOCSPResponse */
static bool basic_read(struct staple *s, struct mw_span der)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(der, DER_SEQUENCE, &ok) };
    struct mw_span bits;

    s->tbs = der_expect_whole(&r, DER_SEQUENCE);
    s->algorithm = der_expect_whole(&r, DER_SEQUENCE);
    bits = der_expect(&r, DER_BIT_STRING);
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0))) {
        struct reader certs = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(0)) };

        s->certs = der_expect(&certs, DER_SEQUENCE);
        ok = ok && read_done(&certs);
    }
    if (!ok || !read_done(&r) || bits.len < 1 || bits.data[0] != 0)
        return false;
    s->signature = span_cut(bits, 1, bits.len - 1);
    return data_read(s);
}

int staple_parse(struct staple *out, struct mw_span der)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(der, DER_SEQUENCE, &ok) };
    struct reader wrapped, bytes;
    struct staple s = { 0 };
    struct mw_span type, response;

    s.response_status = enumerated(&r);
    if (!ok || r.failed)
        return STAPLE_MALFORMED;
    if (s.response_status != 0) {
        *out = s;
        return 0;
    }
    wrapped = (struct reader){ .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(0)) };
    bytes = (struct reader){ .rest = der_expect(&wrapped, DER_SEQUENCE) };
    type = der_expect(&bytes, DER_OID);
    response = der_expect(&bytes, DER_OCTET_STRING);
    if (!read_done(&r) || !read_done(&wrapped) || !read_done(&bytes) ||
        !span_eq(type, OID(oid_basic)) || !basic_read(&s, response))
        return STAPLE_MALFORMED;
    *out = s;
    return 0;
}

/* ------------------------------------------------------------------ the signer ---- */

/* What responderID's KeyHash and certID's issuerKeyHash are taken over: the subjectPublicKey
 * BIT STRING without tag, length and unused bits (RFC 6960 4.2.1). */
static struct mw_span key_bits(const struct cert *c)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(c->spki, DER_SEQUENCE, &ok) };
    struct mw_span bits;

    der_expect(&r, DER_SEQUENCE);
    bits = der_expect(&r, DER_BIT_STRING);
    return ok && bits.len > 0 ? span_cut(bits, 1, bits.len - 1) : (struct mw_span){ 0 };
}

static bool is_responder(const struct staple *s, const struct cert *c)
{
    uint8_t hash[SHA_DIGEST_LENGTH];
    struct mw_span bits = key_bits(c);

    if (s->responder_name.len > 0)
        return span_eq(s->responder_name, c->subject);
    SHA1(bits.data, bits.len, hash);
    return span_eq(s->responder_key, span_of(hash, sizeof(hash)));
}

/* RFC 6960 4.2.2.2: issued by the very issuer, for id-kp-OCSPSigning. */
static int delegate_fault(const struct staple *s, const struct cert *delegate,
                          const struct cert *issuer)
{
    int r;

    if (!span_eq(delegate->issuer, issuer->subject) || sign_weak(delegate->algorithm))
        return STAPLE_BAD_DELEGATE;
    if ((X509_get_extension_flags(delegate->x509) & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(delegate->x509) & XKU_OCSP_SIGN) == 0)
        return STAPLE_BAD_DELEGATE;
    if ((X509_get_key_usage(delegate->x509) & X509v3_KU_DIGITAL_SIGNATURE) == 0)
        return STAPLE_BAD_DELEGATE;
    r = cert_signed_by(delegate, issuer);
    if (r <= 0)
        return r < 0 ? r : STAPLE_BAD_DELEGATE;
    if (s->produced_at.s < delegate->not_before.s || s->produced_at.s > delegate->not_after.s)
        return STAPLE_DELEGATE_EXPIRED;
    return 0;
}

static int signed_by(const struct staple *s, const struct cert *signer)
{
    int r = sign_check(signer->spki, s->algorithm, s->tbs, s->signature);

    return r == 0 ? STAPLE_BAD_SIGNATURE : r == 1 ? 0 : r;
}

static void cert_freep(struct cert **at)
{
    cert_free(*at);
}

/* One certificate that came along; *end becomes when it stops to count. */
static int delegate_try(const struct staple *s, struct mw_span der, const struct cert *issuer,
                        struct mw_wall *end)
{
    CLEANUP(cert_freep) struct cert *delegate = NULL;
    int r = cert_parse(&delegate, der);

    if (r != 0)
        return r < 0 ? r : STAPLE_SIGNER_UNKNOWN;
    if (!is_responder(s, delegate))
        return STAPLE_SIGNER_UNKNOWN;
    if (cert_same_key(delegate, issuer))
        return signed_by(s, issuer);
    r = delegate_fault(s, delegate, issuer);
    if (r == 0)
        r = signed_by(s, delegate);
    if (r == 0)
        *end = delegate->not_after;
    return r;
}

static int signer_check(const struct staple *s, const struct cert *issuer, struct mw_wall *end)
{
    struct reader certs = { .rest = s->certs };
    int worst = STAPLE_SIGNER_UNKNOWN;

    if (sign_weak(s->algorithm))
        return STAPLE_WEAK_SIGNATURE;
    if (is_responder(s, issuer)) {
        worst = signed_by(s, issuer);
        if (worst <= 0)
            return worst;
    }
    for (int i = 0; i < MAX_DELEGATES && read_more(&certs); i++) {
        struct mw_span der = der_expect_whole(&certs, DER_SEQUENCE);
        int r = certs.failed ? STAPLE_MALFORMED : delegate_try(s, der, issuer, end);

        if (r <= 0)
            return r;
        if (r != STAPLE_SIGNER_UNKNOWN)
            worst = r;
    }
    return worst;
}

/* --------------------------------------------------------------- a certificate ---- */

static const EVP_MD *digest_of(struct mw_span algorithm)
{
    struct reader r = { .rest = algorithm };
    struct mw_span oid = der_expect(&r, DER_OID);

    if (span_eq(oid, OID(oid_sha1)))
        return EVP_sha1();
    if (span_eq(oid, OID(oid_sha256)))
        return EVP_sha256();
    if (span_eq(oid, OID(oid_sha384)))
        return EVP_sha384();
    if (span_eq(oid, OID(oid_sha512)))
        return EVP_sha512();
    return NULL;
}

static bool hash_is(const EVP_MD *md, struct mw_span bytes, struct mw_span expected)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return EVP_Digest(bytes.data, bytes.len, hash, &len, md, NULL) == 1 &&
           span_eq(span_of(hash, len), expected);
}

/* CertID: SHA-1 names a certificate well enough here, since the signature covers the serial
 * and the issuer is checked by its key. */
static bool cert_id_is(struct reader *single, const struct cert *cert, const struct cert *issuer)
{
    struct reader id = { .rest = der_expect(single, DER_SEQUENCE) };
    const EVP_MD *md = digest_of(der_expect(&id, DER_SEQUENCE));
    struct mw_span name_hash = der_expect(&id, DER_OCTET_STRING);
    struct mw_span key_hash = der_expect(&id, DER_OCTET_STRING);
    struct mw_span serial = der_expect(&id, DER_INTEGER);

    if (!read_done(&id)) {
        read_fail(single);
        return false;
    }
    return md != NULL && span_eq(serial, cert->serial) && hash_is(md, cert->issuer, name_hash) &&
           hash_is(md, key_bits(issuer), key_hash);
}

static void cert_status_read(struct reader *r, struct status_answer *a)
{
    struct der e = der_next(r);
    struct reader revoked = { .rest = e.content };

    a->reason = -1;
    switch (e.tag) {
    case DER_CONTEXT(0):
        a->status = STATUS_GOOD;
        break;
    case DER_CONTEXT_CONSTRUCTED(1):
        a->status = STATUS_REVOKED;
        a->revoked_at = der_time(&revoked);
        if (der_peek(&revoked, DER_CONTEXT_CONSTRUCTED(0))) {
            struct reader reason = { .rest = der_expect(&revoked, DER_CONTEXT_CONSTRUCTED(0)) };

            a->reason = enumerated(&reason);
        }
        if (!read_done(&revoked))
            read_fail(r);
        break;
    case DER_CONTEXT(2):
        a->status = STATUS_UNKNOWN;
        break;
    default:
        read_fail(r);
    }
}

/* The rest of a SingleResponse after its CertID. */
static int single_read(struct reader *r, struct status_answer *a, struct mw_span *scts)
{
    bool unknown_critical = false;

    cert_status_read(r, a);
    a->this_update = der_time(r);
    a->until.s = a->this_update.s + UNDATED_LIFE_S;
    if (der_peek(r, DER_CONTEXT_CONSTRUCTED(0))) {
        struct reader next = { .rest = der_expect(r, DER_CONTEXT_CONSTRUCTED(0)) };

        a->until = der_time(&next);
        if (!read_done(&next))
            read_fail(r);
    }
    if (der_peek(r, DER_CONTEXT_CONSTRUCTED(1)))
        unknown_critical = extensions_read(r, DER_CONTEXT_CONSTRUCTED(1), scts);
    if (!read_done(r))
        return STAPLE_MALFORMED;
    return unknown_critical ? STAPLE_UNKNOWN_CRITICAL : 0;
}

int staple_find(const struct staple *s, const struct cert *cert, const struct cert *issuer,
                struct status_answer *out, struct mw_span *scts)
{
    struct reader list = { .rest = s->responses };
    bool found = false;

    while (read_more(&list)) {
        struct reader r = { .rest = der_expect(&list, DER_SEQUENCE) };
        struct status_answer a = { .reason = -1 };
        struct mw_span inside = { 0 };
        int fault;

        if (!cert_id_is(&r, cert, issuer)) {
            if (r.failed)
                return STAPLE_MALFORMED;
            continue;
        }
        fault = single_read(&r, &a, &inside);
        if (fault != 0)
            return fault;
        if (found && out->status == STATUS_REVOKED)
            continue;
        if (!found || a.status == STATUS_REVOKED || a.this_update.s > out->this_update.s) {
            *out = a;
            *scts = inside;
        }
        found = true;
    }
    if (list.failed)
        return STAPLE_MALFORMED;
    return found ? 0 : STAPLE_OTHER_CERT;
}

int staple_check(const struct staple *s, const struct cert *cert, const struct cert *issuer,
                 struct status_answer *out, struct mw_span *scts)
{
    struct status_answer a;
    struct mw_span list = { 0 }, inside = { 0 };
    struct mw_wall end = { INT64_MAX };
    bool ok;
    int r;

    if (s->response_status != 0)
        return STAPLE_UNSUCCESSFUL;
    r = staple_find(s, cert, issuer, &a, &list);
    if (r == 0 && s->has_unknown_critical)
        r = STAPLE_UNKNOWN_CRITICAL;
    if (r == 0)
        r = signer_check(s, issuer, &end);
    if (r != 0)
        return r;
    if (a.until.s > end.s)
        a.until = end;
    *out = a;
    if (scts != NULL) {
        inside = der_unwrap(list, DER_OCTET_STRING, &ok); /* RFC 6962 3.3: wrapped once more */
        *scts = inside;
    }
    return 0;
}

const char *staple_fault_text(enum staple_fault fault)
{
    switch (fault) {
    case STAPLE_MALFORMED:
        return "it is not a well-formed OCSP response";
    case STAPLE_UNSUCCESSFUL:
        return "the responder answered with an error";
    case STAPLE_OTHER_CERT:
        return "it is about another certificate";
    case STAPLE_UNKNOWN_CRITICAL:
        return "it has a critical extension that nobody here understands";
    case STAPLE_SIGNER_UNKNOWN:
        return "it is signed by somebody the authority did not name";
    case STAPLE_WEAK_SIGNATURE:
        return "its signature uses an algorithm that proves nothing";
    case STAPLE_BAD_SIGNATURE:
        return "its signature is wrong";
    case STAPLE_BAD_DELEGATE:
        return "the authority did not allow its signer to answer";
    case STAPLE_DELEGATE_EXPIRED:
        return "its signer's certificate was not valid when it was signed";
    }
    return "it cannot be used";
}

/* ------------------------------------------------- what the certificate demands ---- */

bool staple_responder_named(const struct cert *c)
{
    const struct cert_extension *e = cert_extension(c, OID(oid_access));
    bool ok;
    struct reader r;

    if (e == NULL)
        return false;
    r = (struct reader){ .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };
    while (read_more(&r)) {
        struct reader access = { .rest = der_expect(&r, DER_SEQUENCE) };

        if (span_eq(der_expect(&access, DER_OID), OID(oid_responder)))
            return true;
    }
    return false;
}

bool staple_required(const struct cert *c)
{
    const struct cert_extension *e = cert_extension(c, OID(oid_features));
    bool ok;
    struct reader r;

    if (e == NULL)
        return false;
    r = (struct reader){ .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };
    while (read_more(&r))
        if (der_small(&r, UINT16_MAX) == STATUS_REQUEST && !r.failed)
            return true;
    return false;
}
