/*
 * What is recorded of one session, on its way from a worker to the scribe.
 * Never bodies, never keys, never paths or queries: what is not here is not recorded.
 */
#ifndef GATE_WIRE_AUDIT_H
#define GATE_WIRE_AUDIT_H

#include <midwatch/trust.h>

#include "base/arena.h"
#include "net/addr.h"

enum audit_kind {
    AUDIT_SESSION,
    AUDIT_EVENT,                /* something the gate did: `what` and `detail` */
};

enum audit_outcome {
    AUDIT_COMPLETED,            /* both sides finished */
    AUDIT_BLOCKED,              /* by policy, before anything was passed on */
    AUDIT_REFUSED,              /* the origin was not trusted; a block page was shown or tried */
    AUDIT_CLIENT_FAILED,        /* the client's side broke: `error` */
    AUDIT_SERVER_FAILED,        /* the origin's side broke */
    AUDIT_TIMED_OUT,
    AUDIT_OVERLOADED,           /* a limit of ours */
    AUDIT_INTERNAL,             /* we broke */
};

/* What a handshake settled on; all zero: there was none. */
struct audit_leg {
    uint16_t version, suite, group, signature;  /* IANA's numbers */
    bool resumed;
    const char *alpn;           /* "" none */
    uint8_t alert_sent, alert_received;         /* RFC 8446 section 6; 0 none */
    int64_t handshake_us;       /* 0 unknown */
    bool reused;                /* of a session before: the rest is what that settled on */
};

/* Strings may be NULL, which is read back as "". */
struct audit_record {
    enum audit_kind kind;
    uint64_t worker, serial;    /* the worker's life and its counter: names the record */
    int64_t began_ms, ended_ms; /* wall, since 1970 */

    const char *what, *detail;  /* AUDIT_EVENT: "reloaded", "unlock", … ; one line */

    const char *entrance;       /* "http", … */
    struct addr client, listener, destination;
    const char *user;
    const char *host;           /* as policy saw it */
    const char *sni, *asked;
    uint16_t port;
    const char *ja4;
    bool ech;
    const char *action;         /* "inspect", "bypass", "block" */
    const char *rule, *reason, *exception;      /* exception: class, "" none */
    const char *protocol;       /* "h1", "h2", "websocket", "raw", "tls" for bypassed; "" */

    enum audit_outcome outcome;
    const char *error;          /* one clause; "" none */
    const char *failed_at;      /* the stage: "hello", "dial", "judge", … ; "" none */

    struct audit_leg client_leg, server_leg;
    const char *weakened;       /* how one leg is weaker than the other, "" not */
    const char *verdict;        /* "private", … ; "" not judged */
    const char *findings;       /* codes joined with "," */
    const char *decided_by;     /* the code that made us refuse, warn or ask; "" none */
    bool forged, forged_untrusted, consented;
    uint8_t origin_sha256[32], forged_sha256[32];       /* of the leaves; zero: none */

    uint64_t bytes_up, bytes_down;      /* payload, from the client and to it */
    uint32_t requests, blocked_requests;
};

const char *audit_outcome_name(enum audit_outcome o);   /* "completed", … */

/* GATE_AUDIT messages.  Reading borrows strings from `arena`.  -EINVAL: malformed. */
void audit_write(struct buf *out, const struct audit_record *r);
MW_MUST_CHECK int audit_read(struct audit_record *r, struct mw_span message, struct arena *arena);

/* GATE_AUDIT_STATE: can records be kept? */
struct audit_state {
    bool failing;               /* the last write failed: full disk, … */
    const char *why;
};
void audit_state_write(struct buf *out, const struct audit_state *s);
MW_MUST_CHECK int audit_state_read(struct audit_state *s, struct mw_span message,
                                   struct arena *arena);

#endif
