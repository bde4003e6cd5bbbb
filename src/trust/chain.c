/*
 * Which path is the best, and what there is to say about it.
 */
#include <errno.h>

#include "trust/lint.h"
#include "trust/path.h"

/* Names times constraints, over all paths of one search; real ones need a few thousand. */
enum { MAX_CONSTRAINT_WORK = 400000 };

struct choice {
    struct judge *j;
    struct mw_wall at;
    struct path best;
    struct finding_list findings;       /* of best, if it was the first one looked at */
    unsigned errors, time_errors;       /* of best */
    bool any, written;
    size_t work_left;
};

static bool is_vetted(const struct judge *j, const struct path *p)
{
    const struct anchor *a =
        p->anchor != MW_ANCHOR_NONE ? policy_anchor(j->policy, p->certs[p->n - 1]) : NULL;

    return a != NULL && a->built_in;
}

static struct lint lint_of(struct choice *c, const struct path *path, struct finding_list *list)
{
    return (struct lint){
        .j = c->j,
        .path = path,
        .at = c->at,
        .list = list,
        .strict = path->anchor == MW_ANCHOR_PUBLIC,
        .anchor_vetted = is_vetted(c->j, path),
        .work_left = &c->work_left,
    };
}

/* No errors before few, public before local, short before long. */
static bool is_better(const struct choice *c, const struct path *p, unsigned errors)
{
    if (!c->any || errors != c->errors)
        return !c->any || errors < c->errors;
    if (p->anchor != c->best.anchor)
        return p->anchor == MW_ANCHOR_PUBLIC;
    return p->n < c->best.n;
}

/* The first path is written about at once, since mostly it is the only one; later ones are
 * counted, and the winner is written about at the end. */
static bool on_path(void *context, const struct path *p)
{
    struct choice *c = context;
    struct lint l = lint_of(c, p, c->any ? NULL : &c->findings);

    lint_path(&l);
    if (is_better(c, p, l.errors)) {
        c->best = *p;
        c->errors = l.errors;
        c->time_errors = l.time_errors;
        c->written = !c->any;
        c->any = true;
    }
    if (l.out_of_work || c->j->error != 0)
        return false;
    return l.errors > 0 || p->anchor != MW_ANCHOR_PUBLIC;
}

static bool signs_itself(const struct cert *c)
{
    return c->self_issued && cert_signed_by(c, c) == 1;
}

static bool names_issuer_place(const struct cert *c)
{
    static const uint8_t aia[] = { 0x2b, 6, 1, 5, 5, 7, 1, 1 };

    return cert_extension(c, span_of(aia, sizeof aia)) != NULL;
}

/* Why a path that leads nowhere ends where it does. */
static void dead_end_explain(struct judge *j, const struct path_search *s, struct lint *l)
{
    const struct path *p = &s->dead_end;
    size_t last = p->n - 1;
    const struct cert *end = p->certs[last];
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(8192);
    const char *name;

    (void)j;
    name_format_short(&issuer, end->issuer);
    name = issuer.data != NULL ? (const char *)issuer.data : "nobody";
    if (s->too_long)
        lint_error(l, MW_CHAIN_TOO_LONG, LINT_NO_CERT, "over %d certificates and no end",
                   MW_MAX_DEPTH);
    else if (signs_itself(end) && last == 0)
        lint_error(l, MW_SELF_SIGNED, 0, "signed with its own key, by nobody else");
    else if (signs_itself(end))
        lint_error(l, MW_UNKNOWN_AUTHORITY, last, "the root \"%s\" is not trusted here", name);
    else if (s->impostor != NULL && s->impostor_same_id)
        lint_error(l, MW_BAD_SIGNATURE, last, "says that \"%s\" signed it, but that key did not",
                   name);
    else if (s->impostor != NULL)
        lint_error(l, MW_UNKNOWN_AUTHORITY, last,
                   "signed by another \"%s\" than the one known here: same name, other key", name);
    else if (names_issuer_place(end))
        lint_error(l, MW_MISSING_INTERMEDIATE, last,
                   "the certificate of its issuer \"%s\" was not sent", name);
    else
        lint_error(l, MW_UNKNOWN_AUTHORITY, last, "its issuer \"%s\" is not known here", name);
}

static bool sent_contains(const struct judge *j, const struct cert *c, size_t *at)
{
    for (*at = 0; *at < j->n_sent; ++*at)
        if (cert_same(j->certs[*at], c))
            return true;
    return false;
}

/* Did the server send what it should, and no more, and in order (RFC 8446 4.4.2)? */
static void sending_judge(struct lint *l)
{
    const struct judge *j = l->j;
    const struct path *p = l->path;
    size_t previous = 0, at, useful = 0, roots = 0;
    bool ordered = true;

    for (size_t i = 0; i < p->n; i++)
        if (sent_contains(j, p->certs[i], &at)) {
            ordered = ordered && at == previous;
            previous = at + 1;
            useful++;
        }
    for (size_t i = 0; i < j->n_sent; i++)
        roots += j->certs[i]->self_issued && i > 0;
    if (!ordered)
        lint_as(l, MW_NOTE, MW_CHAIN_ORDER, LINT_NO_CERT,
                "the certificates were not sent in the order of the chain");
    if (j->n_sent > useful && j->n_sent - useful > roots)
        lint_as(l, MW_NOTE, MW_CHAIN_SUPERFLUOUS, LINT_NO_CERT,
                "%zu of %zu certificates sent are not part of the chain", j->n_sent - useful,
                j->n_sent);
}

static void anchor_judge(struct lint *l)
{
    const struct path *p = l->path;
    const struct anchor *a;

    if (p->used_fetched)
        lint_as(l, MW_WARNING, MW_MISSING_INTERMEDIATE, LINT_NO_CERT,
                "the server left out a certificate that browsers fetch or remember; other "
                "programs will refuse");
    if (p->anchor != MW_ANCHOR_LOCAL)
        return;
    a = policy_anchor(l->j->policy, p->certs[p->n - 1]);
    lint_as(l, MW_NOTE, MW_LOCAL_ANCHOR, p->n - 1, "trusted because it was added here (%s)",
            a != NULL ? a->from : "locally");
}

/* Writes about the path that was chosen, or that leads furthest. */
static void result_write(struct choice *c, const struct path_search *s, struct chain_result *out)
{
    struct lint l;

    out->path = c->any ? c->best : s->dead_end;
    if (c->any && c->written) {
        out->findings = c->findings;
        l = lint_of(c, &out->path, &out->findings);
        l.errors = c->errors;
        l.time_errors = c->time_errors;
    } else {
        out->findings = (struct finding_list){ 0 };
        l = lint_of(c, &out->path, &out->findings);
        lint_path(&l);
    }
    if (c->any)
        anchor_judge(&l);
    else
        dead_end_explain(c->j, s, &l);
    sending_judge(&l);
    if (s->too_complex && l.errors > 0)
        lint_error(&l, MW_CHAIN_TOO_COMPLEX, LINT_NO_CERT, "so many ways from certificate to "
                   "certificate that not all were tried");
    out->errors = l.errors;
    out->valid_but_time = l.errors > 0 && l.errors == l.time_errors;
}

int chain_judge(struct judge *j, struct mw_wall at, struct chain_result *out)
{
    struct choice c = { .j = j, .at = at, .work_left = MAX_CONSTRAINT_WORK };
    struct path_search s;
    int error;

    *out = (struct chain_result){ 0 };
    error = path_search(j, at, on_path, &c, &s);
    if (error == 0)
        result_write(&c, &s, out);
    return error != 0 ? error : j->error;
}
