/*
 * Whole pages of memory that is mostly zero and not needed for a while: what is on them is written
 * down elsewhere, in less, and they go back to the system.  They come again by themselves, empty.
 * Flow:   pages_pack() -> pages_unpack(), and nobody looks at them in between.
 * Memory: pages begin at a multiple of PAGES_SIZE, and `room` is one, too.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum { PAGES_SIZE = 4096 };

/* Are those the system's, too?  Where its own are larger nothing is given back. */
bool pages_fit(void);

/* How many of them have something on them. */
size_t pages_full(const uint8_t *pages, size_t room);

/* How many bytes they would be, packed. */
size_t pages_measure(const uint8_t *pages, size_t room);

/* So many are written there, and the pages wiped.  How many. */
size_t pages_pack(uint8_t *pages, size_t room, uint8_t *to);

/* They are as they were.  The pages must be empty.  How many bytes it read. */
size_t pages_unpack(uint8_t *pages, const uint8_t *from);

/* Without writing on those that are empty: they may not be there at all. */
void pages_wipe(uint8_t *pages, size_t room);

/* Those that are empty go back to the system. */
void pages_drop(uint8_t *pages, size_t room);

#endif
