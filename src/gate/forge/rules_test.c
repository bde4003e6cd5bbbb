/* What the forge refuses, whoever asks: each rule by an ask that breaks it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <cmocka.h>

#include "forge_fixture.h"

struct scene {
    struct rules rules;
    struct mill_cert *origin;
    struct buf spki;
    struct mint_ask ask;        /* one that is fine */
};

static int setup(void **state)
{
    static struct scene s;

    s = (struct scene){
        .rules = { .ca = forge_ca(), .leaf_s = 7 * FORGE_DAY },
        .origin = forge_origin((struct mill_spec){ 0 }),
        .spki = BUF_INIT(4096),
    };
    EVP_PKEY_free(forge_key(MILL_P256, &s.spki));
    s.ask = (struct mint_ask){
        .ca = MINT_TRUSTED,
        .key = MINT_P256,
        .spki = buf_span(&s.spki),
        .host = SPAN_LIT("www.shop.test"),
        .origin = mill_cert_der(s.origin),
        .now = forge_now(),
    };
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    mill_cert_free(s->origin);
    buf_deinit(&s->spki);
    return 0;
}

static int apply_at(const struct scene *s, const struct mint_ask *ask, struct mw_wall clock)
{
    CLEANUP(leaf_deinit) struct leaf leaf = { .origin = NULL };

    return rules_apply(&leaf, &s->rules, ask, clock);
}

static int apply(const struct scene *s, const struct mint_ask *ask)
{
    return apply_at(s, ask, forge_now());
}

static int apply_origin(const struct scene *s, struct mill_spec spec)
{
    struct mill_cert *origin = forge_origin(spec);
    struct mint_ask a = s->ask;
    int r;

    a.origin = mill_cert_der(origin);
    r = apply(s, &a);
    mill_cert_free(origin);
    return r;
}

static void the_ask_itself_is_fine(void **state)
{
    const struct scene *s = *state;

    assert_int_equal(apply(s, &s->ask), RULE_FINE);
}

/* ----------------------------------------------------------------------- clock ---- */

static void clocks_a_day_apart(void **state)
{
    const struct scene *s = *state;
    const int64_t now = forge_now().s;

    assert_int_equal(apply_at(s, &s->ask, (struct mw_wall){ now + FORGE_DAY }), RULE_FINE);
    assert_int_equal(apply_at(s, &s->ask, (struct mw_wall){ now - FORGE_DAY }), RULE_FINE);
    assert_int_equal(apply_at(s, &s->ask, (struct mw_wall){ now + FORGE_DAY + 1 }), RULE_CLOCK);
    assert_int_equal(apply_at(s, &s->ask, (struct mw_wall){ now - FORGE_DAY - 1 }), RULE_CLOCK);
}

static void extreme_times_do_no_harm(void **state)
{
    static const int64_t times[] = { INT64_MIN, INT64_MAX, -1, 0 };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        s->ask.now.s = times[i];
        assert_int_equal(apply(s, &s->ask), RULE_CLOCK);
    }
}

static void a_ca_that_is_over(void **state)
{
    struct scene *s = *state;

    s->ask.now.s += 91 * FORGE_DAY;
    assert_int_equal(apply_at(s, &s->ask, s->ask.now), RULE_CA_OVER);
    s->ask.now.s -= 191 * FORGE_DAY;
    assert_int_equal(apply_at(s, &s->ask, s->ask.now), RULE_CA_OVER);
}

/* ------------------------------------------------------------------------- keys ---- */

static void keys_of_another_kind(void **state)
{
    static const struct {
        enum mint_key asked;
        enum mill_key sent;
        enum rule rule;
    } cases[] = {
        { MINT_P256, MILL_P256, RULE_FINE },
        { MINT_P256, MILL_P384, RULE_KEY_KIND },
        { MINT_P256, MILL_P192, RULE_KEY_KIND },
        { MINT_P256, MILL_P256_EXPLICIT, RULE_KEY_KIND },
        { MINT_P256, MILL_ED25519, RULE_KEY_KIND },
        { MINT_P256, MILL_RSA2048, RULE_KEY_KIND },
        { MINT_RSA2048, MILL_RSA2048, RULE_FINE },
        { MINT_RSA2048, MILL_RSA1024, RULE_KEY_KIND },
        { MINT_RSA2048, MILL_RSA3072, RULE_KEY_KIND },
        { MINT_RSA2048, MILL_DSA2048, RULE_KEY_KIND },
        { MINT_RSA2048, MILL_P256, RULE_KEY_KIND },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_deinit) struct buf spki = BUF_INIT(8192);

        EVP_PKEY_free(forge_key(cases[i].sent, &spki));
        s->ask.key = cases[i].asked;
        s->ask.spki = buf_span(&spki);
        if (apply(s, &s->ask) != (int)cases[i].rule)
            fail_msg("key %d for %d", cases[i].sent, cases[i].asked);
    }
}

