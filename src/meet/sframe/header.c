#include "meet/sframe/header.h"

#include "base/span.h"

/* Bytes behind the config byte: values up to 7 need none. */
static unsigned extra_of(uint64_t v)
{
    unsigned n = 0;

    if (v < 8)
        return 0;
    for (; v != 0; v >>= 8)
        n++;
    return n;
}

/* The flag and the three bits beside it: the value itself, or how many bytes follow, less one. */
static uint8_t nibble_of(uint64_t v, unsigned extra)
{
    return extra == 0 ? (uint8_t)v : (uint8_t)(8 | (extra - 1));
}

static uint8_t *put(uint8_t *at, uint64_t v, unsigned extra)
{
    for (unsigned i = extra; i > 0; i--)
        *at++ = (uint8_t)(v >> (8 * (i - 1)));
    return at;
}

size_t sframe_header_size(uint64_t kid, uint64_t counter)
{
    return 1 + extra_of(kid) + extra_of(counter);
}

size_t sframe_header_write(uint8_t out[MW_SFRAME_HEADER_MAX], uint64_t kid, uint64_t counter)
{
    unsigned k = extra_of(kid), c = extra_of(counter);
    uint8_t *at = out;

    *at++ = (uint8_t)(nibble_of(kid, k) << 4 | nibble_of(counter, c));
    at = put(at, kid, k);
    at = put(at, counter, c);
    return (size_t)(at - out);
}

/* 4.3: the value MUST be encoded with the minimum number of bytes required.  A second spelling of
 * the same number is refused. */
static bool take(struct mw_span *rest, uint8_t nibble, uint64_t *out)
{
    size_t len = (size_t)(nibble & 7) + 1;
    uint64_t v = 0;

    if (nibble < 8) {
        *out = nibble;
        return true;
    }
    if (rest->len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | rest->data[i];
    rest->data += len;
    rest->len -= len;
    *out = v;
    return extra_of(v) == len;
}

int mw_sframe_read_header(struct mw_span frame, struct mw_sframe_header *out)
{
    struct mw_sframe_header h;
    struct mw_span rest;

    if (frame.len == 0)
        return MW_SFRAME_E_HEADER;
    rest = span_of(frame.data + 1, frame.len - 1);
    if (!take(&rest, frame.data[0] >> 4, &h.kid) || !take(&rest, frame.data[0] & 15, &h.counter))
        return MW_SFRAME_E_HEADER;
    h.len = frame.len - rest.len;
    *out = h;
    return 0;
}
