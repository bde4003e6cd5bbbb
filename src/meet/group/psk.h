/*
 * PSKs of a commit or a Welcome: looked up and put together.
 * Source:  RFC 9420 sections 8.4, 11.2, 11.3, 12.2.
 */
#ifndef MEET_GROUP_PSK_H
#define MEET_GROUP_PSK_H

#include "meet/group/group.h"

/* Where PSKs may come from. */
struct psk_source {
    const struct mw_mls_app *app;
    struct suited s;
    const struct mw_mls_group *own;             /* NULL: a new member */
    struct mw_mls_group *const *old;            /* groups besides; may be none */
    size_t old_count;
};

/* psk_secret of the PSKs with these ids, each an encoded PreSharedKeyID, in this order; all zeros
 * of nh for none.  MW_MLS_E_PSK_UNKNOWN. */
MW_MUST_CHECK int psk_secret(const struct psk_source *from, const struct mw_span *ids, size_t n,
                             struct secret *out);

/* One id by itself: nonce as long as the hash (MW_MLS_E_PSK_NONCE), type and usage known
 * (MW_MLS_E_PSK_USAGE: in a proposal only external or application, 12.2). */
MW_MUST_CHECK int psk_check(struct suited s, const struct psk_id *id, bool in_proposal);

/* The group's resumption PSK of an epoch; false: not remembered. */
bool psk_resumption(const struct mw_mls_group *g, uint64_t epoch, struct mw_span *out);

#endif
