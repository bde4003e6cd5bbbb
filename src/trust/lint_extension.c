/*
 * Extensions: are they well formed, allowed where they stand, and as critical as they must be?
 * Source: RFC 5280 4.2, CA/Browser Forum Baseline Requirements 7.1.2.
 */
#include "trust/der.h"
#include "trust/lint.h"

struct where {
    struct lint *l;
    const struct cert *c;
    const struct cert_extension *e;
    size_t i;
    bool issues;                /* it signs the one before it in the path */
    bool anchor;
};

typedef void extension_rule(const struct where *w);

static void malformed(const struct where *w, const char *what)
{
    lint_error(w->l, MW_EXTENSION_MALFORMED, w->i, "its %s cannot be read", what);
}

/* RFC 5280 4.2.1.9 */
static void rule_basic_constraints(const struct where *w)
{
    bool ok, ca = false;
    struct reader r = { .rest = der_unwrap(w->e->value, DER_SEQUENCE, &ok) };

    if (der_peek(&r, DER_BOOLEAN))
        ca = der_bool(&r);
    if (der_peek(&r, DER_INTEGER)) {
        der_small(&r, INT32_MAX - 1);
        if (!ca)
            lint_form(w->l, MW_PATH_LENGTH, w->i, "a path length in what is no authority");
    }
    if (!ok || !read_done(&r))
        malformed(w, "basic constraints");
    else if (ca && !w->e->critical)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "its basic constraints are not critical");
}

enum { KU_DIGITAL_SIGNATURE = 0x80, KU_KEY_ENCIPHERMENT = 0x20, KU_KEY_AGREEMENT = 0x08,
       KU_CERT_SIGN = 0x04 };

/* RFC 5280 4.2.1.3 */
static void rule_key_usage(const struct where *w)
{
    bool ok;
    struct mw_span bits = der_unwrap(w->e->value, DER_BIT_STRING, &ok);
    uint8_t use;

    if (!ok || bits.len < 2 || bits.len > 3 || bits.data[0] > 7) {
        malformed(w, "key usage");
        return;
    }
    use = bits.data[1];
    if (w->issues) {
        if ((use & KU_CERT_SIGN) == 0)
            lint_error(w->l, MW_KEY_USAGE, w->i, "its key may not sign certificates");
        return;
    }
    if ((use & (KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)) == 0 &&
        !w->c->is_ca)
        lint_error(w->l, MW_KEY_USAGE, w->i, "its key may not be used for TLS");
    if ((use & KU_CERT_SIGN) != 0 && !w->c->is_ca)
        lint_form(w->l, MW_KEY_USAGE, w->i, "it may sign certificates, yet is no authority");
}

/* RFC 5280 4.2.1.12.  On authorities browsers take it as a limit on what they issue. */
static void rule_extended_key_usage(const struct where *w)
{
    static const uint8_t server[] = { 0x2b, 6, 1, 5, 5, 7, 3, 1 };
    static const uint8_t client[] = { 0x2b, 6, 1, 5, 5, 7, 3, 2 };
    static const uint8_t any[] = { 0x55, 0x1d, 0x25, 0x00 };
    bool as_client = w->l->j->policy->purpose == MW_CLIENT_AUTH, has = false, has_any = false;
    const uint8_t *wanted = as_client ? client : server;
    bool ok;
    struct reader r = { .rest = der_unwrap(w->e->value, DER_SEQUENCE, &ok) };

    if (!ok || r.rest.len == 0) {
        malformed(w, "extended key usage");
        return;
    }
    while (read_more(&r)) {
        struct mw_span oid = der_expect(&r, DER_OID);

        has = has || span_eq(oid, span_of(wanted, sizeof server));
        has_any = has_any || span_eq(oid, span_of(any, sizeof any));
    }
    if (r.failed)
        malformed(w, "extended key usage");
    else if (!has && !has_any)
        lint_error(w->l, MW_WRONG_PURPOSE, w->i, "not meant for TLS %s",
                   as_client ? "clients" : "servers");
    else if (has_any && w->i == 0)
        lint_form(w->l, MW_WRONG_PURPOSE, w->i, "meant for any purpose instead of TLS");
    if (w->anchor && w->c->self_issued)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "a root with extended key usage");
    if (w->e->critical && w->i == 0)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "its extended key usage is critical");
}

