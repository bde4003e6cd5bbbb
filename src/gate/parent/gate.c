#include "gate/parent/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "gate/control/control.h"
#include "gate/door/route.h"
#include "gate/forge/forge.h"
#include "gate/parent/parent.h"
#include "gate/policy/test_config.h"
#include "gate/scribe/log.h"

static const char DEFAULT_CONFIG[] = "/etc/midwatch/gate.conf";

static const struct word {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} words[] = {
    { "ca", ca_command, "the certificate authority: init, export, rotate, show" },
    { "reload", reload_command, "read the configuration anew" },
    { "status", status_command, "how a running gate is" },
    { "top", top_command, "what passes through it now" },
    { "why", why_command, "why a site failed, and what to change" },
    { "learned", learned_command, "exceptions that were learned" },
    { "log", log_command, "the audit log: verify, show, unlock" },
    { "route", route_command, "rules that send traffic here" },
    { "test-config", test_config_command, "is the configuration right, and what does it say" },
};

struct start {
    const char *config, *state, *roots, *local_roots, *hosts_file, *ready_file;
    struct config_list listen, dns, set;
    int64_t workers;
    bool verbose, help;
};

#define AT(field) offsetof(struct start, field)

static const struct arg args[] = {
    { "config", 'c', CONFIG_STRING, AT(config), 0, 0, "FILE",
      "the configuration; default /etc/midwatch/gate.conf if that is there", true },
    { "listen", 'l', CONFIG_LIST, AT(listen), 0, 0, "URL",
      "http://, socks5://, tproxy:// or redirect:// and ADDRESS:PORT, instead of the "
      "configuration's; may be repeated; default http://127.0.0.1:3128",
      true },
    { "state", 's', CONFIG_STRING, AT(state), 0, 0, "DIR",
      "where the CA, the audit log and what was learned are kept", true },
    { "roots", 'r', CONFIG_STRING, AT(roots), 0, 0, "FILE",
      "trust these authorities (PEM) for servers, instead of the system's", true },
    { "local-roots", 0, CONFIG_STRING, AT(local_roots), 0, 0, "FILE",
      "trust these as your own, besides", true },
    { "dns", 0, CONFIG_LIST, AT(dns), 0, 0, "ADDRESS", "name servers, instead of the system's",
      true },
    { "hosts-file", 0, CONFIG_STRING, AT(hosts_file), 0, 0, "FILE",
      "fixed addresses of names, instead of /etc/hosts", true },
    { "workers", 'w', CONFIG_NUMBER, AT(workers), 1, PROCESS_MAX_WORKERS, "N",
      "processes that face the network; default one for each processor", true },
    { "set", 0, CONFIG_LIST, AT(set), 0, 0, "TEXT", "more configuration, as in the file", true },
    { "ready-file", 0, CONFIG_STRING, AT(ready_file), 0, 0, "FILE",
      "written once all listeners listen: their URLs, one a line", true },
    { "verbose", 'v', CONFIG_BOOL, AT(verbose), 0, 0, NULL, "say more on standard error", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const char footer[] =
    "Commands: midwatch gate ca, reload, status, top, why, learned, log, route,\n"
    "test-config; each has its own --help.\n"
    "\n"
    "Try:  midwatch gate &\n"
    "      midwatch gate ca export > ca.pem\n"
    "      curl --proxy http://127.0.0.1:3128 --cacert ca.pem https://example.com/\n";

static const struct subcommand command = {
    .name = "midwatch gate",
    .usage = "[OPTIONS]\nCOMMAND [OPTIONS]",
    .about = "The TLS-inspection gateway: decrypts what policy says, leaves exceptions untouched, "
             "judges every server, and records what it did. Without options it is a proxy on "
             "this computer that inspects everything but what is known to break.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = footer,
};

/* ------------------------------------------------------- the command line as configuration ---- */

static void quoted(struct buf *out, const char *text)
{
    buf_str(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_str(out, "\\");
        buf_add(out, span_of(text, 1));
    }
    buf_str(out, "\"");
}

static void list_text(struct buf *out, const char *key, const struct config_list *list)
{
    if (list->count == 0)
        return;
    buf_printf(out, "%s = [", key);
    for (size_t i = 0; i < list->count; i++) {
        buf_str(out, i > 0 ? ", " : "");
        quoted(out, list->items[i]);
    }
    buf_str(out, "];\n");
}

/* Files are meant from where the command is given, not from the configuration's folder. */
static void path_text(struct buf *out, const char *key, const char *path)
{
    CLEANUP(own_free) char *here = NULL, *whole = NULL;

    if (path == NULL)
        return;
    if (path[0] != '/' && (here = getcwd(NULL, 0)) != NULL) {
        size_t len = strlen(here) + strlen(path) + 2;

        whole = malloc(len);
        if (whole != NULL)
            snprintf(whole, len, "%s/%s", here, path);
    }
    buf_printf(out, "%s = ", key);
    quoted(out, whole != NULL ? whole : path);
    buf_str(out, ";\n");
}

static void extra_text(struct buf *out, const struct start *s)
{
    list_text(out, "listen", &s->listen);
    path_text(out, "state", s->state);
    if (s->workers > 0)
        buf_printf(out, "workers = %d;\n", (int)s->workers);
    if (s->roots != NULL || s->local_roots != NULL || s->hosts_file != NULL || s->dns.count > 0) {
        buf_str(out, "upstream {\n");
        path_text(out, "roots", s->roots);
        path_text(out, "local-roots", s->local_roots);
        path_text(out, "hosts-file", s->hosts_file);
        list_text(out, "dns", &s->dns);
        buf_str(out, "}\n");
    }
    for (size_t i = 0; i < s->set.count; i++)
        buf_printf(out, "%s\n", s->set.items[i]);
}

/* -------------------------------------------------------------------------------- start ---- */

static void listener_url(struct buf *out, const struct parent *p, size_t i)
{
    char at[ADDR_TEXT];

    addr_text(&p->bounds[i].at, true, at);
    buf_printf(out, "%s://%s", gate_entrance_name(p->config->listeners[i].entrance), at);
}

static int ready_write(const struct parent *p, const char *path)
{
    CLEANUP(buf_deinit) struct buf urls = BUF_INIT(65536);

    for (size_t i = 0; i < p->n_bounds; i++) {
        listener_url(&urls, p, i);
        buf_str(&urls, "\n");
    }
    return buf_error(&urls) != 0 ? buf_error(&urls) : file_replace(path, buf_span(&urls), 0644);
}

static void greet(const struct parent *p)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(65536);

    for (size_t i = 0; i < p->n_bounds; i++) {
        buf_str(&line, i > 0 ? ", " : "");
        listener_url(&line, p, i);
    }
    if (buf_error(&line) != 0)
        return;
    fprintf(stderr, "midwatch gate: listening on %s\n", (const char *)line.data);
    fprintf(stderr, "midwatch gate: state in %s; the CA to install: midwatch gate ca export "
                    "--state %s\n",
            p->config->state_folder, p->config->state_folder);
}

static int start_run(const struct config_list *operands, const void *settings,
                     struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192), extra = BUF_INIT(1 << 20);
    const struct start *s = settings;
    const char *config = s->config;
    struct parent *p = NULL;
    int r;

    (void)arena;
    if (operands->count > 0)
        return subcommand_usage(&command, "there is no command \"%.60s\"", operands->items[0]);
    if (s->verbose)
        log_set_level(LOG_LEVEL_INFO);
    if (config == NULL && access(DEFAULT_CONFIG, R_OK) == 0)
        config = DEFAULT_CONFIG;
    extra_text(&extra, s);
    r = buf_error(&extra);
    if (r == 0)
        r = parent_new(&p, config, extra.len > 0 ? (const char *)extra.data : "", &error);
    if (r == 0)
        r = parent_start(p, &error);
    if (r == 0 && s->ready_file != NULL && (r = ready_write(p, s->ready_file)) < 0)
        buf_printf(&error, "%s: %s", s->ready_file, strerror(-r));
    if (r != 0) {
        r = subcommand_fail(&command, "%s",
                            error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : 0));
        if (p != NULL)
            parent_abort(p);
    } else {
        greet(p);
        r = parent_run(p);
    }
    parent_free(p);
    return r;
}

static int role_run(int argc, char **argv)
{
    const char *role = argc > 2 ? argv[2] : "";

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
    struct start s = { .workers = 0 };

    if (argc > 1 && strcmp(argv[1], "--role") == 0)
        return role_run(argc, argv);
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(argv[1], words[i].name) == 0)
            return words[i].run(argc - 1, argv + 1);
    return subcommand_main(&command, argc, argv, &s, &s.help, start_run);
}
