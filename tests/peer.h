/*
 * The other end of a connection, for tests: a thread that listens on loopback and plays a part
 * with each connection in turn.
 * Life:   peer_start() -> connections -> peer_stop()
 * Bounds: reads and writes of a part give up after five seconds.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <openssl/ssl.h>

#include "net/addr.h"

struct peer;

/* Plays one connection; fd is closed afterwards.  Runs on the peer's thread. */
typedef void peer_part(int fd, void *context);

struct peer *peer_start(peer_part *part, void *context);
void peer_stop(struct peer *p);

const char *peer_at(const struct peer *p);      /* "127.0.0.1:PORT" */
const struct addr *peer_addr(const struct peer *p);
unsigned peer_count(const struct peer *p);      /* connections played or begun */

/* For parts.  Reading gives how many bytes came, 0 at the end. */
size_t peer_read(int fd, void *to, size_t room);
void peer_send(int fd, const void *bytes, size_t len);
void peer_say(int fd, const char *text);
bool peer_expect(int fd, const char *text);     /* exactly these bytes come next */
void peer_reset(int fd);                        /* RST instead of FIN when it closes */
void peer_wait_for_end(int fd);                 /* until the other side closes */

/* A part: answers the handshake with the SSL_CTX in `context`, then waits for the end. */
void peer_tls(int fd, void *context);

/* A loopback address that nobody listens on. */
void peer_nobody(char at[ADDR_TEXT]);

#endif
