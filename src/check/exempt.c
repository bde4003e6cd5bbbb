#include "check/exempt.h"

#include <stddef.h>
#include <stdio.h>

#include "base/config.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "check/exempt_apps.h"
#include "check/exempt_forms.h"
#include "check/exempt_ticket.h"
#include "check/exit.h"
#include "trust/name.h"

struct exempt_settings {
    const char *gateway;
    struct config_list apps;
    bool exact, domain, ticket, list, help;
};

#define SETTING(field) offsetof(struct exempt_settings, field)

static const struct arg exempt_args[] = {
    { "for", 'f', CONFIG_STRING, SETTING(gateway), 0, 0, "GATEWAY",
      "squid, panos, fortios, …; all of them when left out", true },
    { "app", 'a', CONFIG_LIST, SETTING(apps), 0, 0, "APP",
      "the names of a known app: screenmeet, zoom, …", true },
    { "exact", 'x', CONFIG_BOOL, SETTING(exact), 0, 0, NULL,
      "only the name itself, not what is below it", true },
    { "domain", 'd', CONFIG_BOOL, SETTING(domain), 0, 0, NULL,
      "widen each name to its whole registered domain", true },
    { "ticket", 't', CONFIG_BOOL, SETTING(ticket), 0, 0, NULL,
      "a text to send to IT, with the exception in it", true },
    { "list", 'l', CONFIG_BOOL, SETTING(list), 0, 0, NULL, "the gateways and the apps", true },
    { "help", 'h', CONFIG_BOOL, SETTING(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch exempt",
    .usage = "[--for GATEWAY] [--app APP]... [NAME...]",
    .about = "Prints the exception from TLS inspection that IT needs for an app or a site, in\n"
             "the language of their gateway. NAME covers itself and every name below it.",
    .args = exempt_args,
    .n_args = ARRAY_LEN(exempt_args),
    .footer = "Examples:\n"
              "  midwatch exempt --for fortios meet.example.com\n"
              "  midwatch exempt --for panos --app screenmeet --ticket\n"
              "The forms follow the vendors' documentation; none was tried on their devices.",
};

enum { NAMES_MAX = 200 };

struct exemption {
    struct arena arena;
    struct exempt_apps apps;
    struct exempt_name names[NAMES_MAX];
    size_t n_names;
    struct exempt_app from[NAMES_MAX]; /* the catalogue entries used, for sources */
    size_t n_from;
    const struct exempt_form *form;
    bool exact, domain, ticket;
};

static int add_name(struct exemption *e, const char *domain, bool tree)
{
    char *copy = arena_strdup(&e->arena, domain);

    if (copy == NULL)
        return subcommand_fail(&command, "out of memory");
    for (size_t i = 0; i < e->n_names; i++)
        if (strcmp(e->names[i].domain, domain) == 0 && e->names[i].tree == tree)
            return 0;
    if (e->n_names == NAMES_MAX)
        return subcommand_usage(&command, "more than %d names: split the list", NAMES_MAX);
    e->names[e->n_names++] = (struct exempt_name){ copy, tree };
    return 0;
}

/* "*.example.com" and ".example.com" mean the same as "example.com" here. */
static int add_word(struct exemption *e, const char *word)
{
    const char *name = strncmp(word, "*.", 2) == 0 ? word + 2 : word[0] == '.' ? word + 1 : word;
    struct host host;

    if (host_parse(&host, name) != 0)
        return subcommand_usage(&command, "%s is not a host name", word);
    if (host.kind == HOST_IP)
        return subcommand_usage(&command, "%s is an address; gateways except names", word);
    if (strchr(host.text, '.') == NULL)
        return subcommand_usage(&command, "%s has no dot: excepting a whole top level is too wide",
                                word);
    if (host_registrable(&host) == NULL)
        return subcommand_usage(&command,
                                "%s is a public suffix: the sites of many owners lie "
                                "below it",
                                word);
    if (e->domain)
        return add_name(e, host_registrable(&host), true);
    return add_name(e, host.text, !e->exact);
}

static int unknown_app(const struct exemption *e, const char *app)
{
    const char *known[NAMES_MAX];
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < e->apps.n && n < NAMES_MAX; i++)
        n += (known[n] = span_dup(e->apps.items[i].app)) != NULL;
    near = config_nearest(app, known, n);
    if (near != NULL)
        subcommand_usage(&command, "no app called %s, did you mean %s?", app, near);
    else
        subcommand_usage(&command, "no app called %s; --list shows them", app);
    while (n > 0)
        free((void *)known[--n]);
    return CHECK_USAGE;
}

static int add_app(struct exemption *e, const char *app)
{
    bool found = false;

    for (size_t i = 0; i < e->apps.n; i++) {
        const struct exempt_app *a = &e->apps.items[i];
        char domain[256];
        bool tree = a->domain.data[0] == '.';
        int r;

        if (!span_eq_nocase(a->app, span_str(app)))
            continue;
        found = true;
        snprintf(domain, sizeof(domain), "%.*s", (int)(a->domain.len - tree),
                 (const char *)a->domain.data + tree);
        r = add_name(e, domain, tree);
        if (r != 0)
            return r;
        if (e->n_from < NAMES_MAX)
            e->from[e->n_from++] = *a;
    }
    return found ? 0 : unknown_app(e, app);
}

static int list_all(const struct exemption *e)
{
    printf("Gateways (--for):\n");
    for (size_t i = 0; i < n_exempt_forms; i++)
        printf("  %-12s %s\n", exempt_forms[i].id, exempt_forms[i].title);
    printf("\nApps (--app):\n");
    for (size_t i = 0; i < e->apps.n; i++) {
        const struct exempt_app *a = &e->apps.items[i];

        printf("  %-12.*s %-30.*s %-11.*s %.*s %.*s\n", (int)a->app.len, a->app.data,
               (int)a->domain.len, a->domain.data, (int)a->class.len, a->class.data,
               (int)a->grade.len, a->grade.data, (int)a->source.len, a->source.data);
    }
    printf("\nA: the maker's own documentation. B: a third party's. C: commonly known, check "
           "first.\n");
    return 0;
}

static void print_form(struct buf *out, const struct exemption *e, const struct exempt_form *form)
{
    const char *comment = form->comment != NULL ? form->comment : "";

    if (form->comment != NULL) {
        buf_printf(out, "%s%s: %s\n", comment, form->title, form->where);
        for (size_t i = 0; i < e->n_from; i++) {
            const struct exempt_app *a = &e->from[i];

            buf_printf(out, "%s%.*s: %.*s, %.*s\n", comment, (int)a->domain.len, a->domain.data,
                       (int)a->class.len, a->class.data, (int)a->source.len, a->source.data);
        }
    }
    form->print(out, e->names, e->n_names);
}

/* Forms without comments are copied as they are; where they go is said beside, on stderr. */
static int print_all(const struct exemption *e)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);

    if (e->ticket) {
        const struct exempt_request request = {
            .names = e->names,
            .n_names = e->n_names,
            .apps = e->from,
            .n_apps = e->n_from,
            .form = e->form,
        };

        exempt_ticket(&out, &request);
    } else if (e->form != NULL) {
        if (e->form->comment == NULL)
            fprintf(stderr, "%s: %s\n", e->form->title, e->form->where);
        print_form(&out, e, e->form);
    } else {
        for (size_t i = 0; i < n_exempt_forms; i++) {
            const struct exempt_form *f = &exempt_forms[i];

            buf_printf(&out, "%s== %s (--for %s)\n", i > 0 ? "\n" : "", f->title, f->id);
            if (f->comment == NULL)
                buf_printf(&out, "   %s:\n", f->where);
            print_form(&out, e, f);
        }
    }
    if (buf_error(&out) != 0)
        return subcommand_fail(&command, "out of memory");
    fwrite(out.data, 1, out.len, stdout);
    return 0;
}

