/*
 * TreeKEM: a member's private keys of the tree, and update paths made, merged and opened.
 *
 *     making      path_derive()  fresh keys into the tree  -> the caller signs the new leaf
 *                 path_seal()    the secrets for everybody else, under the new group context
 *     following   path_merge()   the public part into the tree
 *                 path_open()    our secret out of it, under the new group context
 *
 * Errors:  as meet/tree/tree.h; -errno of the caller's randomness.
 * Source:  RFC 9420 sections 7.4, 7.5, 7.6, 7.9.
 */
#ifndef MEET_TREE_KEM_H
#define MEET_TREE_KEM_H

#include "meet/tree/tree.h"

/* The private keys that one member holds: of its leaf and of nodes above it.
 * Memory: locked, wiped.  At most one key for each level: log2(leaves) + 1. */
struct tree_keys;

MW_MUST_CHECK int tree_keys_new(struct tree_keys **out, uint32_t leaf, struct mw_span scalar);
/* A copy to work on, so that a failed commit leaves the old ones as they were. */
MW_MUST_CHECK int tree_keys_copy(struct tree_keys **out, const struct tree_keys *k);
void tree_keys_free(struct tree_keys *k);       /* NULL ok; wipes */
void tree_keys_freep(struct tree_keys **at);

uint32_t tree_keys_leaf(const struct tree_keys *k);
MW_MUST_CHECK int tree_keys_set_leaf(struct tree_keys *k, struct mw_span scalar);
/* The private key of a node; false: not held. */
bool tree_keys_get(const struct tree_keys *k, uint32_t node, struct mw_span *scalar);
/* Holds the private key of a node above the leaf; point: its public key.  TREE_E_NO_KEY: the node
 * is not above the leaf; TREE_E_KEY: not of a key's size. */
MW_MUST_CHECK int tree_keys_set(struct tree_keys *k, uint32_t node, struct mw_span scalar,
                                struct mw_span point);
/* Forgets keys of nodes that are blank by now, or whose public key is another. */
void tree_keys_prune(struct tree_keys *k, const struct tree *t);

/* For a new member: the path secret of the Welcome, held at the lowest common ancestor of its leaf
 * and the sender's; implants it and all above (12.4.3.1).  TREE_E_PATH_KEY: a public key in the
 * tree is another. */
MW_MUST_CHECK int tree_keys_implant(struct tree_keys *k, struct suited s, const struct tree *t,
                                    uint32_t sender, struct mw_span path_secret);

/* Save and load: what tree_keys_write() wrote, tree_keys_read() reads.  Secret bytes: reserve
 * `out` before, so that it does not grow, and wipe it after. */
size_t tree_keys_size(const struct tree_keys *k);       /* bytes that _write() appends at most */
void tree_keys_write(const struct tree_keys *k, struct buf *out);
MW_MUST_CHECK int tree_keys_read(struct tree_keys **out, struct reader *r);

/* ------------------------------------------------------------------------- making ---- */

/* What is between path_derive() and path_seal(). */
struct path_maker;

/* Fresh path secrets for `leaf` (7.4): new parents are in the tree with their parent hashes, *keys
 * has the new private keys, and what is to be put into the new leaf is below.  The caller signs
 * the leaf and calls tree_set_leaf().  Who comes by an external commit first adds itself with
 * a leaf of any fresh key, tree_add(), which this one then replaces. */
MW_MUST_CHECK int path_derive(struct path_maker **out, struct tree *t, struct tree_keys *keys,
                              struct mw_random random);
void path_maker_free(struct path_maker *m);     /* NULL ok; wipes */
void path_maker_freep(struct path_maker **at);
struct mw_span path_maker_leaf_key(const struct path_maker *m);         /* public key */
struct mw_span path_maker_parent_hash(const struct path_maker *m);
const struct secret *path_maker_commit_secret(const struct path_maker *m);
/* The path secret that a member added at `leaf` is to be given in its Welcome. */
MW_MUST_CHECK int path_maker_secret_for(const struct path_maker *m, const struct tree *t,
                                        uint32_t leaf, struct secret *out);

/* A leaf as it is, its direct path untouched: the second half of a path. */
MW_MUST_CHECK int tree_set_leaf(struct tree *t, uint32_t leaf, const struct leaf_node *v);

/* Appends the content of UpdatePath.nodes<V> without its length.  context: the new GroupContext's
 * bytes.  skip: leaves added by this very commit, which are not encrypted to (12.4.1). */
MW_MUST_CHECK int path_seal(struct path_maker *m, const struct tree *t, struct mw_random random,
                            struct mw_span context, const uint32_t *skip, size_t skips,
                            struct buf *nodes);

/* ---------------------------------------------------------------------- following ---- */

/* The public part of `sender`'s path into the tree, parent hash checked (7.5, 7.9). */
MW_MUST_CHECK int path_merge(struct tree *t, uint32_t sender, const struct update_path *path);

/* The same of an external commit: the leaf goes where tree_add() would put it (12.4.2). */
MW_MUST_CHECK int path_merge_new(struct tree *t, const struct update_path *path, uint32_t *leaf);

/* Our secret out of it, after path_merge(): keys get the new private keys.  All ciphertexts are
 * counted before one is opened. */
MW_MUST_CHECK int path_open(struct tree_keys *keys, const struct tree *t, uint32_t sender,
                            const struct update_path *path, struct mw_span context,
                            const uint32_t *skip, size_t skips, struct secret *commit_secret);

#endif
