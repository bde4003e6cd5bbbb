/*
 * What two kinds of DNS record say, from their RDATA.
 * Source: RFC 8659 section 4.1 (CAA), RFC 9460 section 2.2 and RFC 9848 (ech in HTTPS).
 * Bounds: RDATA is at most 64 KiB by nature; a CAA value longer than 1 KiB is cut.
 */
#ifndef PROBE_DNSRECORD_H
#define PROBE_DNSRECORD_H

#include <midwatch/trust.h>

#include "base/arena.h"

enum dnsrecord_error { DNSRECORD_E_MALFORMED = 1 };

/* tag and value live in the arena, with everything unprintable escaped: such a value names no
 * authority.  0, -ENOMEM, DNSRECORD_E_MALFORMED. */
MW_MUST_CHECK int dnsrecord_caa(struct mw_caa *out, struct mw_span rdata, struct arena *arena);

/* *has_ech: the record is in service mode and carries an ech parameter that is not empty.
 * 0, DNSRECORD_E_MALFORMED. */
MW_MUST_CHECK int dnsrecord_https(bool *has_ech, struct mw_span rdata);

#endif
