/*
 * What an HTTP/2 bridge holds, counted to the byte: memory, bytes in a row, heads.
 * Life:   struct h2_memory outlives all that was taken from it.
 */
#ifndef GATE_BRIDGE_H2_MEMORY_H
#define GATE_BRIDGE_H2_MEMORY_H

#include <nghttp2/nghttp2.h>

#include "base/span.h"

enum {
    H2_HEAD_LIST_MAX = 64 * 1024,       /* SETTINGS_MAX_HEADER_LIST_SIZE, RFC 9113 6.5.2 */
    H2_HEAD_FIELDS_MAX = 256,
    H2_LARGE = 4096,            /* 20 KiB for a frame to be sent, 4 for a map of streams */
    H2_LARGE_MAX = 4,           /* so many of each bridge */
};

struct h2_memory {
    struct h2_block *blocks;
    struct h2_pages *pages;     /* what nghttp2 keeps, and its large blocks */
    struct h2_pages *lasting_pages;     /* of these: where the former is, up to lasting_from */
    size_t lasting_from, n_large;
    struct lasting *large[H2_LARGE_MAX];        /* in there */
    uint8_t *packed;            /* what was on the pages; NULL: it is there */
    size_t packed_size;
    size_t used, peak, max;
    bool lasting;               /* what nghttp2 takes now it keeps */
    bool refused;               /* max was in the way, not the system */
};

/* Gives back all that is still taken.  Sessions end this way: after an allocation that failed,
 * nghttp2 is not to be trusted to clean up (its queues may know freed items). */
void h2_memory_deinit(struct h2_memory *m);

void *h2_alloc(struct h2_memory *m, size_t size);
void *h2_realloc(struct h2_memory *m, void *p, size_t size);
void h2_free(struct h2_memory *m, void *p);     /* NULL ok */
nghttp2_mem h2_nghttp2_mem(struct h2_memory *m);

/* These bytes, which nghttp2 gave us to send, are not needed any more once it has nothing more to
 * say (nghttp2_session_mem_send()). */
void h2_memory_spent(struct h2_memory *m, const uint8_t *data, size_t n);
/* Now it has nothing more to say: what was spent is wiped, the rest of what is on the pages is
 * packed, and they go back to the system.  Before it is called again they have to wake. */
void h2_memory_rest(struct h2_memory *m);
void h2_memory_wake(struct h2_memory *m);       /* awake: nothing happens */
/* How many of the pages have something on them. */
size_t h2_memory_full_pages(const struct h2_memory *m);

/* Bytes in a row that come and go; an empty one holds no memory. */
struct h2_pipe {
    uint8_t *data;
    size_t from, len, room;
};
MW_MUST_CHECK int h2_pipe_add(struct h2_memory *m, struct h2_pipe *p, struct mw_span bytes);
void h2_pipe_drop(struct h2_memory *m, struct h2_pipe *p, size_t n);
static inline struct mw_span h2_pipe_span(const struct h2_pipe *p)
{
    return p->len > 0 ? span_of(p->data + p->from, p->len) : span_of(NULL, 0);
}

/* --------------------------------------------------------------------------------- a head ---- */

/* Fields as nghttp2 decoded them, held by reference. */
struct h2_field {
    nghttp2_rcbuf *name, *value;
    uint8_t flags;              /* NGHTTP2_NV_FLAG_NO_INDEX passes on */
};

struct h2_head {
    struct h2_field *fields;
    size_t n, room, list_size;
    bool too_big;
};

struct mw_span h2_field_name(const struct h2_field *f);
struct mw_span h2_field_value(const struct h2_field *f);

/* 0, -EMSGSIZE (too_big from now on), -ENOMEM. */
MW_MUST_CHECK int h2_head_add(struct h2_memory *m, struct h2_head *h, nghttp2_rcbuf *name,
                              nghttp2_rcbuf *value, uint8_t flags);
void h2_head_clear(struct h2_memory *m, struct h2_head *h);

#endif
