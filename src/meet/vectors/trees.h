/*
 * What the runners of trees share.
 */
#ifndef MEET_VECTORS_TREES_H
#define MEET_VECTORS_TREES_H

#include "meet/tree/kem.h"
#include "meet/vectors/run.h"

/* A ratchet_tree with its length.  false: the case failed. */
bool run_tree_read(struct run *r, struct suited s, struct mw_span bytes, struct tree **out);

/* The tree hash of a node is what was wanted. */
void run_tree_hash(struct run *r, struct tree *t, uint32_t node, const char *what,
                   struct mw_span want);

#endif
