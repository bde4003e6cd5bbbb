/*
 * The client's side of TLS over a raw file descriptor, for looking at servers: it takes every
 * certificate as it is and verifies nothing, which is the trust engine's job.
 * Life:   tls_client_new() once -> tls_new() for each connection -> tls_handshake()* ->
 *         tls_seen(), tls_read()/tls_write() -> tls_free()
 * Memory: the context is shared by all connections and holds no trust store; a connection owns
 *         its descriptor and what it saw.
 * Bounds: bytes and count of certificates here; time is the caller's (watch_limit).
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/flight.h"
#include "net/io.h"

/* What we offer.  Nothing else about a connection depends on it. */
enum tls_offer {
    TLS_OFFER_MODERN,           /* as browsers and current libraries: TLS 1.2 and 1.3 */
    TLS_OFFER_LEGACY,           /* TLS 1.0 to 1.2 with all that OpenSSL can: tells why a
                                 * server refused the modern offer; never to be trusted */
    TLS_OFFERS,
};

struct tls_client;

/* max_bytes: of all certificates of one connection together. */
MW_MUST_CHECK int tls_client_new(struct tls_client **out, size_t max_bytes);
void tls_client_free(struct tls_client *c);     /* NULL ok; after its connections */

struct tls_ask {
    enum tls_offer offer;
    const char *server_name;    /* SNI, A-labels; NULL: none */
    const char *alpn;           /* "h2,http/1.1"; NULL or "": none */
};

struct tls;

/* Owns fd from success on.  -EINVAL: a name or protocol that cannot be sent. */
MW_MUST_CHECK int tls_new(struct tls **out, struct tls_client *c, int fd,
                          const struct tls_ask *ask);

/* Sends close_notify if the handshake was finished, and closes. */
void tls_free(struct tls *t);           /* NULL ok */

/* IO_OK: finished.  IO_CLOSED: the peer closed in the middle.  IO_FAILED: tls_failure(). */
enum io tls_handshake(struct tls *t);

enum tls_failure {
    TLS_NO_FAILURE,
    TLS_RESET,                  /* RST */
    TLS_CLOSED,                 /* FIN, close_notify */
    TLS_ALERTED,                /* the peer's alert is in tls_seen()->tls.alert */
    TLS_NOT_TLS,                /* the first bytes are no TLS record: tls_first_bytes() */
    TLS_TOO_BIG,
    TLS_BROKE_PROTOCOL,         /* anything else; tls_failure_text() */
    TLS_OUT_OF_MEMORY,
};
enum tls_failure tls_failure(const struct tls *t);
const char *tls_failure_text(const struct tls *t);      /* one clause, safe to print */

/* What the server sent so far; complete after IO_OK. */
const struct flight *tls_seen(const struct tls *t);

/* The server proved that it holds the leaf's key: the handshake finished, or went on after the
 * message that proves it. */
bool tls_key_proven(const struct tls *t);

const char *tls_cipher_name(const struct tls *t);       /* NULL unknown */

/* The first ClientHello sent, handshake header included, and the first bytes received. */
struct mw_span tls_hello(const struct tls *t);
struct mw_span tls_first_bytes(const struct tls *t);

/* ClientHello sent to first byte received; 0 unknown. */
int64_t tls_first_answer_us(const struct tls *t);

/* RFC 9266 tls-exporter: 32 bytes.  -ENOTSUP: handshake not finished, or TLS 1.2 without
 * extended master secret. */
MW_MUST_CHECK int tls_exporter(struct tls *t, uint8_t out[32]);

int tls_fd(const struct tls *t);        /* for watch_new() */

/* After the handshake. */
enum io tls_read(struct tls *t, void *to, size_t room, size_t *n);
enum io tls_write(struct tls *t, struct mw_span bytes, size_t *n);

#endif
