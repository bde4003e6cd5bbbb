/*
 * The catalogue against real certificates: for every product one is minted that mw_judge()
 * must recognise, one that only looks like it, and one that has the vendor as its subject.
 * Products known by a fingerprint are tested by value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>
#include <cmocka.h>

#include "lab/mill.h"
#include "trust/catalogue.h"
#include "trust/policy.h"

enum { DAY = 86400 };

static const struct mw_wall now = { 1795262400 }; /* 2026-11-21T12:00:00Z */

static struct catalogue *catalogue(void)
{
    struct catalogue *c = NULL;

    assert_int_equal(catalogue_builtin(&c), 0);
    return c;
}

static struct mill_cert *mint(const struct mill_spec *spec, const struct mill_cert *issuer)
{
    struct mill_cert *c = NULL;
    EVP_PKEY *key = NULL;

    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    if (mill_issue(&c, spec, key, issuer) != 0)
        fail_msg("cannot mint %s", spec->subject);
    EVP_PKEY_free(key);
    return c;
}

static struct mill_spec leaf_spec(const char *subject)
{
    return (struct mill_spec){
        .subject = subject,
        .names = "DNS:www.bank.test",
        .names_critical = *subject == '\0',
        .not_before = { now.s - DAY },
        .not_after = { now.s + 30 * DAY },
    };
}

static struct mill_cert *authority(const char *subject)
{
    return mint(&(struct mill_spec){ .subject = subject,
                                     .ca = true,
                                     .not_before = { now.s - 100 * DAY },
                                     .not_after = { now.s + 1000 * DAY } },
                NULL);
}

/* Is the product recognised on this leaf, sent with nothing else?  root NULL: not trusted. */
static bool recognised(const char *product, const struct mill_cert *leaf,
                       const struct mill_cert *root)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 20);
    struct mw_span sent = mill_cert_der(leaf);
    struct mw_evidence ev = {
        .host = "www.bank.test",
        .port = 443,
        .now = now,
        .reach = MW_REACH_HANDSHAKE,
        .sent = &sent,
        .n_sent = 1,
    };
    struct mw_policy *policy = NULL;
    struct mw_verdict *v = NULL;
    bool found = false;

    assert_int_equal(mw_policy_new(&policy), 0);
    if (root != NULL) {
        mill_cert_pem(root, &pem);
        assert_int_equal(
            mw_policy_add_anchors(policy, MW_ANCHOR_LOCAL, buf_span(&pem), "test", NULL), 0);
    }
    assert_int_equal(mw_judge(policy, &ev, &v), 0);
    assert_int_not_equal(v->outcome, MW_UNJUDGED);
    for (size_t i = 0; i < v->n_readers; i++)
        found |= v->readers[i].product != NULL && strcmp(v->readers[i].product, product) == 0;
    mw_verdict_free(v);
    mw_policy_free(policy);
    return found;
}

/* A leaf under an authority of this name. */
static bool recognised_under(const struct product *p, const char *issuer)
{
    struct mill_cert *root = authority(issuer);
    struct mill_spec spec = leaf_spec("");
    struct mill_cert *leaf = mint(&spec, root);
    bool found = recognised(p->name, leaf, root);

    mill_cert_free(leaf);
    mill_cert_free(root);
    return found;
}

static bool recognised_self_signed(const struct product *p, const char *name)
{
    struct mill_spec spec = leaf_spec(name);
    struct mill_cert *leaf;
    bool found;

    if (p->ends.s != 0) {
        spec.not_before.s = p->ends.s - 30 * DAY;
        spec.not_after.s = p->ends.s + DAY / 2;
    }
    leaf = mint(&spec, NULL);
    found = recognised(p->name, leaf, NULL);
    mill_cert_free(leaf);
    return found;
}

/* The vendor's own web site, under somebody else's authority. */
static bool recognised_as_subject(const struct product *p)
{
    struct mill_cert *root = authority("CN=Plain Root,O=Example");
    struct mill_spec spec = leaf_spec(p->example);
    struct mill_cert *leaf = mint(&spec, root);
    bool found = recognised(p->name, leaf, root);

    mill_cert_free(leaf);
    mill_cert_free(root);
    return found;
}

