#include "gate/parent/parent.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"

/* --------------------------------------------------------------------------- ready ---- */

const char *parent_not_ready(const struct parent *p, char text[128])
{
    char name[32];

    if (p->ending)
        return "it is ending";
    for (size_t i = 0; i < p->n_children; i++) {
        const struct child *c = &p->children[i];

        if (c->running && c->up)
            continue;
        snprintf(text, 128, "the %s is being started", child_name(c, name));
        return text;
    }
    return NULL;
}

static int ready_write(const struct parent *p)
{
    CLEANUP(buf_deinit) struct buf urls = BUF_INIT(65536);

    for (size_t i = 0; i < p->n_bounds; i++) {
        listener_url(&urls, p, i);
        buf_str(&urls, "\n");
    }
    return buf_error(&urls) != 0 ? buf_error(&urls)
                                 : file_replace(p->ready_file, buf_span(&urls), 0644);
}

static const char *policy_words(const struct gate_config *c)
{
    return c->undefined == GATE_BLOCK ? "what no rule names is blocked"
                                      : "what no rule or exception names is inspected";
}

static void greet(const struct parent *p)
{
    CLEANUP(buf_deinit) struct buf at = BUF_INIT(65536);

    for (size_t i = 0; i < p->n_bounds; i++) {
        buf_str(&at, i > 0 ? ", " : "");
        listener_url(&at, p, i);
    }
    if (buf_error(&at) != 0)
        return;
    log_info("gate: listening on %s; policy %s: %s", (const char *)at.data, p->config->file,
             policy_words(p->config));
    log_info("gate: its CA, to install on devices: midwatch gate ca export --state %s; or open "
             "http://%s/ through it", p->config->state_folder, p->config->name);
    notify_ready(&p->notify, (const char *)at.data);
}

void parent_look(struct parent *p)
{
    char text[128];
    int r;

    if (p->ready || parent_not_ready(p, text) != NULL)
        return;
    p->ready = true;
    if (p->ready_file != NULL && (r = ready_write(p)) < 0)
        log_error("gate: %s: %s", p->ready_file, strerror(-r));
    takeover_ready(p);
    greet(p);
}

/* ------------------------------------------------------------------------- the end ---- */

static void on_late(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    log_warning("gate: sessions are still open after %d s; they are cut", PARENT_DRAIN_MS / 1000);
    for (size_t i = 0; i < p->n_children; i++)
        child_stop(&p->children[i], SIGKILL);
}

static bool workers_run(const struct parent *p)
{
    for (size_t i = 2; i < p->n_children; i++)
        if (p->children[i].running || p->children[i].closing)
            return true;
    return false;
}

/* Workers end by themselves when they are empty.  Once none is left the others are told that the
 * parent is gone: the scribe then writes down what still lies there. */
static void on_drained(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    if (workers_run(p) || p->children[0].kept_down)
        return;
    for (unsigned i = 0; i < p->workers; i++) {
        own_close(&p->scribe_pairs[i][0]);
        own_close(&p->forge_pairs[i][0]);
        p->scribe_pairs[i][0] = p->forge_pairs[i][0] = -1;
    }
    child_leave(&p->children[0]);
    if (!p->children[1].kept_down)
        child_leave(&p->children[1]);
    uv_timer_start(&p->end, on_late, PARENT_SCRIBE_MS, 0);
}

void parent_end(struct parent *p)
{
    uint8_t drain = GATE_DRAIN;

    if (!p->ending)
        notify_stopping(&p->notify);
    p->ending = true;
    listeners_close(p);
    if (p->ends_asked++ > 0) {
        for (size_t i = 2; i < p->n_children; i++)
            child_stop(&p->children[i], SIGKILL);
    } else {
        children_tell(p, span_of(&drain, 1), true);
        uv_timer_start(&p->end, on_late, PARENT_DRAIN_MS, 0);
    }
    uv_timer_start(&p->tickets, on_drained, 10, 50);
    if (!children_any(p))
        uv_stop(&p->loop);
}

void parent_abort(struct parent *p)
{
    p->ending = true;
    for (size_t i = 0; p->children != NULL && i < p->n_children; i++)
        child_stop(&p->children[i], SIGKILL);
    if (children_any(p))
        (void)uv_run(&p->loop, UV_RUN_DEFAULT);
}

/* ------------------------------------------------------------------ signals, timers ---- */

static void on_signal(uv_signal_t *handle, int signal)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct parent *p = handle->data;

    if (signal == SIGHUP)
        parent_reload_said(p);
    else if (signal != SIGUSR2)
        parent_end(p);
    else if (upgrade_begin(p, &error) != 0)
        log_error("gate: no upgrade: %s",
                  error.len > 0 ? (const char *)error.data : "out of memory");
}

static void on_period(uv_timer_t *timer)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(64);
    struct parent *p = timer->data;

    p->period++;
    buf_u8(&message, GATE_TICKET_SEED);
    buf_add(&message, span_of(p->seed, sizeof(p->seed)));
    buf_u64(&message, p->period);
    if (buf_error(&message) == 0)
        children_tell(p, buf_span(&message), true);
    parent_tend(p);
}

static void on_watchdog(uv_timer_t *timer)
{
    const struct parent *p = timer->data;

    notify_alive(&p->notify);
}

