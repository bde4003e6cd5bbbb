#include "trust/cert.h"

#include <errno.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "trust/der.h"
#include "trust/key.h"
#include "trust/memory.h"
#include "trust/x509_memo.h"

static const uint8_t oid_ski[] = { 0x55, 0x1d, 0x0e };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };

#define OID(bytes) span_of(bytes, sizeof(bytes))

const struct cert_extension *cert_extension(const struct cert *c, struct mw_span oid)
{
    for (size_t i = 0; i < c->n_extensions; i++)
        if (span_eq(c->extensions[i].oid, oid))
            return &c->extensions[i];
    return NULL;
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } (RFC 5280 4.1) */
void cert_extension_read(struct reader *list, struct cert_extension *e)
{
    struct reader r = { .rest = der_expect(list, DER_SEQUENCE) };

    *e = (struct cert_extension){ .oid = der_expect(&r, DER_OID) };
    if (der_peek(&r, DER_BOOLEAN)) {
        e->critical = der_bool(&r);
        e->critical_odd = !e->critical;
    }
    e->value = der_expect(&r, DER_OCTET_STRING);
    if (!read_done(&r) || e->oid.len == 0)
        read_fail(list);
}

static int extensions_read(struct cert *c, struct mw_span sequence)
{
    struct reader r = { .rest = sequence };
    struct cert_extension e;
    size_t n = 0;

    while (read_more(&r)) {
        cert_extension_read(&r, &e);
        n++;
    }
    if (r.failed)
        return MW_E_DER;
    if (n > CERT_MAX_EXTENSIONS)
        return MW_E_TOO_MANY;
    c->extensions = calloc(n > 0 ? n : 1, sizeof *c->extensions);
    if (c->extensions == NULL)
        return -ENOMEM;
    r = (struct reader){ .rest = sequence };
    while (c->n_extensions < n)
        cert_extension_read(&r, &c->extensions[c->n_extensions++]);
    return 0;
}

/* TBSCertificate's fields in wire order (RFC 5280 4.1). */
static int tbs_read(struct cert *c, struct mw_span content)
{
    struct reader r = { .rest = content };
    struct mw_span validity, extensions = { 0 };

    c->version = 1;
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0))) {
        struct reader v = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(0)) };

        c->version = der_small(&v, 2) + 1;
        if (!read_done(&v))
            return MW_E_DER;
    }
    c->serial = der_expect(&r, DER_INTEGER);
    c->algorithm = der_expect_whole(&r, DER_SEQUENCE);
    c->issuer = der_expect_whole(&r, DER_SEQUENCE);
    validity = der_expect(&r, DER_SEQUENCE);
    c->subject = der_expect_whole(&r, DER_SEQUENCE);
    c->spki = der_expect_whole(&r, DER_SEQUENCE);
    if (der_peek(&r, DER_CONTEXT(1)))
        der_expect(&r, DER_CONTEXT(1));         /* issuerUniqueID, obsolete */
    if (der_peek(&r, DER_CONTEXT(2)))
        der_expect(&r, DER_CONTEXT(2));         /* subjectUniqueID, obsolete */
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(3))) {
        struct reader e = { .rest = der_expect(&r, DER_CONTEXT_CONSTRUCTED(3)) };

        extensions = der_expect(&e, DER_SEQUENCE);
        if (!read_done(&e))
            return MW_E_DER;
    }
    if (!read_done(&r) || c->serial.len == 0)
        return MW_E_DER;

    r = (struct reader){ .rest = validity };
    c->not_before = der_time(&r);
    c->not_after = der_time(&r);
    if (!read_done(&r))
        return MW_E_DER;
    return extensions_read(c, extensions);
}

/* Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature } */
static int fields_read(struct cert *c)
{
    struct reader outer = { .rest = c->der };
    struct reader r = { .rest = der_expect(&outer, DER_SEQUENCE) };
    struct der tbs;

    if (!read_done(&outer))
        return MW_E_DER;
    tbs = der_next(&r);
    c->tbs = tbs.whole;
    c->algorithm_outer = der_expect_whole(&r, DER_SEQUENCE);
    der_expect(&r, DER_BIT_STRING);
    if (!read_done(&r) || tbs.tag != DER_SEQUENCE)
        return MW_E_DER;
    return tbs_read(c, tbs.content);
}

