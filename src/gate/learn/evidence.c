#include "gate/learn/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* RFC 8446 section 6, RFC 5246 section 7.2. */
enum { ALERT_EXPIRED = 45, ALERT_UNKNOWN_CA = 48, ALERT_DECRYPT_ERROR = 51 };

/* An expired leaf is a matter of clocks, a signature that does not verify one of broken bytes:
 * neither says whom the client trusts. */
enum sign_kind sign_kind(const struct learn_evidence *e)
{
    switch (e->sign) {
    case LEARN_USED:
        return SIGN_WORKED;
    case LEARN_ALERT_CERTIFICATE:
        return e->alert == ALERT_EXPIRED || e->alert == ALERT_DECRYPT_ERROR ? SIGN_WEAK
                                                                            : SIGN_ALERT;
    case LEARN_CLOSED_AFTER_CERT:
    case LEARN_CLOSED_UNUSED:
        return SIGN_SILENT;
    case LEARN_BYPASS_WORKED:
        return SIGN_BYPASSED;
    case LEARN_ALERT_OTHER:
    case LEARN_RESET_AFTER_CERT:
    case LEARN_TIMED_OUT:
    case LEARN_SIGNS:
        break;
    }
    return SIGN_WEAK;
}

const char *alert_word(uint8_t alert)
{
    switch (alert) {
    case 42: return "bad_certificate";
    case 43: return "unsupported_certificate";
    case 44: return "certificate_revoked";
    case 45: return "certificate_expired";
    case 46: return "certificate_unknown";
    case 48: return "unknown_ca";
    case 49: return "access_denied";
    case 51: return "decrypt_error";
    default: return "alert";
    }
}

/* ---- life ---- */

/* What its witnesses take of their clients' shares is given back. */
static void suspect_forget(void *context, struct recall_node *node)
{
    struct evidence *v = context;
    const struct suspect *s = (const struct suspect *)node;

    for (size_t i = 0; i < EVIDENCE_WITNESSES; i++) {
        struct device *d = recall_find(&v->devices, s->witnesses[i].client);

        if (d != NULL && d->cases > 0)
            d->cases--;
    }
}

static void app_forget(void *context, struct recall_node *node)
{
    struct evidence *v = context;
    struct device *d = recall_find(&v->devices, ((const struct app *)node)->client);

    if (d != NULL && d->apps > 0)
        d->apps--;
}

int evidence_init(struct evidence *v, int64_t window_s)
{
    int rc;

    *v = (struct evidence){ .window_s = window_s };
    rc = recall_init(&v->devices, EVIDENCE_DEVICES, sizeof(struct device), NULL, NULL);
    if (rc == 0)
        rc = recall_init(&v->apps, EVIDENCE_APPS, sizeof(struct app), app_forget, v);
    if (rc == 0)
        rc = recall_init(&v->suspects, EVIDENCE_CASES, sizeof(struct suspect), suspect_forget, v);
    if (rc == 0) {
        v->seen = calloc(EVIDENCE_SEEN, sizeof *v->seen);
        rc = v->seen != NULL ? 0 : -ENOMEM;
    }
    if (rc != 0)
        evidence_deinit(v);
    return rc;
}

void evidence_deinit(struct evidence *v)
{
    recall_deinit(&v->suspects);
    recall_deinit(&v->apps);
    recall_deinit(&v->devices);
    free(v->seen);
    v->seen = NULL;
}

void evidence_rescale(struct evidence *v, int64_t window_s)
{
    if (v->window_s == window_s)
        return;
    v->window_s = window_s;
    for (struct recall_node *n = v->devices.newest; n != NULL; n = n->older) {
        struct device *d = (struct device *)n;

        d->now = d->before = (struct tally){ 0 };
    }
}

/* ---- small things ---- */

static void hosts_add(struct hosts *h, uint64_t hash)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->hash[i] == hash)
            return;
    if (h->n < EVIDENCE_HOSTS)
        h->hash[h->n++] = hash;
}

