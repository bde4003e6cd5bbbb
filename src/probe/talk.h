/*
 * A conversation in the clear before TLS begins, without sockets: bytes come in, bytes to send
 * go out.  Proxies and STARTTLS are made of it.
 * Life:   TALK_INIT -> buf_add(&t.in, received) and a step function of the conversation, until
 *         it is not TALK_MORE -> talk_deinit()
 * Bounds: 64 KiB in all, 4 KiB a line; time is the caller's.
 */
#ifndef PROBE_TALK_H
#define PROBE_TALK_H

#include "base/buf.h"

enum {
    TALK_MAX_BYTES = 64 * 1024,
    TALK_MAX_LINE = 4 * 1024,
};

enum talk_state {
    TALK_MORE,                  /* send what is in out, and wait */
    TALK_DONE,                  /* the next layer begins, with what is left of in */
    TALK_REFUSED,               /* the peer said no: why */
    TALK_BROKEN,                /* the peer does not speak this: why */
};

struct talk {
    struct buf in, out;
    size_t used;                /* bytes of in that were taken */
    struct buf why;             /* one clause, safe to print */
    unsigned step;
};

#define TALK_INIT \
    { .in = BUF_INIT(TALK_MAX_BYTES), .out = BUF_INIT(TALK_MAX_BYTES), .why = BUF_INIT(1024) }

void talk_deinit(struct talk *t);

/* What of `in` was not taken yet. */
struct mw_span talk_rest(const struct talk *t);

/* Takes one line off `in`, its end dropped.  TALK_DONE: *line is borrowed until `in` changes;
 * TALK_MORE: not whole yet; TALK_BROKEN: too long. */
enum talk_state talk_line(struct talk *t, struct mw_span *line);

/* Notes why, in `state`'s name, and returns state: `text`, then the peer's words if any, quoted
 * and made safe. */
enum talk_state talk_end(struct talk *t, enum talk_state state, const char *text,
                         struct mw_span words);

#endif
