#include "gate/policy/explain.h"

#include <errno.h>

#include "base/clock.h"
#include "gate/policy/load.h"
#include "trust/name.h"

enum { NONSENSE = 1, SHOWN_RULES = 200 };

/* What the facts borrow from. */
struct asked {
    struct host host, asked;
    struct gate_facts facts;
};

static int nonsense(struct buf *error, const char *what, const char *text)
{
    buf_printf(error, "%s: \"%s\"", what, ucl_show(text).text);
    return NONSENSE;
}

static int entrance_find(const char *word, enum gate_entrance *out)
{
    for (unsigned e = 0; e <= GATE_ENTRANCE_REDIRECT; e++)
        if (strcmp(word, gate_entrance_name((enum gate_entrance)e)) == 0) {
            *out = (enum gate_entrance)e;
            return 0;
        }
    return -EINVAL;
}

static void user_find(const struct gate_config *c, const char *name, struct gate_facts *f)
{
    const struct users *u = &c->own->users;

    f->user = name;
    for (size_t i = 0; name != NULL && i < u->n; i++)
        if (strcmp(u->items[i].name, name) == 0)
            f->groups = u->items[i].groups;
}

static int facts_make(const struct gate_config *c, const struct explain_question *q,
                      struct asked *a, struct buf *error)
{
    struct gate_facts *f = &a->facts;

    *f = (struct gate_facts){ .port = q->port, .tls = true, .ja4 = q->ja4, .now = q->now };
    if (host_parse(&a->host, q->host) != 0 || a->host.kind == HOST_NONE)
        return nonsense(error, "this is no host name", q->host);
    if (entrance_find(q->entrance, &f->entrance) < 0)
        return nonsense(error, "an entrance is http, socks5, tproxy or redirect, not", q->entrance);
    f->host = a->host.text;
    f->sni_missing = a->host.kind == HOST_IP;
    f->asked = f->entrance <= GATE_ENTRANCE_SOCKS5 ? f->host : NULL;
    if (q->asked != NULL) {
        if (host_parse(&a->asked, q->asked) != 0)
            return nonsense(error, "this is no host name", q->asked);
        f->asked = a->asked.text;
    }
    if (addr_parse(&f->client, span_str(q->client), 0) != 0)
        return nonsense(error, "this is no address", q->client);
    if (q->destination != NULL && addr_parse(&f->destination, span_str(q->destination), 0) != 0)
        return nonsense(error, "this is no address", q->destination);
    user_find(c, q->user, f);
    return 0;
}

static void say_exception(struct buf *out, const struct gate_decision *d)
{
    const struct gate_exception *e;

    if (d->entry == SIZE_MAX)
        return;
    e = gate_exception_at(d->entry);
    buf_printf(out, "  %s covers it: %s, grade %s, %s\n", e->domain,
               gate_exception_class_name(e->cls), e->grade, e->source);
    if (e->note[0] != '\0')
        buf_printf(out, "  %s\n", e->note);
}

static void say_rule(struct buf *out, const struct gate_rule *rule, const struct gate_facts *f,
                     const struct gate_decision *d)
{
    const char *misfit = rule_misfit(rule, f);

    buf_printf(out, "  %s at %s:%u: ", rule->text, rule->at.file, rule->at.line);
    if (misfit != NULL)
        buf_printf(out, "does not fit: %s\n", misfit);
    else if (rule->action == GATE_UNDECIDED)
        buf_str(out, "fits, and speaks only of findings\n");
    else
        buf_printf(out, "fits, and %s\n",
                   d->rule == rule->text ? "decides"
                                         : "inspects what no exception covers");
}

static void say_wants(struct buf *out, unsigned wants)
{
    if (wants & GATE_WANTS_DESTINATION)
        buf_str(out, "  An earlier rule depends on the address behind the name: say "
                     "--destination\n");
    if (wants & GATE_WANTS_VERDICT)
        buf_str(out, "  An earlier rule depends on what the server shows; it is asked again "
                     "then\n");
}

int explain(const struct gate_config *c, const struct explain_question *q, struct buf *out,
            struct buf *error)
{
    struct asked a;
    struct gate_decision d;
    int r = facts_make(c, q, &a, error);

    if (r != 0)
        return r;
    d = gate_decide(c, NULL, 0, &a.facts);
    buf_printf(out, "%s:%u is %s: %s%s%s\n", a.facts.host, q->port,
               d.action == GATE_INSPECT  ? "inspected"
               : d.action == GATE_BYPASS ? "bypassed"
                                         : "blocked",
               d.rule, d.reason[0] != '\0' ? ", " : "", d.reason);
    say_exception(out, &d);
    for (size_t i = 0; i < c->n_rules && i <= d.n_rule && i < SHOWN_RULES; i++)
        say_rule(out, &c->rules[i], &a.facts, &d);
    say_wants(out, d.wants);
    buf_str(out, "  Learned exceptions are not part of the configuration: midwatch gate learned\n");
    return buf_error(out);
}
