/*
 * What a probe's ClientHello offers, as OpenSSL contexts.  Contexts are only read once made
 * and shared by all connections with that offer; they hold no trust store.
 */
#ifndef NET_TLS_OFFER_H
#define NET_TLS_OFFER_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* *out is the caller's (SSL_CTX_free).  -ENOTSUP: this OpenSSL lacks what the offer names. */
MW_MUST_CHECK int tls_offer_context(SSL_CTX **out, enum tls_offer offer, size_t max_bytes);

#endif
