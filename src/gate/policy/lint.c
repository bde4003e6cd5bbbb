#include "gate/policy/lint.h"

#include "base/clock.h"
#include "gate/policy/load.h"

enum { LINT_MAX_RULES = 2000 };         /* each is held against each before it */

struct lint {
    const struct gate_config *c;
    struct mw_wall now;
    struct buf *out;
    size_t n;
};

static void at_rule(struct lint *l, const struct gate_rule *rule, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void at_rule(struct lint *l, const struct gate_rule *rule, const char *format, ...)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    ucl_fail(&rule->at, l->out, "%s %s\n", rule->text,
             text.data != NULL ? (const char *)text.data : "");
    l->n++;
}

static void anywhere(struct lint *l, const char *format, ...) PRINTF_LIKE(2, 3);

static void anywhere(struct lint *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(l->out, format, args);
    va_end(args);
    buf_str(l->out, "\n");
    l->n++;
}

/* ----------------------------------------------------------- does one rule hide another ---- */

static bool words_hold(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

static bool words_cover(const struct words *outer, const struct words *inner)
{
    for (size_t i = 0; i < inner->n; i++)
        if (!words_hold(outer, inner->items[i]))
            return false;
    return true;
}

static bool who_covers(const struct gate_rule *a, const struct gate_rule *b)
{
    if (a->clients.n > 0 && (b->clients.n == 0 || !nets_cover(&a->clients, &b->clients)))
        return false;
    if (a->users.n == 0 && a->groups.n == 0)
        return true;
    return b->users.n + b->groups.n > 0 && words_cover(&a->users, &b->users) &&
           words_cover(&a->groups, &b->groups);
}

static bool set_covered(const struct gate_rule *a, const struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        const struct name_entry *e = &names->items[i];
        const struct name_entry *found = names_find(&a->names, e->name);
        bool covered = found != NULL && (found->tree || !e->tree);

        for (size_t k = 0; !covered && k < a->n_lists; k++) {
            found = names_find(a->lists[k], e->name);
            covered = found != NULL && (found->tree || !e->tree);
        }
        if (!covered)
            return false;
    }
    return true;
}

static bool names_covered(const struct gate_rule *a, const struct gate_rule *b)
{
    bool covered;

    if (!a->has_names)
        return true;
    /* With two names that differ, a block fits where an earlier inspect or bypass does not. */
    if (!b->has_names || (a->action != GATE_BLOCK && b->action == GATE_BLOCK))
        return false;
    covered = set_covered(a, &b->names);
    for (size_t i = 0; covered && i < b->n_lists; i++)
        covered = set_covered(a, b->lists[i]);
    return covered;
}

static bool ports_cover(const struct ports *a, const struct ports *b)
{
    for (size_t i = 0; i < b->n; i++) {
        bool covered = false;

        for (size_t k = 0; !covered && k < a->n; k++)
            covered = a->items[k].from <= b->items[i].from && a->items[k].to >= b->items[i].to;
        if (!covered)
            return false;
    }
    return b->n > 0 || a->n == 0;
}

static bool ja4_cover(const struct words *a, const struct words *b)
{
    for (size_t i = 0; i < b->n; i++) {
        bool covered = words_hold(a, b->items[i]);

        for (size_t k = 0; !covered && k < a->n; k++) {
            size_t len = strlen(a->items[k]) - 1;

            covered = a->items[k][len] == '*' && strncmp(a->items[k], b->items[i], len) == 0;
        }
        if (!covered)
            return false;
    }
    return b->n > 0 || a->n == 0;
}

static bool where_covers(const struct gate_rule *a, const struct gate_rule *b)
{
    return names_covered(a, b) && (a->ports.n == 0 || ports_cover(&a->ports, &b->ports)) &&
           (a->destinations.n == 0 ||
            (b->destinations.n > 0 && nets_cover(&a->destinations, &b->destinations)));
}

static bool tri_covers(enum tri a, enum tri b)
{
    return a == TRI_ANY || a == b;
}

static bool findings_cover(const struct gate_rule *a, const struct gate_rule *b)
{
    if (!a->has_findings)
        return true;
    for (unsigned c = 0; c < MW_CODES; c++)
        if (b->findings[c] && !a->findings[c])
            return false;
    return b->has_findings;
}

static bool what_covers(const struct gate_rule *a, const struct gate_rule *b)
{
    return (a->entrances == 0 || (b->entrances != 0 && (b->entrances & ~a->entrances) == 0)) &&
           (a->ja4.n == 0 || ja4_cover(&a->ja4, &b->ja4)) && tri_covers(a->tls, b->tls) &&
           tri_covers(a->sni_missing, b->sni_missing) && tri_covers(a->ech, b->ech) &&
           tri_covers(a->client_cert, b->client_cert) && findings_cover(a, b);
}

/* Whatever fits b fits a too, and a decides. */
static bool hides(const struct gate_rule *a, const struct gate_rule *b)
{
    return a->action != GATE_UNDECIDED && when_is_always(&a->when) && who_covers(a, b) &&
           where_covers(a, b) && what_covers(a, b);
}

