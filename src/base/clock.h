/*
 * Two kinds of time that cannot mix: wall to judge by (it can be wrong, that is the point),
 * mono to wait by.  Only programs and the probe read them; trust is told.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

struct mono {
    int64_t ns;
};

struct mw_wall wall_now(void);
int64_t wall_now_ms(void); /* since 1970, to measure by how much a clock is off */
struct mono mono_now(void);

/* b - a, in seconds or nanoseconds. */
static inline int64_t wall_diff_s(struct mw_wall a, struct mw_wall b)
{
    return b.s - a.s;
}

static inline int64_t mono_diff_ns(struct mono a, struct mono b)
{
    return b.ns - a.ns;
}

/* RFC 3339, with an offset or "Z"; a fraction is rounded down; a date alone is its midnight
 * UTC.  -EINVAL: anything else, also a day that the month does not have. */
MW_MUST_CHECK int wall_parse(struct mw_span text, struct mw_wall *out);

/* Civil date to seconds, for parsers of other formats.  month 1..12, day 1..31; the caller
 * has checked the ranges.  Proleptic Gregorian. */
struct mw_wall wall_from_utc(int year, int month, int day, int hour, int minute, int second);

/* "2026-11-21T22:30:05Z", or "2026-11-21" for the date alone. */
void wall_format(struct buf *out, struct mw_wall t);
void wall_format_date(struct buf *out, struct mw_wall t);

/* "12 days", "36 hours", "1 second": the largest unit of which there are two, sign dropped. */
void span_of_time_format(struct buf *out, int64_t seconds);

#endif
