#include "gate/learn/learner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/learn/inside.h"

/* A worker's clock is ours: who says that it is later than this is not believed, or one message
 * could make all others old. */
enum { AHEAD_S = 3600 };

/* ---- life ---- */

int learner_new(struct learner **out, struct store *store, const struct gate_config *config)
{
    struct learner *l = calloc(1, sizeof *l);
    int rc;

    if (l == NULL)
        return -ENOMEM;
    l->store = store;
    l->config = config;
    l->next_number = l->next_consent = 1;
    rc = evidence_init(&l->evidence, config->learner.window_s);
    if (rc == 0)
        rc = recall_init(&l->exceptions, INSIDE_EXCEPTIONS, sizeof(struct exception), NULL, NULL);
    if (rc == 0) {
        l->pending = calloc(INSIDE_PENDING, sizeof *l->pending);
        rc = l->pending != NULL ? keep_load(l) : -ENOMEM;
    }
    if (rc != 0) {
        l->store = NULL; /* half-read, it has nothing to say to it */
        learner_free(l);
        return rc;
    }
    *out = l;
    return 0;
}

void learner_free(struct learner *l)
{
    if (l == NULL)
        return;
    if (l->store != NULL && l->now.s != 0 && keep_flush(l, l->now) != 0)
        l->n_pending = 0; /* the store's owner knows; there is nobody left to try again */
    consents_free(l);
    recall_deinit(&l->exceptions);
    evidence_deinit(&l->evidence);
    free(l->pending);
    free(l);
}

void learner_reload(struct learner *l, const struct gate_config *config)
{
    l->config = config;
    evidence_rescale(&l->evidence, config->learner.window_s);
}

/* ---- exceptions ---- */

bool learner_applies(const struct learner *l, const struct exception *x)
{
    return x->state == EXCEPTION_IN_FORCE &&
           (l->config->learner.mode == GATE_LEARN_APPLY ||
            (l->config->learner.mode == GATE_LEARN_PROPOSE && x->accepted));
}

struct exception *learner_exception(const struct learner *l, const char *ja4, const char *host)
{
    char name[RECALL_NAME];

    recall_name(name, ja4, host);
    return recall_find(&l->exceptions, name);
}

int learner_drop(struct learner *l, struct exception *x)
{
    int rc = keep_exception_gone(l, x);

    l->full = false;
    l->rewrite |= rc != 0; /* or it would be back after a restart */
    recall_drop(&l->exceptions, &x->node);
    return rc;
}

/* Is there room for one more, for this client and in all? */
static bool has_room(const struct learner *l, const char *client)
{
    size_t of_client = 0, in_force = 0;

    for (struct recall_node *n = l->exceptions.newest; n != NULL; n = n->older) {
        const struct exception *x = exception_of(n);

        of_client += strcmp(x->client, client) == 0 && x->state != EXCEPTION_REMOVED;
        in_force += x->state == EXCEPTION_IN_FORCE || x->state == EXCEPTION_ON_TRIAL;
    }
    return l->exceptions.n < INSIDE_EXCEPTIONS && of_client < INSIDE_OF_CLIENT &&
           in_force < LEARN_MAX_LEARNED;
}

static int exception_new(struct learner *l, const struct suspect *s, const struct witness *w,
                         enum reason reason, struct mw_wall now, struct exception **out)
{
    struct exception *x;

    *out = NULL;
    if (!has_room(l, w->client)) {
        l->full = true;
        return 0;
    }
    x = recall_get(&l->exceptions, s->node.name);
    if (x == NULL)
        return -ENOMEM;
    exception_name(x, l->next_number++);
    snprintf(x->ja4, sizeof x->ja4, "%s", s->ja4);
    snprintf(x->host, sizeof x->host, "%s", s->host);
    snprintf(x->client, sizeof x->client, "%s", w->client);
    x->reason = reason;
    x->state = EXCEPTION_PROPOSED;
    x->made = now;
    x->until.s = now.s + l->config->learner.lifetime_s;
    exception_count_all(x, w, (struct mw_wall){ now.s - l->evidence.window_s });
    *out = x;
    return 0;
}

/* An app with its own trust store is a matter of installing the CA there: never by itself. */
static bool by_itself(const struct learner *l, enum reason reason)
{
    return l->config->learner.mode == GATE_LEARN_APPLY && reason != REASON_OWN_STORE;
}

/* This client's evidence is a case by itself.  A second client with one makes it everybody's:
 * what a single one says goes for itself alone. */
static int case_take(struct learner *l, const struct suspect *s, const struct witness *w,
                     enum reason reason, struct mw_wall now, bool *changed)
{
    struct exception *x = recall_find(&l->exceptions, s->node.name);
    struct mw_wall since = { now.s - l->evidence.window_s };
    bool touched = x == NULL;
    int rc = 0;

