#include "trust/decision.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "trust/clock.h"
#include "trust/judge.h"
#include "trust/pin.h"

enum { MAX_LIST_BYTES = 4096 };

bool decision_refused(enum mw_code code)
{
    return code == MW_REVOKED || code == MW_KNOWN_BAD_ROOT || code == MW_PIN_MISMATCH;
}

bool decision_needed(const struct mw_finding *f)
{
    return f->severity == MW_ERROR ||
           (f->severity == MW_WARNING && mw_code_info(f->code)->group == MW_GROUP_INTERCEPTION);
}

void decision_item(const struct mw_finding *f, struct buf *out)
{
    buf_str(out, mw_code_info(f->code)->code);
    if (f->cert > 0)
        buf_printf(out, "@%d", f->cert);
}

static bool list_has(const char *list, struct mw_span item)
{
    struct mw_span rest = span_str(list), one;

    while (span_field(&rest, ',', &one))
        if (span_eq(one, item))
            return true;
    return false;
}

/* -------------------------------------------------------------------- remembering ---- */

/* "code" or "code@N" with a code that exists and may be accepted. */
static bool item_is_valid(struct mw_span item)
{
    struct mw_span rest = item, name;
    char code[64];
    int64_t at;

    if (!span_field(&rest, '@', &name) || name.len == 0 || name.len >= sizeof(code))
        return false;
    memcpy(code, name.data, name.len);
    code[name.len] = '\0';
    if (name.len != item.len && text_number(rest, 1, MW_MAX_DEPTH, &at) != 0)
        return false;
    return mw_code_find(code) != MW_CODE_NONE && !decision_refused(mw_code_find(code));
}

static bool list_is_valid(const char *list)
{
    struct mw_span rest = span_str(list), one;
    bool any = false;

    if (rest.len == 0 || rest.len > MAX_LIST_BYTES)
        return false;
    while (span_field(&rest, ',', &one)) {
        if (!item_is_valid(one))
            return false;
        any = true;
    }
    return any;
}

static int decisions_grow(struct mw_policy *p)
{
    size_t room = p->decisions_room == 0 ? 16 : p->decisions_room * 2;
    struct mw_decision *decisions;

    if (p->n_decisions < p->decisions_room)
        return 0;
    if (p->n_decisions >= DECISION_MAX)
        return policy_fail(p, MW_E_TOO_MANY, "more than %d decisions: remove some", DECISION_MAX);
    decisions = realloc(p->decisions, room * sizeof(*decisions));
    if (decisions == NULL)
        return -ENOMEM;
    p->decisions = decisions;
    p->decisions_room = room;
    return 0;
}

static int decision_copy(struct mw_policy *p, struct mw_decision *d, const struct host *host,
                         const struct buf *key)
{
    d->host = arena_strdup(&p->arena, host->text);
    d->key = arena_strdup(&p->arena, (const char *)key->data);
    d->findings = arena_strdup(&p->arena, d->findings);
    if (d->reason != NULL)
        d->reason = arena_strdup(&p->arena, d->reason);
    return d->host != NULL && d->key != NULL && d->findings != NULL ? 0 : -ENOMEM;
}

int mw_policy_add_decision(struct mw_policy *p, const struct mw_decision *d)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);
    struct mw_decision mine = *d;
    struct host host;
    int r = decisions_grow(p);

    if (r != 0)
        return r;
    if (d->host == NULL || host_parse(&host, d->host) != 0)
        return policy_fail(p, MW_E_NAME, "decision: not a host name or an address");
    r = pin_normalize(span_str(d->key), &key);
    if (r > 0)
        return policy_fail(p, r, "decision for %s: its key is not sha256/BASE64", host.text);
    if (r == 0 && !list_is_valid(d->findings))
        return policy_fail(p, MW_E_SYNTAX,
                           "decision for %s: its list of findings has one that is "
                           "unknown or that nobody may accept",
                           host.text);
    if (r == 0 && d->until.s <= d->made.s)
        return policy_fail(p, MW_E_SYNTAX, "decision for %s: it ends before it begins", host.text);
    if (r == 0)
        r = decision_copy(p, &mine, &host, &key);
    if (r < 0)
        return policy_fail(p, r, "decision: out of memory");
    p->decisions[p->n_decisions++] = mine;
    return 0;
}

/* ------------------------------------------------------------------------ judging ---- */

/* The CA key of an interceptor covers what that key signed, at any length of its chain, as far
 * as signatures were followed.  Never a public authority's: that would cover every certificate
 * of half the web. 1, 0, -ENOMEM. */
static int ca_signed(const struct judge *j, const char *key)
{
    const struct path *p = &j->chain.path;

    if (p->anchor == MW_ANCHOR_PUBLIC)
        return 0;
    for (size_t i = 1; i < p->n; i++) {
        int r = cert_signed_by(p->certs[i - 1], p->certs[i]);

        if (r != 1)
            return r;
        r = pin_is_key(p->certs[i], key);
        if (r != 0)
            return r;
    }
    return 0;
}

