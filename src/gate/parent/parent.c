#include "gate/parent/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/forge/forge.h"
#include "gate/wire/config_part.h"

/* ------------------------------------------------------------------- the configuration ---- */

static int own_ca_add(struct gate_bundle *b, const struct gate_config *c, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(64 * 1024), pem = BUF_INIT(128 * 1024);
    int r = ca_root(c, &der, error);

    if (r != 0)
        return r;
    buf_str(&pem, "-----BEGIN CERTIFICATE-----\n");
    text_base64(&pem, buf_span(&der));
    buf_str(&pem, "\n-----END CERTIFICATE-----\n");
    r = buf_error(&pem);
    return r != 0 ? r : gate_bundle_add(b, GATE_FILE_OWN_CA, buf_span(&pem));
}

/* The CA's place is in the configuration, and its certificate goes into the bundle: so it is
 * loaded twice. */
static int config_read_anew(const struct parent *p, struct gate_bundle **bundle,
                            struct gate_config **config, struct buf *error)
{
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    int r = gate_bundle_read(&b, p->config_path, p->extra, error);

    if (r == 0)
        r = gate_config_load(&c, b, error);
    if (r == 0)
        r = ca_ensure(c, error);
    if (r == 0)
        r = own_ca_add(b, c, error);
    if (r != 0) {
        gate_config_unref(c);
        gate_bundle_free(b);
        return r;
    }
    *bundle = b;
    *config = c;
    return 0;
}

/* The bundle as a file in memory that nobody can change any more. */
static int bundle_seal(const struct gate_bundle *b, int *out)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    CLEANUP(own_close) int fd = memfd_create("gate-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct mw_span rest;

    if (fd < 0)
        return -errno;
    gate_bundle_encode(b, &bytes);
    if (buf_error(&bytes) != 0)
        return buf_error(&bytes);
    for (rest = buf_span(&bytes); rest.len > 0;) {
        ssize_t n = write(fd, rest.data, rest.len);

        if (n < 0)
            return -errno;
        rest = span_cut(rest, (size_t)n, rest.len);
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    own_close(out);
    *out = own_steal_fd(&fd);
    return 0;
}

static bool listeners_same(const struct gate_config *a, const struct gate_config *b)
{
    if (a->n_listeners != b->n_listeners)
        return false;
    for (size_t i = 0; i < a->n_listeners; i++)
        if (strcmp(a->listeners[i].text, b->listeners[i].text) != 0)
            return false;
    return true;
}

static void config_tell(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);

    gate_bundle_encode(p->bundle, &bytes);
    for (size_t at = 0; at < bytes.len; at += CONFIG_PART_BYTES) {
        CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

        config_part_write(&message, buf_span(&bytes), at);
        children_tell(p, buf_span(&message), false);
    }
}

int parent_reload(struct parent *p, struct buf *error)
{
    struct gate_bundle *bundle;
    struct gate_config *config;
    int r = config_read_anew(p, &bundle, &config, error);

    if (r != 0)
        return r;
    if (!listeners_same(config, p->config) || config->workers != p->config->workers ||
        strcmp(config->state_folder, p->config->state_folder) != 0) {
        buf_str(error, "listeners, workers and the state folder change at a restart only; the "
                       "rest of the new configuration was not taken either");
        r = EINVAL;
    }
    if (r == 0)
        r = bundle_seal(bundle, &p->bundle_fd);
    if (r != 0) {
        gate_config_unref(config);
        gate_bundle_free(bundle);
        return r;
    }
    gate_config_unref(p->config);
    gate_bundle_free(p->bundle);
    p->config = config;
    p->bundle = bundle;
    config_tell(p);
    return 0;
}

/* -------------------------------------------------------------------------- signals ---- */

static void on_late(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    for (size_t i = 0; i < p->n_children; i++)
        child_stop(&p->children[i], SIGKILL);
}

/* Workers end by themselves when they are empty; the others when no worker is left. */
static void on_drained(uv_timer_t *timer)
{
    struct parent *p = timer->data;
    bool workers = false;

    for (size_t i = 2; i < p->n_children; i++)
        workers |= p->children[i].running;
    if (workers)
        return;
    child_stop(&p->children[0], SIGTERM);
    child_stop(&p->children[1], SIGTERM);
}

