/*
 * Addresses of names, remembered for a short while: a page of a hundred connections asks once.
 * Life:   resolve_init() -> resolve_ask()* -> resolve_deinit()
 * Bounds: RESOLVE_MAX names of at most RESOLVE_ADDRESSES, RESOLVE_FRESH_S.
 */
#ifndef GATE_WORKER_RESOLVE_H
#define GATE_WORKER_RESOLVE_H

#include "base/clock.h"
#include "gate/worker/lru.h"
#include "net/dns.h"

enum {
    RESOLVE_MAX = 4096, RESOLVE_ADDRESSES = 8, RESOLVE_FRESH_S = 20, RESOLVE_LIMIT_MS = 8000,
};

struct resolve {
    struct lru names;
    struct dns *dns;
};

MW_MUST_CHECK int resolve_init(struct resolve *r, struct dns *dns);
void resolve_deinit(struct resolve *r);

/* Known lately: how many addresses were written to out (with `port`); 0: ask. */
size_t resolve_known(struct resolve *r, const char *name, uint16_t port,
                     struct addr out[RESOLVE_ADDRESSES]);
void resolve_keep(struct resolve *r, const char *name, const struct addr *items, size_t n);

#endif
