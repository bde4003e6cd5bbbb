/*
 * What HTTP/1.1 requests and responses have in common: a head of lines, and how long the body
 * is.  Strict: what two parsers might read differently is refused.
 * Source: RFC 9110 sections 5 and 8.6, RFC 9112 sections 2 to 7.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdbool.h>

#include "base/buf.h"

enum {
    HTTP_MAX_HEAD = 64 * 1024,      /* start line and fields, bytes */
    HTTP_MAX_FIELDS = 100,
    HTTP_MAX_LINE = 8 * 1024,       /* start line */
    HTTP_MAX_CHUNK_LINE = 256,
};

struct http_field {
    struct mw_span name, value;     /* value without spaces at its ends */
};

enum http_error {
    HTTP_E_OK,
    HTTP_E_START_LINE,
    HTTP_E_FIELD,               /* bad name, space before the colon, folded line, bare CR, NUL */
    HTTP_E_TOO_BIG,             /* head or body over its limit */
    HTTP_E_TOO_MANY,            /* fields */
    HTTP_E_LENGTH,              /* Content-Length: bad, repeated differently, or beside
                                 * Transfer-Encoding */
    HTTP_E_CODING,              /* a Transfer-Encoding other than chunked */
    HTTP_E_CHUNK,
    HTTP_E_CUT,                 /* the peer closed before the end */
    HTTP_E_HOST,                /* a request without Host, or with two */
};
const char *http_error_text(enum http_error error);     /* one clause */

enum http_state { HTTP_MORE, HTTP_DONE, HTTP_BAD };

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

/* A message being read.  The request and response parsers embed it. */
struct http_message {
    struct buf head, body;
    struct mw_span start_line;      /* these two borrow from head */
    struct http_field fields[HTTP_MAX_FIELDS];
    size_t n_fields;
    enum http_body_kind body_kind;
    uint64_t left;                  /* of the body, or of the chunk */
    unsigned step;
    struct buf line;                /* a chunk's line */
    enum http_error error;
};

#define HTTP_MESSAGE_INIT(max_body) \
    { .head = BUF_INIT(HTTP_MAX_HEAD), .body = BUF_INIT(max_body), \
      .line = BUF_INIT(HTTP_MAX_CHUNK_LINE) }

void http_message_deinit(struct http_message *m);

/* The only field of that name (case ignored); empty: absent, or there is more than one. */
struct mw_span http_field_find(const struct http_message *m, const char *name);
size_t http_field_count(const struct http_message *m, const char *name);

/* A token of RFC 9110 section 5.6.2; a value without CR, LF and NUL (5.5). */
bool http_is_token(struct mw_span s);
bool http_is_value(struct mw_span s);

/* For the parsers: takes head bytes off *in up to the empty line and cuts them into fields;
 * then the body, whose kind the parser has set in between. */
enum http_state http_head_feed(struct http_message *m, struct mw_span *in);
enum http_state http_body_feed(struct http_message *m, struct mw_span *in);

/* Content-Length and Transfer-Encoding as RFC 9112 section 6.3 wants them; *kind is left alone
 * if neither is there.  HTTP_BAD: they conflict. */
enum http_state http_body_frame(struct http_message *m, enum http_body_kind *kind);

#endif
