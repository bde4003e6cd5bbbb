/*
 * What a judgement costs.
 *   ordinary     leaf, intermediate, root: mw_judge() from the bytes as received to the
 *                finished verdict, against X509_verify_cert() on the same chain and anchors,
 *                both with certificates already parsed and from the bytes
 *   adversarial  the chains that make verifiers slow, in milliseconds
 *
 * Processor time: nothing here waits, and what else the machine does must not decide.
 *
 * usage: bench_judge [ROUNDS]
 */
#include <midwatch/trust.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "lab/mill.h"

enum { LEVELS = 16, WIDTH = 6, CROWD = 100, MAX_SENT = 256 };

static const struct mw_wall issued = { 1790000000 }, now = { 1791000000 }, ends = { 1795000000 };

static void check(int error, const char *what)
{
    if (error != 0) {
        fprintf(stderr, "bench_judge: %s: error %d\n", what, error);
        exit(1);
    }
}

static struct mill_cert *issue(const char *subject, const char *names, bool ca, EVP_PKEY *key,
                               const struct mill_cert *issuer)
{
    struct mill_spec spec = {
        .subject = subject, .names = names, .ca = ca, .not_before = issued, .not_after = ends
    };
    struct mill_cert *c;

    check(mill_issue(&c, &spec, key, issuer), "minting");
    return c;
}

static EVP_PKEY *key_make(enum mill_key kind)
{
    EVP_PKEY *key;

    check(mill_key_new(&key, kind, true), "key");
    return key;
}

static struct mw_policy *policy_make(const struct mill_cert *root)
{
    struct mw_policy *p;
    struct buf pem = BUF_INIT(1 << 16);

    check(mw_policy_new(&p), "policy");
    if (root != NULL) {
        mill_cert_pem(root, &pem);
        check(mw_policy_add_anchors(p, MW_ANCHOR_PUBLIC, buf_span(&pem), "bench", NULL), "anchors");
    }
    buf_deinit(&pem);
    return p;
}

static double us_per(clock_t from, int rounds)
{
    return (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / rounds;
}

struct ordinary {
    struct mill_cert *root, *intermediate, *leaf;
    struct mw_policy *policy;
    X509_STORE *store;
};

static void ordinary_make(struct ordinary *o, enum mill_key kind)
{
    EVP_PKEY *keys[3] = { key_make(kind), key_make(kind), key_make(kind) };

    o->root = issue("CN=Bench Root,O=Bench", NULL, true, keys[0], NULL);
    o->intermediate = issue("CN=Bench Intermediate,O=Bench", NULL, true, keys[1], o->root);
    o->leaf = issue("CN=www.bench.test", "DNS:www.bench.test,DNS:bench.test", false, keys[2],
                    o->intermediate);
    o->policy = policy_make(o->root);
    o->store = X509_STORE_new();
    X509_STORE_add_cert(o->store, mill_cert_x509(o->root));
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

static void ordinary_free(struct ordinary *o)
{
    X509_STORE_free(o->store);
    mw_policy_free(o->policy);
    mill_cert_free(o->leaf);
    mill_cert_free(o->intermediate);
    mill_cert_free(o->root);
}

static void verify_bare(X509_STORE *store, X509 *leaf, X509 *intermediate)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *sent = sk_X509_new_null();

    sk_X509_push(sent, intermediate);
    X509_STORE_CTX_init(ctx, store, leaf, sent);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), now.s);
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), "www.bench.test", 0);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    if (X509_verify_cert(ctx) != 1)
        check(X509_STORE_CTX_get_error(ctx), "X509_verify_cert");
    X509_STORE_CTX_free(ctx);
    sk_X509_free(sent);
}

static X509 *parse(const struct mill_cert *c)
{
    struct mw_span der = mill_cert_der(c);
    const unsigned char *at = der.data;

    return d2i_X509(NULL, &at, (long)der.len);
}

static double bare_parsed_us(const struct ordinary *o, int rounds)
{
    clock_t from = clock();

    for (int i = 0; i < rounds; i++)
        verify_bare(o->store, mill_cert_x509(o->leaf), mill_cert_x509(o->intermediate));
    return us_per(from, rounds);
}

static double bare_from_bytes_us(const struct ordinary *o, int rounds)
{
    clock_t from = clock();

    for (int i = 0; i < rounds; i++) {
        X509 *leaf = parse(o->leaf), *intermediate = parse(o->intermediate);

        verify_bare(o->store, leaf, intermediate);
        X509_free(leaf);
        X509_free(intermediate);
    }
    return us_per(from, rounds);
}

static double judge_us(const struct ordinary *o, int rounds)
{
    const struct mw_span sent[] = { mill_cert_der(o->leaf), mill_cert_der(o->intermediate) };
    const struct mw_evidence ev = {
        .host = "www.bench.test", .port = 443, .now = now, .sent = sent, .n_sent = 2
    };
    clock_t from = clock();

    for (int i = 0; i < rounds; i++) {
        struct mw_verdict *v;

        check(mw_judge(o->policy, &ev, &v), "mw_judge");
        if (v->outcome != MW_PRIVATE)
            check(1, mw_code_info(v->findings[0].code)->code);
        mw_verdict_free(v);
    }
    return us_per(from, rounds);
}

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

