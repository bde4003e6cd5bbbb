#include "meet/crypt/curve25519.h"

#include <errno.h>
#include <sodium.h>

#include "base/compiler.h"
#include "meet/crypt/crypt.h"

_Static_assert(crypto_sign_SEEDBYTES == ED25519_SEED, "");
_Static_assert(crypto_sign_PUBLICKEYBYTES == ED25519_POINT, "");
_Static_assert(crypto_sign_BYTES == ED25519_SIGNATURE, "");
_Static_assert(crypto_scalarmult_curve25519_SCALARBYTES == X25519_SCALAR, "");
_Static_assert(crypto_scalarmult_curve25519_BYTES == X25519_POINT, "");

int curve25519_begin(void)
{
    return sodium_init() < 0 ? -EIO : 0;
}

void ed25519_public(const uint8_t seed[ED25519_SEED], uint8_t point[ED25519_POINT])
{
    uint8_t key[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(point, key, seed);
    secret_clear(key, sizeof(key));
}

/* The public half is computed each time: a wrong one would give the key away. */
void ed25519_sign(const uint8_t seed[ED25519_SEED], struct mw_span content,
                  uint8_t signature[ED25519_SIGNATURE])
{
    uint8_t key[crypto_sign_SECRETKEYBYTES], point[ED25519_POINT];

    crypto_sign_seed_keypair(point, key, seed);
    crypto_sign_detached(signature, NULL, content.data, content.len, key);
    secret_clear(key, sizeof(key));
}

int ed25519_verify(struct mw_span point, struct mw_span content, struct mw_span signature)
{
    if (point.len != ED25519_POINT)
        return CRYPT_E_KEY;
    if (signature.len != ED25519_SIGNATURE ||
        crypto_sign_verify_detached(signature.data, content.data, content.len, point.data) != 0)
        return CRYPT_E_FORGED;
    return 0;
}

/* ------------------------------------------------------------------------------- X25519 ---- */

/* The points whose order divides the cofactor: whatever the scalar, nothing but zeros comes of
 * them.  Coordinates without their highest bit, which nobody reads (RFC 7748 5). */
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

int x25519_check(const uint8_t point[X25519_POINT])
{
    return is_small_x25519(point) ? CRYPT_E_KEY : 0;
}

int x25519_public(const uint8_t scalar[X25519_SCALAR], uint8_t point[X25519_POINT])
{
    return crypto_scalarmult_curve25519_base(point, scalar) == 0 ? 0 : -EIO;
}

/* It refuses to give all zeros (RFC 9180 7.1.4 MUST): nothing else can go wrong. */
int x25519_shared(const uint8_t scalar[X25519_SCALAR], const uint8_t point[X25519_POINT],
                  uint8_t shared[X25519_POINT])
{
    return crypto_scalarmult_curve25519(shared, scalar, point) == 0 ? 0 : CRYPT_E_KEY;
}
