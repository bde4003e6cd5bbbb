#include "gate/worker/judge_policy.h"

#include <errno.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "trust/cert.h"
#include "trust/pem.h"
#include "trust/policy.h"
#include "trust/x509_memo.h"

enum { PEM_TEXT_BYTES = 64 << 20, NAME_BYTES = 8192 };

/* What judge_policy_new() finds wrong: > 0. */
enum { POLICY_BAD = 1 };

static void judge_policy_free(struct judge_policy *p)
{
    mw_policy_free(p->anchors);
    mw_policy_free(p->own);
    for (size_t i = 0; i < p->n_own; i++) {
        free(p->own_subjects[i]);
        free(p->own_keys[i]);
    }
    free(p);
}

static void judge_policy_freep(struct judge_policy **at)
{
    if (*at != NULL)
        judge_policy_free(*at);
}

struct judge_policy *judge_policy_ref(struct judge_policy *p)
{
    p->references++;
    return p;
}

void judge_policy_unref(struct judge_policy *p)
{
    if (p != NULL && --p->references == 0)
        judge_policy_free(p);
}

static void cert_freep(struct cert **at)
{
    cert_free(*at);
}

static int said(const struct mw_policy *p, int rc, struct buf *error)
{
    if (rc <= 0)
        return rc;
    buf_str(error, mw_policy_error(p));
    return POLICY_BAD;
}

/* ---- the gate's own CA ---- */

static int own_name_add(struct judge_policy *p, const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf subject = BUF_INIT(NAME_BYTES), key = BUF_INIT(128);
    char *s, *k;

    name_format(&subject, c->subject);
    cert_spki_pin(c, &key);
    s = buf_steal(&subject);
    k = buf_steal(&key);
    if (s == NULL || k == NULL) {
        free(s);
        free(k);
        return -ENOMEM;
    }
    p->own_subjects[p->n_own] = s;
    p->own_keys[p->n_own++] = k;
    return 0;
}

static int own_names_read(struct judge_policy *p, struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(MW_MAX_CERT_BYTES);
    struct pem pem = { .rest = text };
    int rc = 0;

    while (rc == 0 && p->n_own < JUDGE_POLICY_MAX_OWN &&
           pem_next(&pem, "CERTIFICATE", &der) == PEM_BLOCK) {
        CLEANUP(cert_freep) struct cert *c = NULL;

        rc = cert_parse(&c, buf_span(&der));
        if (rc == 0)
            rc = own_name_add(p, c);
    }
    return rc;
}

static int own_load(struct judge_policy *p, const struct gate_bundle *bundle, struct buf *error)
{
    struct mw_span text;
    int rc;

    if (!gate_bundle_file(bundle, GATE_FILE_OWN_CA, &text) || text.len == 0)
        return 0;
    rc = mw_policy_new(&p->own);
    if (rc == 0)
        rc = said(p->own,
                  mw_policy_add_anchors(p->own, MW_ANCHOR_LOCAL, text, "the gate's own CA", NULL),
                  error);
    return rc == 0 ? own_names_read(p, text) : rc;
}

/* By key: a root that was renewed, or signed by another, is still ours. */
static bool is_own(const struct judge_policy *p, const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);

    cert_spki_pin(c, &key);
    for (size_t i = 0; i < p->n_own && key.data != NULL; i++)
        if (strcmp((const char *)key.data, p->own_keys[i]) == 0)
            return true;
    return false;
}

/* ---- anchors ---- */

static void pem_write(struct buf *out, struct mw_span der)
{
    buf_str(out, "-----BEGIN CERTIFICATE-----\n");
    text_base64(out, der);
    buf_str(out, "\n-----END CERTIFICATE-----\n");
}

/* The text's certificates but our own.  *left_out: how many those were. */
static int without_own(const struct judge_policy *p, struct mw_span text, struct buf *out,
                       size_t *left_out)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(MW_MAX_CERT_BYTES);
    struct pem pem = { .rest = text };

    *left_out = 0;
    while (p->n_own > 0 && pem_next(&pem, "CERTIFICATE", &der) == PEM_BLOCK) {
        CLEANUP(cert_freep) struct cert *c = NULL;
        int rc = cert_parse(&c, buf_span(&der));

        if (rc == -ENOMEM)
            return rc;
        if (rc == 0 && is_own(p, c))
            (*left_out)++;
        else
            pem_write(out, buf_span(&der));
    }
    return buf_error(out);
}

/* as MW_ANCHOR_NONE: a system's bundle. */
static int anchors_add(struct judge_policy *p, enum mw_anchor_class as, struct mw_span text,
                       const char *from, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf rest = BUF_INIT(PEM_TEXT_BYTES);
    size_t left_out;
    int rc = without_own(p, text, &rest, &left_out);

    if (rc != 0)
        return rc;
    if (left_out > 0 && rest.len == 0) {
        buf_printf(error, "%s: holds nothing but this gate's own CA, which is never trusted for "
                          "servers; name the roots that are to be trusted for them", from);
        return POLICY_BAD;
    }
    /* As it stands, if it can be: its lines are then those of the messages. */
    if (left_out > 0)
        text = buf_span(&rest);
    rc = as == MW_ANCHOR_NONE ? mw_policy_add_system(p->anchors, text, from, NULL)
                              : mw_policy_add_anchors(p->anchors, as, text, from, NULL);
    return said(p->anchors, rc, error);
}

