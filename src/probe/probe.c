#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "net/watch.h"
#include "probe/echo.h"
#include "probe/gather.h"

enum {
    DEFAULT_PARALLEL = 64,
    MAX_ROUNDS = 8, /* of judging and gathering, for one target */
    HTTPS_PORT = 443,
};

/* A visit only moves down, except that gathering leads back to judging.  After the verdict on
 * what the connection showed, and never before, the server's echo may be asked. */
enum step { STEP_DIAL, STEP_JUDGE, STEP_GATHER, STEP_ECHO, STEP_DONE, STEPS, STEP_WAIT };

/* One target, from the queue to on_done. */
struct visit {
    struct probe *probe;
    struct visit *next, *prev;
    struct probe_target target;
    struct arena strings; /* the target's */
    bool started;
    struct dial *dial;
    struct dial_result *seen;
    struct gather gather;
    struct mw_verdict *verdict;
    struct echo *echo;
    struct echo_answer echo_answer;
    bool echo_done, out_of_time;
    unsigned rounds;
    struct watch *deadline;
    int error;
};

struct visit_list {
    struct visit *first, *last;
    size_t n;
};

struct probe {
    struct gather_run run;
    struct dialer *dialer;
    probe_done_fn *on_done;
    void *context;
    unsigned parallel;
    struct visit_list queue, active;
    bool cancelled, pumping;
    unsigned depth;        /* of callbacks into us: nothing shared is freed then */
    struct watch *closing; /* frees what is shared, a turn later */
};

static void list_add(struct visit_list *l, struct visit *v)
{
    v->next = NULL;
    v->prev = l->last;
    *(l->last != NULL ? &l->last->next : &l->first) = v;
    l->last = v;
    l->n++;
}

static void list_remove(struct visit_list *l, struct visit *v)
{
    *(v->prev != NULL ? &v->prev->next : &l->first) = v->next;
    *(v->next != NULL ? &v->next->prev : &l->last) = v->prev;
    l->n--;
}

/* ---- a visit's life ---- */

static int text_copy(struct visit *v, const char **text)
{
    if (*text == NULL)
        return 0;
    *text = arena_strdup(&v->strings, *text);
    return *text != NULL ? 0 : -ENOMEM;
}

static int target_copy(struct visit *v, const struct probe_target *target)
{
    const char **const texts[] = {
        &v->target.host,       &v->target.server_name, &v->target.connect_to, &v->target.proxy,
        &v->target.proxy_from, &v->target.alpn,        &v->target.echo_key,
    };

    v->target = *target;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (text_copy(v, texts[i]) != 0)
            return -ENOMEM;
    /* An echo is asked for over HTTP/1.1, and announced by its own protocol name. */
    if (v->target.echo_key != NULL && v->target.alpn == NULL &&
        v->target.starttls == PROBE_TLS_DIRECT)
        v->target.alpn = ECHO_ALPN ",http/1.1";
    return 0;
}

static void visit_free(struct visit *v)
{
    echo_cancel(v->echo);
    dial_cancel(v->dial);
    watch_free(v->deadline);
    if (v->started)
        gather_deinit(&v->gather);
    mw_verdict_free(v->verdict);
    echo_answer_deinit(&v->echo_answer);
    dial_result_free(v->seen);
    arena_deinit(&v->strings);
    free(v);
}

static void visit_go(struct visit *v, enum step step);
static void pump(struct probe *p);

static void shared_free(struct probe *p)
{
    watch_free(p->closing);
    clocks_free(p->run.clocks);
    controls_free(p->run.controls);
    portal_free(p->run.portal);
    shelf_free(p->run.shelf);
    local_free(p->run.local);
    dialer_free(p->dialer);
    dns_free(p->run.dns);
    p->closing = NULL;
    p->run.clocks = NULL;
    p->run.controls = NULL;
    p->run.portal = NULL;
    p->run.shelf = NULL;
    p->run.local = NULL;
    p->dialer = NULL;
    p->run.dns = NULL;
}

/* ---- the steps ---- */

static void on_dialled(void *context, struct dial_result *result)
{
    struct visit *v = context;

    v->dial = NULL;
    v->seen = result;
    v->error = gather_connection(&v->gather, result);
    visit_go(v, v->error == 0 ? STEP_JUDGE : STEP_DONE);
}

static enum step dial_step(struct visit *v)
{
    const struct dial_options options = { .keep_open = v->target.echo_key != NULL };
    char error[256];

