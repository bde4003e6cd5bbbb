/*
 * The scribe process from start to end.
 */
#include "gate/scribe/scribe.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "gate/walls/walls.h"
#include "gate/wire/config_part.h"

enum { FLUSH_TURNS = 100000, LEARNER_S = 30 };

/* ------------------------------------------------------------------- how the log fares ---- */

void scribe_fail(struct scribe *s, int error)
{
    if (s->failing)
        return;
    s->failing = true;
    snprintf(s->why, sizeof(s->why), "the audit log in %s cannot be written: %s",
             s->config->audit.folder, strerror(-error));
    log_error("gate scribe: %s; sessions are %s until it can", s->why,
              s->config->audit.block_when_full ? "blocked"
                                               : "passed on without a record kept here");
    if (s->control != NULL)
        control_audit(s->control, true, s->why);
    scribe_tell_state(s, NULL);
}

void scribe_well(struct scribe *s)
{
    if (!s->failing)
        return;
    s->failing = false;
    s->why[0] = '\0';
    log_warning("gate scribe: the audit log can be written again");
    if (s->control != NULL)
        control_audit(s->control, false, NULL);
    scribe_tell_state(s, NULL);
}

int scribe_event(struct scribe *s, const char *what, const char *detail)
{
    int64_t now = wall_now_ms();
    const struct audit_record r = {
        .kind = AUDIT_EVENT, .began_ms = now, .ended_ms = now, .what = what, .detail = detail,
    };
    int e = s->log != NULL ? audit_log_add(s->log, &r, wall_now()) : -EIO;

    if (e < 0)
        scribe_fail(s, e);
    return e;
}

static void on_line(void *context, struct mw_span line)
{
    struct scribe *s = context;

    if (s->syslog != NULL)
        syslog_send(s->syslog, line, wall_now());
}

static int open_log(struct scribe *s)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r = audit_log_open(&s->log, s->config, wall_now(), &error);

    if (r < 0) {
        if (!s->failing)
            log_error("gate scribe: %s", error.len > 0 ? (const char *)error.data : strerror(-r));
        scribe_fail(s, r);
        return r;
    }
    audit_log_watch(s->log, on_line, s);
    return 0;
}

/* ------------------------------------------------------------------------ configuration ---- */

static int config_event(struct scribe *s, const char *what)
{
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(1024);

    buf_printf(&detail, "configuration %.400s, sha256 ", s->config->file);
    text_hex(&detail, span_of(s->config->sha256, sizeof(s->config->sha256)), 0);
    return buf_error(&detail) != 0 ? -ENOMEM
                                   : scribe_event(s, what, (const char *)detail.data);
}

/* A collector that cannot be used is an error of the configuration; without one the log is still
 * kept, so the gate goes on and says so. */
static void use_syslog(struct scribe *s)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct syslog_options o = {
        .url = s->config->audit.syslog, .dns = s->dns, .hostname = s->config->name,
    };

    syslog_free(s->syslog);
    s->syslog = NULL;
    if (o.url == NULL)
        return;
    if (!gate_bundle_file(s->bundle,
                          s->config->audit.syslog_roots != NULL ? s->config->audit.syslog_roots
                                                                : GATE_FILE_SYSTEM_ROOTS,
                          &o.roots))
        o.roots = (struct mw_span){ NULL, 0 };
    if (syslog_new(&s->syslog, &s->loop, &o, &error) < 0)
        log_error("gate scribe: no lines go to the collector: %s",
                  error.len > 0 ? (const char *)error.data : "out of memory");
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int load_config(struct mw_span bytes, struct gate_bundle **bundle,
                       struct gate_config **config, struct buf *error)
{
    int r = gate_bundle_decode(bundle, bytes);

    if (r == 0)
        r = gate_config_load(config, *bundle, error);
    if (r != 0) {
        gate_bundle_free(*bundle);
        *bundle = NULL;
    }
    return r;
}

int scribe_use_config(struct scribe *s, struct mw_span bytes, struct buf *error)
{
    struct gate_bundle *bundle = NULL, *old_bundle = s->bundle;
    struct gate_config *config = NULL, *old = s->config;
    int r = load_config(bytes, &bundle, &config, error);

    if (r != 0)
        return r;
    s->bundle = bundle;
    s->config = config;
    if (!same_text(old->audit.folder, config->audit.folder))
        log_warning("gate scribe: another audit folder is used after a restart only");
    if (s->log != NULL)
        audit_log_reload(s->log, config);
    if (s->learner != NULL)
        learner_reload(s->learner, config);
    if (control_reload(s->control, config, error) != 0) {
        log_error("gate scribe: %s", error->len > 0 ? (const char *)error->data : "control");
        buf_truncate(error, 0);
    }
    use_syslog(s);
    if (config_event(s, "reloaded") < 0)
        log_error("gate scribe: the audit log does not hold that the configuration is new");
    gate_config_unref(old);
    gate_bundle_free(old_bundle);
    return 0;
}

