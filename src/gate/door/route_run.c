/*
 * The rules into force and out of it, through nft and ip: fixed arguments, no shell, programs
 * from the system's folders whatever PATH says.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/own.h"
#include "gate/door/route.h"

enum { OUTPUT_MAX = 4 << 20, ARGS_MAX = 16 };

/* ------------------------------------------------------------------- other programs ---- */

static const char *program_find(const char *name, char path[64])
{
    static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin",
                                           "/usr/local/sbin", "/run/current-system/sw/bin" };

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, 64, "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

/* What is written to its standard input; -1: nothing. */
static int input_of(struct mw_span text)
{
    FILE *file = tmpfile();
    int fd = -1;

    if (file == NULL)
        return -1;
    if ((text.len == 0 || fwrite(text.data, text.len, 1, file) == 1) && fflush(file) == 0 &&
        lseek(fileno(file), 0, SEEK_SET) == 0)
        fd = dup(fileno(file));
    fclose(file);
    return fd;
}

static int output_read(int fd, struct buf *out)
{
    for (;;) {
        uint8_t *to = buf_reserve(out, 4096);
        ssize_t n = to != NULL ? read(fd, to, 4096) : -1;

        if (to == NULL)
            return buf_error(out);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        buf_took(out, (size_t)n);
    }
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + (WIFSIGNALED(status) ? WTERMSIG(status)
                                                                                : 0);
}

/* argv[0] is looked up.  Its exit status, -ENOENT: there is no such program; -errno.  What it
 * writes, errors too, goes to `out`. */
static int run(const char *const argv[], struct mw_span input, struct buf *out)
{
    char locale[] = "LC_ALL=C", *environment[] = { locale, NULL };
    CLEANUP(own_close) int in = -1, from = -1, to = -1;
    posix_spawn_file_actions_t actions;
    char path[64];
    char *args[ARGS_MAX];
    int ends[2], r;
    pid_t child;

    if (program_find(argv[0], path) == NULL)
        return -ENOENT;
    in = input_of(input);
    if (in < 0 || pipe(ends) != 0)
        return -errno;
    from = ends[0];
    to = ends[1];
    for (size_t i = 0; i < ARGS_MAX; i++) {
        args[i] = (char *)(uintptr_t)argv[i];   /* posix_spawn promises to leave them alone */
        if (argv[i] == NULL)
            break;
    }
    r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, in);
    posix_spawn_file_actions_addclose(&actions, from);
    posix_spawn_file_actions_addclose(&actions, to);
    r = posix_spawn(&child, path, &actions, NULL, args, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return -r;
    close(own_steal_fd(&to));
    r = output_read(from, out);
    if (r != 0)
        kill(child, SIGKILL);
    return r != 0 ? (void)wait_for(child), r : wait_for(child);
}

/* The same with what went wrong in words.  0, or 1. */
static int run_or_say(const char *const argv[], struct mw_span input, const char *what,
                      struct buf *error)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_MAX);
    struct mw_span text, line = { NULL, 0 };
    int r = run(argv, input, &out);

    if (r == 0)
        return 0;
    text = buf_span(&out);
    while (span_trim(line).len == 0 && span_line(&text, &line))
        ;
    if (r == -ENOENT)
        buf_printf(error, "there is no program \"%s\": install %s", argv[0],
                   strcmp(argv[0], "nft") == 0 ? "nftables" : "iproute2");
    else if (r < 0)
        buf_printf(error, "cannot run %s: %s", argv[0], strerror(-r));
    else
        buf_printf(error, "%s: %s said: %.*s", what, argv[0],
                   (int)(line.len < 300 ? line.len : 300), line.len > 0 ? (const char *)line.data
                                                                        : "nothing");
    return 1;
}

/* What may fail since there is nothing to remove. */
static int run_quietly(const char *const argv[])
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_MAX);

    return run(argv, span_of(NULL, 0), &out);
}

/* ----------------------------------------------------------------- policy routing ---- */

/* ROUTE_TABLE and ROUTE_MARK, as ip(8) takes and shows them. */
#define TABLE "19799"
#define MARK "0x4d57"

static const char *const families[] = { "-4", "-6" };

/* Rules may be there more than once: each call takes one away. */
static void routing_remove(void)
{
    enum { TRIES = 8 };

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const char *const rule[] = { "ip", families[i], "rule", "del", "pref", TABLE, "fwmark",
                                     MARK, "lookup", TABLE, NULL };
        const char *const routes[] = { "ip", families[i], "route", "flush", "table", TABLE, NULL };

        for (int n = 0; n < TRIES && run_quietly(rule) == 0; n++)
            ;
        (void)run_quietly(routes);
    }
}

static int routing_apply(const struct route_facts *f, struct buf *error)
{
    const bool wanted[] = { f->tproxy_v4, f->tproxy_v6 };
    int r = 0;

    routing_remove();
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
        const char *const rule[] = { "ip", families[i], "rule", "add", "pref", TABLE, "fwmark",
                                     MARK, "lookup", TABLE, NULL };
        const char *const route[] = { "ip", families[i], "route", "replace", "local", "default",
                                      "dev", "lo", "table", TABLE, NULL };

        if (!wanted[i])
            continue;
        r = run_or_say(rule, span_of(NULL, 0), "the routing rule was refused", error);
        if (r == 0)
            r = run_or_say(route, span_of(NULL, 0), "the route was refused", error);
    }
    return r;
}