static int file_find(const struct gate_bundle *bundle, const char *setting, const char *path,
                     struct mw_span *text, struct buf *error)
{
    if (gate_bundle_file(bundle, path, text))
        return 0;
    buf_printf(error, "upstream.%s %s: was not read with the configuration; reload it", setting,
               path);
    return POLICY_BAD;
}

static int public_roots_load(struct judge_policy *p, const struct gate_config *config,
                             const struct gate_bundle *bundle, struct buf *error)
{
    const char *roots = config->upstream.roots, *local = config->upstream.local_roots;
    struct mw_span text = { 0 };
    int rc;

    if (roots != NULL) {
        rc = file_find(bundle, "roots", roots, &text, error);
        if (rc == 0)
            rc = anchors_add(p, MW_ANCHOR_PUBLIC, text, roots, error);
    } else if (gate_bundle_file(bundle, GATE_FILE_SYSTEM_ROOTS, &text) && text.len > 0) {
        rc = anchors_add(p, MW_ANCHOR_NONE, text, "the system's roots", error);
    } else {
        buf_str(error, "this computer has no list of root certificates in any of the usual "
                       "places; install ca-certificates, or name a file with upstream.roots");
        rc = POLICY_BAD;
    }
    if (rc != 0 || local == NULL)
        return rc;
    rc = file_find(bundle, "local_roots", local, &text, error);
    return rc == 0 ? anchors_add(p, MW_ANCHOR_LOCAL, text, local, error) : rc;
}

static int logs_load(struct judge_policy *p, const struct gate_config *config,
                     const struct gate_bundle *bundle, struct buf *error)
{
    const char *path = config->upstream.ct_logs;
    struct mw_span text;
    int rc;

    if (path == NULL)
        return 0;
    rc = file_find(bundle, "ct_logs", path, &text, error);
    if (rc != 0)
        return rc;
    rc = mw_policy_set_ct_logs(p->anchors, text);
    if (rc > 0)
        buf_printf(error, "upstream.ct_logs %s: ", path);
    return said(p->anchors, rc, error);
}

int judge_policy_new(struct judge_policy **out, const struct gate_config *config,
                     const struct gate_bundle *bundle, struct buf *error)
{
    CLEANUP(judge_policy_freep) struct judge_policy *p = calloc(1, sizeof *p);
    int rc;

    if (p == NULL)
        return -ENOMEM;
    p->references = 1;
    p->fetch = config->upstream.fetch;
    p->private_destinations = config->upstream.private_destinations;
    memcpy(p->name, config->sha256, sizeof p->name);
    rc = mw_policy_new(&p->anchors);
    if (rc == 0)
        rc = own_load(p, bundle, error);
    if (rc == 0)
        rc = public_roots_load(p, config, bundle, error);
    if (rc == 0)
        rc = logs_load(p, config, bundle, error);
    if (rc != 0)
        return rc;
    *out = own_steal(&p);
    return 0;
}

/* ---- judging ---- */

static bool shows_own(const struct judge_policy *p, const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_chain; i++)
        for (size_t k = 0; k < p->n_own; k++)
            if (strcmp(v->chain[i].spki, p->own_keys[k]) == 0 ||
                strcmp(v->chain[i].issuer, p->own_subjects[k]) == 0)
                return true;
    return false;
}

/* What leads nowhere is ours by the names and keys on it; what leads to somebody's local anchor, if
 * it also leads to our root.  What is anchored in the public set is neither. */
static int own_look(const struct judge_policy *p, const struct mw_evidence *ev,
                    const struct mw_verdict *v, bool *own_ca)
{
    struct mw_verdict *other;
    int rc;

    *own_ca = false;
    if (p->own == NULL || v->anchor == MW_ANCHOR_PUBLIC)
        return 0;
    if (v->anchor == MW_ANCHOR_NONE) {
        *own_ca = shows_own(p, v);
        return 0;
    }
    rc = mw_judge(p->own, ev, &other);
    if (rc != 0)
        return rc;
    *own_ca = other->anchor != MW_ANCHOR_NONE;
    mw_verdict_free(other);
    return 0;
}

int judge_policy_judge(const struct judge_policy *p, const struct mw_evidence *ev,
                       struct mw_verdict **out, bool *own_ca)
{
    struct mw_verdict *v;
    int rc = mw_judge(p->anchors, ev, &v);

    if (rc != 0)
        return rc > 0 ? -EINVAL : rc;
    rc = own_look(p, ev, v, own_ca);
    if (rc != 0) {
        mw_verdict_free(v);
        return rc;
    }
    *out = v;
    return 0;
}

void judge_policy_seen(const struct judge_policy *p, struct mw_span der, X509 *x509)
{
    uint8_t key[X509_MEMO_KEY];
    unsigned char *again = NULL;
    int len = i2d_X509(x509, &again);

    if (len > 0 && span_eq(span_of(again, (size_t)len), der)) {
        (void)X509_check_purpose(x509, -1, 0);  /* its lazy part now, as cert_parse() does */
        SHA256(der.data, der.len, key);
        x509_memo_keep(p->anchors->memo, key, der.len, x509);
    }
    OPENSSL_free(again);
}
