/*
 * One of each structure of MLS, with every field filled, for tests and as seeds.  Nothing in
 * them is signed or encrypted by anyone.
 */
#ifndef TESTS_MLS_SAMPLES_H
#define TESTS_MLS_SAMPLES_H

#include "meet/wire/codec.h"

struct mls_sample {
    const char *noun;           /* for again_find() */
    const char *name;
    void (*make)(struct buf *b);
};

extern const struct mls_sample mls_samples[];
extern const size_t mls_samples_len;

#endif
