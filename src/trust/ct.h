/*
 * Certificate Transparency: which logs vouch for the leaf, and whether browsers would be
 * content.
 * Life:   ct_prepare() once a judgement, by whichever stage asks first; ct_judge() after the
 *         clock is known; ct_lines() for the view.
 * Memory: all in the judgement's arena.
 * Source: RFC 6962; the policies of Chrome, Android and Firefox, which share their numbers:
 *         2 SCTs for a lifetime up to 180 days, else 3; 2 operators; 1 log acceptable now.
 */
#ifndef TRUST_CT_H
#define TRUST_CT_H

#include "trust/judge.h"
#include "trust/sct.h"

enum { CT_MAX_SCTS = 64 };

struct ct_result {
    struct sct *scts;           /* of the leaf, from all three sources */
    size_t n;
    bool malformed;             /* a list that does not parse */
    bool checked;               /* a list of logs was given */
    size_t n_verified, n_unknown, n_wrong;
    struct mw_wall newest;      /* of the verified: the true time is not before; 0 none */
    const struct sct *newest_sct;
    /* Filled by ct_judge(): the better of the two sets that browsers count apart. */
    unsigned needed, counted, operators;
    bool acceptable_now;        /* one of them is from a log that takes certificates now */
    bool policy_met;
};

/* Reads and verifies, without judging: judge->ct.  0 or -ENOMEM. */
MW_MUST_CHECK int ct_prepare(struct judge *j);

/* One printable line for each of the leaf's SCTs.  0 or -ENOMEM. */
MW_MUST_CHECK int ct_lines(struct judge *j, const char *const **lines, size_t *n);

#endif
