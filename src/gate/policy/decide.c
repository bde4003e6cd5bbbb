#include "gate/policy/decide.h"

#include "gate/policy/load.h"

/* The names of a session: what the client claims, and what it told the proxy if that differs. */
struct claimed {
    const char *host;
    const char *other;          /* NULL: none, or the same */
};

static bool is_address(const char *text)
{
    struct addr a;

    return addr_parse(&a, span_str(text), 0) == 0;
}

static struct claimed claimed_of(const struct gate_facts *f)
{
    struct claimed c = { .host = f->host };

    if (f->asked != NULL && f->host != NULL && strcmp(f->asked, f->host) != 0 &&
        !is_address(f->asked))
        c.other = f->asked;
    return c;
}

static bool tri_fits(enum tri wanted, bool is)
{
    return wanted == TRI_ANY || (wanted == TRI_YES) == is;
}

static bool words_hold(const struct words *words, const char *text)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->items[i], text) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------------ the conditions ---- */

static const char *who_misfits(const struct gate_rule *rule, const struct gate_facts *f)
{
    if (rule->clients.n > 0 && !nets_hold(&rule->clients, &f->client))
        return "client";
    if (rule->users.n == 0 && rule->groups.n == 0)
        return NULL;
    if (f->user == NULL)
        return "user: nobody signed in";
    if (words_hold(&rule->users, f->user))
        return NULL;
    for (size_t i = 0; f->groups != NULL && f->groups[i] != NULL; i++)
        if (words_hold(&rule->groups, f->groups[i]))
            return NULL;
    return rule->groups.n > 0 ? "group" : "user";
}

static bool port_fits(const struct gate_rule *rule, uint16_t port)
{
    for (size_t i = 0; i < rule->ports.n; i++)
        if (port >= rule->ports.items[i].from && port <= rule->ports.items[i].to)
            return true;
    return rule->ports.n == 0;
}

static bool name_fits(const struct gate_rule *rule, const struct claimed *names)
{
    bool first = rule_covers_name(rule, names->host);

    if (names->other == NULL)
        return first;
    return rule->action == GATE_BLOCK ? first || rule_covers_name(rule, names->other)
                                      : first && rule_covers_name(rule, names->other);
}

static const char *where_misfits(const struct gate_rule *rule, const struct gate_facts *f,
                                 const struct claimed *names, unsigned *wants)
{
    struct addr destination = f->destination;

    if (!port_fits(rule, f->port))
        return "port";
    if (rule->has_names && names->host == NULL)
        return "names: the session has none";
    if (rule->has_names && !name_fits(rule, names))
        return names->other != NULL && rule_covers_name(rule, names->host)
                   ? "names: the proxy was asked for another name"
                   : "names";
    if (rule->destinations.n == 0)
        return NULL;
    if (destination.len == 0 && f->host != NULL)
        if (addr_parse(&destination, span_str(f->host), 0) != 0)
            destination.len = 0;
    if (destination.len == 0)
        *wants |= GATE_WANTS_DESTINATION;
    return destination.len == 0 || nets_hold(&rule->destinations, &destination) ? NULL
                                                                                : "destination";
}

static bool ja4_fits(const struct words *patterns, const char *ja4)
{
    for (size_t i = 0; i < patterns->n; i++) {
        const char *p = patterns->items[i];
        size_t len = strlen(p);

        if (p[len - 1] == '*' ? strncmp(p, ja4, len - 1) == 0 : strcmp(p, ja4) == 0)
            return true;
    }
    return patterns->n == 0;
}

static bool finding_fits(const struct gate_rule *rule, const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (rule->findings[v->findings[i].code])
            return true;
    return false;
}

