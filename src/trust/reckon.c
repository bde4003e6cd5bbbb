#include "trust/reckon.h"

#include <stdlib.h>

/* Readings of one kind, by their index. */
struct group {
    const struct mw_clock_reading *readings;
    size_t at[RECKON_MAX];
    size_t n;
};

static bool usable(const struct mw_clock_reading *r)
{
    const int64_t most = INT64_MAX / 8;

    return r->ok && !r->signature_bad && r->uncertainty_ms >= 0 && r->uncertainty_ms < most &&
           r->offset_ms > -most && r->offset_ms < most;
}

static void group_pick(struct group *g, const struct mw_clock_reading *readings, size_t n,
                       enum mw_clock_source source)
{
    g->readings = readings;
    g->n = 0;
    for (size_t i = 0; i < n; i++)
        if (readings[i].source == source && usable(&readings[i]))
            g->at[g->n++] = i;
}

static int64_t low(const struct mw_clock_reading *r)
{
    return r->offset_ms - r->uncertainty_ms - RECKON_SLACK_MS;
}

static int64_t high(const struct mw_clock_reading *r)
{
    return r->offset_ms + r->uncertainty_ms + RECKON_SLACK_MS;
}

/* The moment that most intervals contain begins where one of them begins. */
static int64_t most_covered(const struct group *g, size_t *most)
{
    int64_t best = 0;

    *most = 0;
    for (size_t i = 0; i < g->n; i++) {
        int64_t at = low(&g->readings[g->at[i]]);
        size_t covered = 0;

        for (size_t k = 0; k < g->n; k++)
            covered += low(&g->readings[g->at[k]]) <= at && at <= high(&g->readings[g->at[k]]);
        if (covered > *most) {
            *most = covered;
            best = at;
        }
    }
    return best;
}

/* Signed time: the intersection of the intervals that a majority shares. */
static void signed_reckon(const struct group *g, struct reckoning *out)
{
    int64_t from = INT64_MIN, to = INT64_MAX;
    size_t most;
    int64_t at = most_covered(g, &most);
    bool majority = 2 * most > g->n;

    for (size_t i = 0; i < g->n; i++) {
        const struct mw_clock_reading *r = &g->readings[g->at[i]];
        bool covers = low(r) <= at && at <= high(r);

        out->marks[g->at[i]] = !majority ? RECKON_DISPUTED : covers ? RECKON_AGREES : RECKON_LIES;
        if (covers && low(r) > from)
            from = low(r);
        if (covers && high(r) < to)
            to = high(r);
    }
    if (!majority)
        return;
    out->known = out->is_signed = true;
    out->source = MW_CLOCK_ROUGHTIME;
    out->n = (unsigned)most;
    out->certainty = most > 1 ? MW_CERTAIN : MW_LIKELY;
    out->offset_ms = from + (to - from) / 2;
    out->uncertainty_ms = (to - from) / 2;
}

static int offset_cmp(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t median(const struct group *g)
{
    int64_t sorted[RECKON_MAX] = { 0 };

    for (size_t i = 0; i < g->n; i++)
        sorted[i] = g->readings[g->at[i]].offset_ms;
    qsort(sorted, g->n, sizeof(sorted[0]), offset_cmp);
    return g->n % 2 == 1 ? sorted[g->n / 2]
                         : sorted[g->n / 2 - 1] + (sorted[g->n / 2] - sorted[g->n / 2 - 1]) / 2;
}

/* Unsigned time: the median, if more than half of the servers stand by it.  Anybody on the way
 * could have written every one of these, so they never make certain. */
static void unsigned_reckon(const struct group *g, enum mw_clock_source source,
                            struct reckoning *out)
{
    int64_t middle = g->n > 0 ? median(g) : 0;
    int64_t widest = 0;
    unsigned agree = 0;

    for (size_t i = 0; i < g->n; i++) {
        const struct mw_clock_reading *r = &g->readings[g->at[i]];
        bool near = low(r) <= middle && middle <= high(r);

        out->marks[g->at[i]] = near ? RECKON_AGREES : RECKON_OUTLIER;
        agree += near;
        if (near && r->uncertainty_ms > widest)
            widest = r->uncertainty_ms;
    }
    if (2 * (size_t)agree <= g->n)
        return;
    out->known = true;
    out->source = source;
    out->n = agree;
    out->certainty = source == MW_CLOCK_SNTP && agree > 1 ? MW_LIKELY : MW_HINT;
    out->offset_ms = middle;
    out->uncertainty_ms = widest + RECKON_SLACK_MS;
}

void reckon(const struct mw_clock_reading *readings, size_t n, struct reckoning *out)
{
    struct group g;

    *out = (struct reckoning){ 0 };
    n = n < RECKON_MAX ? n : RECKON_MAX;
    for (size_t i = 0; i < n; i++) {
        out->answered += readings[i].ok || readings[i].signature_bad;
        if (readings[i].signature_bad)
            out->marks[i] = RECKON_FORGED;
    }
    group_pick(&g, readings, n, MW_CLOCK_ROUGHTIME);
    signed_reckon(&g, out);
    if (!out->known) {
        group_pick(&g, readings, n, MW_CLOCK_SNTP);
        unsigned_reckon(&g, MW_CLOCK_SNTP, out);
    }
    if (!out->known) {
        group_pick(&g, readings, n, MW_CLOCK_HTTP_DATE);
        unsigned_reckon(&g, MW_CLOCK_HTTP_DATE, out);
    }
}
