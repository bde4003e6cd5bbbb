#include "probe/unwrap.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <time.h>

#include "base/clock.h"

static void pkcs7_free(PKCS7 **at)
{
    PKCS7_free(*at);
}

static void crl_free(X509_CRL **at)
{
    X509_CRL_free(*at);
}

static void bio_free(BIO **at)
{
    BIO_free(*at);
}

static int cert_copy(const X509 *cert, struct arena *arena, struct mw_span *out)
{
    int len = i2d_X509(cert, NULL);
    unsigned char *at;

    if (len <= 0)
        return -ENOMEM;
    at = arena_alloc(arena, (size_t)len);
    if (at == NULL)
        return -ENOMEM;
    *out = span_of(at, (size_t)len);
    return i2d_X509(cert, &at) == len ? 0 : -ENOMEM;
}

static int pkcs7_certs(const PKCS7 *p7, struct arena *arena, struct mw_span *certs, size_t *n)
{
    const STACK_OF(X509) *stack = NULL;

    if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL)
        return 0;
    stack = p7->d.sign->cert;
    for (int i = 0; i < sk_X509_num(stack) && *n < UNWRAP_MAX_CERTS; i++) {
        int rc = cert_copy(sk_X509_value(stack, i), arena, &certs[*n]);

        if (rc != 0)
            return rc;
        (*n)++;
    }
    return 0;
}

static int der_certs(const unsigned char *der, long len, struct arena *arena, struct mw_span *certs,
                     size_t *n)
{
    CLEANUP(pkcs7_free) PKCS7 *p7 = NULL;
    const unsigned char *at = der;
    X509 *cert = d2i_X509(NULL, &at, len);

    if (cert != NULL) {
        int rc = arena_copy(arena, span_of(der, (size_t)(at - der)), &certs[*n]);

        X509_free(cert);
        *n += rc == 0;
        return rc;
    }
    at = der;
    p7 = d2i_PKCS7(NULL, &at, len);
    return p7 != NULL ? pkcs7_certs(p7, arena, certs, n) : 0;
}

static int pem_block(const char *name, const unsigned char *der, long len, struct arena *arena,
                     struct mw_span *certs, size_t *n)
{
    if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0 ||
        strcmp(name, PEM_STRING_PKCS7) == 0 || strcmp(name, PEM_STRING_CMS) == 0)
        return der_certs(der, len, arena, certs, n);
    return 0;
}

static int pem_certs(struct mw_span body, struct arena *arena, struct mw_span *certs, size_t *n)
{
    CLEANUP(bio_free) BIO *bio = BIO_new_mem_buf(body.data, (int)body.len);
    int rc = 0;

    if (bio == NULL)
        return -ENOMEM;
    while (rc == 0 && *n < UNWRAP_MAX_CERTS) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;

        if (PEM_read_bio(bio, &name, &header, &der, &len) != 1)
            break;
        rc = pem_block(name, der, len, arena, certs, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    return rc;
}

int unwrap_certs(struct mw_span body, struct arena *arena, struct mw_span certs[UNWRAP_MAX_CERTS],
                 size_t *n)
{
    int rc;

    *n = 0;
    if (body.len == 0 || body.len > INT_MAX)
        return 0;
    rc = der_certs(body.data, (long)body.len, arena, certs, n);
    if (rc == 0 && *n == 0)
        rc = pem_certs(body, arena, certs, n);
    ERR_clear_error();
    return rc;
}

static struct mw_wall asn1_wall(const ASN1_TIME *t)
{
    struct tm tm;

    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
        return (struct mw_wall){ 0 };
    return wall_from_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                         tm.tm_sec);
}

static int crl_take(struct mw_span body, struct arena *arena, struct mw_span *der,
                    struct mw_wall *next_update)
{
    CLEANUP(crl_free) X509_CRL *crl = NULL;
    const unsigned char *at = body.data;

    crl = d2i_X509_CRL(NULL, &at, (long)body.len);
    if (crl == NULL)
        return 1;
    *next_update = asn1_wall(X509_CRL_get0_nextUpdate(crl));
    return arena_copy(arena, span_of(body.data, (size_t)(at - body.data)), der);
}

static int crl_take_pem(struct mw_span body, struct arena *arena, struct mw_span *der,
                        struct mw_wall *next_update)
{
    CLEANUP(bio_free) BIO *bio = BIO_new_mem_buf(body.data, (int)body.len);
    char *name = NULL, *header = NULL;
    unsigned char *block = NULL;
    long len = 0;
    int rc = 1;

    if (bio == NULL)
        return -ENOMEM;
    if (PEM_read_bio(bio, &name, &header, &block, &len) == 1 &&
        strcmp(name, PEM_STRING_X509_CRL) == 0)
        rc = crl_take(span_of(block, (size_t)len), arena, der, next_update);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(block);
    return rc;
}

int unwrap_crl(struct mw_span body, struct arena *arena, struct mw_span *der,
               struct mw_wall *next_update)
{
    int rc;

    if (body.len == 0 || body.len > INT_MAX)
        return 1;
    rc = crl_take(body, arena, der, next_update);
    if (rc > 0)
        rc = crl_take_pem(body, arena, der, next_update);
    ERR_clear_error();
    return rc;
}
