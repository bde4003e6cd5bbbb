#include "trust/revocation.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "trust/clock.h"
#include "trust/crl.h"
#include "trust/staple.h"

/* ------------------------------------------------------ collecting, verifying ---- */

/* Certificates that can be revoked: all of the path but its anchor. */
static size_t revocable(const struct judge *j)
{
    const struct path *p = &j->chain.path;

    return p->n > 0 && p->anchor != MW_ANCHOR_NONE ? p->n - 1 : p->n;
}

static const struct cert *issuer_of(const struct judge *j, size_t i)
{
    return i + 1 < j->chain.path.n ? j->chain.path.certs[i + 1] : NULL;
}

static struct revocation_item *item_add(struct judge *j, enum revocation_source from, size_t cert)
{
    struct revocation_item **at = &j->revocation->items;
    struct revocation_item *item = arena_alloc(j->arena, sizeof(*item));

    if (item == NULL)
        return NULL;
    while (*at != NULL)
        at = &(*at)->next;
    *item = (struct revocation_item){ .from = from, .cert = cert };
    *at = item;
    return item;
}

static void authentic(struct judge *j, struct revocation_item *item,
                      const struct status_answer *answer)
{
    item->answer = *answer;
    if (answer->this_update.s > j->revocation->newest.s) {
        j->revocation->newest = answer->this_update;
        j->revocation->newest_from = item->from;
    }
}

/* A staple must fit; a fetched answer that is about another certificate is just not for us. */
static int ocsp_collect(struct judge *j, const struct staple *s, enum revocation_source from,
                        size_t i)
{
    struct status_answer answer = { .reason = -1 };
    struct mw_span scts = { 0 };
    const struct cert *issuer = issuer_of(j, i);
    struct revocation_item *item;
    int r;

    if (issuer == NULL)
        return 0;
    r = staple_check(s, j->chain.path.certs[i], issuer, &answer, &scts);
    if (r < 0 || (r == STAPLE_OTHER_CERT && from != FROM_STAPLE))
        return r < 0 ? r : 0;
    item = item_add(j, from, i);
    if (item == NULL)
        return -ENOMEM;
    item->is_error = r == STAPLE_UNSUCCESSFUL;
    if (r > 0) {
        item->why = staple_fault_text((enum staple_fault)r);
        return 0;
    }
    authentic(j, item, &answer);
    if (from == FROM_STAPLE)
        j->revocation->staple_scts = scts;
    return 0;
}

static int staple_collect(struct judge *j)
{
    struct staple s;
    struct revocation_item *item;

    if (j->ev->staple.len == 0 || revocable(j) == 0)
        return 0;
    if (staple_parse(&s, j->ev->staple) == 0)
        return ocsp_collect(j, &s, FROM_STAPLE, 0);
    item = item_add(j, FROM_STAPLE, 0);
    if (item == NULL)
        return -ENOMEM;
    item->why = staple_fault_text(STAPLE_MALFORMED);
    return 0;
}

