/*
 * One judgement under way: what every stage of the trust engine reads, and where it writes.
 *
 * Stages run in this order, each in its own file, each looking only at what came before:
 *
 *     intake      certificates parsed once, the host understood
 *     chain       paths built, verified and linted at a given time; the best one kept
 *     clock       is this computer's clock right; would the true time change the result?
 *     revocation  staple, CRLs, OCSP
 *     ct          SCTs
 *     pin         pins for the name
 *     parameters  what the handshake settled on
 *     reach       what it means that there was no handshake
 *     intercept   who is in the middle, weighed from all of the above
 *     decision    what a person accepted before
 *     view        the verdict as the caller reads it
 *
 * Memory: everything hangs off judge->arena or the verdict's, and dies with it.
 */
#ifndef TRUST_JUDGE_H
#define TRUST_JUDGE_H

#include <midwatch/trust.h>

#include "base/arena.h"
#include "trust/cert.h"
#include "trust/name.h"
#include "trust/policy.h"

struct revocation;
struct ct_result;

/* A path from leaf to anchor, or as far as it went. */
struct path {
    struct cert *certs[MW_MAX_DEPTH + 1];
    size_t n;                           /* certs[0] is the leaf */
    enum mw_anchor_class anchor;        /* MW_ANCHOR_NONE: incomplete */
    bool used_fetched;                  /* needs a certificate the server did not send */
};

struct finding_list {
    struct mw_finding *items;
    size_t n, room;
};

/* What a path is worth at a certain time. */
struct chain_result {
    struct path path;                   /* the best found */
    struct finding_list findings;       /* name, authority, chain and validity of that path;
                                         * mw_finding.cert is an index into path.certs, -1 none */
    unsigned errors;                    /* findings of MW_ERROR */
    bool valid_but_time;                /* every error is EXPIRED or NOT_YET_VALID */
};

struct chain_work;      /* trust/path.h */

struct judge {
    struct arena *arena;                /* the verdict's own: it lives as long */
    const struct mw_policy *policy;
    const struct mw_evidence *ev;
    struct host host;
    struct cert **certs;                /* sent, in order, then fetched; the malformed left out */
    size_t n_certs, n_sent;             /* certs[0 .. n_sent-1] were sent */
    struct cert *leaf;                  /* the first certificate sent; NULL: none, or malformed */
    struct chain_work *work;            /* what path building remembers between two times */
    struct chain_result chain;          /* judged at ev->now */
    struct finding_list findings;       /* all; starts as chain.findings */
    struct revocation *revocation;      /* trust/revocation.h; NULL until asked for */
    struct ct_result *ct;               /* trust/ct.h; NULL until asked for, or without a leaf */
    struct mw_verdict *v;               /* zeroed; stages fill their part */
    int error;                          /* first failure of ours (-ENOMEM); stops the judgement */
};

/* Adds one finding and returns it for adjustment (severity, certainty, disproof; it starts
 * with the code's own severity, MW_CERTAIN and no disproof).  `cert` is an index into the
 * best path, -1: about none.  The text is made safe to print.
 * NULL when out of memory, which judge->error remembers. */
struct mw_finding *judge_add(struct judge *j, enum mw_code code, int cert, const char *format,
                             ...) PRINTF_LIKE(4, 5);

/* The same into another list, for results that may be thrown away. */
struct mw_finding *finding_add(struct judge *j, struct finding_list *list, enum mw_code code,
                               int cert, const char *format, ...) PRINTF_LIKE(5, 6);

bool judge_has(const struct judge *j, enum mw_code code);

/* Builds and verifies all paths as if it were `at`, and keeps the best: no errors before few,
 * a public anchor before a local one, short before long.  Pure in `at`: the clock stage asks
 * again with the corrected time.  *out's lists live in judge->arena. */
MW_MUST_CHECK int chain_judge(struct judge *j, struct mw_wall at, struct chain_result *out);

/* Is there a connection to judge, or a file?  Certificates of a handshake that broke prove
 * nothing: anybody can send a copy of them. */
bool reach_came_through(enum mw_reach reach);

/* The stages; each returns 0 or -errno. */
MW_MUST_CHECK int intake_judge(struct judge *j);
MW_MUST_CHECK int clock_judge(struct judge *j);
MW_MUST_CHECK int revocation_judge(struct judge *j);
MW_MUST_CHECK int ct_judge(struct judge *j);
MW_MUST_CHECK int pin_judge(struct judge *j);
MW_MUST_CHECK int parameters_judge(struct judge *j);
MW_MUST_CHECK int reach_judge(struct judge *j);
MW_MUST_CHECK int intercept_judge(struct judge *j);
MW_MUST_CHECK int decision_judge(struct judge *j);
MW_MUST_CHECK int view_judge(struct judge *j);

#endif
