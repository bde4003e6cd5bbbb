#include "check/watch.h"

#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "base/text.h"
#include "check/exit.h"
#include "check/policy.h"
#include "check/report.h"
#include "check/run.h"
#include "check/state.h"
#include "check/watched.h"

struct watch_settings {
    struct check_settings check;        /* first: the options it shares with check */
    int64_t interval_s, count;
};

static const struct arg watch_args[] = {
    { NULL, 0, CONFIG_BOOL, 0, 0, 0, NULL, "Watching", true },
    { "interval", 'i', CONFIG_SECONDS, offsetof(struct watch_settings, interval_s), 1, 7 * 86400,
      "TIME", "time between two rounds (5min)", true },
    { "count", 'n', CONFIG_NUMBER, offsetof(struct watch_settings, count), 0, 1000000, "N",
      "stop after N rounds (0: never)", true },
};

/* Options of check that mean nothing when nobody reads a report. */
static const char *const not_here[] = { "chain",  "crls", "at",         "certs",     "pem",
                                        "html",   "junit", "ask",       "quiet",     "verbose",
                                        "reason", "for",  "exit-class", "unattended" };

enum { INTERVAL_S = 300, ARGS_ROOM = 96 };

struct watch {
    struct check_options options;
    int64_t interval_s, count;
    struct store *state;
    bool failed;                /* the state could not be read or written: said already */
};

static bool belongs(const struct arg *a)
{
    for (size_t i = 0; a->name != NULL && i < ARRAY_LEN(not_here); i++)
        if (strcmp(a->name, not_here[i]) == 0)
            return false;
    return true;
}

/* The options of check that make sense here, then watch's own. */
static size_t gather_args(struct arg *out)
{
    size_t n = 0;

    for (size_t i = 0; i < n_check_args && n < ARGS_ROOM - ARRAY_LEN(watch_args); i++)
        if (belongs(&check_args[i]))
            out[n++] = check_args[i];
    memcpy(out + n, watch_args, sizeof(watch_args));
    return n + ARRAY_LEN(watch_args);
}

static void print_json(const struct watch_summary *now, const struct mw_verdict *v,
                       const char *when, const char *changes)
{
    CLEANUP(own_free) char *text = NULL;
    struct mw_span rest = span_str(changes), line;
    json_t *list = json_array();
    json_t *object;

    while (list != NULL && span_line(&rest, &line))
        json_array_append_new(list, json_stringn((const char *)line.data, line.len));
    object = json_pack("{ss ss ss si so s{ss ss ss ss ss ss}}", "schema", "midwatch.watch/1", "at",
                       when, "host", v->host, "port", (int)v->port, "changes", list, "now",
                       "verdict", now->outcome, "issuer", now->issuer, "root", now->root,
                       "reader", now->reader, "clock", now->clock, "errors", now->errors);
    text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text != NULL)
        puts(text);
}

static void print_text(const struct mw_verdict *v, const char *when, const char *changes)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);
    struct mw_span rest = span_str(changes), line;

    while (span_line(&rest, &line)) {
        buf_printf(&out, "%s  ", when);
        report_host(&out, v);
        buf_str(&out, "  ");
        text_safe(&out, line, 0);
        buf_str(&out, "\n");
    }
    if (buf_error(&out) == 0)
        fwrite(out.data, 1, out.len, stdout);
}

static void tell(const struct watch *w, const struct mw_verdict *v,
                 const struct watch_summary *now, struct mw_wall at, const char *changes)
{
    CLEANUP(buf_deinit) struct buf when = BUF_INIT(64);

    wall_format(&when, at);
    if (buf_error(&when) != 0)
        return;
    if (w->options.set.json)
        print_json(now, v, (const char *)when.data, changes);
    else
        print_text(v, (const char *)when.data, changes);
    fflush(stdout);
}

static void first_sight(struct buf *out, const struct watch_summary *now)
{
    buf_printf(out, "first seen: %s", now->outcome);
    if (now->reader[0] != '\0')
        buf_printf(out, ", read by %s", now->reader);
    if (now->issuer[0] != '\0')
        buf_printf(out, ", issued by %s", now->issuer);
    if (now->errors[0] != '\0')
        buf_printf(out, ", errors: %s", now->errors);
    buf_str(out, "\n");
}

static void on_result(void *context, const struct run_result *r)
{
    struct watch *w = context;
    CLEANUP(buf_deinit) struct buf changes = BUF_INIT(16384);
    struct watch_summary before, now;
    struct mw_wall at = wall_now();
    bool known;
    int rc;

    if (r->v == NULL) {
        fprintf(stderr, "midwatch watch: %s: %s\n", r->target->typed, r->error);
        return;
    }
    watch_summary_of(&now, r->v);
    rc = watched_load(w->state, r->v->host, r->v->port, &before, &known);
    if (rc == 0 && known && watch_summary_diff(&changes, &before, &now) == 0)
        return;
    if (rc == 0 && !known)
        first_sight(&changes, &now);
    if (rc == 0)
        rc = buf_error(&changes);
    if (rc == 0) {
        tell(w, r->v, &now, at, (const char *)changes.data);
        rc = watched_save(w->state, at, r->v->host, r->v->port, &now,
                          known ? (const char *)changes.data : "");
    }
    if (rc != 0 && !w->failed) {
        fprintf(stderr, "midwatch watch: cannot remember what was seen: %s\n",
                rc > 0 ? store_error(w->state) : strerror(-rc));
        w->failed = true;
    }
}

