#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t used, room;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_deinit(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    a->used_bytes = 0;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *b = a->blocks;
    size_t need, room;

    if (bytes > a->max_bytes - a->used_bytes || bytes > PTRDIFF_MAX / 2)
        return NULL;
    need = (bytes + align - 1) / align * align;
    if (b == NULL || b->room - b->used < need) {
        room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        b = calloc(1, sizeof(*b) + room);
        if (b == NULL)
            return NULL;
        b->room = room;
        b->next = a->blocks;
        a->blocks = b;
    }
    b->used += need;
    a->used_bytes += bytes;
    return b->bytes + b->used - need;
}

void *arena_calloc(struct arena *a, size_t count, size_t bytes)
{
    if (bytes != 0 && count > SIZE_MAX / bytes)
        return NULL;
    return arena_alloc(a, count * bytes);
}

int arena_copy(struct arena *a, struct mw_span s, struct mw_span *out)
{
    uint8_t *to = arena_alloc(a, s.len + 1);

    if (to == NULL)
        return -ENOMEM;
    if (s.len > 0)
        memcpy(to, s.data, s.len);
    *out = span_of(to, s.len);
    return 0;
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t bytes = strlen(s) + 1;
    char *to = arena_alloc(a, bytes);

    if (to != NULL)
        memcpy(to, s, bytes);
    return to;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    char *to = NULL;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n >= 0)
        to = arena_alloc(a, (size_t)n + 1);
    if (to != NULL)
        vsnprintf(to, (size_t)n + 1, format, again);
    va_end(again);
    return to;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *to;

    va_start(args, format);
    to = arena_vprintf(a, format, args);
    va_end(args);
    return to;
}
