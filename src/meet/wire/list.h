/*
 * What the readers of this folder share: lists checked down to the last entry, and the bytes
 * that a structure was read from.
 */
#ifndef MEET_WIRE_LIST_H
#define MEET_WIRE_LIST_H

#include "meet/wire/vector.h"

/* A vector of entries: entry() reads one and fails the reader on what is malformed.  What is
 * returned can be gone through later with the same function, which then cannot fail. */
struct mw_span entries_read(struct reader *r, void (*entry)(struct reader *r));

/* A vector of whole uint16 or uint32. */
struct mw_span u16_list_read(struct reader *r);
struct mw_span u32_list_read(struct reader *r);

/* The bytes read since r->rest was `start`; none when the reader failed. */
struct mw_span wire_since(struct mw_span start, const struct reader *r);

/* optional<> (2.1.1): is the value there?  Fails on a presence octet other than 0 and 1. */
bool present_read(struct reader *r);

/* v is between 1 and last, as every enum of MLS is; else the reader fails. */
uint8_t enum_read(struct reader *r, uint8_t last);

#endif
