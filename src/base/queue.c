#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 16384 };

struct queue_chunk {
    struct queue_chunk *next;
    size_t from, to; /* what of bytes[] is still queued */
    uint8_t bytes[CHUNK_BYTES];
};

/* What passes through a queue is other people's plaintext: it goes when the chunk goes, or is
 * drained.  Beyond `to` there is nothing of it. */
static void chunk_wipe(struct queue_chunk *chunk)
{
    explicit_bzero(chunk->bytes, chunk->to);
    chunk->from = chunk->to = 0;
}

static void chunk_free(struct queue_chunk *chunk)
{
    chunk_wipe(chunk);
    free(chunk);
}

void queue_deinit(struct queue *q)
{
    while (q->first != NULL) {
        struct queue_chunk *next = q->first->next;

        chunk_free(q->first);
        q->first = next;
    }
    q->last = NULL;
    q->len = 0;
}

size_t queue_room(const struct queue *q)
{
    return q->limit_bytes - q->len;
}

uint8_t *queue_reserve(struct queue *q, size_t *room)
{
    struct queue_chunk *chunk = q->last;
    size_t most = queue_room(q);

    if (most == 0)
        return NULL;
    if (chunk == NULL || chunk->to == CHUNK_BYTES) {
        chunk = malloc(sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
        chunk->next = NULL;
        chunk->from = chunk->to = 0;
        if (q->last != NULL)
            q->last->next = chunk;
        else
            q->first = chunk;
        q->last = chunk;
    }
    *room = CHUNK_BYTES - chunk->to < most ? CHUNK_BYTES - chunk->to : most;
    return chunk->bytes + chunk->to;
}

void queue_took(struct queue *q, size_t len)
{
    q->last->to += len;
    q->len += len;
}

/* Takes back the last `len` bytes, so that an addition is whole or not at all. */
static void take_back(struct queue *q, struct queue_chunk *last, size_t to, size_t len)
{
    struct queue_chunk *extra = last != NULL ? last->next : q->first;

    while (extra != NULL) {
        struct queue_chunk *next = extra->next;

        chunk_free(extra);
        extra = next;
    }
    if (last != NULL) {
        explicit_bzero(last->bytes + to, last->to - to);
        last->next = NULL;
        last->to = to;
    } else {
        q->first = NULL;
    }
    q->last = last;
    q->len = len;
}

int queue_add(struct queue *q, struct mw_span bytes)
{
    struct queue_chunk *last = q->last;
    size_t to = last != NULL ? last->to : 0, len = q->len, room;

    if (bytes.len > queue_room(q))
        return -EMSGSIZE;
    while (bytes.len > 0) {
        uint8_t *at = queue_reserve(q, &room);

        if (at == NULL) {
            take_back(q, last, to, len);
            return -ENOMEM;
        }
        room = bytes.len < room ? bytes.len : room;
        memcpy(at, bytes.data, room);
        queue_took(q, room);
        bytes = span_cut(bytes, room, bytes.len);
    }
    return 0;
}

struct mw_span queue_front(const struct queue *q)
{
    if (q->len == 0)
        return (struct mw_span){ NULL, 0 };
    return span_of(q->first->bytes + q->first->from, q->first->to - q->first->from);
}

void queue_drop(struct queue *q, size_t len)
{
    q->len -= len;
    while (len > 0) {
        struct queue_chunk *chunk = q->first;
        size_t n = chunk->to - chunk->from < len ? chunk->to - chunk->from : len;

        chunk->from += n;
        len -= n;
        if (chunk->from < chunk->to)
            return;
        if (chunk->next == NULL) { /* the last one is kept for what comes next */
            chunk_wipe(chunk);
            return;
        }
        q->first = chunk->next;
        chunk_free(chunk);
    }
}
