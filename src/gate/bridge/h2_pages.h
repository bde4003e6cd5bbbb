/*
 * What nghttp2 keeps for as long as a bridge lives, on pages of their own: what it takes to begin
 * with, one behind the other, and large blocks that come later.  While the bridge is idle they are
 * packed (base/pages.h), and everything is where it was once there is work again.  Nobody but
 * nghttp2 knows what is on them, and it does nothing that it is not called for.
 * Life:   of the struct h2_memory they belong to.
 * Flow:   h2_memory_rest() -> h2_memory_wake(), before nghttp2 is called again; both in
 *         h2_memory.h.
 */
#ifndef GATE_BRIDGE_H2_PAGES_H
#define GATE_BRIDGE_H2_PAGES_H

#include "gate/bridge/h2_memory.h"

/* All zero; NULL: no memory, or more than there may be. */
void *h2_pages_alloc(struct h2_memory *m, size_t size);
/* On the pages of blocks that stay, if there is room; not zeroed. */
bool h2_pages_can_last(const struct h2_memory *m, size_t size);
void *h2_pages_lasting(struct h2_memory *m, size_t size);
/* false: it is none of these. */
bool h2_pages_free(struct h2_memory *m, void *p);
size_t h2_pages_size(const struct h2_memory *m, const void *p);         /* 0: none of these */
void h2_pages_deinit(struct h2_memory *m);

/* May so much be taken?  Yes, and it was. */
bool h2_memory_may(struct h2_memory *m, size_t size);
void h2_memory_took(struct h2_memory *m, size_t size);

#endif