static int routing_check(const struct route_facts *f, struct buf *error)
{
    const bool wanted[] = { f->tproxy_v4, f->tproxy_v6 };

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const char *const rules[] = { "ip", families[i], "rule", "show", NULL };
        const char *const routes[] = { "ip", families[i], "route", "show", "table", TABLE, NULL };
        CLEANUP(buf_deinit) struct buf rule = BUF_INIT(OUTPUT_MAX), route = BUF_INIT(OUTPUT_MAX);
        const char *six = i == 0 ? "" : "-6 ";
        int r;

        if (!wanted[i])
            continue;
        r = run(rules, span_of(NULL, 0), &rule);
        if (r == 0)
            r = run(routes, span_of(NULL, 0), &route);
        if (r == -ENOENT) {
            buf_str(error, "there is no program \"ip\": install iproute2");
            return 1;
        }
        buf_u8(&rule, 0);
        buf_u8(&route, 0);
        if (buf_error(&rule) != 0 || buf_error(&route) != 0 ||
            strstr((const char *)rule.data, "fwmark " MARK " lookup " TABLE) == NULL ||
            strstr((const char *)route.data, "local default dev lo") == NULL) {
            buf_printf(error, "the routing for TPROXY is missing: ip %srule show, "
                              "ip %sroute show table " TABLE, six, six);
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------------- nftables ---- */

static int nft_load(struct mw_span rules, bool check_only, struct buf *error)
{
    const char *const load[] = { "nft", "-f", "-", NULL };
    const char *const check[] = { "nft", "-c", "-f", "-", NULL };

    return run_or_say(check_only ? check : load, rules, "the rules were refused", error);
}

/* The chains and rules of the table, as nft(8)'s JSON has them. */
static void table_count(const json_t *root, const char *stamp, bool *stamped, size_t *rules)
{
    const json_t *item;
    size_t i;

    *stamped = false;
    *rules = 0;
    json_array_foreach(json_object_get(root, "nftables"), i, item) {
        const json_t *chain = json_object_get(item, "chain");
        const char *name = json_string_value(json_object_get(chain, "name"));

        if (name != NULL && strcmp(name, stamp) == 0)
            *stamped = true;
        if (json_object_get(item, "rule") != NULL)
            ++*rules;
    }
}

static int nft_check(const struct route_facts *f, struct buf *error)
{
    const char *const list[] = { "nft", "-j", "list", "table", "inet", "midwatch", NULL };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_MAX);
    json_t *root;
    bool stamped;
    size_t rules;
    int r = run(list, span_of(NULL, 0), &out);

    if (r == -ENOENT) {
        buf_str(error, "there is no program \"nft\": install nftables");
        return 1;
    }
    root = r == 0 && out.len > 0 ? json_loadb((const char *)out.data, out.len, 0, NULL) : NULL;
    if (root == NULL) {
        buf_str(error, "there is no table \"inet midwatch\": nothing is redirected");
        return 1;
    }
    table_count(root, f->stamp, &stamped, &rules);
    json_decref(root);
    if (!stamped)
        buf_str(error, "the table \"inet midwatch\" was made from another configuration or with "
                       "other options: apply it again");
    else if (rules != f->rules)
        buf_printf(error, "the table \"inet midwatch\" was changed by hand: it has %zu rules, "
                          "not %zu", rules, f->rules);
    return stamped && rules == f->rules ? 0 : 1;
}

/* -------------------------------------------------------------------------- commands ---- */

static int is_root(struct buf *error)
{
    if (geteuid() == 0)
        return 0;
    buf_str(error, "only root may change how packets go: sudo midwatch gate route …");
    return 1;
}

int route_apply(const struct gate_config *c, const struct route_options *o, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf rules = BUF_INIT(128 * 1024);
    struct route_facts facts = route_rules_for(&rules, c, o);
    int r = is_root(error);

    if (r == 0 && buf_error(&rules) != 0) {
        buf_str(error, "out of memory");
        r = 1;
    }
    if (r == 0)
        r = nft_load(buf_span(&rules), true, error);
    if (r != 0)
        return r;
    r = routing_apply(&facts, error);
    if (r == 0)
        r = nft_load(buf_span(&rules), false, error);
    if (r != 0) {
        CLEANUP(buf_deinit) struct buf second = BUF_INIT(4096);

        if (route_remove(&second) != 0)
            buf_str(error, "; and what was done before that could not be undone");
    }
    return r;
}

int route_remove(struct buf *error)
{
    static const char rules[] = "table inet midwatch\ndelete table inet midwatch\n";
    int r = is_root(error);

    if (r == 0)
        r = nft_load(SPAN_LIT(rules), false, error);
    if (r == 0)
        routing_remove();
    return r;
}

int route_check(const struct gate_config *c, const struct route_options *o, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf rules = BUF_INIT(128 * 1024);
    struct route_facts facts = route_rules_for(&rules, c, o);
    int r = is_root(error);

    if (r == 0)
        r = nft_check(&facts, error);
    return r == 0 ? routing_check(&facts, error) : r;
}