/* ------------------------------------------------------------------------- each second ---- */

static void open_learner(struct scribe *s)
{
    char text[256] = "";

    if (learner_store_open(&s->store, s->config->state_folder, text) == 0 &&
        learner_new(&s->learner, s->store, s->config) == 0)
        return;
    store_close(s->store);
    s->store = NULL;
    log_error("gate scribe: nothing can be learned yet: %s",
              text[0] != '\0' ? text : "out of memory");
}

static void tick_learner(struct scribe *s, struct mw_wall now)
{
    int64_t since = wall_diff_s(s->learner_told, now);
    bool changed = false;

    if (since >= 0 && since < LEARNER_S)
        return;
    s->learner_told = now;
    if (s->learner == NULL) { /* a disk that was full */
        open_learner(s);
        changed = s->learner != NULL;
    } else if (learner_tick(s->learner, now, &changed) != 0) {
        log_warning("gate scribe: what was learned could not be stored yet");
    }
    if (!changed)
        return;
    scribe_tell_learned(s, NULL);
    scribe_tell_consents(s, NULL);
}

static void on_second(uv_timer_t *timer)
{
    struct scribe *s = timer->data;
    struct mw_wall now = wall_now();
    bool held = false;
    int r = s->log != NULL ? 0 : open_log(s);

    if (r == 0)
        r = audit_log_tick(s->log, now);
    for (unsigned i = 0; i < s->workers; i++)
        held = held || s->worker[i].held;
    if (r < 0)
        scribe_fail(s, r);
    else if (!held) /* otherwise the record that failed has to say so */
        scribe_well(s);
    scribe_resume(s);
    if (keylog_tick(&s->keylog, now)) {
        CLEANUP(buf_deinit) struct buf detail = BUF_INIT(256);

        buf_str(&detail, "its time is over; ");
        keylog_tell(&s->keylog, &detail);
        if (buf_error(&detail) != 0 ||
            scribe_event(s, "unlock-ended", (const char *)detail.data) < 0)
            log_error("gate scribe: the audit log does not hold that an unlock ended");
        scribe_tell_unlock(s, NULL);
    }
    tick_learner(s, now);
}

/* --------------------------------------------------------------------------------- start ---- */

static int read_bundle(struct buf *out)
{
    char buffer[65536];
    ssize_t n;

    if (lseek(PROCESS_FD_BUNDLE, 0, SEEK_SET) < 0)
        return -errno;
    while ((n = read(PROCESS_FD_BUNDLE, buffer, sizeof(buffer))) > 0)
        buf_add(out, span_of(buffer, (size_t)n));
    close(PROCESS_FD_BUNDLE);
    return n < 0 ? -errno : buf_error(out);
}

/* A folder that is there and belongs to whom we become: the owner of the state folder, who is the
 * parent's to choose. */
static int make_folder(const char *path, const struct stat *owner, struct buf *error)
{
    int r = file_make_folders(path);

    if (r == 0 && owner != NULL)
        r = file_give_folder(path, owner->st_uid, owner->st_gid);
    if (r < 0)
        buf_printf(error, "%s: %s", path, strerror(-r));
    return r;
}

/* Whom to become: the configured user, unless the parent left the state folder to root, because
 * that user could not get there.  NULL: stay. */
static const char *user_to_be(const struct gate_config *c)
{
    struct stat about;

    if (geteuid() != 0 || stat(c->state_folder, &about) < 0 || about.st_uid == 0)
        return NULL;
    return c->user;
}

static int make_folders(struct scribe *s, struct buf *error)
{
    const struct gate_config *c = s->config;
    const struct stat *owner = NULL;
    struct stat state;
    int r = make_folder(c->state_folder, NULL, error);

    if (r == 0 && geteuid() == 0 && stat(c->state_folder, &state) == 0)
        owner = &state;
    if (r == 0)
        r = make_folder(c->audit.folder, owner, error);
    if (r == 0)
        r = keylog_init(&s->keylog, c->state_folder);
    return r == 0 ? make_folder(s->keylog.folder, owner, error) : r;
}

static int open_dns(struct scribe *s, struct buf *error)
{
    char text[256] = "";
    const struct dns_options o = {
        .servers = s->config->upstream.dns_servers,
        .n_servers = s->config->upstream.n_dns_servers,
        .hosts_file = s->config->upstream.hosts_file,
    };
    int r = dns_new(&s->dns, &s->loop, &o, text);

    if (r < 0)
        buf_printf(error, "DNS: %s", text);
    return r;
}

