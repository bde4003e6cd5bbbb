/*
 * What the DNS says about a name besides its addresses: which authorities may issue for it
 * (CAA), and whether it advertises Encrypted ClientHello (the HTTPS record).
 * Life:   dnsfacts_begin() -> callback once -> gone; or dnsfacts_cancel() before that.
 * Memory: what is found lives in the caller's arena.
 * Bounds: DNSFACTS_MAX_* questions and records.
 * Source: RFC 8659 section 3 (climbing), RFC 9460 section 9.1 (names with a port).
 */
#ifndef PROBE_DNSFACTS_H
#define PROBE_DNSFACTS_H

#include <midwatch/trust.h>

#include "base/arena.h"
#include "net/dns.h"

enum {
    DNSFACTS_MAX_CLIMB = 10,    /* labels of a name asked for, from the left */
    DNSFACTS_MAX_CAA = 32,
};

struct dnsfacts {
    enum mw_seen caa_looked;            /* MW_SEEN_YES: caa is the set that applies, maybe empty */
    const struct mw_caa *caa;
    size_t n_caa;
    enum mw_seen ech_advertised;
};

struct dnsfacts_job;
typedef void dnsfacts_fn(void *context, const struct dnsfacts *facts);

/* host: A-labels, no address.  limit_ms: for each question. */
MW_MUST_CHECK int dnsfacts_begin(struct dnsfacts_job **out, struct dns *dns, const char *host,
                                 uint16_t port, int64_t limit_ms, struct arena *arena,
                                 dnsfacts_fn *on_done, void *context);
void dnsfacts_cancel(struct dnsfacts_job *job);         /* NULL ok */

#endif
