/*
 * `midwatch gate why HOST`: which rule, both handshakes, who failed, what to change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "gate/control/advice.h"
#include "gate/control/cli.h"
#include "gate/control/control.h"
#include "gate/policy/decide.h"
#include "gate/wire/tls_names.h"
#include "http/request.h"

struct why_settings {
    struct cli cli;
    const char *client;
    int64_t count;
};

static const struct arg why_args[] = {
    { "client", 0, CONFIG_STRING, offsetof(struct why_settings, client), 0, 0, "ADDRESS",
      "only attempts from there", true },
    { "count", 'n', CONFIG_NUMBER, offsetof(struct why_settings, count), 1, 20, "N",
      "so many attempts at most; default 3", true },
    CLI_ARGS,
};

static const struct subcommand why_subcommand = {
    .name = "midwatch gate why",
    .usage = "HOST [OPTIONS]",
    .about = "Why a site works or fails through a running gate: the latest attempts, which rule "
             "was used, what both handshakes came to, who failed, and what to change. \".HOST\" is "
             "the domain with all below it. Without any attempt it says what policy would do.",
    .args = why_args,
    .n_args = ARRAY_LEN(why_args),
};

/* ------------------------------------------------------------------ an attempt ---- */

static void attempt_title(struct layout *l, const json_t *a)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(2048);
    struct mw_wall at = { cli_number(a, "at_ms") / 1000 };

    wall_format(&text, at);
    buf_printf(&text, "  %s -> %s:%lld", cli_text(a, "client"), cli_text(a, "host"),
               (long long)cli_number(a, "port"));
    if (cli_text(a, "user")[0] != '\0')
        buf_printf(&text, " as %s", cli_text(a, "user"));
    buf_str(&text, ", took ");
    cli_time(&text, cli_number(a, "took_ms"));
    if (buf_error(&text) != 0)
        return;
    layout_tint(l, TINT_BOLD, (const char *)text.data);
    buf_str(l->out, "\n");
}

static void rule_row(struct layout *l, const json_t *a)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(2048);
    const char *action = cli_text(a, "action"), *reason = cli_text(a, "reason");

    buf_printf(&text, "%s: %s", cli_text(a, "rule"), action);
    if (reason[0] != '\0')
        buf_printf(&text, " (%s)", reason);
    if (action[0] == '\0') {
        buf_truncate(&text, 0);
        buf_str(&text, "none: it ended before policy was asked");
    }
    if (buf_error(&text) == 0)
        cli_row(l, "rule", (const char *)text.data);
}

static void leg_row(struct layout *l, const char *label, const json_t *leg, const char *more)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(2048);
    const char *version = version_digits((uint16_t)cli_number(leg, "version"));
    char suite[NAME_TEXT], group[NAME_TEXT], word[32];
    int sent = (int)cli_number(leg, "alert_sent"), got = (int)cli_number(leg, "alert_received");
    int64_t took = cli_number(leg, "handshake_us");

    suite_name((uint16_t)cli_number(leg, "suite"), suite);
    group_name((uint16_t)cli_number(leg, "group"), group);
    if (version == NULL)
        buf_str(&text, "no handshake was finished");
    else
        buf_printf(&text, "TLS %s%s%s%s%s", version, suite[0] != '\0' ? ", " : "", suite,
                   group[0] != '\0' ? ", " : "", group);
    if (cli_text(leg, "alpn")[0] != '\0')
        buf_printf(&text, ", %s", cli_text(leg, "alpn"));
    if (json_is_true(json_object_get(leg, "resumed")))
        buf_str(&text, ", resumed");
    if (json_is_true(json_object_get(leg, "reused")))
        buf_str(&text, ", kept from a session before");
    if (took > 0) {
        buf_str(&text, ", in ");
        cli_time(&text, took / 1000);
    }
    if (got != 0)
        buf_printf(&text, "; it said \"%s\"", advice_alert(got, word));
    if (sent != 0)
        buf_printf(&text, "; we said \"%s\"", advice_alert(sent, word));
    buf_str(&text, more);
    if (buf_error(&text) == 0)
        cli_row(l, label, (const char *)text.data);
}