/* What the client's hello says. */
static const char *hello_misfits(const struct gate_rule *rule, const struct gate_facts *f,
                                 unsigned *wants)
{
    bool asks = rule->ja4.n > 0 || rule->sni_missing != TRI_ANY || rule->ech != TRI_ANY;

    if (f->unheard) {
        if (asks || rule->tls != TRI_ANY)
            *wants |= GATE_WANTS_HELLO;
        return NULL;
    }
    if (!tri_fits(rule->tls, f->tls))
        return "tls";
    if (!f->tls && asks)
        return "tls: the session is in the clear";
    if (!ja4_fits(&rule->ja4, f->ja4 != NULL ? f->ja4 : ""))
        return "ja4";
    if (!tri_fits(rule->sni_missing, f->sni_missing))
        return "sni-missing";
    return tri_fits(rule->ech, f->ech) ? NULL : "ech";
}

/* What the origin's handshake says. */
static const char *origin_misfits(const struct gate_rule *rule, const struct gate_facts *f,
                                  unsigned *wants)
{
    if (!rule->has_findings && rule->client_cert == TRI_ANY)
        return NULL;
    if (f->verdict == NULL && !f->client_cert_wanted) {
        *wants |= GATE_WANTS_VERDICT;
        return NULL;
    }
    if (rule->has_findings && (f->verdict == NULL || !finding_fits(rule, f->verdict)))
        return "finding";
    return tri_fits(rule->client_cert, f->client_cert_wanted) ? NULL : "client-cert-wanted";
}

static const char *when_misfits(const struct gate_rule *rule, struct mw_wall now)
{
    if (when_is_always(&rule->when) || when_holds(&rule->when, now))
        return NULL;
    return when_is_over(&rule->when, now) ? "until: it is over" : "days or hours";
}

static const char *misfit_of(const struct gate_rule *rule, const struct gate_facts *f,
                             const struct claimed *names, unsigned *wants)
{
    const char *misfit = who_misfits(rule, f);

    if (misfit == NULL)
        misfit = where_misfits(rule, f, names, wants);
    if (misfit == NULL && rule->entrances != 0 && (rule->entrances & 1U << f->entrance) == 0)
        misfit = "entrance";
    if (misfit == NULL)
        misfit = hello_misfits(rule, f, wants);
    if (misfit == NULL)
        misfit = when_misfits(rule, f->now);
    return misfit == NULL ? origin_misfits(rule, f, wants) : misfit;
}

const char *rule_misfit(const struct gate_rule *rule, const struct gate_facts *f)
{
    const struct claimed names = claimed_of(f);
    unsigned wants = 0;
    const char *misfit = misfit_of(rule, f, &names, &wants);

    if (misfit != NULL || wants == 0)
        return misfit;
    return wants & GATE_WANTS_DESTINATION ? "destination: not known yet"
           : wants & GATE_WANTS_HELLO     ? "tls: the client has said nothing yet"
                                          : "finding: the server was not judged yet";
}

/* *wants: what is not known yet, though all else fits: then the answer is no, for now. */
static bool rule_fits(const struct gate_rule *rule, const struct gate_facts *f,
                      const struct claimed *names, unsigned *wants)
{
    unsigned missing = 0;

    if (misfit_of(rule, f, names, &missing) != NULL)
        return false;
    *wants |= missing;
    return missing == 0;
}

/* ---------------------------------------------------------------------------- decisions ---- */

/* The rule that decides, NULL: none. */
static const struct gate_rule *rules_decide(const struct gate_config *c,
                                            const struct gate_facts *f,
                                            const struct claimed *names, struct gate_decision *d)
{
    for (size_t i = 0; i < c->n_rules; i++) {
        const struct gate_rule *rule = &c->rules[i];
        unsigned wants = 0;

        if (rule->action == GATE_UNDECIDED)
            continue;
        if (!rule_fits(rule, f, names, &wants)) {
            d->wants |= wants;
            d->might_pass |= rule->action != GATE_BLOCK ? wants : 0;
            continue;
        }
        d->action = rule->action;
        d->rule = rule->text;
        d->reason = rule->reason;
        d->n_rule = i;
        if (rule->action == GATE_BYPASS) {
            d->exception = GATE_BY_RULE;
            d->source = rule->text;
        }
        return rule;
    }
    return NULL;
}