    v->error = dial_start(&v->dial, v->probe->dialer, &v->target, &options, on_dialled, v, error);
    if (v->error != 0)
        v->dial = NULL;
    return v->error == 0 ? STEP_WAIT : STEP_DONE;
}

static bool echo_wanted(const struct visit *v)
{
    const char *alpn = v->seen != NULL ? v->seen->tls.alpn : NULL;

    return !v->echo_done && v->target.echo_key != NULL && v->seen != NULL &&
           v->seen->stream != NULL &&
           (alpn == NULL || strcmp(alpn, ECHO_ALPN) == 0 || strcmp(alpn, "http/1.1") == 0);
}

static enum step judge_step(struct visit *v)
{
    const struct probe *p = v->probe;

    mw_verdict_free(v->verdict);
    v->verdict = NULL;
    v->error = mw_judge(p->run.options->policy, &v->gather.ev, &v->verdict);
    if (v->error != 0 || v->out_of_time)
        return STEP_DONE;
    if (v->rounds++ < MAX_ROUNDS)
        return STEP_GATHER;
    return echo_wanted(v) ? STEP_ECHO : STEP_DONE;
}

static void on_gathered(void *context)
{
    visit_go(context, STEP_JUDGE);
}

static enum step gather_step(struct visit *v)
{
    bool begun, changed;

    v->error = gather_missing(&v->gather, v->verdict, &begun, &changed);
    if (v->error != 0)
        return STEP_DONE;
    if (begun)
        return STEP_WAIT;
    if (changed)
        return STEP_JUDGE;
    return echo_wanted(v) ? STEP_ECHO : STEP_DONE;
}

static void on_echo(void *context, enum mw_seen answered, struct echo_answer *answer)
{
    struct visit *v = context;
    struct mw_echo *ev = &v->gather.ev.echo;

    v->echo = NULL;
    ev->answered = answered;
    if (answer != NULL) {
        v->echo_answer = *answer;
        ev->signature_good = answer->signature_good;
        ev->signer = v->echo_answer.signer;
        ev->exporter_theirs = span_of(v->echo_answer.claim.exporter, ECHO_EXPORTER_BYTES);
        ev->hello_theirs = buf_span(&v->echo_answer.hello);
    }
    visit_go(v, STEP_JUDGE);
}

static enum step echo_step(struct visit *v)
{
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(300);
    const struct probe *p = v->probe;
    int rc;

    v->echo_done = true;
    buf_str(&host, v->verdict->host);
    if (strchr(v->verdict->host, ':') != NULL) {
        buf_truncate(&host, 0);
        buf_printf(&host, "[%s]", v->verdict->host);
    }
    if (v->target.port != HTTPS_PORT)
        buf_printf(&host, ":%u", (unsigned)v->target.port);
    rc = buf_error(&host);
    if (rc == 0)
        rc = echo_begin(&v->echo, p->run.loop, v->seen->stream, (const char *)host.data,
                        v->target.echo_key, p->run.limits.handshake_ms, on_echo, v);
    if (rc == 0)
        return STEP_WAIT;
    v->echo = NULL;
    v->gather.ev.echo.answered = MW_COULD_NOT_LOOK;
    return STEP_JUDGE;
}

/* The last thing that happens to a visit: it is gone afterwards. */
static enum step done_step(struct visit *v)
{
    struct probe *p = v->probe;

    list_remove(&p->active, v);
    p->on_done(p->context, &v->target, &v->gather.ev, v->error == 0 ? v->verdict : NULL, v->error);
    visit_free(v);
    pump(p);
    return STEP_WAIT;
}

static enum step (*const steps[STEPS])(struct visit *v) = {
    [STEP_DIAL] = dial_step, [STEP_JUDGE] = judge_step, [STEP_GATHER] = gather_step,
    [STEP_ECHO] = echo_step, [STEP_DONE] = done_step,
};

static void visit_go(struct visit *v, enum step step)
{
    struct probe *p = v->probe; /* after STEP_DONE there is no v */

    if (p->cancelled)
        return;
    p->depth++;
    while (step != STEP_WAIT)
        step = steps[step](v);
    p->depth--;
}

/* Time is up for everything: what is there is judged. */
static void on_deadline(void *context, unsigned events)
{
    struct visit *v = context;

    (void)events;
    v->out_of_time = true;
    gather_stop(&v->gather);
    echo_cancel(v->echo);
    v->echo = NULL;
    if (v->dial != NULL) {
        dial_cancel(v->dial);
        v->dial = NULL;
        v->gather.ev.reach = MW_REACH_HANDSHAKE_TIMEOUT;
        v->gather.ev.reach_detail = "the time for one target was up";
    }
    visit_go(v, STEP_JUDGE);
}

