/*
 * Secrets: bytes that wipe themselves, and memory that is locked where the system allows it and
 * left out of core dumps.
 */
#ifndef MEET_CRYPT_SECRET_H
#define MEET_CRYPT_SECRET_H

#include "base/span.h"

/* A secret of up to 64 bytes held by value, the size of MLS's and HPKE's.  All-zero is "none".
 *     CLEANUP(secret_wipe) struct secret s = { 0 };
 */
struct secret {
    uint8_t bytes[64];
    size_t len;
};

/* Zeros that no compiler leaves out. */
void secret_clear(void *at, size_t len);
void secret_wipe(struct secret *s);

/* bytes: at most 64, else -EMSGSIZE. */
MW_MUST_CHECK int secret_set(struct secret *s, struct mw_span bytes);

static inline struct mw_span secret_span(const struct secret *s)
{
    return (struct mw_span){ s->bytes, s->len };
}

/* len zero bytes in pages of their own: locked (mlock) where the limit allows, not dumped, and
 * wiped when freed.  For the long-lived: one block for a group's keys, not one for each. */
MW_MUST_CHECK void *secret_new(size_t len);     /* NULL: out of memory */
void secret_free(void *at);                     /* NULL ok */
void secret_freep(void *at);                    /* for CLEANUP: a pointer to the pointer */

/* Pages that were given back, wiped and still locked, for who asks next: an epoch needs two, and
 * mapping and locking one takes as long as eight derivations.  Any number of threads. */
struct secret_pool;
MW_MUST_CHECK int secret_pool_new(struct secret_pool **out);    /* 0, -ENOMEM */
void secret_pool_free(struct secret_pool *p);   /* NULL ok; after the last block from it */

/* As secret_new(); secret_free() brings it back to the pool when that has room. */
MW_MUST_CHECK void *secret_from(struct secret_pool *p, size_t len);

#endif
