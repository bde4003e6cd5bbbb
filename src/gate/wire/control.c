#include "gate/wire/control.h"

#include <errno.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

void control_write(struct buf *out, uint8_t type, uint64_t id, struct mw_span json)
{
    buf_u8(out, type);
    buf_u64(out, id);
    buf_add(out, json);
}

int control_read(uint64_t *id, struct mw_span *json, struct mw_span message)
{
    struct reader r = { .rest = message };
    uint8_t type = read_u8(&r);
    uint64_t number = read_u64(&r);

    if (r.failed || r.rest.len == 0 || (type != GATE_QUERY && type != GATE_QUERY_ANSWER))
        return -EINVAL;
    *id = number;
    *json = r.rest;
    return 0;
}
