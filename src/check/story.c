#include "check/story.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "check/story_advice.h"

struct teller {
    struct arena *arena;
    const struct mw_evidence *ev;
    const struct mw_verdict *v;
    struct story *s;
    bool failed;                /* out of memory; remembered until the end */
};

const char *story_is(enum mw_certainty c)
{
    switch (c) {
    case MW_PROVEN:
        return "is, provably,";
    case MW_CERTAIN:
        return "is";
    case MW_LIKELY:
        return "is most likely";
    case MW_HINT:
        break;
    }
    return "may be";
}

const char *story_where(enum mw_place place)
{
    switch (place) {
    case MW_PLACE_THIS_COMPUTER:
        return "on this computer";
    case MW_PLACE_THIS_NETWORK:
        return "on this network";
    case MW_PLACE_VPN:
        return "at the VPN";
    case MW_PLACE_SERVER_SIDE:
        return "on the server's own side";
    case MW_PLACE_UNKNOWN:
        break;
    }
    return NULL;
}

static const char *told(struct teller *t, const char *format, ...) PRINTF_LIKE(2, 3);

static const char *told(struct teller *t, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(t->arena, format, args);
    va_end(args);
    if (text == NULL)
        t->failed = true;
    return text != NULL ? text : "";
}

/* A title as it stands within a sentence: small at its beginning, unless it begins with an
 * abbreviation. */
static const char *within(struct teller *t, const char *title)
{
    char *text;

    if (title[0] < 'A' || title[0] > 'Z' || (title[1] >= 'A' && title[1] <= 'Z'))
        return title;
    text = arena_strdup(t->arena, title);
    if (text == NULL) {
        t->failed = true;
        return title;
    }
    text[0] = (char)(text[0] + ('a' - 'A'));
    return text;
}

/* The host as a command takes it: with its port unless that is HTTPS's. */
static const char *host_to_type(struct teller *t)
{
    const char *host = t->v->host;

    if (t->v->port == 443)
        return host;
    return told(t, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, t->v->port);
}

static void list_add(struct story_list *list, const char *line)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->lines[i], line) == 0)
            return;
    if (list->n < STORY_LINES)
        list->lines[list->n++] = line;
}

static const struct mw_finding *first_error(const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity == MW_ERROR)
            return &v->findings[i];
    return NULL;
}

static bool has(const struct mw_verdict *v, enum mw_code code)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].code == code)
            return true;
    return false;
}

static bool has_error_in(const struct mw_verdict *v, enum mw_group group)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity == MW_ERROR &&
            mw_code_info(v->findings[i].code)->group == group)
            return true;
    return false;
}

/* "FortiGate (Fortinet)", "Cisco Umbrella", or the issuer's name in quotes. */
static const char *reader_name(struct teller *t, const struct mw_reader *r)
{
    if (r->product != NULL && r->vendor != NULL &&
        strncmp(r->product, r->vendor, strlen(r->vendor)) != 0 &&
        strncmp(r->vendor, r->product, strlen(r->product)) != 0)
        return told(t, "%s (%s)", r->product, r->vendor);
    if (r->product != NULL)
        return r->product;
    if (r->issuer != NULL)
        return told(t, "“%s”", r->issuer);
    return "somebody unnamed";
}

static const char *reader_place(struct teller *t, const struct mw_reader *r)
{
    static const char *const how_sure[] = {
        [MW_HINT] = "perhaps ", [MW_LIKELY] = "most likely ", [MW_CERTAIN] = "",
        [MW_PROVEN] = "",
    };
    const char *where = story_where(r->place);

    return where != NULL ? told(t, ", %s%s", how_sure[r->place_certainty], where) : "";
}

static const char *resigned(struct teller *t)
{
    const struct mw_reader *r = &t->v->readers[0];

    return told(t, "%s %s re-signed by %s%s", t->v->host, story_is(r->certainty),
                reader_name(t, r), reader_place(t, r));
}

static const char *private_headline(struct teller *t)
{
    const struct mw_verdict *v = t->v;

    if (has(v, MW_ECHO_AGREES))
        return told(t, "nobody reads %s on the way: the server saw the very connection "
                       "that left here", v->host);
    if (v->anchor == MW_ANCHOR_LOCAL && v->n_path > 0)
        return told(t, "nobody found between this computer and %s, which a private authority "
                       "certifies: %s", v->host, v->chain[v->n_path - 1].short_subject);
    if (t->ev->reach == MW_REACH_NOT_TRIED)
        return told(t, "the chain given for %s is sound, and nobody re-signed it that can be "
                       "told from it", v->host);
    return told(t, "nobody found between this computer and %s", v->host);
}

