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

/* Why mls_message_read() did not take it: E_VERSION or E_MALFORMED. */
MW_MUST_CHECK int message_error(struct mw_span message);

/* The new group (its context, its tree) is the one that `old` promised, by this resumption PSK of
 * old's.  app: names the members. */
MW_MUST_CHECK int succeed_check(const struct mw_mls_group *old, const struct psk_id *psk,
                                const struct mw_mls_app *app, const struct group_context *context,
                                const struct tree *tree);
/* A ReInit closed it in favour of a group of this id. */
bool succeed_promised(const struct mw_mls_group *old, struct mw_span group_id);

#endif