static void lint_hidden(struct lint *l, size_t i)
{
    const struct gate_rule *rule = &l->c->rules[i];

    if (rule->action == GATE_UNDECIDED || l->c->n_rules > LINT_MAX_RULES)
        return;
    for (size_t k = 0; k < i; k++)
        if (hides(&l->c->rules[k], rule)) {
            at_rule(l, rule, "never decides: %s covers all of it; put it before, or remove it",
                    l->c->rules[k].text);
            return;
        }
}

/* ------------------------------------------------------------------------------ one rule ---- */

static bool is_unconditional(const struct gate_rule *rule)
{
    static const struct gate_rule everything;

    return hides(rule, &everything);
}

static bool has_user(const struct users *u, const char *name)
{
    for (size_t i = 0; i < u->n; i++)
        if (strcmp(u->items[i].name, name) == 0)
            return true;
    return false;
}

static bool has_group(const struct users *u, const char *name)
{
    for (size_t i = 0; i < u->n; i++)
        for (size_t k = 0; u->items[i].groups[k] != NULL; k++)
            if (strcmp(u->items[i].groups[k], name) == 0)
                return true;
    return false;
}

static void lint_people(struct lint *l, const struct gate_rule *rule)
{
    const struct users *users = &l->c->own->users;

    if (rule->users.n + rule->groups.n > 0 && l->c->users_file == NULL) {
        at_rule(l, rule, "never fits: it asks who signed in, and without users-file nobody can");
        return;
    }
    for (size_t i = 0; i < rule->users.n; i++)
        if (!has_user(users, rule->users.items[i]))
            at_rule(l, rule, "names the user %s, whom the users-file does not have",
                    ucl_show(rule->users.items[i]).text);
    for (size_t i = 0; i < rule->groups.n; i++)
        if (!has_group(users, rule->groups.items[i]))
            at_rule(l, rule, "names the group %s, which nobody is in",
                    ucl_show(rule->groups.items[i]).text);
}

static void lint_rule(struct lint *l, size_t i)
{
    const struct gate_rule *rule = &l->c->rules[i];

    lint_hidden(l, i);
    lint_people(l, rule);
    if (when_is_over(&rule->when, l->now))
        at_rule(l, rule, "is over; remove it, or give it a later \"until\"");
    if (rule->action == GATE_BYPASS && is_unconditional(rule))
        at_rule(l, rule, "bypasses everything: nothing is inspected behind it");
    if (rule->action == GATE_BYPASS && rule->whole_suffix)
        at_rule(l, rule, "bypasses a whole suffix, below which many owners have names");
}

/* ------------------------------------------------------------------------- everything else ---- */

static void lint_catalogue(struct lint *l)
{
    for (size_t i = 0; i < gate_exception_count(); i++) {
        const struct gate_exception *e = gate_exception_at(i);
        CLEANUP(buf_deinit) struct buf day = BUF_INIT(64);

        if (!catalogue_takes(l->c->own, e) || l->now.s < e->expires.s)
            continue;
        wall_format_date(&day, e->expires);
        anywhere(l, "catalogue: %s (%s) was to be looked at again by %s; it still applies", e->id,
                 e->domain, day.data != NULL ? (const char *)day.data : "?");
    }
}

static void lint_lists(struct lint *l)
{
    for (const struct named_list *list = l->c->own->lists; list != NULL; list = list->next) {
        bool used = false;

        for (size_t i = 0; !used && i < l->c->n_rules; i++)
            for (size_t k = 0; k < l->c->rules[i].n_lists; k++)
                used = used || l->c->rules[i].lists[k] == &list->names;
        if (!used) {
            ucl_fail(&list->at, l->out, "no rule uses the list \"%s\"\n",
                     ucl_show(list->name).text);
            l->n++;
        }
    }
}

/* Who may use it is said nowhere. */
static void lint_doors(struct lint *l)
{
    bool asked = l->c->users_file != NULL || l->c->undefined == GATE_BLOCK;

    for (size_t i = 0; !asked && i < l->c->n_rules; i++)
        asked = l->c->rules[i].action == GATE_BLOCK || l->c->rules[i].clients.n > 0;
    for (size_t i = 0; !asked && i < l->c->n_listeners; i++) {
        const struct gate_listener *at = &l->c->listeners[i];

        if (at->entrance <= GATE_ENTRANCE_SOCKS5 && !addr_is_loopback(&at->at))
            anywhere(l, "%s is open to whoever reaches it; name clients or users in rules and set "
                     "undefined = block", ucl_show(at->text).text);
    }
}

static void lint_findings(struct lint *l)
{
    for (unsigned code = MW_CODE_NONE + 1; code < MW_CODES; code++) {
        const struct mw_code_info *info = mw_code_info((enum mw_code)code);

        if (info->severity == MW_ERROR && l->c->own->on_set[code] &&
            l->c->on_finding[code] == GATE_ON_ACCEPT)
            anywhere(l, "on: %s is accepted everywhere: clients are shown a certificate they trust "
                     "for servers that are not; better in one rule", info->code);
    }
    if (l->c->min_version < 0x0303)
        anywhere(l, "min-version: TLS below 1.2 is broken");
}

size_t gate_config_lint(const struct gate_config *c, struct mw_wall now, struct buf *out)
{
    struct lint l = { .c = c, .now = now, .out = out };

    for (size_t i = 0; i < c->n_rules; i++)
        lint_rule(&l, i);
    lint_lists(&l);
    lint_doors(&l);
    lint_findings(&l);
    lint_catalogue(&l);
    return l.n;
}
