#include "gate/policy/rule.h"

#include <errno.h>

#include "base/text.h"
#include "gate/policy/load.h"

#define AT(field)      offsetof(struct gate_rule, field)
#define READ(key, fn)  { key, CONFIG_NODE, 0, 0, 0, fn, false, NULL, NULL }
#define TRI(key, field) { key, CONFIG_CHOICE, AT(field), 0, 0, NULL, false, tri_words, NULL }

/* A rule being read: the context of its keys. */
struct reading {
    struct load *load;
    struct gate_rule *rule;
    bool whole_suffix;
    enum tri exceptions;
    const struct ucl *names_node, *file_node;   /* read last: they depend on whole-suffix */
};

bool ja4_pattern_is_good(const char *text)
{
    size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    return len > 0 && len < JA4_TEXT && (text[len] == '\0' ? len == JA4_TEXT - 1
                                                           : strcmp(text + len, "*") == 0);
}

static struct names_reader names_reader(const struct reading *r, const char *key)
{
    return (struct names_reader){ .arena = r->load->arena,
                                  .error = r->load->error,
                                  .key = key,
                                  .whole_suffix = r->whole_suffix };
}

/* A word's place: its own in a list, the value's alone. */
static int names_read(struct reading *r, const struct ucl *node, struct names *names)
{
    const struct names_reader reader = names_reader(r, node->key);
    const struct ucl *item = node->first;
    struct words words = { NULL, 0 };
    int error = load_words(r->load, node, &words);

    for (size_t i = 0; error == 0 && i < words.n; i++) {
        const struct ucl_place *at = item != NULL ? &item->at : &node->value;

        error = names_add(names, &reader, words.items[i], at, 0);
        item = item != NULL ? item->next : NULL;
    }
    return error;
}

static int names_file_read(struct reading *r, const struct ucl *node, struct names *names)
{
    const struct names_reader reader = names_reader(r, node->key);
    const char *path = "";
    struct mw_span bytes;
    int error = load_file(r->load, node, &path, &bytes);

    return error == 0 ? names_add_lines(names, &reader, bytes, path) : error;
}

static int note_names(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    r->names_node = node;
    return 0;
}

static int note_file(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    r->file_node = node;
    return 0;
}

static int names_late(struct reading *r, struct names *names)
{
    int error = r->names_node != NULL ? names_read(r, r->names_node, names) : 0;

    return error == 0 && r->file_node != NULL ? names_file_read(r, r->file_node, names) : error;
}

/* ------------------------------------------------------------------------------- where ---- */

static int read_clients(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return nets_read(&r->rule->clients, node, r->load->arena, r->load->error);
}

static int read_destinations(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return nets_read(&r->rule->destinations, node, r->load->arena, r->load->error);
}

static int port_parse(struct port_range *out, const char *text)
{
    struct mw_span rest = span_str(text), first = rest;
    int64_t from, to;

    span_field(&rest, '-', &first);
    if (text_number(first, 1, 65535, &from) < 0)
        return -EINVAL;
    to = from;
    if (strchr(text, '-') != NULL && text_number(rest, from, 65535, &to) < 0)
        return -EINVAL;
    *out = (struct port_range){ (uint16_t)from, (uint16_t)to };
    return 0;
}

static int read_ports(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;
    struct words words = { NULL, 0 };
    int error = load_words(r->load, node, &words);
    struct port_range *ports = NULL;

    (void)to;
    if (error == 0) {
        ports = arena_calloc(r->load->arena, words.n + 1, sizeof *ports);
        error = ports != NULL ? 0 : -ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < words.n; i++)
        if (port_parse(&ports[i], words.items[i]) < 0)
            return ucl_fail(&node->value, r->load->error,
                            "port: \"%s\" is not a port such as 443, nor a range such as 8000-8100",
                            ucl_show(words.items[i]).text);
    r->rule->ports.items = ports;
    r->rule->ports.n = words.n;
    return error;
}

/* ------------------------------------------------------------------------- who and what ---- */

static int read_words(struct reading *r, const struct ucl *node, struct words *to)
{
    int error = load_words(r->load, node, to);

    if (error == 0 && to->n == 0)
        return ucl_fail(&node->value, r->load->error, "%s is empty: the rule would never fit",
                        node->key);
    return error;
}

static int read_users(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return read_words(r, node, &r->rule->users);
}

static int read_groups(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return read_words(r, node, &r->rule->groups);
}

static int read_categories(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return read_words(r, node, &r->rule->categories);
}

static int read_apps(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return read_words(r, node, &r->rule->apps);
}

static int read_ja4(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;
    int error = read_words(r, node, &r->rule->ja4);

    (void)to;
    for (size_t i = 0; error == 0 && i < r->rule->ja4.n; i++)
        if (!ja4_pattern_is_good(r->rule->ja4.items[i]))
            return ucl_fail(&node->value, r->load->error,
                            "ja4: \"%s\" is not of the form t13d1516h2_8daaf6152771_e5627efa2ab1 "
                            "(a \"*\" may stand at the end)",
                            ucl_show(r->rule->ja4.items[i]).text);
    return error;
}

