#include "meet/wire/vector.h"

#include <errno.h>

#include "meet/wire/list.h"

enum {
    BITS_1 = 0x3f,              /* the longest that one, two and four bytes tell */
    BITS_2 = 0x3fff,
    BITS_4 = 0x3fffffff,
    OPENED = 4,                 /* kept free by vector_open(): the longest length */
};

/* 2.1.2: the two top bits say how many bytes follow.  MUST reject the fourth form, and a form
 * longer than the value needs. */
size_t vector_length_read(struct reader *r)
{
    uint8_t first = read_u8(r);
    size_t v = first & 0x3f;

    switch (first >> 6) {
    case 0:
        return v;
    case 1:
        v = v << 8 | read_u8(r);
        if (v <= BITS_1)
            read_fail(r);
        return v;
    case 2:
        v = v << 24 | read_u24(r);
        if (v <= BITS_2)
            read_fail(r);
        return v;
    default:
        read_fail(r);
        return 0;
    }
}

struct mw_span vector_read(struct reader *r)
{
    size_t len = vector_length_read(r);

    return read_bytes(r, len);
}

size_t vector_header(size_t len)
{
    return len <= BITS_1 ? 1 : len <= BITS_2 ? 2 : 4;
}

size_t vector_header_put(uint8_t at[4], size_t len)
{
    size_t n = vector_header(len);
    uint32_t v = (uint32_t)len | (n == 4 ? 2u << 30 : n == 2 ? 1u << 14 : 0);

    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    return n;
}

static void too_long(struct buf *b)
{
    if (b->error == 0)
        b->error = -EMSGSIZE;
}

void vector_write(struct buf *b, struct mw_span s)
{
    uint8_t header[4];

    if (s.len > BITS_4) {
        too_long(b);
        return;
    }
    buf_add(b, span_of(header, vector_header_put(header, s.len)));
    buf_add(b, s);
}

size_t vector_open(struct buf *b)
{
    size_t at = b->len;

    buf_fill(b, 0, OPENED);
    return at;
}

/* Room was kept for the longest length: what is short enough to be told in fewer bytes, and so
 * cheap to move, moves down. */
void vector_close(struct buf *b, size_t at)
{
    uint8_t header[4];
    size_t len, n;

    if (buf_error(b) != 0)
        return;
    len = b->len - at - OPENED;
    if (len > BITS_4) {
        too_long(b);
        return;
    }
    n = vector_header_put(header, len);
    memcpy(b->data + at, header, n);
    if (n < OPENED) {
        memmove(b->data + at + n, b->data + at + OPENED, len);
        buf_truncate(b, at + n + len);
    }
}

bool u16_list_has(struct mw_span list, uint16_t v)
{
    for (size_t i = 0; i + 2 <= list.len; i += 2)
        if (list.data[i] == v >> 8 && list.data[i + 1] == (v & 0xff))
            return true;
    return false;
}

uint32_t u32_list_at(struct mw_span list, size_t i)
{
    const uint8_t *at = list.data + 4 * i;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

struct mw_span entries_read(struct reader *r, void (*entry)(struct reader *r))
{
    struct mw_span list = vector_read(r);
    struct reader inner = { .rest = list };

    while (read_more(&inner))
        entry(&inner);
    if (inner.failed)
        read_fail(r);
    return r->failed ? (struct mw_span){ NULL, 0 } : list;
}

static struct mw_span whole_list_read(struct reader *r, size_t size)
{
    struct mw_span list = vector_read(r);

    if (list.len % size == 0)
        return list;
    read_fail(r);
    return (struct mw_span){ NULL, 0 };
}

struct mw_span u16_list_read(struct reader *r)
{
    return whole_list_read(r, 2);
}

struct mw_span u32_list_read(struct reader *r)
{
    return whole_list_read(r, 4);
}

struct mw_span wire_since(struct mw_span start, const struct reader *r)
{
    if (r->failed)
        return (struct mw_span){ NULL, 0 };
    return span_of(start.data, start.len - r->rest.len);
}

bool present_read(struct reader *r)
{
    uint8_t present = read_u8(r);

    /* 2.1.1: MUST be rejected as malformed. */
    if (present > 1)
        read_fail(r);
    return present == 1;
}

uint8_t enum_read(struct reader *r, uint8_t last)
{
    uint8_t v = read_u8(r);

    if (v == 0 || v > last) {
        read_fail(r);
        return 0;
    }
    return v;
}
