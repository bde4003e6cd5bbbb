#include "gate/bridge/h2_pages.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

enum { LASTING = 16 * PAGES_SIZE };     /* two sessions of nghttp2 1.52 take 60 KiB of it */

struct h2_pages {
    struct h2_pages *next;
    uint8_t *data;              /* beyond `size` all is zero */
    size_t size, room;          /* room: whole pages */
};

/* Stands before each of the blocks that stay. */
struct lasting {
    alignas(max_align_t) uint32_t size;
    uint32_t from, to;          /* between them bytes were spent */
};

bool h2_memory_may(struct h2_memory *m, size_t size)
{
    if (size > m->max - m->used)
        m->refused = true;
    return size <= m->max - m->used;
}

void h2_memory_took(struct h2_memory *m, size_t size)
{
    m->used += size;
    if (m->used > m->peak)
        m->peak = m->used;
}

static struct h2_pages *pages_new(struct h2_memory *m, size_t size)
{
    size_t room = (size + PAGES_SIZE - 1) / PAGES_SIZE * PAGES_SIZE;
    struct h2_pages *p = malloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    *p = (struct h2_pages){ .data = aligned_alloc(PAGES_SIZE, room), .room = room };
    if (p->data == NULL) {
        free(p);
        return NULL;
    }
    pages_wipe(p->data, p->room);
    p->next = m->pages;
    m->pages = p;
    return p;
}

void *h2_pages_alloc(struct h2_memory *m, size_t size)
{
    struct h2_pages *p = h2_memory_may(m, size) ? pages_new(m, size) : NULL;

    if (p == NULL)
        return NULL;
    p->size = size;
    h2_memory_took(m, size);
    return p->data;
}

/* A block with its head, as it stands on the pages. */
static size_t lasting_size(size_t size)
{
    size_t align = alignof(max_align_t);

    return sizeof(struct lasting) + (size + align - 1) / align * align;
}

bool h2_pages_can_last(const struct h2_memory *m, size_t size)
{
    return size > 0 && size < LASTING && lasting_size(size) <= LASTING - m->lasting_from;
}

/* One behind the other, and none is used again: they stay. */
void *h2_pages_lasting(struct h2_memory *m, size_t size)
{
    struct lasting *block;

    if (!h2_memory_may(m, size))
        return NULL;
    if (m->lasting_pages == NULL)
        m->lasting_pages = pages_new(m, LASTING);
    if (m->lasting_pages == NULL)
        return NULL;
    block = (void *)(m->lasting_pages->data + m->lasting_from);
    *block = (struct lasting){ .size = (uint32_t)size, .from = (uint32_t)size };
    m->lasting_from += lasting_size(size);
    if (size >= H2_LARGE && m->n_large < H2_LARGE_MAX)
        m->large[m->n_large++] = block;
    m->lasting_pages->size += size;
    h2_memory_took(m, size);
    return block + 1;
}

static bool is_lasting(const struct h2_memory *m, const void *data)
{
    const struct h2_pages *p = m->lasting_pages;

    return p != NULL && (uintptr_t)data - (uintptr_t)p->data < p->room;
}

/* Where the pointer to its pages stands; NULL: it has none of its own. */
static struct h2_pages **pages_at(struct h2_pages **at, const void *data)
{
    if ((uintptr_t)data % PAGES_SIZE != 0)
        return NULL;
    while (*at != NULL && (*at)->data != data)
        at = &(*at)->next;
    return *at != NULL ? at : NULL;
}

size_t h2_pages_size(const struct h2_memory *m, const void *data)
{
    struct h2_pages *first = m->pages, **at;

    if (is_lasting(m, data))
        return ((const struct lasting *)data - 1)->size;
    at = pages_at(&first, data);
    return at != NULL ? (*at)->size : 0;
}

static void pages_free(struct h2_memory *m, struct h2_pages **at)
{
    struct h2_pages *p = *at;

    *at = p->next;
    m->used -= p->size;
    pages_wipe(p->data, p->room);
    free(p->data);
    free(p);
}

bool h2_pages_free(struct h2_memory *m, void *data)
{
    struct h2_pages **at;

    if (is_lasting(m, data)) {
        size_t size = h2_pages_size(m, data);

        explicit_bzero((struct lasting *)data - 1, sizeof(struct lasting) + size);
        m->lasting_pages->size -= size;
        m->used -= size;
        return true;
    }
    at = pages_at(&m->pages, data);
    if (at != NULL)
        pages_free(m, at);
    return at != NULL;
}

static void packed_free(struct h2_memory *m)
{
    if (m->packed != NULL)
        explicit_bzero(m->packed, m->packed_size);      /* people's headers, for all we know */
    free(m->packed);
    m->packed = NULL;
}

void h2_pages_deinit(struct h2_memory *m)
{
    packed_free(m);
    m->lasting_pages = NULL;
    while (m->pages != NULL)
        pages_free(m, &m->pages);
}

/* ------------------------------------------------------------------------------- packing ---- */

/* Where it is worth it.  The list of pages does not change until they are unpacked. */
static void all_pack(struct h2_memory *m)
{
    size_t size = 0, at = 0;

    for (const struct h2_pages *p = m->pages; p != NULL; p = p->next)
        size += pages_measure(p->data, p->room);
    if (size == 0 || size > PAGES_SIZE * h2_memory_full_pages(m) / 2 || !pages_fit())
        return;
    m->packed = malloc(size);
    if (m->packed == NULL)
        return;
    m->packed_size = size;
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        at += pages_pack(p->data, p->room, m->packed + at);
}

void h2_memory_rest(struct h2_memory *m)
{
    if (m->packed != NULL)
        return;
    for (size_t i = 0; i < m->n_large; i++) {
        struct lasting *block = m->large[i];

        if (block->from < block->to)
            explicit_bzero((uint8_t *)(block + 1) + block->from, block->to - block->from);
        block->from = block->size;
        block->to = 0;
    }
    all_pack(m);
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        pages_drop(p->data, p->room);
}

void h2_memory_wake(struct h2_memory *m)
{
    size_t at = 0;

    if (m->packed == NULL)
        return;
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        at += pages_unpack(p->data, m->packed + at);
    packed_free(m);
}

void h2_memory_spent(struct h2_memory *m, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < m->n_large; i++) {
        struct lasting *block = m->large[i];
        uintptr_t from = (uintptr_t)data - (uintptr_t)(block + 1);

        if (from < block->size && n <= block->size - from) {
            block->from = from < block->from ? (uint32_t)from : block->from;
            block->to = from + n > block->to ? (uint32_t)(from + n) : block->to;
            return;
        }
    }
}

size_t h2_memory_full_pages(const struct h2_memory *m)
{
    size_t n = 0;

    for (const struct h2_pages *p = m->pages; p != NULL; p = p->next)
        n += pages_full(p->data, p->room);
    return n;
}
