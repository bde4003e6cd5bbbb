#include "trust/status.h"

#include "base/compiler.h"

enum { REASON_HOLD = 6 };

enum status_age status_age(const struct status_answer *a, struct mw_wall now, int64_t grace_s)
{
    if (a->this_update.s > now.s + grace_s)
        return STATUS_EARLY;
    return now.s > a->until.s + grace_s ? STATUS_STALE : STATUS_FRESH;
}

bool status_is_final(const struct status_answer *a)
{
    return a->status == STATUS_REVOKED && a->reason != REASON_HOLD;
}

const char *status_reason(int reason)
{
    static const char *const names[] = {
        [1] = "key compromise",      [2] = "compromise of the authority",
        [3] = "affiliation changed", [4] = "superseded",
        [5] = "no longer operated",  [REASON_HOLD] = "on hold",
        [9] = "privilege withdrawn", [10] = "compromise of the attribute authority",
    };

    if (reason < 0 || (size_t)reason >= ARRAY_LEN(names))
        return NULL;
    return names[reason];
}
