/*
 * P-256, P-384 and P-521 by OpenSSL's points: what EVP does for the same keys sets the curve up
 * anew for each and checks the peer's order, which a curve of prime order does not need
 * (SP 800-56A 5.6.2.3.4).  The multiplications are the same ones, in constant time.
 */
#include <errno.h>
#include <openssl/err.h>

#include "meet/crypt/library.h"

/* A private key as a number that OpenSSL takes care with.  NULL: out of memory. */
static BIGNUM *scalar_read(enum crypt_group g, const uint8_t *scalar)
{
    BIGNUM *n = BN_bin2bn(scalar, (int)crypt_scalar_size(g), NULL);

    if (n != NULL)
        BN_set_flags(n, BN_FLG_CONSTTIME);
    return n;
}

/* Why OpenSSL did not read a point: its errors do not tell a point off the curve from memory that
 * ran out while it looked. */
static int point_blame(const EC_GROUP *curve, const EC_POINT *p, BN_CTX *work)
{
    if (ERR_GET_REASON(ERR_peek_last_error()) == EC_R_INVALID_ENCODING)
        return CRYPT_E_KEY;     /* a coordinate out of range */
    return EC_POINT_is_on_curve(curve, p, work) == 0 ? CRYPT_E_KEY : library_failed(-ENOMEM);
}

/* A point from its uncompressed form: the only one that RFC 9180 7.1.1 writes.  OpenSSL checks
 * the range of both coordinates and the curve's equation; the point at infinity has no such
 * form.  (RFC 9180 7.1.4 MUST) */
static int point_read(const EC_GROUP *curve, enum crypt_group g, const uint8_t *point,
                      BN_CTX *work, EC_POINT **out)
{
    CLEANUP(library_point_wipe) EC_POINT *p = EC_POINT_new(curve);

    if (p == NULL)
        return -ENOMEM;
    if (point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return CRYPT_E_KEY;
    if (EC_POINT_oct2point(curve, p, point, crypt_point_size(g), work) != 1)
        return point_blame(curve, p, work);
    *out = p;
    p = NULL;
    return 0;
}

int weierstrass_public(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                       uint8_t *point)
{
    const EC_GROUP *curve = c->curve[g];
    CLEANUP(library_bn_ctx_free) BN_CTX *work = BN_CTX_new();
    CLEANUP(library_bn_wipe) BIGNUM *n = scalar_read(g, scalar);
    CLEANUP(library_point_wipe) EC_POINT *p = EC_POINT_new(curve);
    size_t size = crypt_point_size(g);

    if (work == NULL || n == NULL || p == NULL)
        return -ENOMEM;
    if (EC_POINT_mul(curve, p, n, NULL, NULL, work) != 1 ||
        EC_POINT_point2oct(curve, p, POINT_CONVERSION_UNCOMPRESSED, point, size, work) != size)
        return library_failed(-EIO);
    return 0;
}

int weierstrass_shared(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                       const uint8_t *point, uint8_t *shared)
{
    const EC_GROUP *curve = c->curve[g];
    CLEANUP(library_bn_ctx_free) BN_CTX *work = BN_CTX_new();
    CLEANUP(library_bn_wipe) BIGNUM *n = scalar_read(g, scalar);
    CLEANUP(library_bn_wipe) BIGNUM *x = BN_new();
    CLEANUP(library_point_wipe) EC_POINT *product = EC_POINT_new(curve);
    CLEANUP(library_point_wipe) EC_POINT *p = NULL;
    int size = (int)crypt_shared_size(g), r;

    if (work == NULL || n == NULL || x == NULL || product == NULL)
        return -ENOMEM;
    r = point_read(curve, g, point, work, &p);
    if (r != 0)
        return r;
    if (EC_POINT_mul(curve, product, NULL, p, n, work) != 1)
        return library_failed(-EIO);
    if (EC_POINT_is_at_infinity(curve, product))
        return CRYPT_E_KEY;     /* RFC 9180 7.1.4 MUST */
    if (EC_POINT_get_affine_coordinates(curve, product, x, NULL, work) != 1 ||
        BN_bn2binpad(x, shared, size) != size)
        return library_failed(-EIO);
    return 0;
}

int weierstrass_check(const struct mw_crypto *c, enum crypt_group g, const uint8_t *point)
{
    CLEANUP(library_bn_ctx_free) BN_CTX *work = BN_CTX_new();
    CLEANUP(library_point_wipe) EC_POINT *p = NULL;

    if (work == NULL)
        return -ENOMEM;
    return point_read(c->curve[g], g, point, work, &p);
}
