#include "gate/forge/der_write.h"

#include <stdio.h>

#include "base/clock.h"

enum {
    FIRST_S = -631152000,       /* 1950-01-01T00:00:00Z */
    TEXT_ROOM = 32,
};

static const int64_t GENERALIZED_S = 2524608000;        /* 2050-01-01T00:00:00Z */
static const int64_t LAST_S = 253402300799;     /* 9999-12-31T23:59:59Z */

size_t der_open(struct buf *out, uint8_t tag)
{
    buf_u8(out, tag);
    return out->len;
}

void der_close(struct buf *out, size_t mark)
{
    size_t len, extra = 0;
    uint8_t *at;

    if (out->error != 0)
        return;
    len = out->len - mark;
    if (len >= 0x80)
        for (size_t rest = len; rest > 0; rest >>= 8)
            extra++;
    if (buf_reserve(out, extra + 1) == NULL)
        return;
    at = out->data + mark;
    memmove(at + extra + 1, at, len);
    buf_took(out, extra + 1);
    *at++ = (uint8_t)(len < 0x80 ? len : 0x80 | extra);
    for (size_t i = extra; i > 0; i--)
        *at++ = (uint8_t)(len >> 8 * (i - 1));
}

void der_put(struct buf *out, uint8_t tag, struct mw_span content)
{
    size_t mark = der_open(out, tag);

    buf_add(out, content);
    der_close(out, mark);
}

void der_put_integer(struct buf *out, struct mw_span big_endian)
{
    struct mw_span n = big_endian;
    size_t mark = der_open(out, DER_INTEGER);

    while (n.len > 1 && n.data[0] == 0)
        n = span_cut(n, 1, n.len);
    /* Section 8.3: the first bit is the sign. */
    if (n.len == 0 || (n.data[0] & 0x80) != 0)
        buf_u8(out, 0);
    buf_add(out, n);
    der_close(out, mark);
}

void der_put_time(struct buf *out, struct mw_wall t)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_ROOM);
    char digits[TEXT_ROOM];
    size_t n = 0;

    if (t.s < FIRST_S)
        t.s = FIRST_S;
    if (t.s > LAST_S)
        t.s = LAST_S;
    wall_format(&text, t);      /* "2026-11-21T22:30:05Z" */
    if (buf_error(&text) < 0) {
        out->error = buf_error(&text);
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == 'Z' || (text.data[i] >= '0' && text.data[i] <= '9'))
            digits[n++] = (char)text.data[i];
    if (t.s < GENERALIZED_S)
        der_put(out, DER_UTC_TIME, span_of(digits + 2, n - 2));
    else
        der_put(out, DER_GENERALIZED_TIME, span_of(digits, n));
}