static void keys_that_cannot_be_read(void **state)
{
    static const struct mw_span garbage[] = {
        { NULL, 0 },
        { (const uint8_t *)"\x30\x03\x02\x01\x01", 5 },
    };
    struct scene *s = *state;
    struct mw_span whole = s->ask.spki;

    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        s->ask.spki = garbage[i];
        assert_int_equal(apply(s, &s->ask), RULE_KEY_KIND);
    }
    for (size_t n = 0; n < whole.len; n++) {
        s->ask.spki = span_cut(whole, 0, n);
        assert_int_not_equal(apply(s, &s->ask), RULE_FINE);
    }
}

/* A point that is none, and one in the short spelling. */
static void points_in_disguise(void **state)
{
    CLEANUP(buf_deinit) struct buf spki = BUF_INIT(1024);
    struct scene *s = *state;
    uint8_t off[91];
    uint8_t *der = NULL;
    EVP_PKEY *key;
    int n;

    memcpy(off, s->ask.spki.data, sizeof(off));
    off[90] ^= 1;
    s->ask.spki = span_of(off, sizeof(off));
    assert_int_equal(apply(s, &s->ask), RULE_KEY_WEAK);

    key = forge_key(MILL_P256, &spki);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    n = i2d_PUBKEY(key, &der);
    assert_true(n > 0 && n < 91);
    s->ask.spki = span_of(der, (size_t)n);
    assert_int_equal(apply(s, &s->ask), RULE_KEY_WEAK);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

/* What is remembered saves work and lets nothing pass: only keys that opened are, as what they are,
 * and the oldest make room. */
static void keys_that_are_remembered(void **state)
{
    struct usable_keys usable = { .n = 0 };
    struct scene *s = *state;
    struct mw_span good = s->ask.spki;
    uint8_t off[91];

    s->rules.usable = &usable;
    memcpy(off, good.data, sizeof(off));
    off[90] ^= 1;
    for (int i = 0; i < 2; i++) {
        s->ask.spki = good;
        assert_int_equal(apply(s, &s->ask), RULE_FINE);
        assert_int_equal(usable.n, 1);
        s->ask.spki = span_of(off, sizeof(off));
        assert_int_equal(apply(s, &s->ask), RULE_KEY_WEAK);
    }
    s->ask.spki = good;
    s->ask.key = MINT_RSA2048;
    assert_int_equal(apply(s, &s->ask), RULE_KEY_KIND);
    s->ask.key = MINT_P256;
    for (int i = 0; i < RULES_USABLE_KEYS; i++) {
        EVP_PKEY *key = NULL;
        uint8_t *der = NULL;

        assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
        s->ask.spki.len = (size_t)i2d_PUBKEY(key, &der);
        s->ask.spki.data = der;
        assert_int_equal(apply(s, &s->ask), RULE_FINE);
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    assert_int_equal(usable.n, 1 + RULES_USABLE_KEYS);
    s->ask.spki = good;         /* driven out, looked at anew */
    assert_int_equal(apply(s, &s->ask), RULE_FINE);
    assert_int_equal(usable.n, 2 + RULES_USABLE_KEYS);
}

static void an_rsa_key_with_exponent_3(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    struct scene *s = *state;
    EVP_PKEY *key = NULL;
    uint8_t *der = NULL;
    int n;

    BN_set_word(three, 3);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    n = i2d_PUBKEY(key, &der);
    assert_true(n > 0);
    s->ask.key = MINT_RSA2048;
    s->ask.spki = span_of(der, (size_t)n);
    assert_int_equal(apply(s, &s->ask), RULE_KEY_WEAK);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    BN_free(three);
}

static void a_ca_s_own_key(void **state)
{
    struct scene *s = *state;

    for (int part = CA_INTERMEDIATE_EC; part < CA_PARTS; part++) {
        s->ask.spki = forge_ca()->members[part].cert->spki;
        s->ask.key = part == CA_INTERMEDIATE_EC || part == CA_UNTRUSTED_EC ? MINT_P256
                                                                           : MINT_RSA2048;
        assert_int_equal(apply(s, &s->ask), RULE_KEY_OF_CA);
        s->ask.ca = MINT_UNTRUSTED;
        assert_int_equal(apply(s, &s->ask), RULE_KEY_OF_CA);
        s->ask.ca = MINT_TRUSTED;
    }
}

/* ----------------------------------------------------------------------- origins ---- */

static void no_origin(void **state)
{
    struct scene *s = *state;

    s->ask.origin = (struct mw_span){ 0 };
    assert_int_equal(apply(s, &s->ask), RULE_NO_ORIGIN);
}

static void an_origin_that_cannot_be_read(void **state)
{
    static uint8_t large[RULES_MAX_ORIGIN + 1];
    struct scene *s = *state;
    struct mw_span whole = s->ask.origin;

    for (size_t n = 1; n < whole.len; n += 7) {
        s->ask.origin = span_cut(whole, 0, n);
        assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_UNREADABLE);
    }
    memcpy(large, whole.data, whole.len);
    s->ask.origin = span_of(large, whole.len + 1);
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_UNREADABLE);
    s->ask.origin = span_of(large, sizeof(large));
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_LARGE);
}

