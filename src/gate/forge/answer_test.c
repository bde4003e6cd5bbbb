/* What the forge signs, to the byte; and what clients make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <openssl/x509v3.h>
#include <cmocka.h>

#include "forge_fixture.h"
#include "gate/wire/channel.h"

struct scene {
    struct answering answering;
    EVP_PKEY *keys[2];
    struct buf spki[2], out;
    struct mint_answer answer;
    struct cert *leaf;
};

static int setup(void **state)
{
    static struct scene s;

    s = (struct scene){
        .answering.rules = { .ca = forge_ca(), .leaf_s = 7 * FORGE_DAY },
        .spki = { BUF_INIT(4096), BUF_INIT(4096) },
        .out = BUF_INIT(CHANNEL_MAX_MESSAGE),
    };
    rate_init(&s.answering.rate, 1000, (struct mono){ 0 });
    s.keys[MINT_P256] = forge_key(MILL_P256, &s.spki[MINT_P256]);
    s.keys[MINT_RSA2048] = forge_key(MILL_RSA2048, &s.spki[MINT_RSA2048]);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 2; i++) {
        EVP_PKEY_free(s->keys[i]);
        buf_deinit(&s->spki[i]);
    }
    buf_deinit(&s->out);
    cert_free(s->leaf);
    return 0;
}

static struct mint_ask ask_for(const struct scene *s, enum mint_ca ca, enum mint_key key,
                               const struct mill_cert *origin)
{
    return (struct mint_ask){
        .id = 7,
        .ca = ca,
        .key = key,
        .spki = buf_span(&s->spki[key]),
        .host = SPAN_LIT("www.shop.test"),
        .origin = origin != NULL ? mill_cert_der(origin) : (struct mw_span){ 0 },
        .now = forge_now(),
    };
}

static void ask(struct scene *s, const struct mint_ask *ask)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

    mint_ask_write(&message, ask);
    buf_truncate(&s->out, 0);
    cert_free(s->leaf);
    s->leaf = NULL;
    assert_int_equal(leaf_answer_write(&s->out, &s->answering, buf_span(&message), forge_now(),
                                       (struct mono){ 0 }),
                     0);
    assert_int_equal(mint_answer_read(&s->answer, buf_span(&s->out)), 0);
    assert_int_equal(s->answer.id, ask->id);
}

/* It must be signed; the leaf is in s->leaf then. */
static const struct cert *minted(struct scene *s, const struct mint_ask *a)
{
    ask(s, a);
    if (s->answer.status != MINT_OK)
        fail_msg("%.*s", (int)s->answer.why.len, (const char *)s->answer.why.data);
    assert_int_equal(cert_parse(&s->leaf, s->answer.leaf), 0);
    return s->leaf;
}

static const struct cert *signer_cert(const struct scene *s, const struct mint_ask *a)
{
    return s->answering.rules.ca->members[rules_signer(a)].cert;
}

/* ------------------------------------------------------------------ what it is ---- */

static struct mw_span extension(const struct cert *c, uint8_t last_arc)
{
    const uint8_t oid[] = { 0x55, 0x1d, last_arc };
    const struct cert_extension *e = cert_extension(c, span_of(oid, 3));

    return e != NULL ? e->value : (struct mw_span){ 0 };
}

