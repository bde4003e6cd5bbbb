/*
 * "Trust anyway?", asked of a person on a terminal and of nobody else.  Verdicts are gone when
 * the questions are asked, so what a yes would mean is prepared while they are there.
 * Life:   ask_prepare()* -> ask_all() -> ask_deinit()
 */
#ifndef CHECK_ASK_H
#define CHECK_ASK_H

#include <midwatch/trust.h>
#include <stdio.h>

#include "base/store.h"
#include "check/options.h"

enum { ASK_MAX = 64 }; /* questions in one run; nobody answers more with thought */

struct question {
    char *target; /* "host:port" */
    char *headline;
    struct mw_decision *key; /* this certificate's key */
    struct mw_decision *ca;  /* the interceptor's CA key, for this host; NULL: no such choice */
    char *ca_name;
};

struct ask {
    struct question questions[ASK_MAX];
    size_t n;
    size_t refused; /* verdicts that nobody may accept */
};

/* 0 or -ENOMEM.  Nothing happens for a verdict that may proceed. */
MW_MUST_CHECK int ask_prepare(struct ask *a, const struct check_options *o,
                              const struct mw_evidence *ev, const struct mw_verdict *v);

/* Asks on `out`, reads answers from `in`, remembers the yeses in the state's `folder`.  *accepted
 * counts them.  0; < 0 -errno; > 0 with a line in `error`. */
MW_MUST_CHECK int ask_all(struct ask *a, FILE *in, FILE *out, const char *folder, size_t *accepted,
                          struct buf *error);

void ask_deinit(struct ask *a);

#endif
