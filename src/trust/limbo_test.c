/*
 * x509-limbo (C2SP), all cases, through the installed API and nothing else.
 * A case that must fail and is accepted fails the test.  A case that must succeed and is
 * refused fails it too, unless it is on the list below, whose every entry is argued in
 * docs/conformance.md.
 *
 *     limbo_test [ID]     prints the counts; with an ID, everything about that case
 *
 * Exit: 0 well, 1 not, 77 the vectors are not there (MW_SHARED names their folder's parent).
 */
#include <jansson.h>
#include <midwatch/trust.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

/* Cases without a time of their own: their certificates are valid from 1970 to 2969. */
static const struct mw_wall ordinary_time = { 1700000000 };

/* Good chains that we refuse under a public anchor. */
static const char *const explained[] = {
    /* Its twin of the same shape must fail, so one of the two has to be wrong. */
    "rfc5280::ca-as-leaf",
    "rfc5280::eku::ee-without-eku",
    "pathlen::validation-ignores-pathlen-in-leaf",
    "webpki::nc::permitted-dns-match-noncritical",
    "cve::cve-2024-0567",
    /* The common name is none of the alternative names: webpki::cn::not-in-san must fail. */
    "rfc5280::nc::permitted-dns-match-more",
    "rfc5280::nc::permitted-ipv4-match",
    "rfc5280::nc::permitted-ipv6-match",
    "webpki::nc::nc-permits-dns-san-pattern",
    "webpki::san::exact-localhost-ip-san",
    "webpki::san::leftmost-wildcard-san",
};

enum { MAX_LIST = 128 };

/* DER blocks out of JSON strings of PEM; freed with the case. */
struct ders {
    struct mw_span items[MAX_LIST];
    size_t n;
};

static void ders_free(struct ders *d)
{
    for (size_t i = 0; i < d->n; i++)
        OPENSSL_free((void *)(uintptr_t)d->items[i].data);
}

static void ders_add(struct ders *d, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    char *name, *header;
    unsigned char *data;
    long len;

    while (d->n < MAX_LIST && PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
        OPENSSL_free(name);
        OPENSSL_free(header);
        d->items[d->n++] = (struct mw_span){ data, (size_t)len };
    }
    BIO_free(bio);
}

static void ders_add_all(struct ders *d, const json_t *list)
{
    size_t i;
    json_t *pem;

    json_array_foreach(list, i, pem) ders_add(d, json_string_value(pem));
}

static const char *text(const json_t *c, const char *key)
{
    return json_string_value(json_object_get(c, key));
}

static int policy_make(struct mw_policy **out, const json_t *c, enum mw_anchor_class as)
{
    const char *kind = text(c, "validation_kind");
    const json_t *depth = json_object_get(c, "max_chain_depth");
    size_t i;
    json_t *pem;
    int error = mw_policy_new(out);

    if (error != 0)
        return error;
    json_array_foreach(json_object_get(c, "trusted_certs"), i, pem)
    {
        const char *s = json_string_value(pem);

        error = mw_policy_add_anchors(*out, as,
                                      (struct mw_span){ (const uint8_t *)s, strlen(s) },
                                      "limbo", NULL);
        if (error != 0)
            fprintf(stderr, "  anchor: %s\n", mw_policy_error(*out));
    }
    mw_policy_set_purpose(*out, strcmp(kind, "CLIENT") == 0 ? MW_CLIENT_AUTH : MW_SERVER_AUTH);
    if (json_is_integer(depth))
        mw_policy_set_max_intermediates(*out, (int)json_integer_value(depth));
    return 0;
}

static struct mw_wall time_of(const json_t *c)
{
    const char *at = text(c, "validation_time");
    struct mw_wall t = ordinary_time;

    if (at != NULL && wall_parse(span_str(at), &t) != 0) {
        fprintf(stderr, "cannot read the time %s\n", at);
        exit(1);
    }
    return t;
}

static void findings_print(const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++)
        printf("    %-8s %-24s [%d] %s\n", mw_severity_name(v->findings[i].severity),
               mw_code_info(v->findings[i].code)->code, v->findings[i].cert,
               v->findings[i].evidence);
}

