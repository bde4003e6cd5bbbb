/*
 * What this computer trusts, put together from the settings: root certificates, pins, what was
 * trusted anyway, the catalogue and the logs.
 */
#ifndef CHECK_POLICY_H
#define CHECK_POLICY_H

#include <midwatch/trust.h>

#include "base/store.h"
#include "check/options.h"

/* remembered: the state, NULL if there is none.  Decisions are left out with --unattended: there
 * they count for nothing.  0; -ENOMEM; or > 0 with one line in `error`. */
MW_MUST_CHECK int policy_make(struct mw_policy **out, const struct check_options *o,
                              struct store *remembered, struct buf *error);

/* The roots alone: --roots, --local-roots, or the system's. */
MW_MUST_CHECK int anchors_add(struct mw_policy *p, const struct check_settings *set,
                              struct buf *error);

/* For CLEANUP. */
void policy_freep(struct mw_policy **p);

#endif
