/*
 * One TCP connection of the lab, as bytes.  A role says what they mean; a connection may change
 * its role (a CONNECT becomes a tunnel, a greeting becomes TLS).
 * Life:   accepted or dialled -> role->data() as bytes arrive -> peer_close() -> role->gone(),
 *         once, after which the peer frees itself.
 * Memory: what arrived and was not consumed is in peer->in, at most PEER_IN_MAX; what is to be
 *         sent is bounded by PEER_OUT_MAX, and over it the connection is reset.
 * Time:   a connection lives at most PEER_LIFE_MS.
 */
#ifndef LAB_PEER_H
#define LAB_PEER_H

#include <uv.h>

#include "base/buf.h"
#include "lab/lab.h"

enum {
    PEERS_MAX = 2048,           /* at once, dialled ones included; over it, new ones are reset */
    PEER_IN_MAX = 256 * 1024,
    PEER_OUT_MAX = 8 << 20,
    PEER_LIFE_MS = 60000,
};

struct peer;

struct peer_role {
    void (*data)(struct peer *p);       /* p->in grew */
    void (*opened)(struct peer *p);     /* dialled and connected; may be NULL */
    void (*ended)(struct peer *p);      /* the other side finished; NULL: close too */
    void (*gone)(struct peer *p);       /* free p->state; may be NULL */
};

struct peer {
    uv_tcp_t tcp;
    uv_timer_t life, tick;
    uv_connect_t dial;
    struct lab *lab;
    enum lab_door door;
    const struct peer_role *role;
    void *state;
    struct buf in;
    size_t out_bytes;           /* handed to the loop and not yet sent */
    bool closing, finishing, ended;
    unsigned handles;           /* still open */
    struct peer *prev, *next;
};

/* What each door's connections start as. */
const struct peer_role *peer_role_of(enum lab_door door);

void peer_accept(struct lab *lab, enum lab_door door, uv_stream_t *listener);

/* To the lab's own door.  NULL: too many, or out of memory.  Failure to connect is gone(). */
struct peer *peer_dial(struct lab *lab, enum lab_door door, const struct peer_role *role,
                       void *state);

/* From now on.  The old state is the caller's business; data() is called if bytes wait. */
void peer_become(struct peer *p, const struct peer_role *role, void *state);

void peer_send(struct peer *p, struct mw_span bytes);
void peer_finish(struct peer *p);       /* FIN once all is sent, then close */
void peer_reset(struct peer *p);        /* RST, now */
void peer_close(struct peer *p);        /* now; unsent bytes are dropped */

/* Calls fn every ms until the peer closes or peer_tick_stop(). */
void peer_tick(struct peer *p, uint64_t ms, uv_timer_cb fn);
void peer_tick_stop(struct peer *p);

#endif
