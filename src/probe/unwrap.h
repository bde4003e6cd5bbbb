/*
 * What a fetched body holds: certificates and revocation lists in the wrappings that CAs use.
 * Memory: DER is copied into the caller's arena.
 * Source: RFC 5280 section 4.2.2.1 and RFC 5752 (certs-only CMS), RFC 7468 (PEM).
 */
#ifndef PROBE_UNWRAP_H
#define PROBE_UNWRAP_H

#include "base/arena.h"

enum { UNWRAP_MAX_CERTS = 16 };

/* Certificates from DER, PEM, or PKCS#7 certs-only (either encoding); at most
 * UNWRAP_MAX_CERTS, more are left out.  *n 0: none were in it.  0, or -ENOMEM. */
MW_MUST_CHECK int unwrap_certs(struct mw_span body, struct arena *arena,
                               struct mw_span certs[UNWRAP_MAX_CERTS], size_t *n);

/* A CRL from DER or PEM.  *next_update.s is 0 if it names none.  0, -ENOMEM, or > 0: none. */
MW_MUST_CHECK int unwrap_crl(struct mw_span body, struct arena *arena, struct mw_span *der,
                             struct mw_wall *next_update);

#endif