bool general_name_read(struct reader *r, struct san *out)
{
    struct der e = der_next(r);

    switch (e.tag) {
    case DER_CONTEXT(1):
        *out = (struct san){ SAN_EMAIL, e.content };
        return true;
    case DER_CONTEXT(2):
        *out = (struct san){ SAN_DNS, e.content };
        return true;
    case DER_CONTEXT_CONSTRUCTED(4):
        *out = (struct san){ SAN_DIRECTORY, e.content };
        return true;
    case DER_CONTEXT(6):
        *out = (struct san){ SAN_URI, e.content };
        return true;
    case DER_CONTEXT(7):
        *out = (struct san){ SAN_IP, e.content };
        return true;
    case DER_CONTEXT_CONSTRUCTED(0):
    case DER_CONTEXT_CONSTRUCTED(3):
    case DER_CONTEXT_CONSTRUCTED(5):
    case DER_CONTEXT(8):
        *out = (struct san){ SAN_OTHER, e.whole };
        return true;
    default:
        return false;
    }
}

/* As general_name_read(), with the lengths of addresses in a SAN (RFC 5280 4.2.1.6). */
static bool san_read(struct reader *r, struct san *out)
{
    return general_name_read(r, out) &&
           (out->kind != SAN_IP || out->value.len == 4 || out->value.len == 16);
}

/* The names that could be read stay, even if a later one is broken: reports show them. */
static int sans_read(struct cert *c)
{
    const struct cert_extension *e = cert_extension(c, OID(oid_san));
    struct reader list;
    struct san san;
    size_t n = 0;
    bool ok;

    if (e == NULL)
        return 0;
    c->san_present = true;
    c->san_critical = e->critical;
    list.rest = der_unwrap(e->value, DER_SEQUENCE, &ok);
    list.failed = false;
    c->san_malformed = !ok || list.rest.len == 0;
    for (struct reader r = list; read_more(&r); n++)
        if (!san_read(&r, &san)) {
            c->san_malformed = true;
            break;
        }
    if (n > MW_MAX_NAMES)
        return MW_E_TOO_MANY;
    if (n == 0)
        return 0;
    c->sans = calloc(n, sizeof *c->sans);
    if (c->sans == NULL)
        return -ENOMEM;
    while (c->n_sans < n)
        san_read(&list, &c->sans[c->n_sans++]);
    return 0;
}

/* What path building needs of the extensions.  Whether they are well formed is lint's job. */
static void hints_read(struct cert *c)
{
    const struct cert_extension *e;
    bool ok;

    c->path_len = -1;
    e = cert_extension(c, OID(oid_basic_constraints));
    if (e != NULL) {
        struct reader r = { .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };

        c->is_ca = ok && der_peek(&r, DER_BOOLEAN) && der_bool(&r);
        if (ok && der_peek(&r, DER_INTEGER)) {
            int len = der_small(&r, INT32_MAX - 1);

            c->path_len = r.failed ? -1 : len;
        }
    }
    e = cert_extension(c, OID(oid_ski));
    if (e != NULL)
        c->ski = der_unwrap(e->value, DER_OCTET_STRING, &ok);
    e = cert_extension(c, OID(oid_aki));
    if (e != NULL) {
        struct reader r = { .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };

        if (der_peek(&r, DER_CONTEXT(0)))
            c->aki = der_expect(&r, DER_CONTEXT(0));
    }
}

/* OpenSSL's own view of the same bytes.  The caller's error queue stays as it was if they are
 * good. */
static int x509_read(struct cert *c, OSSL_LIB_CTX *context)
{
    const unsigned char *at = c->der.data;

    ERR_set_mark();
    c->x509 = X509_new_ex(context, NULL);
    if (c->x509 == NULL) {
        ERR_pop_to_mark();
        return -ENOMEM;
    }
    if (d2i_X509(&c->x509, &at, (long)c->der.len) != NULL)
        X509_check_purpose(c->x509, -1, 0);     /* its lazy part now: later only reads */
    if (c->x509 == NULL)
        return memory_or(MW_E_DER);
    ERR_pop_to_mark();
    return at == c->der.data + c->der.len ? 0 : MW_E_DER;
}

static void cert_freep(struct cert **c)
{
    cert_free(*c);
}

static int x509_recall(struct cert *c, struct x509_memo *memo)
{
    int error;

    c->x509 = x509_memo_find(memo, c->sha256);
    if (c->x509 != NULL)
        return 0;
    error = x509_read(c, NULL);
    if (error == 0)
        x509_memo_keep(memo, c->sha256, c->der.len, c->x509);
    return error;
}

/* Whose view of the bytes is wanted besides ours. */
struct reading {
    OSSL_LIB_CTX *bare;
    struct x509_memo *memo;
    bool fields;                /* nobody's */
};

static int parse(struct cert **out, struct mw_span der, const struct reading *how);

