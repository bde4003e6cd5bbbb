/*
 * What a scenario demands of the verdict.
 */
#include "base/span.h"
#include "scenario.h"

static bool is(const char *wanted, const char *found, const char *what, struct buf *why)
{
    if (wanted == NULL || (found != NULL && strcmp(wanted, found) == 0))
        return true;
    buf_printf(why, "%s is %s, not %s", what, found != NULL ? found : "none", wanted);
    return false;
}

/* What the verdict held, for the line that says that it should not have. */
static void verdict_tell(const struct mw_verdict *v, struct buf *out)
{
    buf_printf(out, "\n    verdict %s;", mw_outcome_name(v->outcome));
    for (size_t i = 0; i < v->n_findings; i++)
        buf_printf(out, "\n    %s %s %s: %s", mw_severity_name(v->findings[i].severity),
                   mw_code_info(v->findings[i].code)->code,
                   mw_certainty_name(v->findings[i].certainty), v->findings[i].evidence);
    for (size_t i = 0; i < v->n_readers; i++)
        buf_printf(out, "\n    reader %s at %s, %s",
                   v->readers[i].product != NULL ? v->readers[i].product : "unknown",
                   mw_place_name(v->readers[i].place), mw_certainty_name(v->readers[i].certainty));
}

static bool finding_fits(const struct line *l, const struct mw_finding *f, struct buf *why)
{
    const char *part = line_value(l, "says", NULL);

    if (part != NULL && strstr(f->evidence, part) == NULL) {
        buf_printf(why, "the evidence is \"%s\"", f->evidence);
        return false;
    }
    return is(line_value(l, "certainty", NULL), mw_certainty_name(f->certainty), "certainty",
              why) &&
           is(line_value(l, "severity", NULL), mw_severity_name(f->severity), "severity", why) &&
           is(line_value(l, "accepted", NULL), f->accepted ? "yes" : "no", "accepted", why) &&
           is(line_value(l, "disproof", NULL), f->disproof != NULL ? "yes" : "no", "disproof", why);
}

static bool finding_expected(const struct mw_verdict *v, const struct line *l, const char *code,
                             struct buf *why)
{
    if (mw_code_find(code) == MW_CODE_NONE) {
        buf_printf(why, "no code is called %s", code);
        return false;
    }
    for (size_t i = 0; i < v->n_findings; i++)
        if (strcmp(mw_code_info(v->findings[i].code)->code, code) == 0)
            return finding_fits(l, &v->findings[i], why);
    buf_printf(why, "%s was not found", code);
    return false;
}

static bool finding_unwanted(const struct mw_verdict *v, const char *code, struct buf *why)
{
    if (mw_code_find(code) == MW_CODE_NONE) {
        buf_printf(why, "no code is called %s", code);
        return false;
    }
    for (size_t i = 0; i < v->n_findings; i++) {
        if (strcmp(mw_code_info(v->findings[i].code)->code, code) == 0) {
            buf_printf(why, "%s was found", code);
            return false;
        }
    }
    return true;
}

static bool reader_expected(const struct mw_verdict *v, const struct line *l, struct buf *why)
{
    const struct mw_reader *r = v->readers;

    if (v->n_readers == 0) {
        buf_str(why, "there is no reader");
        return false;
    }
    return is(line_value(l, "product", NULL), r->product != NULL ? r->product : "none", "product",
              why) &&
           is(line_value(l, "kind", NULL), r->kind, "kind", why) &&
           is(line_value(l, "place", NULL), mw_place_name(r->place), "place", why) &&
           is(line_value(l, "issuer", NULL), r->issuer, "issuer", why) &&
           is(line_value(l, "key", NULL), r->key != NULL ? "yes" : "no", "key", why) &&
           is(line_value(l, "certainty", NULL), mw_certainty_name(r->certainty), "certainty",
              why) &&
           is(line_value(l, "named", NULL), mw_certainty_name(r->named_certainty), "named", why) &&
           is(line_value(l, "placed", NULL), mw_certainty_name(r->place_certainty), "placed", why);
}

static const char *action_name(enum mw_action a)
{
    return a == MW_PROCEED ? "proceed" : a == MW_ASK ? "ask" : "refuse";
}

static const char *revocation_name(enum mw_revocation_state s)
{
    static const char *const names[] = {
        [MW_REVOCATION_UNASKED] = "unasked",
        [MW_REVOCATION_GOOD] = "good",
        [MW_REVOCATION_REVOKED] = "revoked",
        [MW_REVOCATION_COULD_NOT_CHECK] = "could-not-check",
        [MW_REVOCATION_NO_MECHANISM] = "no-mechanism",
    };

    return names[s];
}

static const char *clock_name(enum mw_clock_state s)
{
    static const char *const names[] = {
        [MW_CLOCK_UNASKED] = "unasked",
        [MW_CLOCK_RIGHT] = "right",
        [MW_CLOCK_WRONG_BUT_HARMLESS] = "wrong-but-harmless",
        [MW_CLOCK_TO_BLAME] = "to-blame",
        [MW_CLOCK_NO_ANSWER] = "no-answer",
    };

    return names[s];
}

static bool unattended_expected(const struct mw_verdict *v, const struct line *l, struct buf *why)
{
    const char *reason = NULL;
    bool may = mw_may_proceed_unattended(v, &reason);

    return is(line_value(l, "unattended", NULL), may ? "proceed" : "refuse", "unattended", why) &&
           is(line_value(l, "because", NULL), reason, "the reason", why);
}

/* At most one decision can be made of a verdict; it must not be possible where it is unsafe. */
static bool decision_expected(const struct mw_verdict *v, const char *wanted, struct buf *why)
{
    struct mw_decision *d = NULL;
    int r = mw_decision_make(&d, v, false, v->at, 60, "scenario");

    mw_decision_free(d);
    return is(wanted, r == 0 ? "possible" : "refused", "a decision", why);
}

static bool one_expected(const struct mw_verdict *v, const struct line *l, struct buf *why)
{
    const char *key = l->n > 1 ? l->words[1].key : "", *value = l->n > 1 ? l->words[1].value : "";

    if (strcmp(key, "reader") == 0)
        return reader_expected(v, l, why);
    if (strcmp(key, "no-reader") == 0)
        return is("0", v->n_readers == 0 ? "0" : "some", "the number of readers", why);
    if (strcmp(key, "outcome") == 0)
        return is(value, mw_outcome_name(v->outcome), "the outcome", why);
    if (strcmp(key, "finding") == 0)
        return finding_expected(v, l, value, why);
    if (strcmp(key, "no-finding") == 0)
        return finding_unwanted(v, value, why);
    if (strcmp(key, "first") == 0)
        return is(value, v->n_findings > 0 ? mw_code_info(v->findings[0].code)->code : NULL,
                  "the first finding", why);
    if (strcmp(key, "action") == 0)
        return is(value, action_name(mw_attended_action(v)), "the action", why);
    if (strcmp(key, "unattended") == 0)
        return unattended_expected(v, l, why);
    if (strcmp(key, "revocation") == 0)
        return is(value, revocation_name(v->revocation.leaf), "revocation", why);
    if (strcmp(key, "clock") == 0)
        return is(value, clock_name(v->clock.state), "the clock", why);
    if (strcmp(key, "decision") == 0)
        return decision_expected(v, value, why);
    buf_printf(why, "nothing called %s can be expected", key);
    return false;
}

bool expect_say(struct scene *w, const struct line *l, struct buf *why)
{
    if (one_expected(w->verdict, l, why))
        return true;
    verdict_tell(w->verdict, why);
    return false;
}
