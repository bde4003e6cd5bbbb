/*
 * The mill's certificates are what their spec says, to OpenSSL and to the RFCs' own arithmetic.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ct.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/own.h"
#include "lab/mill.h"

#define NOW ((struct mw_wall){ 1790000000 })

static const struct mw_wall day_ago = { 1790000000 - 86400 }, month_on = { 1790000000 + 2592000 };

static struct mill_cert *issue(const struct mill_spec *spec, enum mill_key kind,
                               const struct mill_cert *issuer)
{
    struct mill_cert *c = NULL;
    EVP_PKEY *key = NULL;

    assert_int_equal(mill_key_new(&key, kind, false), 0);
    assert_int_equal(mill_issue(&c, spec, key, issuer), 0);
    EVP_PKEY_free(key);
    return c;
}

static struct mill_cert *issue_root(enum mill_key kind)
{
    return issue(&(struct mill_spec){ .subject = "CN=Root,O=Lab",
                                      .ca = true,
                                      .not_before = day_ago,
                                      .not_after = month_on },
                 kind, NULL);
}

static struct mill_cert *issue_leaf(enum mill_key kind, const struct mill_cert *root)
{
    return issue(&(struct mill_spec){ .subject = "CN=leaf.lab.test",
                                      .names = "DNS:leaf.lab.test,DNS:*.b.test,IP:192.0.2.1,"
                                               "IP:2001:db8::1,email:x@lab.test",
                                      .not_before = day_ago,
                                      .not_after = month_on },
                 kind, root);
}

static int verify(const struct mill_cert *leaf, const struct mill_cert *root, const char *host)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int r;

    X509_STORE_add_cert(store, mill_cert_x509(root));
    assert_int_equal(X509_STORE_CTX_init(ctx, store, mill_cert_x509(leaf), NULL), 1);
    X509_STORE_CTX_set_time(ctx, X509_V_FLAG_X509_STRICT, (time_t)NOW.s);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_USE_CHECK_TIME);
    X509_STORE_CTX_set_default(ctx, "ssl_server");
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), host, 0);
    X509_verify_cert(ctx);
    r = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return r;
}

static void ordinary_chains_verify_strictly(void **state)
{
    static const enum mill_key kinds[] = { MILL_P256,    MILL_P384,    MILL_P521,
                                           MILL_ED25519, MILL_RSA2048, MILL_RSA4096 };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct mill_cert *root = issue_root(kinds[i]), *leaf = issue_leaf(kinds[i], root);

        assert_int_equal(verify(leaf, root, "leaf.lab.test"), X509_V_OK);
        assert_int_equal(verify(leaf, root, "other.lab.test"), X509_V_ERR_HOSTNAME_MISMATCH);
        mill_cert_free(leaf);
        mill_cert_free(root);
    }
}

static void weak_and_odd_keys_can_be_had(void **state)
{
    static const struct {
        enum mill_key kind;
        int bits;
    } keys[] = { { MILL_RSA512, 512 },   { MILL_RSA1024, 1024 },       { MILL_RSA2052, 2052 },
                 { MILL_RSA3072, 3072 }, { MILL_RSA8192, 8192 },       { MILL_P192, 192 },
                 { MILL_DSA2048, 2048 }, { MILL_P256_EXPLICIT, 256 } };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct mill_cert *c = issue_root(keys[i].kind);

        assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(mill_cert_x509(c))), keys[i].bits);
        assert_int_equal(X509_verify(mill_cert_x509(c), mill_cert_key(c)), 1);
        mill_cert_free(c);
    }
}

static void explicit_curve_is_spelt_out(void **state)
{
    struct mill_cert *named = issue_root(MILL_P256), *spelt = issue_root(MILL_P256_EXPLICIT);
    (void)state;

    assert_true(mill_cert_der(spelt).len > mill_cert_der(named).len + 100);
    mill_cert_free(named);
    mill_cert_free(spelt);
}

static void old_digests_sign(void **state)
{
    static const struct {
        enum mill_digest digest;
        int nid;
    } digests[] = { { MILL_MD5, NID_md5WithRSAEncryption },
                    { MILL_SHA1, NID_sha1WithRSAEncryption },
                    { MILL_SHA384, NID_sha384WithRSAEncryption } };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        struct mill_cert *c = issue(&(struct mill_spec){ .subject = "CN=old",
                                                         .digest = digests[i].digest,
                                                         .not_before = day_ago,
                                                         .not_after = month_on },
                                    MILL_RSA2048, NULL);

        assert_int_equal(X509_get_signature_nid(mill_cert_x509(c)), digests[i].nid);
        mill_cert_free(c);
    }
}

static void broken_signature_only_breaks_the_signature(void **state)
{
    struct mill_cert *root = issue_root(MILL_P256);
    struct mill_cert *leaf = issue(&(struct mill_spec){ .subject = "",
                                                        .names = "DNS:leaf.lab.test",
                                                        .names_critical = true,
                                                        .wrong_signature = true,
                                                        .not_before = day_ago,
                                                        .not_after = month_on },
                                   MILL_P256, root);
    (void)state;

    assert_int_equal(verify(leaf, root, "leaf.lab.test"), X509_V_ERR_CERT_SIGNATURE_FAILURE);
    mill_cert_free(leaf);
    mill_cert_free(root);
}

static int extension_count(const struct mill_cert *c)
{
    return X509_get_ext_count(mill_cert_x509(c));
}

static void spec_fields_do_what_they_say(void **state)
{
    const struct mill_extension odd = { "1.3.6.1.4.1.55555.1", true, SPAN_LIT("\x05\x00") };
    struct mill_spec spec = { .subject = "CN=a\\,b,O=Lab", .not_before = day_ago,
                              .not_after = month_on };
    struct mill_cert *plain = issue(&spec, MILL_P256, NULL), *c;
    char *text;
    (void)state;

    text = X509_NAME_oneline(X509_get_subject_name(mill_cert_x509(plain)), NULL, 0);
    assert_string_equal(text, "/O=Lab/CN=a,b");
    OPENSSL_free(text);

    spec.extra = &odd;
    spec.n_extra = 1;
    c = issue(&spec, MILL_P256, NULL);
    assert_int_equal(extension_count(c), extension_count(plain) + 1);
    assert_true(X509_get_extension_flags(mill_cert_x509(c)) & EXFLAG_CRITICAL);
    mill_cert_free(c);

    spec.n_extra = 0;
    spec.drop = "2.5.29.37";
    c = issue(&spec, MILL_P256, NULL);
    assert_int_equal(extension_count(c), extension_count(plain) - 1);
    mill_cert_free(c);

    spec.version = 1;
    c = issue(&spec, MILL_P256, NULL);
    assert_int_equal(X509_get_version(mill_cert_x509(c)), X509_VERSION_1);
    assert_int_equal(extension_count(c), 0);
    mill_cert_free(c);

    spec = (struct mill_spec){ .subject = "CN=ca", .ca = true, .path_len = 1,
                               .not_before = day_ago, .not_after = month_on,
                               .name_constraints = "permitted;DNS:lab.test",
                               .crl_url = "http://127.0.0.1:1/crl",
                               .ocsp_url = "http://127.0.0.1:1/ocsp",
                               .aia_issuer_url = "http://127.0.0.1:1/ca",
                               .must_staple = true };
    c = issue(&spec, MILL_P256, NULL);
    assert_int_equal(X509_get_pathlen(mill_cert_x509(c)), 0);
    assert_true(X509_get_ext_by_NID(mill_cert_x509(c), NID_name_constraints, -1) >= 0);
    assert_true(X509_get_ext_by_NID(mill_cert_x509(c), NID_crl_distribution_points, -1) >= 0);
    assert_true(X509_get_ext_by_NID(mill_cert_x509(c), NID_info_access, -1) >= 0);
    assert_true(X509_get_ext_by_NID(mill_cert_x509(c), NID_tlsfeature, -1) >= 0);
    mill_cert_free(c);
    mill_cert_free(plain);
}

static void impossible_specs_are_refused(void **state)
{
    static const struct mill_spec specs[] = {
        { .subject = "no equals sign" },
        { .subject = "CN=x", .names = "DNS" },
        { .subject = "CN=x", .names = "IP:300.1.1.1" },
        { .subject = "CN=x", .key_usage = "nonsense" },
    };
    EVP_PKEY *key = NULL;
    (void)state;

    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct mill_cert *c = NULL;

        assert_int_equal(mill_issue(&c, &specs[i], key, NULL), -EINVAL);
        assert_null(c);
    }
    EVP_PKEY_free(key);
}

static void unlike_certificates_have_unlike_serials(void **state)
{
    struct mill_spec spec = { .subject = "CN=a", .not_before = day_ago, .not_after = month_on };
    struct mill_cert *root = issue_root(MILL_P256), *a = NULL, *b = NULL, *again = NULL;
    EVP_PKEY *key = NULL;
    (void)state;

    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&a, &spec, key, root), 0);
    assert_int_equal(mill_issue(&again, &spec, key, root), 0);
    spec.names = "DNS:a.test";
    assert_int_equal(mill_issue(&b, &spec, key, root), 0);
    assert_int_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(mill_cert_x509(a)),
                                      X509_get0_serialNumber(mill_cert_x509(again))), 0);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(mill_cert_x509(a)),
                                          X509_get0_serialNumber(mill_cert_x509(b))), 0);
    EVP_PKEY_free(key);
    mill_cert_free(a);
    mill_cert_free(b);
    mill_cert_free(again);
    mill_cert_free(root);
}

static void crl_revokes_what_it_lists(void **state)
{
    struct mill_cert *root = issue_root(MILL_P256);
    struct mill_cert *bad = issue_leaf(MILL_P256, root), *good = issue_leaf(MILL_P384, root);
    struct mill_revoked list[] = { { bad, day_ago, 1 } };
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(65536);
    const unsigned char *at;
    X509_REVOKED *entry = NULL;
    X509_CRL *crl;
    (void)state;

    assert_int_equal(mill_crl(&der, root, list, 1, day_ago, month_on), 0);
    at = der.data;
    crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, mill_cert_key(root)), 1);
    assert_int_equal(X509_CRL_get0_by_cert(crl, &entry, mill_cert_x509(bad)), 1);
    assert_int_equal(X509_CRL_get0_by_cert(crl, &entry, mill_cert_x509(good)), 0);
    X509_CRL_free(crl);
    mill_cert_free(bad);
    mill_cert_free(good);
    mill_cert_free(root);
}

static void ocsp_says_what_it_was_told(void **state)
{
    struct mill_cert *root = issue_root(MILL_RSA2048), *leaf = issue_leaf(MILL_P256, root);
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(65536);
    ASN1_GENERALIZEDTIME *revoked_at = NULL, *from = NULL, *to = NULL;
    const unsigned char *at;
    OCSP_RESPONSE *response;
    OCSP_BASICRESP *basic;
    OCSP_CERTID *id;
    X509_STORE *store = X509_STORE_new();
    int status = -1, reason = -1;
    (void)state;

    assert_int_equal(mill_ocsp(&der, leaf, root, root, MILL_OCSP_REVOKED, day_ago, day_ago,
                               month_on), 0);
    at = der.data;
    response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    assert_non_null(response);
    basic = OCSP_response_get1_basic(response);
    id = OCSP_cert_to_id(EVP_sha1(), mill_cert_x509(leaf), mill_cert_x509(root));
    X509_STORE_add_cert(store, mill_cert_x509(root));
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)NOW.s);
    assert_int_equal(OCSP_basic_verify(basic, NULL, store, OCSP_TRUSTOTHER), 0);
    {
        STACK_OF(X509) *certs = sk_X509_new_null();

        sk_X509_push(certs, mill_cert_x509(root));
        assert_int_equal(OCSP_basic_verify(basic, certs, store, 0), 1);
        sk_X509_free(certs);
    }
    assert_int_equal(OCSP_resp_find_status(basic, id, &status, &reason, &revoked_at, &from, &to),
                     1);
    assert_int_equal(status, V_OCSP_CERTSTATUS_REVOKED);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    X509_STORE_free(store);
    mill_cert_free(leaf);
    mill_cert_free(root);
}

/* OpenSSL's own CT code is the judge of ours. */
static sct_validation_status_t sct_status(const struct mill_cert *leaf,
                                          const struct mill_cert *issuer, const char *json)
{
    CTLOG_STORE *store = CTLOG_STORE_new();
    CT_POLICY_EVAL_CTX *ctx = CT_POLICY_EVAL_CTX_new();
    STACK_OF(SCT) *scts = X509_get_ext_d2i(mill_cert_x509(leaf), NID_ct_precert_scts, NULL,
                                           NULL);
    sct_validation_status_t status;
    char path[] = "/tmp/mill_test.XXXXXX";
    const char *key = strstr(json, "\"key\":\"") + strlen("\"key\":\"");
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    fprintf(f, "enabled_logs=one\n[one]\ndescription=one\nkey=%.*s\n",
            (int)(strchr(key, '"') - key), key);
    fclose(f);
    assert_int_equal(CTLOG_STORE_load_file(store, path), 1);
    unlink(path);
    assert_int_equal(sk_SCT_num(scts), 1);
    SCT_set_source(sk_SCT_value(scts, 0), SCT_SOURCE_X509V3_EXTENSION);
    CT_POLICY_EVAL_CTX_set1_cert(ctx, mill_cert_x509(leaf));
    CT_POLICY_EVAL_CTX_set1_issuer(ctx, mill_cert_x509(issuer));
    CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(ctx, store);
    CT_POLICY_EVAL_CTX_set_time(ctx, (uint64_t)NOW.s * 1000);
    assert_true(SCT_LIST_validate(scts, ctx) >= 0);
    status = SCT_get_validation_status(sk_SCT_value(scts, 0));
    SCT_LIST_free(scts);
    CT_POLICY_EVAL_CTX_free(ctx);
    CTLOG_STORE_free(store);
    return status;
}

