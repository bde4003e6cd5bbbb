/*
 * One side of a session: a socket, in the clear or under TLS.
 * Life:   leg_open() -> [leg_secure() -> leg_handshake()*] -> leg_read()/leg_write()*
 *         -> leg_finish() -> leg_close()
 * Memory: owns its descriptor and its SSL; embedded, zeroed by leg_open().  It may not move while
 *         it has an SSL.
 * Rest:   while nothing happens its SSL, which is mostly zero, is packed: leg_rest().  Whoever
 *         wants it takes it from leg_ssl(), which unpacks it; OpenSSL has it from nobody else.
 * Turns:  a read that found the socket empty is not tried again before leg_wake(): the loop says
 *         when there is more, and asking costs a system call.
 */
#ifndef GATE_WORKER_LEG_H
#define GATE_WORKER_LEG_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/io.h"

enum leg_failure {
    LEG_WELL,
    LEG_RESET,                  /* RST, or writing to a closed peer */
    LEG_CUT,                    /* FIN in the middle of TLS */
    LEG_ALERTED,                /* the peer's fatal alert: alert_in */
    LEG_PROTOCOL,               /* it broke TLS; or we alerted it: alert_out */
    LEG_BROKEN,                 /* any other errno */
    LEG_NO_MEMORY,
};

/* Hears what passes through the socket under TLS, and, with no bytes, that the handshake is over;
 * ends with its leg. */
struct leg_tap {
    void (*on_bytes)(struct leg_tap *t, bool in, struct mw_span bytes);
    void (*on_close)(struct leg_tap *t);
};

struct leg {
    int fd;                     /* -1: none */
    SSL *tls;                   /* NULL: in the clear; what it points to: leg_ssl() */
    uint8_t *packed;            /* what was there, while it rests; NULL: it is there */
    size_t packed_size;
    uint8_t *early;             /* read before, to be read again first; owned */
    size_t early_from, early_len;
    bool empty;                 /* the socket had no more, until leg_wake() */
    bool fin_in, fin_out;       /* the peer finished; we did */
    bool shaken;                /* the handshake is over, and settled on these three */
    bool resumed;
    uint16_t version, suite;
    bool wide;                  /* much comes in one go: read several records a system call */
    uint32_t streak;            /* bytes read since the socket was last empty */
    uint8_t alert_in, alert_out;
    int error;                  /* errno of the socket */
    enum leg_failure failure;
    const char *alpn;           /* as a TLS server: the only protocol to agree to; NULL: none */
    struct leg_tap *tap;        /* NULL: nobody listens */
    void *owner;                /* whoever the callbacks of a context are for */
    char why[80];               /* OpenSSL's own word for LEG_PROTOCOL */
};

void leg_open(struct leg *l, int fd);
void leg_close(struct leg *l);

/* To other memory; *from is closed. */
void leg_move(struct leg *to, struct leg *from);

/* These bytes were taken off the socket already; leg_read() gives them first.  0 or -ENOMEM. */
MW_MUST_CHECK int leg_unread(struct leg *l, struct mw_span bytes);

/* From now on TLS, as the context's kind of side.  0 or -ENOMEM. */
MW_MUST_CHECK int leg_secure(struct leg *l, SSL_CTX *ctx);
enum io leg_handshake(struct leg *l);

/* IO_CLOSED: an orderly end (FIN in the clear, close_notify under TLS). */
enum io leg_read(struct leg *l, void *to, size_t room, size_t *n);
enum io leg_write(struct leg *l, struct mw_span bytes, size_t *n);

/* close_notify and FIN: nothing more is written.  IO_OK, IO_WANT_WRITE or IO_FAILED. */
enum io leg_finish(struct leg *l);

/* Nothing more is written, and the peer shall not take that for an orderly end: RST. */
void leg_reset(struct leg *l);

/* The loop says that there may be more to read. */
void leg_wake(struct leg *l);

/* Bytes that can be read without the socket saying so. */
bool leg_holds(const struct leg *l);

/* Nothing has come for a while: buffers that OpenSSL holds on to go (it leaves one of 16 KiB behind
 * where tickets were the last it read), and the SSL is packed.  Again: nothing happens. */
void leg_rest(struct leg *l);
void leg_unrest(struct leg *l);

static inline SSL *leg_ssl(struct leg *l)
{
    if (l->packed != NULL)
        leg_unrest(l);
    return l->tls;
}

/* One clause about `failure`, safe to print. */
const char *leg_failure_text(const struct leg *l);

/* What a context for legs has as its app data: this, at the beginning of whatever. */
struct leg_context {
    BIO_METHOD *bio;
};
MW_MUST_CHECK int leg_context_init(struct leg_context *c);
void leg_context_deinit(struct leg_context *c);
void leg_context_use(struct leg_context *c, SSL_CTX *ctx);

struct leg *leg_of(const SSL *ssl);

#endif
