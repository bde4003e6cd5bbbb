/* OpenSSL 3 calls SHA256_Init() and its kin deprecated, but EVP allocates for each message: its
 * digests when they begin anew, its MACs when they copy a keyed state.  A frame must not. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "meet/crypt/mac.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "meet/crypt/secret.h"

enum { BLOCK = 64 };            /* RFC 2104: B of SHA-256 */

/* The states after the key's two blocks. */
struct crypt_mac {
    SHA256_CTX inner, outer;
};

int crypt_mac_new(struct crypt_mac **out)
{
    struct crypt_mac *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    *out = s;
    return 0;
}

void crypt_mac_free(struct crypt_mac *s)
{
    if (s != NULL)
        secret_clear(s, sizeof *s);
    free(s);
}

static bool begin(SHA256_CTX *state, struct mw_span key, uint8_t pad)
{
    uint8_t block[BLOCK];
    bool good;

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (i < key.len ? key.data[i] : 0) ^ pad;
    good = SHA256_Init(state) == 1 && SHA256_Update(state, block, BLOCK) == 1;
    secret_clear(block, sizeof block);
    return good;
}

int crypt_mac_rekey(struct crypt_mac *s, struct mw_span key)
{
    if (key.len == 0 || key.len > BLOCK)
        return -EINVAL;
    return begin(&s->inner, key, 0x36) && begin(&s->outer, key, 0x5c) ? 0 : -EIO;
}

int crypt_mac_sum(struct crypt_mac *s, const struct mw_span *parts, size_t n,
                  uint8_t out[CRYPT_MAC_SIZE])
{
    SHA256_CTX state = s->inner;
    bool good = true;

    for (size_t i = 0; good && i < n; i++)
        good = parts[i].len == 0 || SHA256_Update(&state, parts[i].data, parts[i].len) == 1;
    good = good && SHA256_Final(out, &state) == 1;
    state = s->outer;
    good = good && SHA256_Update(&state, out, CRYPT_MAC_SIZE) == 1 &&
           SHA256_Final(out, &state) == 1;
    secret_clear(&state, sizeof state);
    if (good)
        return 0;
    secret_clear(out, CRYPT_MAC_SIZE);
    return -EIO;
}
