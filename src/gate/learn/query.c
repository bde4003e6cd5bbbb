/*
 * What was learned, for people: lists, explanations, and their decisions about it.
 *
 *     {"ask":"learned","do":"list"}      {"ask":"learned","do":"explain","id":"pin-17"}
 *     {"ask":"learned","do":"accept","id":…}      {"ask":"learned","do":"remove","id":…}
 *     {"ask":"consents","do":"list"}     {"ask":"consents","do":"remove","id":"consent-3"}
 *
 * The answer is one object; what cannot be done is {"error": one line}.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gate/learn/inside.h"

enum { MAX_TEXT = 4096, MAX_WATCHED = 100, MAX_CLIENTS = 100 };

/* The first failure is remembered; the rest does nothing. */
struct maker {
    bool failed;
};

static void put(struct maker *m, json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        m->failed = true;
}

static void append(struct maker *m, json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        m->failed = true;
}

static json_t *time_text(struct mw_wall t)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(64);

    if (t.s == 0)
        return json_null();
    wall_format(&b, t);
    return b.data != NULL ? json_string((const char *)b.data) : NULL;
}

static json_t *text_or_null(const char *s)
{
    return s[0] != '\0' ? json_string(s) : json_null();
}

/* ---- words ---- */

static void time_say(struct buf *b, struct mw_wall t)
{
    wall_format(b, t);
}

static void failures_say(struct buf *b, const struct exception *x)
{
    const char *between = "";

    for (size_t i = 0; i < EXCEPTION_ALERTS && x->alerts[i].n > 0; i++) {
        buf_printf(b, "%s%u × alert %s", between, x->alerts[i].n, alert_word(x->alerts[i].alert));
        between = ", ";
    }
    if (x->silent > 0)
        buf_printf(b, "%s%u × closed without a word after our certificate", between, x->silent);
}

static void scope_say(struct buf *b, const struct exception *x)
{
    buf_printf(b, "%s for the app with JA4 %s", x->host, x->ja4);
    if (x->client[0] != '\0')
        buf_printf(b, " on %s alone", x->client);
    else
        buf_str(b, " on any client, since several showed it");
}

static void state_say(struct buf *b, const struct learner *l, const struct exception *x)
{
    switch (x->state) {
    case EXCEPTION_PROPOSED:
        buf_printf(b, "It is only proposed: sessions are inspected. `midwatch gate learned accept "
                      "%s` puts it in force. ", x->id);
        break;
    case EXCEPTION_IN_FORCE:
        buf_str(b, learner_applies(l, x) ? "It is in force until "
                                         : "The configuration holds it back; it would be in "
                                           "force until ");
        time_say(b, x->until);
        buf_str(b, ", and is tried again from ");
        time_say(b, x->trial);
        buf_str(b, " on. ");
        break;
    case EXCEPTION_ON_TRIAL:
        buf_str(b, "It is on trial until ");
        time_say(b, x->trial);
        buf_str(b, ": the next session is inspected, and if that works it ends. ");
        break;
    case EXCEPTION_REMOVED:
        buf_str(b, "It was removed by a person, and is not learned again before ");
        time_say(b, x->until);
        buf_str(b, ". ");
        break;
    case EXCEPTION_STATES:
        break;
    }
}

static json_t *explanation(const struct learner *l, const struct exception *x)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX_TEXT);

    scope_say(&b, x);
    buf_str(&b, ": ");
    failures_say(&b, x);
    buf_str(&b, ", first ");
    time_say(&b, x->first_failure);
    buf_str(&b, ", last ");
    time_say(&b, x->last_failure);
    buf_printf(&b, ". %s ", reason_words(x->reason));
    state_say(&b, l, x);
    if (x->renewed > 0)
        buf_printf(&b, "It was tried again and needed %u time%s. ", x->renewed,
                   x->renewed == 1 ? "" : "s");
    if (x->uses > 0)
        buf_printf(&b, "Used %" PRIu64 " times. ", x->uses);
    if (b.len > 0 && buf_error(&b) == 0)
        buf_truncate(&b, b.len - 1);
    return buf_error(&b) == 0 ? json_string((const char *)b.data) : NULL;
}

/* ---- lists ---- */

