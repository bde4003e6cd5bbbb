/*
 * PSKs: besides what steps.h says of this file.
 * Source:  RFC 9420 sections 8.4, 11.2, 11.3, 12.2.
 */
#ifndef MEET_GROUP_PSK_H
#define MEET_GROUP_PSK_H

#include "meet/group/steps.h"

/* One id by itself: nonce as long as the hash (MW_MLS_E_PSK_NONCE), a usage that is one
 * (MW_MLS_E_PSK_USAGE). */
MW_MUST_CHECK int psk_check(struct suited s, const struct psk_id *id);

/* The group's resumption PSK of an epoch; false: not remembered. */
bool psk_resumption(const struct mw_mls_group *g, uint64_t epoch, struct mw_span *out);

#endif