int cert_parse(struct cert **out, struct mw_span der)
{
    return parse(out, der, &(struct reading){ .fields = false });
}

int cert_parse_memo(struct cert **out, struct mw_span der, struct x509_memo *memo)
{
    return parse(out, der, &(struct reading){ .memo = memo });
}

int cert_parse_bare(struct cert **out, struct mw_span der, OSSL_LIB_CTX *bare)
{
    return parse(out, der, &(struct reading){ .bare = bare });
}

int cert_parse_fields(struct cert **out, struct mw_span der)
{
    return parse(out, der, &(struct reading){ .fields = true });
}

static int parse(struct cert **out, struct mw_span der, const struct reading *how)
{
    CLEANUP(cert_freep) struct cert *c = NULL;
    char *copy;
    int error;

    if (der.len > MW_MAX_CERT_BYTES)
        return MW_E_TOO_MANY;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->bare = how->bare != NULL || how->fields;
    c->lazy = calloc(1, sizeof *c->lazy);
    copy = span_dup(der);
    if (copy == NULL || c->lazy == NULL) {
        free(copy);
        return -ENOMEM;
    }
    c->der = span_of(copy, der.len);
    SHA256(c->der.data, c->der.len, c->sha256);
    error = fields_read(c);
    if (error == 0)
        error = sans_read(c);
    if (error == 0 && !how->fields)
        error = how->memo != NULL ? x509_recall(c, how->memo) : x509_read(c, how->bare);
    if (error != 0)
        return error;
    hints_read(c);
    c->self_issued = span_eq(c->subject, c->issuer);
    SHA1(c->der.data, c->der.len, c->sha1);
    SHA256(c->spki.data, c->spki.len, c->spki_sha256);
    *out = own_steal(&c);
    return 0;
}

void cert_drop_x509(struct cert *c)
{
    X509_free(c->x509);
    c->x509 = NULL;
}

void cert_free(struct cert *c)
{
    if (c == NULL)
        return;
    cert_drop_x509(c);
    if (c->lazy != NULL) {
        X509_free(atomic_load(&c->lazy->whole));
        EVP_PKEY_free(atomic_load(&c->lazy->key));
    }
    free(c->lazy);
    free((void *)(uintptr_t)c->der.data);
    free(c->extensions);
    free(c->sans);
    free(c);
}

bool cert_same(const struct cert *a, const struct cert *b)
{
    return a == b || memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

bool cert_same_key(const struct cert *a, const struct cert *b)
{
    return span_eq(a->spki, b->spki);
}

EVP_PKEY *cert_key(const struct cert *c)
{
    EVP_PKEY *key = atomic_load(&c->lazy->key), *first = NULL;

    if (key != NULL)
        return key;
    key = key_open(c->spki);
    if (key == NULL || atomic_compare_exchange_strong(&c->lazy->key, &first, key))
        return key;
    EVP_PKEY_free(key);         /* another thread was first */
    return first;
}

X509 *cert_whole(const struct cert *c)
{
    X509 *x509 = c->bare ? atomic_load(&c->lazy->whole) : c->x509, *first = NULL;
    const unsigned char *at = c->der.data;

    if (x509 != NULL)
        return x509;
    ERR_set_mark();
    x509 = d2i_X509(NULL, &at, (long)c->der.len);
    if (x509 != NULL)
        X509_check_purpose(x509, -1, 0);
    ERR_pop_to_mark();
    if (x509 == NULL || atomic_compare_exchange_strong(&c->lazy->whole, &first, x509))
        return x509;
    X509_free(x509);
    return first;
}

/* RFC 5280 4.1.1.2: both names of the algorithm must be the same, or one of them is a lie. */
int cert_signed_by(const struct cert *c, const struct cert *issuer)
{
    EVP_PKEY *key = cert_key(issuer);
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    ASN1_STRING *tbs;
    int good = 0;

    if (key == NULL || c->x509 == NULL || !span_eq(c->algorithm, c->algorithm_outer))
        return 0;
    ERR_set_mark();
    tbs = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    if (tbs != NULL && ASN1_STRING_set(tbs, c->tbs.data, (int)c->tbs.len) == 1) {
        X509_get0_signature(&signature, &algorithm, c->x509);
        good = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), algorithm, signature, tbs, key);
    }
    ASN1_STRING_free(tbs);
    if (good != 1)
        return memory_or(0);
    ERR_pop_to_mark();
    return 1;
}

void cert_spki_pin(const struct cert *c, struct buf *out)
{
    buf_str(out, "sha256/");
    text_base64(out, span_of(c->spki_sha256, sizeof c->spki_sha256));
}
