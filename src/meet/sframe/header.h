/*
 * The SFrame header (RFC 9605 4.3): KID and counter, each in the fewest bytes that hold it.
 * Reading is mw_sframe_read_header() of midwatch/sframe.h.
 */
#ifndef MEET_SFRAME_HEADER_H
#define MEET_SFRAME_HEADER_H

#include <midwatch/sframe.h>

size_t sframe_header_size(uint64_t kid, uint64_t counter);

/* Returns its size. */
size_t sframe_header_write(uint8_t out[MW_SFRAME_HEADER_MAX], uint64_t kid, uint64_t counter);

#endif