static void visit_start(struct probe *p, struct visit *v)
{
    enum step first = STEP_DIAL;

    list_remove(&p->queue, v);
    list_add(&p->active, v);
    v->started = true;
    gather_init(&v->gather, &p->run, &v->target, on_gathered, v);
    if (watch_new(&v->deadline, p->run.loop, -1, on_deadline, v) == 0) {
        watch_limit(v->deadline, p->run.limits.total_ms);
    } else {
        v->error = -ENOMEM;
        first = STEP_DONE;
    }
    visit_go(v, first);
}

/* Starts what may be under way at once.  A visit that ends at once comes back here: hence a
 * loop and not a chain of calls. */
static void pump(struct probe *p)
{
    if (p->pumping)
        return;
    p->pumping = true;
    while (!p->cancelled && p->queue.n > 0 && p->active.n < p->parallel)
        visit_start(p, p->queue.first);
    p->pumping = false;
}

/* ---- the probe ---- */

static int shared_new(struct probe *p)
{
    const struct probe_options *o = p->run.options;
    const struct dns_options dns = { .servers = o->dns_servers,
                                     .n_servers = o->n_dns_servers,
                                     .hosts_file = o->hosts_file };
    const struct probe_limits *limits = &p->run.limits;
    int64_t side_ms = limits->total_ms / 2;
    int rc = dns_new(&p->run.dns, p->run.loop, &dns, NULL);

    if (rc == 0)
        rc = dialer_new(&p->dialer, p->run.loop, p->run.dns, limits);
    if (rc == 0)
        rc = shelf_new(&p->run.shelf, p->run.loop, p->run.dns, o->cache_folder, side_ms,
                       limits->fetch_bytes);
    if (rc == 0)
        rc = clocks_new(&p->run.clocks, p->run.loop, p->run.dns, o->time_servers, o->n_time_servers,
                        limits->total_ms / 4, o->built);
    if (rc == 0)
        rc = controls_new(&p->run.controls, p->dialer, o->controls, o->n_controls);
    if (rc == 0)
        rc = portal_new(&p->run.portal, p->run.loop, p->run.dns, o->portal_url,
                        limits->total_ms / 4);
    if (rc == 0)
        rc = local_new(&p->run.local);
    return rc;
}

int probe_new(struct probe **out, uv_loop_t *loop, const struct probe_options *options,
              probe_done_fn *on_done, void *context)
{
    struct probe *p = calloc(1, sizeof *p);
    int rc;

    if (p == NULL)
        return -ENOMEM;
    p->run.loop = loop;
    p->run.options = options;
    p->run.limits = probe_limits_filled(&options->limits);
    p->on_done = on_done;
    p->context = context;
    p->parallel = options->parallel != 0 ? options->parallel : DEFAULT_PARALLEL;
    rc = shared_new(p);
    if (rc != 0) {
        shared_free(p);
        free(p);
        return rc;
    }
    *out = p;
    return 0;
}

int probe_start(struct probe *p, const struct probe_target *target, char *error)
{
    struct visit *v;
    int rc;

    if (p->cancelled)
        return -ECANCELED;
    rc = dial_check(target, error);
    if (rc != 0)
        return rc;
    v = calloc(1, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    v->probe = p;
    v->strings = (struct arena)ARENA_INIT(65536);
    if (target_copy(v, target) != 0) {
        visit_free(v);
        return -ENOMEM;
    }
    list_add(&p->queue, v);
    pump(p);
    return 0;
}

size_t probe_pending(const struct probe *p)
{
    return p->queue.n + p->active.n;
}

static void list_free(struct visit_list *l)
{
    while (l->first != NULL) {
        struct visit *v = l->first;

        list_remove(l, v);
        visit_free(v);
    }
}

static void on_closing(void *context, unsigned events)
{
    struct probe *p = context;

    (void)events;
    list_free(&p->active);
    shared_free(p);
}

void probe_cancel(struct probe *p)
{
    if (p->cancelled)
        return;
    p->cancelled = true;
    list_free(&p->queue);
    if (p->depth == 0) {
        list_free(&p->active);
        shared_free(p);
        return;
    }
    /* From within on_done(): somebody further up still uses what is shared. */
    if (watch_new(&p->closing, p->run.loop, -1, on_closing, p) == 0)
        watch_limit(p->closing, 0);
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    probe_cancel(p);
    list_free(&p->active);
    shared_free(p);
    free(p);
}
