/*
 * What `watch` compares: the few facts of a verdict whose change is worth a word.  A renewed
 * certificate from the same authority is none.
 * Pure: no clock, no store.
 */
#ifndef CHECK_WATCH_SUMMARY_H
#define CHECK_WATCH_SUMMARY_H

#include <midwatch/trust.h>

#include "base/buf.h"

enum { SUMMARY_BYTES = 4096 };

struct watch_summary {
    char outcome[16];           /* "private", … */
    char issuer[512];           /* who issued the server's certificate; "" none seen */
    char root[512];             /* what the path ends in, and its class; "" nowhere */
    char reader[512];           /* the first reader; "" nobody */
    char clock[32];             /* "right", "wrong", "unknown" */
    char errors[1024];          /* codes, joined with "," */
};

void watch_summary_of(struct watch_summary *out, const struct mw_verdict *v);

/* As text for the store, a line a fact, and back.  -EINVAL: not such a text. */
void watch_summary_format(struct buf *out, const struct watch_summary *s);
MW_MUST_CHECK int watch_summary_parse(struct watch_summary *out, struct mw_span text);

/* One line for each change, in plain words; returns how many. */
size_t watch_summary_diff(struct buf *out, const struct watch_summary *before,
                          const struct watch_summary *after);

#endif
