/*
 * A Welcome taken apart with the new member's keys, and put together again as its maker would: so
 * that what is refused is refused for the one thing that was changed in between.
 */
#ifndef TESTS_MLS_WELCOME_H
#define TESTS_MLS_WELCOME_H

#include "meet/group/member.h"

struct taken_apart {
    const struct mw_mls_key_package *kp;
    struct mw_random random;
    struct mw_mls_bytes welcome;        /* as it came */
    struct buf secrets_plain, info_plain;
    struct secret joiner, psk;
    struct group_secrets secrets;       /* to be changed at will, both */
    struct group_info info;
    size_t behind;                      /* zeros to seal behind the GroupInfo */
};

/* psk: of the one external PSK in it; ignored when there is none.  false: kp cannot open it.
 * welcome_close() in any case. */
MW_MUST_CHECK bool welcome_open(struct taken_apart *o, const struct mw_mls_key_package *kp,
                                struct mw_random random, struct mw_span welcome,
                                struct mw_span psk);
/* The GroupInfo is signed anew, and both are sealed with the keys of the Welcome that came. */
MW_MUST_CHECK bool welcome_seal(const struct taken_apart *o, struct mw_span signing_key,
                                struct buf *out);
void welcome_close(struct taken_apart *o);

#endif
