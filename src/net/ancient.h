/*
 * Asks a server that refused every offer OpenSSL can make what it would speak: a ClientHello
 * written by hand, SSL 3.0 to TLS 1.2, with the cipher suites that no library builds in any
 * more.  Below TLS 1.3 the server's answer and its certificates come in the clear, so they can
 * be read without speaking the suite.  The handshake ends there: nothing is proven, and nothing
 * but the ClientHello is ever sent.
 * Life:   ancient_new() -> ancient_step()* -> ancient_seen() -> ancient_free()
 * Bounds: as in net/tls.h; time is the caller's.
 * Source: RFC 5246 sections 6.2.1 and 7.4.1.2, RFC 6101 (SSL 3.0), RFC 7465 (RC4).
 */
#ifndef NET_ANCIENT_H
#define NET_ANCIENT_H

#include "net/flight.h"
#include "net/io.h"

struct ancient;

/* Owns fd from success on.  server_name NULL: no SNI. */
MW_MUST_CHECK int ancient_new(struct ancient **out, int fd, const char *server_name,
                              size_t max_bytes);
void ancient_free(struct ancient *a);   /* NULL ok */

/* IO_OK: the server's flight is whole.  IO_FAILED: an alert, no TLS, or malformed. */
enum io ancient_step(struct ancient *a);

const struct flight *ancient_seen(const struct ancient *a);

/* As OpenSSL used to name it; NULL: not one of those offered. */
const char *ancient_suite_name(uint16_t suite);

/* Does what the server chose by itself rule out that anybody should trust the connection? */
bool ancient_is_broken(const struct mw_parameters *tls);

/* The reading part alone, for tests and fuzzing: records as they come.  IO_WANT_READ: not
 * whole yet. */
struct ancient_reader {
    struct buf records, messages;
    size_t total;               /* bytes taken; the limit of `messages` holds for it too */
    struct flight flight;
};
#define ANCIENT_READER_INIT(max) \
    { .records = BUF_INIT(1 << 16), .messages = BUF_INIT((max) + (1 << 16)), \
      .flight = FLIGHT_INIT(max) }
enum io ancient_read(struct ancient_reader *r, struct mw_span bytes);
void ancient_reader_deinit(struct ancient_reader *r);

#endif
