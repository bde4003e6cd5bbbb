#include "trust/clock.h"

#include <errno.h>

#include "base/clock.h"
#include "trust/ct.h"
#include "trust/reckon.h"
#include "trust/revocation.h"

/* The true time is not before `at`. */
struct bound {
    struct mw_wall at;
    const char *from; /* a clause */
};

/* All that is known of the time. */
struct knowledge {
    struct reckoning readings;
    struct bound bound;
    bool known; /* true_now is an estimate, else only a lower bound */
    struct mw_wall true_now;
    enum mw_certainty certainty;
    bool off;     /* by more than is tolerated */
    bool differs; /* by more than the readings are unsure of */
};

static struct mw_wall shifted(struct mw_wall t, int64_t ms)
{
    int64_t s = ms / 1000;

    return (struct mw_wall){ t.s + s - (ms % 1000 < 0) };
}

struct mw_wall clock_true_now(const struct judge *j)
{
    const struct mw_clock_view *c = &j->v->clock;
    struct mw_wall now = j->ev->now;

    if (j->ev->now_chosen)
        return now;
    if (c->offset_known && c->state != MW_CLOCK_RIGHT)
        now = shifted(now, c->offset_ms);
    if (!c->offset_known && now.s < c->lower_bound.s - j->policy->clock_tolerance_s)
        now = c->lower_bound;
    return now;
}

struct mw_wall clock_earliest(const struct judge *j)
{
    struct mw_wall then = clock_true_now(j);

    return j->v->clock.is_signed || then.s < j->ev->now.s ? then : j->ev->now;
}

struct mw_wall clock_latest(const struct judge *j)
{
    struct mw_wall then = clock_true_now(j);

    return j->v->clock.is_signed || then.s > j->ev->now.s ? then : j->ev->now;
}

static void raise_bound(struct bound *b, struct mw_wall at, const char *from)
{
    if (at.s > b->at.s)
        *b = (struct bound){ at, from };
}

/* Documents count only when somebody we trust signed them: an impostor could date his own CRL
 * into the future to make a good clock look slow. */
static struct bound bound_find(const struct judge *j)
{
    bool trusted =
        j->chain.path.anchor != MW_ANCHOR_NONE && (j->chain.errors == 0 || j->chain.valid_but_time);
    struct bound b = { 0 };

    if (j->ev->built.s > 0)
        raise_bound(&b, j->ev->built, "this program was built then");
    if (j->ct != NULL && j->ct->n_verified > 0)
        raise_bound(&b, j->ct->newest, "a public log dated this certificate then");
    if (trusted && j->revocation != NULL && j->revocation->newest.s > 0)
        raise_bound(&b, j->revocation->newest,
                    j->revocation->newest_from == FROM_CRL
                        ? "the issuer's revocation list is dated then"
                        : "the issuer's OCSP answer is dated then");
    return b;
}

static const char *source_name(enum mw_clock_source s)
{
    switch (s) {
    case MW_CLOCK_ROUGHTIME:
        return "Roughtime";
    case MW_CLOCK_SNTP:
        return "SNTP";
    case MW_CLOCK_HTTP_DATE:
        break;
    }
    return "HTTP Date";
}

/* ------------------------------------------------------------------ false clocks ---- */

static void liars_find(struct judge *j, const struct reckoning *r)
{
    for (size_t i = 0; i < j->ev->n_clocks && i < RECKON_MAX; i++) {
        const char *server =
            j->ev->clocks[i].server != NULL ? j->ev->clocks[i].server : "a time server";
        struct mw_finding *f = NULL;

        switch (r->marks[i]) {
        case RECKON_LIES:
            judge_add(j, MW_TIME_SERVER_LIES, -1,
                      "%s signed a time that %u other signed %s contradict%s", server, r->n,
                      r->n == 1 ? "time" : "times", r->n == 1 ? "s" : "");
            break;
        case RECKON_DISPUTED:
            f = judge_add(j, MW_TIME_SERVER_LIES, -1,
                          "%s signed a time that others contradict, and no majority says who is "
                          "right",
                          server);
            if (f != NULL)
                f->certainty = MW_LIKELY;
            break;
        case RECKON_FORGED:
            f = judge_add(j, MW_TIME_SERVER_LIES, -1,
                          "the answer in the name of %s is not signed by its key", server);
            if (f != NULL)
                f->disproof = "a newer key published by that server";
            break;
        case RECKON_UNUSED:
        case RECKON_AGREES:
        case RECKON_OUTLIER:
            break;
        }
    }
}

/* Two signed times that agree are believed over everything.  Short of that, no clock can be
 * right that shows a time before something that has already happened. */
