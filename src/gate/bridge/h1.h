/*
 * The HTTP/1.1 bridge's own parts: h1.c moves bytes and keeps the order of things, h1_request.c
 * and h1_response.c read heads and say what becomes of them, h1_field.c knows the fields,
 * h1_write.c writes everything anew, and h1_again.c knows which connections to a server may serve
 * another client's session, and what to do when one does not.
 *
 * One exchange at a time: the next request's head is read when the answer before it is complete.
 * Whatever reaches a peer was written by us from what one strict parser understood; not a byte of
 * a message passes before its head was understood whole.
 */
#ifndef GATE_BRIDGE_H1_H
#define GATE_BRIDGE_H1_H

#include "gate/bridge/bridge.h"
#include "gate/bridge/exchange.h"
#include "gate/bridge/websocket.h"
#include "http/body.h"

enum {
    H1_MAX_INTERIM = 64,            /* 1xx answers to one request */
    H1_MAX_NAMED = 16,              /* fields that Connection names */
    H1_KEPT = 16 * 1024,            /* read ahead while something else is waited for */
    H1_MAX_HOST = 255,
};

/* ----------------------------------------------------------------------- fields ---- */

enum h1_field {
    H1_OTHER,
    H1_HOST, H1_CONNECTION, H1_CONTENT_LENGTH, H1_UPGRADE, H1_TE, H1_EXPECT, H1_TRAILER,
    H1_AUTHORIZATION, H1_CHALLENGE,
    H1_HOP,                         /* any other that is for one connection only */
};
enum h1_field h1_field_kind(struct mw_span name);

/* What a head's connection fields say. */
struct h1_options {
    bool close, keep_alive, upgrade;        /* options of Connection */
    bool websocket;                 /* Upgrade offers it */
    bool trailers;                  /* TE: trailers */
    bool expects, trailer_named;    /* there is an Expect, a Trailer field */
    bool bound;                     /* who asks may be proved to the connection itself */
};

/* Reads the options and takes everything that is for this connection only out of the head, Host
 * too (*host: its value).  false: malformed, or a field is named that must reach the other end. */
MW_MUST_CHECK bool h1_fields_filter(struct http_head *head, struct h1_options *options,
                                    struct mw_span *host);

void h1_fields_drop(struct http_head *head, enum h1_field kind);

/* May it stand in a trailer section (RFC 9110 section 6.5.1)? */
bool h1_trailer_allowed(struct mw_span name);

/* host or host:port as RFC 3986 section 3.2 has them, without user; an empty port is cut off. */
MW_MUST_CHECK bool h1_authority_check(struct mw_span *authority);

/* ------------------------------------------------------------------------ state ---- */

enum h1_step { H1_HEAD, H1_BODY, H1_END, H1_DONE };

/* How a body is framed on its way out. */
enum h1_frame { H1_NONE, H1_LENGTH, H1_CHUNKED, H1_UNTIL_CLOSE };

/* What comes from one side. */
struct h1_leg {
    struct buf kept;                /* not looked at yet, or a head's beginning */
    struct mw_span in;              /* while pumping: kept's, or the caller's */
    struct http_mark mark;
    struct http_body body;
    enum h1_step step;
    enum h1_frame frame;            /* of what we write from it */
    bool borrowed;                  /* in is the caller's */
    bool held, again;               /* by a stage; its body's call is to be made again */
    bool ended, cut;
};

/* The request under way, until its answer is complete. */
struct h1_asked {
    struct buf text;                /* method, authority and path: what spans borrow */
    struct bridge_request r;
    int minor;
    size_t head_len;                /* of its head, as long as it is not taken off from[].in */
    bool head, keep, upgrade;       /* HEAD; the client goes on afterwards; WebSocket offered */
    bool bodiless;
    bool opened;                    /* the stages were asked */
    bool passed;                    /* its head went to the server */
    bool answered;                  /* so did the answer's to the client */
    unsigned interim;
};

