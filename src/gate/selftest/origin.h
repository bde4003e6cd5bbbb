/*
 * Servers of the test's own, for what the lab has no case: a process each, and one more for each
 * connection.
 * Life:   origin_start() -> calls to o->port -> origin_stop()
 */
#ifndef GATE_SELFTEST_ORIGIN_H
#define GATE_SELFTEST_ORIGIN_H

#include "gate/selftest/stand.h"

enum origin_kind {
    ORIGIN_WEB,                 /* answers a request with its path */
    ORIGIN_RENEGOTIATES,        /* asks for a new handshake first; "renegotiated" if it got it */
    ORIGIN_LISTENS,             /* writes the first bytes that came to `told`, and closes */
    ORIGIN_LOOPS,               /* hands on to the gate's own proxy: CONNECT `target` */
    ORIGIN_STRIPS,              /* hands on to `target`, with renegotiation_info struck out of
                                 * the ServerHello; writes the alert that came back to `told` */
};

struct origin_plan {
    enum origin_kind kind;
    struct mill_cert *const *chain;     /* leaf first, as sent; the leaf's key signs */
    size_t n;
    int max;                    /* TLS version; 0: any */
    bool asks;                  /* for a client's certificate, and goes on without */
    const char *target;         /* host:port of ORIGIN_LOOPS */
    uint16_t to;                /* the port that is handed on to */
};

struct origin {
    pid_t pid;
    uint16_t port;
    int told;                   /* read end of a pipe; -1 */
};

MW_MUST_CHECK int origin_start(struct origin *o, const struct origin_plan *plan);
void origin_stop(struct origin *o);

/* What the origin told, waited for. */
void origin_hear(const struct origin *o, struct buf *out);

#endif
