/*
 * A cursor over bytes in network order.  It remembers its first failure and yields zeros and
 * empty spans from then on, so only the end needs to be checked.
 *
 *     struct reader r = { .rest = wire };
 *     version = read_u16(&r);
 *     list = read_vec16(&r);          borrowed from wire
 *     if (!read_done(&r)) malformed
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>

#include "base/span.h"

struct reader {
    struct mw_span rest;
    bool failed;
};

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u24(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);

/* Exactly len bytes, borrowed. */
struct mw_span read_bytes(struct reader *r, size_t len);

/* A vector behind a length of 8, 16 or 24 bits (TLS presentation language, RFC 8446 3.4). */
struct mw_span read_vec8(struct reader *r);
struct mw_span read_vec16(struct reader *r);
struct mw_span read_vec24(struct reader *r);

/* Marks the reader as failed: the caller found the content wrong. */
void read_fail(struct reader *r);

/* Something is left and nothing failed: the loop condition of a list. */
bool read_more(const struct reader *r);

/* Everything was read and nothing failed. */
bool read_done(const struct reader *r);

#endif