static void settle(struct gate_decision *d, enum gate_action action, const char *rule,
                   const char *reason)
{
    d->action = action;
    d->rule = rule;
    d->reason = reason;
    d->exception = action == GATE_BYPASS ? GATE_BY_RULE : GATE_NO_EXCEPTION;
    d->source = NULL;
}

/* Rules that speak of client certificates or of ECH themselves are left alone. */
static void settings_decide(const struct gate_config *c, const struct gate_facts *f,
                            const struct gate_rule *rule, struct gate_decision *d)
{
    if (f->tls && f->ech && (rule == NULL || rule->ech == TRI_ANY) &&
        (c->ech == GATE_BLOCK || (c->ech == GATE_BYPASS && d->action == GATE_INSPECT)))
        settle(d, c->ech, "ech", "the client hides which server it wants (ECH)");
    if (d->action != GATE_INSPECT || !f->client_cert_wanted ||
        (rule != NULL && rule->client_cert != TRI_ANY))
        return;
    if (c->client_cert == GATE_MTLS_BYPASS)
        settle(d, GATE_BYPASS, "client-cert", "the server asks for a client certificate");
    else if (c->client_cert == GATE_MTLS_BLOCK)
        settle(d, GATE_BLOCK, "client-cert", "the server asks for a client certificate");
}

static bool learned_fits(const struct gate_learned *l, const struct gate_facts *f,
                         const char *client)
{
    return strcmp(l->host, f->host) == 0 &&
           (l->ja4 == NULL || (f->ja4 != NULL && strcmp(l->ja4, f->ja4) == 0)) &&
           (l->client == NULL || strcmp(l->client, client) == 0) && f->now.s < l->until.s;
}

static bool learned_decide(const struct gate_learned *learned, size_t n, const struct gate_facts *f,
                           const struct claimed *names, struct gate_decision *d)
{
    char client[ADDR_TEXT];

    if (names->host == NULL || names->other != NULL || n == 0)
        return false;
    addr_text(&f->client, false, client);
    for (size_t i = 0; i < n; i++) {
        if (!learned_fits(&learned[i], f, client))
            continue;
        d->action = GATE_BYPASS;
        d->rule = "learned";
        d->reason = learned[i].id;
        d->exception = GATE_BY_LEARNER;
        d->source = learned[i].id;
        return true;
    }
    return false;
}

static bool catalogue_decide(const struct gate_config *c, const struct claimed *names,
                             struct gate_decision *d)
{
    const struct name_entry *found = names_find(&c->own->catalogue, names->host);
    const struct gate_exception *e;

    if (found == NULL ||
        (names->other != NULL && names_find(&c->own->catalogue, names->other) == NULL))
        return false;
    e = gate_exception_at(found->tag);
    d->action = GATE_BYPASS;
    d->rule = c->own->catalogue_rules[found->tag];
    d->reason = e->name;
    d->exception = e->cls;
    d->source = e->source;
    d->entry = found->tag;
    return true;
}

static struct gate_decision decide_for(const struct gate_config *c,
                                       const struct gate_learned *learned, size_t n_learned,
                                       const struct gate_facts *f, const struct claimed *claims)
{
    struct gate_decision d = { .action = c->undefined,
                               .rule = "undefined",
                               .reason = "",
                               .entry = SIZE_MAX,
                               .n_rule = SIZE_MAX };
    const struct gate_rule *rule = rules_decide(c, f, claims, &d);

    settings_decide(c, f, rule, &d);
    if (d.action == GATE_INSPECT && (rule == NULL || rule->exceptions) &&
        !learned_decide(learned, n_learned, f, claims, &d))
        catalogue_decide(c, claims, &d);
    return d;
}

/* A rule that inspects one of two names fits neither's session: it must not be what opens the way
 * to a bypass behind it. */
