/*
 * What makers and followers of an update path share: the filtered direct path, its public part
 * put into the tree, and the chain of its secrets.
 */
#ifndef MEET_TREE_PATH_H
#define MEET_TREE_PATH_H

#include "meet/tree/kem.h"
#include "meet/tree/node.h"

enum { PATH_NODES = 20, PATH_LEVELS = PATH_NODES + 1 };     /* of TREE_LEAVES_MAX leaves */

/* A leaf's filtered direct path (4.1.2), upwards, each with its child on the copath. */
struct path {
    uint32_t n;
    uint32_t node[PATH_NODES], copath[PATH_NODES];
};

void path_filter(const struct tree *t, uint32_t leaf, struct path *p);

/* Blanks the direct path and puts these keys on the filtered one, with their parent hashes from
 * the top down (7.5, 7.9).  *hash of *len bytes: the one that the leaf is to carry, of 0 bytes
 * when nobody else is there. */
MW_MUST_CHECK int path_put(struct tree *t, uint32_t leaf, const struct path *p,
                           const struct mw_span *keys, uint8_t *hash, size_t *len);

/* The key pair of a path secret (7.4). */
MW_MUST_CHECK int path_pair(struct suited s, const struct secret *path, uint8_t *scalar,
                            uint8_t *point);
/* From a path secret to the next. */
MW_MUST_CHECK int path_step(struct suited s, struct secret *path);

/* From path node `from` on: the key pairs of `secret` and what follows from it are the tree's
 * (else TREE_E_PATH_KEY) and held in k.  *secret is the commit secret then. */
MW_MUST_CHECK int path_climb(struct tree_keys *k, const struct tree *t, const struct path *p,
                             uint32_t from, struct secret *secret);

/* No private keys but the leaf's are held on a leaf's direct path, from this node on. */
void tree_keys_forget_above(struct tree_keys *k, uint32_t node);

/* A resolution without some leaves, in increasing order. */
struct recipients {
    struct walk walk;
    const uint32_t *skip;
    size_t skips;
};

void recipients_begin(struct recipients *r, const struct tree *t, uint32_t node,
                      const uint32_t *skip, size_t skips);
uint32_t recipients_next(struct recipients *r);

/* The same leaves in order, in memory of the caller's to free.  -ENOMEM. */
MW_MUST_CHECK int skip_sort(uint32_t **out, const uint32_t *skip, size_t skips);

#endif
