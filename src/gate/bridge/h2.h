/*
 * HTTP/2 on both sides: an nghttp2 session for each leg, streams mapped one to one.  Internal to
 * h2*.c.
 *
 *     client <-> leg[CLIENT] <- pipes of each stream -> leg[SERVER] <-> server
 *
 * Flow:   a side may send as much as its windows say; they open again as the other side takes the
 *         bytes.  So a stream holds at most H2_STREAM_WINDOW each way, all streams of a leg
 *         H2_CONNECTION_WINDOW, and nobody has to stop reading for the sake of bodies.  A stream
 *         whose bytes are taken as they come gets a larger window, so that distance does not slow
 *         it down: H2_GROWTH_MAX more for all such streams of a leg together.
 * Heads:  are not under flow control: while H2_HEADS_MAX of them wait for a client, its server is
 *         not read; requests that would be too much are refused for another time.
 * Memory: every byte of a bridge is counted, H2_MEMORY_MAX at most.
 * Abuse:  h2_meter.c, by counting: there is no clock in here.
 */
#ifndef GATE_BRIDGE_H2_H
#define GATE_BRIDGE_H2_H

#include "gate/bridge/bridge.h"
#include "gate/bridge/exchange.h"
#include "gate/bridge/h2_memory.h"
#include "gate/bridge/h2_meter.h"
#include "gate/bridge/websocket.h"

enum {
    H2_STREAM_WINDOW = 64 * 1024 - 1,   /* the protocol's own initial value */
    H2_CONNECTION_WINDOW = 256 * 1024,
    H2_GROWTH_MAX = 512 * 1024,
    H2_OUT_HIGH = 64 * 1024,            /* of bytes made ready for a socket */
    H2_FEED_MAX = 64 * 1024,
    H2_HEADS_MAX = 64 * 1024,
    H2_PATH_MAX = 8 * 1024,
    H2_TRAILERS_MAX = 16 * 1024,
    H2_INTERIM_MAX = 16,                /* 1xx responses to one request */
    H2_MEMORY_MAX = 4 * 1024 * 1024,
    H2_MEMORY_HIGH = 2 * 1024 * 1024,   /* no new streams from here on */
};

/* ------------------------------------------------------------------------------- a bridge ---- */

/* What goes to one side of a stream: head, then body, then trailers or not. */
struct h2_way {
    struct h2_head head;        /* held back by a content stage */
    struct h2_pipe raw;         /* body before the content stages: they hold, or pipe is full */
    struct h2_pipe pipe;        /* body as it may go */
    size_t owed;                /* bytes whose sender's window is still to be opened again */
    size_t taken;               /* since that window grew */
    size_t growth;              /* of that window over H2_STREAM_WINDOW */
    struct h2_head trailers;
    bool head_waits, head_sent; /* sent: handed to the leg's session */
    bool held, held_end;        /* a content stage wants to be asked again; about the end */
    bool held_again;            /* it is time to */
    bool came_end;              /* from the other side */
    bool ended;                 /* nothing comes behind what is in the pipe, and the trailers */
    bool deferred;              /* the session waits to be told of more */
    bool sent_end;              /* END_STREAM went out */
};

struct h2_stream {
    struct h2_stream *next, *prev;
    struct h2 *h;
    int32_t id[2];
    bool open[2];               /* the leg's session knows it */
    bool reset[2];              /* by us */
    struct h2_way to[2];
    bool answered;              /* by us, or given up: what still comes is dropped */
    bool final;                 /* the response's head, not an interim one, was seen */
    bool connect, head_request; /* connect: plain or extended */
    bool tunnel;                /* CONNECT was answered well: no content stages */
    unsigned interim;
    struct websocket *websocket;        /* two: from the client, from the server */
    bool websocket_wanted;
    struct content_exchange *x;
    char *text;                 /* method, scheme, authority, path: request's */
    struct bridge_request request;
};

struct h2_leg {
    nghttp2_session *session;
    struct h2_pipe out, in;     /* in: fed while it had to wait */
    struct h2_meter meter;
    struct h2_head head;        /* the one that is being read: they never interleave */
    size_t growth, growth_most; /* of its streams' windows now; of the connection's */
    size_t heads_waiting;       /* bytes of heads in the session's queue */
    bool full;                  /* out is: there may be more to say */
    bool eof, done;             /* done: nothing more will be sent or is read */
    bool goaway;                /* we sent or queued a last GOAWAY */
};

struct h2 {
    struct bridge b;
    struct h2_memory memory;
    struct h2_leg leg[2];
    struct h2_stream *streams;
    unsigned n_streams, max_streams;
    uint32_t told_streams;      /* SETTINGS_MAX_CONCURRENT_STREAMS as the client knows it */
    bool told_connect, draining;
    bool running;               /* a session is at work: what wakes has to wait */
    char via[80];               /* as we say it, RFC 9110 section 7.6.3; "" not */
    int error;                  /* -ENOMEM: all is over */
};

