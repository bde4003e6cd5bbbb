/*
 * A bounded table of what was used lately, by name; the least recently used goes when it is full.
 * Life:   lru_init() -> lru_find()/lru_add()* -> lru_deinit()
 * Memory: entries are the caller's, with a struct lru_node first; `drop` frees one, its name
 *         included.
 */
#ifndef GATE_WORKER_LRU_H
#define GATE_WORKER_LRU_H

#include <stdint.h>

#include "base/span.h"

struct lru_node {
    struct lru_node *next;              /* in its bucket */
    struct lru_node *newer, *older;
    uint64_t hash;
    char *name;                         /* owned by the entry */
};

struct lru {
    struct lru_node **buckets;
    size_t n_buckets, n, most;
    struct lru_node *newest, *oldest;
    uint64_t seed;                      /* names come from outside: no one may aim at a bucket */
    void (*drop)(struct lru_node *node);
};

MW_MUST_CHECK int lru_init(struct lru *l, size_t most, void (*drop)(struct lru_node *node));
void lru_deinit(struct lru *l);

/* Finding makes it the newest.  NULL: not there. */
struct lru_node *lru_find(struct lru *l, const char *name);

/* node->name is set and not in the table. */
void lru_add(struct lru *l, struct lru_node *node);
void lru_remove(struct lru *l, struct lru_node *node);  /* and drops it */

#endif
