/*
 * Is the issuer a product's? The catalogue answers by fingerprint, by key, or by the issuer's
 * name. A name says nothing under a public authority: those check whom they issue to.
 */
#include <errno.h>
#include <openssl/obj_mac.h>

#include "base/own.h"
#include "trust/finding.h"
#include "trust/intercept.h"
#include "trust/policy.h"

/* A product and the certificate that gave it away. */
struct sighting {
    const struct product *product;
    const struct cert *cert;
    int index; /* in the path, -1: sent, but not in it */
    bool by_key;
};

static bool better(const struct sighting *best, const struct product *p, bool by_key)
{
    if (best->product == NULL)
        return true;
    if (best->by_key != by_key)
        return by_key;
    return p->grade < best->product->grade;
}

static void consider(struct sighting *best, const struct product *p, const struct cert *cert,
                     int index, bool by_key)
{
    if (p != NULL && better(best, p, by_key))
        *best = (struct sighting){ p, cert, index, by_key };
}

static void consider_issuer(const struct middle *m, struct sighting *best, const struct cert *cert,
                            int index)
{
    const struct product *p;

    if (catalogue_match_issuer(m->j->policy->catalogue, cert, &p) < 0)
        m->j->error = -ENOMEM;
    else
        consider(best, p, cert, index, false);
}

static struct sighting look(const struct middle *m)
{
    const struct catalogue *c = m->j->policy->catalogue;
    const struct path *path = &m->j->chain.path;
    struct sighting best = { .index = -1 };

    for (size_t i = 0; i < path->n; i++) {
        const struct cert *cert = path->certs[i];

        consider(&best, catalogue_match_key(c, cert, i == 0), cert, (int)i, true);
        if (!m->public_anchor)
            consider_issuer(m, &best, cert, (int)i);
    }
    for (size_t i = 0; path->n == 0 && i < m->j->n_sent; i++) {
        const struct cert *cert = m->j->certs[i];

        consider(&best, catalogue_match_key(c, cert, i == 0), cert, -1, true);
        consider_issuer(m, &best, cert, -1);
    }
    return best;
}

static enum mw_certainty named_certainty(const struct sighting *s)
{
    if (s->by_key)
        return MW_CERTAIN;
    return s->product->grade <= GRADE_B && !s->product->also_genuine ? MW_LIKELY : MW_HINT;
}

/* The domains of a country: its code (ISO 3166-1), and what else it was given. */
static bool is_country_tree(struct mw_span country, struct mw_span tree)
{
    static const struct {
        const char *country, *tree;
    } more[] = {
        {"RU",  "su"      },
        { "RU", "xn--p1ai"}
    };

    if (country.len == 2 && span_eq_nocase(country, tree))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        if (span_eq_nocase(country, span_str(more[i].country)) &&
            span_eq_nocase(tree, span_str(more[i].tree)))
            return true;
    return false;
}

/* A name is borrowed by whoever likes to pass for harmless, so only the very key counts; and a
 * state's authority has no business with names outside of its country. */
static bool is_genuine(const struct middle *m, const struct sighting *s)
{
    CLEANUP(buf_deinit) struct buf country = BUF_INIT(1024);
    const char *dot = strrchr(m->j->host.text, '.');

    if (!s->product->also_genuine || !s->by_key || m->j->host.kind != HOST_DNS || dot == NULL)
        return false;
    name_attribute(&country, s->cert->issuer, NID_countryName);
    return is_country_tree(buf_span(&country), span_str(dot + 1));
}

/* In decibans; see docs/weighing.md. */
static int named_weight(const struct sighting *s)
{
    static const int by_grade[] = { [GRADE_A] = 20, [GRADE_B] = 18, [GRADE_C] = 12 };

    if (s->product->also_genuine)
        return 2;
    if (s->by_key || s->product->bad_root)
        return 40;
    return s->product->grade <= GRADE_C ? by_grade[s->product->grade] : 0;
}

static void bad_root_add(struct middle *m, const struct sighting *s)
{
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(64 * 1024);
    struct mw_finding *f;

    name_format(&issuer, s->cert->issuer);
    f = judge_add(m->j, MW_KNOWN_BAD_ROOT, s->index, "%s: \"%s\", recognised by its %s",
                  s->product->name, judge_text(m->j, &issuer), s->by_key ? "fingerprint" : "name");
    if (f != NULL)
        f->certainty = s->by_key ? MW_CERTAIN : MW_LIKELY;
}

void intercept_names(struct middle *m)
{
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(64 * 1024);
    struct sighting s = look(m);
    struct mw_finding *f;

    if (s.product == NULL)
        return;
    m->product = s.product;
    m->named = named_certainty(&s);
    m->genuine = is_genuine(m, &s);
    if (strcmp(s.product->kind, "captive-portal") == 0)
        m->portal = true;
    name_format(&issuer, s.cert->issuer);
    f = judge_add(m->j, MW_INTERCEPTOR_NAMED, s.index, "%s: issuer \"%s\"%s", s.product->name,
                  judge_text(m->j, &issuer),
                  s.product->also_genuine ? "; some sites really use this issuer" : "");
    middle_weigh(m, f, named_weight(&s));
    if (f != NULL) {
        f->certainty = m->named;
        if (s.by_key)
            f->disproof = NULL;
    }
    if (s.product->bad_root)
        bad_root_add(m, &s);
}
