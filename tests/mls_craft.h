/*
 * Messages that no honest member sends: any content, signed and authenticated as it should be.
 * Works on a group's inside, so that what is refused is refused for the rule that it breaks.
 */
#ifndef TESTS_MLS_CRAFT_H
#define TESTS_MLS_CRAFT_H

#include "meet/group/group.h"

/* A PublicMessage of this epoch of g.  key: the sender's; tag: a commit's confirmation tag, none:
 * zeros.  0 or -errno or > 0. */
MW_MUST_CHECK int craft_message(struct mw_mls_group *g, struct sender sender, uint8_t content_type,
                                struct mw_span content, struct mw_span key, struct mw_span tag,
                                struct mw_mls_bytes *out);
/* The same from g's own member. */
MW_MUST_CHECK int craft_own(struct mw_mls_group *g, uint8_t content_type, struct mw_span content,
                            struct mw_mls_bytes *out);
/* v signed anew, as leaf `index` of g, appended. */
MW_MUST_CHECK int craft_leaf(const struct mw_mls_group *g, const struct leaf_node *v,
                             uint32_t index, struct mw_span key, struct buf *out);
/* A key package signed anew by the leaf that it has. */
MW_MUST_CHECK int craft_package(const struct mw_mls_group *g, const struct key_package *v,
                                struct mw_span key, struct buf *out);

#endif