static void every_issuer_is_recognised_and_a_near_miss_is_not(void **state)
{
    struct catalogue *c = catalogue();
    size_t tested = 0;

    (void)state;
    for (size_t i = 0; i < catalogue_size(c); i++) {
        const struct product *p = catalogue_at(c, i);
        bool (*under)(const struct product *, const char *) =
            p->self_signed ? recognised_self_signed : recognised_under;

        if (p->example == NULL)
            continue;
        assert_non_null(p->near);
        if (!under(p, p->example))
            fail_msg("%s is not recognised by %s", p->name, p->example);
        if (under(p, p->near))
            fail_msg("%s is taken for %s", p->near, p->name);
        if (recognised_as_subject(p))
            fail_msg("%s is recognised by a subject", p->name);
        tested++;
    }
    assert_true(tested >= 80);
    catalogue_free(c);
}

/* Everything but what is only known by its headers, or only known to exist, is told from a
 * certificate: by an example above, or by a fingerprint here. */
static void every_fingerprint_counts_to_the_last_bit(void **state)
{
    struct catalogue *c = catalogue();
    size_t products = 0;

    (void)state;
    for (size_t i = 0; i < catalogue_size(c); i++) {
        const struct product *p = catalogue_at(c, i);
        const char *kind;
        struct mw_span hash;

        products += p->example != NULL || catalogue_hash_at(c, p, 0, &kind, &hash);
        for (size_t k = 0; catalogue_hash_at(c, p, k, &kind, &hash); k++) {
            uint8_t near[32];

            assert_string_equal(catalogue_match_hash(c, kind, hash)->name, p->name);
            memcpy(near, hash.data, hash.len);
            near[hash.len - 1] ^= 1;
            assert_null(catalogue_match_hash(c, kind, span_of(near, hash.len)));
            assert_null(catalogue_match_hash(c, kind, span_cut(hash, 0, hash.len - 1)));
        }
    }
    assert_true(products >= 100);
    catalogue_free(c);
}

/* A catalogue of one product, known by a minted certificate's own fingerprint. */
static void fingerprints_are_those_of_the_certificate(void **state)
{
    static const char head[] =
        "product\tvendor\tkind\tgrade\tmarks\tmatch\texample\tnear\tsource\n";
    CLEANUP(buf_deinit) struct buf tsv = BUF_INIT(4096), error = BUF_INIT(1024);
    struct mill_cert *root = authority("CN=Some Root");
    struct catalogue *c = NULL;
    struct cert *cert = NULL;

    (void)state;
    assert_int_equal(cert_parse(&cert, mill_cert_der(root)), 0);
    buf_printf(&tsv, "%sBox\tVendor\tvpn\tB\tbad-root\tspki=\"", head);
    cert_spki_pin(cert, &tsv);
    buf_str(&tsv, "\"\t-\t-\t-\n");
    assert_int_equal(catalogue_parse(&c, buf_span(&tsv), &error), 0);
    assert_string_equal(catalogue_match_key(c, cert, false)->name, "Box");
    assert_true(catalogue_match_key(c, cert, false)->bad_root);
    cert_free(cert);
    catalogue_free(c);
    mill_cert_free(root);
}

static void headers_name_products(void **state)
{
    struct catalogue *c = catalogue();

    (void)state;
    assert_string_equal(catalogue_match_header(c, SPAN_LIT("X-BlueCoat-Via"))->name,
                        "Blue Coat ProxySG (headers)");
    assert_string_equal(catalogue_match_header(c, SPAN_LIT("x-cybersitter-user"))->name,
                        "CYBERsitter");
    assert_null(catalogue_match_header(c, SPAN_LIT("x-bluecoat-viaduct")));
    assert_null(catalogue_match_header(c, SPAN_LIT("mitmproxy")));
    catalogue_free(c);
}

