/* What a worker calls a packet: read back from what was written it is the same, and its block in
 * a capture is whole. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "gate/scribe/pcapng.h"
#include "gate/wire/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(buf_deinit) struct buf block = BUF_INIT(PACKET_DATA_MAX + 256);
    struct mw_span message = span_of(data, len);
    struct gate_packet p;
    struct reader r;

    if (packet_read(&p, message) != 0)
        return 0;
    packet_write(&again, &p);
    if (buf_error(&again) < 0 || !span_eq(buf_span(&again), message))
        abort();
    pcapng_packet(&block, &p);
    if (buf_error(&block) != 0 || block.len % 4 != 0)
        abort();
    r = (struct reader){ .rest = span_cut(buf_span(&block), 4, block.len) };
    if (read_u32(&r) != block.len)
        abort();
    return 0;
}
