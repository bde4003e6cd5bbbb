/*
 * A small world for tests of the trust engine: a root, an intermediate, a leaf, a policy that
 * knows the root, and evidence of a handshake that showed them.  Change what the test is about,
 * then judge.
 * Life:   world_open() -> (change w.ev, w.policy) -> world_judge()* -> world_close()
 * Time:   a fixed one, WORLD_NOW; the leaf is valid from 10 days before to 80 days after.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <midwatch/trust.h>

#include "base/buf.h"
#include "lab/mill.h"

#define WORLD_NOW  1781524800 /* 2026-06-15T12:00:00Z */
#define WORLD_HOST "www.shop.test"

enum { DAY_S = 86400 };

static inline struct mw_wall world_day(int64_t days)
{
    return (struct mw_wall){ WORLD_NOW + days * DAY_S };
}

struct world {
    EVP_PKEY *root_key, *ca_key, *leaf_key;
    struct mill_cert *root, *ca, *leaf;
    struct mw_policy *policy;
    struct mw_evidence ev;
    struct mw_span sent[2];
    struct mw_verdict *v;
    enum mw_anchor_class as;
};

/* What the leaf is unless a test changes it; likewise the authority in between and the root. */
struct mill_spec world_leaf(void);
struct mill_spec world_ca(void);
struct mill_spec world_root(void);

/* ca, leaf NULL: the usual. */
void world_open(struct world *w, enum mw_anchor_class as, const struct mill_spec *ca,
                const struct mill_spec *leaf);
void world_close(struct world *w);

/* A fresh policy that knows the root. */
void world_policy(struct world *w);

/* Judges; the verdict is w->v until the next. */
void world_judge(struct world *w);

struct mill_cert *world_issue(const struct mill_spec *spec, EVP_PKEY *key,
                              const struct mill_cert *issuer);
EVP_PKEY *world_key(enum mill_key kind);

/* The first finding of this code in w->v, NULL: none. */
const struct mw_finding *world_finding(const struct world *w, enum mw_code code);
bool world_has(const struct world *w, enum mw_code code);

/* Does its evidence contain these words? */
bool world_says(const struct world *w, enum mw_code code, const char *words);

#endif
