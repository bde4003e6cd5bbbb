/*
 * The ratchet tree of a group's public state: leaves and parents, their hashes, who has which
 * keys, who supports what.  Costs grow with the depth, not with the number of members: hashes
 * are remembered and only what changed is hashed again; keys and capabilities are indexed.
 *
 * Life:    tree_new() or tree_read() -> changes -> tree_free()
 * Changes: all or nothing.  tree_begin() starts to remember what is overwritten; tree_keep()
 *          forgets that, tree_undo() puts everything back and cannot fail.  Without tree_begin()
 *          changes are final.  A change that failed is followed by tree_undo() or tree_free().
 *          They do not nest: a second tree_begin() means nothing.
 * Memory:  owns a copy of every node's bytes; what it lends is valid until the next change.
 * Indices: a leaf by its leaf index, a node by its node index (RFC 9420 section 4 and appendix C).
 * Errors:  0, -ENOMEM, -EIO, > 0 enum tree_error.
 * Source:  RFC 9420 sections 4.1, 4.2, 7.
 */
#ifndef MEET_TREE_TREE_H
#define MEET_TREE_TREE_H

#include "meet/label/label.h"
#include "meet/wire/codec.h"

enum tree_error {
    TREE_E_MALFORMED = 1,       /* not a ratchet_tree, or one ending in a blank (12.4.3.3)     */
    TREE_E_TOO_BIG,             /* more than TREE_LEAVES_MAX leaves                            */
    TREE_E_UNMERGED,            /* unmerged leaves: blank, not below, or not told between */
    TREE_E_PARENT_HASH,         /* a parent node that no leaf vouches for (7.9.2)              */
    TREE_E_KEY_TWICE,           /* an encryption or signature key that is there already (7.3)  */
    TREE_E_BLANK,               /* a leaf that should be there and is not                      */
    TREE_E_PATH_LENGTH,         /* an UpdatePath of other length than the filtered path (7.5)  */
    TREE_E_PATH_KEY,            /* a path secret that does not give the public key announced   */
    TREE_E_PATH_CIPHERTEXTS,    /* not one ciphertext for each node of the resolution          */
    TREE_E_PATH_SEALED,         /* the ciphertext for us does not open                         */
    TREE_E_KEY,                 /* a public key that is none                                   */
    TREE_E_NO_KEY,              /* we hold no private key that opens the path                  */
};

#define TREE_LEAVES_MAX (1u << 20)
#define TREE_NONE       UINT32_MAX

struct tree;

MW_MUST_CHECK int tree_new(struct tree **out, struct suited s);
/* content: of ratchet_tree<V>, without its length.  Checks form, unmerged leaves and that no key is
 * there twice; parent hashes, signatures and leaves' content are the caller's to ask for. */
MW_MUST_CHECK int tree_read(struct tree **out, struct suited s, struct mw_span content);
void tree_write(const struct tree *t, struct buf *out);         /* content, without length */
void tree_free(struct tree *t);                                 /* NULL ok */
void tree_freep(struct tree **at);

void tree_begin(struct tree *t);
void tree_keep(struct tree *t);
void tree_undo(struct tree *t);

/* ----------------------------------------------------------------------- looking ---- */

struct suited tree_suite(const struct tree *t);
uint32_t tree_size(const struct tree *t);       /* leaves with blanks: a power of two, 0 empty */
uint32_t tree_members(const struct tree *t);    /* leaves that are not blank */
uint32_t tree_root(const struct tree *t);       /* node index */

/* false: blank, or outside the tree. */
bool tree_leaf(const struct tree *t, uint32_t leaf, struct leaf_node *out);
bool tree_parent(const struct tree *t, uint32_t node, struct parent_node *out);
/* The next leaf from `leaf` on that is not blank; TREE_NONE: no more. */
uint32_t tree_next(const struct tree *t, uint32_t leaf);

/* The leaf that holds this signature or encryption key; TREE_NONE: none.  For an encryption
 * key also parents are looked at: tree_has_encryption_key(). */
uint32_t tree_find_signature_key(const struct tree *t, struct mw_span key);
bool tree_has_encryption_key(const struct tree *t, struct mw_span key);
uint32_t tree_find_encryption_key(const struct tree *t, struct mw_span key);    /* a node index */

/* Members whose capabilities list v, of the kind that the second argument says; members whose
 * own credential is of a type.  Defaults of 7.2 (extension and proposal types 1 to 5, 1 to 7)
 * are everybody's. */
enum census { CENSUS_VERSION, CENSUS_SUITE, CENSUS_EXTENSION, CENSUS_PROPOSAL, CENSUS_CREDENTIAL };
uint32_t tree_supporters(const struct tree *t, enum census kind, uint16_t v);
uint32_t tree_users_of_credential(const struct tree *t, uint16_t type);
/* Every credential type in use is in this list of uint16 (7.3). */
bool tree_credentials_in(const struct tree *t, struct mw_span list);

/* Tree hash (7.8) of a node, nh bytes. */
MW_MUST_CHECK int tree_hash(struct tree *t, uint32_t node, uint8_t *out);

/* The resolution (4.1.1) of a node into out; at most `room` node indices are written, the
 * number that there are is returned. */
size_t tree_resolution(const struct tree *t, uint32_t node, uint32_t *out, size_t room);

/* All parent hashes as when joining (7.9.2): TREE_E_PARENT_HASH. */
MW_MUST_CHECK int tree_check_parents(struct tree *t);

/* ---------------------------------------------------------------------- changing ---- */

/* Leaves are given as leaf_node_read() told them: their `wire` is what is kept.  TREE_E_KEY_TWICE
 * and TREE_E_KEY are told before anything is changed. */

/* 7.7 and 12.1: the leftmost blank leaf, or a doubled tree; *leaf: where it went. */
MW_MUST_CHECK int tree_add(struct tree *t, const struct leaf_node *v, uint32_t *leaf);
/* Replaces a leaf and blanks its direct path. */
MW_MUST_CHECK int tree_update(struct tree *t, uint32_t leaf, const struct leaf_node *v);
/* Blanks a leaf and its direct path, and truncates the tree. */
MW_MUST_CHECK int tree_remove(struct tree *t, uint32_t leaf);

#endif
