#include "gate/bridge/h2_memory.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gate/bridge/h2_pages.h"

/* Stands before every block: free() has to know what it gives back. */
struct h2_block {
    alignas(max_align_t) struct h2_block *next;
    struct h2_block **at;       /* what points here */
    size_t size;
};

static void block_link(struct h2_memory *m, struct h2_block *b)
{
    b->next = m->blocks;
    b->at = &m->blocks;
    if (b->next != NULL)
        b->next->at = &b->next;
    m->blocks = b;
}

static void block_unlink(struct h2_block *b)
{
    *b->at = b->next;
    if (b->next != NULL)
        b->next->at = b->at;
}

/* --------------------------------------------------------------------------------- blocks ---- */

void *h2_alloc(struct h2_memory *m, size_t size)
{
    struct h2_block *b;

    if (!h2_memory_may(m, size))
        return NULL;
    b = malloc(sizeof(*b) + size);
    if (b == NULL)
        return NULL;
    b->size = size;
    block_link(m, b);
    h2_memory_took(m, size);
    return b + 1;
}

void h2_free(struct h2_memory *m, void *p)
{
    struct h2_block *b;

    if (p == NULL || h2_pages_free(m, p))
        return;
    b = (struct h2_block *)p - 1;
    block_unlink(b);
    m->used -= b->size;
    explicit_bzero(b + 1, b->size);     /* people's headers */
    free(b);
}

static size_t size_of(struct h2_memory *m, const void *p)
{
    size_t size = h2_pages_size(m, p);

    return size > 0 || p == NULL ? size : ((const struct h2_block *)p - 1)->size;
}

/* to: new, or NULL for want of memory. */
static void *move(struct h2_memory *m, void *to, void *from, size_t size)
{
    size_t before = size_of(m, from);

    if (to == NULL || from == NULL)
        return to;
    memcpy(to, from, before < size ? before : size);
    h2_free(m, from);
    return to;
}

void *h2_realloc(struct h2_memory *m, void *p, size_t size)
{
    return move(m, h2_alloc(m, size), p, size);
}

void h2_memory_deinit(struct h2_memory *m)
{
    while (m->blocks != NULL)
        h2_free(m, m->blocks + 1);
    h2_pages_deinit(m);
}

static void *mem_malloc(size_t size, void *context)
{
    struct h2_memory *m = context;

    if (m->lasting && h2_pages_can_last(m, size))
        return h2_pages_lasting(m, size);
    return size >= H2_LARGE ? h2_pages_alloc(m, size) : h2_alloc(m, size);
}

static void mem_free(void *p, void *context)
{
    h2_free(context, p);
}

static void *mem_calloc(size_t n, size_t size, void *context)
{
    void *p = size == 0 || n <= SIZE_MAX / size ? mem_malloc(n * size, context) : NULL;

    return p != NULL ? memset(p, 0, n * size) : NULL;
}

static void *mem_realloc(void *p, size_t size, void *context)
{
    return move(context, mem_malloc(size, context), p, size);
}

nghttp2_mem h2_nghttp2_mem(struct h2_memory *m)
{
    return (nghttp2_mem){ m, mem_malloc, mem_free, mem_calloc, mem_realloc };
}

/* ---------------------------------------------------------------------------------- pipes ---- */

enum { PIPE_FIRST = 256, PIPE_STEP = 64 * 1024 };       /* doubles until it is a step long */

int h2_pipe_add(struct h2_memory *m, struct h2_pipe *p, struct mw_span bytes)
{
    size_t need = p->len + bytes.len, room = p->room;
    uint8_t *data;

    if (bytes.len == 0)
        return 0;
    if (p->from + need > room && need <= room && p->len <= p->from) {
        memcpy(p->data, p->data + p->from, p->len);     /* cheap: they do not overlap */
        p->from = 0;
    } else if (p->from + need > room) {
        room = room < PIPE_FIRST ? PIPE_FIRST : room;
        while (room < need)
            room += room < PIPE_STEP ? room : PIPE_STEP;
        data = h2_alloc(m, room);
        if (data == NULL)
            return -ENOMEM;
        if (p->len > 0)
            memcpy(data, p->data + p->from, p->len);
        h2_free(m, p->data);
        p->data = data;
        p->room = room;
        p->from = 0;
    }
    memcpy(p->data + p->from + p->len, bytes.data, bytes.len);
    p->len = need;
    return 0;
}

void h2_pipe_drop(struct h2_memory *m, struct h2_pipe *p, size_t n)
{
    p->from += n;
    p->len -= n;
    if (p->len == 0) {
        h2_free(m, p->data);
        *p = (struct h2_pipe){ 0 };
    }
}

/* ---------------------------------------------------------------------------------- heads ---- */

static struct mw_span rcbuf_span(nghttp2_rcbuf *r)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(r);

    return span_of(v.base, v.len);
}

struct mw_span h2_field_name(const struct h2_field *f)
{
    return rcbuf_span(f->name);
}

struct mw_span h2_field_value(const struct h2_field *f)
{
    return rcbuf_span(f->value);
}

int h2_head_add(struct h2_memory *m, struct h2_head *h, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                uint8_t flags)
{
    /* RFC 9113 section 6.5.2: the length of name and value and 32 bytes for each field */
    h->list_size += rcbuf_span(name).len + rcbuf_span(value).len + 32;
    if (h->too_big || h->n == H2_HEAD_FIELDS_MAX || h->list_size > H2_HEAD_LIST_MAX) {
        h->too_big = true;
        return -EMSGSIZE;
    }
    if (h->n == h->room) {
        size_t room = h->room == 0 ? 32 : h->room * 2;
        struct h2_field *grown = h2_realloc(m, h->fields, room * sizeof(*grown));

        if (grown == NULL)
            return -ENOMEM;
        h->fields = grown;
        h->room = room;
    }
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    h->fields[h->n++] = (struct h2_field){ name, value, flags };
    return 0;
}

void h2_head_clear(struct h2_memory *m, struct h2_head *h)
{
    for (size_t i = 0; i < h->n; i++) {
        nghttp2_rcbuf_decref(h->fields[i].name);
        nghttp2_rcbuf_decref(h->fields[i].value);
    }
    h2_free(m, h->fields);
    *h = (struct h2_head){ 0 };
}