struct gate_decision gate_decide(const struct gate_config *c, const struct gate_learned *learned,
                                 size_t n_learned, const struct gate_facts *f)
{
    const struct claimed both = claimed_of(f);
    struct gate_decision d = decide_for(c, learned, n_learned, f, &both), alone;
    const char *each[] = { both.host, both.other };

    for (size_t i = 0; i < 2 && both.other != NULL && d.action == GATE_BYPASS; i++) {
        alone = decide_for(c, NULL, 0, f, &(struct claimed){ .host = each[i] });
        if (alone.action != GATE_BYPASS)
            d = alone;
    }
    return d;
}

/* ------------------------------------------------------------------------------ findings ---- */

/* What the rules say of a code; the first that fits and speaks of it.  -1: none. */
static int rules_on(const struct gate_config *c, const struct gate_facts *f,
                    const struct claimed *names, enum mw_code code)
{
    for (size_t i = 0; i < c->n_rules; i++) {
        const struct gate_rule *rule = &c->rules[i];
        unsigned wants = 0;

        if (rule->on.act[code] >= 0 && rule_fits(rule, f, names, &wants))
            return rule->on.act[code];
    }
    return -1;
}

static enum gate_on_finding on_finding(const struct gate_config *c, const struct gate_facts *f,
                                       const struct claimed *names,
                                       const struct mw_finding *finding)
{
    enum gate_on_finding on;
    int said = rules_on(c, f, names, finding->code);

    if (findings_always_refused(finding->code) && finding->severity == MW_ERROR)
        return GATE_ON_REFUSE;
    if (said >= 0)
        on = (enum gate_on_finding)said;
    else if (c->own->on_set[finding->code])
        on = c->on_finding[finding->code];
    else
        on = findings_default(finding->code, finding->severity);
    return on == GATE_ON_ASK && finding->accepted ? GATE_ON_ACCEPT : on;
}

static int strictness(enum gate_on_finding on)
{
    static const int ranks[] = { [GATE_ON_ACCEPT] = 0, [GATE_ON_SIGN_UNTRUSTED] = 1,
                                 [GATE_ON_ASK] = 2, [GATE_ON_REFUSE] = 3 };

    return ranks[on];
}

static enum gate_on_finding verdict_for(const struct gate_config *c, const struct gate_facts *f,
                                        const struct claimed *names, enum mw_code *code)
{
    enum gate_on_finding strictest = GATE_ON_ACCEPT;
    bool explained = false;

    *code = MW_CODE_NONE;
    for (size_t i = 0; i < f->verdict->n_findings; i++) {
        const struct mw_finding *finding = &f->verdict->findings[i];
        enum gate_on_finding on = on_finding(c, f, names, finding);

        explained = explained || finding->severity == MW_ERROR;
        if (strictness(on) > strictness(strictest)) {
            strictest = on;
            *code = finding->code;
        }
    }
    /* Nothing to judge; or untrusted without an error that somebody could have accepted. */
    if (strictest == GATE_ON_ACCEPT &&
        (mw_attended_action(f->verdict) == MW_REFUSE ||
         (f->verdict->outcome == MW_UNTRUSTED && !explained))) {
        if (f->verdict->n_findings > 0)
            *code = f->verdict->findings[0].code;
        return GATE_ON_REFUSE;
    }
    return strictest;
}

/* A rule for one of two names is no leniency for the other, and its strictness counts alone. */
enum gate_on_finding gate_decide_verdict(const struct gate_config *c, const struct gate_facts *f,
                                         enum mw_code *code)
{
    const struct claimed both = claimed_of(f);
    const char *each[] = { both.host, both.other };
    enum gate_on_finding strictest;

    *code = MW_CODE_NONE;
    if (f->verdict == NULL || f->verdict->outcome == MW_UNJUDGED)
        return GATE_ON_REFUSE;
    strictest = verdict_for(c, f, &both, code);
    for (size_t i = 0; i < 2 && both.other != NULL; i++) {
        enum mw_code its;
        enum gate_on_finding on =
            verdict_for(c, f, &(struct claimed){ .host = each[i] }, &its);

        if (strictness(on) > strictness(strictest)) {
            strictest = on;
            *code = its;
        }
    }
    return strictest;
}