/* The tally of the window's length that `at` is in. */
static struct tally *tally(const struct evidence *v, struct device *d, struct mw_wall at)
{
    int64_t period = at.s / v->window_s;

    if (d->now.period < period) {
        d->before = d->now.period == period - 1 ? d->now : (struct tally){ 0 };
        d->now = (struct tally){ .period = period };
    }
    return &d->now;
}

static struct seen *seen_at(const struct evidence *v, const char *name, uint64_t *hash)
{
    *hash = recall_hash(&v->suspects, name);
    return &v->seen[*hash % EVIDENCE_SEEN];
}

/* Workers tell of the same success once in LEARN_TOLD_S: there may have been later ones. */
static bool seen_lately(const struct evidence *v, const char *name, struct mw_wall now)
{
    uint64_t hash;
    const struct seen *s = seen_at(v, name, &hash);

    return s->hash == hash && s->at.s > now.s - v->window_s - LEARN_TOLD_S;
}

static void witness_add(struct witness *w, const struct learn_evidence *e, enum sign_kind kind)
{
    const struct sign *last = &w->ring[(w->n + EVIDENCE_RING - 1) % EVIDENCE_RING];

    /* Connections that an app opens together fail together: that is one failure. */
    if (w->n > 0 && last->at.s == e->at.s && last->kind == kind)
        return;
    w->ring[w->n++ % EVIDENCE_RING] =
        (struct sign){ .at = e->at, .kind = (uint8_t)kind, .alert = e->alert };
}

static unsigned kept(const struct witness *w)
{
    return w->n < EVIDENCE_RING ? w->n : EVIDENCE_RING;
}

unsigned witness_count(const struct witness *w, enum sign_kind kind, struct mw_wall since)
{
    unsigned n = 0;

    for (unsigned i = 0; i < kept(w); i++)
        n += w->ring[i].kind == kind && w->ring[i].at.s > since.s;
    return n;
}

/* ---- finding ---- */

struct suspect *evidence_suspect(const struct evidence *v, const char *ja4, const char *host)
{
    char name[RECALL_NAME];

    recall_name(name, ja4, host);
    return recall_find(&v->suspects, name);
}

struct witness *suspect_witness(struct suspect *s, const char *client)
{
    for (size_t i = 0; i < EVIDENCE_WITNESSES; i++)
        if (strcmp(s->witnesses[i].client, client) == 0)
            return &s->witnesses[i];
    return NULL;
}

struct witness *suspect_witness_of(struct suspect *s, const struct device *d)
{
    for (size_t i = 0; i < EVIDENCE_WITNESSES; i++)
        if (s->witnesses[i].client_hash == d->node.hash &&
            strcmp(s->witnesses[i].client, d->node.name) == 0)
            return &s->witnesses[i];
    return NULL;
}

struct device *evidence_device(const struct evidence *v, const char *client)
{
    return recall_find(&v->devices, client);
}

struct app *evidence_app(const struct evidence *v, const char *client, const char *ja4)
{
    char name[RECALL_NAME];

    recall_name(name, client, ja4);
    return recall_find(&v->apps, name);
}

/* NULL without an error: the client has more apps than are counted. */
static int app_get(struct evidence *v, struct device *d, const char *client, const char *ja4,
                   struct mw_wall at, struct app **out)
{
    char name[RECALL_NAME];

    recall_name(name, client, ja4);
    *out = recall_find(&v->apps, name);
    if (*out == NULL && d->apps >= EVIDENCE_APPS_OF_CLIENT)
        return 0;
    *out = recall_get(&v->apps, name);
    if (*out == NULL)
        return -ENOMEM;
    if ((*out)->client[0] == '\0') {
        snprintf((*out)->client, sizeof (*out)->client, "%s", client);
        d->apps++;
    }
    (*out)->touched = at;
    return 0;
}

static bool is_over(const struct witness *w, struct mw_wall since)
{
    return w->n == 0 || w->ring[(w->n - 1) % EVIDENCE_RING].at.s <= since.s;
}

