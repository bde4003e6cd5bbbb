/*
 * Borrowed bytes: comparing and cutting them.  A span never owns; it is valid as long as what
 * it points into.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"

/* A string literal's bytes, without its NUL. */
#define SPAN_LIT(s) ((struct mw_span){ (const uint8_t *)(s), sizeof(s) - 1 })

static inline struct mw_span span_of(const void *data, size_t len)
{
    return (struct mw_span){ data, len };
}

/* s: NUL-terminated, or NULL for none. */
static inline struct mw_span span_str(const char *s)
{
    return (struct mw_span){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

static inline bool span_eq(struct mw_span a, struct mw_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII letters compare without case; every other byte exactly. */
bool span_eq_nocase(struct mw_span a, struct mw_span b);
bool span_ends_nocase(struct mw_span whole, struct mw_span tail);

/* <0, 0, >0 in byte order; a shorter span sorts before its continuation. */
int span_cmp(struct mw_span a, struct mw_span b);

/* From byte `from` on, at most len bytes; both are clamped to what is there. */
struct mw_span span_cut(struct mw_span s, size_t from, size_t len);

/* Takes one line off *rest (up to "\n" or "\r\n", which are dropped).  false: nothing left. */
bool span_line(struct mw_span *rest, struct mw_span *line);

/* Takes up to the next `mark` off *rest, and the mark.  false: nothing left. */
bool span_field(struct mw_span *rest, char mark, struct mw_span *field);

/* Without spaces and tabs at both ends. */
struct mw_span span_trim(struct mw_span s);

/* A NUL-terminated heap copy, NULL when out of memory.  Bytes after a NUL are kept. */
MW_MUST_CHECK char *span_dup(struct mw_span s);

#endif
