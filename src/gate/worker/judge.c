#include "gate/worker/judge.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/own.h"
#include "gate/worker/judge_cache.h"
#include "gate/worker/judge_job.h"
#include "net/watch.h"

/* Issuers hardly change; lists have a nextUpdate of their own. */
enum { SHELF_KEPT_S = 4 * 3600 };

/* A judgement that sessions wait for. */
struct flight {
    struct judging *judging;
    struct flight *next;
    struct judge_key key;
    struct judge_job *job;
    struct watch *timer;
    struct judging_wait *waits;
};

struct judging_wait {
    struct flight *flight;
    struct judging_wait *next;
    judging_fn *on_done;
    void *context;
};

struct judging {
    uv_loop_t *loop;
    struct shelf *shelf;
    struct judge_policy *policy;
    struct judge_cache cache;
    struct flight *flights;
    size_t n_flights;
    uint64_t hits, judged;
};

/* ---- origins ---- */

struct origin *origin_ref(struct origin *o)
{
    o->references++;
    return o;
}

void origin_unref(struct origin *o)
{
    if (o == NULL || --o->references > 0)
        return;
    mw_verdict_free(o->verdict);
    free(o);
}

/* Takes the job's verdict. */
static int origin_new(struct origin **out, struct judge_job *job, const struct judge_key *key)
{
    struct mw_span leaf = job->ev.n_sent > 0 ? job->ev.sent[0] : (struct mw_span){ 0 };
    struct origin *o = calloc(1, sizeof *o + leaf.len);

    if (o == NULL)
        return -ENOMEM;
    o->references = 1;
    o->judged = job->ev.now;
    o->until = judge_job_until(job);
    o->own_ca = job->own_ca;
    o->verdict = own_steal(&job->verdict);
    memcpy(o->key, key->origin, sizeof o->key);
    if (leaf.len > 0) {
        memcpy(o + 1, leaf.data, leaf.len);
        o->leaf = span_of(o + 1, leaf.len);
        SHA256(leaf.data, leaf.len, o->leaf_sha256);
    }
    *out = o;
    return 0;
}

/* ---- life ---- */

int judging_new(struct judging **out, uv_loop_t *loop, struct dns *dns,
                const struct gate_config *config, const struct gate_bundle *bundle,
                struct buf *error)
{
    struct judging *j = calloc(1, sizeof *j);
    int rc;

    if (j == NULL)
        return -ENOMEM;
    j->loop = loop;
    rc = judge_cache_init(&j->cache);
    if (rc == 0)
        rc = shelf_new(&j->shelf, loop, dns, NULL, JUDGING_FETCH_MS, JUDGING_FETCH_BYTES);
    if (rc == 0)
        rc = judge_policy_new(&j->policy, config, bundle, error);
    if (rc != 0) {
        judging_free(j);
        return rc;
    }
    shelf_refresh(j->shelf, SHELF_KEPT_S, JUDGING_RETRY_S);
    shelf_refuse_own(j->shelf);
    *out = j;
    return 0;
}

static void flight_free(struct flight *f)
{
    while (f->waits != NULL) {
        struct judging_wait *next = f->waits->next;

        free(f->waits);
        f->waits = next;
    }
    watch_free(f->timer);
    judge_job_free(f->job);
    free(f);
}

void judging_free(struct judging *j)
{
    if (j == NULL)
        return;
    while (j->flights != NULL) {
        struct flight *next = j->flights->next;

        flight_free(j->flights);
        j->flights = next;
    }
    judge_cache_deinit(&j->cache);
    judge_policy_unref(j->policy);
    shelf_free(j->shelf);
    free(j);
}

int judging_reload(struct judging *j, const struct gate_config *config,
                   const struct gate_bundle *bundle, struct buf *error)
{
    struct judge_policy *policy;
    int rc = judge_policy_new(&policy, config, bundle, error);

    if (rc != 0)
        return rc;
    judge_policy_unref(j->policy);
    j->policy = policy;
    judge_cache_clear(&j->cache);
    return 0;
}

/* ---- asking ---- */

/* What cannot be kept for want of memory is only judged again.  What was judged under a policy
 * that is gone is nobody else's answer. */
static int finish(struct judging *j, struct judge_job *job, const struct judge_key *key,
                  struct origin **out)
{
    int rc = origin_new(out, job, key);

