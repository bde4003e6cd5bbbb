/*
 * The scene of most tests of update paths that MUST be refused: five members, each with everybody's
 * tree, and a path that member 0 made, to be altered before member 4 follows it.
 */
#ifndef TESTS_KEM_STAGE_H
#define TESTS_KEM_STAGE_H

#include "kem_world.h"
#include "meet/tree/path.h"

enum { KEM_STAGE_MEMBERS = 5 };

struct kem_stage {
    struct kem_world w;
    struct kem_path made;
};

/* cmocka's group setup and teardown. */
int kem_crypto_open(void **state);
int kem_crypto_close(void **state);

void kem_stage_init(struct kem_stage *st, uint16_t suite);
void kem_stage_deinit(struct kem_stage *st);

/* Member 4 merges and opens under the context that all agree on: what it is told. */
int kem_stage_open(struct kem_stage *st, const struct update_path *path, const uint32_t *skip,
                   size_t skips);

/* Member 4 as if it joined with that path: its tree has it, *secret is what its Welcome says. */
struct kem_member *kem_stage_joiner(struct kem_stage *st, struct secret *secret);

/* A path's nodes, taken apart. */
struct kem_parts {
    struct mw_span keys[PATH_NODES], sealed[PATH_NODES];
    size_t n;
};
struct kem_parts kem_parts_of(const struct update_path *path);

/* And put together again in *nodes, around the same leaf. */
struct update_path kem_parts_join(const struct update_path *path, const struct kem_parts *p,
                                  struct buf *nodes);

#endif