/* RFC 5280 4.2.1.6 */
static void rule_alternative_names(const struct where *w)
{
    bool empty = w->i == 0 && name_is_empty(w->c->subject);

    if (w->c->san_malformed)
        malformed(w, "subject alternative names");
    if (w->i == 0 && empty && !w->e->critical)
        lint_form(w->l, MW_BAD_SUBJECT, w->i,
                  "no subject, so its alternative names must be critical");
    if (w->i == 0 && !empty && w->e->critical)
        lint_form(w->l, MW_EXTENSION_RULE, w->i,
                  "its alternative names are critical although it has a subject");
}

/* RFC 5280 4.2.1.2 */
static void rule_subject_key_id(const struct where *w)
{
    if (w->c->ski.len == 0)
        malformed(w, "subject key identifier");
    if (w->e->critical)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "its subject key identifier is critical");
}

/* RFC 5280 4.2.1.1; Baseline Requirements 7.1.2.11.1 for roots */
static void rule_authority_key_id(const struct where *w)
{
    bool ok, by_name;
    struct reader r = { .rest = der_unwrap(w->e->value, DER_SEQUENCE, &ok) };

    if (der_peek(&r, DER_CONTEXT(0)))
        der_expect(&r, DER_CONTEXT(0));
    by_name = read_more(&r);
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(1)))
        der_expect(&r, DER_CONTEXT_CONSTRUCTED(1));
    if (der_peek(&r, DER_CONTEXT(2)))
        der_expect(&r, DER_CONTEXT(2));
    if (!ok || !read_done(&r)) {
        lint_form(w->l, MW_EXTENSION_MALFORMED, w->i, "its authority key identifier is damaged");
        return;
    }
    if (w->e->critical)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "its authority key identifier is critical");
    if (w->c->aki.len == 0)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "its authority key identifier holds no key");
    if (!w->anchor || !w->c->self_issued)
        return;
    if (by_name)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "a root that names an authority above it");
    if (w->c->aki.len > 0 && w->c->ski.len > 0 && !span_eq(w->c->aki, w->c->ski))
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "a root whose two key identifiers differ");
}

/* RFC 5280 4.2.1.10: for authorities only.  What is in it: constraint.c. */
static void rule_name_constraints(const struct where *w)
{
    if (!w->issues && !w->c->is_ca)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "name constraints in what is no authority");
    else if (!w->e->critical && w->l->anchor_vetted)
        /* The Baseline Requirements allow it, and browsers accept such intermediates. */
        lint_as(w->l, MW_NOTE, MW_EXTENSION_RULE, w->i, "its name constraints are not critical");
    else if (!w->e->critical)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "its name constraints are not critical");
}

/* RFC 5280 4.2.1.11: what it says is for OpenSSL to evaluate. */
static void rule_policy_constraints(const struct where *w)
{
    if (!w->e->critical)
        lint_form(w->l, MW_POLICY_CONSTRAINT, w->i, "its policy constraints are not critical");
}

/* RFC 5280 4.2.2.1 */
static void rule_information_access(const struct where *w)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(w->e->value, DER_SEQUENCE, &ok) };
    struct san place;

    ok = ok && r.rest.len > 0;
    while (ok && read_more(&r)) {
        struct reader d = { .rest = der_expect(&r, DER_SEQUENCE) };

        ok = der_expect(&d, DER_OID).len > 0 && general_name_read(&d, &place) && read_done(&d);
    }
    if (!ok || r.failed)
        lint_form(w->l, MW_EXTENSION_MALFORMED, w->i, "its authority information is damaged");
    if (w->e->critical)
        lint_form(w->l, MW_EXTENSION_RULE, w->i, "its authority information is critical");
}

/* RFC 6962 3.1: a precertificate must never be accepted. */
static void rule_poison(const struct where *w)
{
    lint_error(w->l, MW_CRITICAL_EXTENSION, w->i, "a precertificate, only meant for logs");
}

