/*
 * Bytes on their way from one socket to another, in chunks, with a high-water mark: a full
 * queue means that its source is not read until the sink has taken something.
 * Life:   QUEUE_INIT(limit) -> queue_*() -> queue_deinit()
 * Memory: owns its chunks; at most limit_bytes and one chunk's slack are held.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/span.h"

struct queue_chunk;

struct queue {
    struct queue_chunk *first, *last;
    size_t len, limit_bytes;
};

#define QUEUE_INIT(limit)                                                                          \
    {                                                                                              \
        .limit_bytes = (limit)                                                                     \
    }

void queue_deinit(struct queue *q); /* an all-zero queue is fine; usable with CLEANUP */

/* Bytes that may still be added; 0: stop reading. */
size_t queue_room(const struct queue *q);

/* A copy of all of `bytes` at the end.  -EMSGSIZE: more than queue_room(), nothing was added. */
MW_MUST_CHECK int queue_add(struct queue *q, struct mw_span bytes);

/* Where the source may read into: *room bytes, at least one.  NULL: full, or out of memory
 * (then queue_room() is not 0).  queue_took() counts what was read. */
uint8_t *queue_reserve(struct queue *q, size_t *room);
void queue_took(struct queue *q, size_t len);

/* What the sink may write next, empty if there is nothing; queue_drop() once it has. */
struct mw_span queue_front(const struct queue *q);
void queue_drop(struct queue *q, size_t len); /* at most q->len */

#endif
