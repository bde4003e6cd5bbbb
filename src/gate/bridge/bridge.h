/*
 * Between two byte streams that were decrypted: what the client says goes to the server and back,
 * through one strict parser and a row of stages, re-serialised.  Without sockets and without a
 * clock: bytes are fed in, bytes are taken out.
 *
 * Life:   bridge_new() -> (bridge_feed / bridge_end / bridge_out / bridge_sent)* -> bridge_free()
 * Memory: at most BRIDGE_HIGH_WATER for each direction and, for HTTP/2, for each stream's share of
 *         it; an idle bridge holds none of it.  bridge_room() 0 means: do not read that side.
 * Errors: what a peer does wrong ends the bridge, or only its stream, with the protocol's own
 *         answer (400, GOAWAY, RST_STREAM); bridge_why() says what it was.
 * Source: RFC 9112, RFC 9113, RFC 8441, RFC 6455.
 */
#ifndef GATE_BRIDGE_BRIDGE_H
#define GATE_BRIDGE_BRIDGE_H

#include "base/queue.h"
#include "gate/bridge/content.h"

enum { BRIDGE_HIGH_WATER = 128 * 1024 };

enum bridge_kind {
    BRIDGE_RAW,                 /* bytes as they are */
    BRIDGE_H1,                  /* HTTP/1.1 and 1.0, Upgrade to WebSocket included */
    BRIDGE_H2,                  /* HTTP/2 on both sides */
    BRIDGE_H1_PROXY,            /* absolute-form requests in the clear; one origin at a time */
};

enum bridge_side { BRIDGE_CLIENT, BRIDGE_SERVER };

/* What the session says about a request before anything of it is passed on. */
enum bridge_ruling {
    BRIDGE_GO,
    BRIDGE_ANSWER,              /* do not pass it on: `answer` is the whole response */
    BRIDGE_MISDIRECTED,         /* 421 (RFC 9110 section 15.5.20): not for this connection */
};

struct bridge_request {
    struct mw_span method, scheme, authority, path;     /* authority: host[:port], lower-case;
                                                         * path: with the query */
    bool upgrade;               /* wants WebSocket, or is an extended CONNECT */
};

/* A response of ours. */
struct bridge_answer {
    int status;
    struct mw_span body;        /* copied at once */
    const char *type;           /* Content-Type; NULL: none */
};

struct bridge_events {
    /* Each request, once its head is complete. */
    enum bridge_ruling (*on_request)(void *context, const struct bridge_request *r,
                                     struct bridge_answer *answer);
    /* A stage or a limit stopped an exchange: the page to show. */
    void (*on_block)(void *context, const struct bridge_request *r,
                     const struct content_block *why, struct bridge_answer *answer);
    /* BRIDGE_H1_PROXY: connect to this origin (the one before is done with), then call
     * bridge_origin(). */
    void (*on_origin)(void *context, struct mw_span host, uint16_t port);
    /* Of a bridge that began second_hand: the server's connection will not do for this request;
     * connect to the same server anew, then call bridge_origin(). */
    void (*on_fresh)(void *context);
    /* There is something in bridge_out() or room again without a feed (a stage woke). */
    void (*on_wake)(void *context);
};

struct bridge_options {
    enum bridge_kind kind;
    const struct bridge_events *events;
    void *context;
    const struct content_row *stages;   /* NULL: none */
    unsigned max_streams;               /* HTTP/2; 0: 100 */
    const char *via;                    /* name for Via (RFC 9110 7.6.3); NULL: none is added */
    const char *scheme;                 /* of origin-form requests; NULL: "https", for
                                         * BRIDGE_H1_PROXY "http" */
    bool second_hand;                   /* BRIDGE_H1: the server's connection served others
                                         * before, and may be given up any time */
};

struct bridge;

MW_MUST_CHECK int bridge_new(struct bridge **out, const struct bridge_options *o);
void bridge_free(struct bridge *b);     /* NULL ok */

/* How many bytes of this side may be fed now; 0: stop reading it. */
size_t bridge_room(const struct bridge *b, enum bridge_side from);

