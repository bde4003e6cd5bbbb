/*
 * A time-limited permission to write down TLS secrets (SSLKEYLOGFILE's format), so that a packet
 * capture of one client or host can be read while a fault is looked for; with `packets` the gate
 * makes that capture itself.  Only `midwatch gate log unlock` gives one, and the audit log says so
 * first.
 *
 * It travels as JSON in a GATE_QUERY, scribe to all workers:
 *     {"ask":"unlock","until":1795300000,"client":"192.0.2.7","host":"example.com",
 *      "packets":false}
 * A worker keeps the last one it got (until 0: none) and sends each line that OpenSSL's keylog
 * callback gives it for a session that is covered as GATE_KEYLOG, and what passes through its
 * sockets as GATE_PACKET (wire/packet.h); the scribe looks at the cover again before it writes.
 */
#ifndef GATE_WIRE_UNLOCK_H
#define GATE_WIRE_UNLOCK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
    UNLOCK_MAX_S = 24 * 3600,   /* longer is refused */
    UNLOCK_TEXT = 256,
    KEYLOG_LINE_MAX = 512,
};

/* Strings are fixed so that it is copied by value. */
struct gate_unlock {
    struct mw_wall until;       /* 0: nothing is unlocked */
    char client[64];            /* address; "": any */
    char host[UNLOCK_TEXT];     /* exact, or ".domain" for it and everything below; "": any */
    bool packets;               /* and what passes, in pcapng */
};

/* Is writing this session's secrets allowed now? */
bool unlock_covers(const struct gate_unlock *u, const char *client, const char *host,
                   struct mw_wall now);

/* -EINVAL: not {"ask":"unlock", …} or out of bounds; *u is untouched. */
MW_MUST_CHECK int unlock_read(struct gate_unlock *u, struct mw_span json);
void unlock_write(struct buf *json, const struct gate_unlock *u);

/* GATE_KEYLOG: one line as OpenSSL gives it, without its newline. */
struct gate_keylog {
    const char *client, *host, *line;
};
void keylog_write(struct buf *out, const struct gate_keylog *k);

/* -EINVAL: malformed, or no line of that format: a label, client random and secret in hex. */
MW_MUST_CHECK int keylog_read(struct gate_keylog *k, struct mw_span message,
                              struct arena *arena);

#endif
