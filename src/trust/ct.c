#include "trust/ct.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "trust/clock.h"
#include "trust/revocation.h"

enum {
    SHORT_LIFETIME_S = 180 * 86400,
    LIST_FRESH_S = 70 * 86400, /* Chrome's: with an older list, unknown logs excuse */
};

/* Chrome demands SCTs of certificates issued since 2018-05-01. */
static const struct mw_wall demanded_since = { 1525132800 };

static int lists_read(struct judge *j, struct ct_result *c)
{
    struct mw_span staple =
        j->revocation != NULL ? j->revocation->staple_scts : (struct mw_span){ 0 };
    struct mw_span embedded;

    c->scts = arena_calloc(j->arena, CT_MAX_SCTS, sizeof(*c->scts));
    if (c->scts == NULL)
        return -ENOMEM;
    if (sct_embedded(j->leaf, &embedded) &&
        !sct_list_read(embedded, SCT_EMBEDDED, c->scts, CT_MAX_SCTS, &c->n))
        c->malformed = true;
    if (j->ev->tls_scts.len > 0 &&
        !sct_list_read(j->ev->tls_scts, SCT_HANDSHAKE, c->scts, CT_MAX_SCTS, &c->n))
        c->malformed = true;
    if (staple.len > 0 && !sct_list_read(staple, SCT_STAPLED, c->scts, CT_MAX_SCTS, &c->n))
        c->malformed = true;
    return 0;
}

static void sct_count(struct ct_result *c, const struct sct *s)
{
    switch (s->state) {
    case SCT_VERIFIED:
        c->n_verified++;
        if (sct_time(s).s > c->newest.s) {
            c->newest = sct_time(s);
            c->newest_sct = s;
        }
        break;
    case SCT_FROM_UNKNOWN_LOG:
        c->n_unknown++;
        break;
    case SCT_WRONG:
        c->n_wrong++;
        break;
    case SCT_UNCHECKED:
        break;
    }
}

int ct_prepare(struct judge *j)
{
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(MW_MAX_CERT_BYTES);
    struct sct_entry entry = { 0 };
    struct ct_result *c;
    int r;

    if (j->ct != NULL || j->leaf == NULL)
        return 0;
    c = arena_alloc(j->arena, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    r = lists_read(j, c);
    if (r < 0)
        return r;
    c->checked = j->policy->ct_logs != NULL;
    entry.cert = j->leaf->der;
    if (j->chain.path.n > 1)
        entry.issuer_key = j->chain.path.certs[1]->spki_sha256;
    if (c->n > 0 && c->scts[0].source == SCT_EMBEDDED) {
        r = sct_precert(j->leaf, &tbs);
        if (r < 0)
            return r;
        if (r == 0)
            entry.precert = buf_span(&tbs);
    }
    for (size_t i = 0; i < c->n; i++) {
        r = sct_check(&c->scts[i], j->policy->ct_logs, &entry);
        if (r < 0)
            return r;
        sct_count(c, &c->scts[i]);
    }
    j->ct = c;
    return 0;
}

/* ---------------------------------------------------------------- the policy ---- */

static bool accepts_now(const struct ct_log *log)
{
    return log->state == CT_QUALIFIED || log->state == CT_USABLE || log->state == CT_READONLY;
}

/* An embedded SCT outlives its log's retirement, if it was made before; one handed over with
 * the connection could be fetched anew, so it must come from a log that is still trusted. */
static bool sct_counts(const struct sct *s)
{
    if (s->state != SCT_VERIFIED)
        return false;
    if (accepts_now(s->log))
        return true;
    return s->source == SCT_EMBEDDED && s->log->state == CT_RETIRED &&
           sct_time(s).s < s->log->since.s;
}

static bool operator_is_new(const struct ct_result *c, size_t i, bool embedded)
{
    const char *mine = ct_log_operator(c->scts[i].log, sct_time(&c->scts[i]));

    for (size_t k = 0; k < i; k++) {
        const struct sct *s = &c->scts[k];

        if ((s->source == SCT_EMBEDDED) == embedded && sct_counts(s) &&
            strcmp(ct_log_operator(s->log, sct_time(s)), mine) == 0)
            return false;
    }
    return true;
}

/* The same log twice is one promise. */
static bool log_is_new(const struct ct_result *c, size_t i, bool embedded)
{
    for (size_t k = 0; k < i; k++)
        if ((c->scts[k].source == SCT_EMBEDDED) == embedded && sct_counts(&c->scts[k]) &&
            c->scts[k].log == c->scts[i].log)
            return false;
    return true;
}

static void set_judge(struct ct_result *c, const struct cert *leaf, bool embedded)
{
    bool is_short = leaf->not_after.s - leaf->not_before.s <= SHORT_LIFETIME_S;
    struct ct_result set = { .needed = embedded && !is_short ? 3 : 2 };

    for (size_t i = 0; i < c->n; i++) {
        const struct sct *s = &c->scts[i];

        if ((s->source == SCT_EMBEDDED) != embedded || !sct_counts(s) ||
            !log_is_new(c, i, embedded))
            continue;
        set.counted++;
        set.operators += operator_is_new(c, i, embedded);
        set.acceptable_now = set.acceptable_now || accepts_now(s->log);
    }
    set.policy_met = set.counted >= set.needed && set.operators >= 2 && set.acceptable_now;
    if (c->policy_met || (!set.policy_met && set.counted < c->counted))
        return;
    c->needed = set.needed;
    c->counted = set.counted;
    c->operators = set.operators;
    c->acceptable_now = set.acceptable_now;
    c->policy_met = set.policy_met;
}

/* ---------------------------------------------------------------- the findings ---- */

static void wrong_find(struct judge *j, const struct ct_result *c)
{
    struct mw_finding *f = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct sct *s = &c->scts[i];

        if (s->state == SCT_WRONG)
            f = judge_add(j, MW_SCT_INVALID, 0,
                          "the log %s did not sign this certificate: the timestamp was copied "
                          "from another one, or made up",
                          s->log->name);
        else if (s->state == SCT_VERIFIED && j->v->clock.offset_known &&
                 sct_time(s).s > clock_true_now(j).s + j->policy->clock_tolerance_s)
            f = judge_add(j, MW_SCT_INVALID, 0, "the log %s dated its timestamp in the future",
                          s->log->name);
    }
    if (c->malformed)
        f = judge_add(j, MW_SCT_INVALID, 0, "the list of timestamps cannot be read");
    if (f != NULL)
        f->disproof = "a list of logs in which these logs have other keys";
}

