#include "base/config.h"

enum { NEAREST_MAX_LEN = 63 };

/* Optimal string alignment: insertions, deletions, changes and swapped neighbours count 1. */
static size_t edit_distance(struct mw_span a, struct mw_span b)
{
    size_t row[3][NEAREST_MAX_LEN + 2];

    for (size_t k = 0; k <= b.len; k++)
        row[0][k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

        now[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t best = last[k - 1] + (a.data[i - 1] != b.data[k - 1]);

            if (last[k] + 1 < best)
                best = last[k] + 1;
            if (now[k - 1] + 1 < best)
                best = now[k - 1] + 1;
            if (i > 1 && k > 1 && a.data[i - 1] == b.data[k - 2] &&
                a.data[i - 2] == b.data[k - 1] && before[k - 2] + 1 < best)
                best = before[k - 2] + 1;
            now[k] = best;
        }
    }
    return row[a.len % 3][b.len];
}

const char *config_nearest(const char *word, const char *const *known, size_t n)
{
    struct mw_span w = span_str(word);
    const char *nearest = NULL;
    size_t least = w.len / 3 + 1; /* further away is another word, not a slip */

    if (w.len > NEAREST_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct mw_span k = span_str(known[i]);
        size_t d;

        if (known[i] == NULL || k.len > NEAREST_MAX_LEN)
            continue;
        d = edit_distance(w, k);
        if (d <= least && (nearest == NULL || d < least)) {
            nearest = known[i];
            least = d;
        }
    }
    return nearest;
}
