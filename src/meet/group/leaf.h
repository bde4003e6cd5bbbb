/*
 * Is a leaf node one that the group may take?  Besides what steps.h says of this file:
 * Source:  RFC 9420 sections 7.2, 7.3.
 */
#ifndef MEET_GROUP_LEAF_H
#define MEET_GROUP_LEAF_H

#include "meet/group/steps.h"

/* leaf_check() of a leaf that stands in a tree we are given: its source is its own affair, and so
 * is how long it has stood there (7.3: that a lifetime runs counts when a key package arrives). */
MW_MUST_CHECK int leaf_check_standing(const struct leaf_place *at, const struct leaf_node *v);

struct mw_mls_credential leaf_credential(const struct leaf_node *v);

#endif