static void embedded_scts_validate(void **state)
{
    struct mill_cert *root = issue_root(MILL_P256), *leaf = NULL, *wrong = NULL;
    struct mill_spec spec = { .subject = "CN=leaf.lab.test", .names = "DNS:leaf.lab.test",
                              .not_before = day_ago, .not_after = month_on };
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(4096), list = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(65536);
    struct mill_log *log = NULL;
    EVP_PKEY *key = NULL;
    (void)state;

    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    assert_int_equal(mill_log_new(&log, "argon", "One"), 0);
    assert_int_equal(mill_log_list(&json, &log, 1), 0);
    assert_int_equal(mill_sct_precert(&scts, log, &spec, key, root, day_ago), 0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    spec.sct_list = buf_span(&list);
    assert_int_equal(mill_issue(&leaf, &spec, key, root), 0);
    assert_int_equal(sct_status(leaf, root, (const char *)json.data), SCT_VALIDATION_STATUS_VALID);

    spec.names = "DNS:other.lab.test";
    assert_int_equal(mill_issue(&wrong, &spec, key, root), 0);
    assert_int_equal(sct_status(wrong, root, (const char *)json.data),
                     SCT_VALIDATION_STATUS_INVALID);
    mill_log_free(log);
    EVP_PKEY_free(key);
    mill_cert_free(leaf);
    mill_cert_free(wrong);
    mill_cert_free(root);
}

static void pooled_keys_are_shared_and_fresh_ones_are_not(void **state)
{
    EVP_PKEY *keys[8] = { NULL }, *fresh = NULL;
    bool shared = false;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(mill_key_new(&keys[i], MILL_RSA2048, false), 0);
    assert_int_equal(mill_key_new(&fresh, MILL_RSA2048, true), 0);
    for (size_t i = 1; i < ARRAY_LEN(keys); i++) {
        shared = shared || keys[i] == keys[0];
        assert_ptr_not_equal(fresh, keys[i]);
    }
    assert_true(shared);
    assert_ptr_not_equal(keys[0], keys[1]);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        EVP_PKEY_free(keys[i]);
    EVP_PKEY_free(fresh);
}

static void ten_thousand_names_are_minted_quickly(void **state)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1 << 20);
    struct mono start = mono_now();
    struct mill_cert *c;
    (void)state;

    for (int i = 0; i < 10000; i++)
        buf_printf(&names, "%sDNS:n%d.lab.test", i > 0 ? "," : "", i);
    c = issue(&(struct mill_spec){ .subject = "CN=many", .names = (const char *)names.data,
                                   .not_before = day_ago, .not_after = month_on },
              MILL_P256, NULL);
    assert_true(mill_cert_der(c).len > 150000);
    assert_true(mono_diff_ns(start, mono_now()) < 5000000000);
    mill_cert_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_chains_verify_strictly),
        cmocka_unit_test(weak_and_odd_keys_can_be_had),
        cmocka_unit_test(explicit_curve_is_spelt_out),
        cmocka_unit_test(old_digests_sign),
        cmocka_unit_test(broken_signature_only_breaks_the_signature),
        cmocka_unit_test(spec_fields_do_what_they_say),
        cmocka_unit_test(impossible_specs_are_refused),
        cmocka_unit_test(unlike_certificates_have_unlike_serials),
        cmocka_unit_test(crl_revokes_what_it_lists),
        cmocka_unit_test(ocsp_says_what_it_was_told),
        cmocka_unit_test(embedded_scts_validate),
        cmocka_unit_test(pooled_keys_are_shared_and_fresh_ones_are_not),
        cmocka_unit_test(ten_thousand_names_are_minted_quickly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