static void missing_find(struct judge *j, const struct ct_result *c)
{
    struct mw_finding *f;

    if (c->n == 0 && !c->malformed) {
        f = judge_add(j, MW_SCT_MISSING, 0,
                      "a public authority issued this certificate, but no log vouches for it");
        if (f != NULL && j->ev->reach != MW_REACH_HANDSHAKE) {
            f->certainty = MW_LIKELY;
            f->disproof = "timestamps that come with the handshake, which was not seen";
        }
        return;
    }
    if (c->policy_met)
        return;
    if (c->counted < c->needed)
        judge_add(j, MW_SCT_TOO_FEW, 0, "%u of the %u log timestamps that browsers ask for",
                  c->counted, c->needed);
    else if (c->operators < 2)
        judge_add(j, MW_SCT_TOO_FEW, 0, "all log timestamps come from one operator, %s",
                  ct_log_operator(c->newest_sct->log, sct_time(c->newest_sct)));
    else
        judge_add(j, MW_SCT_TOO_FEW, 0, "none of the logs that vouch for it is trusted any more");
}

static void unknown_find(struct judge *j, const struct ct_result *c)
{
    CLEANUP(buf_deinit) struct buf ids = BUF_INIT(2048);

    for (size_t i = 0; i < c->n && ids.len < 200; i++) {
        if (c->scts[i].state != SCT_FROM_UNKNOWN_LOG)
            continue;
        buf_str(&ids, ids.len > 0 ? ", " : "");
        text_base64(&ids, c->scts[i].log_id);
    }
    if (ids.error != 0)
        j->error = -ENOMEM;
    else if (ids.len > 0)
        judge_add(j, MW_SCT_UNKNOWN_LOG, 0,
                  "%zu of %zu log timestamps are from logs that the "
                  "list of logs does not have: %s",
                  c->n_unknown, c->n, (const char *)ids.data);
}

static bool list_is_old(const struct judge *j)
{
    const struct ct_logs *logs = j->policy->ct_logs;

    return logs->dated.s != 0 && logs->dated.s + LIST_FRESH_S < clock_true_now(j).s;
}

int ct_judge(struct judge *j)
{
    struct ct_result *c;
    int r = ct_prepare(j);

    c = j->ct;
    if (r < 0 || c == NULL)
        return r;
    set_judge(c, j->leaf, true);
    set_judge(c, j->leaf, false);
    if (!c->checked)
        return 0;
    wrong_find(j, c);
    if (j->chain.path.anchor != MW_ANCHOR_PUBLIC)
        return 0;
    unknown_find(j, c);
    if (j->leaf->not_before.s >= demanded_since.s && !(c->n_unknown > 0 && list_is_old(j)))
        missing_find(j, c);
    return 0;
}

/* ------------------------------------------------------------------- the view ---- */

static const char *state_words(const struct sct *s)
{
    switch (s->state) {
    case SCT_VERIFIED: /* by its log, so there is one */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        return s->log->state == CT_RETIRED    ? "verified, log retired meanwhile"
               : s->log->state == CT_REJECTED ? "verified, but the log is rejected"
               : s->log->state == CT_PENDING  ? "verified, but the log is not accepted yet"
                                              : "verified";
    case SCT_FROM_UNKNOWN_LOG:
        return "unknown log";
    case SCT_WRONG:
        return "NOT signed by this log";
    case SCT_UNCHECKED:
        break;
    }
    return "not verified";
}

static const char *source_words(const struct sct *s)
{
    switch (s->source) {
    case SCT_HANDSHAKE:
        return ", in the handshake";
    case SCT_STAPLED:
        return ", in the staple";
    case SCT_EMBEDDED:
        break;
    }
    return "";
}

static void line_write(struct buf *out, const struct sct *s)
{
    if (s->log != NULL) {
        text_safe(out, span_str(s->log->name), 80);
        buf_str(out, " (");
        text_safe(out, span_str(ct_log_operator(s->log, sct_time(s))), 60);
        buf_str(out, ")");
    } else {
        buf_str(out, "log ");
        text_base64(out, s->log_id);
    }
    buf_str(out, ", ");
    wall_format(out, sct_time(s));
    buf_printf(out, ", %s%s", state_words(s), source_words(s));
}

int ct_lines(struct judge *j, const char *const **lines, size_t *n)
{
    size_t count = j->ct != NULL ? j->ct->n : 0;
    const char **all = count > 0 ? arena_calloc(j->arena, count, sizeof(*all)) : NULL;

    if (count > 0 && all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_deinit) struct buf line = BUF_INIT(1024);

        line_write(&line, &j->ct->scts[i]);
        all[i] = line.error == 0 ? arena_strdup(j->arena, (const char *)line.data) : NULL;
        if (all[i] == NULL)
            return -ENOMEM;
    }
    *lines = all;
    *n = count;
    return 0;
}