static const char *untrusted_headline(struct teller *t)
{
    const struct mw_verdict *v = t->v;
    const struct mw_finding *worst = first_error(v);

    if (v->clock.state == MW_CLOCK_TO_BLAME && v->clock.valid_at_true_time)
        return told(t, "this computer's clock is wrong; at the true time the certificate of %s "
                       "is valid", v->host);
    if (v->clock.state == MW_CLOCK_TO_BLAME)
        return told(t, "this computer's clock is wrong, which hides that the certificate of %s is "
                       "not valid", v->host);
    if (v->n_readers > 0 && v->anchor == MW_ANCHOR_LOCAL && worst != NULL)
        return told(t, "%s, and besides: %s", resigned(t),
                    within(t, mw_code_info(worst->code)->title));
    if (v->n_readers > 0)
        return told(t, "%s, whom this computer has no reason to trust", resigned(t));
    if (worst == NULL)
        return told(t, "%s cannot be trusted", v->host);
    return told(t, "an app is right to warn about %s: %s", v->host,
                within(t, mw_code_info(worst->code)->title));
}

static void tell_headline(struct teller *t)
{
    const struct mw_verdict *v = t->v;
    const char *first = v->n_findings > 0 ? mw_code_info(v->findings[0].code)->title : NULL;

    switch (v->outcome) {
    case MW_PRIVATE:
        t->s->word = "PRIVATE";
        t->s->headline = private_headline(t);
        return;
    case MW_INSPECTED:
        t->s->word = "NOT PRIVATE";
        t->s->headline = v->n_readers > 0
                             ? resigned(t)
                             : told(t, "somebody reads the connection to %s", v->host);
        return;
    case MW_UNTRUSTED:
        t->s->word = v->clock.state == MW_CLOCK_TO_BLAME ? "WRONG CLOCK" : "NOT TRUSTED";
        t->s->headline = untrusted_headline(t);
        return;
    case MW_BLOCKED:
        t->s->word = "BLOCKED";
        t->s->headline = told(t, "the connection to %s was stopped, not read: %s", v->host,
                              first != NULL ? within(t, first) : "no certificate came");
        return;
    case MW_UNREACHABLE:
        t->s->word = "NO ANSWER";
        t->s->headline = told(t, "%s could not be tested: %s", v->host,
                              first != NULL ? within(t, first) : "no connection");
        return;
    case MW_UNJUDGED:
        break;
    }
    t->s->word = "NOT JUDGED";
    t->s->headline = told(t, "%s was not judged: treat it as not trusted", v->host);
}

/* Without "DNS:", which people need not read; other kinds of name keep theirs. */
static const char *name_alone(const char *name)
{
    return strncmp(name, "DNS:", 4) == 0 ? name + 4 : name;
}

/* For whom a certificate is: the name asked for if it is among them, else the first. */
static const char *names_told(struct teller *t, const struct mw_cert_view *c)
{
    const char *name;

    if (c->n_names == 0)
        return c->short_subject;
    name = has_error_in(t->v, MW_GROUP_NAME) ? name_alone(c->names[0]) : t->v->host;
    if (c->n_names == 1)
        return name;
    return told(t, "%s and %zu more name%s", name, c->n_names - 1, c->n_names > 2 ? "s" : "");
}

static void tell_facts(struct teller *t)
{
    const struct mw_verdict *v = t->v;
    const struct mw_local_facts *local = &t->ev->local;
    const char *causes = NULL;
    unsigned seen = 0;

    t->s->expected = v->host;
    if (v->n_chain > 0) {
        t->s->issuer = v->chain[0].issuer;
        t->s->subject = names_told(t, &v->chain[0]);
    }
    for (size_t i = 0; i < v->n_findings; i++) {
        enum mw_group group = mw_code_info(v->findings[i].code)->group;

        if (v->findings[i].severity != MW_ERROR || seen & 1U << group)
            continue;
        seen |= 1U << group;
        causes = causes == NULL ? mw_group_name(group)
                                : told(t, "%s, %s", causes, mw_group_name(group));
    }
    t->s->causes = causes;
    if (local->vpn_interface != NULL)
        t->s->vpn = told(t, "a VPN carries this connection (%s): whoever runs it may monitor "
                            "the traffic", local->vpn_interface);
    else if (local->vpn_up_elsewhere)
        t->s->vpn = "a VPN is up, but this connection does not use it";
    else if (local->looked == MW_SEEN_YES)
        t->s->vpn = "no VPN carries this connection";
}

static void tell_why(struct teller *t)
{
    const struct mw_verdict *v = t->v;

    if (v->outcome == MW_PRIVATE && v->anchor == MW_ANCHOR_PUBLIC && v->n_path > 0)
        list_add(&t->s->why, told(t, "the chain ends in %s, which every computer knows",
                                  v->chain[v->n_path - 1].short_subject));
    for (size_t i = 0; i < v->n_findings; i++) {
        const struct mw_finding *f = &v->findings[i];
        bool telling = f->severity == MW_ERROR || f->severity == MW_WARNING ||
                       f->severity == MW_GOOD ||
                       mw_code_info(f->code)->group == MW_GROUP_INTERCEPTION ||
                       mw_code_info(f->code)->group == MW_GROUP_DECISION;

        if (telling && f->evidence != NULL && f->evidence[0] != '\0')
            list_add(&t->s->why, f->evidence);
    }
}

