/*
 * What the workers counted, for Prometheus and for `gate status`.
 * Source: Prometheus text exposition format, version 0.0.4.
 */
#ifndef GATE_CONTROL_METRICS_H
#define GATE_CONTROL_METRICS_H

#include <jansson.h>

#include "base/buf.h"
#include "gate/wire/counters.h"

struct metrics {
    struct gate_counters *const *counters;
    unsigned workers;
    bool audit_failing;
};

void metrics_text(struct buf *out, const struct metrics *m);

/* {"accepted": 12, …}: of one worker, or the sum of all.  NULL: out of memory. */
json_t *metrics_of(const struct gate_counters *c);
json_t *metrics_total(const struct metrics *m);

#endif
