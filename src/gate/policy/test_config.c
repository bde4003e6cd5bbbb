#include "gate/policy/test_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/subcommand.h"
#include "base/text.h"
#include "gate/policy/explain.h"
#include "gate/policy/lint.h"
#include "gate/policy/load.h"

static const char DEFAULT_FILE[] = "/etc/midwatch/gate.conf";

enum { SHOWN_BEFORE = 60, SHOWN_LEN = 100 };

struct settings {
    const char *config, *host, *asked, *client, *user, *ja4, *entrance, *destination, *at;
    struct config_list set;
    int64_t port;
    bool quiet, help;
};

#define AT(field) offsetof(struct settings, field)

static const struct arg args[] = {
    { "config", 'c', CONFIG_STRING, AT(config), 0, 0, "FILE",
      "the configuration; default /etc/midwatch/gate.conf if that is there", true },
    { "set", 0, CONFIG_LIST, AT(set), 0, 0, "TEXT", "more configuration, as in the file", true },
    { "quiet", 'q', CONFIG_BOOL, AT(quiet), 0, 0, NULL, "only what is wrong", true },
    { .help = "What would be done with a session" },
    { "explain", 'e', CONFIG_STRING, AT(host), 0, 0, "HOST",
      "say which rule fits when a client names this server", true },
    { "port", 0, CONFIG_NUMBER, AT(port), 1, 65535, "N", "of the server (443)", true },
    { "asked", 0, CONFIG_STRING, AT(asked), 0, 0, "HOST",
      "what the client asked the proxy for, if that is another name", true },
    { "client", 0, CONFIG_STRING, AT(client), 0, 0, "ADDR", "of the client (127.0.0.1)", true },
    { "user", 0, CONFIG_STRING, AT(user), 0, 0, "NAME", "who signed in; groups are looked up",
      true },
    { "destination", 0, CONFIG_STRING, AT(destination), 0, 0, "ADDR", "behind HOST", true },
    { "ja4", 0, CONFIG_STRING, AT(ja4), 0, 0, "TEXT", "the client's fingerprint", true },
    { "entrance", 0, CONFIG_STRING, AT(entrance), 0, 0, "KIND",
      "http, socks5, tproxy or redirect (http)", true },
    { "at", 0, CONFIG_STRING, AT(at), 0, 0, "TIME", "as if it were then (RFC 3339)", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch gate test-config",
    .usage = "[--config FILE] [--explain HOST [--client ADDR] …]",
    .about = "Reads the gate's configuration and every file it names, says what is wrong with\n"
             "line and column, or what it sets and what is odd about it. Nothing else is touched.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = "Examples:\n"
              "  midwatch gate test-config --config gate.conf\n"
              "  midwatch gate test-config --explain meet.example.com --client 10.1.2.3\n",
};

/* ----------------------------------------------------------------------- a mark in a line ---- */

/* Finds ":LINE:COLUMN: " in the message; the file's name is before it. */
static bool place_find(const char *error, size_t *file_len, int64_t *line, int64_t *column)
{
    for (const char *at = strchr(error, ':'); at != NULL; at = strchr(at + 1, ':')) {
        size_t first = strspn(at + 1, "0123456789");
        const char *next = at + 1 + first;
        size_t second = *next == ':' ? strspn(next + 1, "0123456789") : 0;

        if (first == 0 || second == 0 || strncmp(next + 1 + second, ": ", 2) != 0)
            continue;
        *file_len = (size_t)(at - error);
        return text_number(span_of(at + 1, first), 1, INT32_MAX, line) == 0 &&
               text_number(span_of(next + 1, second), 1, INT32_MAX, column) == 0;
    }
    return false;
}

/* Where the n-th character of UTF-8 text begins. */
static size_t character(struct mw_span text, size_t n)
{
    size_t at = 0;

    while (at < text.len && n > 0) {
        at++;
        while (at < text.len && (text.data[at] & 0xc0) == 0x80)
            at++;
        n--;
    }
    return at;
}

static size_t characters(struct mw_span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += (text.data[i] & 0xc0) != 0x80;
    return n;
}

static void shown_add(struct buf *out, struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf spaced = BUF_INIT(text.len + 1);

    buf_add(&spaced, text);
    for (size_t i = 0; i < spaced.len; i++)
        if (spaced.data[i] == '\t')
            spaced.data[i] = ' ';
    text_safe(out, buf_span(&spaced), 0);
}

void error_show(struct buf *out, const char *error, struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(1 << 16);
    int64_t line = 0, column = 0;
    struct mw_span one = { NULL, 0 };
    size_t file_len, from, mark;

    buf_printf(out, "%s\n", error);
    if (!place_find(error, &file_len, &line, &column))
        return;
    for (int64_t i = 0; i < line; i++)
        if (!span_line(&text, &one))
            return;
    mark = (size_t)column - 1;
    from = mark > SHOWN_BEFORE ? mark - SHOWN_BEFORE : 0;
    shown_add(&before, span_cut(one, character(one, from),
                                character(one, mark) - character(one, from)));
    one = span_cut(one, character(one, from), one.len);
    buf_printf(out, "%6lld | ", (long long)line);
    shown_add(out, span_cut(one, 0, character(one, SHOWN_LEN)));
    buf_str(out, "\n       | ");
    buf_fill(out, ' ', characters(buf_span(&before)));
    buf_str(out, "^\n");
}

/* The text that the message is about: the command line's, or a file's. */
static int error_print(const char *error, const char *extra)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(BUNDLE_MAX_FILE), out = BUF_INIT(1 << 16);
    int64_t line, column;
    char file[1024];
    size_t len = 0;

    if (place_find(error, &len, &line, &column) && len < sizeof file) {
        memcpy(file, error, len);
        file[len] = '\0';
        if (strcmp(file, "command line") == 0)
            buf_str(&text, extra);
        else if (file_read(file, &text) != 0)   /* then there is only the message */
            buf_truncate(&text, 0);
    }
    error_show(&out, error, buf_span(&text));
    fputs(out.data != NULL ? (const char *)out.data : error, stderr);
    return SUBCOMMAND_USAGE;
}

