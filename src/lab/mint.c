#include "lab/mint.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

enum { BIG_BYTES = 900 * 1024, LONG_CHAIN = 100 };

static void own_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* An intermediate with this name and key, in the site's care. */
static int ca_make(struct site *s, struct pki *p, const char *subject, EVP_PKEY *key,
                   const struct mill_cert *issuer, struct case_days days, int path_len,
                   const struct mill_cert **out)
{
    const struct mill_spec spec = {
        .subject = subject,
        .ca = true,
        .path_len = path_len,
        .ext_key_usage = "serverAuth",
        .not_before = pki_day(p, days.from),
        .not_after = pki_day(p, days.to),
    };
    struct mill_cert *c = NULL;
    int r = mill_issue(&c, &spec, key, issuer);

    if (r < 0)
        return r;
    *out = c;
    return site_own(s, c);
}

static const struct case_days usual = { -100, 800 }, over = { -800, -5 };

/* One of its own key. */
static int ca_fresh(struct site *s, struct pki *p, const char *subject,
                    const struct mill_cert *issuer, int path_len, const struct mill_cert **out)
{
    CLEANUP(own_key) EVP_PKEY *key = NULL;
    int r = mill_key_new(&key, MILL_P256, true);

    return r == 0 ? ca_make(s, p, subject, key, issuer, usual, path_len, out) : r;
}

static int send_all(struct site *s, const struct mill_cert *const *certs, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = site_send(s, certs[i]);
    return r;
}

/* ----------------------------------------------------------------- large ---- */

/* The ordinary chain, with a leaf from this spec. */
static int leaf_special(struct site *s, struct pki *p, const struct mill_spec *special)
{
    CLEANUP(own_key) EVP_PKEY *key = NULL;
    char subject[CASE_HOST_TEXT + 8], host[CASE_HOST_TEXT];
    struct mill_spec spec = *special;
    struct mill_cert *leaf = NULL;
    int r = mill_key_new(&key, MILL_P256, true);

    case_server_name(s->c, host);
    snprintf(subject, sizeof(subject), "CN=%.64s", host);
    spec.subject = subject;
    spec.not_before = pki_day(p, -10);
    spec.not_after = pki_day(p, 80);
    if (r == 0)
        r = mill_issue(&leaf, &spec, key, p->ca);
    if (r < 0)
        return r;
    s->leaf = leaf;
    s->issuer = p->ca;
    r = site_own(s, leaf);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, s->issuer }, 2) : r;
}

static int many_names(struct site *s, struct pki *p, int n)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1 << 20);
    struct mill_spec spec = { .ca = false };
    char host[CASE_HOST_TEXT];

    case_server_name(s->c, host);
    buf_printf(&names, "DNS:%s", host);
    for (int i = 1; i < n; i++)
        buf_printf(&names, ",DNS:name-%d.many.lab.test", i);
    if (buf_error(&names) < 0)
        return buf_error(&names);
    spec.names = (const char *)names.data;
    return leaf_special(s, p, &spec);
}

int mint_1000_names(struct site *s, struct pki *p)
{
    return many_names(s, p, 1000);
}

int mint_10000_names(struct site *s, struct pki *p)
{
    return many_names(s, p, 10000);
}

/* An extension that nobody knows and nobody needs to, of this size. */
static int bulk(struct site *s, struct pki *p, size_t bytes)
{
    CLEANUP(buf_deinit) struct buf filler = BUF_INIT(BIG_BYTES + 16);
    struct mill_extension extension = { .oid = "1.3.6.1.4.1.55555.2" };
    struct mill_spec spec = { .extra = &extension, .n_extra = 1 };
    char host[CASE_HOST_TEXT], names[CASE_HOST_TEXT + 8];

    buf_u8(&filler, 0x04);      /* OCTET STRING with a length of three bytes */
    buf_u8(&filler, 0x83);
    buf_u24(&filler, (uint32_t)bytes);
    buf_fill(&filler, 'x', bytes);
    if (buf_error(&filler) < 0)
        return buf_error(&filler);
    extension.value = buf_span(&filler);
    case_server_name(s->c, host);
    snprintf(names, sizeof(names), "DNS:%s", host);
    spec.names = names;
    return leaf_special(s, p, &spec);
}

int mint_big(struct site *s, struct pki *p)
{
    return bulk(s, p, BIG_BYTES);
}

int mint_flood(struct site *s, struct pki *p)
{
    int r = bulk(s, p, BIG_BYTES);

    for (int i = 0; r == 0 && i < 3; i++)
        r = site_send(s, s->leaf);
    return r;
}

/* ------------------------------------------------------------------ order ---- */

int mint_unknown_root_sent(struct site *s, struct pki *p)
{
    int r = site_leaf(s, p, p->unknown_ca);

    return r == 0 ? send_all(s,
                             (const struct mill_cert *[]){ s->leaf, p->unknown_ca,
                                                           p->unknown_root },
                             3)
                  : r;
}

