/*
 * DER, written into a buf from the outside in: der_open() leaves no room for the length, and
 * der_close() puts it in when the content is there.  The buf remembers the first failure.
 * Source: X.690 section 10.
 */
#ifndef GATE_FORGE_DER_WRITE_H
#define GATE_FORGE_DER_WRITE_H

#include "base/buf.h"
#include "trust/der.h"

/* What to give back to der_close(). */
MW_MUST_CHECK size_t der_open(struct buf *out, uint8_t tag);
void der_close(struct buf *out, size_t mark);

/* A whole element. */
void der_put(struct buf *out, uint8_t tag, struct mw_span content);

/* A non-negative INTEGER from big-endian octets. */
void der_put_integer(struct buf *out, struct mw_span big_endian);

/* UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5); times before 1950 and
 * after 9999 are written as the nearest that can be. */
void der_put_time(struct buf *out, struct mw_wall t);

#endif
