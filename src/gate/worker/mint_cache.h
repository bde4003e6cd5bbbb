/*
 * Leaves by what they are for, least recently used last.  An entry whose leaf is being minted is
 * here too, so that there is one mint for each miss; it does not go before that has ended.
 * Life:   mint_cache_init() -> mint_cache_at()* -> mint_cache_deinit()
 * Memory: owns its entries; at most MINT_MAX_CACHED with a leaf and nothing under way.
 */
#ifndef GATE_WORKER_MINT_CACHE_H
#define GATE_WORKER_MINT_CACHE_H

#include "gate/worker/mint.h"
#include "gate/worker/mint_keys.h"

struct mint_flight;

struct mint_name {
    uint8_t key[32];
    enum mint_ca ca;
    enum mint_key kind;
};

struct mint_entry {
    struct mint_name name;
    struct minted *minted;              /* NULL: none yet */
    struct mint_key_pair *pair;         /* that it was minted for */
    struct mw_wall minted_at, not_before;
    struct mint_flight *flight;         /* NULL: nothing under way */
    struct mint_entry *next;            /* in its bucket */
    struct mint_entry *newer, *older;
};

enum { MINT_CACHE_BUCKETS = 4096 };

struct mint_cache {
    struct mint_entry **buckets;
    struct mint_entry *newest, *oldest;
    size_t n;
};

MW_MUST_CHECK int mint_cache_init(struct mint_cache *c);
void mint_cache_deinit(struct mint_cache *c);   /* no flight refers to an entry any more */

/* The entry of this name, made empty if there is none, now the most recently used; others may
 * go for it.  NULL: out of memory. */
MW_MUST_CHECK struct mint_entry *mint_cache_at(struct mint_cache *c, const struct mint_name *name);

/* Its flight has ended (flight is NULL): an entry without a leaf goes. */
void mint_cache_settle(struct mint_cache *c, struct mint_entry *e);

/* The leaf replaces what was there; takes the references. */
void mint_entry_fill(struct mint_entry *e, struct minted *m, struct mint_key_pair *pair,
                     struct mw_wall not_before, struct mw_wall now);

enum mint_use {
    MINT_USE_NOT,               /* none, over, or its key is too old */
    MINT_USE_AND_RENEW,         /* good, with less than a tenth of its time left */
    MINT_USE,
};
enum mint_use mint_entry_use(const struct mint_entry *e, struct mw_wall now, uint64_t now_ms);

#endif