static inline enum bridge_side h2_other(enum bridge_side s)
{
    return s == BRIDGE_CLIENT ? BRIDGE_SERVER : BRIDGE_CLIENT;
}

/* For tests: what it holds now. */
const struct h2_memory *h2_memory_of(const struct bridge *b);

/* ---------------------------------------------------------------------------- h2_session.c ---- */

MW_MUST_CHECK int h2_session_new(struct h2 *h, enum bridge_side side);
/* Makes what it can ready in leg->out.  *progress: something happened. */
void h2_session_flush(struct h2 *h, enum bridge_side side, bool *progress);
/* Some of the bytes; how many it took. */
size_t h2_session_take(struct h2 *h, enum bridge_side side, struct mw_span bytes);
/* The leg ends with this GOAWAY; the other is told in its own way. */
void h2_session_fail(struct h2 *h, enum bridge_side by, uint32_t code, const char *why);
/* This side is gone: what it still owed is answered or reset, and the other leg ends. */
void h2_session_gone(struct h2 *h, enum bridge_side side);
/* An nghttp2 call's result on that leg: -ENOMEM and breaches end what they must. */
void h2_session_check(struct h2 *h, enum bridge_side side, int result);
enum bridge_side h2_session_side(const struct h2 *h, const nghttp2_session *session);

/* ----------------------------------------------------------------------------- h2_stream.c ---- */

struct h2_stream *h2_stream_new(struct h2 *h, int32_t client_id);       /* NULL: no memory */
void h2_stream_free(struct h2 *h, struct h2_stream *s);
void h2_stream_reset(struct h2 *h, struct h2_stream *s, enum bridge_side side, uint32_t code);
/* The leg's session closed it; it may be gone afterwards. */
void h2_stream_closed(struct h2 *h, struct h2_stream *s, enum bridge_side side, uint32_t code);
/* END_STREAM went out to that side. */
void h2_stream_sent_end(struct h2 *h, struct h2_stream *s, enum bridge_side to);
/* A response of ours instead of the server's. */
void h2_stream_answer(struct h2 *h, struct h2_stream *s, const struct bridge_answer *a);
/* Given up by us: with a page if no answer has begun, else reset on both sides. */
void h2_stream_refuse(struct h2 *h, struct h2_stream *s, const struct content_block *why);
/* Bytes into that side's pipe. */
void h2_stream_pass(struct h2 *h, struct h2_stream *s, enum bridge_side to, struct mw_span bytes);
/* Its pipe has something new, or has ended. */
void h2_stream_resume(struct h2 *h, struct h2_stream *s, enum bridge_side to);
/* Opens the sender's window by what nobody holds any more. */
void h2_stream_settle(struct h2 *h, struct h2_stream *s, enum bridge_side to);
/* Drops what waits for that side. */
void h2_stream_drop(struct h2 *h, struct h2_stream *s, enum bridge_side to);
nghttp2_data_provider h2_stream_source(struct h2_stream *s);
int h2_stream_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t len, nghttp2_data_source *source, void *context);

/* ---------------------------------------------------------------------------- h2_content.c ---- */

/* Body bytes from that side, and its end; both through the content stages. */
void h2_content_data(struct h2 *h, struct h2_stream *s, enum bridge_side from,
                     struct mw_span bytes);
void h2_content_end(struct h2 *h, struct h2_stream *s, enum bridge_side from);
/* Goes on with what waits, as far as stages and pipes let it. */
void h2_content_advance(struct h2 *h, struct h2_stream *s, enum bridge_side from);
/* Whether stages want the request whose head waits.  false: it was stopped. */
bool h2_content_open(struct h2 *h, struct h2_stream *s);

/* -------------------------------------------------------------------------- h2_websocket.c ---- */

/* A CONNECT was answered well; the response's fields say which extensions. */
void h2_websocket_begin(struct h2 *h, struct h2_stream *s, const struct h2_head *response);
void h2_websocket_data(struct h2 *h, struct h2_stream *s, enum bridge_side from,
                       struct mw_span bytes);

/* ---------------------------------------------------------------------------- h2_message.c ---- */

/* A head is complete in the leg's head. */
void h2_message_head(struct h2 *h, struct h2_stream *s, enum bridge_side from, bool end);
/* A head that the content stages let pass. */
void h2_message_forward(struct h2 *h, struct h2_stream *s, enum bridge_side from);
/* Sends the trailers that wait behind a body. */
void h2_message_send_trailers(struct h2 *h, struct h2_stream *s, enum bridge_side to);

/* The sessions are called from outside (h2.c). */
void h2_pump(struct h2 *h);

#endif
