/*
 * A bounded table by name: when it is full, what was used least recently is forgotten.
 * Life:   recall_init() -> recall_get()* -> recall_deinit()
 * Memory: entries of one size, with a struct recall_node first, zeroed when they are made; the
 *         table frees them.  `forget` (may be NULL) is told before.
 */
#ifndef GATE_LEARN_RECALL_H
#define GATE_LEARN_RECALL_H

#include <stdint.h>

#include "base/span.h"

enum { RECALL_NAME = 400 };             /* two texts of wire/learn.h and what stands between */

struct recall_node {
    struct recall_node *next;           /* in its bucket */
    struct recall_node *newer, *older;
    uint64_t hash;
    char *name;
};

struct recall {
    struct recall_node **buckets;
    size_t n, most, entry_bytes;
    struct recall_node *newest, *oldest;
    uint64_t seed;                      /* names come from outside: no one may aim at a bucket */
    void (*forget)(void *context, struct recall_node *node);
    void *context;
};

MW_MUST_CHECK int recall_init(struct recall *r, size_t most, size_t entry_bytes,
                              void (*forget)(void *context, struct recall_node *node),
                              void *context);
void recall_deinit(struct recall *r);

/* NULL: not there.  Looking does not make it newer. */
void *recall_find(const struct recall *r, const char *name);

/* Found or made, and the newest now.  NULL: out of memory. */
void *recall_get(struct recall *r, const char *name);
void recall_drop(struct recall *r, struct recall_node *node);

/* "a\nb": no text of wire/learn.h has a line end in it. */
void recall_name(char out[RECALL_NAME], const char *a, const char *b);

/* For what is only compared: the same all through one process's life. */
uint64_t recall_hash(const struct recall *r, const char *name);

#endif
