/*
 * A few members who keep a tree each and follow one another's changes, for tests of TreeKEM.
 * Anything that fails is asserted by the caller: functions return what the tree said.
 */
#ifndef TESTS_KEM_WORLD_H
#define TESTS_KEM_WORLD_H

#include "meet/tree/kem.h"
#include "tree_model.h"

enum { KEM_MEMBERS = 16 };

struct kem_member {
    struct tree *tree;
    struct tree_keys *keys;
};

struct kem_world {
    struct suited s;
    struct mw_random random;
    struct model_dice dice;
    struct kem_member members[KEM_MEMBERS];     /* by leaf; an empty one is nobody */
    uint64_t epoch;                             /* what the context says */
};

/* A path as it travels, and what all should arrive at. */
struct kem_path {
    struct buf bytes;
    struct update_path path;
    struct secret commit;
    struct path_maker *maker;
};

void kem_world_init(struct kem_world *w, struct suited s, uint64_t seed);
void kem_world_deinit(struct kem_world *w);
void kem_path_deinit(struct kem_path *p);

/* A fresh leaf and its private key. */
int kem_leaf_make(struct kem_world *w, struct model_leaf *out, uint8_t source,
                  struct mw_span parent_hash, uint8_t *scalar);

/* The first member, alone. */
int kem_found(struct kem_world *w);

/* A path by `sender` in its own tree and keys: derived, put into the leaf, sealed. */
int kem_path_make(struct kem_world *w, uint32_t sender, const uint32_t *skip, size_t skips,
                  struct kem_path *out);

/* Tells out->path anew from its bytes. */
bool kem_path_read(struct kem_path *out);

/* A member follows; *commit: what it arrives at. */
int kem_path_follow(struct kem_world *w, uint32_t leaf, uint32_t sender,
                    const struct update_path *path, const uint32_t *skip, size_t skips,
                    struct secret *commit);

/* The provisional group context: what all seal and open under. */
struct mw_span kem_context(struct kem_world *w, struct tree *t, uint8_t out[160]);

/* A new member with the tree of `from`, at this leaf, holding its leaf's key alone. */
int kem_join(struct kem_world *w, uint32_t from, uint32_t leaf, struct mw_span scalar);
void kem_leave(struct kem_world *w, uint32_t leaf);

#endif
