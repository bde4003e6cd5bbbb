/*
 * From one epoch to the next: what making a commit, processing one and merging our own share.
 * Life:    zero but for g and list.committer -> step_begin() ... step_take(), or step_deinit()
 *          alone, which puts the tree back.
 */
#ifndef MEET_GROUP_STEP_H
#define MEET_GROUP_STEP_H

#include "meet/group/list.h"

struct step {
    struct mw_mls_group *g;
    struct proposal_list list;
    struct epoch next;
    struct mw_span extensions;          /* of the next context */
    uint32_t committer;                 /* its leaf; TREE_NONE until it has one */
    struct psk_id *psks;
    size_t psks_count;
    struct secret psk;
    struct secret commit;               /* the path's */
    bool has_path;
    struct past *past;                  /* made ahead, so that taking over cannot fail */
    struct owned reinit;
    bool begun;                         /* the tree remembers what it was */
};

void step_deinit(struct step *s);

/* A member's leaf and its signature key as the committer; E_SENDER: there is none. */
MW_MUST_CHECK int step_member(struct step *s, uint32_t leaf);
/* Begins the tree's change, applies the list, and copies our keys: those of an Update of ours that
 * is committed, without what is blank now. */
MW_MUST_CHECK int step_begin(struct step *s);
/* The leaf that an external commit removes, copied, since the list is applied before the path's
 * leaf is checked; *kept: its bytes.  false: it removes none. */
MW_MUST_CHECK int step_former(struct step *s, struct owned *kept, struct leaf_node *out,
                              bool *found);

/* The GroupContext after the step, its confirmed transcript hash given (12.4.1: the old one while
 * the path is encrypted), appended. */
MW_MUST_CHECK int step_context(struct step *s, struct mw_span confirmed, struct buf *out);
struct mw_span step_old_confirmed(const struct step *s);
/* Transcript, context, secrets of the next epoch, but for its confirmation.  init: NULL is the
 * epoch's own. */
MW_MUST_CHECK int step_secrets(struct step *s, const struct authentic *a,
                               const struct secret *init, struct secret *joiner);
/* All that step_take() needs memory for: once everything else is done. */
MW_MUST_CHECK int step_ready(struct step *s);
/* The group is in the next epoch.  Cannot fail. */
void step_take(struct step *s);

#endif
