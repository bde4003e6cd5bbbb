/*
 * The times at which a rule holds: days of the week, hours of the day, and an end.
 */
#ifndef GATE_POLICY_WHEN_H
#define GATE_POLICY_WHEN_H

#include "base/ucl.h"

enum { WHEN_MAX_HOURS = 8, MINUTES_OF_DAY = 24 * 60 };

struct when {
    unsigned days;              /* bit 0: Monday; 0: any day */
    struct {
        int from, to;           /* minutes; to <= from: over midnight */
    } hours[WHEN_MAX_HOURS];
    size_t n_hours;             /* 0: all day */
    int zone_minutes;           /* east of UTC */
    struct mw_wall until;       /* 0: for good */
};

/* "mon", "mon-fri", "sat-mon"; "08:00-18:00", "22:00-06:00"; "UTC", "+02:00"; a date or a time
 * (RFC 3339).  0, -ENOMEM, UCL_WRONG. */
MW_MUST_CHECK int when_days_read(struct when *w, const struct ucl *node, struct arena *arena,
                                 struct buf *error);
MW_MUST_CHECK int when_hours_read(struct when *w, const struct ucl *node, struct arena *arena,
                                  struct buf *error);
MW_MUST_CHECK int when_zone_read(struct when *w, const struct ucl *node, struct buf *error);
MW_MUST_CHECK int when_until_read(struct when *w, const struct ucl *node, struct buf *error);

/* Hours over midnight belong to the day on which they began. */
bool when_holds(const struct when *w, struct mw_wall now);
bool when_is_over(const struct when *w, struct mw_wall now);
bool when_is_always(const struct when *w);

#endif