static void bound_weigh(struct judge *j, struct knowledge *k)
{
    const struct reckoning *r = &k->readings;
    struct mw_wall theirs = shifted(j->ev->now, r->offset_ms);
    struct mw_finding *f;

    if (!r->known || theirs.s >= k->bound.at.s - j->policy->clock_tolerance_s)
        return;
    if (r->certainty == MW_CERTAIN) {
        k->bound = (struct bound){ 0 };
        return;
    }
    k->readings.known = false;
    f = judge_add(j, MW_TIME_SERVER_LIES, -1, "%s ×%u shows a time that has passed: %s",
                  source_name(r->source), r->n, k->bound.from);
    if (f != NULL)
        f->certainty = MW_LIKELY;
}

/* ---------------------------------------------------------------- what is known ---- */

static void knowledge_gather(struct judge *j, struct knowledge *k)
{
    const int64_t tolerance_s = j->policy->clock_tolerance_s;

    reckon(j->ev->clocks, j->ev->n_clocks, &k->readings);
    liars_find(j, &k->readings);
    k->bound = bound_find(j);
    bound_weigh(j, k);
    k->known = k->readings.known;
    k->true_now = j->ev->now;
    if (k->known) {
        int64_t off_ms = k->readings.offset_ms < 0 ? -k->readings.offset_ms : k->readings.offset_ms;

        k->true_now = shifted(j->ev->now, k->readings.offset_ms);
        k->certainty = k->readings.certainty;
        k->off = off_ms / 1000 > tolerance_s;
        k->differs = off_ms > k->readings.uncertainty_ms;
    } else if (j->ev->now.s < k->bound.at.s - tolerance_s) {
        k->true_now = k->bound.at;
        k->certainty = MW_CERTAIN;
        k->off = k->differs = true;
    }
}

