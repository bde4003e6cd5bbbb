/*
 * A commit's list of proposals, from its bytes or from what waits, checked and applied.
 *
 *     gathered -> list_check() alone and together -> changes_make() -> list_apply() -> list_fits()
 *
 * Errors:  0, -ENOMEM, -EIO, > 0 enum mw_mls_error; list->culprit says at which entry.
 * Source:  RFC 9420 sections 12.1, 12.2, 12.3.
 */
#ifndef MEET_GROUP_LIST_H
#define MEET_GROUP_LIST_H

#include "meet/group/steps.h"

void list_deinit(struct proposal_list *l);

/* ------------------------------------------------------------------ proposals.c ---- */

/* One proposal by itself, from its sender (12.1, 12.1.8).  index: leaf of an Update's sender. */
MW_MUST_CHECK int proposal_check(const struct mw_mls_group *g, const struct proposal *p,
                                 const struct sender *sender, struct mw_wall now);
struct listed listed_of(const struct proposal *p, struct sender sender,
                        const struct waiting *waiting);

/* The ProposalOrRefs of a commit; l->committer and committer_key are set before.
 * E_PROPOSAL_UNKNOWN, E_PROPOSAL_REFUSED, and what a reference may not be. */
MW_MUST_CHECK int list_gather(struct proposal_list *l, const struct mw_mls_group *g,
                              struct mw_span proposals);
/* 12.2.  What waited was checked by itself when it came. */
MW_MUST_CHECK int list_check(struct proposal_list *l, const struct mw_mls_group *g,
                             struct mw_wall now);
/* 12.4: only a list of adds, PSKs and reinit does without. */
bool list_needs_path(const struct proposal_list *l);
/* The first entry of a kind; NULL: none. */
const struct listed *list_first(const struct proposal_list *l, uint16_t type);
size_t list_count(const struct proposal_list *l, uint16_t type);

/* -------------------------------------------------------------------- collect.c ---- */

/* What a commit of ours takes: proposals by value (Proposals one after another), and of those that
 * wait, unless they are not wanted, what goes together with them.  *left_out: the others. */
MW_MUST_CHECK int list_collect(struct proposal_list *l, const struct mw_mls_group *g,
                               struct mw_span by_value, bool waiting, size_t *left_out);
/* Leaves out all that waited but the Removes, which nobody shall be able to crowd out. */
void list_keep_removes(struct proposal_list *l, size_t *left_out);
/* The same, and next time those, too.  false: there was nothing left to leave out. */
bool list_give_way(struct proposal_list *l, size_t *left_out);
/* Leaves the culprit out when it waited: true. */
bool list_drop_culprit(struct proposal_list *l);

/* ---------------------------------------------------------------------- apply.c ---- */

/* 12.3, to the tree.  *extensions: of the new context, borrowed from the list or the old one. */
MW_MUST_CHECK int list_apply(struct proposal_list *l, struct tree *t, struct mw_span *extensions);
/* After path and proposals: every new leaf under the new context, and the new context under every
 * leaf (12.1.7, 12.2). */
MW_MUST_CHECK int list_fits(struct proposal_list *l, const struct tree *t, struct suited s,
                            struct mw_span extensions);
/* The PSKs' secret, and their ids, which the caller frees. */
MW_MUST_CHECK int list_psks(const struct proposal_list *l, const struct mw_mls_group *g,
                            const struct mw_mls_group *old, struct psk_id **ids, size_t *count,
                            struct secret *psk);

/* -------------------------------------------------------------------- changes.c ---- */

/* What the list, and a path whose leaf is `leaf` (or NULL), changes: into e->changes with copies
 * of everything; `replaced` with the keys that go.  t: before anything is applied.  committer:
 * TREE_NONE while it has no leaf. */
MW_MUST_CHECK int changes_make(struct epoch *e, const struct tree *t,
                               const struct proposal_list *l, uint32_t committer,
                               const struct leaf_node *leaf);
/* Where adds, and a committer that joins, went. */
void changes_place(struct epoch *e, const struct proposal_list *l, uint32_t committer);
/* One proposal that nobody committed yet. */
struct mw_mls_change change_of(const struct tree *t, const struct listed *one);
/* app.allow() for each of the list: E_REFUSED.  joining: the leaf of who joins by it, or NULL. */
MW_MUST_CHECK int changes_allowed(const struct mw_mls_group *g, struct proposal_list *l,
                                  uint32_t committer, const struct leaf_node *joining);

#endif
