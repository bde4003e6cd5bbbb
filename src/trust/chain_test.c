/*
 * Path building and what is said of a path: cross-signs, expired cross-signs, disorder, loops,
 * crowds, same names with other keys, missing intermediates, and how strict each anchor class is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trust/lint.h"
#include "world.h"

enum { MOST = 130 };

/* Certificates to send, kept until the end. */
struct bag {
    struct mill_cert *certs[MOST];
    EVP_PKEY *keys[MOST];
    struct mw_span sent[MOST];
    size_t n, n_keys, n_sent;
};

static EVP_PKEY *bag_key(struct bag *b)
{
    return b->keys[b->n_keys++] = world_key(MILL_P256);
}

static struct mill_cert *bag_issue(struct bag *b, const struct mill_spec *spec, EVP_PKEY *key,
                                   const struct mill_cert *issuer)
{
    return b->certs[b->n++] = world_issue(spec, key, issuer);
}

static struct mill_cert *bag_ca(struct bag *b, const char *subject, EVP_PKEY *key,
                                const struct mill_cert *issuer)
{
    struct mill_spec spec = world_ca();

    spec.subject = subject;
    spec.path_len = 0;
    return bag_issue(b, &spec, key, issuer);
}

static void bag_send(struct bag *b, const struct mill_cert *c)
{
    b->sent[b->n_sent++] = mill_cert_der(c);
}

static void bag_judge(struct bag *b, struct world *w)
{
    w->ev.sent = b->sent;
    w->ev.n_sent = b->n_sent;
    world_judge(w);
}

static void bag_free(struct bag *b)
{
    while (b->n > 0)
        mill_cert_free(b->certs[--b->n]);
    while (b->n_keys > 0)
        EVP_PKEY_free(b->keys[--b->n_keys]);
}

static void an_ordinary_chain_is_private(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->n_path, 3);
    assert_int_equal(w.v->anchor, MW_ANCHOR_PUBLIC);
    assert_true(w.v->chain[0].sent && w.v->chain[1].sent && !w.v->chain[2].sent);
    assert_int_equal(w.v->chain[2].anchor, MW_ANCHOR_PUBLIC);
    assert_false(world_has(&w, MW_CHAIN_ORDER) || world_has(&w, MW_CHAIN_SUPERFLUOUS));
    world_close(&w);
}

/* The verdict does not borrow from the policy. */
static void a_verdict_outlives_its_policy(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    world_judge(&w);
    mw_policy_free(w.policy);
    w.policy = NULL;
    assert_int_equal(w.v->chain[2].der.len, mill_cert_der(w.root).len);
    assert_memory_equal(w.v->chain[2].der.data, mill_cert_der(w.root).data,
                        w.v->chain[2].der.len);
    assert_string_equal(w.v->chain[2].short_subject, "Shop Root");
    world_close(&w);
}

static void disorder_and_surplus_are_only_noted(void **state)
{
    struct bag b = { .n = 0 };
    struct world w;
    struct mill_cert *stray;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    stray = bag_ca(&b, "CN=Stray", bag_key(&b), w.root);
    bag_send(&b, w.leaf);
    bag_send(&b, stray);
    bag_send(&b, w.ca);
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_true(world_has(&w, MW_CHAIN_ORDER));
    assert_true(world_has(&w, MW_CHAIN_SUPERFLUOUS));
    assert_int_equal(w.v->n_chain, 4);
    assert_false(w.v->chain[3].in_path);
    world_close(&w);
    bag_free(&b);
}

/* The intermediate twice: by a root nobody knows and expired, and by ours and good. */
static void a_good_cross_sign_beside_bad_ones_is_found(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec spec = world_ca();
    struct mill_cert *unknown, *expired, *foreign;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    unknown = bag_ca(&b, "CN=Unknown Root", bag_key(&b), NULL);
    foreign = bag_issue(&b, &spec, w.ca_key, unknown);
    spec.not_after = world_day(-1);
    expired = bag_issue(&b, &spec, w.ca_key, w.root);
    bag_send(&b, w.leaf);
    bag_send(&b, expired);
    bag_send(&b, foreign);
    bag_send(&b, w.ca);
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->n_path, 3);
    assert_false(world_has(&w, MW_EXPIRED));
    /* Without the good one, the expired one is what there is to say. */
    b.n_sent = 3;
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_has(&w, MW_EXPIRED));
    world_close(&w);
    bag_free(&b);
}

