/*
 * For tests: an HTTP/2 client and server in the same process, talking through a bridge.  What
 * they hear is written down as text; what they say is said by the test.
 */
#ifndef TESTS_H2_PEER_H
#define TESTS_H2_PEER_H

#include "gate/bridge/h2.h"

enum { PEER_STREAMS = 256 };

struct peer_stream {
    int32_t id;
    struct buf heads;           /* "[:status 200][name value]"; interim ones and trailers too */
    struct buf body;
    bool begun, ended, closed;  /* a head came, END_STREAM came; nghttp2 closed it */
    uint32_t code;              /* with closed */
    struct buf say;             /* body still to be sent */
    bool say_end, waits;
    size_t taken;               /* of the body, by peer_take() */
    bool responded, reset;      /* for the test itself */
    size_t said;
    const char *say_trailer;    /* a value for "x-trailer" behind the body; NULL: none */
};

struct peer {
    nghttp2_session *session;
    struct peer_stream *streams[PEER_STREAMS];
    size_t n;
    bool slow;                  /* does not take bodies: its windows stay as they are */
    int goaways, pongs;
    uint32_t goaway_code;
    int32_t goaway_last;
    uint32_t connect_protocol, max_streams;     /* as heard in SETTINGS */
    struct buf raw;             /* bytes to be sent behind what the session says */
    struct buf *heard;          /* not NULL: all bytes it gets are added */
};

struct talk {
    struct peer client, server;
    struct bridge *bridge;
    struct buf *tape;           /* not NULL: what is fed, as side (1 byte), length (4), bytes */
    bool no_tables;             /* set before talk_begin(): heads leave nothing behind */
};

/* events' context is `context`.  o may be NULL. */
void talk_begin(struct talk *t, const struct bridge_options *o);
/* Lets all three speak until nobody has anything to say. */
void talk_run(struct talk *t);
void talk_end(struct talk *t);

/* "name: value" pairs after the four pseudo-fields, NULL-terminated; a name that begins with ':'
 * replaces or adds a pseudo-field. end: no body.  The stream's number. */
int32_t talk_request(struct talk *t, const char *method, const char *path, bool end,
                     const char *const *more);
/* The same with a whole list of fields, in order, unchecked. */
int32_t talk_request_raw(struct talk *t, const char *const *fields, bool end);
/* The server's side of the nth request it saw, and the client's of a stream. */
struct peer_stream *talk_served(struct talk *t, size_t nth);
struct peer_stream *talk_asked(struct talk *t, int32_t id);

void talk_respond(struct talk *t, struct peer_stream *s, const char *const *fields, bool end);
void talk_interim(struct talk *t, struct peer_stream *s, const char *const *fields);
/* More of a body. */
void talk_say(struct peer *p, struct peer_stream *s, struct mw_span bytes, bool end,
              const char *trailer);
void talk_reset(struct peer *p, struct peer_stream *s, uint32_t code);
/* A frame as bytes, good or bad. */
void talk_frame(struct peer *p, uint8_t type, uint8_t flags, int32_t id, struct mw_span payload);

/* For a slow peer: takes n bytes of what it got, or all. */
void peer_take(struct peer *p, struct peer_stream *s, size_t n);
/* Moves at most n bytes: into the bridge, or out of it.  How many. */
size_t talk_feed(struct talk *t, enum bridge_side side, size_t n);
size_t talk_fetch(struct talk *t, enum bridge_side side, size_t n);

bool said(const struct buf *heads, const char *what);

#endif
