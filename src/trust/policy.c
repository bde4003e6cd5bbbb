#include "trust/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "trust/catalogue.h"
#include "trust/ct_logs.h"
#include "trust/pem.h"
#include "trust/x509_memo.h"

enum { MAX_ANCHORS = 20000, MAX_POLICY_BYTES = 64 << 20, DEFAULT_CLOCK_TOLERANCE_S = 300 };

int policy_fail(struct mw_policy *p, int code, const char *format, ...)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(sizeof p->error - 1);
    va_list args;

    va_start(args, format);
    buf_vprintf(&raw, format, args);
    va_end(args);
    text_safe(&safe, buf_span(&raw), sizeof p->error - 8);
    snprintf(p->error, sizeof p->error, "%s", safe.data != NULL ? (const char *)safe.data : "");
    return code;
}

const char *mw_policy_error(const struct mw_policy *p)
{
    return p->error;
}

static void policy_freep(struct mw_policy **at)
{
    mw_policy_free(*at);
}

/* A library context without any algorithm: "null" is the provider that has none, and stops
 * OpenSSL from loading the default one. */
static int bare_context_make(struct mw_policy *p)
{
    p->bare = OSSL_LIB_CTX_new();
    if (p->bare != NULL)
        p->bare_provider = OSSL_PROVIDER_load(p->bare, "null");
    return p->bare_provider != NULL ? 0 : -ENOMEM;
}

int mw_policy_new(struct mw_policy **out)
{
    CLEANUP(policy_freep) struct mw_policy *p = calloc(1, sizeof *p);
    int error;

    if (p == NULL)
        return -ENOMEM;
    p->arena.max_bytes = MAX_POLICY_BYTES;
    p->purpose = MW_SERVER_AUTH;
    p->max_intermediates = -1;
    p->clock_tolerance_s = DEFAULT_CLOCK_TOLERANCE_S;
    p->memo = x509_memo_new();
    error = p->memo != NULL ? bare_context_make(p) : -ENOMEM;
    if (error == 0)
        error = roots_load(&p->roots, &p->arena);
    if (error == 0)
        error = catalogue_builtin(&p->catalogue);
    if (error != 0)
        return error;
    *out = own_steal(&p);
    return 0;
}

void mw_policy_free(struct mw_policy *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n_anchors; i++)
        cert_free(p->anchors[i].cert);
    free(p->anchors);
    catalogue_free(p->catalogue);
    ct_logs_free(p->ct_logs);
    free(p->pins);
    free(p->decisions);
    x509_memo_free(p->memo);
    if (p->bare_provider != NULL)
        OSSL_PROVIDER_unload(p->bare_provider);
    OSSL_LIB_CTX_free(p->bare);
    arena_deinit(&p->arena);
    free(p);
}

/* Takes the certificate over when it returns 0. */
static int anchor_push(struct mw_policy *p, struct anchor a)
{
    if (p->n_anchors == MAX_ANCHORS)
        return policy_fail(p, MW_E_TOO_MANY, "%s: more than %d trusted certificates; remove some",
                           a.from, MAX_ANCHORS);
    if (p->n_anchors == p->anchors_room) {
        size_t room = p->anchors_room == 0 ? 256 : p->anchors_room * 2;
        struct anchor *grown = realloc(p->anchors, room * sizeof *grown);

        if (grown == NULL)
            return policy_fail(p, -ENOMEM, "%s: out of memory", a.from);
        p->anchors = grown;
        p->anchors_room = room;
    }
    p->anchors[p->n_anchors++] = a;
    return 0;
}

static void anchors_drop(struct mw_policy *p, size_t keep)
{
    while (p->n_anchors > keep)
        cert_free(p->anchors[--p->n_anchors].cert);
}

/* By subject, then by certificate, then public before local. */
static int anchor_cmp(const void *a, const void *b)
{
    const struct anchor *x = a, *y = b;
    int order = X509_NAME_cmp(X509_get_subject_name(x->cert->x509),
                              X509_get_subject_name(y->cert->x509));

    if (order == 0)
        order = memcmp(x->cert->sha256, y->cert->sha256, sizeof x->cert->sha256);
    return order != 0 ? order : (int)x->as - (int)y->as;
}

/* Sorts, and drops what was added twice: a root that is public stays public if somebody adds
 * it locally as well. */
static void anchors_sort(struct mw_policy *p)
{
    size_t n = 0;

    if (p->n_anchors == 0)
        return;
    qsort(p->anchors, p->n_anchors, sizeof *p->anchors, anchor_cmp);
    for (size_t i = 1; i < p->n_anchors; i++) {
        if (cert_same(p->anchors[n].cert, p->anchors[i].cert))
            cert_free(p->anchors[i].cert);
        else
            p->anchors[++n] = p->anchors[i];
    }
    p->n_anchors = n + 1;
}

