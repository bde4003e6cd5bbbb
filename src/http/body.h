/*
 * The body of an HTTP/1.1 message, piece by piece: by its length, by chunks, or until the peer
 * closes.  What comes out is the content; chunk extensions are read over.
 * Life:   http_body_start() -> http_body_take()* -> http_body_deinit()
 * Memory: borrows pieces from what it is given; owns trailers only, at most HTTP_MAX_TRAILER.
 * Source: RFC 9112 sections 6 and 7.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/buf.h"
#include "http/head.h"

enum { HTTP_MAX_CHUNK_LINE = 256, HTTP_MAX_TRAILER = 16 * 1024 };

struct http_body {
    enum http_body_kind kind;
    enum http_error error;
    uint64_t left;                  /* of the body, or of the chunk */
    unsigned step, line_len, digits;
    struct buf trailer;             /* lines as they came; empty if there are none */
    struct http_mark mark;
};

/* length: HTTP_BODY_LENGTH's.  b is all zero, or was deinited. */
void http_body_start(struct http_body *b, enum http_body_kind kind, uint64_t length);
void http_body_deinit(struct http_body *b);     /* all zero again */

/* Takes bytes off *in.  *piece, perhaps empty, is content and borrowed from them.
 * HTTP_DONE: with this piece the body is complete, *in is what follows it.
 * HTTP_MORE: call again, with more bytes if *in is empty.  HTTP_BAD: b->error. */
enum http_state http_body_take(struct http_body *b, struct mw_span *in, struct mw_span *piece);

/* The peer closed.  HTTP_DONE if that is how this body ends, else HTTP_BAD. */
enum http_state http_body_end(struct http_body *b);

/* After HTTP_DONE: the trailer fields, borrowed from b. */
void http_body_trailers(const struct http_body *b, struct http_head *out);

#endif