static void a_root_of_the_same_name_is_another(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec root = world_root(), ca = world_ca(), leaf = world_leaf();
    struct mill_cert *false_root, *false_ca, *false_leaf;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    false_root = bag_issue(&b, &root, bag_key(&b), NULL);
    false_ca = bag_issue(&b, &ca, bag_key(&b), false_root);
    false_leaf = bag_issue(&b, &leaf, bag_key(&b), false_ca);
    bag_send(&b, false_leaf);
    bag_send(&b, false_ca);
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_says(&w, MW_UNKNOWN_AUTHORITY, "same name, other key"));
    assert_int_equal(w.v->anchor, MW_ANCHOR_NONE);
    world_close(&w);
    bag_free(&b);
}

static void a_broken_signature_is_named(void **state)
{
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.wrong_signature = true;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_has(&w, MW_BAD_SIGNATURE));
    world_close(&w);
}

static void self_signed_and_unknown_differ(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec leaf = world_leaf();
    EVP_PKEY *key = bag_key(&b);
    struct mill_cert *unknown;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    bag_send(&b, bag_issue(&b, &leaf, key, NULL));
    bag_judge(&b, &w);
    assert_true(world_has(&w, MW_SELF_SIGNED));
    assert_false(world_has(&w, MW_UNKNOWN_AUTHORITY));
    unknown = bag_ca(&b, "CN=Unknown Root", key, NULL);
    b.n_sent = 0;
    bag_send(&b, bag_issue(&b, &leaf, bag_key(&b), unknown));
    bag_judge(&b, &w);
    assert_true(world_says(&w, MW_UNKNOWN_AUTHORITY, "Unknown Root"));
    bag_send(&b, unknown);
    bag_judge(&b, &w);
    assert_true(world_says(&w, MW_UNKNOWN_AUTHORITY, "is not trusted here"));
    world_close(&w);
    bag_free(&b);
}

static void a_missing_intermediate_is_the_servers_fault(void **state)
{
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.aia_issuer_url = "http://ca.shop.test/ca.cer";
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    w.ev.n_sent = 1;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(world_finding(&w, MW_MISSING_INTERMEDIATE)->severity, MW_ERROR);
    assert_true((w.v->missing & MW_MISSING_ISSUER) != 0);
    assert_int_equal(w.v->n_fetch_urls, 1);
    assert_string_equal(w.v->fetch_urls[0], "http://ca.shop.test/ca.cer");
    /* Fetched, as browsers do: then it only deserves a word. */
    w.ev.fetched = &w.sent[1];
    w.ev.n_fetched = 1;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(world_finding(&w, MW_MISSING_INTERMEDIATE)->severity, MW_WARNING);
    assert_true((w.v->missing & MW_MISSING_ISSUER) == 0);
    world_close(&w);
}

/* Two authorities that signed each other, and neither is known. */
static void a_loop_ends(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec leaf = world_leaf();
    EVP_PKEY *one = bag_key(&b), *two = bag_key(&b);
    struct mill_cert *a, *a2, *c;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    a = bag_ca(&b, "CN=One", one, NULL);
    c = bag_ca(&b, "CN=Two", two, a);
    a2 = bag_ca(&b, "CN=One", one, c);
    bag_send(&b, bag_issue(&b, &leaf, bag_key(&b), a2));
    bag_send(&b, a2);
    bag_send(&b, c);
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->anchor, MW_ANCHOR_NONE);
    world_close(&w);
    bag_free(&b);
}

/* Every way through four levels of four cross-signed keys: the only good one is found, and
 * without it the search ends all the same. */
static void crowds_are_bounded(void **state)
{
    enum { LEVELS = 4, WIDTH = 4 };
    struct mill_cert *above[WIDTH], *level[WIDTH];
    struct bag b = { .n = 0 };
    struct mill_spec leaf = world_leaf();
    char subject[32];
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    for (int i = 0; i < WIDTH; i++)
        above[i] = bag_ca(&b, "CN=Level top", bag_key(&b), NULL);
    b.n_sent = 1;
    for (int l = 0; l < LEVELS; l++) {
        snprintf(subject, sizeof subject, "CN=Level %d", l);
        for (int i = 0; i < WIDTH; i++) {
            EVP_PKEY *key = bag_key(&b);

            for (int k = 0; k < WIDTH; k++) {
                level[i] = bag_ca(&b, subject, key, above[k]);
                bag_send(&b, level[i]);
            }
        }
        memcpy(above, level, sizeof above);
    }
    b.sent[0] = mill_cert_der(bag_issue(&b, &leaf, bag_key(&b), above[0]));
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->anchor, MW_ANCHOR_NONE);
    world_close(&w);
    bag_free(&b);
}

