/*
 * GATE_PACKET: a piece of what one leg of a session sent or received, as it was in the socket, and
 * where in its stream.  Workers send it while an unlock with packets covers the session; the
 * scribe looks at the cover again before it writes.
 * Memory: the data is borrowed from the message.
 */
#ifndef GATE_WIRE_PACKET_H
#define GATE_WIRE_PACKET_H

#include "gate/wire/unlock.h"
#include "net/addr.h"

enum {
    PACKET_DATA_MAX = 32 * 1024,        /* fits in one IP packet with its headers */
    PACKET_SYN = 0x02,                  /* as in TCP (RFC 9293 section 3.1) */
    PACKET_PUSH = 0x08,
    PACKET_ACK = 0x10,
};

struct gate_packet {
    char client[ADDR_TEXT], host[UNLOCK_TEXT];   /* what an unlock may cover */
    int64_t when_us;                    /* since 1970 */
    struct addr from, to;
    uint32_t seq, ack;
    uint8_t flags;
    struct mw_span data;                /* at most PACKET_DATA_MAX */
};

void packet_write(struct buf *out, const struct gate_packet *p);

/* -EINVAL: malformed; *p is untouched. */
MW_MUST_CHECK int packet_read(struct gate_packet *p, struct mw_span message);

#endif
