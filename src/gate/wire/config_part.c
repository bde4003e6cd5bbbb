#include "gate/wire/config_part.h"

#include <errno.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

void config_part_write(struct buf *out, struct mw_span bundle, size_t offset)
{
    buf_u8(out, GATE_CONFIG);
    buf_u32(out, (uint32_t)bundle.len);
    buf_u32(out, (uint32_t)offset);
    buf_add(out, span_cut(bundle, offset, CONFIG_PART_BYTES));
}

int config_part_take(struct buf *whole, struct mw_span message)
{
    struct reader r = { .rest = message };
    uint8_t type = read_u8(&r);
    uint32_t total = read_u32(&r);
    uint32_t offset = read_u32(&r);
    struct mw_span part = r.rest;
    int error;

    if (r.failed || type != GATE_CONFIG || part.len == 0 || part.len > CONFIG_PART_BYTES)
        return -EINVAL;
    if (offset == 0)
        buf_truncate(whole, 0);
    if (offset != whole->len || total < offset || part.len > total - offset)
        return -EINVAL;
    buf_add(whole, part);
    error = buf_error(whole);
    if (error != 0)
        return error;
    return whole->len == total ? CONFIG_PART_WHOLE : CONFIG_PART_MORE;
}