static void a_row_without_end_is_too_long(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec leaf = world_leaf();
    struct mill_cert *above;
    char subject[32];
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    above = w.root;
    b.n_sent = 1;
    for (int i = 0; i < 2 * MW_MAX_DEPTH; i++) {
        snprintf(subject, sizeof subject, "CN=Row %d", i);
        above = bag_ca(&b, subject, bag_key(&b), above);
        bag_send(&b, above);
    }
    b.sent[0] = mill_cert_der(bag_issue(&b, &leaf, bag_key(&b), above));
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_has(&w, MW_CHAIN_TOO_LONG));
    world_close(&w);
    bag_free(&b);
}

static void a_public_way_wins_over_a_local_one(void **state)
{
    struct buf pem = BUF_INIT(1 << 16);
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    mill_cert_pem(w.ca, &pem);
    assert_int_equal(mw_policy_add_anchors(w.policy, MW_ANCHOR_LOCAL, buf_span(&pem), "x", NULL),
                     0);
    world_judge(&w);
    assert_int_equal(w.v->anchor, MW_ANCHOR_PUBLIC);
    assert_int_equal(w.v->n_path, 3);
    buf_deinit(&pem);
    world_close(&w);
}

static void anchor_too(struct world *w, const struct mill_cert *c)
{
    struct buf pem = BUF_INIT(1 << 16);

    mill_cert_pem(c, &pem);
    assert_int_equal(mw_policy_add_anchors(w->policy, MW_ANCHOR_LOCAL, buf_span(&pem), "x", NULL),
                     0);
    buf_deinit(&pem);
}

/* Somebody trusts the server's certificate itself, self-signed or not. */
static void a_leaf_may_be_the_anchor(void **state)
{
    struct bag b = { .n = 0 };
    struct mill_spec leaf = world_leaf();
    struct mill_cert *own, *stranger;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    own = bag_issue(&b, &leaf, bag_key(&b), NULL);
    stranger = bag_issue(&b, &leaf, bag_key(&b), bag_ca(&b, "CN=Unknown", bag_key(&b), NULL));
    anchor_too(&w, own);
    anchor_too(&w, stranger);
    bag_send(&b, own);
    bag_judge(&b, &w);
    assert_int_not_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->n_path, 1);
    assert_int_equal(w.v->anchor, MW_ANCHOR_LOCAL);
    b.n_sent = 0;
    bag_send(&b, stranger);
    bag_judge(&b, &w);
    assert_int_not_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->n_path, 1);
    w.ev.host = "other.test";
    bag_judge(&b, &w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    world_close(&w);
    bag_free(&b);
}

static void names_are_asked_for_as_people_write_them(void **state)
{
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.names = "DNS:xn--bcher-kva.shop.test,IP:2001:db8::1";
    leaf.subject = "CN=xn--bcher-kva.shop.test";
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    w.ev.host = "B\xc3\xbc" "cher.shop.test";
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_string_equal(w.v->host, "xn--bcher-kva.shop.test");
    w.ev.host = "[2001:db8:0::1]";
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    w.ev.host = NULL;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    mw_verdict_free(w.v);
    w.v = NULL;
    w.ev.host = "no name";
    assert_int_equal(mw_judge(w.policy, &w.ev, &w.v), MW_E_NAME);
    assert_null(w.v);
    world_close(&w);
}

/* What breaks a form only: an error under a public anchor, a note under a local one. */
static void forms_are_for_public_anchors(void **state)
{
    static const uint8_t zero[] = { 0 };
    struct mill_spec leaf = world_leaf(), cases[4];
    static const enum mw_code codes[] = { MW_KEY_IDENTIFIER, MW_WRONG_PURPOSE, MW_BAD_SERIAL,
                                          MW_BAD_SUBJECT };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i] = leaf;
    cases[0].no_key_ids = true;
    cases[1].ext_key_usage = "";
    cases[2].serial = span_of(zero, sizeof zero);
    cases[3].subject = "CN=another.test";
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;

        world_open(&w, MW_ANCHOR_PUBLIC, NULL, &cases[i]);
        world_judge(&w);
        assert_int_equal(w.v->outcome, MW_UNTRUSTED);
        assert_int_equal(world_finding(&w, codes[i])->severity, MW_ERROR);
        world_close(&w);
        world_open(&w, MW_ANCHOR_LOCAL, NULL, &cases[i]);
        world_judge(&w);
        assert_int_not_equal(w.v->outcome, MW_UNTRUSTED);
        assert_int_equal(world_finding(&w, codes[i])->severity, MW_NOTE);
        world_close(&w);
    }
}