static const struct {
    uint8_t oid[10], len;
    extension_rule *rule;       /* NULL: known, with nothing to check here */
} known[] = {
    { { 0x55, 0x1d, 0x13 }, 3, rule_basic_constraints },
    { { 0x55, 0x1d, 0x0f }, 3, rule_key_usage },
    { { 0x55, 0x1d, 0x25 }, 3, rule_extended_key_usage },
    { { 0x55, 0x1d, 0x11 }, 3, rule_alternative_names },
    { { 0x55, 0x1d, 0x0e }, 3, rule_subject_key_id },
    { { 0x55, 0x1d, 0x23 }, 3, rule_authority_key_id },
    { { 0x55, 0x1d, 0x1e }, 3, rule_name_constraints },
    { { 0x55, 0x1d, 0x24 }, 3, rule_policy_constraints },
    { { 0x55, 0x1d, 0x36 }, 3, NULL },          /* inhibitAnyPolicy */
    { { 0x55, 0x1d, 0x20 }, 3, NULL },          /* certificatePolicies */
    { { 0x55, 0x1d, 0x21 }, 3, NULL },          /* policyMappings */
    { { 0x55, 0x1d, 0x1f }, 3, NULL },          /* cRLDistributionPoints */
    { { 0x2b, 6, 1, 5, 5, 7, 1, 1 }, 8, rule_information_access },
    { { 0x2b, 6, 1, 5, 5, 7, 1, 24 }, 8, NULL },        /* TLS feature, RFC 7633 */
    { { 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3 }, 10, rule_poison },
};

static void lint_extension(const struct where *w)
{
    for (size_t k = 0; k < ARRAY_LEN(known); k++)
        if (span_eq(w->e->oid, span_of(known[k].oid, known[k].len))) {
            if (known[k].rule != NULL)
                known[k].rule(w);
            return;
        }
    if (w->e->critical)
        lint_error(w->l, MW_CRITICAL_EXTENSION, w->i,
                   "a critical extension that nobody here knows");
}

/* What must be there. */
static void lint_absent(const struct where *w)
{
    static const uint8_t ski[] = { 0x55, 0x1d, 0x0e }, aki[] = { 0x55, 0x1d, 0x23 };
    static const uint8_t eku[] = { 0x55, 0x1d, 0x25 };
    const struct cert *c = w->c;

    if (w->issues && !c->is_ca) {
        /* Version 1 knows no basic constraints; an anchor of it was added knowingly. */
        if (w->anchor && c->version == 1)
            lint_form(w->l, MW_NOT_A_CA, w->i, "version 1 cannot say that it is an authority");
        else
            lint_error(w->l, MW_NOT_A_CA, w->i, "it is no authority, yet it signed another");
    }
    if (w->issues && cert_extension(c, span_of(ski, sizeof ski)) == NULL)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "no subject key identifier");
    if (!(w->anchor && c->self_issued) && cert_extension(c, span_of(aki, sizeof aki)) == NULL)
        lint_form(w->l, MW_KEY_IDENTIFIER, w->i, "no authority key identifier");
    if (w->i == 0 && cert_extension(c, span_of(eku, sizeof eku)) == NULL)
        lint_form(w->l, MW_WRONG_PURPOSE, w->i, "it does not say that it is meant for TLS");
    if (w->i == 0 && c->is_ca)
        lint_form(w->l, MW_CA_AS_LEAF, w->i, "an authority's certificate is used by a server");
}

void lint_extensions(struct lint *l, size_t i)
{
    struct where w = { l, l->path->certs[i], NULL, i, i > 0, lint_is_anchor(l, i) };

    for (size_t k = 0; k < w.c->n_extensions; k++) {
        w.e = &w.c->extensions[k];
        if (cert_extension(w.c, w.e->oid) != w.e)
            lint_error(l, MW_EXTENSION_MALFORMED, i, "the same extension twice");
        else
            lint_extension(&w);
        if (w.e->critical_odd)
            lint_form(l, MW_EXTENSION_MALFORMED, i, "an extension says that it is not critical, "
                      "which DER leaves out");
    }
    lint_absent(&w);
}
