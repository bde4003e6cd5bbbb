/*
 * A config file, or a section of one, read against a table of what may stand in it.  A key that is
 * not in the table is an error that names the file, the line, the column and the nearest known
 * key: a misspelt setting is never silently ignored.
 *
 *     # a comment, also // and C's own
 *     timeout 90s;                    nginx's way: the ";" may be left out at a line's end
 *     ask = yes
 *     controls = [one.example, "two.example"]
 *
 * Syntax: base/ucl.h; config_read() takes its flat part, without sections
 *         (docs/decisions/0002-config-reader.md).
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/ucl.h"

enum config_kind {
    CONFIG_STRING,  /* const char *                                       */
    CONFIG_LIST,    /* struct config_list: one string or several          */
    CONFIG_NUMBER,  /* int64_t, within min..max; "64k" is 64000, "64kb" 65536 */
    CONFIG_BOOL,    /* bool: yes, on, true, no, off, false                */
    CONFIG_SECONDS, /* int64_t within min..max: "90", "90s", "5min", "2h", "7d", "2w" */
    CONFIG_UNSIGNED, /* unsigned: as CONFIG_NUMBER */
    CONFIG_CHOICE,  /* an enum: the word's number among `words` */
    CONFIG_SECTION, /* settings of `section`, into the same target */
    CONFIG_NODE,    /* what `read` makes of it, a section too */
};

/* Bounds on what a flat file may hold; more is an error with its line. */
enum { CONFIG_MAX_LIST = 1024, CONFIG_MAX_WORD = UCL_MAX_WORD };

struct config_list {
    const char **items;
    size_t count;
};

/* Takes a node; to: where the key's offset points.  0, -errno, or UCL_WRONG with a line. */
typedef int config_node_fn(void *context, const struct ucl *node, void *to);

/* One setting: its key and where its value goes, as an offset into the caller's struct. */
struct config_key {
    const char *name;
    enum config_kind kind;
    size_t offset;
    int64_t min, max; /* numbers and seconds */
    config_node_fn *read; /* CONFIG_NODE */
    bool many; /* may be set more than once */
    const char *const *words; /* CONFIG_CHOICE: ends with NULL; "" is a number without a word */
    const struct config_table *section; /* CONFIG_SECTION */
};

struct config_table {
    const struct config_key *keys;
    size_t n;
};

/* Fills *target from the text; keys that are absent leave it as it was, and after an error
 * what it holds is unspecified.  Strings live in `arena`.  0, -ENOMEM, or > 0 with one line
 * in `error` (what, where, what to do): file:line:column: ...  `file` is the name for messages. */
MW_MUST_CHECK int config_read(struct mw_span text, const char *file, const struct config_key *keys,
                              size_t n_keys, void *target, struct arena *arena, struct buf *error);

/* Likewise for a section that was read before; context is what CONFIG_NODE's `read` is given. */
MW_MUST_CHECK int config_bind(const struct ucl *section, const struct config_table *table,
                              void *target, void *context, struct arena *arena,
                              struct buf *error);

/* The known word nearest to `word` by edit distance, NULL if none is near: "did you mean".
 * Entries may be NULL. */
const char *config_nearest(const char *word, const char *const *known, size_t n);

#endif