/* One round over all hosts.  The roots are read anew: somebody may have added one. */
static int one_round(struct watch *w, struct run_end *end, struct buf *error)
{
    CLEANUP(policy_freep) struct mw_policy *policy = NULL;
    struct run run = { .options = &w->options, .on_result = on_result, .context = w };
    int rc = policy_make(&policy, &w->options, w->state, error);

    if (rc != 0)
        return rc;
    run.policy = policy;
    return run_network(&run, end, error);
}

static void wait_over(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void wait_signal(uv_signal_t *watcher, int number)
{
    int *got = watcher->data;

    *got = number;
    uv_stop(watcher->loop);
}

static void close_each(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Sleeps until the next round; returns the signal that ended it, 0 for none. */
static int wait_round(int64_t seconds)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    uv_signal_t watchers[ARRAY_LEN(numbers)];
    uv_timer_t timer;
    uv_loop_t loop;
    int got = 0;

    if (uv_loop_init(&loop) != 0)
        return SIGTERM;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, wait_over, (uint64_t)seconds * 1000, 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (uv_signal_init(&loop, &watchers[i]) != 0)
            continue;
        watchers[i].data = &got;
        uv_signal_start(&watchers[i], wait_signal, numbers[i]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_walk(&loop, close_each, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return got;
}

static int watch_rounds(struct watch *w, struct buf *error)
{
    for (int64_t round = 1;; round++) {
        struct run_end end = { 0 };
        int rc = one_round(w, &end, error);

        if (rc != 0)
            return CHECK_USAGE;
        if (end.signal != 0 || w->failed || round == w->count)
            return w->failed ? CHECK_USAGE : 0;
        if (wait_round(w->interval_s) != 0)
            return 0;
    }
}

static int watch_open(struct watch *w, struct buf *error)
{
    CLEANUP(own_free) char *folder = state_folder(w->options.set.state);
    char why[256];

    if (folder == NULL) {
        buf_str(error, "there is no home folder to keep the state in; name one with --state DIR");
        return CHECK_USAGE;
    }
    if (state_open(&w->state, folder, why) != 0) {
        buf_str(error, why);
        return CHECK_USAGE;
    }
    return 0;
}

/* Config files first, then the line once more, as check does. */
static enum subcommand_next read_settings(struct watch *w, const struct subcommand *command,
                                          int argc, char **argv, struct buf *error)
{
    struct watch_settings set = { .interval_s = INTERVAL_S };
    struct config_list words = { 0 };
    struct arena *arena = &w->options.arena;
    enum subcommand_next next;
    struct watch_settings first;
    int rc;

    settings_default(&set.check);
    first = set;
    next = subcommand_read(command, argc, argv, &first, &first.check.help, arena, &words);
    if (next != SUBCOMMAND_GO_ON)
        return next;
    rc = settings_load(first.check.config, check_args, n_check_args, &set.check, arena, error);
    if (rc == 0)
        rc = args_parse(command->args, command->n_args, argc, argv, &set, arena, &words, error);
    w->options.set = set.check;
    w->interval_s = set.interval_s;
    w->count = set.count;
    if (rc == 0)
        rc = options_finish(&w->options, &words, error);
    return rc == 0 ? SUBCOMMAND_GO_ON : SUBCOMMAND_BAD;
}

int watch_command(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);
    struct arg args[ARGS_ROOM];
    const struct subcommand command = {
        .name = "midwatch watch",
        .usage = "[options] HOST[:PORT]...",
        .about = "Checks the hosts again and again, and speaks only when something changed: the\n"
                 "verdict, who reads the connection, who issued the certificate, the clock.",
        .args = args,
        .n_args = gather_args(args),
        .footer = "Example:\n"
                  "  midwatch watch --interval 10min meet.example.com chat.example.com",
    };
    struct watch w = { .options.arena = ARENA_INIT(64 << 20) };
    enum subcommand_next next = read_settings(&w, &command, argc, argv, &error);
    int status = next == SUBCOMMAND_BAD ? CHECK_USAGE : 0;

    if (next == SUBCOMMAND_GO_ON) {
        status = watch_open(&w, &error);
        if (status == 0)
            status = watch_rounds(&w, &error);
    }
    if (error.len > 0)
        fprintf(stderr, "%s: %.*s\n", command.name, (int)error.len, error.data);
    store_close(w.state);
    options_deinit(&w.options);
    return status;
}
