/*
 * The addresses a certificate names: where its issuer, its CRL and its OCSP responder are.
 * Only http:// and https:// of printable ASCII; anything else is left out.
 */
#ifndef TRUST_URL_H
#define TRUST_URL_H

#include "base/arena.h"
#include "trust/cert.h"

enum url_kind { URL_ISSUER, URL_OCSP, URL_CRL };

enum { URL_MAX = 8, URL_MAX_BYTES = 2048 };     /* of one kind in one certificate; of one */

/* 0 or -ENOMEM; the list lives in the arena. */
MW_MUST_CHECK int urls_read(struct arena *arena, const struct cert *c, enum url_kind kind,
                            const char *const **out, size_t *n);

#endif