static int fetched_collect(struct judge *j)
{
    for (size_t k = 0; k < j->ev->n_ocsp && k < REVOCATION_MAX_OCSP; k++) {
        struct staple s;

        if (staple_parse(&s, j->ev->ocsp[k]) != 0 || s.response_status != 0)
            continue; /* nobody can say which certificate it was to be about */
        for (size_t i = 0; i < revocable(j); i++) {
            int r = ocsp_collect(j, &s, FROM_OCSP, i);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int crl_collect(struct judge *j, const struct crl *l, size_t i)
{
    struct status_answer answer = { .reason = -1 };
    const struct cert *issuer = issuer_of(j, i);
    struct revocation_item *item;
    int r;

    if (issuer == NULL)
        return 0;
    r = crl_check(l, j->chain.path.certs[i], issuer, &answer);
    if (r < 0)
        return r;
    if (r == CRL_OTHER_ISSUER || r == CRL_OTHER_KEY || r == CRL_OUT_OF_SCOPE)
        return 0;
    item = item_add(j, FROM_CRL, i);
    if (item == NULL)
        return -ENOMEM;
    if (r > 0)
        item->why = crl_fault_text((enum crl_fault)r);
    else
        authentic(j, item, &answer);
    return 0;
}

static int crls_collect(struct judge *j)
{
    for (size_t k = 0; k < j->ev->n_crls && k < REVOCATION_MAX_CRLS; k++) {
        struct crl l;

        if (crl_parse(&l, j->ev->crls[k]) != 0)
            continue; /* whose list it was to be is not known */
        for (size_t i = 0; i < revocable(j); i++) {
            int r = crl_collect(j, &l, i);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int revocation_prepare(struct judge *j)
{
    int r;

    if (j->revocation != NULL || j->leaf == NULL)
        return 0;
    j->revocation = arena_alloc(j->arena, sizeof(*j->revocation));
    if (j->revocation == NULL)
        return -ENOMEM;
    r = staple_collect(j);
    if (r == 0)
        r = fetched_collect(j);
    if (r == 0)
        r = crls_collect(j);
    return r;
}

/* -------------------------------------------------------------- one certificate ---- */

static const char *source_name(enum revocation_source from)
{
    switch (from) {
    case FROM_STAPLE:
        return "stapled OCSP";
    case FROM_OCSP:
        return "OCSP";
    case FROM_CRL:
        break;
    }
    return "CRL";
}

/* What is known of one certificate after all that covers it was looked at. */
struct standing {
    enum mw_revocation_state state;
    const struct revocation_item *item; /* the one that decided, NULL: none */
    const char *why;                    /* of the last that could not be used */
    bool tried;                         /* something covered it */
};

/* An old answer must not grow young by a forged time.  One dated ahead of this computer's clock
 * shows that the clock is slow, so the latest time decides both. */
static enum status_age age(const struct judge *j, const struct revocation_item *item)
{
    return status_age(&item->answer, clock_latest(j), j->policy->clock_tolerance_s);
}

/* Nor must a certificate on hold be let go by a forged time. */
static bool revoked_still(const struct judge *j, const struct status_answer *a)
{
    const int64_t grace_s = j->policy->clock_tolerance_s;

    return status_is_final(a) || status_age(a, clock_latest(j), grace_s) == STATUS_FRESH ||
           status_age(a, clock_earliest(j), grace_s) == STATUS_FRESH;
}

static const char *age_words(enum status_age a)
{
    return a == STATUS_STALE ? "it is out of date" : "it is dated in the future";
}

static struct standing stand(const struct judge *j, size_t i)
{
    struct standing s = { .state = MW_REVOCATION_UNASKED };

    for (const struct revocation_item *k = j->revocation->items; k != NULL; k = k->next) {
        bool fresh = k->why == NULL && age(j, k) == STATUS_FRESH;

        if (k->cert != i)
            continue;
        s.tried = true;
        if (k->why == NULL && k->answer.status == STATUS_REVOKED && revoked_still(j, &k->answer)) {
            s.state = MW_REVOCATION_REVOKED;
            s.item = k;
            return s;
        }
        if (fresh && k->answer.status == STATUS_GOOD && s.item == NULL) {
            s.state = MW_REVOCATION_GOOD;
            s.item = k;
        } else if (k->why != NULL) {
            s.why = k->why;
        } else if (!fresh) {
            s.why = age_words(age(j, k));
        } else if (k->answer.status == STATUS_UNKNOWN) {
            s.why = "the responder does not know this certificate";
        }
    }
    return s;
}

static bool short_lived(const struct cert *c)
{
    return c->not_after.s - c->not_before.s <= SHORT_LIVED_S;
}

/* Without an answer: was there a way to ask at all? */
static void without_answer(const struct judge *j, const struct cert *c, struct standing *s)
{
    bool points = crl_points_named(c), responder = staple_responder_named(c);

    if (s->state != MW_REVOCATION_UNASKED)
        return;
    if (s->tried) {
        s->state = MW_REVOCATION_COULD_NOT_CHECK;
    } else if (!points && !responder) {
        s->state = MW_REVOCATION_NO_MECHANISM;
        s->why = short_lived(c) ? "it lives so short that it needs none"
                                : "its issuer offers no way to ask";
    } else if (j->ev->revocation_fetch != MW_NOT_LOOKED || j->ev->crls_authoritative) {
        s->state = MW_REVOCATION_COULD_NOT_CHECK;
        s->why = points ? "no list of its issuer could be fetched"
                        : "only OCSP would tell, which also tells the issuer who visits what";
    }
}

/* ------------------------------------------------------------------- the findings ---- */

static void date_write(struct buf *out, struct mw_wall t)
{
    wall_format_date(out, t);
}

static void revoked_find(struct judge *j, size_t i, const struct standing *s)
{
    CLEANUP(buf_deinit) struct buf when = BUF_INIT(64);
    CLEANUP(buf_deinit) struct buf dated = BUF_INIT(64);
    const char *reason = status_reason(s->item->answer.reason);

    date_write(&when, s->item->answer.revoked_at);
    date_write(&dated, s->item->answer.this_update);
    if (when.error != 0 || dated.error != 0) {
        j->error = -ENOMEM;
        return;
    }
    judge_add(j, MW_REVOKED, (int)i, "revoked on %s%s%s, says the issuer's %s of %s",
              (const char *)when.data, reason != NULL ? ": " : "", reason != NULL ? reason : "",
              source_name(s->item->from), (const char *)dated.data);
}

/* What covered a certificate and could not be used.  A staple speaks for its server, and has
 * codes of its own. */
static void stapled_find(struct judge *j, const struct revocation_item *k)
{
    struct mw_finding *f;

    if (k->why != NULL) {
        f = judge_add(j, MW_STAPLE_INVALID, 0, "stapled OCSP: %s", k->why);
        if (f != NULL && k->is_error)
            f->severity = MW_WARNING;
    } else if (age(j, k) != STATUS_FRESH && !status_is_final(&k->answer)) {
        judge_add(j, MW_STAPLE_STALE, 0, "stapled OCSP: %s", age_words(age(j, k)));
    } else if (k->answer.status == STATUS_UNKNOWN) {
        judge_add(j, MW_STAPLE_INVALID, 0,
                  "stapled OCSP: the responder does not know this certificate");
    }
}

static void unusable_find(struct judge *j, const struct revocation_item *k,
                          enum mw_revocation_state state)
{
    struct mw_finding *f;
    const char *why = k->why;

    if (why == NULL && age(j, k) != STATUS_FRESH && !status_is_final(&k->answer))
        why = age_words(age(j, k));
    if (why == NULL)
        return;
    f = judge_add(j, MW_REVOCATION_UNUSABLE, (int)k->cert, "%s: %s", source_name(k->from), why);
    if (f != NULL && k->from == FROM_CRL && j->ev->crls_authoritative &&
        state != MW_REVOCATION_GOOD)
        f->severity = MW_ERROR;
}

static const char *behind_words(const struct judge *j)
{
    return j->chain.path.anchor == MW_ANCHOR_LOCAL && host_is_public(&j->host)
               ? "; whether the site's own certificate is revoked cannot be seen from here, if "
                 "somebody re-signs it"
               : "";
}

static void standing_find(struct judge *j, size_t i, const struct standing *s)
{
    struct mw_finding *f;

    switch (s->state) {
    case MW_REVOCATION_REVOKED:
        revoked_find(j, i, s);
        break;
    case MW_REVOCATION_COULD_NOT_CHECK:
        f = judge_add(j, MW_REVOCATION_UNKNOWN, (int)i, "%s%s",
                      s->why != NULL ? s->why : "no answer", i == 0 ? behind_words(j) : "");
        if (f != NULL && j->ev->crls_authoritative)
            f->severity = MW_ERROR;
        break;
    case MW_REVOCATION_NO_MECHANISM:
        f = j->ev->crls_authoritative
                ? judge_add(j, MW_REVOCATION_UNKNOWN, (int)i, "none of the lists given covers it")
            : i == 0 ? judge_add(j, MW_REVOCATION_NONE, 0, "%s%s", s->why, behind_words(j))
                     : NULL;
        if (f != NULL && j->ev->crls_authoritative)
            f->severity = MW_ERROR;
        break;
    case MW_REVOCATION_GOOD:
    case MW_REVOCATION_UNASKED:
        break;
    }
}

/* ---------------------------------------------------------------------- the view ---- */

static int rank(enum mw_revocation_state s)
{
    switch (s) {
    case MW_REVOCATION_REVOKED:
        return 4;
    case MW_REVOCATION_COULD_NOT_CHECK:
        return 3;
    case MW_REVOCATION_NO_MECHANISM:
        return 2;
    case MW_REVOCATION_GOOD:
        return 1;
    case MW_REVOCATION_UNASKED:
        break;
    }
    return 0;
}

static int reason_write(struct judge *j, const struct standing *s, const char **out)
{
    const char *text = s->why;

    if (s->state == MW_REVOCATION_REVOKED)
        text = status_reason(s->item->answer.reason);
    else if (s->state == MW_REVOCATION_GOOD)
        text = NULL;
    if (text == NULL)
        return 0;
    *out = arena_strdup(j->arena, text);
    return *out != NULL ? 0 : -ENOMEM;
}

/* The leaf's standing fills the view; an intermediate's only if it is revoked. */
static int view_fill(struct judge *j, size_t i, const struct standing *s)
{
    struct mw_revocation_view *v = &j->v->revocation;
    bool speaks = i == 0 || (s->state == MW_REVOCATION_REVOKED && v->leaf != s->state);

    if (i == 0)
        v->leaf = s->state;
    else if (rank(s->state) > rank(v->intermediates))
        v->intermediates = s->state;
    if (!speaks)
        return 0;
    if (s->item != NULL) {
        v->how = source_name(s->item->from);
        v->this_update = s->item->answer.this_update;
        v->next_update = s->item->answer.until;
        v->revoked_at = s->item->answer.revoked_at;
    }
    return reason_write(j, s, &v->reason);
}

static int urls_add(struct judge *j, const struct cert *c)
{
    struct mw_span urls[REVOCATION_MAX_URLS];
    size_t n = crl_urls(c, urls, REVOCATION_MAX_URLS);
    const char **all = (const char **)j->v->crl_urls;

    if (n == 0)
        return 0;
    if (all == NULL)
        all = arena_calloc(j->arena, REVOCATION_MAX_URLS, sizeof(*all));
    if (all == NULL)
        return -ENOMEM;
    j->v->crl_urls = all;
    for (size_t i = 0; i < n && j->v->n_crl_urls < REVOCATION_MAX_URLS; i++) {
        struct mw_span copy;

        if (arena_copy(j->arena, urls[i], &copy) < 0)
            return -ENOMEM;
        if (memchr(copy.data, 0, copy.len) == NULL)
            all[j->v->n_crl_urls++] = (const char *)copy.data;
    }
    if (j->v->n_crl_urls > 0)
        j->v->missing |= MW_MISSING_CRL;
    return 0;
}

/* What a probe could fetch to know more. */
static int missing_find(struct judge *j, const struct cert *c, const struct standing *s)
{
    if (j->ev->revocation_fetch != MW_NOT_LOOKED || j->chain.path.anchor == MW_ANCHOR_NONE ||
        s->state == MW_REVOCATION_GOOD || s->state == MW_REVOCATION_REVOKED)
        return 0;
    if (crl_points_named(c))
        return urls_add(j, c);
    if (staple_responder_named(c))
        j->v->missing |= MW_MISSING_OCSP;
    return 0;
}

/* RFC 7633 section 4.2.3: a certificate that demands a staple counts only with one.  Without a
 * handshake there was none to see. */
static void required_find(struct judge *j, enum mw_revocation_state leaf)
{
    if (!staple_required(j->leaf) || j->ev->reach != MW_REACH_HANDSHAKE)
        return;
    for (const struct revocation_item *k = j->revocation->items; k != NULL; k = k->next)
        if (k->from == FROM_STAPLE && k->why == NULL && age(j, k) == STATUS_FRESH &&
            k->answer.status == STATUS_GOOD)
            return;
    if (leaf != MW_REVOCATION_REVOKED)
        judge_add(j, MW_STAPLE_REQUIRED, 0,
                  j->ev->staple.len > 0
                      ? "the certificate demands a stapled answer, and the one "
                        "that came does not count"
                      : "the certificate demands a stapled answer, and none came");
}

/* Without an anchor an issuer's word that all is well is worth nothing; that it is not, is. */
static bool worth_saying(const struct judge *j, const struct standing *s)
{
    return j->chain.path.anchor != MW_ANCHOR_NONE || s->state == MW_REVOCATION_REVOKED;
}

static int cert_judge(struct judge *j, size_t i)
{
    const struct cert *c = j->chain.path.certs[i];
    struct standing s = stand(j, i);
    int r;

    without_answer(j, c, &s);
    if (!worth_saying(j, &s))
        return 0;
    standing_find(j, i, &s);
    for (const struct revocation_item *k = j->revocation->items; k != NULL; k = k->next) {
        if (k->cert == i && k->from == FROM_STAPLE)
            stapled_find(j, k);
        else if (k->cert == i)
            unusable_find(j, k, s.state);
    }
    if (i == 0)
        required_find(j, s.state);
    r = view_fill(j, i, &s);
    return r == 0 ? missing_find(j, c, &s) : r;
}

int revocation_judge(struct judge *j)
{
    size_t n = revocable(j);
    int r = revocation_prepare(j);

    if (r < 0 || j->leaf == NULL)
        return r;
    if (n == 0) /* the leaf itself is the anchor: nobody could revoke it */
        j->v->revocation.leaf = MW_REVOCATION_NO_MECHANISM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = cert_judge(j, i);
    return r;
}