static int concerns(const struct judge *j, const struct mw_decision *d)
{
    if (d->port != j->ev->port || strcmp(d->host, j->host.text) != 0)
        return 0;
    if (d->key_is_ca)
        return ca_signed(j, d->key);
    return pin_is_key(j->leaf, d->key);
}

/* Did the text come out whole?  If not the judgement ends, since half a text would mislead. */
static bool written(struct judge *j, const struct buf *text)
{
    if (text->error != 0)
        j->error = -ENOMEM;
    return text->error == 0;
}

/* The first finding that the decision does not cover, NULL: it covers all. */
static const struct mw_finding *uncovered(struct judge *j, const struct mw_decision *d)
{
    for (size_t i = 0; i < j->findings.n; i++) {
        const struct mw_finding *f = &j->findings.items[i];
        CLEANUP(buf_deinit) struct buf item = BUF_INIT(128);

        if (!decision_needed(f))
            continue;
        decision_item(f, &item);
        if (!written(j, &item) || decision_refused(f->code) ||
            !list_has(d->findings, buf_span(&item)))
            return f;
    }
    return NULL;
}

static bool anything_needed(const struct judge *j)
{
    for (size_t i = 0; i < j->findings.n; i++)
        if (decision_needed(&j->findings.items[i]))
            return true;
    return false;
}

static void apply(struct judge *j, const struct mw_decision *d)
{
    CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);

    for (size_t i = 0; i < j->findings.n; i++)
        if (decision_needed(&j->findings.items[i]))
            j->findings.items[i].accepted = true;
    wall_format(&until, d->until);
    if (!written(j, &until))
        return;
    judge_add(j, MW_TRUSTED_ANYWAY, -1, "accepted for this host and key until %s%s%s",
              (const char *)until.data, d->reason != NULL ? ": " : "",
              d->reason != NULL ? d->reason : "");
}

/* Neither a clock set back nor a forged reading of another clock must bring a decision to life
 * again; and a decision from the future was not made by this clock. */
static bool in_force(const struct judge *j, const struct mw_decision *d)
{
    return clock_latest(j).s < d->until.s &&
           clock_earliest(j).s >= d->made.s - j->policy->clock_tolerance_s;
}

static void narrow_find(struct judge *j, const struct mw_finding *new)
{
    CLEANUP(buf_deinit) struct buf item = BUF_INIT(128);

    decision_item(new, &item);
    if (!written(j, &item))
        return;
    judge_add(j, MW_DECISION_TOO_NARROW, -1,
              decision_refused(new->code) ? "nobody can accept %s"
                                          : "what was accepted did not include %s",
              (const char *)item.data);
}

static void expired_find(struct judge *j, const struct mw_decision *d)
{
    CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);

    wall_format(&until, d->until);
    if (!written(j, &until))
        return;
    judge_add(j, MW_DECISION_EXPIRED, -1, "an earlier decision for this host and key %s %s",
              clock_latest(j).s >= d->until.s ? "ended on" : "does not hold yet; it ends on",
              (const char *)until.data);
}

/* Each decision stands alone: two of them never add up to a third. */
int decision_judge(struct judge *j)
{
    const struct mw_decision *expired = NULL;
    const struct mw_finding *new = NULL;

    /* Where nobody proved to hold the key, what was accepted for the key does not apply. */
    if (j->leaf == NULL || !reach_came_through(j->ev->reach) || !anything_needed(j))
        return 0;
    for (size_t i = 0; i < j->policy->n_decisions; i++) {
        const struct mw_decision *d = &j->policy->decisions[i];
        const struct mw_finding *left;
        int r = concerns(j, d);

        if (r < 0)
            return r;
        if (r == 0)
            continue;
        if (!in_force(j, d)) {
            expired = d;
            continue;
        }
        left = uncovered(j, d);
        if (left == NULL) {
            apply(j, d);
            return 0;
        }
        new = left;
    }
    if (new != NULL)
        narrow_find(j, new);
    else if (expired != NULL)
        expired_find(j, expired);
    return 0;
}

/* ------------------------------------------------------------------------ asking ---- */

/* A chain that was judged for no name may be anybody's. */
static bool is_about_a_name(const struct mw_verdict *v)
{
    return v->host != NULL && v->host[0] != '\0';
}

bool mw_may_proceed_unattended(const struct mw_verdict *v, const char **why)
{
    const struct mw_finding *first = NULL;

    if (why != NULL)
        *why = NULL;
    for (size_t i = 0; v != NULL && i < v->n_findings && first == NULL; i++)
        if (v->findings[i].severity == MW_ERROR)
            first = &v->findings[i];
    if (v != NULL && v->outcome == MW_PRIVATE && first == NULL && is_about_a_name(v))
        return true;
    for (size_t i = 0; v != NULL && i < v->n_findings && first == NULL; i++)
        if (v->findings[i].severity == MW_WARNING)
            first = &v->findings[i];
    if (why != NULL)
        *why = first != NULL
                   ? mw_code_info(first->code)->code
                   : mw_outcome_name(v != NULL && is_about_a_name(v) ? v->outcome : MW_UNJUDGED);
    return false;
}