static int read_entrances(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;
    struct words words = { NULL, 0 };
    int error = read_words(r, node, &words);

    (void)to;
    for (size_t i = 0; error == 0 && i < words.n; i++) {
        unsigned e = 0;

        while (e <= GATE_ENTRANCE_REDIRECT &&
               strcmp(words.items[i], gate_entrance_name((enum gate_entrance)e)) != 0)
            e++;
        if (e > GATE_ENTRANCE_REDIRECT)
            return ucl_fail(&node->value, r->load->error,
                            "entrance wants http, socks5, tproxy or redirect, not \"%s\"",
                            ucl_show(words.items[i]).text);
        r->rule->entrances |= 1U << e;
    }
    return error;
}

static int read_findings(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    r->rule->has_findings = true;
    return findings_mark(r->rule->findings, node, r->load->arena, r->load->error);
}

static int read_on(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    r->rule->has_on = true;
    return findings_read(&r->rule->on, node, r->load->error);
}

/* ----------------------------------------------------------------------- when and the rest ---- */

static int read_days(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return when_days_read(&r->rule->when, node, r->load->arena, r->load->error);
}

static int read_hours(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return when_hours_read(&r->rule->when, node, r->load->arena, r->load->error);
}

static int read_zone(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return when_zone_read(&r->rule->when, node, r->load->error);
}

static int read_until(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return when_until_read(&r->rule->when, node, r->load->error);
}

static int read_whole_suffix(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;

    (void)to;
    return ucl_bool(node, &r->whole_suffix, r->load->error);
}

static int read_exceptions(void *context, const struct ucl *node, void *to)
{
    struct reading *r = context;
    bool yes = false;
    int error = ucl_bool(node, &yes, r->load->error);

    (void)to;
    r->exceptions = yes ? TRI_YES : TRI_NO;
    return error;
}

static const char *const tri_words[] = { "", "no", "yes", NULL };
static const char *const action_words[] = { "", "inspect", "bypass", "block", NULL };

static const struct config_key rule_keys[] = {
    READ("client", read_clients),
    READ("user", read_users),
    READ("group", read_groups),
    READ("names", note_names),
    READ("names-file", note_file),
    READ("category", read_categories),
    READ("app", read_apps),
    READ("destination", read_destinations),
    READ("port", read_ports),
    READ("entrance", read_entrances),
    READ("ja4", read_ja4),
    TRI("tls", tls),
    TRI("sni-missing", sni_missing),
    TRI("ech", ech),
    TRI("client-cert-wanted", client_cert),
    READ("finding", read_findings),
    READ("days", read_days),
    READ("hours", read_hours),
    READ("zone", read_zone),
    READ("until", read_until),
    READ("whole-suffix", read_whole_suffix),
    READ("exceptions", read_exceptions),
    { "action", CONFIG_CHOICE, AT(action), 0, 0, NULL, false, action_words, NULL },
    { "reason", CONFIG_STRING, AT(reason), 0, 0, NULL, false, NULL, NULL },
    READ("on", read_on),
};

static int rule_check(const struct load *l, const struct ucl *node, const struct gate_rule *rule)
{
    if (rule->action == GATE_UNDECIDED && !rule->has_on)
        return ucl_fail(&node->at, l->error, "this rule does nothing: give it an action, or an "
                                             "\"on\" section");
    if (rule->tls == TRI_NO && (rule->ja4.n > 0 || rule->sni_missing != TRI_ANY ||
                                rule->ech != TRI_ANY || rule->has_findings))
        return ucl_fail(&node->at, l->error, "this rule never fits: without TLS there is no "
                                             "fingerprint, no server name, no ECH and no finding");
    if (rule->has_names && rule->sni_missing == TRI_YES && rule->entrances != 0 &&
        (rule->entrances & ~(1U << GATE_ENTRANCE_TPROXY | 1U << GATE_ENTRANCE_REDIRECT)) == 0)
        return ucl_fail(&node->at, l->error, "this rule never fits: a transparent connection "
                                             "without a server name has no name");
    return 0;
}

int rule_read(struct load *l, const struct ucl *node, struct gate_rule *rule)
{
    const struct config_table table = { rule_keys, ARRAY_LEN(rule_keys) };
    struct reading r = { .load = l, .rule = rule };
    int error;

    *rule = (struct gate_rule){ .at = node->at, .label = node->label, .reason = "" };
    findings_none(&rule->on);
    if (strcmp(node->key, "exception") == 0)
        rule->action = GATE_BYPASS;
    error = config_bind(node, &table, rule, &r, l->arena, l->error);
    if (error == 0)
        error = names_late(&r, &rule->names);
    if (error != 0)
        return error;
    names_sort(&rule->names);
    rule->whole_suffix = r.whole_suffix;
    rule->has_names = r.names_node != NULL || r.file_node != NULL || rule->categories.n > 0 ||
                      rule->apps.n > 0;
    rule->exceptions = r.exceptions == TRI_ANY ? !rule->has_names && rule->destinations.n == 0
                                               : r.exceptions == TRI_YES;
    return rule_check(l, node, rule);
}

