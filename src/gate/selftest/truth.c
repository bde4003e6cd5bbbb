/*
 * Points 30 to 37: what clients are told is true.
 */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "gate/selftest/points.h"

enum { BACKDATE_S = 3600, SLACK_S = 60, LONGEST_S = 200 * STAND_DAY_S };

/* ------------------------------------------------------------------ both sides ---- */

/* The same server past the gate and through it. */
struct pair {
    struct answer origin, forged;
};

static bool pair_make(struct trial *t, const char *host, struct pair *p)
{
    struct call c = { .host = host, .port = t->stand->lab_port, .direct = true };
    bool both;

    *p = (struct pair){ 0 };
    both = trial_call(t, &t->stand->gate, &c, &p->origin);
    c.direct = false;
    both = both && trial_call(t, &t->stand->gate, &c, &p->forged);
    if (both) {
        both = p->origin.leaf != NULL && p->forged.leaf != NULL && p->forged.trusted;
        expect(t, both, "%s: no pair of certificates (CONNECT %d, %s)", host, p->forged.connect,
               p->forged.trusted ? "trusted" : "not trusted");
    }
    return both;
}

static void pair_deinit(struct pair *p)
{
    answer_deinit(&p->origin);
    answer_deinit(&p->forged);
}

/* The host of a case of the lab. */
static void host_of(const struct stand *s, struct mw_span name, char host[256])
{
    size_t i;
    json_t *one;

    snprintf(host, 256, "%.*s.lab.test", (int)name.len, (const char *)name.data);
    json_array_foreach(s->cases, i, one) {
        const char *its = json_string_value(json_object_get(one, "name"));
        const char *at = json_string_value(json_object_get(one, "host"));

        if (its != NULL && at != NULL && span_eq(name, span_str(its)))
            snprintf(host, 256, "%s", at);
    }
}

/* For each of these cases of the lab. */
static void each_pair(struct trial *t, const char *names,
                      void (*look)(struct trial *, const char *, const struct pair *))
{
    struct mw_span rest = span_str(names), name;

    while (span_field(&rest, ' ', &name)) {
        char host[256];
        struct pair p;

        host_of(t->stand, name, host);
        if (pair_make(t, host, &p))
            look(t, host, &p);
        pair_deinit(&p);
    }
}

static int64_t seconds_of(const ASN1_TIME *at)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int64_t all = -1;

    if (epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, at) == 1)
        all = (int64_t)days * STAND_DAY_S + seconds;
    ASN1_TIME_free(epoch);
    return all;
}

/* ------------------------------------------------------------------- the points ---- */

static bool is_bad(const json_t *one, const char **host, uint16_t *port)
{
    const json_t *number = json_object_get(one, "port");
    const char *verdict = json_string_value(record_member(one, "expect.verdict"));
    const char *group = json_string_value(json_object_get(one, "group"));

    *host = json_string_value(json_object_get(one, "host"));
    *port = (uint16_t)json_integer_value(number);
    return *host != NULL && verdict != NULL && group != NULL && *port != 0 &&
           strcmp(verdict, "untrusted") == 0 && strstr(*host, ".lab.test") != NULL &&
           json_array_size(json_object_get(one, "options")) == 0;
}

static void no_trusted_leaf(struct trial *t)
{
    unsigned n = 0;
    size_t i;
    json_t *one;

    json_array_foreach(t->stand->cases, i, one) {
        const char *host;
        uint16_t port;

        if (!is_bad(one, &host, &port))
            continue;
        expect_refused(t, host, port);
        n++;
    }
    expect(t, n >= 40, "only %u cases of the lab were tried", n);
    expect_cases_refused(t, "alert-40 reset fin garbage plain-http corrupt cert-flood");
    note(t, "%u servers that nobody should trust, 7 that break off: no trusted leaf for any", n);
}

static void version_is_true(struct trial *t)
{
    const struct {
        const char *host;
        int version;
    } tries[] = { { "tls-1-2.lab.test", TLS1_2_VERSION }, { "tls-1-3.lab.test", TLS1_3_VERSION } };

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        const struct call c = { .host = tries[i].host, .port = t->stand->lab_port };
        struct answer a;

        if (trial_call(t, &t->stand->gate, &c, &a)) {
            expect(t, a.greeted, "%s is not reached", tries[i].host);
            expect(t, a.version <= tries[i].version,
                   "%s speaks TLS 1.2, its client is shown TLS 1.3", tries[i].host);
        }
        answer_deinit(&a);
    }
    note(t, "a server of TLS 1.2 is shown as one, a client of TLS 1.3 notwithstanding");
}

static void look_validity(struct trial *t, const char *host, const struct pair *p)
{
    int64_t from = seconds_of(X509_get0_notBefore(p->forged.leaf));
    int64_t to = seconds_of(X509_get0_notAfter(p->forged.leaf));

    expect(t, from >= seconds_of(X509_get0_notBefore(p->origin.leaf)) &&
                  to <= seconds_of(X509_get0_notAfter(p->origin.leaf)),
           "%s: the leaf is valid when the server's is not", host);
    expect(t, to - from <= t->stand->config->ca.leaf_s + BACKDATE_S + SLACK_S,
           "%s: the leaf is valid for longer than configured", host);
}

static void validity(struct trial *t)
{
    each_pair(t, "good lifetime-900-days lifetime-6-days expires-soon", look_validity);
    note(t, "good, lifetime-900-days, lifetime-6-days, expires-soon: within the server's and %lld "
            "hours",
         (long long)(t->stand->config->ca.leaf_s / 3600));
}