static void an_authority_as_origin(void **state)
{
    const struct scene *s = *state;

    assert_int_equal(apply_origin(s, (struct mill_spec){ .ca = true }), RULE_ORIGIN_CA);
}

static void an_origin_out_of_its_time(void **state)
{
    const struct scene *s = *state;
    const int64_t now = forge_now().s;

    assert_int_equal(apply_origin(s, (struct mill_spec){ .not_after = { now } }), RULE_FINE);
    assert_int_equal(apply_origin(s, (struct mill_spec){ .not_after = { now - 1 } }),
                     RULE_ORIGIN_TIME);
    assert_int_equal(apply_origin(s, (struct mill_spec){ .not_before = { now } }), RULE_FINE);
    assert_int_equal(apply_origin(s, (struct mill_spec){ .not_before = { now + 1 } }),
                     RULE_ORIGIN_TIME);
}

static void an_origin_for_something_else(void **state)
{
    const struct scene *s = *state;

    assert_int_equal(apply_origin(s, (struct mill_spec){ .ext_key_usage = "clientAuth" }),
                     RULE_ORIGIN_PURPOSE);
    assert_int_equal(
        apply_origin(s, (struct mill_spec){ .ext_key_usage = "codeSigning,emailProtection" }),
        RULE_ORIGIN_PURPOSE);
}

/* Checklist: the gateway's own CA is seen upstream.  By its name, by its key's identifier, or
 * with its key, of today and of yesterday. */
static void an_origin_that_we_signed(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(CERTIFICATE_MAX);
    struct scene *s = *state;
    struct leaf leaf;
    struct ca *ca = forge_ca(), yesterday;

    assert_int_equal(rules_apply(&leaf, &s->rules, &s->ask, forge_now()), 0);
    assert_int_equal(certificate_make(&der, &leaf.plan, &ca->members[CA_INTERMEDIATE_EC].signer),
                     0);
    s->ask.origin = buf_span(&der);
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_OURS);

    /* The identifier alone, under another name. */
    buf_truncate(&der, 0);
    leaf.plan.issuer = leaf.plan.subject;
    assert_int_equal(certificate_make(&der, &leaf.plan, &ca->members[CA_INTERMEDIATE_EC].signer),
                     0);
    s->ask.origin = buf_span(&der);
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_OURS);

    /* After a rotation: what signed it is among the retired. */
    yesterday = *ca;
    yesterday.retired[0] = ca->members[CA_INTERMEDIATE_EC].cert;
    yesterday.n_retired = 1;
    yesterday.members[CA_INTERMEDIATE_EC].cert = ca->members[CA_UNTRUSTED_EC].cert;
    s->rules.ca = &yesterday;
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_OURS);
    yesterday.n_retired = 0;
    assert_int_equal(apply(s, &s->ask), RULE_FINE);
    s->rules.ca = ca;
    assert_int_equal(apply(s, &s->ask), RULE_ORIGIN_OURS);
    s->ask.ca = MINT_UNTRUSTED;         /* the page that says so has to be signed by something */
    assert_int_equal(apply(s, &s->ask), RULE_FINE);
    leaf_deinit(&leaf);
}

static void a_host_that_is_none(void **state)
{
    static const struct mw_span hosts[] = {
        { NULL, 0 },
        { (const uint8_t *)"www shop.test", 13 },
        { (const uint8_t *)"www.shop.test\0.evil.test", 24 },
        { (const uint8_t *)"www..test", 9 },
    };
    static uint8_t endless[300];
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        s->ask.host = hosts[i];
        assert_int_equal(apply(s, &s->ask), RULE_HOST);
    }
    memset(endless, 'a', sizeof(endless));
    s->ask.host = span_of(endless, sizeof(endless));
    assert_int_equal(apply(s, &s->ask), RULE_HOST);
    s->ask.ca = MINT_UNTRUSTED;
    s->ask.origin = (struct mw_span){ 0 };
    assert_int_equal(apply(s, &s->ask), RULE_HOST);
}

