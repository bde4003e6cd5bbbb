#include "gate/worker/judge_job.h"

#include <errno.h>
#include <stdlib.h>

#include "base/built.h"

/* Certificates are copied, lists and fetched issuers stay on the shelf. */
enum { JOB_ARENA_BYTES = 4 << 20 };

/* What a gateway sees of an origin: nothing else would be the same for the next session. */
static struct mw_evidence evidence_of(const struct mw_evidence *ev, const struct judge_policy *p)
{
    return (struct mw_evidence){
        .host = ev->host,
        .port = ev->port,
        .now = ev->now,
        .built = ev->built.s != 0 ? ev->built : built_at(),
        .reach = ev->reach,
        .reach_detail = ev->reach_detail,
        .tls = ev->tls,
        .sent = ev->sent,
        .n_sent = ev->n_sent,
        .staple = ev->staple,
        .tls_scts = ev->tls_scts,
        /* Where nothing may be fetched, "could not look" is what there is to say. */
        .revocation_fetch = p->fetch ? MW_NOT_LOOKED : MW_COULD_NOT_LOOK,
    };
}

int judge_job_new(struct judge_job **out, const struct mw_evidence *ev,
                  struct judge_policy *policy, struct shelf *shelf, judge_job_fn *on_fetched,
                  void *context)
{
    struct judge_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return -ENOMEM;
    *job = (struct judge_job){ .policy = judge_policy_ref(policy),
                               .shelf = shelf,
                               .arena = ARENA_INIT(JOB_ARENA_BYTES),
                               .ev = evidence_of(ev, policy),
                               .on_fetched = on_fetched,
                               .context = context };
    *out = job;
    return 0;
}

void judge_job_stop(struct judge_job *job)
{
    job->stopped = true;
    for (size_t i = 0; i < job->n_fetches; i++) {
        if (job->fetches[i].wait == NULL)
            continue;
        shelf_cancel(job->fetches[i].wait);
        job->fetches[i].wait = NULL;
        job->failed = true;
    }
    job->under_way = 0;
}

void judge_job_free(struct judge_job *job)
{
    if (job == NULL)
        return;
    judge_job_stop(job);
    for (size_t i = 0; i < job->n_fetches; i++)
        shelf_release(job->shelf, job->fetches[i].item);
    mw_verdict_free(job->verdict);
    arena_deinit(&job->arena);
    judge_policy_unref(job->policy);
    free(job);
}

/* ---- keeping ---- */

static void text_keep(struct judge_job *job, const char **s)
{
    if (*s == NULL || job->error != 0)
        return;
    *s = arena_strdup(&job->arena, *s);
    if (*s == NULL)
        job->error = -ENOMEM;
}

static void bytes_keep(struct judge_job *job, struct mw_span *s)
{
    if (s->len > 0 && job->error == 0)
        job->error = arena_copy(&job->arena, *s, s);
}

int judge_job_keep(struct judge_job *job)
{
    struct mw_evidence *ev = &job->ev;
    struct mw_span *sent = arena_calloc(&job->arena, ev->n_sent + 1, sizeof *sent);

    if (sent == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ev->n_sent; i++) {
        sent[i] = ev->sent[i];
        bytes_keep(job, &sent[i]);
    }
    ev->sent = sent;
    bytes_keep(job, &ev->staple);
    bytes_keep(job, &ev->tls_scts);
    text_keep(job, &ev->host);
    text_keep(job, &ev->reach_detail);
    text_keep(job, &ev->tls.cipher_name);
    text_keep(job, &ev->tls.alpn);
    return job->error;
}

/* ---- fetching ---- */

static void spans_append(struct judge_job *job, const struct mw_span **list, size_t *n,
                         const struct shelf_item *item)
{
    struct mw_span *all = arena_calloc(&job->arena, *n + item->n_parts, sizeof *all);

    if (all == NULL) {
        job->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < *n; i++)
        all[i] = (*list)[i];
    for (size_t i = 0; i < item->n_parts; i++)
        all[*n + i] = item->parts[i];
    *list = all;
    *n += item->n_parts;
}

static void item_take(struct judge_fetch *f, const struct shelf_item *item)
{
    struct judge_job *job = f->job;

    f->item = item;
    if (item->why != NULL) {
        job->failed = true;
        return;
    }
    if (f->kind == SHELF_ISSUER) {
        spans_append(job, &job->ev.fetched, &job->ev.n_fetched, item);
        return;
    }
    spans_append(job, &job->ev.crls, &job->ev.n_crls, item);
    if (item->next_update.s != 0 &&
        (job->next_update.s == 0 || item->next_update.s < job->next_update.s))
        job->next_update = item->next_update;
}