    if (x == NULL)
        rc = exception_new(l, s, w, reason, now, &x);
    else if (x->state == EXCEPTION_REMOVED)
        return 0;
    if (rc != 0 || x == NULL)
        return rc;
    if (!exception_fits(x, w->client)) {
        exception_count_all(x, w, since);
        x->client[0] = '\0';
        *changed |= learner_applies(l, x);
        touched = true;
    }
    if (x->reason != reason && x->reason == REASON_OWN_STORE) {
        x->reason = reason;
        touched = true;
    }
    if (x->state == EXCEPTION_PROPOSED && by_itself(l, reason)) {
        exception_begin(x, now, l->config->learner.lifetime_s);
        *changed = touched = true;
    }
    return touched ? keep_exception(l, x) : 0;
}

static bool app_works(const struct learner *l, const char *client, const char *ja4,
                      struct mw_wall now)
{
    const struct app *app = evidence_app(&l->evidence, client, ja4);

    return app != NULL && app->last_used.s > now.s - EVIDENCE_DAY_S;
}

/* What was learned of this client alone since it last took our CA was learned of a client that
 * had stopped taking it.  all: of apps that never worked there, whenever it was learned. */
static int client_withdraw(struct learner *l, const char *client, bool all, struct mw_wall now,
                           bool *changed)
{
    const struct device *d = evidence_device(&l->evidence, client);
    struct recall_node *next;
    int rc = 0;

    for (struct recall_node *n = l->exceptions.newest; n != NULL && d != NULL; n = next) {
        struct exception *x = exception_of(n);

        next = n->older;
        if (strcmp(x->client, client) != 0 || x->accepted || x->state == EXCEPTION_REMOVED ||
            x->reason == REASON_UNATTENDED ||
            (x->made.s < d->last_used.s && (!all || app_works(l, client, x->ja4, now))))
            continue;
        *changed |= learner_applies(l, x);
        rc = learner_drop(l, x);
        if (rc != 0)
            break;
    }
    return rc;
}

/* What looked like a pin at the first host is an app that refuses everywhere. */
static int app_withdraw(struct learner *l, const char *client, const char *ja4, bool *changed)
{
    int rc = 0;

    for (struct recall_node *n = l->exceptions.newest; rc == 0 && n != NULL; n = n->older) {
        struct exception *x = exception_of(n);

        if (strcmp(x->client, client) != 0 || strcmp(x->ja4, ja4) != 0 || x->accepted ||
            x->reason != REASON_PIN || x->state == EXCEPTION_REMOVED)
            continue;
        *changed |= learner_applies(l, x) || x->state == EXCEPTION_ON_TRIAL;
        x->reason = REASON_OWN_STORE;
        x->state = EXCEPTION_PROPOSED;
        rc = keep_exception(l, x);
    }
    return rc;
}

/* ---- time ---- */

static void now_take(struct learner *l, struct mw_wall now)
{
    if (l->now.s < now.s)
        l->now = now;
}

static int turn(struct learner *l, struct mw_wall now, bool *changed)
{
    struct recall_node *next;
    int rc = 0;

    if (now.s == l->ticked.s)
        return 0;
    l->ticked = now;
    for (struct recall_node *n = l->exceptions.newest; rc == 0 && n != NULL; n = next) {
        struct exception *x = exception_of(n);
        bool applied = learner_applies(l, x), over, other;

        next = n->older;
        other = exception_turn(x, now, l->config, &over);
        *changed |= other && (applied || learner_applies(l, x));
        if (over)
            rc = learner_drop(l, x);
        else if (other)
            rc = keep_exception(l, x);
    }
    if (now.s - l->swept.s >= l->evidence.window_s) {
        evidence_sweep(&l->evidence, now);
        l->swept = now;
    }
    if (rc == 0 && now.s - l->tried.s >= INSIDE_FLUSH_S)
        rc = keep_flush(l, now);
    return rc;
}

int learner_tick(struct learner *l, struct mw_wall now, bool *changed)
{
    l->told = now;
    now_take(l, now);
    return turn(l, now, changed);
}

/* ---- evidence ---- */

static bool is_unattended(const struct learner *l, const char *ja4)
{
    for (size_t i = 0; l->config->learner.bypass_unattended &&
                       i < l->config->learner.n_unattended_ja4; i++) {
        const char *pattern = l->config->learner.unattended_ja4[i];
        size_t len = strlen(pattern);

        if (strcmp(pattern, ja4) == 0 ||
            (len > 0 && pattern[len - 1] == '*' && strncmp(pattern, ja4, len - 1) == 0))
            return true;
    }
    return false;
}

void learner_facts(const struct learner *l, const struct suspect *s, const struct witness *w,
                   struct mw_wall now, struct reason_facts *f)
{
    unsigned needed = l->config->learner.failures;

    evidence_facts(&l->evidence, s, w, now, f);
    f->needed = needed == 0 ? 1 : needed < EVIDENCE_RING ? needed : EVIDENCE_RING;
    f->unattended = is_unattended(l, s->ja4);
    /* It means looking at every app: only where all else speaks for an exception. */
    if (reason_counts(reason_of(f)) && !f->app_worked)
        evidence_count_apps(&l->evidence, w->client, now, f);
}