static void a_leaf_is_what_the_rules_say(void **state)
{
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){
        .must_staple = true, .aia_issuer_url = "http://ca.example/ca.der",
        .ocsp_url = "http://ocsp.example/", .crl_url = "http://crl.example/1.crl",
        .digest = MILL_SHA1 });
    struct cert *from = NULL;

    assert_int_equal(cert_parse(&from, mill_cert_der(origin)), 0);
    for (enum mint_key key = MINT_P256; key <= MINT_RSA2048; key++) {
        struct mint_ask a = ask_for(s, MINT_TRUSTED, key, origin);
        const struct cert *leaf = minted(s, &a), *ca = signer_cert(s, &a);

        assert_int_equal(leaf->version, 3);
        assert_true(span_eq(leaf->issuer, ca->subject));
        assert_true(span_eq(s->answer.intermediate, ca->der));
        assert_true(span_eq(leaf->spki, a.spki));
        assert_int_equal(cert_signed_by(leaf, ca), 1);
        assert_int_equal(X509_get_signature_nid(leaf->x509),
                         key == MINT_P256 ? NID_ecdsa_with_SHA256 : NID_sha256WithRSAEncryption);
        assert_true(span_eq(leaf->algorithm, leaf->algorithm_outer));
        /* Six extensions and no other: nothing that speaks of the origin's certificate. */
        assert_int_equal(leaf->n_extensions, 6);
        assert_true(span_eq(extension(leaf, 17), extension(from, 17)));
        assert_true(span_eq(extension(leaf, 37), certificate_server_auth()));
        assert_int_equal(X509_get_key_usage(leaf->x509),
                         key == MINT_P256 ? KU_DIGITAL_SIGNATURE
                                          : KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
        assert_false(leaf->is_ca);
        assert_true(extension(leaf, 19).len > 0);
        assert_true(span_eq(leaf->aki, ca->ski));
        assert_int_equal(leaf->ski.len, 20);
        assert_false(span_eq(leaf->ski, ca->ski));
        assert_int_equal(leaf->serial.len, 16);
        assert_int_equal(leaf->serial.data[0] & 0xc0, 0x40);
        assert_int_equal(leaf->not_before.s, a.now.s - RULES_BACKDATE_S);
        assert_int_equal(leaf->not_after.s, a.now.s + 7 * FORGE_DAY);
        assert_int_equal(s->answer.not_after.s, leaf->not_after.s);
    }
    cert_free(from);
    mill_cert_free(origin);
}

static void of_the_subject_only_the_common_name(void **state)
{
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(1024);
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){
        .subject = "CN=www.shop.test,OU=Tills,O=Shop Ltd,CN=an older name,C=GB" });
    struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);

    name_format(&name, minted(s, &a)->subject);
    assert_string_equal((char *)name.data, "CN=www.shop.test");
    mill_cert_free(origin);
}

static void no_two_serial_numbers_are_alike(void **state)
{
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });
    struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);
    uint8_t first[16];

    memcpy(first, minted(s, &a)->serial.data, 16);
    assert_memory_not_equal(first, minted(s, &a)->serial.data, 16);
    mill_cert_free(origin);
}

/* Every kind of name comes through as it stands there, and no other. */
static void names_are_copied_byte_for_byte(void **state)
{
    static const struct {
        const char *subject, *names;
        bool critical, critical_then;
    } cases[] = {
        { NULL, "DNS:www.shop.test,IP:192.0.2.7,email:a@shop.test,URI:https://shop.test/", false,
          false },
        { NULL, "DNS:*.shop.test", true, true },
        { "", "DNS:www.shop.test", false, true },       /* RFC 5280 4.2.1.6 */
        { "O=Shop Ltd", "DNS:www.shop.test", false, true },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mill_cert *origin = forge_origin((struct mill_spec){
            .subject = cases[i].subject, .names = cases[i].names,
            .names_critical = cases[i].critical });
        struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);
        const struct cert *leaf = minted(s, &a);
        struct cert *from = NULL;

        assert_int_equal(cert_parse(&from, mill_cert_der(origin)), 0);
        assert_true(span_eq(extension(leaf, 17), extension(from, 17)));
        assert_int_equal(leaf->san_critical, cases[i].critical_then);
        cert_free(from);
        mill_cert_free(origin);
    }
}

