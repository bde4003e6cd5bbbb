/*
 * DER, read strictly: definite, minimal lengths, no tag above 30.
 * Memory: everything read borrows from the bytes given.
 * Errors: the reader remembers its first failure (base/reader.h) and yields empty spans.
 * Source: X.690 section 10.
 */
#ifndef TRUST_DER_H
#define TRUST_DER_H

#include "base/reader.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* The context tag [n], primitive or constructed. */
#define DER_CONTEXT(n) (0x80 | (n))
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n))

struct der {
    uint8_t tag;
    struct mw_span content;
    struct mw_span whole;       /* tag and length included */
};

/* The next element, whatever its tag. */
struct der der_next(struct reader *r);

/* The content of the next element, which must have this tag; `der_expect_whole` with its
 * header. */
struct mw_span der_expect(struct reader *r, uint8_t tag);
struct mw_span der_expect_whole(struct reader *r, uint8_t tag);

/* Is the next element one of this tag?  Reads nothing. */
bool der_peek(const struct reader *r, uint8_t tag);

/* Whole text of one SEQUENCE and nothing after it; its content. */
struct mw_span der_unwrap(struct mw_span der, uint8_t tag, bool *ok);

/* BOOLEAN, DER's 00 or FF only. */
bool der_bool(struct reader *r);

/* A non-negative INTEGER up to `most`; anything else fails the reader. */
int der_small(struct reader *r, int most);

/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them: seconds present, "Z". */
struct mw_wall der_time(struct reader *r);

#endif
