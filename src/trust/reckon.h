/*
 * What time is it, going by what others say?  Signed readings before unsigned ones, many
 * before few; those that contradict the rest are named.
 * Pure arithmetic on readings; the clock stage draws the conclusions.
 * Units:  milliseconds of offset: true time minus ours.
 * Source: RFC 10049 for signed time (midpoint and radius, a lying server is provable),
 *         RFC 5905 section 11.2.1 for intersecting intervals.
 */
#ifndef TRUST_RECKON_H
#define TRUST_RECKON_H

#include <midwatch/trust.h>

enum {
    RECKON_MAX = 64,            /* readings looked at; more are ignored */
    RECKON_SLACK_MS = 1000,     /* what whole-second formats lose, and honest servers differ by */
};

enum reckon_mark {
    RECKON_UNUSED,              /* did not answer, or a better kind of evidence was there */
    RECKON_AGREES,
    RECKON_OUTLIER,             /* unsigned, and away from the rest: ignored, that happens */
    RECKON_LIES,                /* signed, and contradicts what the others signed */
    RECKON_DISPUTED,            /* signed, contradicted, and no majority says who is right */
    RECKON_FORGED,              /* its signature is wrong */
};

struct reckoning {
    bool known;
    bool is_signed;
    enum mw_clock_source source;
    enum mw_certainty certainty;
    unsigned n;                 /* readings that agree */
    unsigned answered;          /* readings of any kind that came with an answer */
    int64_t offset_ms, uncertainty_ms;
    enum reckon_mark marks[RECKON_MAX];
};

void reckon(const struct mw_clock_reading *readings, size_t n, struct reckoning *out);

#endif
