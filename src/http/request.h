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

/* What the first bytes of a connection begin, where nobody said which protocol it would be.  Nobody
 * is to get past whoever reads requests by sending one in pieces, by a method of their own, or
 * with empty lines before it. */
enum http_look {
    HTTP_LOOK_NOT,                  /* no request, whatever follows */
    HTTP_LOOK_MAYBE,                /* it could become one, but few clients would begin so */
    HTTP_LOOK_MORE,                 /* a request that is on its way, most likely */
    HTTP_LOOK_H1,                   /* for the parser to take or to refuse */
    HTTP_LOOK_H2,                   /* HTTP/2's preface */
};
enum { HTTP_LOOK_BYTES = 16 * 1024 };   /* decided then at the latest */
enum http_look http_look(struct mw_span in);

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