/* A free place, or one whose client has had nothing to say for a window.  NULL: there is none. */
static struct witness *witness_place(struct evidence *v, struct suspect *s, struct mw_wall since)
{
    for (size_t i = 0; i < EVIDENCE_WITNESSES; i++) {
        struct witness *w = &s->witnesses[i];
        struct device *d;

        if (w->client[0] == '\0')
            return w;
        if (!is_over(w, since))
            continue;
        d = evidence_device(v, w->client);
        if (d != NULL && d->cases > 0)
            d->cases--;
        *w = (struct witness){ 0 };
        return w;
    }
    return NULL;
}

void evidence_sweep(struct evidence *v, struct mw_wall now)
{
    struct mw_wall since = { now.s - v->window_s };
    struct recall_node *next;

    for (struct recall_node *n = v->suspects.newest; n != NULL; n = next) {
        const struct suspect *s = (const struct suspect *)n;
        bool over = true;

        next = n->older;
        for (size_t i = 0; i < EVIDENCE_WITNESSES; i++)
            over = over && is_over(&s->witnesses[i], since);
        if (over)
            recall_drop(&v->suspects, n);
    }
}

/* NULL without an error: the client has more cases open than are kept. */
static int witness_get(struct evidence *v, struct device *d, const struct learn_evidence *e,
                       const char *name, struct witness **out)
{
    struct suspect *s = recall_find(&v->suspects, name);
    struct witness *w = s != NULL ? suspect_witness(s, e->client) : NULL;

    *out = w;
    if (w == NULL && d->cases >= EVIDENCE_CASES_OF_CLIENT)
        return 0;
    s = recall_get(&v->suspects, name);
    if (s == NULL)
        return -ENOMEM;
    if (s->host[0] == '\0') {
        snprintf(s->ja4, sizeof s->ja4, "%s", e->ja4);
        snprintf(s->host, sizeof s->host, "%s", e->host);
    }
    if (w == NULL)
        w = witness_place(v, s, (struct mw_wall){ e->at.s - v->window_s });
    if (w != NULL && w->client[0] == '\0') {
        snprintf(w->client, sizeof w->client, "%s", e->client);
        w->client_hash = d->node.hash;
        d->cases++;
    }
    *out = w;
    return 0;
}

/* ---- taking ---- */

/* The app reaches the host: what looked like a pin was not one.  Silence of this client was its
 * network then. */
static int worked_take(struct evidence *v, struct device *d, const struct learn_evidence *e,
                       const char *name)
{
    struct suspect *s = recall_find(&v->suspects, name);
    struct witness *w = s != NULL ? suspect_witness(s, e->client) : NULL;
    struct mw_wall since = { e->at.s - v->window_s };
    struct app *app;
    struct seen *seen;
    uint64_t hash;
    int rc = app_get(v, d, e->client, e->ja4, e->at, &app);

    if (rc != 0)
        return rc;
    tally(v, d, e->at)->well++;
    if (w != NULL)
        d->now.ill += witness_count(w, SIGN_SILENT, since);
    if (s != NULL)
        recall_drop(&v->suspects, &s->node);
    seen = seen_at(v, name, &hash);
    if (seen->hash != hash || seen->at.s < e->at.s)
        *seen = (struct seen){ .hash = hash, .at = e->at };
    if (d->last_used.s < e->at.s)
        d->last_used = e->at;
    d->refused = (struct hosts){ 0 };
    d->failures = 0;
    if (app != NULL) {
        app->last_used = e->at;
        app->refused = (struct hosts){ 0 };
    }
    return 0;
}

static int failure_take(struct evidence *v, struct device *d, const struct learn_evidence *e,
                        const char *name, enum sign_kind kind)
{
    struct witness *w;
    struct app *app;
    int rc;

    if (kind != SIGN_WEAK && seen_lately(v, name, e->at)) {
        tally(v, d, e->at)->ill += kind == SIGN_SILENT;
        return 0;
    }
    rc = app_get(v, d, e->client, e->ja4, e->at, &app);
    if (rc == 0)
        rc = witness_get(v, d, e, name, &w);
    if (rc != 0)
        return rc;
    if (w != NULL)
        witness_add(w, e, kind);
    if (kind == SIGN_WEAK) {
        tally(v, d, e->at)->ill++;
        return 0;
    }
    d->failures++;
    d->last_refused = e->at;
    hosts_add(&d->refused, recall_hash(&v->suspects, e->host));
    if (app != NULL)
        hosts_add(&app->refused, recall_hash(&v->suspects, e->host));
    return 0;
}

