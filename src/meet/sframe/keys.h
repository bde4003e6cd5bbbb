/*
 * The keys that are ready for opening: so many and no more, whatever arrives.  A sender's key comes
 * in only after a frame of it was found genuine, so what a stranger writes drives out nobody; the
 * one that makes room has not been used for a while.
 * Life:    sframe_keys_init() -> _get()* _keep()* _drop()* -> _deinit()
 * Memory:  taken in _init(); a place's owner is outside and is told where its key is.
 */
#ifndef MEET_SFRAME_KEYS_H
#define MEET_SFRAME_KEYS_H

#include "meet/sframe/cipher.h"

/* Where a sender's key is: a place, 0 if it is not here. */
struct sframe_keys_place {
    struct sframe_cipher cipher;
    uint32_t *owner;            /* holds this place's number; NULL: free */
    bool used;                  /* since the hand went by */
};

struct sframe_keys {
    const struct mw_crypto *crypto;
    struct sframe_keys_place *places;   /* 0: where keys are tried; 1 to n */
    uint32_t n, hand;
};

MW_MUST_CHECK int sframe_keys_init(struct sframe_keys *k, const struct mw_crypto *c,
                                   const struct sframe_suite *suite, uint32_t n);
void sframe_keys_deinit(struct sframe_keys *k);         /* all-zero ok */

/* The key that *at holds; or, if that is 0, this KID's, derived into the place for trial, valid
 * until the next call. */
MW_MUST_CHECK int sframe_keys_get(struct sframe_keys *k, uint32_t *at, const struct secret *secret,
                                  uint64_t kid, struct sframe_cipher **out);

/* The key on trial is genuine: it gets a place, and *at says which.  at stays where it is until the
 * key is dropped or driven out. */
void sframe_keys_keep(struct sframe_keys *k, uint32_t *at);

/* Forgets all keys whose owner lies in [from, from + bytes). */
void sframe_keys_drop(struct sframe_keys *k, const void *from, size_t bytes);

#endif
