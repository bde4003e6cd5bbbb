/*
 * What a client of an explicit proxy says before its bytes are the origin's: CONNECT, SOCKS5, or
 * a plain request.  Without sockets: bytes in, an answer or a destination out.
 * Life:   door_new() -> door_feed()* until it is not DOOR_MORE -> (door_accept | door_refuse)
 *         -> door_free()
 * Bounds: DOOR_MAX_BYTES of head.
 * Source: RFC 9110 section 9.3.6, RFC 9112 section 3.2, RFC 1928, RFC 1929, RFC 7617.
 */
#ifndef GATE_DOOR_DOOR_H
#define GATE_DOOR_DOOR_H

#include "gate/policy/config.h"

enum { DOOR_MAX_BYTES = 16 * 1024, DOOR_MAX_HOST = 256, DOOR_MAX_SIGN_INS = 3 };

/* Where the "continue anyway" form is posted to: this, then DOOR_TOKEN_LEN hex digits. */
#define DOOR_CONTINUE "/.midwatch/continue/"
enum { DOOR_TOKEN_LEN = 64 };

enum door_state {
    DOOR_MORE,                  /* feed more; door_out() may hold something to send first */
    DOOR_TUNNEL,                /* to door_host():door_port(); bytes not eaten are the tunnel's */
    DOOR_REQUEST,               /* a plain request in absolute form: nothing was eaten, all the
                                 * bytes go to a BRIDGE_H1_PROXY */
    DOOR_LOCAL,                 /* a request to the gateway itself (origin form, or its own
                                 * name): door_path() */
    DOOR_ASK,                   /* is a password right?  door_question(), then fed the same again */
    DOOR_BAD,                   /* door_out() is the last answer; then close.  door_why() */
};

struct door;

/* entrance: HTTP or SOCKS5.  config outlives the door. */
MW_MUST_CHECK int door_new(struct door **out, enum gate_entrance entrance,
                           const struct gate_config *config);
void door_free(struct door *d);         /* NULL ok */

/* Takes bytes off *in: all that belong to the door, none of what follows.  A message is taken
 * whole or not at all: after DOOR_MORE what is left in *in is kept by the caller and fed again,
 * in front of what came since.  A caller therefore has room for DOOR_MAX_BYTES. */
enum door_state door_feed(struct door *d, struct mw_span *in);

/* DOOR_ASK: the question is the caller's, who has it answered (policy/users.h).  Nothing of the
 * message was taken off. */
struct sign_in_question *door_question(struct door *d);

/* To be sent to the client now; valid until the next call. */
struct mw_span door_out(const struct door *d);
void door_sent(struct door *d, size_t n);

const char *door_host(const struct door *d);    /* lower-case A-labels, or an address without
                                                 * brackets */
uint16_t door_port(const struct door *d);
const char *door_path(const struct door *d);    /* DOOR_LOCAL: path and query */
enum door_method { DOOR_GET, DOOR_HEAD, DOOR_POST };
enum door_method door_method(const struct door *d);     /* DOOR_LOCAL.  DOOR_POST: only for
                                                         * DOOR_CONTINUE and a token */
const char *door_user(const struct door *d);    /* NULL: not signed in */
const char *const *door_groups(const struct door *d);
const char *door_why(const struct door *d);     /* one clause, safe to print */

/* The tunnel stands: door_out() is the good answer (200, or SOCKS5 reply 0). */
void door_accept(struct door *d);

enum door_refusal {
    DOOR_BY_POLICY, DOOR_NO_NAME, DOOR_UNREACHABLE, DOOR_TIMED_OUT, DOOR_CONNECTION_REFUSED,
    DOOR_OVERLOADED,
};
/* door_out() is the answer (403, 502, 504, 503; SOCKS5's codes).  page: HTML for HTTP, may be
 * empty. */
void door_refuse(struct door *d, enum door_refusal why, struct mw_span page);

/* The destination of a transparent connection, before it was redirected.  -errno; -ELOOP: it is
 * the listener itself, nobody was redirected. */
MW_MUST_CHECK int door_original(int fd, enum gate_entrance entrance, struct addr *out);

#endif
