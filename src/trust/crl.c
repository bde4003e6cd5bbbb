#include "trust/crl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "trust/der.h"
#include "trust/sign.h"

static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };
static const uint8_t oid_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t oid_delta[] = { 0x55, 0x1d, 0x1b };
static const uint8_t oid_scope[] = { 0x55, 0x1d, 0x1c };
static const uint8_t oid_points[] = { 0x55, 0x1d, 0x1f };
static const uint8_t oid_reason[] = { 0x55, 0x1d, 0x15 };
static const uint8_t oid_invalidity[] = { 0x55, 0x1d, 0x18 };

#define OID(bytes) span_of(bytes, sizeof(bytes))

enum { DER_ENUMERATED = 0x0a, REASON_REMOVED = 8, TAG_URI = 6 };

/* DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] } */
static void point_name_read(struct mw_span der, struct mw_span *full_name, bool *relative)
{
    struct reader r = { .rest = der };
    struct der name = der_next(&r);

    if (name.tag == DER_CONTEXT_CONSTRUCTED(0))
        *full_name = name.content;
    else
        *relative = true;
}

/* IssuingDistributionPoint: everything optional, the flags [1] to [5] DEFAULT FALSE. */
static bool scope_read(struct crl_scope *s, struct mw_span der)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(der, DER_SEQUENCE, &ok) };

    s->present = true;
    while (ok && read_more(&r)) {
        struct der e = der_next(&r);
        bool set = e.content.len == 1 && e.content.data[0] != 0;

        switch (e.tag) {
        case DER_CONTEXT_CONSTRUCTED(0):
            point_name_read(e.content, &s->full_name, &s->named_relative);
            break;
        case DER_CONTEXT(1):
            s->user_certs = set;
            break;
        case DER_CONTEXT(2):
            s->ca_certs = set;
            break;
        case DER_CONTEXT(3):
            s->some_reasons = true;
            break;
        case DER_CONTEXT(4):
            s->indirect = set;
            break;
        case DER_CONTEXT(5):
            s->attribute_certs = set;
            break;
        default:
            read_fail(&r);
        }
    }
    return ok && read_done(&r);
}

/* AuthorityKeyIdentifier's keyIdentifier [0]; the other forms are not compared. */
static struct mw_span key_identifier(struct mw_span der)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(der, DER_SEQUENCE, &ok) };

    return ok && der_peek(&r, DER_CONTEXT(0)) ? der_expect(&r, DER_CONTEXT(0))
                                              : (struct mw_span){ 0 };
}

static void extensions_read(struct crl *l, struct reader *outer)
{
    struct reader wrapped = { .rest = der_expect(outer, DER_CONTEXT_CONSTRUCTED(0)) };
    struct reader r = { .rest = der_expect(&wrapped, DER_SEQUENCE) };
    struct cert_extension e;

    if (!read_done(&wrapped))
        read_fail(outer);
    while (read_more(&r)) {
        cert_extension_read(&r, &e);
        if (span_eq(e.oid, OID(oid_number))) {
            l->has_number = true;
            l->number_critical = e.critical;
        } else if (span_eq(e.oid, OID(oid_aki))) {
            l->aki = key_identifier(e.value);
        } else if (span_eq(e.oid, OID(oid_delta))) {
            l->is_delta = true;
        } else if (span_eq(e.oid, OID(oid_scope))) {
            if (!scope_read(&l->scope, e.value))
                read_fail(&r);
        } else if (e.critical) {
            l->has_unknown_critical = true;
        }
    }
    if (!read_done(&r))
        read_fail(outer);
}

static bool at_time(const struct reader *r)
{
    return der_peek(r, DER_UTC_TIME) || der_peek(r, DER_GENERALIZED_TIME);
}

/* TBSCertList (RFC 5280 5.1), in wire order. */
static bool tbs_read(struct crl *l, struct mw_span *algorithm)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(l->tbs, DER_SEQUENCE, &ok) };
    int version = 0;

    if (der_peek(&r, DER_INTEGER))
        version = der_small(&r, 1);
    *algorithm = der_expect_whole(&r, DER_SEQUENCE);
    l->issuer = der_expect_whole(&r, DER_SEQUENCE);
    l->this_update = der_time(&r);
    l->has_next = at_time(&r);
    if (l->has_next)
        l->next_update = der_time(&r);
    if (der_peek(&r, DER_SEQUENCE))
        l->entries = der_expect(&r, DER_SEQUENCE);
    if (version == 1 && der_peek(&r, DER_CONTEXT_CONSTRUCTED(0)))
        extensions_read(l, &r);
    return ok && read_done(&r);
}