static int witness_judge(struct learner *l, const struct suspect *s, struct witness *w,
                         struct mw_wall now, bool *changed)
{
    struct reason_facts f;
    enum reason reason;
    int rc = 0;

    learner_facts(l, s, w, now, &f);
    reason = w->reason = reason_of(&f);
    if (reason == REASON_CLIENT_REFUSES)
        rc = client_withdraw(l, w->client, f.hosts_refused < REASON_HOSTS_REFUSED, now, changed);
    if (reason == REASON_OWN_STORE)
        rc = app_withdraw(l, w->client, s->ja4, changed);
    if (rc == 0 && reason_counts(reason))
        rc = case_take(l, s, w, reason, now, changed);
    return rc;
}

/* A success of this client settles what waited for one. */
static int client_judge(struct learner *l, const char *client, struct mw_wall now, bool *changed)
{
    const struct device *d = evidence_device(&l->evidence, client);
    unsigned left = d != NULL ? d->cases : 0;
    int rc = 0;

    for (struct recall_node *n = l->evidence.suspects.newest; rc == 0 && left > 0 && n != NULL;
         n = n->older) {
        struct suspect *s = (struct suspect *)n;
        struct witness *w = suspect_witness_of(s, d);

        if (w == NULL)
            continue;
        left--;
        rc = witness_judge(l, s, w, now, changed);
    }
    return rc;
}

/* waited: there were failures since the client's last success.  Without, nothing that was judged
 * before is another case now. */
static int judge(struct learner *l, const struct learn_evidence *e, bool waited, bool *changed)
{
    struct suspect *s = evidence_suspect(&l->evidence, e->ja4, e->host);
    struct witness *w = s != NULL ? suspect_witness(s, e->client) : NULL;

    if (e->sign == LEARN_USED)
        return waited ? client_judge(l, e->client, e->at, changed) : 0;
    return w != NULL ? witness_judge(l, s, w, e->at, changed) : 0;
}

static int exception_hear(struct learner *l, const struct learn_evidence *e, bool *changed)
{
    struct exception *x = learner_exception(l, e->ja4, e->host);
    bool applied, over, other;

    if (x == NULL)
        return 0;
    applied = learner_applies(l, x);
    other = exception_take(x, e, l->config, &over);
    *changed |= other && (applied || learner_applies(l, x));
    if (over)
        return learner_drop(l, x);
    return other ? keep_exception(l, x) : 0;
}

/* Facts that have no name to be remembered by, or prove nothing, or come from a clock that
 * cannot be right. */
static bool is_worth_hearing(const struct learner *l, const struct learn_evidence *e)
{
    return !e->untrusted_leaf && e->client[0] != '\0' && e->ja4[0] != '\0' &&
           e->host[0] != '\0' && (l->told.s == 0 || e->at.s <= l->told.s + AHEAD_S) &&
           e->at.s > l->now.s - l->evidence.window_s;
}

int learner_take(struct learner *l, const struct learn_evidence *e, bool *changed)
{
    const struct device *d;
    bool has_case, waited;
    int rc, kept;

    *changed = false;
    if (l->config->learner.mode == GATE_LEARN_OFF || !is_worth_hearing(l, e))
        return 0;
    now_take(l, e->at);
    /* A store that fails now is told later: it does not stop the learning. */
    kept = turn(l, l->now, changed);
    rc = exception_hear(l, e, changed);
    kept = kept != 0 ? kept : rc;
    has_case = evidence_suspect(&l->evidence, e->ja4, e->host) != NULL;
    d = evidence_device(&l->evidence, e->client);
    waited = d != NULL && d->failures > 0;
    rc = evidence_take(&l->evidence, e);
    if (rc != 0)
        return rc;
    if (e->sign != LEARN_BYPASS_WORKED && (e->sign != LEARN_USED || has_case))
        keep_sign(l, e);
    rc = judge(l, e, waited, changed);
    return rc != 0 ? rc : kept;
}

/* ---- what is in force ---- */

int learner_learned(struct learner *l, struct mw_wall now, struct gate_learned **items, size_t *n)
{
    struct gate_learned *all = calloc(l->exceptions.n + 1, sizeof *all);

    if (all == NULL)
        return -ENOMEM;
    now_take(l, now);
    *n = 0;
    for (struct recall_node *at = l->exceptions.newest; at != NULL && *n < LEARN_MAX_LEARNED;
         at = at->older) {
        const struct exception *x = exception_of(at);

        if (learner_applies(l, x) && x->until.s > now.s)
            all[(*n)++] = (struct gate_learned){ .id = x->id,
                                                 .host = x->host,
                                                 .ja4 = x->ja4,
                                                 .client = x->client[0] != '\0' ? x->client
                                                                                : NULL,
                                                 .until = x->until };
    }
    *items = all;
    return 0;
}
