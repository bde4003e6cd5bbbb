/*
 * Certificates as people read them (--certs) and as they copy them (--pem).
 */
#ifndef CHECK_CERTS_H
#define CHECK_CERTS_H

#include <midwatch/trust.h>

#include "base/layout.h"

/* All of v->chain: the path first, then what else was sent. */
void certs_text(struct layout *l, const struct mw_verdict *v, bool pem);

/* One certificate, RFC 7468 section 5. */
void certs_pem(struct buf *out, struct mw_span der);

/* "in 12 days" or "3 days ago", as seen from `now`. */
void certs_distance(struct buf *out, struct mw_wall now, struct mw_wall t);

#endif