/* What reads files outside of its own folders, and makes those. */
static int begin(struct scribe *s, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    int r = uv_loop_init(&s->loop);

    if (r == 0)
        r = read_bundle(&bytes);
    if (r == 0)
        r = load_config(buf_span(&bytes), &s->bundle, &s->config, error);
    if (r == 0)
        r = make_folders(s, error);
    if (r == 0)
        r = open_dns(s, error);
    for (unsigned i = 0; r == 0 && i < s->workers; i++)
        r = counters_map(&s->counters[i], PROCESS_FD_FIRST + 2 * (int)i + 1);
    return r;
}

static int build_walls(struct scribe *s, struct buf *error)
{
    const char *folders[] = { s->config->state_folder, s->config->audit.folder };
    const struct walls w = {
        .role = WALLS_SCRIBE,
        .user = user_to_be(s->config),
        .folders = folders,
        .n_folders = ARRAY_LEN(folders),
    };

    return walls_build(&w, error);
}

static int open_channels(struct scribe *s)
{
    int r = channel_new(&s->parent, &s->loop, PROCESS_FD_PARENT, 0, scribe_on_parent, s);

    for (unsigned i = 0; r == 0 && i < s->workers; i++) {
        s->worker[i] = (struct scribe_worker){ .scribe = s, .index = i };
        r = channel_new(&s->worker[i].channel, &s->loop, PROCESS_FD_FIRST + 2 * (int)i,
                        CHANNEL_KEEP_UNTIL_HANDLED, scribe_on_worker, &s->worker[i]);
    }
    return r;
}

static void on_end(uv_signal_t *handle, int signal)
{
    (void)signal;
    uv_stop(handle->loop);
}

static int open_all(struct scribe *s, struct buf *error)
{
    const struct control_options o = {
        .config = s->config,
        .counters = s->counters,
        .workers = s->workers,
        .events = &scribe_control_events,
        .context = s,
    };
    int r = uv_signal_init(&s->loop, &s->end);

    if (r == 0) /* first: who is told to end in the middle of this still ends in peace */
        r = uv_signal_start(&s->end, on_end, SIGTERM);
    if (r == 0)
        r = control_new(&s->control, &s->loop, &o, error);
    if (r == 0)
        r = open_channels(s);
    if (r == 0)
        r = uv_timer_init(&s->loop, &s->second);
    if (r != 0)
        return r;
    s->second.data = s;
    use_syslog(s);
    open_learner(s);
    if (open_log(s) == 0 && config_event(s, "started") < 0)
        log_error("gate scribe: the audit log cannot be written yet");
    scribe_tell_learned(s, NULL); /* workers that outlived a scribe */
    scribe_tell_consents(s, NULL);
    scribe_tell_state(s, NULL);
    scribe_tell_unlock(s, NULL); /* an unlock ends with the scribe that gave it */
    process_hello(s->parent);
    return uv_timer_start(&s->second, on_second, 1000, 1000);
}

/* ----------------------------------------------------------------------------------- end ---- */

/* What is still in the sockets is written before the end. */
static void flush(struct scribe *s)
{
    uint64_t before;
    int turns = 0;

    scribe_resume(s);
    do {
        before = s->handled;
        (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    } while (s->handled != before && !s->failing && ++turns < FLUSH_TURNS);
    if (s->log != NULL && scribe_event(s, "stopped", "the gate ends") < 0)
        log_error("gate scribe: records that were not written are lost with this gate");
}

static void on_walk(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (uv_is_closing(handle) == 0)
        uv_close(handle, NULL);
}

static void deinit(struct scribe *s)
{
    audit_log_close(s->log);
    for (unsigned i = 0; i < s->workers; i++)
        channel_free(s->worker[i].channel);
    channel_free(s->parent);
    control_free(s->control);
    syslog_free(s->syslog);
    dns_free(s->dns);
    uv_walk(&s->loop, on_walk, NULL);
    while (uv_run(&s->loop, UV_RUN_DEFAULT) != 0)
        continue;
    (void)uv_loop_close(&s->loop);
    learner_free(s->learner);
    store_close(s->store);
    keylog_deinit(&s->keylog);
    for (unsigned i = 0; i < s->workers; i++)
        counters_unmap(s->counters[i]);
    buf_deinit(&s->parts);
    gate_config_unref(s->config);
    gate_bundle_free(s->bundle);
    free(s);
}

int scribe_main(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct process_args args;
    struct scribe *s;
    int r;

    if (process_args_read(&args, argc, argv) < 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk */
    (void)signal(SIGINT, SIG_IGN);  /* the terminal's; the parent says when to end */
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return 2;
    s->workers = args.workers;
    s->parts = (struct buf)BUF_INIT(CONFIG_PART_TOTAL);
    s->keylog.fd = s->keylog.capture.fd = -1;
    r = begin(s, &error);
    if (r == 0)
        r = build_walls(s, &error);
    if (r == 0)
        r = open_all(s, &error);
    if (r != 0) {
        log_error("gate scribe: cannot start: %s",
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
        return 2;
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    flush(s);
    deinit(s);
    return 0;
}
