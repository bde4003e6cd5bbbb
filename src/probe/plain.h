/*
 * What a server speaks that does not speak TLS, told by its first bytes.
 */
#ifndef PROBE_PLAIN_H
#define PROBE_PLAIN_H

#include "base/buf.h"

/* One clause, safe to print: what it looks like, what to try, and its own words. */
void plain_describe(struct mw_span first, struct buf *out);

#endif
