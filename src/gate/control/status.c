/*
 * `midwatch gate status`, and the commands that only tell the gate to do something.
 */
#include "gate/control/cli.h"
#include "gate/control/control.h"

static const struct arg status_args[] = { CLI_ARGS };

static const struct subcommand status_subcommand = {
    .name = "midwatch gate status",
    .usage = "[OPTIONS]",
    .about = "How a running gate is: its processes, what it counted since it began, and whether "
             "its audit log can be written.",
    .args = status_args,
    .n_args = ARRAY_LEN(status_args),
    .footer = "Exit status: 0 all is well, 1 something is not (it says what), 2 no answer.",
};

/* A row of several counters: "3,000 inspected, 300 bypassed". */
struct item {
    const char *counter, *words;
    bool bytes;
};

static void row(struct layout *l, const char *label, const json_t *totals,
                const struct item *items, size_t n)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);

    for (size_t i = 0; i < n; i++) {
        int64_t v = cli_number(totals, items[i].counter);

        buf_str(&text, i > 0 ? ", " : "");
        if (items[i].bytes)
            cli_bytes(&text, v);
        else
            cli_count(&text, v);
        buf_printf(&text, " %s", items[i].words);
    }
    if (buf_error(&text) == 0)
        cli_row(l, label, (const char *)text.data);
}

static void counters_show(struct layout *l, const json_t *totals)
{
    static const struct item sessions[] = {
        { "open", "open", false },           { "accepted", "accepted", false },
        { "inspected", "inspected", false }, { "bypassed", "bypassed", false },
        { "blocked", "blocked", false },     { "refused", "refused (server not trusted)", false },
    };
    static const struct item handshakes[] = {
        { "handshakes_client", "with clients", false },
        { "resumed_client", "resumed", false },
        { "handshakes_server", "with servers", false },
        { "resumed_server", "resumed", false },
        { "reused_server", "kept from a session before", false },
    };
    static const struct item leaves[] = {
        { "minted", "minted", false },
        { "mint_cached", "found again", false },
    };
    static const struct item traffic[] = {
        { "requests", "requests", false },
        { "requests_blocked", "answered here", false },
        { "bytes_up", "up", true },
        { "bytes_down", "down", true },
    };
    static const struct item failures[] = {
        { "door_bad", "at the door", false },     { "hello_bad", "at the hello", false },
        { "dial_failed", "dialling", false },     { "judge_failed", "judging", false },
        { "forge_failed", "forging", false },     { "greet_failed", "greeting", false },
        { "bridge_failed", "afterwards", false }, { "overloaded", "over a limit", false },
    };

    row(l, "sessions", totals, sessions, ARRAY_LEN(sessions));
    row(l, "TLS", totals, handshakes, ARRAY_LEN(handshakes));
    row(l, "leaves", totals, leaves, ARRAY_LEN(leaves));
    row(l, "traffic", totals, traffic, ARRAY_LEN(traffic));
    row(l, "failed", totals, failures, ARRAY_LEN(failures));
}

static void process_show(struct layout *l, const char *label, const json_t *p)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);
    int64_t restarts = cli_number(p, "restarts");

    buf_printf(&text, "%s", cli_text(p, "name"));
    if (json_is_true(json_object_get(p, "running")))
        buf_printf(&text, ", process %lld", (long long)cli_number(p, "pid"));
    else
        buf_str(&text, ", being started");
    buf_str(&text, ", for ");
    cli_time(&text, cli_number(p, "since_ms"));
    if (restarts > 0)
        buf_printf(&text, ", started again %lld time%s", (long long)restarts,
                   restarts == 1 ? "" : "s");
    if (buf_error(&text) == 0)
        cli_row(l, label, (const char *)text.data);
}

/* true: all is well. */
static bool audit_show(struct layout *l, const json_t *answer)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);
    const json_t *audit = json_object_get(answer, "audit");
    int64_t lost = cli_number(json_object_get(answer, "totals"), "audit_lost");
    bool failing = json_is_true(json_object_get(audit, "failing"));

    if (failing)
        buf_printf(&text, "cannot be written: %s", cli_text(audit, "why"));
    else
        buf_str(&text, "being written");
    if (lost > 0) {
        buf_str(&text, "; ");
        cli_count(&text, lost);
        buf_str(&text, " records were lost");
    }
    if (buf_error(&text) == 0)
        cli_row(l, "log", (const char *)text.data);
    return !failing;
}

