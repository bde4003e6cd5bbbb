/*
 * The meeting's policy in the group context, and what it says of a commit.
 */
#ifndef MEET_GROUP_POLICY_H
#define MEET_GROUP_POLICY_H

#include "meet/group/group.h"

struct policy {
    struct mw_span hosts;               /* signature keys, each a vector<V> */
    bool locked, external_removes_only;
    struct mw_span link_psk;
};

/* All zero when the list has none.  false: malformed. */
MW_MUST_CHECK bool policy_read(struct policy *out, struct mw_span extensions);
bool policy_host(const struct policy *p, struct mw_span signature_key);

/* One proposal when it arrives or is made: what an external sender may not propose at all. */
MW_MUST_CHECK int policy_check_proposal(const struct mw_mls_group *g, const struct sender *sender,
                                        const struct proposal *p);

/* A whole commit, summed up. */
struct policy_commit {
    const struct policy *policy;
    struct mw_span committer_key;       /* signature key of the committer, before the commit */
    bool external;                      /* an external commit */
    bool has_link_psk;                  /* among its PSKs there is the link's */
    bool adds;
    bool all_adds_by_hosts;             /* each Add was proposed by a host (or committed by one) */
    bool changes_policy;                /* context extensions whose policy is another */
    bool change_by_host;                /* proposed or committed by a host */
};
MW_MUST_CHECK int policy_check_commit(const struct policy_commit *c);

#endif
