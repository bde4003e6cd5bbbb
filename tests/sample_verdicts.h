/*
 * Verdicts made by hand, one of each kind that people meet, for the tests of what is printed.
 * Static data: nothing to free.  Times are seen from 2026-06-01T12:00:00Z.
 */
#ifndef SAMPLE_VERDICTS_H
#define SAMPLE_VERDICTS_H

#include <midwatch/trust.h>

struct sample {
    const char *name;           /* of the golden file */
    const struct mw_evidence *ev;
    const struct mw_verdict *v;
};

extern const struct sample samples[];
extern const size_t n_samples;

#endif