void parent_end(struct parent *p)
{
    uint8_t drain = GATE_DRAIN;

    p->ending = true;
    if (p->ends_asked++ > 0) {
        for (size_t i = 2; i < p->n_children; i++)
            child_stop(&p->children[i], SIGTERM);
        return;
    }
    children_tell(p, span_of(&drain, 1), true);
    uv_timer_start(&p->tickets, on_drained, 10, 50);
    uv_timer_start(&p->end, on_late, PARENT_DRAIN_MS, 0);
    if (!children_any(p))
        uv_stop(&p->loop);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct parent *p = handle->data;

    if (signal != SIGHUP) {
        parent_end(p);
        return;
    }
    if (parent_reload(p, &error) == 0)
        log_warning("gate: the configuration was read anew");
    else
        log_error("gate: the old configuration stays: %s",
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
}

/* --------------------------------------------------------------------- start and end ---- */

int parent_new(struct parent **out, const char *config_path, const char *extra, struct buf *error)
{
    struct parent *p = calloc(1, sizeof(*p));
    int r = p != NULL ? uv_loop_init(&p->loop) : -ENOMEM;

    if (r < 0) {
        free(p);
        return r;
    }
    p->bundle_fd = -1;
    p->config_path = config_path != NULL ? strdup(config_path) : NULL;
    p->extra = strdup(extra);
    p->program = realpath("/proc/self/exe", NULL);
    p->period = (uint64_t)wall_now().s / TICKET_PERIOD_S;
    if (p->extra == NULL || p->program == NULL || (config_path != NULL && p->config_path == NULL))
        r = -ENOMEM;
    else if (RAND_bytes(p->seed, sizeof(p->seed)) != 1)
        r = -EIO;
    if (r == 0)
        r = config_read_anew(p, &p->bundle, &p->config, error);
    if (r != 0) {
        parent_free(p);
        return r;
    }
    p->workers = p->config->workers;
    *out = p;
    return 0;
}

static int signals_begin(struct parent *p)
{
    static const int wanted[] = { SIGHUP, SIGTERM, SIGINT };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        int r = uv_signal_init(&p->loop, &p->signals[i]);

        p->signals[i].data = p;
        if (r < 0 || (r = uv_signal_start(&p->signals[i], on_signal, wanted[i])) < 0)
            return r;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

int parent_start(struct parent *p, struct buf *error)
{
    int r = listeners_bind(p, error);

    if (r == 0)
        r = bundle_seal(p->bundle, &p->bundle_fd);
    if (r == 0)
        r = children_new(p);
    if (r == 0 && (r = uv_timer_init(&p->loop, &p->tickets)) == 0)
        r = uv_timer_init(&p->loop, &p->end);
    if (r == 0)
        r = signals_begin(p);
    p->tickets.data = p->end.data = p;
    for (size_t i = 0; r == 0 && i < p->n_children; i++)
        r = child_start(&p->children[i], error);
    if (r == 0)
        r = uv_timer_start(&p->tickets, on_period, (uint64_t)TICKET_PERIOD_S * 1000,
                           (uint64_t)TICKET_PERIOD_S * 1000);
    return r;
}

void parent_abort(struct parent *p)
{
    p->ending = true;
    for (size_t i = 0; p->children != NULL && i < p->n_children; i++)
        child_stop(&p->children[i], SIGKILL);
    if (children_any(p))
        (void)uv_run(&p->loop, UV_RUN_DEFAULT);
}

int parent_run(struct parent *p)
{
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    return 0;
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
    children_free(p);
    listeners_close(p);
    uv_walk(&p->loop, on_walk, NULL);
    while (uv_run(&p->loop, UV_RUN_DEFAULT) != 0)
        continue;
    (void)uv_loop_close(&p->loop);
    free(p->children);
    gate_config_unref(p->config);
    gate_bundle_free(p->bundle);
    own_close(&p->bundle_fd);
    explicit_bzero(p->seed, sizeof(p->seed));
    free(p->config_path);
    free(p->extra);
    free(p->program);
    free(p);
}