static void refuses(const char *row, const char *line_and_column)
{
    CLEANUP(buf_deinit) struct buf tsv = BUF_INIT(1 << 16), error = BUF_INIT(1024);
    struct catalogue *c = NULL;

    buf_str(&tsv, "# ours\nproduct\tvendor\tkind\tgrade\tmarks\tmatch\texample\tnear\tsource\n");
    buf_str(&tsv, row);
    assert_int_equal(catalogue_parse(&c, buf_span(&tsv), &error), MW_E_SYNTAX);
    assert_null(c);
    if (strncmp((const char *)error.data, line_and_column, strlen(line_and_column)) != 0)
        fail_msg("%s: %s", row, (const char *)error.data);
}

static void mistakes_are_named_by_line_and_column(void **state)
{
    (void)state;
    refuses("A\tB\tgateway\tA\t-\tCN=\"x\"\t-\t-\t-\n", "line 3, column 5:");
    refuses("A\tB\tvpn\tE\t-\tCN=\"x\"\t-\t-\t-\n", "line 3, column 9:");
    refuses("A\tB\tvpn\tA\tbad\tCN=\"x\"\t-\t-\t-\n", "line 3, column 11:");
    refuses("A\tB\tvpn\tA\t-\tXX=\"x\"\t-\t-\t-\n", "line 3, column 13:");
    refuses("A\tB\tvpn\tA\t-\tCN==\"x\"\t-\t-\t-\n", "line 3, column 16:");
    refuses("A\tB\tvpn\tA\t-\tCN=\"x\t-\t-\t-\n", "line 3, column 16:");
    refuses("A\tB\tvpn\tA\t-\tCN=\" \"\t-\t-\t-\n", "line 3, column 16:");
    refuses("A\tB\tvpn\tA\t-\tCN=\"x\" O=\"y\"\t-\t-\t-\n", "line 3, column 20:");
    refuses("A\tB\tvpn\tA\t-\tsha1=\"00\"\t-\t-\t-\n", "line 3, column 19:");
    refuses("A\tB\tvpn\tA\t-\tsha1^=\"00\"\t-\t-\t-\n", "line 3, column 17:");
    refuses("A\tB\tvpn\tA\t-\tCN=\"x\" & header=\"y\"\t-\t-\t-\n", "line 3, column 21:");
    refuses("A\tB\tvpn\tD\t-\tCN=\"x\"\t-\t-\t-\n", "line 3, column 13:");
    refuses("A\tB\tvpn\tA\t-\tCN=\"x\"\t-\t-\n", "line 3, column 23:");
    refuses("A\t\tvpn\tA\t-\tCN=\"x\"\t-\t-\t-\n", "line 3, column 3:");
    refuses("A\x1b[31m\tB\tvpn\tA\t-\tCN=\"x\"\t-\t-\t-\n", "line 3, column 1:");
}

static void own_lists_replace_the_built_in_one(void **state)
{
    static const char tsv[] =
        "product\tvendor\tkind\tgrade\tmarks\tmatch\texample\tnear\tsource\n"
        "Ours\tUs\tcorporate-gateway\tA\t-\tO=\"Example Gateways\"\t-\t-\t-\n";
    struct mw_policy *policy = NULL;

    (void)state;
    assert_int_equal(mw_policy_new(&policy), 0);
    assert_true(catalogue_size(policy->catalogue) >= 100);
    assert_int_equal(mw_policy_set_interceptors(policy, SPAN_LIT("nonsense")), MW_E_SYNTAX);
    assert_non_null(strstr(mw_policy_error(policy), "line 1, column"));
    assert_true(catalogue_size(policy->catalogue) >= 100);
    assert_int_equal(mw_policy_set_interceptors(policy, SPAN_LIT(tsv)), 0);
    assert_int_equal(catalogue_size(policy->catalogue), 1);
    mw_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_issuer_is_recognised_and_a_near_miss_is_not),
        cmocka_unit_test(every_fingerprint_counts_to_the_last_bit),
        cmocka_unit_test(fingerprints_are_those_of_the_certificate),
        cmocka_unit_test(headers_name_products),
        cmocka_unit_test(mistakes_are_named_by_line_and_column),
        cmocka_unit_test(own_lists_replace_the_built_in_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