static void a_host_that_is_not_covered(void **state)
{
    static const struct {
        const char *names, *subject, *host;
        enum rule rule;
    } cases[] = {
        { "DNS:www.shop.test", NULL, "www.shop.test", RULE_FINE },
        { "DNS:www.shop.test", NULL, "WWW.SHOP.TEST.", RULE_FINE },
        { "DNS:www.shop.test", NULL, "shop.test", RULE_HOST_NOT_COVERED },
        { "DNS:www.shop.test", NULL, "evil.test", RULE_HOST_NOT_COVERED },
        { "DNS:*.shop.test", NULL, "a.shop.test", RULE_FINE },
        { "DNS:*.shop.test", NULL, "a.b.shop.test", RULE_HOST_NOT_COVERED },
        { "DNS:*.shop.test", NULL, "shop.test", RULE_HOST_NOT_COVERED },
        { "DNS:*.com", NULL, "shop.com", RULE_HOST_NOT_COVERED },
        { "DNS:w*.shop.test", NULL, "www.shop.test", RULE_HOST_NOT_COVERED },
        { "IP:192.0.2.7", NULL, "192.0.2.7", RULE_FINE },
        { "IP:2001:db8::1", NULL, "[2001:db8::1]", RULE_FINE },
        { "IP:192.0.2.7", NULL, "192.0.2.8", RULE_HOST_NOT_COVERED },
        { "DNS:192.0.2.7", NULL, "192.0.2.7", RULE_HOST_NOT_COVERED },
        { "email:a@www.shop.test", NULL, "www.shop.test", RULE_HOST_NOT_COVERED },
        { "URI:https://www.shop.test/", NULL, "www.shop.test", RULE_HOST_NOT_COVERED },
        { "DNS:other.test", "CN=www.shop.test", "www.shop.test", RULE_HOST_NOT_COVERED },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        s->ask.host = span_str(cases[i].host);
        if (apply_origin(s, (struct mill_spec){ .names = cases[i].names,
                                                .subject = cases[i].subject }) !=
            (int)cases[i].rule)
            fail_msg("%s for %s", cases[i].names, cases[i].host);
    }
    s->ask.host = SPAN_LIT("www.shop.test");
    assert_int_equal(apply_origin(s, (struct mill_spec){ .drop = "2.5.29.17" }),
                     RULE_HOST_NOT_COVERED);
}

static void every_rule_has_words(void **state)
{
    (void)state;
    assert_string_equal(rule_words(RULE_FINE), "");
    for (int rule = RULE_FINE + 1; rule < RULES; rule++)
        assert_true(strlen(rule_words((enum rule)rule)) > 10);
}

/* -------------------------------------------------------------------------- rate ---- */

static unsigned take(struct rate *r, unsigned tries, int64_t at_ms)
{
    unsigned taken = 0;

    while (tries-- > 0)
        taken += rate_take(r, (struct mono){ at_ms * 1000000 });
    return taken;
}

static void so_many_a_minute(void **state)
{
    struct rate r;

    (void)state;
    rate_init(&r, 60, (struct mono){ 0 });
    assert_int_equal(take(&r, 100, 0), 60);
    assert_int_equal(take(&r, 100, 999), 0);
    assert_int_equal(take(&r, 100, 1000), 1);
    assert_int_equal(take(&r, 100, 11000), 10);
    assert_int_equal(take(&r, 100, 1000), 0);   /* a clock that runs back gives nothing */
    assert_int_equal(take(&r, 100, 1000000), 60);
    rate_set(&r, 120);
    assert_int_equal(take(&r, 100, 1000500), 1);
    rate_set(&r, 0);
    assert_int_equal(take(&r, 100, 9000000), 0);
    rate_set(&r, INT64_MAX);
    assert_int_equal(take(&r, 100, INT64_MAX / 1000000), 100);
    rate_set(&r, -5);
    assert_int_equal(take(&r, 100, INT64_MAX / 1000000), 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(the_ask_itself_is_fine),
        SCENE(clocks_a_day_apart),
        SCENE(extreme_times_do_no_harm),
        SCENE(a_ca_that_is_over),
        SCENE(keys_of_another_kind),
        SCENE(keys_that_cannot_be_read),
        SCENE(points_in_disguise),
        SCENE(keys_that_are_remembered),
        SCENE(an_rsa_key_with_exponent_3),
        SCENE(a_ca_s_own_key),
        SCENE(no_origin),
        SCENE(an_origin_that_cannot_be_read),
        SCENE(an_authority_as_origin),
        SCENE(an_origin_out_of_its_time),
        SCENE(an_origin_for_something_else),
        SCENE(an_origin_that_we_signed),
        SCENE(a_host_that_is_none),
        SCENE(a_host_that_is_not_covered),
        cmocka_unit_test(every_rule_has_words),
        cmocka_unit_test(so_many_a_minute),
    };

    return cmocka_run_group_tests_name("rules", tests, forge_fixture_make, forge_fixture_remove);
}