static int view_fill(struct judge *j, const struct knowledge *k)
{
    struct mw_clock_view *c = &j->v->clock;

    c->lower_bound = k->bound.at;
    c->lower_bound_from = k->bound.from;
    c->offset_known = k->known;
    if (!k->known)
        return 0;
    c->is_signed = k->readings.is_signed;
    c->offset_ms = k->readings.offset_ms;
    c->sources = arena_printf(j->arena, "%s ×%u", source_name(k->readings.source), k->readings.n);
    return c->sources != NULL ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------- the conclusions ---- */

/* "this computer's clock shows A, but it is B (Roughtime ×3), so it is off by 3 hours". */
static void facts_write(struct buf *out, const struct judge *j, const struct knowledge *k)
{
    int64_t off_s = k->true_now.s - j->ev->now.s;
    int64_t size_s = off_s < 0 ? -off_s : off_s;
    int64_t past_half_hour_s = size_s % 1800;

    buf_str(out, "this computer's clock shows ");
    wall_format(out, j->ev->now);
    buf_str(out, k->known ? ", but it is " : ", but it is not before ");
    wall_format(out, k->true_now);
    if (k->known)
        buf_printf(out, " (%s ×%u)", source_name(k->readings.source), k->readings.n);
    else
        buf_printf(out, " (%s)", k->bound.from);
    buf_str(out, k->known ? "; it is " : "; it is at least ");
    span_of_time_format(out, off_s);
    buf_str(out, off_s < 0 ? " fast" : " slow");
    /* Time zones lie up to 14 hours off, in steps of a half hour (three of a quarter). */
    if (k->known && size_s >= 1700 && size_s <= 14 * 3600 + 60 &&
        (past_half_hour_s <= 60 || past_half_hour_s >= 1740))
        buf_str(out, ", as with a wrong time zone");
}

static struct mw_finding *clock_find(struct judge *j, const struct knowledge *k, enum mw_code code,
                                     int cert, const char *so)
{
    CLEANUP(buf_deinit) struct buf facts = BUF_INIT(1024);
    struct mw_finding *f;

    facts_write(&facts, j, k);
    if (facts.error != 0) {
        j->error = -ENOMEM;
        return NULL;
    }
    f = judge_add(j, code, cert, "%s; %s", (const char *)facts.data, so);
    if (f == NULL)
        return NULL;
    f->certainty = k->certainty;
    if (!k->known)
        f->disproof = NULL;
    else if (k->readings.is_signed)
        f->disproof = "signed time from other servers that agrees with this clock";
    else
        f->disproof = "signed time (Roughtime): these readings could be forged on the way";
    return f;
}

static bool is_about_time(enum mw_code code)
{
    return code == MW_EXPIRED || code == MW_NOT_YET_VALID;
}

/* What the clock got wrong is not certain any more, and is told after the clock. */
static void blame(struct judge *j, const struct knowledge *k)
{
    struct finding_list *l = &j->findings;
    struct mw_finding wrong;

    if (clock_find(j, k, MW_CLOCK_WRONG, -1, "at the true time this certificate is valid") == NULL)
        return;
    wrong = l->items[l->n - 1];
    if (!k->known) /* how long ago the bound was, nobody said */
        wrong.certainty = MW_LIKELY;
    memmove(l->items + 1, l->items, (l->n - 1) * sizeof(*l->items));
    l->items[0] = wrong;
    for (size_t i = 1; i < l->n; i++)
        if (is_about_time(l->items[i].code))
            l->items[i].certainty = MW_HINT;
    j->v->clock.state = MW_CLOCK_TO_BLAME;
    j->v->clock.valid_at_true_time = true;
}

/* Where a certificate of another path stands in the best path, -1: not there. */
static int index_in_path(const struct judge *j, const struct path *other, int at)
{
    if (at < 0 || (size_t)at >= other->n)
        return -1;
    for (size_t i = 0; i < j->chain.path.n; i++)
        if (j->chain.path.certs[i] == other->certs[at])
            return (int)i;
    return -1;
}

/* The chain passes only by this computer's clock.  One unsigned voice does not make an error
 * of that: anybody on the way could raise it. */
static void unmask(struct judge *j, const struct knowledge *k, const struct chain_result *then)
{
    for (size_t i = 0; i < then->findings.n; i++) {
        const struct mw_finding *f = &then->findings.items[i];
        const char *so = f->code == MW_EXPIRED ? "at the true time this certificate has expired"
                                               : "at the true time this certificate is not valid "
                                                 "yet";

        struct mw_finding *ours;

        if (!is_about_time(f->code))
            continue;
        ours = clock_find(j, k, f->code, index_in_path(j, &then->path, f->cert), so);
        if (ours != NULL && k->certainty < MW_LIKELY)
            ours->severity = MW_WARNING;
    }
    j->v->clock.state = MW_CLOCK_TO_BLAME;
}

static bool has_time_error(const struct chain_result *r)
{
    for (size_t i = 0; i < r->findings.n; i++)
        if (is_about_time(r->findings.items[i].code))
            return true;
    return false;
}

/* The chain at the true time, and what that says of the clock. */
static int counterfactual(struct judge *j, const struct knowledge *k)
{
    struct chain_result then = { 0 };
    int r = chain_judge(j, k->true_now, &then);

    if (r < 0)
        return r;
    j->v->clock.valid_at_true_time = then.errors == 0;
    if (j->chain.valid_but_time && j->chain.errors > 0 && then.errors == 0) {
        blame(j, k);
    } else if (k->off && !has_time_error(&j->chain) && has_time_error(&then)) {
        unmask(j, k, &then);
    } else if (k->off) {
        j->v->clock.state = MW_CLOCK_WRONG_BUT_HARMLESS;
        clock_find(j, k, MW_CLOCK_OFF, -1,
                   then.errors == 0 ? "the certificate is valid at either time"
                                    : "the true time would not make this certificate good");
    }
    return 0;
}

static void unverified_find(struct judge *j, const struct knowledge *k)
{
    bool matters = has_time_error(&j->chain);
    struct mw_finding *f;

    if (j->ev->n_clocks == 0) {
        j->v->missing |= MW_MISSING_TIME;
        return;
    }
    j->v->clock.state = MW_CLOCK_NO_ANSWER;
    f = judge_add(j, MW_CLOCK_UNVERIFIED, -1,
                  k->readings.answered == 0
                      ? "none of the time servers asked (%zu) gave a usable answer%s"
                      : "the time servers asked (%zu) contradict each other or what is known%s",
                  j->ev->n_clocks, matters ? ", so the clock itself may be the cause" : "");
    if (f != NULL && matters)
        f->severity = MW_WARNING;
}

int clock_judge(struct judge *j)
{
    struct knowledge k = { 0 };
    int r = revocation_prepare(j);

    if (r == 0)
        r = ct_prepare(j);
    if (r < 0 || j->ev->now_chosen)
        return r;
    knowledge_gather(j, &k);
    r = view_fill(j, &k);
    if (r < 0)
        return r;
    if (!k.known && !k.off)
        unverified_find(j, &k);
    if (k.known)
        j->v->clock.state = MW_CLOCK_RIGHT;
    j->v->clock.valid_at_true_time = j->leaf != NULL && j->chain.errors == 0;
    if (j->leaf != NULL && (k.off || (k.differs && has_time_error(&j->chain))))
        return counterfactual(j, &k);
    if (k.off) {
        j->v->clock.state = MW_CLOCK_WRONG_BUT_HARMLESS;
        clock_find(j, &k, MW_CLOCK_OFF, -1, "there was no certificate to judge");
    }
    return 0;
}
