/*
 * Something done once a run that many wait for: time servers, control hosts, the portal.
 * Life:   all-zero -> once_join()* -> once_tell() -> once_deinit()
 */
#ifndef PROBE_ONCE_H
#define PROBE_ONCE_H

#include <stdbool.h>

#include "base/compiler.h"

struct once_wait;

struct once {
    bool told;
    struct once_wait *waits;
};

typedef void once_fn(void *context);

/* 0: *wait is told once, later.  -EALREADY: it was told, go ahead.  -ENOMEM. */
MW_MUST_CHECK int once_join(struct once *o, struct once_wait **wait, once_fn *fn, void *context);
void once_leave(struct once_wait *wait);        /* NULL ok; not after it was told */

/* Tells everybody, in the order they came. */
void once_tell(struct once *o);

/* Forgets who waits. */
void once_deinit(struct once *o);

#endif
