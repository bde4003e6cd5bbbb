/*
 * An OCSP question, to be POSTed.
 * Source: RFC 6960 section 4.1 and appendix A.1; RFC 5019 section 2.1 (one certificate, SHA-1
 *         identifiers, which every responder knows).
 */
#ifndef PROBE_OCSP_ASK_H
#define PROBE_OCSP_ASK_H

#include "base/arena.h"

#define OCSP_REQUEST_TYPE "application/ocsp-request"

/* About `leaf`, issued by `issuer`, both DER.  0, -ENOMEM, or > 0: they do not parse. */
MW_MUST_CHECK int ocsp_ask_write(struct mw_span *out, struct arena *arena, struct mw_span leaf,
                                 struct mw_span issuer);

#endif
