#include "base/reader.h"

struct mw_span read_bytes(struct reader *r, size_t len)
{
    struct mw_span got;

    if (r->failed || r->rest.len < len) {
        read_fail(r);
        return (struct mw_span){ NULL, 0 };
    }
    got = span_of(r->rest.data, len);
    r->rest = span_cut(r->rest, len, r->rest.len);
    return got;
}

static uint64_t read_uint(struct reader *r, size_t bytes)
{
    struct mw_span s = read_bytes(r, bytes);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | s.data[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

uint32_t read_u24(struct reader *r)
{
    return (uint32_t)read_uint(r, 3);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_uint(r, 8);
}

struct mw_span read_vec8(struct reader *r)
{
    return read_bytes(r, read_u8(r));
}

struct mw_span read_vec16(struct reader *r)
{
    return read_bytes(r, read_u16(r));
}

struct mw_span read_vec24(struct reader *r)
{
    return read_bytes(r, read_u24(r));
}

void read_fail(struct reader *r)
{
    r->failed = true;
    r->rest = (struct mw_span){ NULL, 0 };
}

bool read_more(const struct reader *r)
{
    return !r->failed && r->rest.len > 0;
}

bool read_done(const struct reader *r)
{
    return !r->failed && r->rest.len == 0;
}