int evidence_take(struct evidence *v, const struct learn_evidence *e)
{
    enum sign_kind kind = sign_kind(e);
    struct device *d;
    char name[RECALL_NAME];

    if (kind == SIGN_BYPASSED)
        return 0;
    d = recall_get(&v->devices, e->client);
    if (d == NULL)
        return -ENOMEM;
    recall_name(name, e->ja4, e->host);
    return kind == SIGN_WORKED ? worked_take(v, d, e, name) : failure_take(v, d, e, name, kind);
}

int evidence_restore(struct evidence *v, const char *client, const char *ja4,
                     struct mw_wall last_used)
{
    struct device *d = recall_get(&v->devices, client);
    struct app *app;
    int rc = d != NULL ? app_get(v, d, client, ja4, last_used, &app) : -ENOMEM;

    if (rc != 0)
        return rc;
    if (d->last_used.s < last_used.s)
        d->last_used = last_used;
    if (app != NULL)
        app->last_used = app->saved = last_used;
    return 0;
}

/* ---- facts ---- */

static bool within_a_day(struct mw_wall t, struct mw_wall now)
{
    return t.s != 0 && t.s > now.s - EVIDENCE_DAY_S;
}

static unsigned unknown_cas(const struct witness *w, struct mw_wall since)
{
    unsigned n = 0;

    for (unsigned i = 0; i < kept(w); i++)
        n += w->ring[i].kind == SIGN_ALERT && w->ring[i].alert == ALERT_UNKNOWN_CA &&
             w->ring[i].at.s > since.s;
    return n;
}

static void device_facts(const struct evidence *v, const struct device *d, struct mw_wall now,
                         struct reason_facts *f)
{
    int64_t period = now.s / v->window_s;

    f->control = within_a_day(d->last_used, now);
    f->hosts_refused = d->refused.n;
    for (size_t i = 0; i < 2; i++) {
        const struct tally *t = i == 0 ? &d->now : &d->before;

        if (t->period < period - 1)
            continue;
        f->well_elsewhere += t->well;
        f->ill_elsewhere += t->ill;
    }
}

void evidence_facts(const struct evidence *v, const struct suspect *s, const struct witness *w,
                    struct mw_wall now, struct reason_facts *f)
{
    const struct device *d = evidence_device(v, w->client);
    const struct app *app = evidence_app(v, w->client, s->ja4);
    struct mw_wall since = { now.s - v->window_s };

    *f = (struct reason_facts){
        .alerts = witness_count(w, SIGN_ALERT, since),
        .unknown_ca = unknown_cas(w, since),
        .silent = witness_count(w, SIGN_SILENT, since),
        .weak = witness_count(w, SIGN_WEAK, since),
        .worked = seen_lately(v, s->node.name, now),
        /* An app that is not counted any more is not known to work anywhere. */
        .app_hosts_refused = app != NULL ? app->refused.n : REASON_HOSTS_OF_APP,
        .app_worked = app != NULL && within_a_day(app->last_used, now),
    };
    if (d != NULL)
        device_facts(v, d, now, f);
}

void evidence_count_apps(const struct evidence *v, const char *client, struct mw_wall now,
                         struct reason_facts *f)
{
    for (const struct recall_node *n = v->apps.newest; n != NULL; n = n->older) {
        const struct app *app = (const struct app *)n;

        if (strcmp(app->client, client) != 0)
            continue;
        if (within_a_day(app->last_used, now))
            f->apps_well++;
        else if (app->refused.n > 0)
            f->apps_refusing++;
    }
}
