/* HKDF and what it is made of: OpenSSL is behind sha.h. */
#include "base/compiler.h"
#include "meet/crypt/sha.h"

size_t crypt_hash_size(enum crypt_hash h)
{
    static const uint8_t sizes[] = { [CRYPT_SHA256] = 32, [CRYPT_SHA384] = 48,
                                     [CRYPT_SHA512] = 64 };

    return sizes[h];
}

int crypt_digest(const struct mw_crypto *c, enum crypt_hash h, const struct mw_span *parts,
                 size_t n, uint8_t *out)
{
    struct sha LEFT_UNSET s;

    (void)c;
    sha_begin(&s, h);
    sha_add(&s, parts, n);
    return sha_finish(&s, out);
}

int crypt_hmac(const struct mw_crypto *c, enum crypt_hash h, struct mw_span key,
               const struct mw_span *parts, size_t n, uint8_t *out)
{
    CLEANUP(hmac_wipe) struct hmac LEFT_UNSET m;
    struct sha LEFT_UNSET s;

    (void)c;
    hmac_key(&m, h, key);
    s = hmac_begin(&m);
    sha_add(&s, parts, n);
    return hmac_finish(&m, &s, out);
}

int crypt_extract(const struct mw_crypto *c, enum crypt_hash h, struct mw_span salt,
                  const struct mw_span *parts, size_t n, struct secret *prk)
{
    /* salt may be what *prk holds: it is written last, and no key outlives the call. */
    uint8_t out[CRYPT_HASH_MAX];
    int r = crypt_hmac(c, h, salt, parts, n, out);

    secret_wipe(prk);
    if (r == 0) {
        prk->len = crypt_hash_size(h);
        memcpy(prk->bytes, out, prk->len);
    }
    secret_clear(out, sizeof out);
    return r;
}

/* RFC 5869 2.3: T(i) = HMAC(PRK, T(i - 1) | info | i), as many of them as len needs. */
static int expand(const struct hmac *m, const struct mw_span *parts, size_t n, size_t size,
                  uint8_t *out, size_t len)
{
    struct mw_span before = { NULL, 0 };
    uint8_t LEFT_UNSET t[CRYPT_HASH_MAX];
    int r = 0;

    for (uint8_t i = 1; r == 0 && len > 0; i++) {
        size_t take = len < size ? len : size;
        struct mw_span count = { &i, 1 };
        struct sha s = hmac_begin(m);

        sha_add(&s, &before, 1);
        sha_add(&s, parts, n);
        sha_add(&s, &count, 1);
        r = hmac_finish(m, &s, t);
        memcpy(out, t, take);
        before = span_of(t, size);
        out += take;
        len -= take;
    }
    secret_clear(t, sizeof t);
    return r;
}

int crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                 const struct mw_span *parts, size_t n, uint8_t *out, size_t len)
{
    CLEANUP(hmac_wipe) struct hmac LEFT_UNSET m;
    int r;

    (void)c;
    if (len > 255 * crypt_hash_size(h)) {
        secret_clear(out, len);
        return CRYPT_E_LENGTH;
    }
    hmac_key(&m, h, prk);
    r = expand(&m, parts, n, crypt_hash_size(h), out, len);
    if (r != 0)
        secret_clear(out, len);
    return r;
}
