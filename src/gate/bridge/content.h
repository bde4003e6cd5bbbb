/*
 * What is looked at, changed or stopped while HTTP passes: a row of stages, each of which sees
 * one message at a time, head first, then the body in pieces, then its end.
 *
 *     client -> [stage 1 -> stage 2 -> …] -> server        and the same row for the answer
 *
 * Life:   a stage is made once for each gateway process (content_stage); it opens one state for
 *         each exchange that asks for it.
 * Memory: demand flows up, bytes flow down: a stage keeps at most what it says it holds
 *         (hold_max), and the bridge reads no more while it does.
 * The stages that exist: limits.c (body limits).  Scanners come as further stages.
 */
#ifndef GATE_BRIDGE_CONTENT_H
#define GATE_BRIDGE_CONTENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "http/message.h"

enum content_side { CONTENT_REQUEST, CONTENT_RESPONSE };

/* The head of a message, whatever HTTP version carried it.  Borrowed. */
struct content_head {
    enum content_side side;
    struct mw_span method, scheme, authority, path;     /* of the request, on both sides */
    int status;                         /* responses */
    const struct http_field *fields;    /* without connection-specific ones and pseudo-fields */
    size_t n_fields;
    bool has_length;                    /* a body of that length follows: not after HEAD, not 304 */
    uint64_t length;                    /* Content-Length */
    const char *protocol;               /* "h1", "h2"; "websocket": the request asks for it, and
                                         * what follows a good answer passes no stage */
};

enum content_answer {
    CONTENT_PASS,               /* go on; the bytes given were written to `out` as they may go */
    CONTENT_HOLD,               /* keep what was given; nothing of this side goes on or comes until
                                 * content_wake(), then: head() with the same head, body() with an
                                 * empty piece, or end() is asked again */
    CONTENT_BLOCK,              /* stop this exchange: content_block says why */
};

/* What a stage does to bodies.  A length that was announced is kept by the last two. */
enum content_effect {
    CONTENT_CHANGES,            /* other bytes, perhaps another number of them */
    CONTENT_DELAYS,             /* the same bytes, later */
    CONTENT_LOOKS,              /* never touches them: body() and end() get no `out` (NULL), and
                                 * the piece itself goes on: no byte is copied */
};

/* Why an exchange is stopped, and what the client is shown if no byte of an answer was sent
 * yet.  Strings are the stage's and outlive the exchange. */
struct content_block {
    int status;                 /* 403, 413, 502, … */
    const char *title, *reason; /* plain text; the page is made from them */
    const char *code;           /* stable word for the log: "body-too-large" */
};

struct content_exchange;        /* the bridge's: one request and its answer */

struct content_stage {
    const char *name;
    const void *settings;
    enum content_effect effect;
    size_t hold_max;            /* bytes kept back at most, for each side of an exchange; more
                                 * stops the exchange ("stage-failed") */
    /* Does it want this exchange?  NULL in *state: no.  < 0 -errno. */
    int (*open)(void **state, const struct content_stage *stage, struct content_exchange *x,
                const struct content_head *request);
    enum content_answer (*head)(void *state, const struct content_head *head,
                                struct content_block *block);
    /* Appends to out what may go on, at most CONTENT_MAX_OUT and hold_max more than the piece. */
    enum content_answer (*body)(void *state, enum content_side side, struct mw_span piece,
                                struct buf *out, struct content_block *block);
    enum content_answer (*end)(void *state, enum content_side side, struct buf *out,
                               struct content_block *block);
    void (*close)(void *state);         /* always; no waking afterwards */
};                              /* head, body, end: NULL passes */

enum { CONTENT_MAX_OUT = 1024 * 1024 };

/* A row of stages, shared by all bridges of a process. */
struct content_row {
    const struct content_stage *const *stages;
    size_t n;
};

/* A stage that held has made up its mind: it is asked again, and perhaps
 * closed, before this returns. */
void content_wake(struct content_exchange *x);

/* Body limits: 0 none.  The stage is `settings` itself; both outlive the bridges. */
struct content_limits {
    uint64_t request_body, response_body;
};
struct content_stage content_limits_stage(const struct content_limits *limits);

#endif
