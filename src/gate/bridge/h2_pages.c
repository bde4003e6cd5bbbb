#include "gate/bridge/h2_pages.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    LASTING = 4 * PAGE,         /* two sessions of nghttp2 1.52 take 10 KiB of it */
    GAP = 16,                   /* as many zero bytes end a piece: what its head takes, and more */
};

struct h2_pages {
    struct h2_pages *next;
    uint8_t *data;              /* beyond `size` all is zero */
    size_t size, room;          /* room: whole pages */
    size_t from, to;            /* between them bytes were spent */
};

/* Stands before each of the small blocks. */
struct lasting {
    alignas(max_align_t) size_t size;
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

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* Without writing on pages that are empty: those may not be there at all. */
static void pages_wipe(struct h2_pages *p)
{
    for (size_t at = 0; at < p->room; at += PAGE)
        if (!is_zero(p->data + at))
            explicit_bzero(p->data + at, PAGE);
}

static struct h2_pages *pages_new(struct h2_memory *m, size_t size)
{
    size_t room = (size + PAGE - 1) / PAGE * PAGE;
    struct h2_pages *p = malloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    *p = (struct h2_pages){ .data = aligned_alloc(PAGE, room), .room = room };
    if (p->data == NULL) {
        free(p);
        return NULL;
    }
    pages_wipe(p);
    p->next = m->pages;
    m->pages = p;
    return p;
}

void *h2_pages_alloc(struct h2_memory *m, size_t size)
{
    struct h2_pages *p = h2_memory_may(m, size) ? pages_new(m, size) : NULL;

    if (p == NULL)
        return NULL;
    p->size = p->from = size;
    h2_memory_took(m, size);
    return p->data;
}

/* A small block with its head, as it stands on the pages. */
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
    block->size = size;
    m->lasting_from += lasting_size(size);
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
    if ((uintptr_t)data % PAGE != 0)
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
    pages_wipe(p);
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

/* Bytes of a block of pages that are not all zero, behind this head; one without any is the last
 * of its pages. */
struct piece {
    uint32_t from, size;
};

static uint64_t word_at(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

/* The next bytes from `at` on that are worth a piece; of size 0: there are none. */
static struct piece piece_find(const struct h2_pages *p, size_t at)
{
    size_t to;

    while (at < p->room && word_at(p->data + at) == 0)
        at += at % PAGE == 0 && is_zero(p->data + at) ? PAGE : sizeof(uint64_t);
    for (to = at; to < p->room; to += sizeof(uint64_t))
        if (word_at(p->data + to) == 0 && (to + GAP > p->room ||
                                           word_at(p->data + to + sizeof(uint64_t)) == 0))
            break;
    return (struct piece){ (uint32_t)at, (uint32_t)(to - at) };
}

/* to: NULL to measure.  How many bytes it takes. */
static size_t pages_pack(const struct h2_pages *p, uint8_t *to)
{
    struct piece piece = piece_find(p, 0);
    size_t n = 0;

    for (;; piece = piece_find(p, piece.from + piece.size)) {
        if (to != NULL) {
            memcpy(to + n, &piece, sizeof(piece));
            memcpy(to + n + sizeof(piece), p->data + piece.from, piece.size);
        }
        n += sizeof(piece) + piece.size;
        if (piece.size == 0)
            return n;
    }
}

static size_t pages_unpack(struct h2_pages *p, const uint8_t *from)
{
    struct piece piece;
    size_t n = 0;

    do {
        memcpy(&piece, from + n, sizeof(piece));
        memcpy(p->data + piece.from, from + n + sizeof(piece), piece.size);
        n += sizeof(piece) + piece.size;
    } while (piece.size > 0);
    return n;
}

/* Where it is worth it.  The list of pages does not change until they are unpacked. */
static void all_pack(struct h2_memory *m)
{
    size_t size = 0, at = 0;

    for (const struct h2_pages *p = m->pages; p != NULL; p = p->next)
        size += pages_pack(p, NULL);
    if (size > PAGE * h2_memory_full_pages(m) / 2 || sysconf(_SC_PAGESIZE) > PAGE)
        return;
    m->packed = malloc(size);
    if (m->packed == NULL)
        return;
    m->packed_size = size;
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next) {
        at += pages_pack(p, m->packed + at);
        pages_wipe(p);
    }
}

void h2_memory_rest(struct h2_memory *m)
{
    if (m->packed != NULL)
        return;
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next) {
        if (p->from < p->to)
            explicit_bzero(p->data + p->from, p->to - p->from);
        p->from = p->size;
        p->to = 0;
    }
    all_pack(m);
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        for (size_t at = 0; at < p->room; at += PAGE)
            if (is_zero(p->data + at))
                (void)madvise(p->data + at, PAGE, MADV_DONTNEED);
}

void h2_memory_wake(struct h2_memory *m)
{
    size_t at = 0;

    if (m->packed == NULL)
        return;
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        at += pages_unpack(p, m->packed + at);
    packed_free(m);
}

void h2_memory_spent(struct h2_memory *m, const uint8_t *data, size_t n)
{
    for (struct h2_pages *p = m->pages; p != NULL; p = p->next)
        if (p != m->lasting_pages && data >= p->data && data < p->data + p->size) {
            size_t from = (size_t)(data - p->data);

            p->from = from < p->from ? from : p->from;
            p->to = from + n > p->to ? from + n : p->to;
            return;
        }
}

size_t h2_memory_full_pages(const struct h2_memory *m)
{
    size_t n = 0;

    for (const struct h2_pages *p = m->pages; p != NULL; p = p->next)
        for (size_t at = 0; at < p->room; at += PAGE)
            n += !is_zero(p->data + at);
    return n;
}
