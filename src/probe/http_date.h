/*
 * The Date of any HTTP answer as a weak reading of the time: a second coarse, and whoever
 * rewrites the answer can write it.
 * Source: RFC 9110 sections 5.6.7 and 6.6.1.
 */
#ifndef PROBE_HTTP_DATE_H
#define PROBE_HTTP_DATE_H

#include <midwatch/trust.h>

#include "base/span.h"

/* IMF-fixdate, and the two obsolete forms that a recipient must still read.  A two-digit year
 * is the one nearest to `near`.  -EINVAL: none of them. */
MW_MUST_CHECK int http_date_parse(struct mw_span text, struct mw_wall near, struct mw_wall *out);

/* Fills in the source, the offset and the uncertainty.  sent_ms, received_ms: our clock, in
 * milliseconds since 1970, around the exchange. */
void http_date_reading(struct mw_clock_reading *out, struct mw_wall date, int64_t sent_ms,
                       int64_t received_ms);

#endif
