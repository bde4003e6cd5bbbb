/*
 * What an authentic CRL or OCSP response says of one certificate, and whether it still counts.
 * Time:   the caller says what time it is.
 * Source: RFC 5280 sections 5.1.2.4 to 5.3.1, RFC 6960 sections 2.4 and 3.2.
 */
#ifndef TRUST_STATUS_H
#define TRUST_STATUS_H

#include <midwatch/types.h>
#include <stdbool.h>

enum status { STATUS_GOOD, STATUS_REVOKED, STATUS_UNKNOWN };

struct status_answer {
    enum status status;
    struct mw_wall this_update;
    struct mw_wall until;       /* nextUpdate, or earlier: the delegated signer's own end */
    struct mw_wall revoked_at;
    int reason;                 /* RFC 5280 5.3.1; -1: none given */
};

enum status_age { STATUS_FRESH, STATUS_STALE, STATUS_EARLY };

/* grace_s: seconds by which clocks may differ, at both ends. */
enum status_age status_age(const struct status_answer *a, struct mw_wall now, int64_t grace_s);

/* Once revoked stays revoked, however old the answer; only a hold can be lifted. */
bool status_is_final(const struct status_answer *a);

/* "key compromise", …; NULL for none given or an unknown number. */
const char *status_reason(int reason);

#endif
