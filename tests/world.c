#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

struct mill_spec world_leaf(void)
{
    return (struct mill_spec){ .subject = "CN=" WORLD_HOST,
                               .names = "DNS:" WORLD_HOST,
                               .not_before = world_day(-10),
                               .not_after = world_day(80) };
}

struct mill_spec world_ca(void)
{
    return (struct mill_spec){ .subject = "CN=Shop Issuing CA,O=Shop Trust",
                               .ca = true,
                               .path_len = 1,
                               .not_before = world_day(-500),
                               .not_after = world_day(1500) };
}

struct mill_spec world_root(void)
{
    return (struct mill_spec){ .subject = "CN=Shop Root,O=Shop Trust",
                               .ca = true,
                               .not_before = world_day(-1000),
                               .not_after = world_day(3000) };
}

EVP_PKEY *world_key(enum mill_key kind)
{
    EVP_PKEY *key = NULL;

    assert_int_equal(mill_key_new(&key, kind, true), 0);
    return key;
}

struct mill_cert *world_issue(const struct mill_spec *spec, EVP_PKEY *key,
                              const struct mill_cert *issuer)
{
    struct mill_cert *c = NULL;

    assert_int_equal(mill_issue(&c, spec, key, issuer), 0);
    return c;
}

void world_policy(struct world *w)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);

    mw_policy_free(w->policy);
    w->policy = NULL;
    mill_cert_pem(w->root, &pem);
    assert_int_equal(mw_policy_new(&w->policy), 0);
    assert_int_equal(mw_policy_add_anchors(w->policy, w->as, buf_span(&pem), "root", NULL), 0);
}

void world_open(struct world *w, enum mw_anchor_class as, const struct mill_spec *ca,
                const struct mill_spec *leaf)
{
    struct mill_spec root = world_root(), usual_ca = world_ca(), usual_leaf = world_leaf();

    *w = (struct world){ .as = as };
    w->root_key = world_key(MILL_P256);
    w->ca_key = world_key(MILL_P256);
    w->leaf_key = world_key(MILL_P256);
    w->root = world_issue(&root, w->root_key, NULL);
    w->ca = world_issue(ca != NULL ? ca : &usual_ca, w->ca_key, w->root);
    w->leaf = world_issue(leaf != NULL ? leaf : &usual_leaf, w->leaf_key, w->ca);
    world_policy(w);
    w->sent[0] = mill_cert_der(w->leaf);
    w->sent[1] = mill_cert_der(w->ca);
    w->ev = (struct mw_evidence){ .host = WORLD_HOST,
                                  .port = 443,
                                  .now = { WORLD_NOW },
                                  .reach = MW_REACH_HANDSHAKE,
                                  .sent = w->sent,
                                  .n_sent = 2 };
}

void world_close(struct world *w)
{
    mw_verdict_free(w->v);
    mw_policy_free(w->policy);
    mill_cert_free(w->leaf);
    mill_cert_free(w->ca);
    mill_cert_free(w->root);
    EVP_PKEY_free(w->leaf_key);
    EVP_PKEY_free(w->ca_key);
    EVP_PKEY_free(w->root_key);
}

void world_judge(struct world *w)
{
    mw_verdict_free(w->v);
    w->v = NULL;
    assert_int_equal(mw_judge(w->policy, &w->ev, &w->v), 0);
}

const struct mw_finding *world_finding(const struct world *w, enum mw_code code)
{
    for (size_t i = 0; i < w->v->n_findings; i++)
        if (w->v->findings[i].code == code)
            return &w->v->findings[i];
    return NULL;
}

bool world_has(const struct world *w, enum mw_code code)
{
    return world_finding(w, code) != NULL;
}

bool world_says(const struct world *w, enum mw_code code, const char *words)
{
    const struct mw_finding *f = world_finding(w, code);

    return f != NULL && strstr(f->evidence, words) != NULL;
}
