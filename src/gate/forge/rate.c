#include "gate/forge/rate.h"

static const int64_t TOKEN = 1000000000, MINUTE_NS = 60 * 1000000000LL;

enum { MOST_PER_MINUTE = 1000000 };     /* the sums below stay within 63 bits */

static int64_t full(const struct rate *r)
{
    return r->per_minute * TOKEN;
}

void rate_init(struct rate *r, int64_t per_minute, struct mono now)
{
    *r = (struct rate){ .filled = now };
    rate_set(r, per_minute);
    r->nano_tokens = full(r);
}

void rate_set(struct rate *r, int64_t per_minute)
{
    r->per_minute = per_minute < 0                 ? 0
                    : per_minute > MOST_PER_MINUTE ? MOST_PER_MINUTE
                                                   : per_minute;
    if (r->nano_tokens > full(r))
        r->nano_tokens = full(r);
}

bool rate_take(struct rate *r, struct mono now)
{
    int64_t passed = mono_diff_ns(r->filled, now);

    if (passed >= MINUTE_NS)
        r->nano_tokens = full(r);
    else if (passed > 0)        /* per_minute * 10^9 in 60 * 10^9 ns */
        r->nano_tokens += passed * r->per_minute / 60;
    if (r->nano_tokens > full(r))
        r->nano_tokens = full(r);
    if (passed > 0)
        r->filled = now;
    if (r->nano_tokens < TOKEN)
        return false;
    r->nano_tokens -= TOKEN;
    return true;
}
