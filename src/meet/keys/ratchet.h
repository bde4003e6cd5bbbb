/*
 * What a secret tree is made of; for its own .c files and no one else.
 * Memory:  everything here is a cell of the tree's.
 */
#ifndef MEET_KEYS_RATCHET_H
#define MEET_KEYS_RATCHET_H

#include "meet/keys/cells.h"
#include "meet/keys/secret_tree.h"

/* The key of a generation that is still to come or was passed over. */
struct kept {
    struct kept *next;          /* generations increase */
    uint32_t generation;
    uint8_t nonce[CRYPT_NONCE], key[CRYPT_KEY_MAX];
};

/* A leaf's ratchet of one kind.  The secret is that of generation `next`; generations below
 * `floor` are over, but for the kept.  floor is above next only when memory ran out at the very
 * moment of moving on: then the generations between are let go, and deleted with the next step. */
struct ratchet {
    struct kept *first, *last;
    uint32_t next, floor, n_kept;
    uint32_t unused;
    uint8_t secret[];           /* nh bytes */
};

/* Either it has children, or it is a leaf with ratchets, or it has its secret. */
struct node {
    struct node *child[2];
    struct ratchet *ratchet[2]; /* by enum ratchet_kind */
    uint8_t secret[];           /* nh bytes */
};

#define RATCHET_CELL(nh) (sizeof(struct node) + (nh))

_Static_assert(sizeof(struct kept) <= RATCHET_CELL(32), "a kept key fits in a cell");
_Static_assert(sizeof(struct ratchet) <= sizeof(struct node), "a ratchet fits in a cell");

/* A ratchet run ahead for a message that is not yet believed: what `of` will be, if it is. */
struct ahead {
    struct ratchet *of;         /* NULL: none */
    struct ratchet *run;
};

struct secret_tree {
    struct suited s;
    uint32_t leaves;
    struct cells cells;
    struct node *root;
    struct ahead ahead;
    uint32_t kept_all;
};

/* How far `floor` may be above `next`: what a saved state can make us derive at once. */
#define RATCHET_GAP_MAX (8u * SECRET_TREE_AHEAD)

/* A tree without its root. */
MW_MUST_CHECK int secret_tree_bare(struct secret_tree **out, struct suited s, uint32_t leaves);

void kept_append(struct ratchet *r, struct kept *k);
struct kept *kept_find(const struct ratchet *r, uint32_t generation);
struct kept *kept_pop(struct ratchet *r);               /* the first; NULL: none */
struct kept *kept_take(struct ratchet *r, uint32_t generation);  /* NULL: none */

/* The key of generation r->next, and then r moves on.  k NULL: only that.  On failure r is as it
 * was. */
MW_MUST_CHECK int ratchet_step(struct suited s, struct ratchet *r, struct kept *k);

/* All nodes, parents before children, left before right; no deeper than leaves can be many. */
struct walk {
    struct node *stack[34];
    size_t n;
};

struct node *secret_tree_walk(struct walk *w);                 /* NULL: that was all */

#endif
