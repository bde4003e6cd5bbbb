/*
 * Messages between the gate's processes: one end of a SOCK_SEQPACKET pair.  A message is one
 * packet, so it arrives whole or not at all.  The parent keeps both ends of every pair open: when
 * a process dies and comes back, what was sent to it meanwhile is still there.
 *
 * Life:   channel_new() -> channel_send()* and on_message()* -> channel_free()
 * Bounds: CHANNEL_MAX_MESSAGE; what the socket does not take at once waits in memory up to
 *         CHANNEL_MAX_WAITING bytes.
 */
#ifndef GATE_WIRE_CHANNEL_H
#define GATE_WIRE_CHANNEL_H

#include <uv.h>

#include "base/buf.h"

enum {
    CHANNEL_MAX_MESSAGE = 160 * 1024,
    CHANNEL_MAX_WAITING = 8 << 20,
};

/* The first byte of every message; what follows is read by the file named. */
enum gate_message {
    GATE_MINT_ASK = 1,          /* worker -> forge      wire/mint.h    */
    GATE_MINT_ANSWER,           /* forge -> worker                     */
    GATE_AUDIT,                 /* worker -> scribe     wire/audit.h   */
    GATE_AUDIT_STATE,           /* scribe -> worker                    */
    GATE_LEARN,                 /* worker -> scribe     wire/learn.h   */
    GATE_LEARNED,               /* scribe -> worker: all that was learned, anew */
    GATE_CONSENT,               /* worker -> scribe: a person continues */
    GATE_CONSENTS,              /* scribe -> worker: all of them, anew */
    GATE_QUERY,                 /* scribe -> worker, parent   wire/control.h */
    GATE_QUERY_ANSWER,          /* worker, parent -> scribe            */
    GATE_CONFIG,                /* parent -> worker, scribe, forge: a bundle follows */
    GATE_DRAIN,                 /* parent -> worker: accept no more, end when empty */
    GATE_TICKET_SEED,           /* parent -> worker: 32 bytes of seed, then uint64 period number */
    GATE_KEYLOG,                /* worker -> scribe     wire/unlock.h  */
    GATE_PACKET,                /* worker -> scribe     wire/packet.h  */
};

struct channel;

/* message: type byte included; borrowed until the callback returns.  Empty: the other end is
 * gone for good (never while the parent lives). */
typedef void channel_fn(void *context, struct mw_span message);

enum channel_flags {
    /* A message leaves the socket only after on_message() returned: a process killed in the
     * middle finds it again when it comes back (and may handle it twice). */
    CHANNEL_KEEP_UNTIL_HANDLED = 1,
};

/* Owns fd from success on. */
MW_MUST_CHECK int channel_new(struct channel **out, uv_loop_t *loop, int fd, unsigned flags,
                              channel_fn *on_message, void *context);
void channel_free(struct channel *c);   /* NULL ok; also from its own callback */

/* Reads no more until channel_resume().  From the callback of a channel with
 * CHANNEL_KEEP_UNTIL_HANDLED: the message at hand was not handled and comes again then. */
void channel_hold(struct channel *c);
void channel_resume(struct channel *c);

/* 0: sent or waiting; -EAGAIN: CHANNEL_MAX_WAITING is reached, nothing was taken; -EMSGSIZE. */
MW_MUST_CHECK int channel_send(struct channel *c, struct mw_span message);
size_t channel_waiting(const struct channel *c);        /* bytes not yet in the socket */

/* Both ends, non-blocking, close-on-exec, with room for CHANNEL_MAX_MESSAGE. */
MW_MUST_CHECK int channel_pair(int fds[2]);

#endif