/* as == MW_ANCHOR_NONE: a system's bundle, where the built-in list tells which are public. */
static int anchor_add(struct mw_policy *p, enum mw_anchor_class as, struct mw_span der,
                      const char *from, size_t line)
{
    struct cert *c = NULL;
    struct anchor a;
    int error = cert_parse_bare(&c, der, p->bare);

    if (error == -ENOMEM)
        return policy_fail(p, error, "%s: out of memory", from);
    /* One odd certificate must not take a whole system's trust away. */
    if (error != 0 && as == MW_ANCHOR_NONE)
        return 0;
    if (error != 0)
        return policy_fail(p, error, "%s:%zu: not an X.509 certificate in DER; export it again",
                           from, line);
    a = (struct anchor){ .cert = c, .as = as, .from = from };
    a.built_in = roots_find(&p->roots, c->sha256) != NULL;
    if (as == MW_ANCHOR_NONE)
        a.as = a.built_in ? MW_ANCHOR_PUBLIC : MW_ANCHOR_LOCAL;
    error = anchor_push(p, a);
    if (error != 0)
        cert_free(c);
    return error;
}

static int block_fail(struct mw_policy *p, const struct pem *pem, enum pem_result r,
                      const char *from)
{
    size_t line;
    const char *what = pem_error(pem, r, &line);

    if (r == PEM_NO_MEMORY)
        return policy_fail(p, -ENOMEM, "%s: %s", from, what);
    if (r == PEM_TOO_BIG)
        return policy_fail(p, MW_E_TOO_MANY, "%s:%zu: a certificate over %d bytes; remove it",
                           from, line, MW_MAX_CERT_BYTES);
    return policy_fail(p, MW_E_PEM, "%s:%zu: %s", from, line, what);
}

static int anchors_read(struct mw_policy *p, enum mw_anchor_class as, struct mw_span text,
                        const char *from)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(MW_MAX_CERT_BYTES);
    struct pem pem = { .rest = text };
    size_t before = p->n_anchors;
    enum pem_result r;
    int error = 0;

    while ((r = pem_next(&pem, "CERTIFICATE", &der)) == PEM_BLOCK && error == 0)
        error = anchor_add(p, as, buf_span(&der), from, pem.block_line);
    if (error == 0 && r != PEM_END)
        error = block_fail(p, &pem, r, from);
    if (error == 0 && p->n_anchors == before)
        error = policy_fail(p, MW_E_PEM, "%s: no certificate in it; a file with "
                            "\"-----BEGIN CERTIFICATE-----\" lines is wanted", from);
    return error;
}

/* All of the text, or none of it. */
static int anchors_add(struct mw_policy *p, enum mw_anchor_class as, struct mw_span pem,
                       const char *from, size_t *n_added)
{
    const char *name = arena_strdup(&p->arena, from != NULL ? from : "anchors");
    size_t before = p->n_anchors;
    int error;

    p->error[0] = '\0';
    if (name == NULL)
        return policy_fail(p, -ENOMEM, "out of memory");
    error = anchors_read(p, as, pem, name);
    if (error != 0) {
        anchors_drop(p, before);
        return error;
    }
    if (n_added != NULL)
        *n_added = p->n_anchors - before;
    anchors_sort(p);
    return 0;
}

int mw_policy_add_anchors(struct mw_policy *p, enum mw_anchor_class as, struct mw_span pem,
                          const char *from, size_t *n_added)
{
    if (as != MW_ANCHOR_PUBLIC && as != MW_ANCHOR_LOCAL)
        return policy_fail(p, -EINVAL, "anchors are public or local, nothing else");
    return anchors_add(p, as, pem, from, n_added);
}

int mw_policy_add_system(struct mw_policy *p, struct mw_span pem, const char *from,
                         size_t *n_added)
{
    return anchors_add(p, MW_ANCHOR_NONE, pem, from, n_added);
}

void mw_policy_set_purpose(struct mw_policy *p, enum mw_purpose purpose)
{
    p->purpose = purpose;
}

void mw_policy_set_max_intermediates(struct mw_policy *p, int most)
{
    p->max_intermediates = most < 0 ? -1 : most;
}

void mw_policy_set_clock_tolerance(struct mw_policy *p, int64_t seconds)
{
    p->clock_tolerance_s = seconds;
}

const struct anchor *policy_issuers(const struct mw_policy *p, const struct cert *c, size_t *n)
{
    const X509_NAME *wanted = X509_get_issuer_name(c->x509);
    size_t low = 0, high = p->n_anchors;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (X509_NAME_cmp(X509_get_subject_name(p->anchors[mid].cert->x509), wanted) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (high = low; high < p->n_anchors; high++)
        if (X509_NAME_cmp(X509_get_subject_name(p->anchors[high].cert->x509), wanted) != 0)
            break;
    *n = high - low;
    return *n > 0 ? &p->anchors[low] : NULL;
}

const struct anchor *policy_anchor(const struct mw_policy *p, const struct cert *c)
{
    struct anchor wanted = { .cert = (struct cert *)(uintptr_t)c, .as = MW_ANCHOR_PUBLIC };
    size_t low = 0, high = p->n_anchors;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (anchor_cmp(&p->anchors[mid], &wanted) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->n_anchors && cert_same(p->anchors[low].cert, c) ? &p->anchors[low] : NULL;
}
