#include "gate/forge/forge.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "gate/forge/memory.h"
#include "gate/forge/serve.h"
#include "gate/walls/walls.h"
#include "gate/wire/channel.h"
#include "gate/wire/config_part.h"

enum { ERROR_MAX = 4096 };

struct forge {
    uv_loop_t loop;
    struct ca ca;
    bool has_ca;
    struct serve *serve;
    struct channel *parent;
    struct buf parts;           /* of a new configuration, on its way */
};

/* --------------------------------------------------------------- configuration ---- */

static int config_load(struct gate_config **out, struct mw_span bytes, struct buf *error)
{
    struct gate_bundle *bundle = NULL;
    int r = gate_bundle_decode(&bundle, bytes);

    if (r != 0)
        buf_str(error, "the bundle cannot be read");
    else
        r = gate_config_load(out, bundle, error);
    gate_bundle_free(bundle);
    return r;
}

static void config_take(struct forge *f, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(ERROR_MAX);
    struct gate_config *c = NULL;
    int r = config_part_take(&f->parts, message);

    if (r == CONFIG_PART_MORE)
        return;
    if (r == CONFIG_PART_WHOLE)
        r = config_load(&c, buf_span(&f->parts), &error);
    buf_truncate(&f->parts, 0);
    if (r != 0 || c == NULL) {
        log_error("forge: a new configuration is not used: %s",
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
        return;
    }
    serve_set(f->serve, c->ca.leaf_s, c->ca.rate_per_minute);
    gate_config_unref(c);
    /* Behind the walls no file can be read any more: our successor will try. */
    if (!f->has_ca)
        uv_stop(&f->loop);
}

static void on_parent(void *context, struct mw_span message)
{
    struct forge *f = context;

    if (message.len == 0)
        uv_stop(&f->loop);
    else if (message.data[0] == GATE_CONFIG)
        config_take(f, message);
    else
        log_error("forge: the parent sent a message of kind %u", message.data[0]);
}

/* ------------------------------------------------------------------------ life ---- */

static int bundle_read(struct gate_config **out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    int r = lseek(PROCESS_FD_BUNDLE, 0, SEEK_SET) < 0 ? -errno : 0;

    if (r == 0)
        r = file_read_fd(PROCESS_FD_BUNDLE, &bytes);
    close(PROCESS_FD_BUNDLE);
    return r < 0 ? r : config_load(out, buf_span(&bytes), error);
}

/* A CA that cannot be used is the workers' to know: they tell it to people. */
static void keys_load(struct forge *f, const struct gate_config *c)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(ERROR_MAX);
    struct ca_place place = ca_place_of(c);
    int r = ca_load(&f->ca, &place, &error);

    f->has_ca = r == 0;
    if (r < 0)
        log_error("forge: the CA cannot be used: %s",
                  error.len > 0 ? (const char *)error.data : strerror(-r));
}

static int serve_begin(struct forge *f, const struct gate_config *c, unsigned workers)
{
    int fds[PROCESS_MAX_WORKERS];
    const struct serve_setup setup = {
        .ca = f->has_ca ? &f->ca : NULL,
        .leaf_s = c->ca.leaf_s,
        .rate_per_minute = c->ca.rate_per_minute,
        .workers = fds,
        .n_workers = workers,
    };
    int r;

    for (unsigned i = 0; i < workers; i++)
        fds[i] = PROCESS_FD_FIRST + (int)i;
    r = serve_new(&f->serve, &f->loop, &setup);
    return r < 0 ? r : channel_new(&f->parent, &f->loop, PROCESS_FD_PARENT, 0, on_parent, f);
}

/* Keys first, then the walls, then the first word from outside. */
static int forge_begin(struct forge *f, unsigned workers, struct buf *error)
{
    struct walls walls = { .role = WALLS_FORGE };
    struct gate_config *c = NULL;
    int r = uv_loop_init(&f->loop);

    if (r == 0)
        r = bundle_read(&c, error);
    if (r != 0)
        return r;
    keys_load(f, c);
    walls.user = c->user;
    r = walls_build(&walls, error);
    if (r == 0)
        r = serve_begin(f, c, workers);
    if (r == 0)
        process_hello(f->parent);
    gate_config_unref(c);
    return r;
}

static void forge_end(struct forge *f)
{
    serve_free(f->serve);
    channel_free(f->parent);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&f->loop);
    if (f->has_ca)
        ca_deinit(&f->ca);
    buf_deinit(&f->parts);
}

int forge_main(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(ERROR_MAX);
    struct forge f = { .parts = BUF_INIT(CONFIG_PART_TOTAL) };
    struct process_args args;
    int r;

    if (process_args_read(&args, argc, argv) < 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);      /* the terminal's; the parent says when to end */
    memory_harden();
    r = forge_begin(&f, args.workers, &error);
    if (r != 0) {
        log_error("forge: cannot start: %s",
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
        return 2;
    }
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    forge_end(&f);
    return 0;
}
