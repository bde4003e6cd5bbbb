/*
 * The meeting's policy in the group context: besides what steps.h says of this file.
 */
#ifndef MEET_GROUP_POLICY_H
#define MEET_GROUP_POLICY_H

#include "meet/group/steps.h"

struct policy {
    struct mw_span hosts;               /* signature keys, each a vector<V> */
    bool locked, external_removes_only;
    struct mw_span link_psk;
};

/* All zero when the list has none.  false: malformed. */
MW_MUST_CHECK bool policy_read(struct policy *out, struct mw_span extensions);
bool policy_host(const struct policy *p, struct mw_span signature_key);

#endif
