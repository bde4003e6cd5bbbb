/*
 * X25519, by libsodium, and X448 (RFC 7748).
 */
#include <errno.h>

#include "meet/crypt/curve25519.h"
#include "meet/crypt/library.h"

static int x448_check(const uint8_t *point);

static int x448_shared(const struct mw_crypto *c, const uint8_t *scalar, const uint8_t *point,
                       uint8_t *shared)
{
    CLEANUP(library_pkey_free) EVP_PKEY *both = NULL;
    CLEANUP(library_pkey_ctx_free) EVP_PKEY_CTX *ctx = NULL;
    size_t len = crypt_shared_size(CRYPT_X448);
    /* A derivation reads the private half of one key and the public half of the other.  One key
     * with our private and the peer's public half serves as both, and is made in a third of the
     * time: not even our own public half needs to be computed. */
    int r = library_raw_key(c, LIBRARY_X448, len, scalar, point, &both);

    if (r != 0)
        return r;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, both, NULL);
    if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
        EVP_PKEY_derive_set_peer_ex(ctx, both, 0) != 1)
        return library_failed(-EIO);
    if (EVP_PKEY_derive(ctx, shared, &len) == 1)
        return 0;
    /* It refuses to give all zeros (RFC 9180 7.1.4 MUST), which is what these points give. */
    r = x448_check(point);
    return r != 0 ? r : library_failed(-EIO);
}

/* 0, 1, p - 1, p, p + 1 for p = 2^448 - 2^224 - 1. */
static bool is_small_x448(const uint8_t *point)
{
    static const uint8_t ones[28] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    static const uint8_t zeros[28] = { 0 };
    const uint8_t *high = point + 28;

    if (memcmp(high, zeros, 28) == 0)
        return point[0] <= 1 && memcmp(point + 1, zeros, 27) == 0;
    if (memcmp(point + 1, ones, 27) == 0 && point[0] >= 0xfe)
        return high[0] == 0xfe && memcmp(high + 1, ones, 27) == 0;  /* p - 1 and p */
    return memcmp(point, zeros, 28) == 0 && memcmp(high, ones, 28) == 0;
}

static int x448_check(const uint8_t *point)
{
    return is_small_x448(point) ? CRYPT_E_KEY : 0;
}

int montgomery_shared(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                      const uint8_t *point, uint8_t *shared)
{
    return g == CRYPT_X25519 ? x25519_shared(scalar, point, shared)
                             : x448_shared(c, scalar, point, shared);
}

/* Of X448 by definition, the scalar times the base point (RFC 7748 6.2): OpenSSL's ladder does it
 * faster than its own function for public keys. */
int montgomery_public(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                      uint8_t *point)
{
    static const uint8_t base[56] = { 5 };

    return g == CRYPT_X25519 ? x25519_public(scalar, point) : x448_shared(c, scalar, base, point);
}

int montgomery_check(enum crypt_group g, const uint8_t *point)
{
    return g == CRYPT_X25519 ? x25519_check(point) : x448_check(point);
}