/* The least of several turns each, taken in turns so that a busy moment hits all alike. */
static void ordinary_print(const char *name, enum mill_key kind, int rounds)
{
    struct ordinary o;
    double parsed = 0, bytes = 0, judged = 0;

    ordinary_make(&o, kind);
    for (int turn = 0; turn < 7; turn++) {
        parsed = least(parsed, bare_parsed_us(&o, rounds));
        bytes = least(bytes, bare_from_bytes_us(&o, rounds));
        judged = least(judged, judge_us(&o, rounds));
    }
    printf("judge ordinary %-8s %7.1f us   X509_verify_cert from bytes %7.1f us  ratio %.2f"
           "   parsed before %7.1f us  ratio %.2f\n",
           name, judged, bytes, judged / bytes, parsed, judged / parsed);
    ordinary_free(&o);
}

struct crowd {
    struct mill_cert *certs[MAX_SENT];
    struct mw_span sent[MAX_SENT];
    size_t n;
};

static void crowd_add(struct crowd *c, struct mill_cert *cert)
{
    c->certs[c->n] = cert;
    c->sent[c->n++] = mill_cert_der(cert);
}

static void crowd_print(const char *name, struct crowd *c, const struct mill_cert *root)
{
    const struct mw_evidence ev = {
        .host = "www.bench.test", .port = 443, .now = now, .sent = c->sent, .n_sent = c->n
    };
    struct mw_policy *policy = policy_make(root);
    double best = 0;

    for (int turn = 0; turn < 5; turn++) {
        clock_t from = clock();
        struct mw_verdict *v;

        check(mw_judge(policy, &ev, &v), "mw_judge");
        mw_verdict_free(v);
        best = least(best, us_per(from, 1));
    }
    printf("judge adversarial %-28s %3zu certificates %7.2f ms\n", name, c->n, best / 1000);
    mw_policy_free(policy);
    for (size_t i = 0; i < c->n; i++)
        mill_cert_free(c->certs[i]);
}

/* Each level has WIDTH keys of one name, and every key of a level signed every key of the one
 * below: WIDTH^LEVELS ways, none of which ends anywhere. */
static void lattice_print(void)
{
    static EVP_PKEY *keys[LEVELS + 1][WIDTH];
    struct crowd c = { .n = 0 };
    EVP_PKEY *leaf_key = key_make(MILL_P256);
    struct mill_cert *parents[LEVELS + 1][WIDTH];
    char subject[64];

    for (int level = LEVELS; level >= 0; level--)
        for (int i = 0; i < WIDTH; i++) {
            keys[level][i] = key_make(MILL_P256);
            snprintf(subject, sizeof subject, "CN=Level %d", level);
            parents[level][i] = issue(subject, NULL, true, keys[level][i],
                                      level == LEVELS ? NULL : parents[level + 1][0]);
        }
    crowd_add(&c, issue("CN=www.bench.test", "DNS:www.bench.test", false, leaf_key, parents[0][0]));
    for (int level = 0; level < LEVELS; level++)
        for (int i = 0; i < WIDTH; i++)
            for (int above = 0; above < WIDTH && c.n < MAX_SENT; above += WIDTH / 2) {
                snprintf(subject, sizeof subject, "CN=Level %d", level);
                crowd_add(&c,
                          issue(subject, NULL, true, keys[level][i], parents[level + 1][above]));
            }
    crowd_print("cross-signs at every level", &c, NULL);
    for (int level = 0; level <= LEVELS; level++)
        for (int i = 0; i < WIDTH; i++) {
            mill_cert_free(parents[level][i]);
            EVP_PKEY_free(keys[level][i]);
        }
    EVP_PKEY_free(leaf_key);
}

/* CROWD intermediates: in a row, or all of one name with different keys. */
static void row_print(const char *name, enum mill_key kind, bool one_name, bool one_key)
{
    EVP_PKEY *first = key_make(kind), *key;
    struct mill_cert *root = issue("CN=Bench Root", NULL, true, first, NULL), *above = root;
    struct crowd c = { .n = 1 };
    char subject[64];

    for (int i = 0; i < CROWD; i++) {
        snprintf(subject, sizeof subject, "CN=Row %d", one_name ? 0 : i);
        key = one_key ? first : key_make(kind);
        above = issue(subject, NULL, true, key, above);
        crowd_add(&c, above);
        if (!one_key)
            EVP_PKEY_free(key);
    }
    c.certs[0] = issue("CN=www.bench.test", "DNS:www.bench.test", false, first, above);
    c.sent[0] = mill_cert_der(c.certs[0]);
    crowd_print(name, &c, root);
    mill_cert_free(root);
    EVP_PKEY_free(first);
}

int main(int argc, char **argv)
{
    int64_t given = 300;
    int rounds;

    if (argc > 1 && text_number(span_str(argv[1]), 1, 1000000, &given) != 0) {
        fputs("usage: bench_judge [ROUNDS]\n", stderr);
        return 2;
    }
    rounds = (int)given;
    ordinary_print("P-256", MILL_P256, rounds);
    ordinary_print("RSA 2048", MILL_RSA2048, rounds);
    row_print("in a row", MILL_P256, false, false);
    row_print("in a row, one key", MILL_P256, false, true);
    row_print("one name, many keys", MILL_P256, true, false);
    row_print("one name, many P-384 keys", MILL_P384, true, false);
    row_print("one name, one key", MILL_P256, true, true);
    lattice_print();
    return 0;
}
