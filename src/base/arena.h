/*
 * Memory that lives as long as one request: many small pieces, freed together.
 * Life:   ARENA_INIT(max) -> arena_alloc()* -> arena_deinit()
 * Memory: bounded by max_bytes; pieces are zeroed and aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes, max_bytes;
};

#define ARENA_INIT(max)                                                                            \
    {                                                                                              \
        .max_bytes = (max)                                                                         \
    }

void arena_deinit(struct arena *a); /* an all-zero arena is fine; usable with CLEANUP */

/* NULL: out of memory, or max_bytes would be passed. */
MW_MUST_CHECK void *arena_alloc(struct arena *a, size_t bytes);
MW_MUST_CHECK void *arena_calloc(struct arena *a, size_t count, size_t bytes);
MW_MUST_CHECK char *arena_strdup(struct arena *a, const char *s);
MW_MUST_CHECK char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
MW_MUST_CHECK char *arena_vprintf(struct arena *a, const char *format, va_list args)
    PRINTF_LIKE(2, 0);

/* A copy of the bytes, with a NUL after them.  *out untouched on failure (-ENOMEM). */
MW_MUST_CHECK int arena_copy(struct arena *a, struct mw_span s, struct mw_span *out);

#endif
