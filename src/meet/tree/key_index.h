/*
 * Where a public key is in the tree: a hash table from keys to node numbers.  The keys stay where
 * they are; the table asks for them through key_of().
 * Life:   all zero -> key_index_reserve(), key_index_add(), key_index_drop()* -> key_index_deinit()
 * Attack: who sends keys chooses them.  A run of KEY_INDEX_RUN slots that are taken, which keys
 *         made at random do not give, changes the seed.
 */
#ifndef MEET_TREE_KEY_INDEX_H
#define MEET_TREE_KEY_INDEX_H

#include "base/span.h"

#define KEY_INDEX_NONE UINT32_MAX

enum { KEY_INDEX_RUN = 128 };

struct key_slot {
    uint32_t hash, node;        /* KEY_INDEX_NONE: free */
};

typedef struct mw_span key_of_fn(const void *context, uint32_t node);

struct key_index {
    struct key_slot *slots;
    uint32_t room, used;        /* room: a power of two, or 0 */
    uint64_t seed[2];
    key_of_fn *key_of;
    const void *context;
};

void key_index_deinit(struct key_index *k);

/* Room for one more, which is `key`: afterwards key_index_add() cannot fail.  -ENOMEM. */
MW_MUST_CHECK int key_index_reserve(struct key_index *k, struct mw_span key);

void key_index_add(struct key_index *k, struct mw_span key, uint32_t node);
void key_index_drop(struct key_index *k, struct mw_span key, uint32_t node);

/* A node that has this key; KEY_INDEX_NONE: none. */
uint32_t key_index_find(const struct key_index *k, struct mw_span key);

/* SipHash-2-4, which the table is built on. */
uint64_t key_index_hash(const uint64_t seed[2], struct mw_span bytes);

#endif
