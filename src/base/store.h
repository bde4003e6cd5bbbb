/*
 * The state that outlives a run (pins, decisions, caches): one SQLite file in WAL mode, so a
 * kill at any moment leaves either the old state or the new one.
 * Life:   store_open() -> store_*() -> store_close()
 * Errors: < 0 -errno; > 0 an SQLite result code, its text in store_error().
 */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <sqlite3.h>

#include "base/span.h"

struct store;

/* Creates folder and file if they are missing (mode 0700 and 0600) and runs the migrations
 * that have not run yet: `migrations` is a list of SQL scripts, the file remembers how many it
 * has seen (PRAGMA user_version).  A file from a newer Midwatch is refused with -EPROTO.
 * A folder of another user, or that others may write to, is refused with -EPERM.
 * On failure `error` (may be NULL, else 256 bytes) says what and where. */
MW_MUST_CHECK int store_open(struct store **out, const char *folder, const char *file,
                             const char *const *migrations, size_t n_migrations, char *error);
void store_close(struct store *s);   /* NULL ok */
void store_closep(struct store **s); /* for CLEANUP */

const char *store_error(const struct store *s);

/* A statement, compiled once and kept; reset and unbound on return.  NULL: see store_error. */
sqlite3_stmt *store_prepare(struct store *s, const char *sql);

/* Runs `sql` without rows; parameters come from `values`, all text, NULL for SQL null. */
MW_MUST_CHECK int store_run(struct store *s, const char *sql, const char *const *values,
                            size_t n_values);

/* All in between is one transaction; store_end(s, false) rolls back. */
MW_MUST_CHECK int store_begin(struct store *s);
MW_MUST_CHECK int store_end(struct store *s, bool keep);

#endif
