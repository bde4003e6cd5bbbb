/*
 * What the sealed core (HPKE, MLS, SFrame) needs from outside: an opened cryptographic library
 * and randomness.
 *
 * Link:    pkg-config --cflags --libs libmidwatch-sealed
 */
#ifndef MIDWATCH_CRYPTO_H
#define MIDWATCH_CRYPTO_H

#include <midwatch/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Algorithms, looked up once.  Only read afterwards: threads may share one.
 * Life: mw_crypto_new() -> all else -> mw_crypto_free() after the last object made with it. */
struct mw_crypto;

/* 0, -ENOMEM, or -EIO when OpenSSL lacks an algorithm that the core cannot do without. */
MW_API MW_MUST_CHECK int mw_crypto_new(struct mw_crypto **out);
MW_API void mw_crypto_free(struct mw_crypto *c);            /* NULL ok */

/* Fills out with len unpredictable bytes: 0 or -errno.  A failure makes the call that needed
 * them fail, and nothing else. */
struct mw_random {
    int (*fill)(void *context, uint8_t *out, size_t len);
    void *context;
};

/* The system's own (getrandom). */
MW_API struct mw_random mw_random_system(void);

#ifdef __cplusplus
}
#endif

#endif