static int set_form(struct exemption *e, const char *id)
{
    const char *ids[64];
    const char *near;
    size_t n = 0;

    e->form = exempt_form_find(id);
    if (e->form != NULL)
        return 0;
    for (; n < n_exempt_forms && n < ARRAY_LEN(ids); n++)
        ids[n] = exempt_forms[n].id;
    near = config_nearest(id, ids, n);
    if (near != NULL)
        return subcommand_usage(&command, "no gateway called %s, did you mean %s?", id, near);
    return subcommand_usage(&command, "no gateway called %s; --list shows them", id);
}

static int run(struct exemption *e, int argc, char **argv)
{
    struct exempt_settings set = { 0 };
    struct config_list names = { 0 };
    int r;

    switch (subcommand_read(&command, argc, argv, &set, &set.help, &e->arena, &names)) {
    case SUBCOMMAND_HELPED:
        return 0;
    case SUBCOMMAND_BAD:
        return CHECK_USAGE;
    case SUBCOMMAND_GO_ON:
        break;
    }
    e->apps = exempt_apps_builtin();
    if (set.list)
        return list_all(e);
    if (set.exact && set.domain)
        return subcommand_usage(&command, "--exact and --domain contradict each other");
    e->exact = set.exact;
    e->domain = set.domain;
    e->ticket = set.ticket;
    r = set.gateway != NULL ? set_form(e, set.gateway) : 0;
    for (size_t i = 0; r == 0 && i < set.apps.count; i++)
        r = add_app(e, set.apps.items[i]);
    for (size_t i = 0; r == 0 && i < names.count; i++)
        r = add_word(e, names.items[i]);
    if (r != 0)
        return r;
    if (e->n_names == 0)
        return subcommand_usage(&command, "name a host, or an app with --app");
    return print_all(e);
}

int exempt_command(int argc, char **argv)
{
    struct exemption *e = calloc(1, sizeof(*e));
    int status;

    if (e == NULL)
        return subcommand_fail(&command, "out of memory");
    e->arena.max_bytes = 1 << 20;
    status = run(e, argc, argv);
    arena_deinit(&e->arena);
    free(e);
    return status;
}
