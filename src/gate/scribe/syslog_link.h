/*
 * One connection to a syslog collector, over UDP, TCP or TLS.
 * Life:   syslog_link_open() -> syslog_link_begin()* -> (send | listen)* -> syslog_link_close()
 */
#ifndef GATE_SCRIBE_SYSLOG_LINK_H
#define GATE_SCRIBE_SYSLOG_LINK_H

#include <openssl/ssl.h>

#include "net/addr.h"
#include "net/io.h"

enum syslog_kind { SYSLOG_UDP, SYSLOG_TCP, SYSLOG_TLS };

struct syslog_link {
    int fd;                     /* -1: none */
    SSL *ssl;         /* NULL: not TLS */
    bool connected, shaken;
};

/* roots and name checks of RFC 5425 section 5.2: TLS 1.2 or newer, the host's name or address. */
MW_MUST_CHECK int syslog_tls_new(SSL_CTX **out, struct mw_span roots,
                                 struct buf *error);
void syslog_tls_free(SSL_CTX *ctx);   /* NULL ok */

MW_MUST_CHECK int syslog_link_open(struct syslog_link *l, enum syslog_kind kind,
                                   const struct addr *to, SSL_CTX *ctx,
                                   const char *host);
void syslog_link_close(struct syslog_link *l);

/* Connects and shakes hands.  IO_FAILED: `why` (160 bytes) says how. */
enum io syslog_link_begin(struct syslog_link *l, char *why);

/* *n bytes were taken; UDP: all or none. */
enum io syslog_link_send(struct syslog_link *l, struct mw_span bytes, size_t *n, char *why);

/* Nobody has anything to say to us: looks for the end.  IO_WANT_READ: still open. */
enum io syslog_link_listen(struct syslog_link *l);

#endif