/* What makes a certificate unsafe is an error under any anchor. */
static void substance_is_for_all_anchors(void **state)
{
    struct mill_spec ca = world_ca(), leaf = world_leaf();
    struct {
        struct mill_spec ca, leaf;
        enum mw_code code;
    } cases[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cases[i].ca = ca;
        cases[i].leaf = leaf;
    }
    cases[0].leaf.names = "DNS:other.test";
    cases[0].code = MW_NAME_MISMATCH;
    cases[1].leaf.ext_key_usage = "clientAuth";
    cases[1].code = MW_WRONG_PURPOSE;
    cases[2].ca.ca = false;
    cases[2].code = MW_NOT_A_CA;
    cases[3].ca.key_usage = "cRLSign";
    cases[3].code = MW_KEY_USAGE;
    cases[4].leaf.digest = MILL_SHA1;
    cases[4].code = MW_WEAK_SIGNATURE;
    cases[5].ca.name_constraints = "permitted;DNS:other.test";
    cases[5].code = MW_NAME_CONSTRAINT;
    cases[6].leaf.not_after = world_day(-1);
    cases[6].code = MW_EXPIRED;
    cases[7].leaf.names = NULL;
    cases[7].code = MW_NAME_NO_SAN;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int as = MW_ANCHOR_PUBLIC; as <= MW_ANCHOR_LOCAL; as++) {
            struct world w;

            world_open(&w, (enum mw_anchor_class)as, &cases[i].ca, &cases[i].leaf);
            world_judge(&w);
            if (w.v->outcome != MW_UNTRUSTED || !world_has(&w, cases[i].code) ||
                world_finding(&w, cases[i].code)->severity != MW_ERROR)
                fail_msg("case %zu under anchor class %d", i, as);
            world_close(&w);
        }
}

static void whose_name_it_is_is_told(void **state)
{
    static const struct {
        const char *host, *names;
        enum mw_code code;
    } cases[] = {
        { "www.shop.test", "DNS:shop.test", MW_NAME_WWW },
        { "a.b.shop.test", "DNS:*.shop.test", MW_NAME_TOO_DEEP },
        { "shop.test", "DNS:*.test", MW_NAME_WILDCARD },
        { "shop.test", "DNS:fritz.box", MW_NAME_GATEWAY },
        { "shop.test", "IP:192.168.1.1", MW_NAME_GATEWAY },
        { "shop.test", "DNS:fw.office.local", MW_NAME_GATEWAY },
        { "one.github.io", "DNS:two.github.io", MW_NAME_OTHER_TENANT },
        { "shop.test", "DNS:a.test,DNS:b.test,DNS:c.test,DNS:d.test,DNS:e.test",
          MW_NAME_OTHER_TENANT },
        { "shop.test", "DNS:other.test", MW_NAME_MISMATCH },
        { "192.0.2.1", "DNS:192.0.2.1", MW_NAME_MISMATCH },
        { "192.0.2.1", "IP:192.0.2.2", MW_NAME_MISMATCH },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mill_spec leaf = world_leaf();
        struct world w;

        leaf.names = cases[i].names;
        world_open(&w, MW_ANCHOR_LOCAL, NULL, &leaf);
        w.ev.host = cases[i].host;
        world_judge(&w);
        if (!world_says(&w, cases[i].code, cases[i].host))
            fail_msg("%s with %s", cases[i].host, cases[i].names);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_chain_is_private),
        cmocka_unit_test(a_verdict_outlives_its_policy),
        cmocka_unit_test(disorder_and_surplus_are_only_noted),
        cmocka_unit_test(a_good_cross_sign_beside_bad_ones_is_found),
        cmocka_unit_test(a_root_of_the_same_name_is_another),
        cmocka_unit_test(a_broken_signature_is_named),
        cmocka_unit_test(self_signed_and_unknown_differ),
        cmocka_unit_test(a_missing_intermediate_is_the_servers_fault),
        cmocka_unit_test(a_loop_ends),
        cmocka_unit_test(crowds_are_bounded),
        cmocka_unit_test(a_row_without_end_is_too_long),
        cmocka_unit_test(a_public_way_wins_over_a_local_one),
        cmocka_unit_test(a_leaf_may_be_the_anchor),
        cmocka_unit_test(names_are_asked_for_as_people_write_them),
        cmocka_unit_test(forms_are_for_public_anchors),
        cmocka_unit_test(substance_is_for_all_anchors),
        cmocka_unit_test(whose_name_it_is_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
