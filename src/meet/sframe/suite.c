#include "meet/sframe/suite.h"

#include <errno.h>

/* RFC 9605 4.5, table 1. */
static const struct sframe_suite suites[] = {
    { .number = 1, .key = 48, .tag = 10, .ctr = true, .hash = CRYPT_SHA256 },
    { .number = 2, .key = 48, .tag = 8, .ctr = true, .hash = CRYPT_SHA256 },
    { .number = 3, .key = 48, .tag = 4, .ctr = true, .hash = CRYPT_SHA256 },
    { .number = 4, .key = 16, .tag = 16, .hash = CRYPT_SHA256, .aead = CRYPT_AES_128_GCM },
    { .number = 5, .key = 32, .tag = 16, .hash = CRYPT_SHA512, .aead = CRYPT_AES_256_GCM },
};

const struct sframe_suite *sframe_suite_find(enum mw_sframe_suite number)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        if (suites[i].number == (unsigned)number)
            return &suites[i];
    return NULL;
}

int sframe_suite_choose(enum mw_sframe_suite number, bool short_tags,
                        const struct sframe_suite **out)
{
    const struct sframe_suite *suite = sframe_suite_find(number);

    if (suite == NULL)
        return -EINVAL;
    if (suite->tag < 8 && !short_tags)
        return -EPERM;
    *out = suite;
    return 0;
}

size_t mw_sframe_key_size(enum mw_sframe_suite number)
{
    const struct sframe_suite *suite = sframe_suite_find(number);

    return suite != NULL ? suite->key : 0;
}

/* What crypt cannot say of input that was checked here is its own fault. */
static int ours(int r)
{
    return r > 0 ? -EIO : r;
}

int sframe_secret_of(const struct mw_crypto *c, const struct sframe_suite *suite,
                     struct mw_span base_key, struct secret *out)
{
    if (base_key.len < MW_SFRAME_BASE_KEY_MIN || base_key.len > MW_SFRAME_BASE_KEY_MAX)
        return -EINVAL;
    return ours(crypt_extract(c, suite->hash, (struct mw_span){ 0 }, &base_key, 1, out));
}

int sframe_derive(const struct mw_crypto *c, const struct sframe_suite *suite,
                  const struct secret *secret, uint64_t kid, uint8_t key[SFRAME_KEY_MAX],
                  uint8_t salt[SFRAME_SALT])
{
    uint8_t tail[10];           /* KID and suite, of fixed length (4.4.2) */
    struct mw_span info[2] = { SPAN_LIT("SFrame 1.0 Secret key "), span_of(tail, sizeof tail) };
    int r;

    for (unsigned i = 0; i < 8; i++)
        tail[i] = (uint8_t)(kid >> (56 - 8 * i));
    tail[8] = (uint8_t)(suite->number >> 8);
    tail[9] = (uint8_t)suite->number;
    r = crypt_expand(c, suite->hash, secret_span(secret), info, 2, key, suite->key);
    info[0] = SPAN_LIT("SFrame 1.0 Secret salt ");
    if (r == 0)
        r = crypt_expand(c, suite->hash, secret_span(secret), info, 2, salt, SFRAME_SALT);
    if (r != 0)
        secret_clear(key, SFRAME_KEY_MAX);
    return ours(r);
}

int sframe_ratchet(const struct mw_crypto *c, const struct sframe_suite *suite,
                   const struct secret *base_key, struct secret *out)
{
    CLEANUP(secret_wipe) struct secret prk = { 0 };
    CLEANUP(secret_wipe) struct secret next = { .len = crypt_hash_size(suite->hash) };
    struct mw_span label = SPAN_LIT("SFrame 1.0 Ratchet");
    int r = sframe_secret_of(c, suite, secret_span(base_key), &prk);

    if (r == 0)
        r = ours(crypt_expand(c, suite->hash, secret_span(&prk), &label, 1, next.bytes, next.len));
    if (r == 0)
        *out = next;
    return r;
}
