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

/* One line of the log.  what: "trust", "trust-remove", "pin", "pin-remove", "watch". */
struct state_event {
    struct mw_wall at;
    const char *what, *subject, *detail;
};

/* "example.test:443", "[2001:db8::1]:443": what an event about a host and port is about. */
void state_subject(char out[300], const char *host, uint16_t port);

/* SQL and its parameters, as store_run() takes them. */
struct state_sql {
    const char *text;
    const char *const *values;
    size_t n_values;
};

/* A change and its line in the log: both, or neither.  event NULL: not worth a line. */
MW_MUST_CHECK int state_change(struct store *s, const struct state_sql *change,
                               const struct state_event *event);

/* Rows go, and each leaves a line in the log: `log` inserts an event for every row that
 * `removal` then deletes.  Both, or neither.  *n_removed counts the rows. */
MW_MUST_CHECK int state_remove(struct store *s, const struct state_sql *log,
                               const struct state_sql *removal, size_t *n_removed);

/* The log, oldest first; a non-zero return from `each` stops and is returned. */
typedef int state_event_fn(void *context, struct mw_wall at, const char *what,
                           const char *subject, const char *detail);
MW_MUST_CHECK int state_events(struct store *s, state_event_fn *each, void *context);

#endif
