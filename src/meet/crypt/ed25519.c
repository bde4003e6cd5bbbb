#include "meet/crypt/ed25519.h"

#include <errno.h>
#include <sodium.h>

#include "meet/crypt/crypt.h"

_Static_assert(crypto_sign_SEEDBYTES == ED25519_SEED, "");
_Static_assert(crypto_sign_PUBLICKEYBYTES == ED25519_POINT, "");
_Static_assert(crypto_sign_BYTES == ED25519_SIGNATURE, "");

int ed25519_begin(void)
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
