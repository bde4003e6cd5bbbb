/*
 * Reading and writing HTTP/1.1 responses, without sockets.
 * Life:   HTTP_RESPONSE_INIT(max) -> http_response_feed()* [-> http_response_end()]
 *         -> http_response_deinit()
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/message.h"

struct http_response {
    struct http_message m;          /* m.body is the decoded body, m.error why it is bad */
    int status;
    int minor;                      /* HTTP/1.x */
    struct mw_span reason;          /* borrowed from the head; not safe to print as it is */
    bool bodiless;                  /* set before feeding: the answer to HEAD or CONNECT */
    bool head_done;
    unsigned interim;               /* 1xx answers dropped */
};

#define HTTP_RESPONSE_INIT(max_body) { .m = HTTP_MESSAGE_INIT(max_body) }

void http_response_deinit(struct http_response *r);

/* Takes bytes off *in.  HTTP_DONE: complete, *in is what follows it.  Interim answers (1xx)
 * are skipped, at most eight. */
enum http_state http_response_feed(struct http_response *r, struct mw_span *in);

/* The peer closed: HTTP_DONE for a body that goes on until then, else HTTP_BAD. */
enum http_state http_response_end(struct http_response *r);

/* Where a 3xx points, as sent; empty: nowhere. */
struct mw_span http_response_location(const struct http_response *r);

/* "Not Found"; "" for what has no name here. */
const char *http_reason(int status);

/* A whole response with Content-Length and, unless keep is set, "Connection: close".
 * -EINVAL: a field that may not be sent. */
MW_MUST_CHECK int http_response_write(struct buf *out, int status,
                                      const struct http_field *fields, size_t n_fields,
                                      struct mw_span body, bool keep);

#endif