/* ------------------------------------------------------------------- lists and categories ---- */

static const struct config_key list_keys[] = {
    READ("names", note_names),
    READ("names-file", note_file),
    READ("whole-suffix", read_whole_suffix),
};

int list_read(void *context, const struct ucl *node, void *to)
{
    const struct config_table table = { list_keys, ARRAY_LEN(list_keys) };
    struct load *l = context;
    struct reading r = { .load = l };
    struct named_list *list;
    int error;

    (void)to;
    if (node->label == NULL)
        return ucl_fail(&node->at, l->error, "a list wants a name: list \"banks\" { ... }");
    for (list = l->own->lists; list != NULL; list = list->next)
        if (strcmp(list->name, node->label) == 0)
            return ucl_fail(&node->at, l->error, "the list \"%s\" stands there twice; line %u has "
                            "the first", ucl_show(node->label).text, list->at.line);
    if (l->n_lists++ == LOAD_MAX_LISTS)
        return ucl_fail(&node->at, l->error, "more than %d lists", LOAD_MAX_LISTS);
    list = arena_alloc(l->arena, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    *list = (struct named_list){ .name = node->label, .at = node->at, .next = l->own->lists };
    error = config_bind(node, &table, list, &r, l->arena, l->error);
    if (error == 0)
        error = names_late(&r, &list->names);
    names_sort(&list->names);
    l->own->lists = list;
    return error;
}

/* The catalogue's names of one category or app. */
static int catalogue_names(struct load *l, struct gate_rule *rule, const char *word, bool app,
                           size_t *found)
{
    for (size_t i = 0; i < gate_exception_count(); i++) {
        const struct gate_exception *e = gate_exception_at(i);
        bool tree = e->domain[0] == '.';
        int r;

        if (strcmp(app ? e->id : e->category, word) != 0)
            continue;
        r = names_put(&rule->names, l->arena, e->domain + tree, tree, 0);
        if (r != 0)
            return r;
        (*found)++;
    }
    return 0;
}

static int word_unknown(struct load *l, const struct gate_rule *rule, const char *what,
                        const char *word, bool app)
{
    const char **known;
    const char *near;
    size_t n = gate_exception_count(), at = 0;

    for (const struct named_list *list = l->own->lists; list != NULL; list = list->next)
        n++;
    known = arena_calloc(l->arena, n + 1, sizeof *known);
    if (known == NULL)
        return -ENOMEM;
    for (; at < gate_exception_count(); at++)
        known[at] = app ? gate_exception_at(at)->id : gate_exception_at(at)->category;
    for (const struct named_list *list = l->own->lists; !app && list != NULL; list = list->next)
        known[at++] = list->name;
    near = config_nearest(word, known, at);
    return ucl_fail(&rule->at, l->error, "there is no %s \"%s\"%s%s%s", what, ucl_show(word).text,
                    near != NULL && near[0] != '\0' ? "; did you mean \"" : "",
                    near != NULL ? near : "", near != NULL && near[0] != '\0' ? "\"?" : "");
}

static int category_find(struct load *l, struct gate_rule *rule, const char *word)
{
    size_t found = 0;
    int r;

    for (const struct named_list *list = l->own->lists; list != NULL; list = list->next)
        if (strcmp(list->name, word) == 0) {
            rule->lists[rule->n_lists++] = &list->names;
            return 0;
        }
    r = catalogue_names(l, rule, word, false, &found);
    if (r == 0 && found == 0)
        return word_unknown(l, rule, "category or list", word, false);
    return r;
}

int rule_finish(struct load *l, struct gate_rule *rule, size_t number)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);
    int r = 0;

    buf_printf(&text, "rule %zu", number);
    if (rule->label != NULL) {
        buf_str(&text, " (");
        text_safe(&text, span_str(rule->label), 60);
        buf_str(&text, ")");
    }
    if (buf_error(&text) != 0)
        return -ENOMEM;
    rule->text = arena_strdup(l->arena, (const char *)text.data);
    rule->lists = arena_calloc(l->arena, rule->categories.n + 1, sizeof(void *));
    if (rule->text == NULL || rule->lists == NULL)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < rule->categories.n; i++)
        r = category_find(l, rule, rule->categories.items[i]);
    for (size_t i = 0; r == 0 && i < rule->apps.n; i++) {
        size_t found = 0;

        r = catalogue_names(l, rule, rule->apps.items[i], true, &found);
        if (r == 0 && found == 0)
            r = word_unknown(l, rule, "app", rule->apps.items[i], true);
    }
    names_sort(&rule->names);
    return r;
}

bool rule_covers_name(const struct gate_rule *rule, const char *name)
{
    if (names_find(&rule->names, name) != NULL)
        return true;
    for (size_t i = 0; i < rule->n_lists; i++)
        if (names_find(rule->lists[i], name) != NULL)
            return true;
    return false;
}
