/*
 * A TLS 1.2 server's first flight, written by hand: for cipher suites and groups that OpenSSL
 * does not speak any more.  It ends where the client's answer would be needed.
 * Source: RFC 5246 section 7.4, RFC 4492.
 */
#ifndef LAB_OLD_FLIGHT_H
#define LAB_OLD_FLIGHT_H

#include "lab/hello.h"
#include "lab/site.h"

/* Records of ServerHello, Certificate, ServerKeyExchange with a signed group of dh_bits (0: no
 * such message) and ServerHelloDone.  A client that does not offer the suite gets a
 * handshake_failure alert. */
MW_MUST_CHECK int old_flight(struct buf *wire, const struct site *s, const struct hello *hello,
                             uint16_t suite, int dh_bits);

#endif
