/*
 * Small servers on loopback for tests, each in a thread of its own, so that what is tested
 * keeps its loop for itself.
 * Life:   serving_tcp() or serving_udp() -> port -> serving_stop()
 */
#ifndef PROBE_SERVING_H
#define PROBE_SERVING_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/request.h"
#include "net/addr.h"

/* Serves one connection and returns; the descriptor blocks and is closed afterwards. */
typedef void serving_tcp_fn(void *context, int fd);

/* Answers one datagram by appending to *out; empty: no answer. */
typedef void serving_udp_fn(void *context, struct mw_span in, struct buf *out);

struct serving {
    uint16_t port;
    atomic_uint served;         /* connections or datagrams */
    int fd;
    atomic_bool stop;
    pthread_t thread;
    serving_tcp_fn *tcp;
    serving_udp_fn *udp;
    void *context;
};

void serving_tcp(struct serving *s, serving_tcp_fn *fn, void *context);
void serving_udp(struct serving *s, serving_udp_fn *fn, void *context);
/* Elsewhere than on 127.0.0.1; any free port. */
void serving_tcp_at(struct serving *s, const struct addr *at, serving_tcp_fn *fn, void *context);
void serving_stop(struct serving *s);

/* One HTTP answer for each path: a server of these is serving_tcp(&s, serving_http, routes). */
struct serving_route {
    const char *path;
    int status;
    const char *field, *value;  /* one more field, NULL none */
    struct mw_span body;
    atomic_uint asked;
    bool silent;                /* takes the request and says nothing */
};
struct serving_routes {
    struct serving_route *items;
    size_t n;
    atomic_uint strangers;      /* requests for something else */
};
serving_tcp_fn serving_http;

/* Reads a whole request, false: none came. */
bool serving_read_request(int fd, struct http_request *request);

/* A DNS server that has one record: example.test CAA 0 issue "ca.test;x". */
serving_udp_fn serving_caa;

/* An SNTP server; context is an int64_t, by how many seconds it is ahead, or NULL. */
serving_udp_fn serving_sntp;

/* "http://127.0.0.1:PORT" and the path. */
void serving_url(const struct serving *s, const char *path, char url[128]);

#endif
