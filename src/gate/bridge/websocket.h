/*
 * One direction of a WebSocket connection, checked frame by frame as its bytes pass.  Nothing is
 * changed and nothing is collected: a frame's head is held back until it is whole and good, a
 * payload goes on as it comes.
 * Life:   websocket_init() -> websocket_take()* ; owns no memory.
 * Why no library: docs/decisions/0041-websocket-frames.md.
 * Source: RFC 6455 sections 5.1 to 5.5, RFC 7692 section 6.
 */
#ifndef GATE_BRIDGE_WEBSOCKET_H
#define GATE_BRIDGE_WEBSOCKET_H

#include "base/span.h"

enum { WEBSOCKET_MAX_HEAD = 14, WEBSOCKET_CLOSE_BYTES = 8 };

enum websocket_state {
    WEBSOCKET_OPEN,
    WEBSOCKET_CLOSED,           /* its Close frame has passed: what follows it is dropped */
    WEBSOCKET_BAD,              /* websocket_why(); send websocket_goodbye() both ways */
};

/* What both sides agreed on in Sec-WebSocket-Extensions (of the response). */
enum websocket_extensions {
    WEBSOCKET_PLAIN,
    WEBSOCKET_DEFLATE,          /* permessage-deflate alone */
    WEBSOCKET_OTHER,            /* something we do not know: reserved bits and opcodes are its */
};

struct websocket {
    bool masked;                /* frames of this direction must be */
    enum websocket_extensions extensions;
    enum websocket_state state;
    bool under_way;             /* a message in fragments */
    bool closing;               /* the frame whose payload passes now is a Close */
    uint8_t head[WEBSOCKET_MAX_HEAD];
    size_t head_len;            /* of a head that is not whole yet */
    uint64_t left;              /* payload of the frame that passes */
    const char *why;
};

/* from_client: the direction from client to server, whose frames are masked (5.1). */
void websocket_init(struct websocket *w, bool from_client, enum websocket_extensions agreed);

/* The value of the response's Sec-WebSocket-Extensions; several fields: joined with commas, or
 * the greatest of their answers. */
enum websocket_extensions websocket_agreed(struct mw_span value);

/* Takes bytes off *in.  *pass is what may go on, untouched: borrowed from *in, or from w until
 * the next call; it may be empty.  Call again while *in is not empty and the state is
 * WEBSOCKET_OPEN; otherwise *in was emptied. */
MW_MUST_CHECK enum websocket_state websocket_take(struct websocket *w, struct mw_span *in,
                                                  struct mw_span *pass);

/* What has passed ends with a whole frame: a frame of ours may be put behind it. */
bool websocket_at_border(const struct websocket *w);

const char *websocket_why(const struct websocket *w);   /* one clause; NULL: not bad */

/* A Close frame with this status code (RFC 6455 section 7.4).  Its length. */
size_t websocket_goodbye(uint8_t out[WEBSOCKET_CLOSE_BYTES], uint16_t code, bool masked);

#endif
