/*
 * A TLS server for tests, in a thread: sends the certificates it was given, counts what it
 * hears after the handshake, and answers the echo if it has a key for it.
 * Life:   site_start() -> site.serving.port -> site_stop()
 */
#ifndef PROBE_SITE_H
#define PROBE_SITE_H

#include <openssl/ssl.h>

#include "net/echo_message.h"
#include "probe/serving.h"

enum site_lie { SITE_HONEST, SITE_OTHER_EXPORTER, SITE_OTHER_HELLO, SITE_BAD_SIGNATURE };

struct site {
    struct serving serving;
    SSL_CTX *tls;
    EVP_PKEY *echo_key;         /* NULL: no echo */
    enum site_lie lie;
    bool mute;                  /* accepts TCP and says nothing */
    atomic_uint heard_bytes;    /* after the handshake */
    atomic_uint finished;       /* handshakes */
};

/* The leaf, then the other certificates to send.  alpn: one protocol, NULL none. */
void site_start(struct site *s, X509 *leaf, EVP_PKEY *key, X509 *const *more, size_t n_more,
                const char *alpn);
void site_stop(struct site *s);

#endif