static void on_item(void *context, const struct shelf_item *item)
{
    struct judge_fetch *f = context;
    struct judge_job *job = f->job;

    f->wait = NULL;
    item_take(f, item);
    if (--job->under_way == 0)
        job->on_fetched(job->context);
}

/* true: not asked for before, so that there is something new to wait for or to judge. */
static bool ask(struct judge_job *job, enum shelf_kind kind, const char *url)
{
    struct judge_fetch *f = &job->fetches[job->n_fetches];
    const struct shelf_item *item;
    int rc;

    for (size_t i = 0; i < job->n_fetches; i++)
        if (job->fetches[i].kind == kind && strcmp(job->fetches[i].url, url) == 0)
            return false;
    if (job->n_fetches == JUDGING_MAX_FETCHES) {
        job->failed = true;
        return false;
    }
    *f = (struct judge_fetch){ .job = job, .kind = kind, .url = arena_strdup(&job->arena, url) };
    if (f->url == NULL) {
        job->error = -ENOMEM;
        return false;
    }
    job->n_fetches++;
    rc = shelf_get(job->shelf, kind, f->url, job->policy->private_destinations, job->ev.now,
                   &item, &f->wait, on_item, f);
    if (rc == -ENOMEM)
        job->error = rc;
    if (rc != 0)
        job->failed = true;
    else if (item != NULL)
        item_take(f, item);
    else
        job->under_way++;
    return true;
}

static bool issuers_ask(struct judge_job *job)
{
    const struct mw_verdict *v = job->verdict;
    bool more = false;

    for (size_t i = 0; (v->missing & MW_MISSING_ISSUER) != 0 && i < v->n_fetch_urls; i++)
        more |= ask(job, SHELF_ISSUER, v->fetch_urls[i]);
    return more;
}

/* Asked for once, and that it was is evidence too: "could not check" is then said.  The engine
 * names lists only for a chain that ends in an anchor: an authority chose where they are.  OCSP
 * is never asked: it would tell the authority who visits what. */
static bool lists_ask(struct judge_job *job)
{
    const struct mw_verdict *v = job->verdict;

    if (job->ev.revocation_fetch != MW_NOT_LOOKED ||
        (v->missing & (MW_MISSING_CRL | MW_MISSING_OCSP)) == 0)
        return false;
    if ((v->missing & MW_MISSING_CRL) == 0) {
        job->ev.revocation_fetch = MW_COULD_NOT_LOOK;
        return true;
    }
    job->ev.revocation_fetch = MW_SEEN_YES;
    for (size_t i = 0; i < v->n_crl_urls; i++)
        (void)ask(job, SHELF_CRL, v->crl_urls[i]);
    return true;
}

/* true: there is something new to wait for or to judge. */
static bool missing_ask(struct judge_job *job)
{
    bool more;

    if (job->error != 0 || job->verdict == NULL || !job->policy->fetch || job->stopped ||
        job->own_ca)
        return false;
    more = issuers_ask(job);
    return lists_ask(job) || more;
}

int judge_job_turn(struct judge_job *job, bool *ended)
{
    bool more = true;

    *ended = false;
    /* Each round but the last asks for something new, of which there is a bounded number. */
    while (more && job->under_way == 0 && job->error == 0) {
        mw_verdict_free(job->verdict);
        job->verdict = NULL;
        job->error = judge_policy_judge(job->policy, &job->ev, &job->verdict, &job->own_ca);
        more = missing_ask(job);
    }
    *ended = job->under_way == 0;
    return job->error;
}

/* ---- how long it holds ---- */

static void sooner(struct mw_wall *until, struct mw_wall t, struct mw_wall now)
{
    if (t.s > now.s && t.s < until->s)
        *until = t;
}

struct mw_wall judge_job_until(const struct judge_job *job)
{
    const struct mw_verdict *v = job->verdict;
    struct mw_wall now = job->ev.now;
    struct mw_wall until = { now.s + (job->failed ? JUDGING_RETRY_S : JUDGING_FRESH_S) };

    for (size_t i = 0; i < v->n_path; i++) {
        sooner(&until, v->chain[i].not_before, now);
        /* notAfter's own second still counts (RFC 5280 section 4.1.2.5). */
        sooner(&until, (struct mw_wall){ v->chain[i].not_after.s + 1 }, now);
    }
    sooner(&until, v->revocation.next_update, now);
    sooner(&until, job->next_update, now);
    return until;
}
