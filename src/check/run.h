/*
 * Checking: every target is contacted (or a chain from a file taken), judged, and handed over
 * as it is done.
 */
#ifndef CHECK_RUN_H
#define CHECK_RUN_H

#include <midwatch/trust.h>

#include "check/options.h"

struct run_result {
    const struct target *target;
    const struct mw_evidence *ev;       /* NULL with an error */
    const struct mw_verdict *v;         /* NULL with an error */
    const char *error;                  /* why it could not be judged, one line; NULL: it was */
    double seconds;                     /* from its start to the verdict */
};

/* Everything is borrowed until it returns. */
typedef void run_result_fn(void *context, const struct run_result *r);

struct run {
    const struct check_options *options;
    const struct mw_policy *policy;
    const char *cache_folder;           /* for CRLs; NULL: not kept */
    run_result_fn *on_result;
    void *context;
};

struct run_end {
    size_t done;                        /* results handed over */
    int signal;                         /* SIGINT or SIGTERM stopped it; 0: it came to its end */
};

/* Contacts all of options->targets, results in order of arrival.  0, or < 0 -errno, or > 0 with
 * a line in `error`. */
MW_MUST_CHECK int run_network(const struct run *run, struct run_end *end, struct buf *error);

/* Judges --chain's file for the one target; nothing touches the network. */
MW_MUST_CHECK int run_offline(const struct run *run, struct run_end *end, struct buf *error);

#endif