/* ------------------------------------------------------------------------------ summary ---- */

static size_t count_rules(const struct gate_config *c, enum gate_action action)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_rules; i++)
        n += c->rules[i].action == action;
    return n;
}

static void catalogue_summary(struct buf *out, const struct gate_config *c)
{
    static const enum gate_exception_class classes[] = { GATE_TECHNICAL, GATE_PRIVACY,
                                                         GATE_PERFORMANCE };
    size_t taken = 0;

    for (size_t i = 0; i < gate_exception_count(); i++)
        taken += catalogue_takes(c->own, gate_exception_at(i));
    buf_printf(out, "catalogue   %zu of %zu names excepted", taken, gate_exception_count());
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (c->own->taken_class[classes[i]])
            buf_printf(out, ", %s", gate_exception_class_name(classes[i]));
    buf_str(out, "\n");
}

static void summary(struct buf *out, const struct gate_config *c)
{
    buf_printf(out, "%s: OK\n", c->file);
    for (size_t i = 0; i < c->n_listeners; i++)
        buf_printf(out, "%s %s\n", i == 0 ? "listen     " : "           ",
                   ucl_show(c->listeners[i].text).text);
    buf_printf(out, "state       %s\n", c->state_folder);
    buf_printf(out, "rules       %zu: %zu inspect, %zu bypass, %zu block, %zu only say what to do "
               "about findings\n", c->n_rules, count_rules(c, GATE_INSPECT),
               count_rules(c, GATE_BYPASS), count_rules(c, GATE_BLOCK),
               count_rules(c, GATE_UNDECIDED));
    catalogue_summary(out, c);
    buf_printf(out, "undefined   %s\n", gate_action_name(c->undefined));
    if (c->users_file != NULL)
        buf_printf(out, "users       %zu\n", c->own->users.n);
    buf_str(out, "policy      ");
    text_hex(out, span_of(c->sha256, 8), 0);
    buf_str(out, "\n");
}

static int report(const struct gate_config *c, bool quiet, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 22), odd = BUF_INIT(1 << 22);
    size_t n = gate_config_lint(c, now, &odd);

    if (!quiet)
        summary(&out, c);
    if (n > 0)
        buf_printf(&out, "\n%zu thing%s to look at:\n%s", n, n == 1 ? "" : "s",
                   odd.data != NULL ? (const char *)odd.data : "");
    if (buf_error(&out) != 0 || buf_error(&odd) != 0)
        return subcommand_fail(&command, "out of memory");
    fputs(out.data != NULL ? (const char *)out.data : "", stdout);
    return 0;
}

/* ------------------------------------------------------------------------------ the rest ---- */

static int explain_session(const struct gate_config *c, const struct settings *s,
                           struct mw_wall now)
{
    const struct explain_question q = { .host = s->host,
                                        .asked = s->asked,
                                        .client = s->client,
                                        .user = s->user,
                                        .ja4 = s->ja4,
                                        .entrance = s->entrance,
                                        .destination = s->destination,
                                        .port = (uint16_t)s->port,
                                        .now = now };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 22), error = BUF_INIT(4096);
    int r = explain(c, &q, &out, &error);

    if (r > 0)
        return subcommand_usage(&command, "%s", (const char *)error.data);
    if (r < 0 || buf_error(&out) != 0)
        return subcommand_fail(&command, "out of memory");
    fputs((const char *)out.data, stdout);
    return 0;
}

static int config_try(struct gate_config **out, const char *file, const char *extra)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 16);
    struct gate_bundle *b = NULL;
    int r = gate_bundle_read(&b, file, extra, &error);

    if (r == 0)
        r = gate_config_load(out, b, &error);
    gate_bundle_free(b);
    if (r > 0)
        return error_print((const char *)error.data, extra);
    return r < 0 ? subcommand_fail(&command, "%s", strerror(-r)) : 0;
}

static int run(const struct config_list *operands, const void *settings, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf extra = BUF_INIT(1 << 20);
    const struct settings *s = settings;
    struct gate_config *c = NULL;
    const char *file = s->config;
    struct mw_wall now = wall_now();
    int r;

    (void)arena;
    if (operands->count > 0)
        return subcommand_usage(&command, "what is \"%s\"? A file is named with --config",
                                ucl_show(operands->items[0]).text);
    if (s->at != NULL && wall_parse(span_str(s->at), &now) != 0)
        return subcommand_usage(&command, "--at takes a time like 2026-03-15T12:00:00Z");
    if (file == NULL && access(DEFAULT_FILE, F_OK) == 0)
        file = DEFAULT_FILE;
    for (size_t i = 0; i < s->set.count; i++)
        buf_printf(&extra, "%s\n", s->set.items[i]);
    if (buf_error(&extra) != 0)
        return subcommand_fail(&command, "--set: more than a megabyte");
    r = config_try(&c, file, extra.len > 0 ? (const char *)extra.data : "");
    if (c != NULL)
        r = s->host != NULL ? explain_session(c, s, now) : report(c, s->quiet, now);
    gate_config_unref(c);
    return r;
}

int test_config_command(int argc, char **argv)
{
    struct settings s = { .client = "127.0.0.1", .entrance = "http", .port = 443 };

    return subcommand_main(&command, argc, argv, &s, &s.help, run);
}
