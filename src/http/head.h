/*
 * The head of an HTTP/1.1 message, a line at a time: the one strict reader of start lines and
 * fields, for whole messages (message.h) and for what streams.  Strict: what two readers might
 * read differently is refused.
 * Memory: none of its own; lines and fields borrow from the bytes given.
 * Source: RFC 9110 section 5, RFC 9112 sections 2 to 6.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/span.h"

enum {
    HTTP_MAX_HEAD = 64 * 1024,      /* start line and fields, bytes */
    HTTP_MAX_FIELDS = 100,
    HTTP_MAX_LINE = 8 * 1024,       /* start line */
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
    HTTP_E_LONG_LINE,           /* the start line is over its limit */
    HTTP_E_MEMORY,              /* ours: nothing is wrong with the message */
};
const char *http_error_text(enum http_error error);     /* one clause */

enum http_state { HTTP_MORE, HTTP_DONE, HTTP_BAD };

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

/* fields[] is filled as far as n_fields says. */
struct http_head {
    struct mw_span start_line;
    size_t n_fields;
    size_t len;                     /* HTTP_DONE: bytes of the head, its empty line included */
    enum http_error error;
    struct http_field fields[HTTP_MAX_FIELDS];
};

/* How far a head that comes in parts was read; all zero: not at all. */
struct http_mark {
    size_t at, seen;
    unsigned lines;
};

/* bytes: all of the head that has come, and perhaps what follows it.  HTTP_MORE: call again with
 * the same bytes and more behind them; each line is looked at once.  HTTP_DONE: head->len of them
 * were it, the mark is zero again.  HTTP_BAD: head->error. */
enum http_state http_head_read(struct http_head *head, struct http_mark *mark,
                               struct mw_span bytes);

/* Likewise fields without a start line, up to an empty line: trailers. */
enum http_state http_fields_read(struct http_head *head, struct http_mark *mark,
                                 struct mw_span bytes);

/* The only field of that name (case ignored); empty: absent, or there is more than one. */
struct mw_span http_head_find(const struct http_head *head, struct mw_span name);
size_t http_head_count(const struct http_head *head, struct mw_span name);

/* Content-Length and Transfer-Encoding as RFC 9112 section 6.3 wants them; *kind and *length are
 * left alone if neither is there. */
MW_MUST_CHECK enum http_error http_head_frame(const struct http_head *head,
                                              enum http_body_kind *kind, uint64_t *length);

/* A token of RFC 9110 section 5.6.2; a value without CR, LF and NUL (5.5). */
bool http_is_token(struct mw_span s);
bool http_is_value(struct mw_span s);

/* "GET / HTTP/1.1" (RFC 9112 section 3), exactly one space between the three; *minor: 0 or 1. */
MW_MUST_CHECK bool http_request_line(struct mw_span line, struct mw_span *method,
                                     struct mw_span *target, int *minor);

/* "HTTP/1.1 200 OK" (RFC 9112 section 4); the reason may be empty. */
MW_MUST_CHECK bool http_status_line(struct mw_span line, int *minor, int *status,
                                    struct mw_span *reason);

#endif
