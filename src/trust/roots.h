/*
 * The built-in lists: which roots are public (data/public-roots.tsv), and which of them
 * browsers no longer trust, or only for some names (data/root-limits.tsv).
 * Life:   roots_load() -> roots_find() and roots_limit() -> with the arena
 */
#ifndef TRUST_ROOTS_H
#define TRUST_ROOTS_H

#include "base/arena.h"

struct root {
    uint8_t sha256[32];
    const char *name;
};

enum root_limit_kind {
    ROOT_DISTRUSTED,            /* nothing it signed counts */
    ROOT_NOT_AFTER,             /* nothing issued after `after` counts */
    ROOT_ONLY_NAMES,            /* only names below one of `names` count */
};

struct root_limit {
    uint8_t sha256[32];
    enum root_limit_kind kind;
    struct mw_wall after;
    const char *names;          /* ".tr,.gov.tr": separated by commas */
    const char *who;            /* who decided: "Chrome, Mozilla" */
    const char *why;
};

struct roots {
    struct root *items;         /* sorted by fingerprint */
    size_t n;
    struct root_limit *limits;  /* sorted by fingerprint */
    size_t n_limits;
};

/* 0, -ENOMEM; MW_E_SYNTAX if the lists that were built in are broken. */
MW_MUST_CHECK int roots_load(struct roots *out, struct arena *arena);

const struct root *roots_find(const struct roots *r, const uint8_t sha256[32]);

/* The limits on this root: a run of *n. */
const struct root_limit *roots_limits(const struct roots *r, const uint8_t sha256[32],
                                      size_t *n);

#endif
