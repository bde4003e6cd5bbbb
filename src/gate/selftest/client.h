/*
 * One request through the gate, or past it, and all that came of it.
 * Life:   call_make() -> answer_deinit()
 * Bounds: every wait is of CALL_WAIT_S at most.
 */
#ifndef GATE_SELFTEST_CLIENT_H
#define GATE_SELFTEST_CLIENT_H

#include <openssl/ssl.h>

#include "gate/selftest/stand.h"

enum { CALL_WAIT_S = 30, CALL_BODY_MAX = 64 * 1024 };

struct call {
    const char *host;           /* asked of the proxy */
    uint16_t port;
    bool direct;                /* past the gate, to 127.0.0.1 */
    const char *sni;            /* NULL: host, "": none */
    int min, max;               /* TLS versions; 0: 1.2 and 1.3 */
    const char *ciphers, *groups;       /* NULL: OpenSSL's */
    const char *path, *http_host;       /* NULL: "/", host */
    size_t split;               /* 0 < split: the first flight in pieces of so many bytes … */
    size_t first;               /* … or once, after so many */
    size_t record;              /* the ClientHello in TLS records of so many bytes; 0 one */
    bool renegotiate;           /* before the request */
    bool stop;                  /* once the server has answered the ClientHello */
};

struct answer {
    int connect;                /* the proxy's status; 0: none came */
    bool greeted;               /* the handshake finished */
    bool answered;              /* a ServerHello came */
    bool trusted;               /* the chain leads to the gate's root … */
    bool named;                 /* … and the leaf is for the host */
    bool renegotiated, can_renegotiate;
    int version, alert;         /* alert: received; 0 none */
    int group_bits;             /* of the server's ephemeral key */
    X509 *leaf;
    STACK_OF(X509) *chain;      /* as sent */
    int status;                 /* HTTP; 0: none */
    struct buf body;            /* head and body */
};

/* What failed is in the answer; < 0 only where nothing could be tried (-ENOMEM, …). */
MW_MUST_CHECK int call_make(struct answer *a, const struct gate *g, const struct call *c);
void answer_deinit(struct answer *a);

/* A tunnel by CONNECT; *status is the proxy's answer.  The socket, or -1. */
int tunnel_open(const struct gate *g, const char *host, uint16_t port, int *status);

/* Sends bytes through a tunnel and reads what comes first, up to `room`; *n 0: it was closed. */
void tunnel_ask(int fd, struct mw_span bytes, uint8_t *to, size_t room, size_t *n);

/* A TLS 1.2 ClientHello written by hand, in one record. */
struct raw_hello {
    const char *host;           /* SNI */
    const uint16_t *suites;
    size_t n_suites;
    bool deflate;               /* offers compression too */
    bool grease, modern;        /* reserved values everywhere; TLS 1.3 with an X25519 share */
    size_t padding;             /* a key share of no known group, so large */
};
void raw_hello_write(struct buf *out, const struct raw_hello *h);

/* A socket with CALL_WAIT_S as its limit, connected to a port of 127.0.0.1; -1. */
int local_connect(uint16_t port);

#endif
