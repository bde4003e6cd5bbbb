/*
 * A leg and its place in the loop: one of a session's two sides, or a server's while it is kept.
 * Life:   side_open() -> side_want()* [-> side_move()] -> side_close()
 * Turns:  what libuv waits for is changed only when something comes that nobody wants, since each
 *         change is a system call.
 */
#ifndef GATE_WORKER_SIDE_H
#define GATE_WORKER_SIDE_H

#include <uv.h>

#include "gate/worker/leg.h"

struct kept;
struct session;

/* A handle's memory outlives its session by a turn of the loop. */
struct poll_box {
    uv_poll_t poll;
    struct session *session;
    struct kept *kept;          /* or this, while no session has it */
    bool is_client;
};

struct side {
    struct leg leg;
    struct poll_box *box;
    unsigned want, waits;       /* UV_READABLE, UV_WRITABLE: now wanted; what libuv waits for */
};

/* UV_READABLE, UV_WRITABLE, or both: session_run() then. */
void side_want(struct session *s, struct side *side, unsigned events);
/* Owns fd at once. */
MW_MUST_CHECK int side_open(struct session *s, struct side *side, int fd);
void side_close(struct side *side);

/* To other memory, which nobody's box->session is yet; *from is closed. */
void side_move(struct side *to, struct side *from);
MW_MUST_CHECK int side_listen(struct side *side);       /* wake its box when there is anything */

#endif
