/* `midwatch gate log unlock`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "gate/control/control.h"
#include "gate/scribe/command.h"
#include "gate/wire/unlock.h"
#include "net/addr.h"

enum { ANSWER_BYTES = 8 << 20 };  /* as much as the gate ever answers */

struct settings {
    struct log_where where;
    int64_t for_s;
    const char *reason, *client, *host;
    bool packets, end, help;
};

#define AT(field) offsetof(struct settings, field)

static const struct arg args[] = {
    { "for", 0, CONFIG_SECONDS, AT(for_s), 1, UNLOCK_MAX_S, "TIME", "how long: 15min, 2h", true },
    { "reason", 0, CONFIG_STRING, AT(reason), 0, 0, "TEXT", "why; it goes into the audit log",
      true },
    { "client", 0, CONFIG_STRING, AT(client), 0, 0, "ADDRESS", "of this client only", true },
    { "host", 0, CONFIG_STRING, AT(host), 0, 0, "NAME",
      "of this server only; .NAME: and everything below", true },
    { "pcapng", 0, CONFIG_BOOL, AT(packets), 0, 0, NULL,
      "also what passes: a packet capture that opens itself", true },
    { "end", 0, CONFIG_BOOL, AT(end), 0, 0, NULL, "end it now", true },
    { "state", 's', CONFIG_STRING, AT(where.state), 0, 0, "DIR", "the gate's state folder", true },
    { "config", 'c', CONFIG_STRING, AT(where.config), 0, 0, "FILE",
      "the configuration that names it", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch gate log unlock",
    .usage = "--for TIME --reason TEXT [--client ADDRESS] [--host NAME] [--pcapng]\n--end",
    .about = "Has the running gate write the TLS secrets of new sessions to STATE/unlock, in "
             "SSLKEYLOGFILE's format, so that a packet capture can be read; with --pcapng the "
             "gate makes that capture too, of both legs, 64 MiB at most. Whoever has these files "
             "can read those sessions for ever: the audit log says when, why and of whom, and it "
             "ends by itself.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = "Open a capture with them:  wireshark -o tls.keylog_file:KEYS capture.pcapng\n"
              "or put them inside:        editcap --inject-secrets tls,KEYS in.pcapng out.pcapng",
};

/* The question as JSON, the caller's. */
static char *question(const struct settings *s)
{
    json_t *q = json_pack("{s:s, s:I, s:s*, s:s*, s:s*, s:b}", "ask", "unlock", "for_s",
                          (json_int_t)(s->end ? 0 : s->for_s), "reason", s->reason, "client",
                          s->client, "host", s->host, "packets", (int)s->packets);
    char *text = q != NULL ? json_dumps(q, JSON_COMPACT) : NULL;

    json_decref(q);
    return text;
}

static int print_answer(struct mw_span answer)
{
    json_t *o = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    const char *error = json_string_value(json_object_get(o, "error"));
    const char *what = json_string_value(json_object_get(o, "unlock"));
    const char *until = json_string_value(json_object_get(o, "until"));
    const char *folder = json_string_value(json_object_get(o, "folder"));
    int r = 0;

    if (error != NULL)
        r = subcommand_fail(&command, "%s", error);
    else if (what == NULL)
        r = subcommand_fail(&command, "the gate gave an answer that makes no sense");
    else if (until != NULL && folder != NULL)
        printf("unlocked until %s: secrets of new sessions go to %s\n", until, folder);
    else
        printf("%s\n", what);
    json_decref(o);
    return r;
}

static int run(const struct config_list *operands, const void *settings, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(ANSWER_BYTES), error = BUF_INIT(4096);
    CLEANUP(own_free) char *json = NULL;
    const struct settings *s = settings;
    struct log_place place;
    struct addr client;
    int r;

    (void)arena;
    if (operands->count > 0)
        return subcommand_usage(&command, "\"%.60s\" is one word too many", operands->items[0]);
    if (!s->end && (s->for_s == 0 || s->reason == NULL))
        return subcommand_usage(&command, "for how long, and why? --for TIME --reason TEXT");
    if (s->client != NULL && addr_parse(&client, span_str(s->client), 0) < 0)
        return subcommand_usage(&command, "--client %.60s: not an address", s->client);
    r = log_place_find(&place, &s->where, &command);
    if (r != 0)
        return r;
    json = question(s);
    if (json == NULL)
        return subcommand_fail(&command, "out of memory, or a text is not UTF-8");
    if (control_ask(place.state, json, &answer, &error) < 0)
        return subcommand_fail(&command, "%s",
                               error.len > 0 ? (const char *)error.data : "no answer");
    return print_answer(buf_span(&answer));
}

int log_unlock_command(int argc, char **argv)
{
    struct settings s = { .for_s = 0 };

    return subcommand_main(&command, argc, argv, &s, &s.help, run);
}
