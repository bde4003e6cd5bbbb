/*
 * Messages in and out, between receive.c, send.c, follow.c and commit.c.
 */
#ifndef MEET_GROUP_RECEIVE_H
#define MEET_GROUP_RECEIVE_H

#include "meet/group/steps.h"

/* A commit of this epoch, its signature and tags of framing checked already. */
MW_MUST_CHECK int follow_commit(struct mw_mls_group *g, const struct authentic *a,
                                struct mw_wall now, struct mw_mls_event *out);

/* Ours to send: content of a type, framed as the application wants handshakes, or private for
 * data; signed.  signature: CRYPT_SIGNATURE_MAX bytes. */
MW_MUST_CHECK int send_sign(struct mw_mls_group *g, struct authentic *a, uint8_t content_type,
                            struct mw_span content, struct mw_span aad, uint8_t *signature);
/* An MLSMessage of what was signed. */
MW_MUST_CHECK int send_frame(struct mw_mls_group *g, const struct authentic *a,
                             struct mw_mls_bytes *out);

/* A proposal that waits from now on: *keys, our own Update's, are taken over. */
MW_MUST_CHECK int waiting_add(struct mw_mls_group *g, const struct authentic *a,
                              struct owned_keys **keys);
/* Room for one of so many bytes: E_FULL. */
MW_MUST_CHECK int waiting_room(const struct mw_mls_group *g, size_t bytes);

/* Neither removed nor closed: else E_REMOVED, E_CLOSED. */
MW_MUST_CHECK int group_check_active(const struct mw_mls_group *g);

#endif
