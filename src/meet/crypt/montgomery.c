/*
 * X25519 and X448 (RFC 7748).
 */
#include <errno.h>

#include "meet/crypt/library.h"

int montgomery_shared(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                      const uint8_t *point, uint8_t *shared)
{
    enum library_type type = g == CRYPT_X25519 ? LIBRARY_X25519 : LIBRARY_X448;
    CLEANUP(library_pkey_free) EVP_PKEY *both = NULL;
    CLEANUP(library_pkey_ctx_free) EVP_PKEY_CTX *ctx = NULL;
    size_t len = crypt_shared_size(g);
    /* A derivation reads the private half of one key and the public half of the other.  One key
     * with our private and the peer's public half serves as both, and is made in a third of the
     * time: not even our own public half needs to be computed. */
    int r = library_raw_key(c, type, len, scalar, point, &both);

    if (r != 0)
        return r;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, both, NULL);
    if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
        EVP_PKEY_derive_set_peer_ex(ctx, both, 0) != 1)
        return library_failed(-EIO);
    if (EVP_PKEY_derive(ctx, shared, &len) == 1)
        return 0;
    /* It refuses to give all zeros (RFC 9180 7.1.4 MUST), which is what these points give. */
    r = montgomery_check(g, point);
    return r != 0 ? r : library_failed(-EIO);
}

/* By definition the scalar times the base point (RFC 7748 6): OpenSSL's ladder does it faster
 * than its own function for public keys. */
int montgomery_public(const struct mw_crypto *c, enum crypt_group g, const uint8_t *scalar,
                      uint8_t *point)
{
    static const uint8_t base[][56] = { [0] = { 9 }, [1] = { 5 } };

    return montgomery_shared(c, g, scalar, base[g == CRYPT_X448], point);
}

/* The points whose order divides the cofactor: whatever the scalar, nothing but zeros comes of
 * them.  Coordinates of X25519 without their highest bit, which nobody reads (RFC 7748 5). */
static const uint8_t small_x25519[][32] = {
    { 0 },
    { 1 },
    { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
      0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
      0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
    { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
      0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
      0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
};

/* p - 1, p and p + 1 as the bytes that follow: little-endian, the first byte apart. */
static bool near_p25519(const uint8_t *point)
{
    for (size_t i = 1; i < 31; i++)
        if (point[i] != 0xff)
            return false;
    return (point[31] & 0x7f) == 0x7f && point[0] >= 0xec && point[0] <= 0xee;
}

static bool is_small_x25519(const uint8_t *point)
{
    for (size_t i = 0; i < ARRAY_LEN(small_x25519); i++)
        if (memcmp(point, small_x25519[i], 31) == 0 && (point[31] & 0x7f) == small_x25519[i][31])
            return true;
    return near_p25519(point);
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

int montgomery_check(enum crypt_group g, const uint8_t *point)
{
    bool small = g == CRYPT_X25519 ? is_small_x25519(point) : is_small_x448(point);

    return small ? CRYPT_E_KEY : 0;
}
