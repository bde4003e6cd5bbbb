#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "base/text.h"
#include "check/decisions.h"
#include "check/exit.h"
#include "check/state.h"
#include "check/target.h"
#include "trust/name.h"

struct trust_settings {
    const char *state;
    bool json, help;
};

#define SETTING(field) offsetof(struct trust_settings, field)

static const struct arg trust_args[] = {
    { "json", 'j', CONFIG_BOOL, SETTING(json), 0, 0, NULL,
      "list and log as JSON, one object a line", true },
    { "state", 0, CONFIG_STRING, SETTING(state), 0, 0, "DIR", "where the state lives", true },
    { "help", 'h', CONFIG_BOOL, SETTING(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch trust",
    .usage = "list\nremove HOST[:PORT]\nlog",
    .about = "What was trusted anyway. A decision covers one host and port, one key and exactly\n"
             "the findings that were shown, until it expires; \"midwatch check --ask\" makes one.",
    .args = trust_args,
    .n_args = ARRAY_LEN(trust_args),
};

struct listing {
    struct buf *out;
    struct mw_wall now;
    bool json;
    size_t n;
};

static int add_json(struct buf *out, json_t *object)
{
    CLEANUP(own_free) char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (text == NULL)
        return -1;
    buf_str(out, text);
    buf_str(out, "\n");
    return 0;
}

static int list_json(struct listing *l, const struct mw_decision *d)
{
    CLEANUP(buf_deinit) struct buf made = BUF_INIT(64), until = BUF_INIT(64);

    wall_format(&made, d->made);
    wall_format(&until, d->until);
    if (buf_error(&made) != 0 || buf_error(&until) != 0)
        return -1;
    return add_json(l->out,
                    json_pack("{ss ss si ss sb ss ss ss sb ss*}", "schema", "midwatch.trust/1",
                              "host", d->host, "port", (int)d->port, "key", d->key, "key_is_ca",
                              (int)d->key_is_ca, "findings", d->findings, "made", made.data,
                              "until", until.data, "expired", d->until.s <= l->now.s, "reason",
                              d->reason));
}

static void list_text(struct listing *l, const struct mw_decision *d)
{
    int64_t left = wall_diff_s(l->now, d->until);

    buf_printf(l->out, strchr(d->host, ':') != NULL ? "[%s]:%u\n" : "%s:%u\n", d->host, d->port);
    buf_str(l->out, "  accepted  ");
    text_safe(l->out, span_str(d->findings), 0);
    buf_printf(l->out, "\n  key       %s%s\n", d->key,
               d->key_is_ca ? " (the interceptor's authority)" : "");
    buf_str(l->out, left > 0 ? "  until     " : "  expired   ");
    wall_format_date(l->out, d->until);
    buf_str(l->out, left > 0 ? ", in " : ", ");
    span_of_time_format(l->out, left);
    buf_str(l->out, left > 0 ? "\n" : " ago\n");
    if (d->reason != NULL && d->reason[0] != '\0') {
        buf_str(l->out, "  because   ");
        text_safe(l->out, span_str(d->reason), 0);
        buf_str(l->out, "\n");
    }
}

static int list_one(void *context, const struct mw_decision *d)
{
    struct listing *l = context;

    l->n++;
    if (l->json)
        return list_json(l, d);
    list_text(l, d);
    return 0;
}

static int log_one(void *context, struct mw_wall at, const char *what, const char *subject,
                   const char *detail)
{
    struct listing *l = context;
    CLEANUP(buf_deinit) struct buf when = BUF_INIT(64);

    l->n++;
    wall_format(&when, at);
    if (buf_error(&when) != 0)
        return -1;
    if (l->json)
        return add_json(l->out, json_pack("{ss ss ss ss ss}", "schema", "midwatch.log/1", "at",
                                          when.data, "what", what, "subject", subject, "detail",
                                          detail));
    buf_printf(l->out, "%s  %-12s  ", (const char *)when.data, what);
    text_safe(l->out, span_str(subject), 0);
    buf_str(l->out, "  ");
    text_safe(l->out, span_str(detail), 0);
    buf_str(l->out, "\n");
    return 0;
}

static int print_list(struct store *s, bool json, bool log)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(16 << 20);
    struct listing l = { .out = &out, .now = wall_now(), .json = json };
    int r = 0;

    if (s != NULL)
        r = log ? state_events(s, log_one, &l) : decisions_each(s, list_one, &l);
    if (r == 0)
        r = buf_error(&out);
    if (r != 0)
        return subcommand_fail(&command, "cannot read what is remembered: %s",
                               r > 0 ? store_error(s) : "out of memory");
    if (l.n == 0 && !json)
        buf_str(&out, log ? "Nothing was ever decided or pinned.\n"
                          : "Nothing is trusted anyway.\n");
    fwrite(out.data, 1, out.len, stdout);
    return 0;
}

/* Without a port, all of the host's are meant. */
static int remove_host(struct store *s, const char *word, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct target target;
    struct host host;
    bool any_port;
    size_t n = 0;
    int r = target_parse(&target, span_str(word), PROBE_TLS_DIRECT, arena, &error);

    if (r != 0)
        return subcommand_usage(&command, "%s", r > 0 ? (char *)error.data : "out of memory");
    if (host_parse(&host, target.host) != 0)
        return subcommand_usage(&command, "%s is not a host name or an address", target.typed);
    any_port = strlen(word) <= strlen(target.host) + (word[0] == '[' ? 2 : 0);
    r = s != NULL ? decisions_remove(s, wall_now(), host.text, any_port ? 0 : target.port, &n)
                  : 0;
    if (r != 0)
        return subcommand_fail(&command, "cannot forget it: %s",
                               r > 0 ? store_error(s) : "out of memory");
    if (n == 0) {
        subcommand_fail(&command, "nothing is trusted anyway for %s; \"%s list\" shows what is",
                        target.typed, command.name);
        return CHECK_FINDINGS;
    }
    printf("Forgotten: %zu decision%s for %s.\n", n, n == 1 ? "" : "s", target.typed);
    return 0;
}

static int run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct trust_settings *set = settings;
    CLEANUP(own_free) char *folder = state_folder(set->state);
    CLEANUP(store_closep) struct store *s = NULL;
    const char *verb = words->count > 0 ? words->items[0] : "list";
    char error[256];

    if (folder == NULL)
        return subcommand_fail(&command, "there is no home folder to keep the state in; name one "
                                         "with --state DIR");
    if (state_open_existing(&s, folder, error) != 0)
        return subcommand_fail(&command, "%s", error);
    if (words->count <= 1 && (strcmp(verb, "list") == 0 || strcmp(verb, "log") == 0))
        return print_list(s, set->json, strcmp(verb, "log") == 0);
    if (words->count == 2 && strcmp(verb, "remove") == 0)
        return remove_host(s, words->items[1], arena);
    return subcommand_usage(&command, "it is list, remove HOST[:PORT], or log");
}

int trust_command(int argc, char **argv)
{
    struct trust_settings set = { 0 };

    return subcommand_main(&command, argc, argv, &set, &set.help, run);
}