int crl_parse(struct crl *out, struct mw_span der)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(der, DER_SEQUENCE, &ok) };
    struct crl l = { 0 };
    struct mw_span bits, inner;

    l.tbs = der_expect_whole(&r, DER_SEQUENCE);
    l.algorithm = der_expect_whole(&r, DER_SEQUENCE);
    bits = der_expect(&r, DER_BIT_STRING);
    if (!ok || !read_done(&r) || bits.len < 1 || bits.data[0] != 0)
        return CRL_MALFORMED;
    l.signature = span_cut(bits, 1, bits.len - 1);
    /* RFC 5280 5.1.1.2: the algorithm outside MUST be the one that was signed. */
    if (!tbs_read(&l, &inner) || !span_eq(inner, l.algorithm))
        return CRL_MALFORMED;
    *out = l;
    return 0;
}

/* --------------------------------------------------------------- a certificate ---- */

/* Names compare by their bytes; those of a CA that writes its name in two encodings by
 * RFC 5280 7.1, as OpenSSL does it. */
static bool name_is(struct mw_span a, const struct cert *cert)
{
    const unsigned char *at = a.data;
    X509_NAME *name;
    bool same;

    if (span_eq(a, cert->issuer))
        return true;
    name = d2i_X509_NAME(NULL, &at, (long)a.len);
    same = name != NULL && X509_NAME_cmp(name, X509_get_issuer_name(cert->x509)) == 0;
    X509_NAME_free(name);
    ERR_clear_error();
    return same;
}

/* Walks the certificate's DistributionPoints; false when there are no more. */
static bool point_next(struct reader *points, struct mw_span *full_name)
{
    struct reader r;
    bool relative = false;

    *full_name = (struct mw_span){ 0 };
    if (!read_more(points))
        return false;
    r = (struct reader){ .rest = der_expect(points, DER_SEQUENCE) };
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0)))
        point_name_read(der_expect(&r, DER_CONTEXT_CONSTRUCTED(0)), full_name, &relative);
    return !points->failed;
}

static struct reader points_open(const struct cert *c)
{
    const struct cert_extension *e = cert_extension(c, OID(oid_points));
    bool ok = false;
    struct mw_span content = { 0 };

    if (e != NULL)
        content = der_unwrap(e->value, DER_SEQUENCE, &ok);
    return (struct reader){ .rest = content, .failed = !ok };
}

static bool names_meet(struct mw_span a, struct mw_span b)
{
    struct reader ra = { .rest = a };

    while (read_more(&ra)) {
        struct mw_span one = der_next(&ra).whole;
        struct reader rb = { .rest = b };

        while (one.len > 0 && read_more(&rb))
            if (span_eq(one, der_next(&rb).whole))
                return true;
    }
    return false;
}

/* RFC 5280 6.3.3 (b)(2): the list must be for one of the certificate's own points.  An
 * authority that splits its list signs every part, so a part that belongs to others proves
 * nothing, and anybody on the way could hand it to us. */
static bool point_covers(const struct crl *l, const struct cert *cert)
{
    struct reader points = points_open(cert);
    struct mw_span full_name;

    if (l->scope.full_name.len == 0)
        return true;
    while (point_next(&points, &full_name))
        if (names_meet(full_name, l->scope.full_name))
            return true;
    return false;
}

static bool in_scope(const struct crl *l, const struct cert *cert)
{
    const struct crl_scope *s = &l->scope;

    return !s->attribute_certs && !(s->user_certs && cert->is_ca) &&
           !(s->ca_certs && !cert->is_ca) && point_covers(l, cert);
}

static bool may_sign(const struct cert *issuer)
{
    uint32_t usage = X509_get_key_usage(issuer->x509); /* all ones: no such extension */

    return (usage & X509v3_KU_CRL_SIGN) != 0;
}

static enum crl_fault form_fault(const struct crl *l, const struct cert *issuer)
{
    if (!may_sign(issuer))
        return CRL_ISSUER_MAY_NOT_SIGN;
    if (l->is_delta)
        return CRL_DELTA;
    if (l->scope.indirect)
        return CRL_INDIRECT;
    if (l->has_unknown_critical || l->scope.named_relative)
        return CRL_UNKNOWN_CRITICAL;
    if (!l->has_number)
        return CRL_NO_NUMBER;
    if (l->number_critical)
        return CRL_NUMBER_CRITICAL;
    if (!l->has_next)
        return CRL_NO_NEXT_UPDATE;
    return 0;
}

/* Entry extensions: the reason; a critical one we do not know spoils the whole list
 * (RFC 5280 5.3). */
