/*
 * Path building: every way from the leaf to something trusted, best first (RFC 4158).
 * The certificates and who signed whom form a graph that grows only where a path leads, and
 * that is kept between two judgements at different times: a signature is checked once.
 * Work:   bounded by steps, paths and the cost of signatures, whatever the certificates.
 * Memory: in the judge's arena.
 */
#ifndef TRUST_PATH_H
#define TRUST_PATH_H

#include "trust/judge.h"

struct chain_work;

/* What the search found beside the paths it offered. */
struct path_search {
    struct path dead_end;       /* the longest way that leads nowhere, if none was offered */
    const struct cert *impostor;        /* beyond the dead end: names the issuer, but its key
                                         * did not sign; NULL: none */
    bool impostor_same_id;      /* and the key identifiers say it is the very key */
    bool too_long;              /* a way was given up at MW_MAX_DEPTH */
    bool too_complex;           /* the search ended because its budget did */
};

/* Offers each complete path in turn until `offer` returns false: no more are wanted. */
typedef bool path_offer(void *context, const struct path *path);

MW_MUST_CHECK int path_search(struct judge *j, struct mw_wall at, path_offer *offer,
                              void *context, struct path_search *out);

#endif