static int signals_begin(struct parent *p)
{
    static const int wanted[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR2 };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        int r = uv_signal_init(&p->loop, &p->signals[i]);

        p->signals[i].data = p;
        if (r < 0 || (r = uv_signal_start(&p->signals[i], on_signal, wanted[i])) < 0)
            return r;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int timers_begin(struct parent *p)
{
    const uint64_t period = (uint64_t)TICKET_PERIOD_S * 1000;
    uint64_t alive = (uint64_t)p->notify.watchdog_ms;
    int r;

    p->tickets.data = p->end.data = p->watchdog.data = p;
    if ((r = uv_timer_init(&p->loop, &p->tickets)) < 0 ||
        (r = uv_timer_init(&p->loop, &p->end)) < 0 ||
        (r = uv_timer_init(&p->loop, &p->watchdog)) < 0 ||
        (r = uv_timer_start(&p->tickets, on_period, period, period)) < 0)
        return r;
    return alive > 0 ? uv_timer_start(&p->watchdog, on_watchdog, alive, alive) : 0;
}

/* --------------------------------------------------------------------- start and end ---- */

/* Two for each connection, and the default is a thousand: as many as we may have. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_warning("gate: the limit of open descriptors cannot be raised: %s", strerror(errno));
}

static int parent_prepare(struct parent *p, struct buf *error)
{
    int r;

    raise_descriptors();
    p->period = (uint64_t)wall_now().s / TICKET_PERIOD_S;
    if (RAND_bytes(p->seed, sizeof(p->seed)) != 1)
        return -EIO;
    /* Before the configuration: what takes over may find its folder held by who hands over. */
    if ((r = given_from_systemd(p)) < 0 || (r = takeover_begin(p, error)) < 0 ||
        (r = config_read_anew(p, &p->bundle, &p->config, error)) != 0)
        return r;
    p->workers = p->config->workers;
    if ((r = state_take(p, p->config, error)) < 0)
        return r;
    return bundle_complete(p->bundle, p->config, p->ca_stamp, error);
}

int parent_new(struct parent **out, const char *config_path, const char *extra, char **argv,
               struct buf *error)
{
    struct parent *p = calloc(1, sizeof(*p));
    int r = p != NULL ? uv_loop_init(&p->loop) : -ENOMEM;

    if (r < 0) {
        free(p);
        return r;
    }
    p->lock_fd = p->takeover_fd = -1;
    p->argv = argv;
    p->began_ms = (int64_t)uv_now(&p->loop);
    notify_begin(&p->notify);
    p->config_path = config_path != NULL ? realpath(config_path, NULL) : NULL;
    if (config_path != NULL && p->config_path == NULL)
        p->config_path = strdup(config_path);   /* reading it says what is wrong */
    p->extra = strdup(extra);
    p->program = realpath("/proc/self/exe", NULL);
    if (p->extra == NULL || p->program == NULL || (config_path != NULL && p->config_path == NULL))
        r = -ENOMEM;
    if (r == 0)
        r = parent_prepare(p, error);
    if (r != 0) {
        parent_free(p);
        return r;
    }
    *out = p;
    return 0;
}

static bool any_port(const struct gate_config *c)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        if (addr_port(&c->listeners[i].at) == 0)
            return true;
    return false;
}

/* Listeners on port 0 got one: from now on the configuration says which. */
static int ports_settle(struct parent *p, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf extra = BUF_INIT(1 << 20);
    struct gate_bundle *bundle;
    struct gate_config *config;
    const char *rest = p->extra, *line_end;
    char *old = p->extra;
    int r;

    if (!any_port(p->config))
        return 0;
    buf_str(&extra, "listen = [");
    for (size_t i = 0; i < p->n_bounds; i++) {
        buf_str(&extra, i > 0 ? ", \"" : "\"");
        listener_url(&extra, p, i);
        buf_str(&extra, "\"");
    }
    buf_str(&extra, "];\n");
    /* The command line's own, which stands in the first line, goes. */
    line_end = strchr(rest, '\n');
    if (strncmp(rest, "listen = ", 9) == 0)
        rest = line_end != NULL ? line_end + 1 : "";
    buf_str(&extra, rest);
    p->extra = buf_steal(&extra);
    if (p->extra == NULL) {
        p->extra = old;
        return -ENOMEM;
    }
    r = config_read_anew(p, &bundle, &config, error);
    free(old);
    if (r != 0)
        return r;
    r = bundle_complete(bundle, config, p->ca_stamp, error);
    gate_config_unref(p->config);
    gate_bundle_free(p->bundle);
    p->config = config;
    p->bundle = bundle;
    return r;
}

int parent_start(struct parent *p, struct buf *error)
{
    int r = listeners_bind(p, error);

    given_close(p);
    if (r == 0)
        r = ports_settle(p, error);
    if (r == 0)
        r = children_new(p);
    if (r == 0)
        r = timers_begin(p);
    if (r == 0)
        r = signals_begin(p);
    for (size_t i = 0; r == 0 && i < p->n_children; i++)
        r = child_start(&p->children[i], error);
    return r;
}

int parent_run(struct parent *p)
{
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    return p->failed ? 1 : 0;
}

static void on_walk(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (uv_is_closing(handle) == 0)
        uv_close(handle, NULL);
}

void parent_free(struct parent *p)
{
    if (p == NULL)
        return;
    upgrade_free(p);
    children_free(p);
    listeners_close(p);
    free(p->bounds);
    given_close(p);
    uv_walk(&p->loop, on_walk, NULL);
    while (uv_run(&p->loop, UV_RUN_DEFAULT) != 0)
        continue;
    (void)uv_loop_close(&p->loop);
    free(p->children);
    gate_config_unref(p->config);
    gate_bundle_free(p->bundle);
    own_close(&p->lock_fd);
    own_close(&p->takeover_fd);
    notify_end(&p->notify);
    explicit_bzero(p->seed, sizeof(p->seed));
    free(p->config_path);
    free(p->extra);
    free(p->program);
    free(p);
}
