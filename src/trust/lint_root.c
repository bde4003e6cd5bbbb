/*
 * Roots that browsers distrust, or trust only within limits: data/root-limits.tsv.
 */
#include "base/clock.h"
#include "trust/lint.h"

static bool name_allowed(const char *names, struct mw_span dns)
{
    struct mw_span rest = span_str(names), tree = { 0 };

    while (span_field(&rest, ',', &tree))
        if (span_ends_nocase(dns, tree))
            return true;
    return false;
}

static void lint_limit(struct lint *l, size_t i, const struct root_limit *limit)
{
    /* Somebody who added a distrusted root by hand meant it, and browsers obey. */
    enum mw_severity severity = l->path->anchor == MW_ANCHOR_LOCAL ? MW_WARNING : MW_ERROR;
    const struct cert *leaf = l->path->certs[0];
    CLEANUP(buf_deinit) struct buf date = BUF_INIT(64);

    switch (limit->kind) {
    case ROOT_DISTRUSTED:
        lint_as(l, severity, MW_DISTRUSTED_ROOT, i, "distrusted by %s: %s", limit->who,
                limit->why);
        return;
    case ROOT_NOT_AFTER:
        if (leaf->not_before.s < limit->after.s)
            return;
        wall_format_date(&date, limit->after);
        lint_as(l, severity, MW_DISTRUSTED_ROOT, i,
                "%s distrust what it issues from %s on: %s", limit->who,
                (const char *)date.data, limit->why);
        return;
    case ROOT_ONLY_NAMES:
        for (size_t k = 0; k < leaf->n_sans; k++)
            if (leaf->sans[k].kind != SAN_DNS || !name_allowed(limit->names, leaf->sans[k].value)) {
                lint_as(l, severity, MW_CONSTRAINED_ROOT, i, "%s accept it for %s only: %s",
                        limit->who, limit->names, limit->why);
                return;
            }
        return;
    }
}

/* The last certificate, whether it is trusted or only stands at the end of a broken chain. */
void lint_root_limits(struct lint *l)
{
    size_t last = l->path->n - 1, n;
    const struct root_limit *limits =
        roots_limits(&l->j->policy->roots, l->path->certs[last]->sha256, &n);

    for (size_t k = 0; k < n; k++)
        lint_limit(l, last, &limits[k]);
}
