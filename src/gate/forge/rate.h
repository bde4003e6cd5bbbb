/*
 * How many leaves a minute: a bucket that fills steadily and holds a minute's worth, so that a
 * gateway that has just started may ask for many at once.
 */
#ifndef GATE_FORGE_RATE_H
#define GATE_FORGE_RATE_H

#include <stdbool.h>

#include "base/clock.h"

struct rate {
    int64_t per_minute;         /* 0: none at all */
    int64_t nano_tokens;        /* a leaf costs 10^9 */
    struct mono filled;
};

void rate_init(struct rate *r, int64_t per_minute, struct mono now);

/* A new limit; what was saved up stays, as far as the new one allows. */
void rate_set(struct rate *r, int64_t per_minute);

/* May one more be made now?  Then it counts. */
bool rate_take(struct rate *r, struct mono now);

#endif
