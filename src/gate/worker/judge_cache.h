/*
 * Origins that were judged, found again by everything that went into the verdict.
 * Life:   judge_cache_init() -> find/add -> judge_cache_deinit()
 * Memory: a reference each; at most JUDGING_MAX_CACHED, and JUDGING_MAX_BYTES by our reckoning.
 *         The least recently used goes first.
 */
#ifndef GATE_WORKER_JUDGE_CACHE_H
#define GATE_WORKER_JUDGE_CACHE_H

#include <openssl/evp.h>

#include "gate/worker/judge.h"

enum { JUDGE_KEY_BYTES = 32 };

struct judge_entry;

struct judge_cache {
    EVP_MD *sha256;                     /* fetched once: a lookup takes locks and memory */
    EVP_MD_CTX *hash;
    struct judge_entry **buckets;
    size_t n_buckets, n, bytes, most, most_bytes;
    struct judge_entry *newest, *oldest;
};

/* What an origin is told apart by: `origin` names it by host, port, chain and policy; `verdict`
 * by what else its verdict hangs on too (staple, SCTs, what the handshake settled on). */
struct judge_key {
    uint8_t origin[JUDGE_KEY_BYTES], verdict[JUDGE_KEY_BYTES];
};

MW_MUST_CHECK int judge_cache_init(struct judge_cache *c);
void judge_cache_deinit(struct judge_cache *c);

/* 0, or -ENOMEM. */
MW_MUST_CHECK int judge_key_make(struct judge_cache *c, const struct mw_evidence *ev,
                                 const uint8_t policy[32], struct judge_key *key);

/* Borrowed.  NULL: not there, or its time is over. */
struct origin *judge_cache_find(struct judge_cache *c, const struct judge_key *key,
                                struct mw_wall now);

/* Takes a reference of its own.  -ENOMEM: not kept. */
MW_MUST_CHECK int judge_cache_add(struct judge_cache *c, const struct judge_key *key,
                                  struct origin *o);
void judge_cache_clear(struct judge_cache *c);

/* About what a verdict occupies, in bytes. */
size_t judge_cost(const struct mw_verdict *v);

#endif
