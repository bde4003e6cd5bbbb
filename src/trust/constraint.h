/*
 * Name constraints: what a CA may name in what it signs.
 * Every kind of name is compared, or refused when it is of a kind nobody can compare.
 * Source: RFC 5280 4.2.1.10 and 6.1.3; RFC 9549 for internationalised mail.
 */
#ifndef TRUST_CONSTRAINT_H
#define TRUST_CONSTRAINT_H

#include "trust/cert.h"

enum constraint_result {
    CONSTRAINT_HOLDS,
    CONSTRAINT_VIOLATED,        /* a name outside what is permitted, or inside what is not */
    CONSTRAINT_UNSUPPORTED,     /* a name of a constrained kind that cannot be compared */
    CONSTRAINT_TOO_COMPLEX,     /* work_left ran out */
};

/* Is the CA's own extension well formed?  true too when it has none.
 * strict: RFC 5280's letter; otherwise DNS subtrees may begin with a dot, meaning "only
 * below", as many private CAs write them and browsers accept. */
bool constraint_well_formed(const struct cert *ca, bool strict);

/* Does `below` obey the constraints of `ca`, a CA above it?  The caller leaves out self-issued
 * certificates that are not the leaf (RFC 5280 6.1.3).  `why` gets the offending name when
 * the answer is bad.  *work_left counts comparisons down, long names as many. */
enum constraint_result constraint_check(const struct cert *ca, const struct cert *below,
                                        size_t *work_left, struct buf *why);

#endif
