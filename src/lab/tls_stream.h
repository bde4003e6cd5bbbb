/*
 * TLS over a peer: OpenSSL between two memory buffers, so that every byte that goes out can be
 * held back, cut or spoilt.
 * Life:   tls_stream_new() -> tls_stream_in()/read/write/out* -> tls_stream_free()
 */
#ifndef LAB_TLS_STREAM_H
#define LAB_TLS_STREAM_H

#include <openssl/ssl.h>

#include "lab/peer.h"

struct tls_stream;

/* client: the side that greets.  server_name: for a client, NULL otherwise. */
MW_MUST_CHECK int tls_stream_new(struct tls_stream **out, SSL_CTX *ctx, bool client,
                                 const char *server_name);
void tls_stream_free(struct tls_stream *t);     /* NULL ok */
SSL *tls_stream_ssl(const struct tls_stream *t);

/* Takes the peer's bytes in, shakes hands as far as it goes, and appends what is to be sent.
 * < 0: it failed; what is in *out (an alert) may still be sent. */
MW_MUST_CHECK int tls_stream_feed(struct tls_stream *t, struct mw_span in, struct buf *out);
bool tls_stream_ready(const struct tls_stream *t);

/* Decrypted bytes, appended; *ended: close_notify came. */
MW_MUST_CHECK int tls_stream_read(struct tls_stream *t, struct buf *plain, bool *ended);
MW_MUST_CHECK int tls_stream_write(struct tls_stream *t, struct mw_span plain, struct buf *out);
void tls_stream_close(struct tls_stream *t, struct buf *out);

#endif