int mint_reversed(struct site *s, struct pki *p)
{
    const struct mill_cert *upper = NULL, *lower = NULL;
    int r = ca_fresh(s, p, "CN=Midwatch Lab Upper CA,O=Midwatch Lab,C=XX", p->root, 0, &upper);

    if (r == 0)
        r = ca_fresh(s, p, "CN=Midwatch Lab Lower CA,O=Midwatch Lab,C=XX", upper, 0, &lower);
    if (r == 0)
        r = site_leaf(s, p, lower);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, upper, lower }, 3) : r;
}

/* ------------------------------------------------------------ cross-signs ---- */

/* One CA, certified twice: by `first` in the days given, and by the good root. */
static int certified_twice(struct site *s, struct pki *p, const struct mill_cert *first,
                           struct case_days days)
{
    const char *name = "CN=Midwatch Lab Cross CA,O=Midwatch Lab,C=XX";
    const struct mill_cert *odd = NULL, *good = NULL;
    CLEANUP(own_key) EVP_PKEY *key = NULL;
    int r = mill_key_new(&key, MILL_P256, true);

    if (r == 0)
        r = ca_make(s, p, name, key, first, days, 0, &odd);
    if (r == 0)
        r = ca_make(s, p, name, key, p->root, usual, 0, &good);
    if (r == 0)
        r = site_leaf(s, p, good);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, odd, good }, 3) : r;
}

int mint_cross_signed(struct site *s, struct pki *p)
{
    return certified_twice(s, p, p->unknown_root, usual);
}

int mint_cross_sign_expired(struct site *s, struct pki *p)
{
    return certified_twice(s, p, p->root2, over);
}

/* As with an old root that vouched for a new one until its own time was over. */
int mint_root_cross_expired(struct site *s, struct pki *p)
{
    const struct mill_cert *cross = NULL;
    int r = ca_make(s, p, "CN=Midwatch Lab Root 1,O=Midwatch Lab,C=XX", mill_cert_key(p->root),
                    p->unknown_root, over, 0, &cross);

    if (r == 0)
        r = site_leaf(s, p, p->ca);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, p->ca, cross }, 3) : r;
}

int mint_same_name(struct site *s, struct pki *p)
{
    const char *name = "CN=Midwatch Lab Twin CA,O=Midwatch Lab,C=XX";
    const struct mill_cert *wrong = NULL, *right = NULL;
    int r = ca_fresh(s, p, name, p->root, 0, &wrong);

    if (r == 0)
        r = ca_fresh(s, p, name, p->root, 0, &right);
    if (r == 0)
        r = site_leaf(s, p, right);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, wrong, right }, 3) : r;
}

int mint_loop(struct site *s, struct pki *p)
{
    const char *first = "CN=Midwatch Lab Egg CA,O=Midwatch Lab,C=XX";
    const char *second = "CN=Midwatch Lab Hen CA,O=Midwatch Lab,C=XX";
    const struct mill_cert *egg = NULL, *hen = NULL, *egg_by_hen = NULL, *hen_by_egg = NULL;
    int r = ca_fresh(s, p, first, NULL, 0, &egg);

    if (r == 0)
        r = ca_fresh(s, p, second, NULL, 0, &hen);
    if (r == 0)
        r = ca_make(s, p, first, mill_cert_key(egg), hen, usual, 0, &egg_by_hen);
    if (r == 0)
        r = ca_make(s, p, second, mill_cert_key(hen), egg, usual, 0, &hen_by_egg);
    if (r == 0)
        r = site_leaf(s, p, egg_by_hen);
    return r == 0
               ? send_all(s, (const struct mill_cert *[]){ s->leaf, egg_by_hen, hen_by_egg }, 3)
               : r;
}

/* ----------------------------------------------------------------- length ---- */

int mint_100(struct site *s, struct pki *p)
{
    const struct mill_cert *chain[LONG_CHAIN];
    const struct mill_cert *above = p->root;
    int r = 0;

    for (int i = LONG_CHAIN - 1; r == 0 && i >= 0; i--) {
        char subject[80];

        snprintf(subject, sizeof(subject), "CN=Midwatch Lab CA %d of %d,O=Midwatch Lab,C=XX",
                 i + 1, LONG_CHAIN);
        r = ca_fresh(s, p, subject, above, 0, &chain[i]);
        above = r == 0 ? chain[i] : above;
    }
    if (r == 0)
        r = site_leaf(s, p, above);
    if (r == 0)
        r = site_send(s, s->leaf);
    return r == 0 ? send_all(s, chain, LONG_CHAIN) : r;
}

int mint_path_length(struct site *s, struct pki *p)
{
    const struct mill_cert *upper = NULL, *lower = NULL;
    int r = ca_fresh(s, p, "CN=Midwatch Lab Last CA,O=Midwatch Lab,C=XX", p->root, 1, &upper);

    if (r == 0)
        r = ca_fresh(s, p, "CN=Midwatch Lab One More CA,O=Midwatch Lab,C=XX", upper, 0, &lower);
    if (r == 0)
        r = site_leaf(s, p, lower);
    return r == 0 ? send_all(s, (const struct mill_cert *[]){ s->leaf, lower, upper }, 3) : r;
}