static void legs_rows(struct layout *l, const json_t *a)
{
    CLEANUP(buf_deinit) struct buf client = BUF_INIT(1024), server = BUF_INIT(1024);
    const char *verdict = cli_text(a, "verdict"), *findings = cli_text(a, "findings");

    if (strcmp(cli_text(a, "action"), "bypass") == 0) {
        cli_row(l, "client", "its own handshake with the server; the gate saw none of it");
        return;
    }
    if (cli_text(a, "ja4")[0] != '\0')
        buf_printf(&client, "; JA4 %s", cli_text(a, "ja4"));
    if (json_is_true(json_object_get(a, "ech")))
        buf_str(&client, "; with ECH");
    if (verdict[0] != '\0')
        buf_printf(&server, "; judged %s%s%s", verdict, findings[0] != '\0' ? ": " : "", findings);
    leg_row(l, "client", json_object_get(a, "client_leg"),
            client.len > 0 ? (const char *)client.data : "");
    leg_row(l, "server", json_object_get(a, "server_leg"),
            server.len > 0 ? (const char *)server.data : "");
}

static void attempt_show(struct layout *l, const json_t *a, const char *gate_name)
{
    CLEANUP(advice_deinit) struct advice advice = ADVICE_INIT;
    struct mw_span rest, line;
    const char *label = "change";

    advice_of(&advice, a, gate_name);
    attempt_title(l, a);
    rule_row(l, a);
    legs_rows(l, a);
    if (buf_error(&advice.what) == 0)
        cli_row(l, "result", (const char *)advice.what.data);
    if (advice.who != ADVICE_NOBODY)
        cli_row(l, "who", advice_party_name(advice.who));
    rest = buf_span(&advice.change);
    while (span_line(&rest, &line)) {
        CLEANUP(own_free) char *text = span_dup(line);

        if (text != NULL && text[0] == '\t')
            buf_printf(l->out, "%16s%s\n", "", text + 1);
        else
            cli_row(l, label, text != NULL ? text : "");
        label = "";
    }
}

/* ------------------------------------------------------------- without an attempt ---- */

struct loaded {
    struct gate_bundle *bundle;
    struct gate_config *config;
};

static void loaded_deinit(struct loaded *c)
{
    gate_config_unref(c->config);
    gate_bundle_free(c->bundle);
}

/* The configuration of the running gate, as its parent says where it lies. */
static int config_of(struct loaded *c, const json_t *gate, const char *asked, struct buf *error)
{
    const char *path = cli_text(gate, "config_path");
    int r = gate_bundle_read(&c->bundle, asked != NULL ? asked : path[0] != '\0' ? path : NULL,
                             asked == NULL ? cli_text(gate, "config_extra") : "", error);

    return r == 0 ? gate_config_load(&c->config, c->bundle, error) : r;
}

