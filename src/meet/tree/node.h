/*
 * What is inside a tree: shared by the files of this folder, nobody else's.
 * A slot is NULL for a blank, else one allocation with the node's bytes as they travel.
 */
#ifndef MEET_TREE_NODE_H
#define MEET_TREE_NODE_H

#include "meet/tree/census.h"
#include "meet/tree/key_index.h"
#include "meet/tree/math.h"
#include "meet/tree/tree.h"

struct node {
    uint64_t stamp;             /* of the transaction that it came with; 0: of none */
    uint32_t len;
    uint8_t wire[];             /* LeafNode or ParentNode, known to be well formed */
};

struct change {
    uint32_t at;
    struct node *old;
};

/* What tree_undo() goes back over, last first: for each slot what stood there before the
 * transaction touched it.  What came within the transaction itself is not kept. */
struct journal {
    bool on;
    uint64_t stamp;
    struct change *changes;
    size_t n, room;
    uint32_t size;              /* of the tree when it began */
};

struct tree {
    struct suited suited;
    uint32_t size, room;        /* leaves; powers of two or 0.  Slots beyond size are NULL */
    uint32_t members;
    uint32_t blank_from;        /* no leaf before this one is blank */
    struct node **nodes;
    uint64_t *present;          /* a bit for each leaf that is not blank */
    uint64_t *parents;          /* a bit for each parent x that is not blank, at x / 2: next to
                                 * those of the leaves below it */
    uint64_t *hashed;           /* a bit for each parent: its hash is remembered.  If not, none
                                 * above it is */
    uint8_t *hashes;            /* of parent x at (x / 2) * nh */
    struct key_index keys;      /* encryption keys of leaves and parents */
    struct key_index signers;   /* signature keys of leaves */
    struct census_table census;
    struct journal journal;
};

/* ---------------------------------------------------------------- slots (tree_slot.c) ---- */

/* A node with these bytes.  NULL: out of memory. */
MW_MUST_CHECK struct node *node_new(struct mw_span wire);
/* A parent node from its parts.  A list without data leaves room of its length at the end. */
MW_MUST_CHECK struct node *node_new_parent(struct mw_span key, struct mw_span parent_hash,
                                           struct mw_span unmerged);

/* Puts v (NULL: a blank) at x; v is taken over, also on failure.  Hashes above are forgotten,
 * keys and census follow.  -ENOMEM: nothing was changed. */
MW_MUST_CHECK int tree_put(struct tree *t, uint32_t x, struct node *v);

/* Room for twice the leaves, all blank. */
MW_MUST_CHECK int tree_grow(struct tree *t);

/* Blanks all above a leaf. */
MW_MUST_CHECK int tree_blank_path(struct tree *t, uint32_t leaf);

/* May this leaf come to `at` (TREE_NONE: to a new place)?  same_key: with the encryption key that
 * is there already. */
MW_MUST_CHECK int tree_leaf_check(const struct tree *t, const struct leaf_node *v, uint32_t at,
                             bool same_key);
/* Puts a leaf's bytes into its slot, and nothing else. */
MW_MUST_CHECK int leaf_put(struct tree *t, uint32_t leaf, struct mw_span wire);

/* --------------------------------------------------------------- parts (tree_look.c) ---- */

/* Borrowed from the slot; nothing is checked again. */
struct mw_span node_key(const struct node *v);                  /* encryption key */
struct mw_span leaf_signature_key(const struct node *v);
void node_leaf(const struct node *v, struct leaf_node *out);
void node_parent(const struct node *v, struct parent_node *out);
/* A ParentNode's bytes before its list of unmerged leaves. */
struct mw_span node_parent_head(const struct node *v);

/* The leaves below x: from first to last. */
static inline uint32_t leaf_first(uint32_t x)
{
    return (x - ((1u << node_level(x)) - 1)) / 2;
}

static inline uint32_t leaf_last(uint32_t x)
{
    return (x + ((1u << node_level(x)) - 1)) / 2;
}

/* How many leaves of an increasing list are before `leaf`. */
size_t leaves_before(struct mw_span list, uint32_t leaf);
/* The part of an increasing list of leaves that is below x. */
struct mw_span leaves_below(struct mw_span list, uint32_t x);

/* A resolution (4.1.1), node by node; TREE_NONE after the last.  Sixty-four leaves without a
 * parent above them are one step. */
struct walk {
    const struct tree *t;
    uint32_t at, last;          /* next subtree to enter, or TREE_NONE; last node of the whole */
    struct mw_span unmerged;    /* still to be said of the parent just met */
    uint64_t leaves;            /* still to be said, from leaf `first` on */
    uint32_t first;
};

void walk_begin(struct walk *w, const struct tree *t, uint32_t x);
uint32_t walk_next(struct walk *w);

/* --------------------------------------------------------------- hashes (tree_hash.c) ---- */

/* Parent hash (7.9) of a parent node, of which `head` are the key and its own parent hash. */
MW_MUST_CHECK int parent_hash(const struct tree *t, struct mw_span head, const uint8_t *sibling,
                              uint8_t *out);

/* The tree hash (7.8) of a parent with this content (none: blank). */
MW_MUST_CHECK int hash_parent(const struct tree *t, struct mw_span head, struct mw_span unmerged,
                              const uint8_t *left, const uint8_t *right, uint8_t *out);
MW_MUST_CHECK int hash_leaf(const struct tree *t, uint32_t leaf, const struct node *v,
                            uint8_t *out);

#endif