    j->judged++;
    if (rc == 0 && job->policy == j->policy && judge_cache_add(&j->cache, key, *out) != 0)
        (*out)->until = (*out)->judged;
    return rc;
}

static void flight_unlink(struct flight *f)
{
    struct flight **at = &f->judging->flights;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->judging->n_flights--;
}

/* Its waits may be cancelled, and new questions asked, from the callbacks. */
static void flight_land(struct flight *f, int error)
{
    struct origin *o = NULL;

    flight_unlink(f);
    if (error == 0)
        error = finish(f->judging, f->job, &f->key, &o);
    while (f->waits != NULL) {
        struct judging_wait *w = f->waits;

        f->waits = w->next;
        w->on_done(w->context, o != NULL ? origin_ref(o) : NULL, error);
        free(w);
    }
    origin_unref(o);
    flight_free(f);
}

static void flight_on_fetched(void *context)
{
    struct flight *f = context;
    bool ended;
    int rc = judge_job_turn(f->job, &ended);

    if (rc != 0 || ended)
        flight_land(f, rc);
}

static void flight_on_time(void *context, unsigned events)
{
    struct flight *f = context;

    (void)events;
    judge_job_stop(f->job);
    flight_on_fetched(f);
}

static int wait_add(struct flight *f, judging_fn *on_done, void *context,
                    struct judging_wait **out)
{
    struct judging_wait *w = calloc(1, sizeof *w), **at = &f->waits;

    if (w == NULL)
        return -ENOMEM;
    *w = (struct judging_wait){ .flight = f, .on_done = on_done, .context = context };
    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
    *out = w;
    return 0;
}

/* Where the answer takes a while: the job goes on by itself, and others may join. */
static int flight_take_off(struct judging *j, struct flight *f)
{
    int rc = judge_job_keep(f->job);

    if (rc == 0)
        rc = watch_new(&f->timer, j->loop, -1, flight_on_time, f);
    if (rc != 0)
        return rc;
    watch_limit(f->timer, JUDGING_FETCH_MS);
    f->next = j->flights;
    j->flights = f;
    j->n_flights++;
    return 0;
}

static int judge_anew(struct judging *j, const struct mw_evidence *ev,
                      const struct judge_key *key, struct origin **found, struct flight **out)
{
    struct flight *f;
    bool ended = false;
    int rc;

    if (j->n_flights >= JUDGING_MAX_JOBS)
        return -EBUSY;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    f->judging = j;
    f->key = *key;
    rc = judge_job_new(&f->job, ev, j->policy, j->shelf, flight_on_fetched, f);
    if (rc == 0)
        rc = judge_job_turn(f->job, &ended);
    if (rc == 0 && ended)
        rc = finish(j, f->job, key, found);
    else if (rc == 0)
        rc = flight_take_off(j, f);
    if (rc == 0 && !ended)
        *out = f;
    else
        flight_free(f);
    return rc;
}

int judging_ask(struct judging *j, const struct mw_evidence *ev, struct origin **found,
                judging_fn *on_done, void *context, struct judging_wait **out)
{
    struct judge_key key;
    struct origin *known;
    struct flight *f;
    int rc = judge_key_make(&j->cache, ev, j->policy->name, &key);

    *found = NULL;
    *out = NULL;
    if (rc != 0)
        return rc;
    known = judge_cache_find(&j->cache, &key, ev->now);
    if (known != NULL) {
        j->hits++;
        *found = origin_ref(known);
        return 0;
    }
    for (f = j->flights; f != NULL; f = f->next)
        if (memcmp(f->key.verdict, key.verdict, sizeof key.verdict) == 0)
            break;
    if (f == NULL)
        rc = judge_anew(j, ev, &key, found, &f);
    if (rc != 0 || *found != NULL)
        return rc;
    return wait_add(f, on_done, context, out);
}

void judging_seen(struct judging *j, struct mw_span der, X509 *x509)
{
    judge_policy_seen(j->policy, der, x509);
}

void judging_cancel(struct judging_wait *w)
{
    if (w == NULL)
        return;
    for (struct judging_wait **at = &w->flight->waits; *at != NULL; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            free(w);
            return;
        }
    }
}

struct judging_counts judging_counts(const struct judging *j)
{
    return (struct judging_counts){ .cached = j->cache.n,
                                    .cached_bytes = j->cache.bytes,
                                    .under_way = j->n_flights,
                                    .hits = j->hits,
                                    .judged = j->judged,
                                    .fetches = shelf_fetches(j->shelf) };
}
