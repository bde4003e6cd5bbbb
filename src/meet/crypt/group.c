#include "meet/crypt/library.h"

/* RFC 9180 7.1, table 2. */
static const struct {
    uint8_t point, scalar, shared;
} sizes[] = {
    [CRYPT_P256] = { 65, 32, 32 },   [CRYPT_P384] = { 97, 48, 48 }, [CRYPT_P521] = { 133, 66, 66 },
    [CRYPT_X25519] = { 32, 32, 32 }, [CRYPT_X448] = { 56, 56, 56 },
};

size_t crypt_point_size(enum crypt_group g)
{
    return sizes[g].point;
}

size_t crypt_scalar_size(enum crypt_group g)
{
    return sizes[g].scalar;
}

size_t crypt_shared_size(enum crypt_group g)
{
    return sizes[g].shared;
}

static bool is_montgomery(enum crypt_group g)
{
    return g == CRYPT_X25519 || g == CRYPT_X448;
}

/* The orders of the NIST curves (SP 800-186 3.2.1). */
static const uint8_t order_p256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t order_p384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t order_p521[66] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09,
    0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38,
    0x64, 0x09,
};

bool crypt_scalar_fits(enum crypt_group g, const uint8_t *scalar)
{
    static const uint8_t *const orders[] = { [CRYPT_P256] = order_p256, [CRYPT_P384] = order_p384,
                                             [CRYPT_P521] = order_p521 };
    unsigned borrow = 0, any = 0;

    if (is_montgomery(g))
        return true;
    /* The subtraction's last borrow tells which is greater, in the same time for all. */
    for (size_t i = sizes[g].scalar; i-- > 0;) {
        borrow = (scalar[i] - orders[g][i] - borrow) >> 8 & 1;
        any |= scalar[i];
    }
    return borrow == 1 && any != 0;
}

int crypt_public(const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar,
                 uint8_t *point)
{
    int r = CRYPT_E_KEY;

    if (scalar.len == sizes[g].scalar && crypt_scalar_fits(g, scalar.data)) {
        library_begin();
        r = is_montgomery(g) ? montgomery_public(c, g, scalar.data, point)
                             : weierstrass_public(c, g, scalar.data, point);
        library_end();
    }
    if (r != 0)
        secret_clear(point, sizes[g].point);
    return r;
}

int crypt_shared(const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar,
                 struct mw_span point, uint8_t *shared)
{
    int r = CRYPT_E_KEY;

    if (scalar.len == sizes[g].scalar && crypt_scalar_fits(g, scalar.data) &&
        point.len == sizes[g].point) {
        library_begin();
        r = is_montgomery(g) ? montgomery_shared(c, g, scalar.data, point.data, shared)
                             : weierstrass_shared(c, g, scalar.data, point.data, shared);
        library_end();
    }
    if (r != 0)
        secret_clear(shared, sizes[g].shared);
    return r;
}

int crypt_point_check(const struct mw_crypto *c, enum crypt_group g, struct mw_span point)
{
    int r;

    if (point.len != sizes[g].point)
        return CRYPT_E_KEY;
    library_begin();
    r = is_montgomery(g) ? montgomery_check(g, point.data) : weierstrass_check(c, g, point.data);
    library_end();
    return r;
}