static void entry_extensions_read(struct reader *entry, int *reason)
{
    struct reader r = { .rest = der_expect(entry, DER_SEQUENCE) };
    struct cert_extension e;

    while (read_more(&r)) {
        cert_extension_read(&r, &e);
        if (span_eq(e.oid, OID(oid_reason))) {
            struct reader code = { .rest = e.value };
            struct mw_span value = der_expect(&code, DER_ENUMERATED);

            if (!read_done(&code) || value.len != 1)
                read_fail(entry);
            else
                *reason = value.data[0];
        } else if (e.critical && !span_eq(e.oid, OID(oid_invalidity))) {
            read_fail(entry);
        }
    }
    if (!read_done(&r))
        read_fail(entry);
}

int crl_find(const struct crl *l, const struct cert *cert, struct status_answer *out)
{
    struct status_answer a = {
        .status = STATUS_GOOD, .reason = -1, .this_update = l->this_update, .until = l->next_update
    };
    struct reader list = { .rest = l->entries };

    while (read_more(&list)) {
        struct reader r = { .rest = der_expect(&list, DER_SEQUENCE) };
        struct mw_span serial = der_expect(&r, DER_INTEGER);
        struct mw_wall at = der_time(&r);
        int reason = -1;

        if (read_more(&r))
            entry_extensions_read(&r, &reason);
        if (!read_done(&r) || reason == REASON_REMOVED)
            return CRL_BAD_ENTRY;
        if (!span_eq(serial, cert->serial))
            continue;
        a.status = STATUS_REVOKED;
        a.revoked_at = at;
        a.reason = reason;
    }
    if (!read_done(&list))
        return CRL_BAD_ENTRY;
    if (a.status == STATUS_GOOD && l->scope.some_reasons)
        return CRL_SOME_REASONS;
    *out = a;
    return 0;
}

int crl_check(const struct crl *l, const struct cert *cert, const struct cert *issuer,
              struct status_answer *out)
{
    int r;

    if (!name_is(l->issuer, cert))
        return CRL_OTHER_ISSUER;
    if (l->aki.len > 0 && issuer->ski.len > 0 && !span_eq(l->aki, issuer->ski))
        return CRL_OTHER_KEY;
    if (sign_weak(l->algorithm))
        return CRL_WEAK_SIGNATURE;
    r = sign_check(issuer->spki, l->algorithm, l->tbs, l->signature);
    if (r <= 0)
        return r < 0 ? r : CRL_BAD_SIGNATURE;
    r = form_fault(l, issuer);
    if (r != 0)
        return r;
    if (!in_scope(l, cert))
        return CRL_OUT_OF_SCOPE;
    return crl_find(l, cert, out);
}

const char *crl_fault_text(enum crl_fault fault)
{
    switch (fault) {
    case CRL_MALFORMED:
        return "it is not a well-formed list";
    case CRL_OTHER_ISSUER:
        return "it is another authority's";
    case CRL_OTHER_KEY:
        return "it is for another key of that authority";
    case CRL_OUT_OF_SCOPE:
        return "it covers other certificates of that authority";
    case CRL_BAD_SIGNATURE:
        return "its signature is not the authority's";
    case CRL_WEAK_SIGNATURE:
        return "its signature uses an algorithm that proves nothing";
    case CRL_ISSUER_MAY_NOT_SIGN:
        return "the authority's certificate does not let it sign lists (no cRLSign)";
    case CRL_NO_NUMBER:
        return "it has no CRLNumber";
    case CRL_NUMBER_CRITICAL:
        return "its CRLNumber is marked critical";
    case CRL_NO_NEXT_UPDATE:
        return "it does not say until when it holds";
    case CRL_DELTA:
        return "it is only a delta to another list";
    case CRL_INDIRECT:
        return "it is an indirect list";
    case CRL_SOME_REASONS:
        return "it covers only some reasons for revocation";
    case CRL_UNKNOWN_CRITICAL:
        return "it has a critical extension that nobody here understands";
    case CRL_BAD_ENTRY:
        return "it has an entry that cannot be read";
    }
    return "it cannot be used";
}

bool crl_points_named(const struct cert *c)
{
    return cert_extension(c, OID(oid_points)) != NULL;
}

size_t crl_urls(const struct cert *c, struct mw_span *urls, size_t room)
{
    struct reader points = points_open(c);
    struct mw_span full_name;
    size_t n = 0;

    while (point_next(&points, &full_name)) {
        struct reader names = { .rest = full_name };

        while (read_more(&names) && n < room) {
            struct der name = der_next(&names);

            if (name.tag == DER_CONTEXT(TAG_URI) && name.content.len > 7 &&
                span_eq_nocase(span_cut(name.content, 0, 7), SPAN_LIT("http://")))
                urls[n++] = name.content;
        }
    }
    return n;
}
