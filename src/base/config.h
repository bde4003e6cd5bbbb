/*
 * A config file, read against a table of what may stand in it.  A key that is not in the
 * table is an error that names the file, the line and the nearest known key: a misspelt
 * setting is never silently ignored.
 *
 *     # a comment, also // and C's own
 *     timeout 90s;                    nginx's way: the ";" may be left out at a line's end
 *     ask = yes
 *     controls = [one.example, "two.example"]
 *
 * Syntax: the flat part of libucl's, so that such a file stays one if libucl is ever used
 *         (docs/decisions/0002-config-reader.md).  No includes, no variables, no sections.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"

enum config_kind {
    CONFIG_STRING,  /* const char *                                       */
    CONFIG_LIST,    /* struct config_list: one string or several          */
    CONFIG_NUMBER,  /* int64_t, within min..max; "64k" is 64000, "64kb" 65536 */
    CONFIG_BOOL,    /* bool: yes, on, true, no, off, false                */
    CONFIG_SECONDS, /* int64_t within min..max: "90", "90s", "5min", "2h", "7d", "2w" */
};

/* Bounds on what a file may hold; more is an error with its line. */
enum { CONFIG_MAX_LIST = 1024, CONFIG_MAX_WORD = 4096 };

struct config_list {
    const char **items;
    size_t count;
};

/* One setting: its key and where its value goes, as an offset into the caller's struct. */
struct config_key {
    const char *name;
    enum config_kind kind;
    size_t offset;
    int64_t min, max; /* CONFIG_NUMBER and CONFIG_SECONDS */
};

/* Fills *target from the text; keys that are absent leave it as it was, and after an error
 * what it holds is unspecified.  Strings live in `arena`.  0, -ENOMEM, or > 0 with one line
 * in `error` (what, where, what to do): file:line: ...  `file` is the name for messages. */
MW_MUST_CHECK int config_read(struct mw_span text, const char *file, const struct config_key *keys,
                              size_t n_keys, void *target, struct arena *arena, struct buf *error);

/* The known word nearest to `word` by edit distance, NULL if none is near: "did you mean".
 * Entries may be NULL. */
const char *config_nearest(const char *word, const char *const *known, size_t n);

#endif
