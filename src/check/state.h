/*
 * What Midwatch remembers between runs: pins, decisions ("Trust anyway"), what `watch` saw
 * last, and a log of every change to them.  One SQLite file; see base/store.h.
 */
#ifndef CHECK_STATE_H
#define CHECK_STATE_H

#include "base/store.h"

/* Where the state lives: `option` (--state) if given, else $MIDWATCH_STATE, else
 * $XDG_STATE_HOME/midwatch, else $HOME/.local/state/midwatch.  The caller frees the result.
 * NULL: out of memory, or no home to put it in. */
MW_MUST_CHECK char *state_folder(const char *option);

/* Opens (and makes) the state in `folder`.  > 0 or < 0: `error` (256 bytes) says what went
 * wrong, where, and what to do. */
MW_MUST_CHECK int state_open(struct store **out, const char *folder, char *error);

/* The same, but only if it is already there: *out stays NULL (and 0 is returned) when nothing
 * was ever remembered, so that a mere check leaves no traces. */
MW_MUST_CHECK int state_open_existing(struct store **out, const char *folder, char *error);

/* One line in the log of changes, in the same transaction as the change.
 * what: "trust", "trust-remove", "pin", "pin-remove", "watch". */
MW_MUST_CHECK int state_log(struct store *s, struct mw_wall at, const char *what,
                            const char *subject, const char *detail);

/* Rows changed by the statement that ran last. */
MW_MUST_CHECK int state_changes(struct store *s, size_t *out);

/* The log, oldest first; a non-zero return from `each` stops and is returned. */
typedef int state_event_fn(void *context, struct mw_wall at, const char *what,
                           const char *subject, const char *detail);
MW_MUST_CHECK int state_events(struct store *s, state_event_fn *each, void *context);

#endif
