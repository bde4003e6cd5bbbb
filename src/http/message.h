/*
 * What whole HTTP/1.1 requests and responses have in common: a head and a body, both collected
 * within limits.  What is strict about them is head.h's and body.h's.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "http/body.h"

/* A message being read.  The request and response parsers embed it. */
struct http_message {
    struct buf bytes, body;         /* the head as it came; the decoded body */
    struct http_head head;          /* borrows from bytes */
    struct http_mark mark;
    struct http_body coded;
    bool head_done;
    enum http_error error;
};

#define HTTP_MESSAGE_INIT(max_body) { .bytes = BUF_INIT(HTTP_MAX_HEAD), .body = BUF_INIT(max_body) }

void http_message_deinit(struct http_message *m);

/* The only field of that name (case ignored); empty: absent, or there is more than one. */
struct mw_span http_field_find(const struct http_message *m, const char *name);
size_t http_field_count(const struct http_message *m, const char *name);

/* For the parsers: takes head bytes off *in up to the empty line and cuts them; then the body,
 * once m->coded was started. */
enum http_state http_head_feed(struct http_message *m, struct mw_span *in);
enum http_state http_body_feed(struct http_message *m, struct mw_span *in);

#endif
