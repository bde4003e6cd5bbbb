/*
 * A commit while it is made, by a member (commit.c) or from outside (enter.c).
 */
#ifndef MEET_GROUP_COMMIT_H
#define MEET_GROUP_COMMIT_H

#include "meet/group/step.h"

struct making {
    struct step s;
    const struct mw_mls_identity *who;  /* NULL: our leaf says what it said */
    struct mw_wall now;
    struct buf by_value;                /* Proposals, one after another */
    struct buf leaf, commit, welcome;
    struct path_maker *path;
    struct secret joiner;
    struct authentic a;
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    size_t left_out;
    bool removes_only;                  /* of what waited */
};

#define MAKING_INIT(group, identity, time)                                                         \
    {                                                                                              \
        .s = { .g = (group), .committer = TREE_NONE }, .who = (identity), .now = (time),           \
        .by_value = BUF_INIT(MW_MLS_BYTES_MAX), .leaf = BUF_INIT(MW_MLS_BYTES_MAX),                \
        .commit = BUF_INIT(MW_MLS_BYTES_MAX), .welcome = BUF_INIT(MW_MLS_BYTES_MAX),               \
    }

void making_deinit(struct making *m);

/* In this order.  by_value and s.list's committer are set before. */
MW_MUST_CHECK int making_list(struct making *m, bool waiting);
MW_MUST_CHECK int making_path(struct making *m, const struct leaf_node *before,
                              struct update_path *path);
MW_MUST_CHECK int making_write(struct making *m, struct update_path *path);
/* Between them the caller signs m->a. */
MW_MUST_CHECK int making_secrets(struct making *m, const struct mw_mls_group *old,
                                 const struct secret *init);

#endif
