/*
 * `midwatch gate learned`: exceptions that the learner found, and people's "continue anyway".
 */
#include <stdlib.h>
#include <string.h>

#include "gate/control/cli.h"
#include "gate/control/control.h"

struct learned_settings {
    struct cli cli;
    bool consents;
};

static const struct arg learned_args[] = {
    { "consents", 0, CONFIG_BOOL, offsetof(struct learned_settings, consents), 0, 0, NULL,
      "what people continued to anyway, instead of exceptions", true },
    CLI_ARGS,
};

static const struct subcommand learned_subcommand = {
    .name = "midwatch gate learned",
    .usage = "[list] [OPTIONS]\nexplain ID [OPTIONS]\naccept ID [OPTIONS]\nremove ID [OPTIONS]",
    .about = "Exceptions that a running gate learned because an app refuses every certificate but "
             "its own server's. Each is for one host and one kind of client, ends by itself, and "
             "is tried again before. accept puts a proposal in force, remove ends one and keeps "
             "it from being learned again at once.",
    .args = learned_args,
    .n_args = ARRAY_LEN(learned_args),
};

static void exception_show(struct layout *l, const json_t *x)
{
    buf_str(l->out, "\n");
    layout_tint(l, TINT_BOLD, cli_text(x, "id"));
    buf_str(l->out, "  ");
    layout_wrap(l, 4, strlen(cli_text(x, "id")) + 2, cli_text(x, "host"));
    cli_row(l, "state", cli_text(x, "state"));
    cli_row(l, "why", cli_text(x, "text"));
}

static void others_show(struct layout *l, const json_t *list, const char *title)
{
    size_t i;
    json_t *one;

    if (json_array_size(list) > 0)
        buf_printf(l->out, "\n%s\n", title);
    json_array_foreach(list, i, one) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);

        if (cli_text(one, "host")[0] != '\0')
            buf_printf(&text, "%s from ", cli_text(one, "host"));
        buf_printf(&text, "%s: %s", cli_text(one, "client"), cli_text(one, "text"));
        if (buf_error(&text) == 0)
            layout_item(l, "", (const char *)text.data);
    }
}

static void consents_show(struct layout *l, const json_t *list)
{
    size_t i;
    json_t *one;

    if (json_array_size(list) == 0)
        buf_str(l->out, "Nobody continued to a site that was refused.\n");
    json_array_foreach(list, i, one) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);

        buf_printf(&text, "%s: %s to %s:%lld, although: %s; until %s", cli_text(one, "id"),
                   cli_text(one, "client"), cli_text(one, "host"),
                   (long long)cli_number(one, "port"), cli_text(one, "findings"),
                   cli_text(one, "until"));
        if (buf_error(&text) == 0)
            layout_item(l, "", (const char *)text.data);
    }
}

static void list_show(struct layout *l, const json_t *answer)
{
    const json_t *list = json_object_get(answer, "learned");
    const char *mode = cli_text(answer, "mode");
    size_t i;
    json_t *one;

    if (json_is_array(json_object_get(answer, "consents"))) {
        consents_show(l, json_object_get(answer, "consents"));
        return;
    }
    if (strcmp(mode, "off") == 0)
        buf_str(l->out, "The learner is off (learner { mode = propose } switches it on).\n");
    if (json_array_size(list) == 0)
        buf_str(l->out, "No exception was learned.\n");
    json_array_foreach(list, i, one) {
        exception_show(l, one);
    }
    others_show(l, json_object_get(answer, "clients"), "Clients that seem to lack the CA:");
    others_show(l, json_object_get(answer, "watched"), "Seen, but no reason for an exception yet:");
}

static int learned_show(const json_t *answer)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(8 << 20);
    struct layout l = layout_for(stdout, COLOUR_AUTO, &out);

    if (cli_text(answer, "id")[0] != '\0')
        exception_show(&l, answer);
    else if (cli_text(answer, "removed")[0] != '\0')
        buf_printf(&out, "%s was removed.\n", cli_text(answer, "removed"));
    else
        list_show(&l, answer);
    if (out.len > 0 && out.data[0] == '\n')
        buf_drop(&out, 1);
    return cli_print(&learned_subcommand, &out);
}

/* The words as a question; NULL: standard error says what is wrong with them. */
static json_t *question_of(const struct config_list *words, const struct learned_settings *set)
{
    static const char *const with_id[] = { "explain", "accept", "remove" };
    const char *ask = set->consents ? "consents" : "learned";
    const char *what = words->count > 0 ? words->items[0] : "list";

    if (strcmp(what, "list") == 0 && words->count < 2)
        return json_pack("{ssss}", "ask", ask, "do", "list");
    for (size_t i = 0; i < ARRAY_LEN(with_id); i++) {
        if (strcmp(what, with_id[i]) != 0)
            continue;
        if (words->count == 2)
            return json_pack("{ssssss}", "ask", ask, "do", what, "id", words->items[1]);
        subcommand_usage(&learned_subcommand, "%s needs one ID, as list shows them", what);
        return NULL;
    }
    subcommand_usage(&learned_subcommand, "\"%.60s\" is none of list, explain, accept, remove",
                     what);
    return NULL;
}

static int learned_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct learned_settings *set = settings;
    json_t *question = question_of(words, set), *answer;
    int r;

    (void)arena;
    if (question == NULL)
        return SUBCOMMAND_USAGE;
    answer = cli_ask(&learned_subcommand, &set->cli, question);
    if (answer == NULL)
        return SUBCOMMAND_USAGE;
    r = set->cli.json ? cli_print_json(&learned_subcommand, answer) : learned_show(answer);
    json_decref(answer);
    return r;
}

int learned_command(int argc, char **argv)
{
    struct learned_settings set = { .consents = false };

    return subcommand_main(&learned_subcommand, argc, argv, &set, &set.cli.help, learned_run);
}
