/* OpenSSL 3 calls SHA256_Init() and its kin deprecated; it has nothing else that does not
 * allocate for each message. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "meet/crypt/sha.h"

#include <errno.h>
#include <openssl/sha.h>

enum { BLOCK_MAX = SHA512_CBLOCK };

_Static_assert(sizeof(SHA256_CTX) <= sizeof((struct sha *)0)->state, "");
_Static_assert(sizeof(SHA512_CTX) <= sizeof((struct sha *)0)->state, "");

static SHA256_CTX *narrow(struct sha *s)
{
    return (SHA256_CTX *)(void *)s->state;
}

static SHA512_CTX *wide(struct sha *s)
{
    return (SHA512_CTX *)(void *)s->state;
}

void sha_begin(struct sha *s, enum crypt_hash h)
{
    s->hash = h;
    s->failed = (h == CRYPT_SHA256   ? SHA256_Init(narrow(s))
                 : h == CRYPT_SHA384 ? SHA384_Init(wide(s))
                                     : SHA512_Init(wide(s))) != 1;
}

static void add(struct sha *s, const uint8_t *data, size_t len)
{
    if (s->hash == CRYPT_SHA256)
        s->failed |= SHA256_Update(narrow(s), data, len) != 1;
    else
        s->failed |= SHA512_Update(wide(s), data, len) != 1;
}

void sha_add(struct sha *s, const struct mw_span *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0)
            add(s, parts[i].data, parts[i].len);
}

int sha_finish(struct sha *s, uint8_t *out)
{
    bool failed;

    s->failed |= (s->hash == CRYPT_SHA256   ? SHA256_Final(out, narrow(s))
                  : s->hash == CRYPT_SHA384 ? SHA384_Final(out, wide(s))
                                            : SHA512_Final(out, wide(s))) != 1;
    failed = s->failed;
    if (failed)
        secret_clear(out, crypt_hash_size(s->hash));
    secret_clear(s, sizeof *s);
    return failed ? -EIO : 0;
}

static size_t block_size(enum crypt_hash h)
{
    return h == CRYPT_SHA256 ? SHA256_CBLOCK : SHA512_CBLOCK;
}

/* The key as a block of its own, each byte with `pad` in it. */
static void pad_begin(struct sha *s, enum crypt_hash h, struct mw_span key, uint8_t pad)
{
    uint8_t LEFT_UNSET block[BLOCK_MAX];

    memset(block, pad, sizeof block);
    for (size_t i = 0; i < key.len; i++)
        block[i] ^= key.data[i];
    sha_begin(s, h);
    add(s, block, block_size(h));
    secret_clear(block, sizeof block);
}

void hmac_key(struct hmac *m, enum crypt_hash h, struct mw_span key)
{
    uint8_t LEFT_UNSET shorter[CRYPT_HASH_MAX];
    int r = 0;

    if (key.len > block_size(h)) {
        struct sha LEFT_UNSET s;

        sha_begin(&s, h);
        sha_add(&s, &key, 1);
        r = sha_finish(&s, shorter);
        key = span_of(shorter, crypt_hash_size(h));
    }
    pad_begin(&m->inner, h, key, 0x36);
    pad_begin(&m->outer, h, key, 0x5c);
    m->inner.failed |= r != 0;
    secret_clear(shorter, sizeof shorter);
}

void hmac_wipe(struct hmac *m)
{
    secret_clear(m, sizeof *m);
}

int hmac_finish(const struct hmac *m, struct sha *s, uint8_t *out)
{
    uint8_t LEFT_UNSET inner[CRYPT_HASH_MAX];
    int r = sha_finish(s, inner);

    *s = m->outer;
    s->failed |= r != 0;
    add(s, inner, crypt_hash_size(m->outer.hash));
    r = sha_finish(s, out);
    secret_clear(inner, sizeof inner);
    return r;
}
