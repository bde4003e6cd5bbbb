/*
 * Vectors behind a variable-size length (RFC 9420 2.1.2): 6, 14 or 30 bits, always the shortest
 * that fits.  A longer form than needed fails the reader.
 */
#ifndef MEET_WIRE_VECTOR_H
#define MEET_WIRE_VECTOR_H

#include "base/buf.h"
#include "base/reader.h"

struct mw_span vector_read(struct reader *r);       /* borrowed */
size_t vector_length_read(struct reader *r);        /* its length alone */
void vector_write(struct buf *b, struct mw_span s);

/* A vector whose length is known only when it is written:
 *     size_t at = vector_open(b);  ...writes...  vector_close(b, at); */
size_t vector_open(struct buf *b);
void vector_close(struct buf *b, size_t at);

/* Bytes that the length of a vector of len bytes takes: 1, 2, 4. */
size_t vector_header(size_t len);

/* Writes that length, for whoever builds a vector without a buf: how many bytes it took.
 * len: less than 2^30. */
size_t vector_header_put(uint8_t at[4], size_t len);

/* A list of uint16 or uint32 in a span: does it hold v?  Its length is a multiple of the size. */
bool u16_list_has(struct mw_span list, uint16_t v);
uint32_t u32_list_at(struct mw_span list, size_t i);

#endif
