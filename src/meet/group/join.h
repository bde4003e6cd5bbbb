/*
 * What joining by a Welcome and joining by an external commit have in common, and what a group that
 * succeeds another must hold.
 * Source:  RFC 9420 sections 11.2, 11.3, 12.4.3.
 */
#ifndef MEET_GROUP_JOIN_H
#define MEET_GROUP_JOIN_H

#include "meet/group/steps.h"

/* The ratchet tree that a GroupInfo brings, or the one given: read, and everything about it checked
 * that 12.4.3.1 demands, each leaf too; and the GroupInfo's signature.  g: group_new(); its tree is
 * then this one. */
MW_MUST_CHECK int join_tree(struct mw_mls_group *g, const struct group_info *info,
                            struct mw_span given, struct mw_wall now);

/* The new group (its context, its tree) is the one that `old` promised, by a PSK of this usage. */
MW_MUST_CHECK int succeed_check(const struct mw_mls_group *old, enum psk_usage usage,
                                const struct group_context *context, const struct tree *tree);

#endif