static json_t *exception_json(struct maker *m, const struct learner *l, const struct exception *x)
{
    json_t *o = json_object(), *alerts = json_object(), *clients = json_array();

    for (size_t i = 0; i < EXCEPTION_ALERTS && x->alerts[i].n > 0; i++)
        put(m, alerts, alert_word(x->alerts[i].alert), json_integer(x->alerts[i].n));
    for (size_t i = 0; i < EXCEPTION_CLIENTS && x->clients[i][0] != '\0'; i++)
        append(m, clients, json_string(x->clients[i]));
    put(m, o, "id", json_string(x->id));
    put(m, o, "state", json_string(exception_state_name(x->state)));
    put(m, o, "in_force", json_boolean(learner_applies(l, x)));
    put(m, o, "accepted", json_boolean(x->accepted));
    put(m, o, "reason", json_string(reason_name(x->reason)));
    put(m, o, "host", json_string(x->host));
    put(m, o, "ja4", json_string(x->ja4));
    put(m, o, "client", text_or_null(x->client));
    put(m, o, "alerts", alerts);
    put(m, o, "silent", json_integer(x->silent));
    put(m, o, "clients", clients);
    put(m, o, "first_failure", time_text(x->first_failure));
    put(m, o, "last_failure", time_text(x->last_failure));
    put(m, o, "made", time_text(x->made));
    put(m, o, "until", time_text(x->until));
    put(m, o, "trial", x->state == EXCEPTION_PROPOSED ? json_null() : time_text(x->trial));
    put(m, o, "renewed", json_integer(x->renewed));
    put(m, o, "uses", json_integer((json_int_t)x->uses));
    put(m, o, "last_use", time_text(x->last_use));
    put(m, o, "text", explanation(l, x));
    return o;
}

/* Clients that refuse inspection everywhere: what to do is not an exception but a CA. */
static json_t *clients_json(struct maker *m, const struct learner *l, struct mw_wall now)
{
    json_t *all = json_array();

    for (const struct recall_node *n = l->evidence.devices.newest;
         n != NULL && json_array_size(all) < MAX_CLIENTS; n = n->older) {
        const struct device *d = (const struct device *)n;
        json_t *o;

        if (d->refused.n < REASON_HOSTS_REFUSED || d->last_refused.s <= now.s - EVIDENCE_DAY_S)
            continue;
        o = json_object();
        put(m, o, "client", json_string(n->name));
        put(m, o, "hosts", json_integer(d->refused.n));
        put(m, o, "failures", json_integer(d->failures));
        put(m, o, "last_failure", time_text(d->last_refused));
        put(m, o, "last_success", time_text(d->last_used));
        put(m, o, "text", json_string("this client does not seem to trust the CA: install it "
                                      "there; no exception is learned from it"));
        append(m, all, o);
    }
    return all;
}

/* What may become a case, and why it is none yet. */
static json_t *watched_json(struct maker *m, const struct learner *l, struct mw_wall now)
{
    json_t *all = json_array();

    for (const struct recall_node *n = l->evidence.suspects.newest; n != NULL; n = n->older) {
        const struct suspect *s = (const struct suspect *)n;

        for (size_t i = 0; i < EVIDENCE_WITNESSES; i++) {
            const struct witness *w = &s->witnesses[i];
            struct reason_facts f;
            enum reason r;
            json_t *o;

            if (w->client[0] == '\0' || json_array_size(all) >= MAX_WATCHED)
                continue;
            learner_facts(l, s, w, now, &f);
            r = reason_of(&f);
            if (r == REASON_NOTHING || reason_counts(r))
                continue;
            o = json_object();
            put(m, o, "host", json_string(s->host));
            put(m, o, "ja4", json_string(s->ja4));
            put(m, o, "client", json_string(w->client));
            put(m, o, "alerts", json_integer(f.alerts));
            put(m, o, "silent", json_integer(f.silent));
            put(m, o, "needed", json_integer(f.needed));
            put(m, o, "reason", json_string(reason_name(r)));
            put(m, o, "text", json_string(reason_words(r)));
            append(m, all, o);
        }
    }
    return all;
}

static json_t *learned_json(struct maker *m, const struct learner *l, struct mw_wall now)
{
    static const char *const modes[] = { [GATE_LEARN_OFF] = "off",
                                         [GATE_LEARN_PROPOSE] = "propose",
                                         [GATE_LEARN_APPLY] = "apply" };
    json_t *o = json_object(), *all = json_array();

    for (struct recall_node *n = l->exceptions.newest; n != NULL; n = n->older)
        append(m, all, exception_json(m, l, exception_of(n)));
    put(m, o, "mode", json_string(modes[l->config->learner.mode]));
    put(m, o, "learned", all);
    put(m, o, "clients", clients_json(m, l, now));
    put(m, o, "watched", watched_json(m, l, now));
    put(m, o, "full", json_boolean(l->full));
    return o;
}

static json_t *consents_json(struct maker *m, const struct learner *l, struct mw_wall now)
{
    json_t *o = json_object(), *all = json_array();

    for (const struct consent_item *c = l->consents; c != NULL; c = c->next) {
        char id[40];
        json_t *item;

        if (c->c.until.s <= now.s)
            continue;
        item = json_object();
        snprintf(id, sizeof id, "consent-%" PRId64, c->number);
        put(m, item, "id", json_string(id));
        put(m, item, "client", json_string(c->c.client));
        put(m, item, "host", json_string(c->c.host));
        put(m, item, "port", json_integer(c->c.port));
        put(m, item, "key", json_string(c->c.key));
        put(m, item, "findings", json_string(c->c.findings));
        put(m, item, "made", time_text(c->made));
        put(m, item, "until", time_text(c->c.until));
        append(m, all, item);
    }
    put(m, o, "consents", all);
    return o;
}