static void time_is_within_the_origin_s(void **state)
{
    const int64_t now = forge_now().s;
    const struct {
        int64_t from, to, leaf_s, want_from, want_to;
    } cases[] = {
        { now - 300, now + 600, 7 * FORGE_DAY, now - 300, now + 600 },
        { now - 30 * FORGE_DAY, now + 600, 7 * FORGE_DAY, now - 3600, now + 600 },
        { now, now, 7 * FORGE_DAY, now, now },
        { now - 30 * FORGE_DAY, now + 300 * FORGE_DAY, 3600, now - 3600, now + 3600 },
        /* The intermediate ends in 90 days less a minute. */
        { now - 30 * FORGE_DAY, now + 300 * FORGE_DAY, 199 * FORGE_DAY, now - 3600,
          now - 60 + 90 * FORGE_DAY },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mill_cert *origin = forge_origin((struct mill_spec){
            .not_before = { cases[i].from }, .not_after = { cases[i].to } });
        struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);
        const struct cert *leaf;

        s->answering.rules.leaf_s = cases[i].leaf_s;
        leaf = minted(s, &a);
        assert_int_equal(leaf->not_before.s, cases[i].want_from);
        assert_int_equal(leaf->not_after.s, cases[i].want_to);
        mill_cert_free(origin);
    }
}

/* Whatever is configured and however long CA and origin live. */
static void never_200_days(void **state)
{
    struct scene *s = *state;
    struct cert *ca = forge_ca()->members[CA_INTERMEDIATE_EC].cert;
    struct mw_wall end = ca->not_after;
    struct mill_cert *origin = forge_origin((struct mill_spec){
        .not_after = { forge_now().s + 800 * FORGE_DAY } });
    struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);
    const struct cert *leaf;

    ca->not_after.s += 1000 * FORGE_DAY;
    s->answering.rules.leaf_s = 400 * FORGE_DAY;
    leaf = minted(s, &a);
    ca->not_after = end;
    assert_true(leaf->not_after.s - leaf->not_before.s < 199 * FORGE_DAY);
    assert_true(leaf->not_after.s - leaf->not_before.s > 198 * FORGE_DAY);
    mill_cert_free(origin);
}

static void purposes_shrink_to_servers(void **state)
{
    static const char *const fine[] = { "", "serverAuth", "serverAuth,clientAuth",
                                        "codeSigning,serverAuth", "anyExtendedKeyUsage" };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        struct mill_cert *origin = forge_origin((struct mill_spec){ .ext_key_usage = fine[i] });
        struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_P256, origin);

        assert_true(span_eq(extension(minted(s, &a), 37), certificate_server_auth()));
        mill_cert_free(origin);
    }
}

/* --------------------------------------------------------- the untrusted CA ---- */

static void an_untrusted_leaf_keeps_what_is_wrong(void **state)
{
    const int64_t now = forge_now().s;
    const struct {
        struct mill_spec origin;
        int64_t from, to;
    } cases[] = {
        { { .not_before = { now - 90 * FORGE_DAY }, .not_after = { now - FORGE_DAY } },
          now - 90 * FORGE_DAY, now - FORGE_DAY },
        { { .not_before = { now - 800 * FORGE_DAY }, .not_after = { now - FORGE_DAY } },
          now - FORGE_DAY - RULES_MAX_S, now - FORGE_DAY },
        { { .not_before = { now + FORGE_DAY }, .not_after = { now + 90 * FORGE_DAY } },
          now + FORGE_DAY, now + 8 * FORGE_DAY },
        { { .names = "DNS:other.test" }, now - 3600, now + 7 * FORGE_DAY },
        { { .ca = true }, now - 3600, now + 7 * FORGE_DAY },
        { { .ext_key_usage = "clientAuth" }, now - 3600, now + 7 * FORGE_DAY },
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mill_cert *origin = forge_origin(cases[i].origin);
        struct mint_ask a = ask_for(s, MINT_UNTRUSTED, MINT_P256, origin);
        const struct cert *leaf;
        struct cert *from = NULL;

        assert_int_equal(cert_parse(&from, mill_cert_der(origin)), 0);
        a.ca = MINT_TRUSTED;
        ask(s, &a);
        assert_int_equal(s->answer.status, MINT_REFUSED);
        a.ca = MINT_UNTRUSTED;
        leaf = minted(s, &a);
        assert_int_equal(cert_signed_by(leaf, forge_ca()->members[CA_UNTRUSTED_EC].cert), 1);
        assert_int_equal(leaf->not_before.s, cases[i].from);
        assert_int_equal(leaf->not_after.s, cases[i].to);
        assert_true(span_eq(extension(leaf, 17), extension(from, 17)));
        assert_false(leaf->is_ca);
        if (cases[i].origin.ext_key_usage != NULL)
            assert_true(span_eq(extension(leaf, 37), extension(from, 37)));
        cert_free(from);
        mill_cert_free(origin);
    }
}

