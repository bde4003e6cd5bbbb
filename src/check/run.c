/*
 * Targets contacted over the network, a bounded number at a time: the next one starts when one
 * is done, so that neither the list nor a slow host makes anything grow.
 */
#include "check/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/built.h"
#include "base/clock.h"
#include "check/exit.h"
#include "check/run_files.h"
#include "probe/proxy_env.h"

struct flight {
    const struct target *target;
    struct mono start;
};

struct network {
    const struct run *run;
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct probe *probe;
    struct probe_options options;
    struct pem_list crls;
    struct arena arena;
    struct flight *flights;     /* one a target */
    size_t next;                /* first target not started */
    struct run_end *end;
    bool feeding;               /* network_feed() is on the stack */
};

static void network_feed(struct network *n);

static void network_failed(struct network *n, const struct flight *f, const char *why)
{
    struct run_result result = { .target = f->target, .error = why };

    n->end->done++;
    n->run->on_result(n->run->context, &result);
}

/* The user's own revocation lists decide: the verdict is made again with them. */
static int judge_again(struct network *n, const struct mw_evidence *seen,
                       struct mw_evidence *ev, struct mw_verdict **out)
{
    *ev = *seen;
    ev->crls = n->crls.blocks;
    ev->n_crls = n->crls.n;
    ev->crls_authoritative = true;
    return mw_judge(n->run->policy, ev, out);
}

static void network_on_done(void *context, const struct probe_target *target,
                            const struct mw_evidence *ev, const struct mw_verdict *v, int error)
{
    struct network *n = context;
    const struct flight *f = target->user;
    struct run_result result = {
        .target = f->target,
        .ev = ev,
        .v = v,
        .seconds = (double)mono_diff_ns(f->start, mono_now()) / 1e9,
    };
    struct mw_evidence with_crls;
    struct mw_verdict *again = NULL;

    if (v != NULL && n->crls.n > 0) {
        error = judge_again(n, ev, &with_crls, &again);
        result.ev = &with_crls;
        result.v = again;
    }
    if (result.v == NULL) {
        network_failed(n, f, run_judge_error(error));
    } else {
        n->end->done++;
        n->run->on_result(n->run->context, &result);
    }
    mw_verdict_free(again);
    network_feed(n);
}

static void target_fill(const struct check_settings *set, const struct target *t,
                        struct probe_target *out)
{
    *out = (struct probe_target){
        .host = t->host,
        .port = t->port,
        .server_name = set->sni,
        .connect_to = set->connect_to,
        .alpn = set->alpn,
        .starttls = t->starttls,
        .family = set->ipv4 ? PROBE_IPV4 : set->ipv6 ? PROBE_IPV6 : PROBE_ANY,
        .echo_key = set->echo,
    };
    if (set->proxy != NULL) {
        out->proxy = set->proxy;
        out->proxy_from = "--proxy";
    } else if (!set->no_proxy && set->connect_to == NULL) {
        struct proxy_env env = proxy_env_find(t->host, t->port, NULL, NULL);

        out->proxy = env.url;
        out->proxy_from = env.from;
    }
}

static void network_start(struct network *n, size_t i)
{
    struct flight *f = &n->flights[i];
    struct probe_target target;
    char error[256] = "";
    int rc;

    f->target = &n->run->options->targets.items[i];
    f->start = mono_now();
    target_fill(&n->run->options->set, f->target, &target);
    target.user = f;
    rc = probe_start(n->probe, &target, error);
    if (rc != 0)
        network_failed(n, f, error[0] != '\0' ? error : strerror(-rc));
}

static void network_close_signals(struct network *n)
{
    for (size_t i = 0; i < ARRAY_LEN(n->signals); i++)
        if (!uv_is_closing((uv_handle_t *)&n->signals[i]))
            uv_close((uv_handle_t *)&n->signals[i], NULL);
}

/* Starts what may be under way at once.  A target that cannot even be started is reported from
 * here, and the next one tried: hence a loop and not a chain of calls. */
static void network_feed(struct network *n)
{
    size_t parallel = (size_t)n->run->options->set.parallel;

    if (n->feeding || n->end->signal != 0)
        return;
    n->feeding = true;
    while (n->next < n->run->options->targets.n && probe_pending(n->probe) < parallel)
        network_start(n, n->next++);
    n->feeding = false;
    if (n->end->done == n->run->options->targets.n)
        network_close_signals(n);
}

static void network_on_signal(uv_signal_t *handle, int number)
{
    struct network *n = handle->data;

    n->end->signal = number;
    probe_cancel(n->probe);
    network_close_signals(n);
}

static int network_signals(struct network *n)
{
    static const int numbers[] = { SIGINT, SIGTERM };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int rc = uv_signal_init(&n->loop, &n->signals[i]);

        if (rc != 0)
            return rc;
        n->signals[i].data = n;
        rc = uv_signal_start(&n->signals[i], network_on_signal, numbers[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void network_options(struct network *n)
{
    const struct check_options *o = n->run->options;
    const struct check_settings *set = &o->set;
    int64_t total_ms = set->timeout_s * 1000;

    n->options = (struct probe_options){
        .policy = n->run->policy,
        .limits = { .connect_ms = total_ms < 5000 ? total_ms : 5000,
                    .handshake_ms = total_ms < 10000 ? total_ms : 10000,
                    .total_ms = total_ms },
        .parallel = (unsigned)set->parallel,
        .network_evidence = !set->no_network_evidence,
        .ocsp_consent = set->ocsp,
        .controls = set->controls.items,
        .n_controls = set->controls.count,
        .time_servers = set->time_servers.items,
        .n_time_servers = set->time_servers.count,
        .portal_url = set->portal != NULL && strcmp(set->portal, "none") != 0 ? set->portal : NULL,
        .dns_servers = set->dns.items,
        .n_dns_servers = set->dns.count,
        .hosts_file = set->hosts_file,
        .cache_folder = n->run->cache_folder,
        .at_set = o->at_set,
        .at = o->at,
        .built = built_at(),
    };
}

static int network_go(struct network *n)
{
    int rc = network_signals(n);

    if (rc == 0)
        rc = probe_new(&n->probe, &n->loop, &n->options, network_on_done, n);
    if (rc != 0) {
        network_close_signals(n);
        uv_run(&n->loop, UV_RUN_DEFAULT);
        return rc;
    }
    network_feed(n);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    probe_cancel(n->probe);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    probe_free(n->probe);
    return 0;
}

int run_network(const struct run *run, struct run_end *end, struct buf *error)
{
    struct network n = { .run = run, .end = end, .arena = ARENA_INIT(RUN_FILES_ARENA_BYTES) };
    const char *crls = run->options->set.crls;
    int rc = 0;

    *end = (struct run_end){ 0 };
    if (crls != NULL)
        rc = run_file("--crls", crls, "X509 CRL", &n.arena, &n.crls, error);
    if (rc == 0) {
        n.flights = calloc(run->options->targets.n, sizeof *n.flights);
        rc = n.flights != NULL ? uv_loop_init(&n.loop) : -ENOMEM;
    }
    if (rc == 0) {
        network_options(&n);
        rc = network_go(&n);
        uv_loop_close(&n.loop);
    }
    free(n.flights);
    arena_deinit(&n.arena);
    return rc;
}