/* ---- decisions ---- */

static json_t *error_json(const char *format, ...) PRINTF_LIKE(1, 2);

static json_t *error_json(const char *format, ...)
{
    json_t *text;
    va_list args;

    va_start(args, format);
    text = json_vsprintf(format, args);
    va_end(args);
    return json_pack("{s:o}", "error", text);
}

static struct exception *exception_by_id(const struct learner *l, const char *id)
{
    for (struct recall_node *n = l->exceptions.newest; n != NULL; n = n->older)
        if (strcmp(exception_of(n)->id, id) == 0)
            return exception_of(n);
    return NULL;
}

static int accept_it(struct learner *l, struct exception *x, struct mw_wall now, bool *changed)
{
    bool applied = learner_applies(l, x);

    x->accepted = true;
    exception_begin(x, now, l->config->learner.lifetime_s);
    *changed |= !applied && learner_applies(l, x);
    return keep_exception(l, x);
}

/* It stays, so that it is not learned again at once. */
static int remove_it(struct learner *l, struct exception *x, struct mw_wall now, bool *changed)
{
    *changed |= learner_applies(l, x);
    x->state = EXCEPTION_REMOVED;
    x->accepted = false;
    x->until.s = now.s + l->config->learner.lifetime_s;
    return keep_exception(l, x);
}

static int learned_do(struct learner *l, struct mw_wall now, const char *what, const char *id,
                      struct maker *m, json_t **answer, bool *changed)
{
    struct exception *x;
    int rc = 0;

    if (strcmp(what, "list") == 0) {
        *answer = learned_json(m, l, now);
        return 0;
    }
    x = exception_by_id(l, id);
    if (x == NULL) {
        *answer = error_json("nothing learned is called \"%s\"; `midwatch gate learned list` "
                             "shows what is", id);
        return 0;
    }
    if (strcmp(what, "accept") == 0)
        rc = accept_it(l, x, now, changed);
    else if (strcmp(what, "remove") == 0)
        rc = remove_it(l, x, now, changed);
    else if (strcmp(what, "explain") != 0)
        x = NULL;
    *answer = x != NULL ? exception_json(m, l, x)
                        : error_json("\"%s\" is none of list, explain, accept, remove", what);
    return rc;
}

static int consents_do(struct learner *l, struct mw_wall now, const char *what, const char *id,
                       struct maker *m, json_t **answer, bool *changed)
{
    struct consent_item *c = l->consents;
    char text[40];

    if (strcmp(what, "list") == 0) {
        *answer = consents_json(m, l, now);
        return 0;
    }
    if (strcmp(what, "remove") != 0) {
        *answer = error_json("\"%s\" is none of list, remove", what);
        return 0;
    }
    for (; c != NULL; c = c->next) {
        snprintf(text, sizeof text, "consent-%" PRId64, c->number);
        if (strcmp(text, id) == 0)
            break;
    }
    if (c == NULL) {
        *answer = error_json("no consent is called \"%s\"", id);
        return 0;
    }
    *changed = true;
    *answer = json_pack("{s:s}", "removed", text);
    return consents_drop(l, c);
}

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL && strlen(s) < 64 ? s : "";
}

static int ask(struct learner *l, struct mw_wall now, const json_t *question, struct maker *m,
               json_t **answer, bool *changed)
{
    const char *about = member(question, "ask"), *what = member(question, "do");
    const char *id = member(question, "id");

    if (strcmp(about, "learned") == 0)
        return learned_do(l, now, what[0] != '\0' ? what : "list", id, m, answer, changed);
    if (strcmp(about, "consents") == 0)
        return consents_do(l, now, what[0] != '\0' ? what : "list", id, m, answer, changed);
    *answer = error_json("\"%s\" is not asked of the learner", about);
    return 0;
}

int learner_query(struct learner *l, struct mw_wall now, struct mw_span json, struct buf *answer,
                  bool *changed)
{
    json_t *question = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    struct maker m = { 0 };
    json_t *a = NULL;
    char *text;
    int rc, kept;

    *changed = false;
    kept = learner_tick(l, now, changed);
    if (question == NULL)
        a = error_json("%s", "the question is no JSON object");
    rc = question == NULL ? 0 : ask(l, now, question, &m, &a, changed);
    text = a != NULL && !m.failed ? json_dumps(a, JSON_COMPACT) : NULL;
    json_decref(question);
    json_decref(a);
    if (text == NULL)
        return -ENOMEM;
    buf_str(answer, text);
    free(text);
    if (rc == 0)
        rc = buf_error(answer);
    return rc != 0 ? rc : kept;
}