static bool same_names(X509 *a, X509 *b)
{
    int i = X509_get_ext_by_NID(a, NID_subject_alt_name, -1);
    int k = X509_get_ext_by_NID(b, NID_subject_alt_name, -1);

    return i >= 0 && k >= 0 &&
           ASN1_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a, i)),
                           X509_EXTENSION_get_data(X509_get_ext(b, k))) == 0;
}

static void look_names(struct trial *t, const char *host, const struct pair *p)
{
    expect(t, same_names(p->origin.leaf, p->forged.leaf),
           "%s: the leaf's names are not the server's", host);
}

static void names(struct trial *t)
{
    each_pair(t, "good wildcard sans-1000 no-subject no-common-name", look_names);
    note(t, "good, wildcard, sans-1000, no-subject, no-common-name: the server's, byte for byte");
}

static void look_digest(struct trial *t, const char *host, const struct pair *p)
{
    for (int i = 0; i < sk_X509_num(p->forged.chain); i++) {
        int digest = 0, strength = 0;

        expect(t, X509_get_signature_info(sk_X509_value(p->forged.chain, i), &digest, NULL,
                                          &strength, NULL) == 1 &&
                      (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512),
               "%s: certificate %d is signed with %s", host, i, OBJ_nid2sn(digest));
    }
}

static void digest(struct trial *t)
{
    static const char *const bad[] = { "md5.lab.test", "sha1.lab.test" };

    each_pair(t, "good sha384", look_digest);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct call c = { .host = bad[i], .port = t->stand->lab_port };
        struct pair p = { 0 };

        if (trial_call(t, &t->stand->gate, &c, &p.forged))
            look_digest(t, bad[i], &p);
        pair_deinit(&p);
    }
    note(t, "SHA-256 or better on every certificate shown, for servers signed with SHA-384, "
            "SHA-1 and MD5 too");
}

static void look_key(struct trial *t, const char *host, const struct pair *p)
{
    EVP_PKEY *leaf = X509_get0_pubkey(p->forged.leaf);

    expect(t, sk_X509_num(p->forged.chain) >= 2, "%s: no intermediate is shown", host);
    for (int i = 1; i < sk_X509_num(p->forged.chain); i++)
        expect(t, EVP_PKEY_eq(leaf, X509_get0_pubkey(sk_X509_value(p->forged.chain, i))) != 1,
               "%s: the leaf's key is a CA's", host);
    expect(t, EVP_PKEY_eq(leaf, X509_get0_pubkey(t->stand->gate.root)) != 1,
           "%s: the leaf's key is the root's", host);
    expect(t, EVP_PKEY_eq(leaf, X509_get0_pubkey(p->origin.leaf)) != 1,
           "%s: the leaf's key is the server's", host);
}

static void keys(struct trial *t)
{
    each_pair(t, "good p384 rsa2048", look_key);
    note(t, "the leaf's key is neither the root's nor the intermediate's nor the server's");
}

static void look_fields(struct trial *t, const char *host, const struct pair *p)
{
    X509 *leaf = p->forged.leaf, *issuer = sk_X509_value(p->forged.chain, 1);
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(leaf);
    const ASN1_OCTET_STRING *of_ca = issuer != NULL ? X509_get0_subject_key_id(issuer) : NULL;

    expect(t, X509_check_ca(leaf) == 0, "%s: the leaf may be a CA", host);
    expect(t, X509_get_version(leaf) == 2, "%s: the leaf is no version 3", host);
    expect(t, aki != NULL && of_ca != NULL && ASN1_OCTET_STRING_cmp(aki, of_ca) == 0,
           "%s: the leaf's AKI is not the CA's SKI", host);
    expect(t, ski != NULL && of_ca != NULL && ASN1_OCTET_STRING_cmp(ski, of_ca) != 0,
           "%s: the leaf's SKI is the CA's", host);
}

static void fields(struct trial *t)
{
    each_pair(t, "good wildcard rsa2048", look_fields);
    note(t, "cA=FALSE, AKI is the intermediate's SKI byte for byte, the leaf's own SKI differs");
}

static void look_span(struct trial *t, const char *host, const struct pair *p)
{
    int64_t all = seconds_of(X509_get0_notAfter(p->forged.leaf)) -
                  seconds_of(X509_get0_notBefore(p->forged.leaf));

    expect(t, all > 0 && all < LONGEST_S, "%s: the leaf is valid for %lld days", host,
           (long long)(all / STAND_DAY_S));
}

/* Also with the longest that can be configured; more is refused as configuration. */
static void total_validity(struct trial *t)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    int r;

    each_pair(t, "good lifetime-900-days", look_span);
    r = gate_bundle_read(&b, NULL, "ca { leaf-lifetime = 200d; }", &error);
    if (r == 0)
        r = gate_config_load(&c, b, &error);
    expect(t, r != 0, "a lifetime of 200 days can be configured");
    gate_config_unref(c);
    gate_bundle_free(b);
    note(t, "below 200 days with what is backdated, for a server of 900 days too; 200 cannot be "
            "configured");
}

static const struct point points[] = {
    { 30, "no server that fails gets a trusted leaf", no_trusted_leaf },
    { 31, "clients see no higher TLS version than the server's", version_is_true },
    { 32, "a leaf is valid within the server's and the configured time", validity },
    { 33, "a leaf's names are never wider than the server's", names },
    { 34, "leaves are signed with SHA-256 or better", digest },
    { 35, "a leaf's key is not a CA's", keys },
    { 36, "cA=FALSE, and AKI is the CA's SKI", fields },
    { 37, "a leaf is valid for less than 200 days in all", total_validity },
};

const struct point_table points_truth = { points, ARRAY_LEN(points) };