static void tell_clock(struct teller *t)
{
    const struct mw_clock_view *c = &t->v->clock;
    int64_t off = c->offset_ms < 0 ? -c->offset_ms : c->offset_ms;
    CLEANUP(buf_deinit) struct buf ago = BUF_INIT(128);

    if (!c->offset_known || c->state == MW_CLOCK_TO_BLAME)
        return;
    if (off < 60000)
        buf_printf(&ago, "%" PRId64 ".%" PRId64 " s", off / 1000, off % 1000 / 100);
    else
        span_of_time_format(&ago, off / 1000);
    if (buf_error(&ago) != 0) {
        t->failed = true;
        return;
    }
    list_add(&t->s->isnt, told(t, "the clock: off by %s%s%s%s", (const char *)ago.data,
                               c->sources != NULL ? " (" : "",
                               c->sources != NULL ? c->sources : "",
                               c->sources != NULL ? ")" : ""));
}

static void tell_isnt(struct teller *t)
{
    const struct mw_verdict *v = t->v;
    const struct mw_cert_view *leaf = v->n_chain > 0 ? &v->chain[0] : NULL;

    if (v->outcome == MW_UNREACHABLE || v->outcome == MW_BLOCKED)
        return;
    tell_clock(t);
    if (leaf == NULL || v->outcome == MW_PRIVATE)
        return;
    if (!has_error_in(v, MW_GROUP_NAME))
        list_add(&t->s->isnt, told(t, "the name: the certificate covers %s", v->host));
    if (!has(v, MW_EXPIRED) && !has(v, MW_NOT_YET_VALID)) {
        CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);

        wall_format_date(&until, leaf->not_after);
        if (buf_error(&until) == 0)
            list_add(&t->s->isnt, told(t, "the dates: valid until %s",
                                       (const char *)until.data));
    }
    if (v->anchor == MW_ANCHOR_PUBLIC && !has_error_in(v, MW_GROUP_AUTHORITY))
        list_add(&t->s->isnt, told(t, "the authority: the chain ends in %s, which is public",
                                   v->chain[v->n_path - 1].short_subject));
    if (v->revocation.leaf == MW_REVOCATION_GOOD)
        list_add(&t->s->isnt, told(t, "revocation: %s says it is still good",
                                   v->revocation.how != NULL ? v->revocation.how : "its issuer"));
    if (v->outcome == MW_UNTRUSTED && v->n_readers == 0)
        list_add(&t->s->isnt, "somebody known: no gateway, antivirus or filter was recognised");
}

static void tell_sees(struct teller *t)
{
    struct story_list *sees = &t->s->sees;

    switch (t->v->outcome) {
    case MW_PRIVATE:
        list_add(sees, told(t, "on the way: that you connect to %s, when and how much; not what",
                            t->v->host));
        return;
    case MW_INSPECTED:
        list_add(sees, "everything on this connection: pages, passwords, files, calls; and it "
                       "can change them");
        return;
    case MW_UNTRUSTED:
        if (t->v->clock.state != MW_CLOCK_TO_BLAME || !t->v->clock.valid_at_true_time)
            list_add(sees, "nothing yet; if you go on, whoever answers could read and change "
                           "everything");
        return;
    case MW_BLOCKED:
        list_add(sees, told(t, "that you wanted %s; nothing of what you would have sent",
                            t->v->host));
        return;
    case MW_UNREACHABLE:
    case MW_UNJUDGED:
        return;
    }
}

static void tell_to_do(struct teller *t)
{
    const struct mw_verdict *v = t->v;
    const bool only_errors = first_error(v) != NULL;
    size_t told_of = 0;

    if (v->n_readers > 0) {
        list_add(&t->s->person, advice_for_reader(&v->readers[0]));
        list_add(&t->s->it, told(t, "%s   (the exception, and a text for the ticket)",
                                 advice_exempt_command(t->arena, &v->readers[0], v->host)));
    }
    for (size_t i = 0; i < v->n_findings && told_of < 3; i++) {
        const struct mw_finding *f = &v->findings[i];
        const struct mw_code_info *info = mw_code_info(f->code);

        if (f->severity < MW_WARNING || (only_errors && f->severity != MW_ERROR))
            continue;
        if (v->n_readers > 0 && info->group == MW_GROUP_INTERCEPTION)
            continue;           /* the reader's own advice says it better */
        told_of++;
        if (info->person != NULL && info->person[0] != '\0')
            list_add(&t->s->person, info->person);
        if (info->it != NULL && info->it[0] != '\0')
            list_add(&t->s->it, info->it);
    }
    if (mw_attended_action(v) == MW_ASK)
        list_add(&t->s->person, told(t, "To go on all the same, for 7 days and this key only: "
                                        "midwatch check --ask %s", host_to_type(t)));
}

int story_tell(struct arena *arena, const struct mw_evidence *ev, const struct mw_verdict *v,
               struct story *out)
{
    struct teller t = { .arena = arena, .ev = ev, .v = v, .s = out };

    *out = (struct story){ 0 };
    tell_headline(&t);
    tell_facts(&t);
    tell_why(&t);
    tell_isnt(&t);
    tell_sees(&t);
    tell_to_do(&t);
    return t.failed ? -ENOMEM : 0;
}
