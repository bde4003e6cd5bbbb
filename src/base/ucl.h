/*
 * Text in libucl's nginx-like syntax, as a tree whose every node knows where it stands.
 *
 *     # a comment, also // and C's own
 *     key value;                      the ";" may be left out at a line's end
 *     key = value                     also ":"
 *     key [a, "b", c]                 a list, over several lines if that reads better; or a b c;
 *     section { key value; }          nested as deep as the caller allows
 *     section "label" { key value; }
 *
 * Not here: includes, variables, macros, merging of sections that stand twice.
 * Memory: the tree and its strings live in the arena.
 * Bounds: the caller's depth, UCL_MAX_NODES, UCL_MAX_LIST, UCL_MAX_WORD; the text is the caller's.
 * Errors: one line, "file:line:column: what is wrong and what to do", safe to print.
 */
#ifndef BASE_UCL_H
#define BASE_UCL_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    UCL_MAX_DEPTH = 16,         /* whatever the caller allows */
    UCL_MAX_NODES = 200000,
    UCL_MAX_LIST = 16384,
    UCL_MAX_WORD = 4096,
    UCL_WRONG = 1,              /* what functions here return with a line in `error` */
};

/* Counted in characters from 1.  file: the name for messages. */
struct ucl_place {
    const char *file;
    unsigned line, column;
};

enum ucl_kind { UCL_WORD, UCL_LIST, UCL_SECTION };

struct ucl {
    enum ucl_kind kind;
    struct ucl_place at;        /* of the key, or of the item itself */
    struct ucl_place value;     /* of what follows the key */
    const char *key;            /* an item has its list's; NULL: the root */
    const char *label;          /* of a section; NULL: none */
    const char *text;           /* UCL_WORD; else NULL */
    const struct ucl *first, *next;     /* children, siblings: in the order written */
    size_t n;                   /* children */
};

/* What is read.  depth: 0 if sections are an error; max_list: 0 for UCL_MAX_LIST. */
struct ucl_source {
    struct mw_span text;
    const char *file;
    unsigned depth;
    size_t max_list;
};

/* 0: *root is a section.  -ENOMEM, or UCL_WRONG. */
MW_MUST_CHECK int ucl_read(const struct ucl **root, const struct ucl_source *source,
                           struct arena *arena, struct buf *error);

/* Writes "place: message" to `error`; returns UCL_WRONG. */
int ucl_fail(const struct ucl_place *at, struct buf *error, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Text from outside as it may stand in a message, cut at 60 bytes. */
struct ucl_shown {
    char text[300];
};
struct ucl_shown ucl_show(const char *text);

/* UCL_WRONG: no such setting; names the nearest of the known ones, which may be NULL. */
MW_MUST_CHECK int ucl_unknown(const struct ucl *node, const char *const *known, size_t n,
                              struct buf *error);

/* The one value of a setting, in the form that is wanted; UCL_WRONG otherwise. */
MW_MUST_CHECK int ucl_word(const struct ucl *node, const char **out, struct buf *error);
MW_MUST_CHECK int ucl_bool(const struct ucl *node, bool *out, struct buf *error);

/* "64k" is 64000, "64kb" 65536. */
MW_MUST_CHECK int ucl_number(const struct ucl *node, int64_t min, int64_t max, int64_t *out,
                             struct buf *error);

/* "90", "90s", "5min", "2h", "7d", "2w", in seconds. */
MW_MUST_CHECK int ucl_seconds(const struct ucl *node, int64_t min, int64_t max, int64_t *out,
                              struct buf *error);

/* One of the words; its number.  "" is no word. */
MW_MUST_CHECK int ucl_choice(const struct ucl *node, const char *const *words, size_t n,
                             unsigned *out, struct buf *error);

/* The values of a list of words; a word alone is a list of one.  UCL_WRONG: something else is in
 * it.  -ENOMEM. */
struct config_list;
MW_MUST_CHECK int ucl_list(const struct ucl *node, struct config_list *out, struct arena *arena,
                           struct buf *error);

#endif
