#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void buf_deinit(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ .max = b->max };
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->room);
    buf_deinit(b);
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
    size_t room = b->room;
    uint8_t *grown;

    if (b->error != 0)
        return NULL;
    if (len > b->max - b->len || len > PTRDIFF_MAX / 2 - b->len) {
        b->error = -EMSGSIZE;
        return NULL;
    }
    if (b->len + len + 1 > room) {
        room = room < 64 ? 64 : room;
        while (room < b->len + len + 1)
            room *= 2;
        grown = realloc(b->data, room);
        if (grown == NULL) {
            b->error = -ENOMEM;
            return NULL;
        }
        b->data = grown;
        b->room = room;
    }
    return b->data + b->len;
}

void buf_took(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = 0;
}

void buf_add(struct buf *b, struct mw_span s)
{
    uint8_t *to = buf_reserve(b, s.len);

    if (to == NULL)
        return;
    if (s.len > 0)
        memcpy(to, s.data, s.len);
    buf_took(b, s.len);
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, span_str(s));
}

void buf_fill(struct buf *b, char c, size_t times)
{
    uint8_t *to = buf_reserve(b, times);

    if (to == NULL)
        return;
    memset(to, c, times);
    buf_took(b, times);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    uint8_t *to;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n < 0)
        b->error = b->error != 0 ? b->error : -EINVAL;
    to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (to != NULL) {
        vsnprintf((char *)to, (size_t)n + 1, format, again);
        buf_took(b, (size_t)n);
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

static void buf_uint(struct buf *b, uint64_t v, size_t bytes)
{
    uint8_t *to = buf_reserve(b, bytes);

    if (to == NULL)
        return;
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
    buf_took(b, bytes);
}

void buf_u8(struct buf *b, uint8_t v)
{
    buf_uint(b, v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
    buf_uint(b, v, 2);
}

void buf_u24(struct buf *b, uint32_t v)
{
    buf_uint(b, v, 3);
}

void buf_u32(struct buf *b, uint32_t v)
{
    buf_uint(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
    buf_uint(b, v, 8);
}

void buf_drop(struct buf *b, size_t len)
{
    if (len >= b->len) {
        buf_truncate(b, 0);
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = 0;
}

int buf_error(const struct buf *b)
{
    return b->error;
}

struct mw_span buf_span(const struct buf *b)
{
    return span_of(b->data, b->len);
}

char *buf_steal(struct buf *b)
{
    char *out = NULL;

    if (buf_reserve(b, 0) != NULL) {
        buf_took(b, 0);
        out = (char *)b->data;
        b->data = NULL;
    }
    buf_deinit(b);
    return out;
}
