#include "gate/parent/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/control/control.h"
#include "gate/door/route.h"
#include "gate/forge/forge.h"
#include "gate/parent/parent.h"
#include "gate/parent/start.h"
#include "gate/policy/test_config.h"
#include "gate/scribe/log.h"
#include "gate/selftest/selftest.h"

static const char DEFAULT_CONFIG[] = "/etc/midwatch/gate.conf";
/* How much the processes say: the parent's wish, passed on to them. */
static const char LOG_LEVEL[] = "MIDWATCH_GATE_LOG_LEVEL";

static const struct word {
    const char *name;
    int (*run)(int argc, char **argv);
} words[] = {
    { "ca", ca_command },           { "reload", reload_command },
    { "status", status_command },   { "top", top_command },
    { "why", why_command },         { "learned", learned_command },
    { "log", log_command },         { "route", route_command },
    { "upgrade", upgrade_command }, { "drain", drain_command },
    { "test-config", test_config_command }, { "selftest", selftest_command },
};

static int start_fail(int r, const struct buf *error)
{
    return subcommand_fail(&start_subcommand, "%s",
                           error->len > 0 ? (const char *)error->data
                                          : strerror(r < 0 ? -r : EINVAL));
}

static int log_begin(const struct start *s)
{
    enum log_level level = LOG_LEVEL_INFO;

    if (s->log_level != NULL) {
        if (start_log_level(s->log_level, &level) < 0)
            return subcommand_usage(&start_subcommand, "--log-level takes error, warning, info or "
                                                       "debug, not \"%.40s\"", s->log_level);
        (void)setenv(LOG_LEVEL, s->log_level, 1);
    }
    log_set_level(level);
    return 0;
}

static int gate_run(const struct start *s, char **argv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192), extra = BUF_INIT(1 << 20);
    const char *config = s->config;
    struct parent *p = NULL;
    int r;

    if (config == NULL && access(DEFAULT_CONFIG, F_OK) == 0)
        config = DEFAULT_CONFIG;
    start_text(&extra, s);
    r = buf_error(&extra);
    if (r == 0)
        r = parent_new(&p, config, extra.len > 0 ? (const char *)extra.data : "", argv, &error);
    if (r != 0)
        return start_fail(r, &error);
    p->ready_file = s->ready_file;
    r = parent_start(p, &error);
    if (r != 0) {
        r = start_fail(r, &error);
        parent_abort(p);
    } else {
        r = parent_run(p);
    }
    parent_free(p);
    return r;
}

static int start_command(int argc, char **argv)
{
    struct arena arena = ARENA_INIT(1 << 20);
    struct config_list operands = { 0 };
    struct start s = { .workers = 0 };
    int r = SUBCOMMAND_USAGE;

    switch (subcommand_read(&start_subcommand, argc, argv, &s, &s.help, &arena, &operands)) {
    case SUBCOMMAND_GO_ON:
        if (operands.count > 0)
            r = subcommand_usage(&start_subcommand, "there is no command \"%.60s\"",
                                 operands.items[0]);
        else if ((r = log_begin(&s)) == 0)
            r = gate_run(&s, argv);
        break;
    case SUBCOMMAND_HELPED:
        r = 0;
        break;
    case SUBCOMMAND_BAD:
        break;
    }
    arena_deinit(&arena);
    return r;
}

static int role_run(int argc, char **argv)
{
    const char *role = argc > 2 ? argv[2] : "", *wish = getenv(LOG_LEVEL);
    enum log_level level;

    if (wish != NULL && start_log_level(wish, &level) == 0)
        log_set_level(level);
    if (strcmp(role, "worker") == 0)
        return worker_main(argc, argv);
    if (strcmp(role, "forge") == 0)
        return forge_main(argc, argv);
    if (strcmp(role, "scribe") == 0)
        return scribe_main(argc, argv);
    fprintf(stderr, "midwatch gate: there is no process \"%.40s\"\n", role);
    return SUBCOMMAND_USAGE;
}

int gate_command(int argc, char **argv)
{
    if (argc > 1 && argv[1][0] != '-') {
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            if (strcmp(argv[1], words[i].name) == 0)
                return words[i].run(argc - 1, argv + 1);
    } else {
        log_find_journal();
        if (argc > 1 && strcmp(argv[1], "--role") == 0)
            return role_run(argc, argv);
    }
    return start_command(argc, argv);
}
