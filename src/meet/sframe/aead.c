#include "meet/sframe/aead.h"

#include <errno.h>

int sframe_aead_init(struct sframe_aead *a, const struct mw_crypto *c,
                     const struct sframe_suite *suite)
{
    static const uint8_t no_key[SFRAME_KEY_MAX] = { 0 };
    int r;

    *a = (struct sframe_aead){ .suite = suite };
    if (suite->ctr) {
        r = crypt_ctr_new(&a->ctr, c);
        if (r == 0)
            r = crypt_mac_new(&a->mac);
    } else {
        r = crypt_sealer_new(&a->gcm, c, suite->aead, span_of(no_key, suite->key));
    }
    if (r != 0)
        sframe_aead_deinit(a);
    return r > 0 ? -EIO : r;
}

void sframe_aead_deinit(struct sframe_aead *a)
{
    crypt_sealer_free(a->gcm);
    crypt_ctr_free(a->ctr);
    crypt_mac_free(a->mac);
    *a = (struct sframe_aead){ 0 };
}

int sframe_aead_key(struct sframe_aead *a, const uint8_t *key)
{
    int r;

    if (a->suite->ctr) {        /* derive_subkeys() */
        r = crypt_ctr_rekey(a->ctr, key);
        if (r == 0)
            r = crypt_mac_rekey(a->mac, span_of(key + CRYPT_CTR_KEY,
                                                (size_t)a->suite->key - CRYPT_CTR_KEY));
    } else {
        r = crypt_sealer_rekey(a->gcm, span_of(key, a->suite->key));
    }
    return r > 0 ? -EIO : r;
}

static void put_u64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* compute_tag(), all of it: the caller truncates. */
static int tag_make(struct sframe_aead *a, const uint8_t *nonce, struct mw_span aad,
                    struct mw_span sealed, uint8_t tag[CRYPT_MAC_SIZE])
{
    uint8_t lengths[24];
    const struct mw_span parts[] = {
        span_of(lengths, sizeof lengths),
        span_of(nonce, SFRAME_SALT),
        aad,
        sealed,
    };

    put_u64(lengths, aad.len);
    put_u64(lengths + 8, sealed.len);
    put_u64(lengths + 16, a->suite->tag);
    return crypt_mac_sum(a->mac, parts, ARRAY_LEN(parts), tag);
}

/* The block counter fills the four bytes behind the nonce, from 0. */
static int ctr_crypt(struct sframe_aead *a, const uint8_t *nonce, struct mw_span in, uint8_t *out)
{
    uint8_t iv[CRYPT_CTR_BLOCK] = { 0 };

    memcpy(iv, nonce, SFRAME_SALT);
    return crypt_ctr_crypt(a->ctr, iv, in, out);
}

static int ctr_seal(struct sframe_aead *a, const uint8_t *nonce, struct mw_span aad,
                    struct mw_span plain, uint8_t *out)
{
    uint8_t tag[CRYPT_MAC_SIZE];
    int r = ctr_crypt(a, nonce, plain, out);

    if (r == 0)
        r = tag_make(a, nonce, aad, span_of(out, plain.len), tag);
    if (r == 0)
        memcpy(out + plain.len, tag, a->suite->tag);
    return r;
}

static int ctr_open(struct sframe_aead *a, const uint8_t *nonce, struct mw_span aad,
                    struct mw_span sealed, uint8_t *out)
{
    struct mw_span content = span_cut(sealed, 0, sealed.len - a->suite->tag);
    struct mw_span theirs = span_cut(sealed, content.len, a->suite->tag);
    uint8_t ours[CRYPT_MAC_SIZE];
    int r = tag_make(a, nonce, aad, content, ours);

    if (r == 0 && !crypt_equal(span_of(ours, a->suite->tag), theirs))
        r = CRYPT_E_FORGED;
    return r == 0 ? ctr_crypt(a, nonce, content, out) : r;
}

int sframe_aead_seal(struct sframe_aead *a, const uint8_t nonce[SFRAME_SALT], struct mw_span aad,
                     struct mw_span plain, uint8_t *out)
{
    int r = a->suite->ctr ? ctr_seal(a, nonce, aad, plain, out)
                          : crypt_sealer_seal(a->gcm, nonce, aad, plain, out);

    if (r != 0)
        secret_clear(out, plain.len + a->suite->tag);
    return r > 0 ? -EIO : r;
}

int sframe_aead_open(struct sframe_aead *a, const uint8_t nonce[SFRAME_SALT], struct mw_span aad,
                     struct mw_span sealed, uint8_t *out)
{
    size_t content = sealed.len - a->suite->tag;
    int r = a->suite->ctr ? ctr_open(a, nonce, aad, sealed, out)
                          : crypt_sealer_open(a->gcm, nonce, aad, sealed, out);

    if (r != 0 && content > 0)
        secret_clear(out, content);
    if (r == CRYPT_E_FORGED)
        return MW_SFRAME_E_FORGED;
    return r > 0 ? -EIO : r;
}
