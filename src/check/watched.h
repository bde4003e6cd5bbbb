/*
 * What `watch` saw last of each host, in the state.
 */
#ifndef CHECK_WATCHED_H
#define CHECK_WATCHED_H

#include "base/store.h"
#include "check/watch_summary.h"

/* *known: there is an earlier sight of this host and port.  An unreadable one counts as none. */
MW_MUST_CHECK int watched_load(struct store *s, const char *host, uint16_t port,
                               struct watch_summary *out, bool *known);

/* Keeps the new sight and logs the changes ("" for the first one). */
MW_MUST_CHECK int watched_save(struct store *s, struct mw_wall at, const char *host,
                               uint16_t port, const struct watch_summary *now,
                               const char *changes);

#endif