/* Takes all of `bytes`, at most bridge_room() of them.  < 0: -ENOMEM.  0 otherwise, whatever the
 * peer sent: see bridge_state(). */
MW_MUST_CHECK int bridge_feed(struct bridge *b, enum bridge_side from, struct mw_span bytes);

/* That side will send no more (FIN, close_notify).  cut: it ended without close_notify, or was
 * reset. */
MW_MUST_CHECK int bridge_end(struct bridge *b, enum bridge_side from, bool cut);

/* What is to be sent to this side: the first piece; empty: nothing now.  It stays where it is
 * until the next call that is not const. */
struct mw_span bridge_out(const struct bridge *b, enum bridge_side to);
void bridge_sent(struct bridge *b, enum bridge_side to, size_t n);

/* Once bridge_out(to) is empty and this is true: send FIN (close_notify) to that side. */
bool bridge_finished(const struct bridge *b, enum bridge_side to);

/* Both sides are done; or it failed, and what is left in bridge_out() may still be sent. */
bool bridge_over(const struct bridge *b);

/* An answer was cut whose end only the end of the connection would have told: close the client's
 * side without close_notify, or with a reset. */
bool bridge_cut_short(const struct bridge *b);

/* One clause, safe to print; NULL: nothing went wrong.  *by: whose fault. */
const char *bridge_why(const struct bridge *b, enum bridge_side *by);

/* After on_origin or on_fresh: ready, or an answer for the client instead. */
void bridge_origin(struct bridge *b, const struct bridge_answer *failed);      /* NULL: ready */

/* Ends it politely: GOAWAY, "Connection: close" after what is under way. */
void bridge_drain(struct bridge *b);

/* Nothing is under way: no exchange, no bytes waiting. */
bool bridge_idle(const struct bridge *b);

/* It has been idle for a while: memory that only work needs is given back. */
void bridge_rest(struct bridge *b);

/* The server's connection is as good as new: every answer on it came to its end and left it open,
 * nothing is unread, no request had a body, and nobody proved to that connection who they are. */
bool bridge_reusable(const struct bridge *b);

/* "h1", "h2", "websocket", "raw": what it became. */
const char *bridge_protocol(const struct bridge *b);

struct bridge_counts {
    uint32_t requests, blocked;
};
struct bridge_counts bridge_counts(const struct bridge *b);

/* For the kinds: says once what went wrong and whose fault it was; the first time counts. */
void bridge_blame(struct bridge *b, enum bridge_side by, const char *why);

/* For the kinds: n bytes at the front were sent; an empty queue keeps no chunk. */
void bridge_dropped(struct queue *q, size_t n);

/* The kinds, for bridge.c's table.  Each embeds struct bridge first. */
struct bridge_ops {
    void (*free)(struct bridge *b);
    size_t (*room)(const struct bridge *b, enum bridge_side from);
    int (*feed)(struct bridge *b, enum bridge_side from, struct mw_span bytes);
    int (*end)(struct bridge *b, enum bridge_side from, bool cut);
    struct mw_span (*out)(const struct bridge *b, enum bridge_side to);
    void (*sent)(struct bridge *b, enum bridge_side to, size_t n);
    bool (*finished)(const struct bridge *b, enum bridge_side to);
    bool (*over)(const struct bridge *b);
    void (*origin)(struct bridge *b, const struct bridge_answer *failed);
    void (*drain)(struct bridge *b);
    bool (*idle)(const struct bridge *b);
    bool (*reusable)(const struct bridge *b);   /* NULL: never */
    void (*rest)(struct bridge *b);     /* NULL: there is nothing to give back */
};

struct bridge {
    const struct bridge_ops *ops;
    const struct bridge_events *events;
    void *context;
    const struct content_row *stages;
    struct bridge_counts counts;
    const char *protocol;
    char why[160];
    enum bridge_side by;
    bool cut_short;
};

MW_MUST_CHECK int bridge_raw_new(struct bridge **out, const struct bridge_options *o);
MW_MUST_CHECK int bridge_h1_new(struct bridge **out, const struct bridge_options *o);
MW_MUST_CHECK int bridge_h2_new(struct bridge **out, const struct bridge_options *o);

#endif
