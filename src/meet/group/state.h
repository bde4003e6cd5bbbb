/*
 * A group's state as bytes, before they are sealed (save.c).  Secret.
 */
#ifndef MEET_GROUP_STATE_H
#define MEET_GROUP_STATE_H

#include "meet/group/group.h"

#define STATE_MAX (512u << 20)

void state_write(const struct mw_mls_group *g, struct buf *out);
/* MW_MLS_E_STATE: not what state_write() wrote. */
MW_MUST_CHECK int state_read(struct mw_mls_group **out, const struct mw_mls_app *app,
                             struct mw_span state);

#endif