/* The certificates were shown by somebody who never proved that they are theirs. */
static bool is_unproven(const struct mw_finding *f)
{
    enum mw_group group = mw_code_info(f->code)->group;

    return f->severity >= MW_WARNING &&
           (group == MW_GROUP_BLOCKED || group == MW_GROUP_UNREACHABLE);
}

enum mw_action mw_attended_action(const struct mw_verdict *v)
{
    bool needed = false, accepted = true;

    if (v == NULL || v->n_chain == 0 || !is_about_a_name(v))
        return MW_REFUSE;
    for (size_t i = 0; i < v->n_findings; i++) {
        const struct mw_finding *f = &v->findings[i];

        if ((f->severity == MW_ERROR && decision_refused(f->code)) || is_unproven(f))
            return MW_REFUSE;
        if (!decision_needed(f))
            continue;
        needed = true;
        accepted = accepted && f->accepted;
    }
    switch (v->outcome) {
    case MW_PRIVATE:
        return mw_may_proceed_unattended(v, NULL) ? MW_PROCEED : MW_ASK;
    case MW_INSPECTED:
    case MW_UNTRUSTED:
        return needed && accepted ? MW_PROCEED : MW_ASK;
    case MW_UNJUDGED:
    case MW_BLOCKED:
    case MW_UNREACHABLE:
        break;
    }
    return MW_REFUSE;
}

/* -------------------------------------------------------------------- deciding ---- */

void mw_decision_free(struct mw_decision *d)
{
    if (d == NULL)
        return;
    free((char *)d->host);
    free((char *)d->key);
    free((char *)d->findings);
    free((char *)d->reason);
    free(d);
}

static void decision_freep(struct mw_decision **at)
{
    mw_decision_free(*at);
}

static int text_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that needs accepting, sorted, each once. MW_E_SYNTAX: nothing does. */
static int list_make(const struct mw_verdict *v, struct buf *out)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    char **items = arena_calloc(&arena, v->n_findings + 1, sizeof(*items));
    size_t n = 0;

    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < v->n_findings; i++) {
        CLEANUP(buf_deinit) struct buf item = BUF_INIT(128);

        if (!decision_needed(&v->findings[i]))
            continue;
        decision_item(&v->findings[i], &item);
        items[n] = item.error == 0 ? arena_strdup(&arena, (const char *)item.data) : NULL;
        if (items[n++] == NULL)
            return -ENOMEM;
    }
    if (n == 0)
        return MW_E_SYNTAX;
    qsort(items, n, sizeof(*items), text_cmp);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(items[i], items[i - 1]) != 0)
            buf_printf(out, "%s%s", i > 0 ? "," : "", items[i]);
    return buf_error(out);
}

/* The leaf's key, or that of the reader who signs. */
static const char *key_for(const struct mw_verdict *v, bool ca_key)
{
    if (!ca_key)
        return v->chain[0].spki;
    if (v->anchor == MW_ANCHOR_PUBLIC)
        return NULL;
    for (size_t i = 0; i < v->n_readers; i++)
        if (v->readers[i].key != NULL)
            return v->readers[i].key;
    return NULL;
}

int mw_decision_make(struct mw_decision **out, const struct mw_verdict *v, bool ca_key,
                     struct mw_wall now, int64_t lifetime_s, const char *reason)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MAX_LIST_BYTES);
    const char *key;
    int r;

    if (mw_attended_action(v) != MW_ASK)
        return MW_E_SYNTAX;
    key = key_for(v, ca_key);
    if (key == NULL || v->host == NULL)
        return MW_E_SYNTAX;
    r = list_make(v, &list);
    if (r != 0)
        return r;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return -ENOMEM;
    d->host = strdup(v->host);
    d->port = v->port;
    d->key = strdup(key);
    d->key_is_ca = ca_key;
    d->findings = buf_steal(&list);
    d->made = now;
    d->until.s = now.s + (lifetime_s > 0 ? lifetime_s : DECISION_DEFAULT_S);
    d->reason = reason != NULL ? strdup(reason) : NULL;
    if (d->host == NULL || d->key == NULL || d->findings == NULL ||
        (reason != NULL && d->reason == NULL))
        return -ENOMEM;
    *out = own_steal(&d);
    return 0;
}

void decision_format(const struct mw_decision *d, struct buf *out)
{
    text_safe(out, span_str(d->host), 260);
    buf_printf(out, ":%u %s%s accepts ", d->port, d->key_is_ca ? "signed by " : "", d->key);
    text_safe(out, span_str(d->findings), 0);
    buf_str(out, " until ");
    wall_format(out, d->until);
    if (d->reason != NULL) {
        buf_str(out, ": ");
        text_safe(out, span_str(d->reason), 200);
    }
}