static bool has_error(const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity == MW_ERROR)
            return true;
    return false;
}

/* Accepted means: no error.  Below public anchors, the verdict is then private. */
static bool accepts(const json_t *c, enum mw_anchor_class as, bool verbose)
{
    const json_t *name = json_object_get(c, "expected_peer_name");
    const char *host = text(name, "value");
    struct ders sent = { 0 }, crls = { 0 };
    struct mw_policy *policy = NULL;
    struct mw_verdict *v = NULL;
    struct mw_evidence ev = { .host = host, .port = 443, .now = time_of(c) };
    bool accepted = false;
    int error;

    ders_add(&sent, text(c, "peer_certificate"));
    ders_add_all(&sent, json_object_get(c, "untrusted_intermediates"));
    ders_add_all(&crls, json_object_get(c, "crls"));
    ev.sent = sent.items;
    ev.n_sent = sent.n;
    ev.crls = crls.items;
    ev.n_crls = crls.n;
    ev.crls_authoritative = crls.n > 0;
    error = policy_make(&policy, c, as);
    if (error == 0)
        error = mw_judge(policy, &ev, &v);
    if (error == 0)
        accepted = !has_error(v) && (v->outcome == MW_PRIVATE || as == MW_ANCHOR_LOCAL);
    if (verbose && error == 0) {
        printf("    %s\n", mw_outcome_name(v->outcome));
        findings_print(v);
    } else if (verbose) {
        printf("    not judged: error %d\n", error);
    }
    mw_verdict_free(v);
    mw_policy_free(policy);
    ders_free(&sent);
    ders_free(&crls);
    return accepted;
}

static bool is_explained(const char *id)
{
    for (size_t i = 0; i < sizeof explained / sizeof explained[0]; i++)
        if (strcmp(explained[i], id) == 0)
            return true;
    return false;
}

static json_t *vectors_load(void)
{
    const char *shared = getenv("MW_SHARED");
    char path[4096];
    json_error_t error;

    snprintf(path, sizeof path, "%s/vectors/x509-limbo.json",
             shared != NULL ? shared : "../shared");
    return json_load_file(path, 0, &error);
}

struct count {
    int pass, bad_accepted, good_refused, unexplained;
};

static void case_run(const json_t *c, struct count *n)
{
    const char *id = text(c, "id");
    bool must_succeed = strcmp(text(c, "expected_result"), "SUCCESS") == 0;
    bool accepted = accepts(c, MW_ANCHOR_PUBLIC, false);

    if (is_explained(id) && !accepts(c, MW_ANCHOR_LOCAL, false)) {
        printf("refused under a local anchor too: %s\n", id);
        accepts(c, MW_ANCHOR_LOCAL, true);
        n->unexplained++;
    }

    if (accepted == must_succeed) {
        n->pass++;
    } else if (accepted) {
        n->bad_accepted++;
        printf("must fail, accepted: %s\n", id);
        accepts(c, MW_ANCHOR_PUBLIC, true);
    } else {
        n->good_refused++;
        n->unexplained += !is_explained(id);
        printf("must succeed, refused%s: %s\n", is_explained(id) ? " (explained)" : "", id);
        accepts(c, MW_ANCHOR_PUBLIC, true);
    }
}

int main(int argc, char **argv)
{
    json_t *root = vectors_load(), *c;
    struct count n = { 0 };
    size_t i;

    if (root == NULL) {
        puts("x509-limbo.json is not there: skipped");
        return 77;
    }
    json_array_foreach(json_object_get(root, "testcases"), i, c)
    {
        if (argc < 2)
            case_run(c, &n);
        else if (strcmp(argv[1], text(c, "id")) == 0)
            printf("%s: must be %s, %s\n", argv[1], text(c, "expected_result"),
                   accepts(c, MW_ANCHOR_PUBLIC, true) ? "accepted" : "refused");
    }
    json_decref(root);
    if (argc < 2)
        printf("%d right, %d bad accepted, %d good refused (%d unexplained)\n", n.pass,
               n.bad_accepted, n.good_refused, n.unexplained);
    return n.bad_accepted == 0 && n.unexplained == 0 && (argc > 1 || n.pass > 0) ? 0 : 1;
}