static void without_an_origin_the_host_is_the_only_name(void **state)
{
    static const struct {
        const char *host, *dns;
        const uint8_t ip[4];
    } cases[] = {
        { "www.shop.test", "www.shop.test", { 0 } },
        { "WWW.Shop.Test.", "www.shop.test", { 0 } },
        { "192.0.2.7", NULL, { 192, 0, 2, 7 } },
    };
    static const struct mw_span none[] = { { NULL, 0 }, { (const uint8_t *)"\x30\x01garbage", 9 } };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
        size_t k = i / 2;
        struct mint_ask a = ask_for(s, MINT_UNTRUSTED, MINT_RSA2048, NULL);
        const struct cert *leaf;

        a.host = span_str(cases[k].host);
        a.origin = none[i % 2];
        leaf = minted(s, &a);
        assert_int_equal(leaf->n_sans, 1);
        assert_true(span_eq(leaf->sans[0].value, cases[k].dns != NULL
                                                     ? span_str(cases[k].dns)
                                                     : span_of(cases[k].ip, 4)));
        assert_int_equal(leaf->not_after.s, forge_now().s + FORGE_DAY);
        assert_int_equal(leaf->not_before.s, forge_now().s - 60 - CA_BACKDATE_S > a.now.s - 3600
                                                 ? forge_now().s - 60 - CA_BACKDATE_S
                                                 : a.now.s - 3600);
    }
}

/* ------------------------------------------------------------- what clients say ---- */

/* OpenSSL's verdict on the chain that a client is sent, with our root alone trusted. */
static int client_verdict(const struct scene *s, const struct cert *leaf, const char *host)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *sent = sk_X509_new_null();
    struct cert *intermediate = NULL;
    X509_VERIFY_PARAM *param;
    int verdict;

    assert_int_equal(cert_parse(&intermediate, s->answer.intermediate), 0);
    sk_X509_push(sent, intermediate->x509);
    X509_STORE_add_cert(store, forge_ca()->members[CA_ROOT].cert->x509);
    X509_STORE_CTX_init(ctx, store, leaf->x509, sent);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)forge_now().s);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set1_host(param, host, 0);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_verify_cert(ctx);
    verdict = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(sent);
    cert_free(intermediate);
    return verdict;
}

static void clients_with_our_root_accept_it(void **state)
{
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });

    for (enum mint_key key = MINT_P256; key <= MINT_RSA2048; key++) {
        struct mint_ask a = ask_for(s, MINT_TRUSTED, key, origin);
        const struct cert *leaf = minted(s, &a);

        assert_int_equal(client_verdict(s, leaf, "www.shop.test"), X509_V_OK);
        assert_int_equal(client_verdict(s, leaf, "shop.test"), X509_V_OK);
        assert_int_equal(client_verdict(s, leaf, "www.other.test"), X509_V_ERR_HOSTNAME_MISMATCH);
        a.ca = MINT_UNTRUSTED;
        leaf = minted(s, &a);
        assert_int_equal(client_verdict(s, leaf, "www.shop.test"),
                         X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    }
    mill_cert_free(origin);
}

