/*
 * The records that were written lately, so that one that is sent again is not written again.
 * Bounds: between SEEN_MAX and twice as many are remembered.
 */
#ifndef GATE_SCRIBE_SEEN_H
#define GATE_SCRIBE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { SEEN_MAX = 4096, SEEN_SLOTS = 2 * SEEN_MAX };

struct seen_id {
    uint64_t worker, serial;    /* worker 0: an empty slot */
};

struct seen {
    struct seen_id ids[2][SEEN_SLOTS];  /* the younger generation, and the one before */
    unsigned young;
    uint32_t n;                 /* in the younger */
};

bool seen_has(const struct seen *s, uint64_t worker, uint64_t serial);
void seen_add(struct seen *s, uint64_t worker, uint64_t serial);

/* "00000000000000a7-12", as it stands in a line.  worker 0: it is none. */
struct seen_id seen_id_read(struct mw_span text);

#endif
