/*
 * Sets of host names: single names, and trees (".example.com": itself and everything below),
 * anchored on label borders: ".example.com" never covers "notexample.com".
 *
 * Life:   names_add()* -> names_sort() -> names_find()*
 * Memory: in the arena.
 */
#ifndef GATE_POLICY_NAMES_H
#define GATE_POLICY_NAMES_H

#include "base/ucl.h"

enum { NAMES_MAX = 500000 };

struct name_entry {
    const char *name;           /* lower-case A-labels, without the dot of a tree */
    bool tree;
    size_t tag;                 /* the caller's */
};

struct names {
    struct name_entry *items;
    size_t n, room;
};

/* How a name is read. */
struct names_reader {
    struct arena *arena;
    struct buf *error;
    const char *key;            /* the setting, for messages */
    bool whole_suffix;          /* trees of public suffixes (".com") are meant */
};

/* text: "example.com", ".example.com", U-labels too.  0, -ENOMEM, or UCL_WRONG with what is wrong
 * at `at`. */
MW_MUST_CHECK int names_add(struct names *n, const struct names_reader *r, const char *text,
                            const struct ucl_place *at, size_t tag);

/* A file's lines: a name each, "#" begins a comment. */
MW_MUST_CHECK int names_add_lines(struct names *n, const struct names_reader *r,
                                  struct mw_span text, const char *file);

/* Adds what is known to be right: no checks. */
MW_MUST_CHECK int names_put(struct names *n, struct arena *arena, const char *name, bool tree,
                            size_t tag);

/* Before the first find. */
void names_sort(struct names *n);

/* The entry that covers the host, the most specific one; NULL: none.  host: lower-case A-labels. */
const struct name_entry *names_find(const struct names *n, const char *host);

/* Is every name that `inner` covers covered by `outer` too? */
bool names_cover(const struct names *outer, const struct names *inner);

#endif
