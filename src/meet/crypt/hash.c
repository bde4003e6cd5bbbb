#include <errno.h>

#include "meet/crypt/library.h"

size_t crypt_hash_size(enum crypt_hash h)
{
    static const uint8_t sizes[] = { [CRYPT_SHA256] = 32, [CRYPT_SHA384] = 48,
                                     [CRYPT_SHA512] = 64 };

    return sizes[h];
}

static size_t block_size(enum crypt_hash h)
{
    return h == CRYPT_SHA256 ? 64 : 128;
}

static bool add_parts(EVP_MD_CTX *ctx, const struct mw_span *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0 && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
            return false;
    return true;
}

static bool finish(EVP_MD_CTX *ctx, uint8_t *out)
{
    return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

/* HMAC (RFC 2104) over EVP digests: EVP_MAC costs several times the hashing itself.
 * Life: mac_begin() -> (mac_start() -> add_parts()* -> mac_finish())* -> mac_end() */
struct mac {
    EVP_MD_CTX *ctx;
    const EVP_MD *md;
    size_t block, size;
    uint8_t key[LIBRARY_BLOCK_MAX];
};

static void mac_end(struct mac *m)
{
    EVP_MD_CTX_free(m->ctx);
    secret_clear(m->key, sizeof m->key);
}

static bool mac_begin(struct mac *m, const struct mw_crypto *c, enum crypt_hash h,
                      struct mw_span key)
{
    m->md = c->hash[h];
    m->block = block_size(h);
    m->size = crypt_hash_size(h);
    m->ctx = EVP_MD_CTX_new();
    if (m->ctx == NULL)
        return false;
    if (key.len > m->block)
        return EVP_DigestInit_ex2(m->ctx, m->md, NULL) == 1 && add_parts(m->ctx, &key, 1) &&
               finish(m->ctx, m->key);
    if (key.len > 0)
        memcpy(m->key, key.data, key.len);
    return true;
}

/* Hashes the key as a block of its own, each byte with `pad` in it. */
static bool pad_start(struct mac *m, uint8_t pad)
{
    uint8_t block[LIBRARY_BLOCK_MAX];
    bool well;

    for (size_t i = 0; i < m->block; i++)
        block[i] = m->key[i] ^ pad;
    well = EVP_DigestInit_ex2(m->ctx, m->md, NULL) == 1 &&
           EVP_DigestUpdate(m->ctx, block, m->block) == 1;
    secret_clear(block, sizeof block);
    return well;
}

static bool mac_start(struct mac *m)
{
    return pad_start(m, 0x36);
}

static bool mac_finish(struct mac *m, uint8_t *out)
{
    uint8_t inner[CRYPT_HASH_MAX];
    bool well = finish(m->ctx, inner) && pad_start(m, 0x5c) &&
                EVP_DigestUpdate(m->ctx, inner, m->size) == 1 && finish(m->ctx, out);

    secret_clear(inner, sizeof inner);
    return well;
}

int crypt_digest(const struct mw_crypto *c, enum crypt_hash h, const struct mw_span *parts,
                 size_t n, uint8_t *out)
{
    CLEANUP(library_md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int r = 0;

    if (ctx == NULL) {
        secret_clear(out, crypt_hash_size(h));
        return -ENOMEM;
    }
    library_begin();
    if (EVP_DigestInit_ex2(ctx, c->hash[h], NULL) != 1 || !add_parts(ctx, parts, n) ||
        !finish(ctx, out)) {
        r = library_failed(-EIO);
        secret_clear(out, crypt_hash_size(h));
    }
    library_end();
    return r;
}

int crypt_hmac(const struct mw_crypto *c, enum crypt_hash h, struct mw_span key,
               const struct mw_span *parts, size_t n, uint8_t *out)
{
    CLEANUP(mac_end) struct mac m = { 0 };
    int r = 0;

    library_begin();
    if (!mac_begin(&m, c, h, key) || !mac_start(&m) || !add_parts(m.ctx, parts, n) ||
        !mac_finish(&m, out)) {
        r = m.ctx == NULL ? -ENOMEM : library_failed(-EIO);
        secret_clear(out, crypt_hash_size(h));
    }
    library_end();
    return r;
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
static bool expand(struct mac *m, const struct mw_span *parts, size_t n, uint8_t *out, size_t len)
{
    uint8_t t[CRYPT_HASH_MAX];
    bool well = true;

    for (uint8_t i = 1; well && len > 0; i++) {
        size_t take = len < m->size ? len : m->size;

        well = mac_start(m) && (i == 1 || EVP_DigestUpdate(m->ctx, t, m->size) == 1) &&
               add_parts(m->ctx, parts, n) && EVP_DigestUpdate(m->ctx, &i, 1) == 1 &&
               mac_finish(m, t);
        if (well)
            memcpy(out, t, take);
        out += take;
        len -= take;
    }
    secret_clear(t, sizeof t);
    return well;
}

int crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                 const struct mw_span *parts, size_t n, uint8_t *out, size_t len)
{
    CLEANUP(mac_end) struct mac m = { 0 };
    int r = 0;

    if (len > 255 * crypt_hash_size(h)) {
        secret_clear(out, len);
        return CRYPT_E_LENGTH;
    }
    library_begin();
    if (!mac_begin(&m, c, h, prk) || !expand(&m, parts, n, out, len)) {
        r = m.ctx == NULL ? -ENOMEM : library_failed(-EIO);
        secret_clear(out, len);
    }
    library_end();
    return r;
}