static void gate_show(struct layout *l, const json_t *answer, const json_t *gate)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);
    size_t i;
    json_t *one;

    buf_printf(&text, "midwatch %s", cli_text(answer, "version"));
    if (cli_number(gate, "pid") != 0) {
        buf_printf(&text, ", process %lld, for ", (long long)cli_number(gate, "pid"));
        cli_time(&text, cli_number(gate, "since_ms"));
        buf_printf(&text, ", policy %s", cli_text(gate, "config"));
    }
    if (json_is_true(json_object_get(gate, "draining")))
        buf_str(&text, ", draining");
    if (buf_error(&text) == 0)
        cli_row(l, "gate", (const char *)text.data);
    json_array_foreach(json_object_get(gate, "listeners"), i, one) {
        const char *url = json_string_value(one);

        cli_row(l, i == 0 ? "listens" : "", url != NULL ? url : "");
    }
}

/* true: all is well. */
static bool status_show(struct layout *l, const json_t *answer)
{
    const json_t *gate = json_object_get(answer, "gate");
    const char *why = cli_text(gate, "not_ready");
    bool well;
    size_t i;
    json_t *one;

    gate_show(l, answer, gate);
    counters_show(l, json_object_get(answer, "totals"));
    well = audit_show(l, answer);
    json_array_foreach(json_object_get(gate, "processes"), i, one) {
        process_show(l, i == 0 ? "processes" : "", one);
    }
    if (!json_is_object(gate))
        why = "its parent process does not answer";
    if (why[0] != '\0')
        cli_row(l, "trouble", why);
    return well && why[0] == '\0';
}

static int status_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct layout l = layout_for(stdout, COLOUR_AUTO, &out);
    const struct cli *cli = settings;
    json_t *answer;
    bool well;
    int r;

    (void)arena;
    if (words->count > 0)
        return subcommand_usage(&status_subcommand, "it takes no words");
    answer = cli_ask(&status_subcommand, cli, json_pack("{ss}", "ask", "status"));
    if (answer == NULL)
        return SUBCOMMAND_USAGE;
    well = status_show(&l, answer);
    r = cli->json ? cli_print_json(&status_subcommand, answer)
                  : cli_print(&status_subcommand, &out);
    json_decref(answer);
    return r != 0 ? r : !well;
}

int status_command(int argc, char **argv)
{
    struct cli set = { 0 };

    return subcommand_main(&status_subcommand, argc, argv, &set, &set.help, status_run);
}

/* ---------------------------------------------------------------------- orders ---- */

static const struct subcommand reload_subcommand = {
    .name = "midwatch gate reload",
    .usage = "[OPTIONS]",
    .about = "Makes a running gate read its configuration anew. If anything is wrong with it, the "
             "old one stays and this says what; no connection is dropped either way.",
    .args = status_args,
    .n_args = ARRAY_LEN(status_args),
};

static const struct subcommand drain_subcommand = {
    .name = "midwatch gate drain",
    .usage = "[OPTIONS]",
    .about = "Makes a running gate accept no more and end when all its sessions have, or after 30 "
             "seconds.",
    .args = status_args,
    .n_args = ARRAY_LEN(status_args),
};

static const struct subcommand upgrade_subcommand = {
    .name = "midwatch gate upgrade",
    .usage = "[OPTIONS]",
    .about = "Starts the program anew, as it is on disk now, with the listeners of the running "
             "gate. Once the new one is ready the old one drains: no connection is refused or "
             "dropped. Also for what a reload cannot change.",
    .args = status_args,
    .n_args = ARRAY_LEN(status_args),
};

static int order(const struct subcommand *c, const char *ask, const struct config_list *words,
                 const struct cli *cli)
{
    json_t *answer;
    int r = 0;

    if (words->count > 0)
        return subcommand_usage(c, "it takes no words");
    answer = cli_ask(c, cli, json_pack("{ss}", "ask", ask));
    if (answer == NULL)
        return SUBCOMMAND_USAGE;
    if (cli->json)
        r = cli_print_json(c, answer);
    else if (cli_text(answer, "said")[0] != '\0')
        puts(cli_text(answer, "said"));
    json_decref(answer);
    return r;
}

static int reload_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    (void)arena;
    return order(&reload_subcommand, "reload", words, settings);
}

static int drain_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    (void)arena;
    return order(&drain_subcommand, "drain", words, settings);
}

static int upgrade_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    (void)arena;
    return order(&upgrade_subcommand, "upgrade", words, settings);
}

int reload_command(int argc, char **argv)
{
    struct cli set = { 0 };

    return subcommand_main(&reload_subcommand, argc, argv, &set, &set.help, reload_run);
}

int drain_command(int argc, char **argv)
{
    struct cli set = { 0 };

    return subcommand_main(&drain_subcommand, argc, argv, &set, &set.help, drain_run);
}

int upgrade_command(int argc, char **argv)
{
    struct cli set = { 0 };

    return subcommand_main(&upgrade_subcommand, argc, argv, &set, &set.help, upgrade_run);
}
