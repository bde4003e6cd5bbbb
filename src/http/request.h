/*
 * Reading and writing HTTP/1.1 requests, without sockets.
 * Life:   HTTP_REQUEST_INIT(max) -> http_request_feed()* -> http_request_deinit()
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/message.h"

struct http_request {
    struct http_message m;
    struct mw_span method, target;  /* borrowed from the head */
    int minor;
    bool head_done;
};

#define HTTP_REQUEST_INIT(max_body) { .m = HTTP_MESSAGE_INIT(max_body) }

void http_request_deinit(struct http_request *r);

/* Takes bytes off *in.  HTTP_DONE: complete, *in is what follows it. */
enum http_state http_request_feed(struct http_request *r, struct mw_span *in);

/* The peer closed: HTTP_E_CUT if something was under way. */
enum http_state http_request_end(struct http_request *r);

/* A whole request: Host, the fields, Content-Length if there is a body, "Connection: close".
 * -EINVAL: a method, target, host or field that may not be sent. */
MW_MUST_CHECK int http_request_write(struct buf *out, const char *method, const char *target,
                                     const char *host, const struct http_field *fields,
                                     size_t n_fields, struct mw_span body);

/* An http:// or https:// URL cut into its parts, borrowed; path starts with "/" or is empty,
 * the query belongs to it, a fragment is dropped.  -EINVAL: another scheme, user info, spaces,
 * controls. */
struct http_url {
    bool tls;
    struct mw_span host;            /* without brackets */
    uint16_t port;
    struct mw_span path;
};
MW_MUST_CHECK int http_url_parse(struct http_url *out, struct mw_span text);

#endif