enum h1_origin { H1_NO_ORIGIN, H1_ASKED_ORIGIN, H1_READY, H1_SPENT };

struct h1 {
    struct bridge b;
    const char *via, *scheme;
    bool proxy;                     /* BRIDGE_H1_PROXY */
    struct h1_leg from[2];
    struct queue to[2];
    bool done[2];                   /* nothing more will be said to that side */
    bool draining, pumping, moved;
    bool active;                    /* a request is under way: asked is filled */
    bool tunnel;                    /* WebSocket: ws */
    bool blank;                     /* an empty line before the next request was dropped */
    bool server_keeps;              /* after this answer */
    bool clean;                     /* the last answer ended well, and the server goes on */
    bool tainted;                   /* something made the server's connection this client's own */
    bool second_hand;               /* served others, and has not answered here yet */
    struct buf again;               /* what it was asked, should it not answer */
    struct h1_asked asked;
    struct content_exchange *x;
    unsigned passed;                /* requests on this connection to the server */
    enum h1_origin origin;          /* H1_READY all the time unless proxy */
    struct buf origin_name;         /* host:port it is connected to */
    struct websocket ws[2];
};

/* --------------------------------------------------------------------- exchanges ---- */

/* A head was read (state: of http_head_read).  0, or < 0. */
MW_MUST_CHECK int h1_request_head(struct h1 *h, struct http_head *head, enum http_state state);
MW_MUST_CHECK int h1_response_head(struct h1 *h, struct http_head *head, enum http_state state);

/* The server is gone, or broke the protocol, before anything of the answer was passed on: a page;
 * otherwise the exchange is cut. */
MW_MUST_CHECK int h1_bad_response(struct h1 *h, const char *why);

/* Stops the exchange: the page if nothing of an answer was sent, else both sides are cut. */
MW_MUST_CHECK int h1_block(struct h1 *h, const struct content_block *why, bool keep);

/* An answer of ours.  keep: the connection may go on if the request allows it. */
MW_MUST_CHECK int h1_answer(struct h1 *h, const struct bridge_answer *answer, bool keep);

/* Everything is over; why NULL: well.  What is queued for the client still goes. */
void h1_close(struct h1 *h, enum bridge_side by, const char *why);

/* The exchange is complete, or was answered: forget it. */
void h1_exchange_reset(struct h1 *h);

/* The exchange held something, and may go on (exchange_wake_fn; the owner is the bridge). */
void h1_wake(void *owner);

/* ------------------------------------------------------- connections used before ---- */

/* The request that is about to be passed on needs a connection of its own: asked for. */
bool h1_fresh_first(struct h1 *h);

/* What was just written to the server's queue is kept until an answer comes. */
MW_MUST_CHECK int h1_again_keep(struct h1 *h);

/* The server is gone without a word: on_fresh, and the request is said again.  false: it may not
 * be, or never had to. */
bool h1_again(struct h1 *h);

/* A fresh connection stands. */
MW_MUST_CHECK int h1_again_say(struct h1 *h);

bool h1_reusable(const struct bridge *b);

/* ---------------------------------------------------------------------- writing ---- */

/* Writes into a queue's own chunks.  The first failure stays. */
struct h1_writer {
    struct queue *to;
    int error;
};
void h1_put(struct h1_writer *w, struct mw_span s);
void h1_put_number(struct h1_writer *w, uint64_t number);

/* The fields that were left by h1_fields_filter(); length: Content-Length's, NULL: it is left
 * out. */
void h1_put_fields(struct h1_writer *w, const struct http_head *head, const uint64_t *length);

/* A piece of a body, and a body's end with its trailers. */
MW_MUST_CHECK int h1_put_piece(struct queue *to, enum h1_frame frame, struct mw_span piece);
MW_MUST_CHECK int h1_put_end(struct queue *to, enum h1_frame frame, const struct http_body *body);

#endif
