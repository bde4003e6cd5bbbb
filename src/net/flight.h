/*
 * A server's handshake messages as they came off the wire: what it sent, read by us, even
 * where the TLS library gives up half-way.
 * Life:   FLIGHT_INIT(max) -> flight_read()* -> flight_deinit()
 * Memory: certificates, staple and SCTs are copied; bounded by max_bytes.
 * Source: RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066 section 8, RFC 6962 section 3.3,
 *         RFC 8422 section 5.4.
 */
#ifndef NET_FLIGHT_H
#define NET_FLIGHT_H

#include <midwatch/trust.h>
#include <stdbool.h>

#include "base/buf.h"

enum flight_error {
    FLIGHT_OK,
    FLIGHT_MALFORMED,           /* a message that does not parse */
    FLIGHT_TOO_BIG,             /* more than MW_MAX_CERTS certificates, or max_bytes */
};

struct flight {
    size_t max_bytes;
    struct mw_parameters tls;   /* version, suite, group, scheme, DH size, marks; strings NULL */
    char alpn[32];              /* "": none */
    struct mw_span *certs;      /* DER as received, leaf first; spans into bytes */
    size_t n_certs;
    struct buf bytes;
    struct buf staple;          /* the leaf's OCSPResponse */
    struct buf scts;            /* the leaf's SignedCertificateTimestampList */
    bool hello_seen, retry_asked, certs_seen, done_seen;
    bool signed_seen;           /* the message that the leaf's key signs, or … */
    bool key_proof_seen;        /* … one after it: proof, if somebody checks in between */
    enum flight_error error;    /* the first; what was read before it stands */
    const char *error_in;       /* "Certificate", … */
};

#define FLIGHT_INIT(max) \
    { .max_bytes = (max), .bytes = BUF_INIT(max), .staple = BUF_INIT(1 << 17), \
      .scts = BUF_INIT(1 << 16) }

void flight_deinit(struct flight *f);

/* One handshake message of the server, header included.  0, or -ENOMEM; what the server did
 * wrong is remembered in f->error. */
MW_MUST_CHECK int flight_read(struct flight *f, struct mw_span message);

#endif