/* An old client that knows RSA alone finds nothing else in the whole chain. */
static void an_rsa_chain_is_rsa_throughout(void **state)
{
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });
    struct mint_ask a = ask_for(s, MINT_TRUSTED, MINT_RSA2048, origin);
    const struct cert *chain[] = { minted(s, &a), signer_cert(s, &a),
                                   forge_ca()->members[CA_ROOT].cert };

    for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
        assert_true(EVP_PKEY_is_a(cert_key(chain[i]), "RSA"));
        assert_int_equal(X509_get_signature_nid(chain[i]->x509), NID_sha256WithRSAEncryption);
    }
    mill_cert_free(origin);
}

static struct mw_verdict *judged(const struct scene *s, bool root_known)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);
    const struct mw_span sent[] = { s->answer.leaf, s->answer.intermediate };
    const struct mw_evidence ev = {
        .host = "www.shop.test", .port = 443, .now = forge_now(), .reach = MW_REACH_HANDSHAKE,
        .sent = sent, .n_sent = 2,
    };
    struct mw_policy *policy = NULL;
    struct mw_verdict *v = NULL;

    assert_int_equal(mw_policy_new(&policy), 0);
    ca_write_pem(&pem, forge_ca()->members[CA_ROOT].cert->der);
    if (root_known)
        assert_int_equal(
            mw_policy_add_anchors(policy, MW_ANCHOR_LOCAL, buf_span(&pem), "gate", NULL), 0);
    assert_int_equal(mw_judge(policy, &ev, &v), 0);
    mw_policy_free(policy);
    return v;
}

static void check_says_inspected_and_by_whom(void **state)
{
    struct scene *s = *state;
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });

    for (enum mint_key key = MINT_P256; key <= MINT_RSA2048; key++) {
        struct mint_ask a = ask_for(s, MINT_TRUSTED, key, origin);
        struct mw_verdict *v;

        minted(s, &a);
        v = judged(s, true);
        assert_int_equal(v->outcome, MW_INSPECTED);
        for (size_t i = 0; i < v->n_findings; i++)
            if (v->findings[i].severity == MW_ERROR)
                fail_msg("%s", v->findings[i].evidence);
        assert_true(v->n_readers > 0);
        assert_string_equal(v->readers[0].product, "Midwatch gate");
        assert_string_equal(v->readers[0].kind, "corporate-gateway");
        mw_verdict_free(v);

        a.ca = MINT_UNTRUSTED;
        minted(s, &a);
        v = judged(s, true);
        assert_int_equal(v->outcome, MW_UNTRUSTED);
        mw_verdict_free(v);
    }
    mill_cert_free(origin);
}

static void what_is_no_ask_is_not_answered(void **state)
{
    struct scene *s = *state;

    assert_int_equal(leaf_answer_write(&s->out, &s->answering, SPAN_LIT("\x01nonsense"),
                                       forge_now(), (struct mono){ 0 }),
                     -EINVAL);
    assert_int_equal(s->out.len, 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_leaf_is_what_the_rules_say),
        SCENE(of_the_subject_only_the_common_name),
        SCENE(no_two_serial_numbers_are_alike),
        SCENE(names_are_copied_byte_for_byte),
        SCENE(time_is_within_the_origin_s),
        SCENE(never_200_days),
        SCENE(purposes_shrink_to_servers),
        SCENE(an_untrusted_leaf_keeps_what_is_wrong),
        SCENE(without_an_origin_the_host_is_the_only_name),
        SCENE(clients_with_our_root_accept_it),
        SCENE(an_rsa_chain_is_rsa_throughout),
        SCENE(check_says_inspected_and_by_whom),
        SCENE(what_is_no_ask_is_not_answered),
    };

    return cmocka_run_group_tests_name("answer", tests, forge_fixture_make, forge_fixture_remove);
}
