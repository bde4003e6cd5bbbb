#include "gate/parent/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "gate/wire/process.h"

enum { WORKERS_MAX = PROCESS_MAX_WORKERS / 2 };

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
    { "workers", 'w', CONFIG_NUMBER, AT(workers), 1, WORKERS_MAX, "N",
      "processes that face the network; default one for each processor", true },
    { "set", 0, CONFIG_LIST, AT(set), ARG_WHOLE, 0, "TEXT", "more configuration, as in the file",
      true },
    { "ready-file", 0, CONFIG_STRING, AT(ready_file), 0, 0, "FILE",
      "written once all listeners listen: their URLs, one a line", true },
    { "log-level", 0, CONFIG_STRING, AT(log_level), 0, 0, "LEVEL",
      "what to say on standard error: error, warning, info or debug; default info for the gate, "
      "warning for its processes",
      true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const char footer[] =
    "Commands: midwatch gate status, top, why, learned, ca, log, route, test-config,\n"
    "selftest, reload, upgrade, drain; each has its own --help.\n"
    "\n"
    "Try:  midwatch gate &\n"
    "      midwatch gate ca export > ca.pem\n"
    "      curl --proxy http://127.0.0.1:3128 --cacert ca.pem https://example.com/\n";

const struct subcommand start_subcommand = {
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

void start_text(struct buf *out, const struct start *s)
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

int start_log_level(const char *word, enum log_level *out)
{
    static const char *const words[] = { "error", "warning", "info", "debug" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}