/* No ClientHello, no address, no verdict: rules that ask for those cannot fit. */
static int would_show(struct layout *l, const char *host, const struct why_settings *set,
                      const json_t *gate)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096), text = BUF_INIT(4096);
    CLEANUP(loaded_deinit) struct loaded c = { NULL, NULL };
    struct gate_facts f = { .host = host[0] == '.' ? host + 1 : host,
                            .port = 443,
                            .tls = true,
                            .now = wall_now() };
    struct gate_decision d;

    if (set->client != NULL && addr_parse(&f.client, span_str(set->client), 1) < 0)
        return subcommand_usage(&why_subcommand, "--client takes an address, not \"%s\"",
                                set->client);
    if (config_of(&c, gate, set->cli.config, &error) != 0)
        return subcommand_fail(&why_subcommand, "%s",
                               error.len > 0 ? (const char *)error.data : "out of memory");
    f.asked = f.host;
    f.entrance = c.config->n_listeners > 0 ? c.config->listeners[0].entrance : GATE_ENTRANCE_HTTP;
    d = gate_decide(c.config, NULL, 0, &f);
    buf_printf(&text, "No attempt is remembered%s%s. ", set->client != NULL ? " from " : "",
               set->client != NULL ? set->client : "");
    buf_printf(&text, "One to port 443 would be: %s, by %s%s%s%s.", gate_action_name(d.action),
               d.rule, d.reason[0] != '\0' ? " (" : "", d.reason, d.reason[0] != '\0' ? ")" : "");
    buf_str(&text, " Rules that ask for a JA4, an address or a finding are not counted, nor is "
                   "what was learned.");
    if (buf_error(&text) != 0)
        return subcommand_fail(&why_subcommand, "out of memory");
    layout_wrap(l, 0, 0, (const char *)text.data);
    return 0;
}

/* ------------------------------------------------------------------ the command ---- */

static int why_show(const char *host, const struct why_settings *set, const json_t *answer,
                    const json_t *gate)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4 << 20);
    struct layout l = layout_for(stdout, COLOUR_AUTO, &out);
    const json_t *attempts = json_object_get(answer, "attempts");
    const char *name = cli_text(gate, "name");
    size_t n = json_array_size(attempts), shown = (size_t)set->count < n ? (size_t)set->count : n;
    int r = 0;

    if (name[0] == '\0')
        name = "midwatch.gate";
    for (size_t i = 0; i < shown; i++) {
        buf_str(&out, i > 0 ? "\n" : "");
        attempt_show(&l, json_array_get(attempts, i), name);
    }
    if (n == 0)
        r = would_show(&l, host, set, gate);
    if (cli_number(answer, "missing") > 0)
        buf_printf(&out, "%lld workers did not answer in time: their attempts are missing.\n",
                   (long long)cli_number(answer, "missing"));
    return r != 0 ? r : cli_print(&why_subcommand, &out);
}

/* People paste what stands in the browser: of a URL the host is meant. */
static char *host_of(const char *word)
{
    struct http_url url;

    if (strstr(word, "://") != NULL && http_url_parse(&url, span_str(word)) == 0)
        return span_dup(url.host);
    return strdup(word);
}

static json_t *question_of(const char *host, const struct why_settings *set)
{
    json_t *q = json_pack("{ssss}", "ask", "why", "host", host);

    if (q != NULL && set->client != NULL &&
        json_object_set_new(q, "client", json_string(set->client)) < 0) {
        json_decref(q);
        return NULL;
    }
    return q;
}

static int why_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct why_settings *set = settings;
    CLEANUP(own_free) char *host = words->count == 1 ? host_of(words->items[0]) : NULL;
    json_t *answer, *gate;
    int r;

    (void)arena;
    if (words->count != 1)
        return subcommand_usage(&why_subcommand, "it needs one HOST");
    if (host == NULL)
        return subcommand_fail(&why_subcommand, "out of memory");
    answer = cli_ask(&why_subcommand, &set->cli, question_of(host, set));
    if (answer == NULL)
        return SUBCOMMAND_USAGE;
    if (set->cli.json) {
        r = cli_print_json(&why_subcommand, answer);
    } else if ((gate = cli_ask(&why_subcommand, &set->cli,
                               json_pack("{ss}", "ask", "processes"))) == NULL) {
        r = SUBCOMMAND_USAGE;
    } else {
        r = why_show(host, set, answer, gate);
        json_decref(gate);
    }
    json_decref(answer);
    return r;
}

int why_command(int argc, char **argv)
{
    struct why_settings set = { .count = 3 };

    return subcommand_main(&why_subcommand, argc, argv, &set, &set.cli.help, why_run);
}
