#include "trust/catalogue.h"

#include <errno.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "trust/catalogue_parse.h"
#include "trust/policy.h"

extern const unsigned char interceptors_tsv[];
extern const size_t interceptors_tsv_len;

enum { MAX_NAME_BYTES = 512, SECONDS_A_DAY = 86400 };

int catalogue_builtin(struct catalogue **out)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);

    return catalogue_parse(out, span_of(interceptors_tsv, interceptors_tsv_len), &error);
}

void catalogue_free(struct catalogue *c)
{
    if (c == NULL)
        return;
    arena_deinit(&c->arena);
    free(c);
}

size_t catalogue_size(const struct catalogue *c)
{
    return c->n_products;
}

const struct product *catalogue_at(const struct catalogue *c, size_t i)
{
    return i < c->n_products ? &c->products[i] : NULL;
}

int mw_policy_set_interceptors(struct mw_policy *p, struct mw_span tsv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct catalogue *fresh;
    int r = catalogue_parse(&fresh, tsv, &error);

    if (r > 0)
        return policy_fail(p, r, "interceptors: %s",
                           error.len > 0 ? (const char *)error.data : "does not parse");
    if (r < 0)
        return policy_fail(p, r, "interceptors: out of memory");
    catalogue_free(p->catalogue);
    p->catalogue = fresh;
    return 0;
}

/* The fields of an issuer that patterns speak of. */
struct issuer_fields {
    struct buf text[FIELD_ANY];
};

static void fields_deinit(struct issuer_fields *f)
{
    for (size_t i = 0; i < ARRAY_LEN(f->text); i++)
        buf_deinit(&f->text[i]);
}

static int fields_read(struct issuer_fields *f, struct mw_span der_name)
{
    static const int nids[FIELD_ANY] = {
        [FIELD_CN] = NID_commonName,
        [FIELD_O] = NID_organizationName,
        [FIELD_OU] = NID_organizationalUnitName,
        [FIELD_C] = NID_countryName,
        [FIELD_EMAIL] = NID_pkcs9_emailAddress,
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(nids); i++) {
        f->text[i] = (struct buf)BUF_INIT(MAX_NAME_BYTES);
        name_attribute(&f->text[i], der_name, nids[i]);
        if (f->text[i].error == -ENOMEM)
            r = -ENOMEM;
    }
    return r;
}

static bool field_holds(const struct issuer_fields *f, enum field field,
                        const struct condition *cond)
{
    return pattern_match(cond->op, cond->text, buf_span(&f->text[field]));
}

static bool condition_holds(const struct condition *cond, const struct product *p,
                            const struct issuer_fields *f, const struct cert *cert)
{
    switch (cond->field) {
    case FIELD_CN:
    case FIELD_O:
    case FIELD_OU:
    case FIELD_C:
    case FIELD_EMAIL:
        return field_holds(f, cond->field, cond);
    case FIELD_ANY:
        return field_holds(f, FIELD_CN, cond) || field_holds(f, FIELD_O, cond) ||
               field_holds(f, FIELD_OU, cond);
    case FIELD_SELF:
        return cert->self_issued;
    case FIELD_ENDS:
        return cert->not_after.s >= p->ends.s && cert->not_after.s < p->ends.s + SECONDS_A_DAY;
    case FIELD_HEADER:
    case FIELD_SHA1:
    case FIELD_SHA256:
    case FIELD_SPKI:
    case FIELD_LEAF_SPKI:
        break;
    }
    return false;
}

static bool alternative_holds(const struct catalogue *c, const struct alternative *a,
                              const struct issuer_fields *f, const struct cert *cert)
{
    for (size_t i = 0; i < a->n; i++)
        if (!condition_holds(&c->conditions[a->first + i], &c->products[a->product], f, cert))
            return false;
    return true;
}

int catalogue_match_issuer(const struct catalogue *c, const struct cert *cert,
                           const struct product **out)
{
    CLEANUP(fields_deinit) struct issuer_fields f;
    const struct product *best = NULL;

    if (fields_read(&f, cert->issuer) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_alternatives; i++) {
        const struct alternative *a = &c->alternatives[i];
        const struct product *p = &c->products[a->product];
        enum catalogue_grade grade = p->grade;

        if ((best == NULL || grade < best->grade) && alternative_holds(c, a, &f, cert))
            best = p;
    }
    *out = best;
    return 0;
}

static const struct product *match_bytes(const struct catalogue *c, enum field field,
                                         struct mw_span hash)
{
    for (size_t i = 0; i < c->n_hashes; i++) {
        const struct known_hash *h = &c->hashes[i];

        if (h->field == field && span_eq(span_of(h->bytes, h->len), hash))
            return &c->products[h->product];
    }
    return NULL;
}

const struct product *catalogue_match_key(const struct catalogue *c, const struct cert *cert,
                                          bool leaf)
{
    const struct product *p;

    p = match_bytes(c, FIELD_SHA1, span_of(cert->sha1, sizeof(cert->sha1)));
    if (p == NULL)
        p = match_bytes(c, FIELD_SHA256, span_of(cert->sha256, sizeof(cert->sha256)));
    if (p == NULL)
        p = match_bytes(c, FIELD_SPKI, span_of(cert->spki_sha256, sizeof(cert->spki_sha256)));
    if (p == NULL && leaf)
        p = match_bytes(c, FIELD_LEAF_SPKI, span_of(cert->spki_sha256, sizeof(cert->spki_sha256)));
    return p;
}

static const struct {
    const char *name;
    enum field field;
} hash_kinds[] = {
    {"sha1",       FIELD_SHA1     },
    { "sha256",    FIELD_SHA256   },
    { "spki",      FIELD_SPKI     },
    { "leaf-spki", FIELD_LEAF_SPKI},
};

const struct product *catalogue_match_hash(const struct catalogue *c, const char *kind,
                                           struct mw_span hash)
{
    for (size_t i = 0; i < ARRAY_LEN(hash_kinds); i++)
        if (strcmp(kind, hash_kinds[i].name) == 0)
            return match_bytes(c, hash_kinds[i].field, hash);
    return NULL;
}

bool catalogue_hash_at(const struct catalogue *c, const struct product *p, size_t i,
                       const char **kind, struct mw_span *hash)
{
    for (size_t at = 0; at < c->n_hashes; at++) {
        const struct known_hash *h = &c->hashes[at];

        if (&c->products[h->product] != p || i-- > 0)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(hash_kinds); k++)
            if (hash_kinds[k].field == h->field)
                *kind = hash_kinds[k].name;
        *hash = span_of(h->bytes, h->len);
        return true;
    }
    return false;
}

const struct product *catalogue_match_header(const struct catalogue *c, struct mw_span name)
{
    for (size_t i = 0; i < c->n_alternatives; i++) {
        const struct alternative *a = &c->alternatives[i];
        const struct condition *cond = &c->conditions[a->first];

        if (a->n == 1 && cond->field == FIELD_HEADER && pattern_match(cond->op, cond->text, name))
            return &c->products[a->product];
    }
    return NULL;
}
