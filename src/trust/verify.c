/*
 * OpenSSL's opinion of exactly one path.  It is given no choice of issuers, and neither
 * signatures nor dates to check again: the search has verified each signature once, and lint
 * compares the dates.  What remains is its reading of the extensions, its strength levels, its
 * name constraints and its policies, which are independent of ours.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "trust/lint.h"

enum { AUTH_LEVEL_112_BITS = 2 };

static void own_store(X509_STORE **at)
{
    X509_STORE_free(*at);
}

static void own_store_ctx(X509_STORE_CTX **at)
{
    X509_STORE_CTX_free(*at);
}

static void own_stack(STACK_OF(X509) **at)
{
    sk_X509_free(*at);
}

/* The next certificate of the path is the issuer, and no other. */
static int is_issued(X509_STORE_CTX *ctx, X509 *subject, X509 *issuer)
{
    const struct lint *l = X509_STORE_CTX_get_app_data(ctx);

    if (subject == issuer) {
        size_t last = l->path->n - 1;

        return cert_whole(l->path->certs[last]) == subject && l->path->certs[last]->self_issued;
    }
    for (size_t i = 0; i + 1 < l->path->n; i++)
        if (cert_whole(l->path->certs[i]) == subject)
            return cert_whole(l->path->certs[i + 1]) == issuer;
    return 0;
}

static int signatures_done(X509_STORE_CTX *ctx)
{
    (void)ctx;
    return 1;
}

static enum mw_code code_of(int error)
{
    switch (error) {
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
    case X509_V_ERR_INVALID_NON_CA:
        return MW_NOT_A_CA;
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA:
    case X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN:
        return MW_PATH_LENGTH;
    case X509_V_ERR_INVALID_PURPOSE:
        return MW_WRONG_PURPOSE;
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA:
    case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
        return MW_KEY_USAGE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return MW_WEAK_KEY;
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return MW_WEAK_SIGNATURE;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
        return MW_NAME_CONSTRAINT;
    case X509_V_ERR_INVALID_POLICY_EXTENSION:
    case X509_V_ERR_NO_EXPLICIT_POLICY:
        return MW_POLICY_CONSTRAINT;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return MW_CRITICAL_EXTENSION;
    case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
    case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
    case X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL:
    case X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL:
        return MW_KEY_IDENTIFIER;
    case X509_V_ERR_ISSUER_NAME_EMPTY:
    case X509_V_ERR_SUBJECT_NAME_EMPTY:
        return MW_BAD_SUBJECT;
    case X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY:
    case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
    case X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM:
        return MW_CERT_MALFORMED;
    case X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3:
        return MW_CERT_VERSION;
    case X509_V_ERR_UNSPECIFIED:
        return MW_CHAIN_TOO_COMPLEX;
    default:
        return MW_EXTENSION_RULE;
    }
}

/* Errors of form, which only its strict mode reports, and about anchors that were vetted. */
static bool is_settled(const struct lint *l, int error, size_t depth)
{
    if (lint_is_anchor(l, depth) && l->anchor_vetted)
        return true;
    /* RFC 5280 asks key usage of certificates that authorities issue, not of what is trusted. */
    if (lint_is_anchor(l, depth) && error == X509_V_ERR_CA_CERT_MISSING_KEY_USAGE)
        return true;
    /* Lint judges the use of a CA's certificate as a leaf by itself. */
    return depth == 0 && error == X509_V_ERR_INVALID_NON_CA;
}

static int on_error(int ok, X509_STORE_CTX *ctx)
{
    struct lint *l = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    int depth = X509_STORE_CTX_get_error_depth(ctx);
    size_t at = depth >= 0 && (size_t)depth < l->path->n ? (size_t)depth : LINT_NO_CERT;
    enum mw_code code = code_of(error);

    if (error == X509_V_ERR_OUT_OF_MEM) {
        l->j->error = -ENOMEM;
        return 0;
    }
    if (ok == 1 || is_settled(l, error, at))
        return 1;
    /* Said once is enough: ours is the better worded. */
    if (l->list == NULL ? l->errors == 0 : !lint_has(l, code))
        lint_error(l, code, at, "OpenSSL: %s", X509_verify_cert_error_string(error));
    return 1;
}

static bool has_policy_rules(const struct path *path)
{
    for (size_t i = 1; i < path->n; i++)
        if (X509_get_ext_by_NID(path->certs[i]->x509, NID_policy_constraints, -1) >= 0 ||
            X509_get_ext_by_NID(path->certs[i]->x509, NID_inhibit_any_policy, -1) >= 0 ||
            X509_get_ext_by_NID(path->certs[i]->x509, NID_policy_mappings, -1) >= 0)
            return true;
    return false;
}

static bool context_set(X509_STORE_CTX *ctx, struct lint *l)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    bool client = l->j->policy->purpose == MW_CLIENT_AUTH;
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME;

    if (l->strict)
        flags |= X509_V_FLAG_X509_STRICT;
    if (has_policy_rules(l->path))
        flags |= X509_V_FLAG_POLICY_CHECK;
    if (X509_STORE_CTX_set_app_data(ctx, l) != 1)
        return false;
    X509_STORE_CTX_set_verify_cb(ctx, on_error);
    X509_VERIFY_PARAM_set_depth(param, MW_MAX_DEPTH + 1);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL_112_BITS);
    return X509_VERIFY_PARAM_set_flags(param, flags) == 1 &&
           X509_STORE_CTX_set_purpose(ctx, client ? X509_PURPOSE_SSL_CLIENT
                                                  : X509_PURPOSE_SSL_SERVER) == 1;
}

/* The path, the anchor apart.  false: one of them is none that OpenSSL can read. */
static bool path_stack(const struct path *path, STACK_OF(X509) *between, STACK_OF(X509) *trusted)
{
    for (size_t i = 0; i < path->n; i++) {
        X509 *x509 = cert_whole(path->certs[i]);
        bool last = i + 1 == path->n;

        if (x509 == NULL || ((i > 0 || last) && sk_X509_push(last ? trusted : between, x509) <= 0))
            return false;
    }
    return true;
}

void lint_openssl(struct lint *l)
{
    CLEANUP(own_store) X509_STORE *store = X509_STORE_new();
    CLEANUP(own_store_ctx) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    CLEANUP(own_stack) STACK_OF(X509) *between = sk_X509_new_null();
    CLEANUP(own_stack) STACK_OF(X509) *trusted = sk_X509_new_null();

    if (store == NULL || ctx == NULL || between == NULL || trusted == NULL ||
        !path_stack(l->path, between, trusted)) {
        l->j->error = -ENOMEM;
        return;
    }
    X509_STORE_set_check_issued(store, is_issued);
    X509_STORE_set_verify(store, signatures_done);
    ERR_set_mark();
    if (X509_STORE_CTX_init(ctx, store, cert_whole(l->path->certs[0]), between) != 1 ||
        !context_set(ctx, l)) {
        l->j->error = -ENOMEM;
    } else {
        X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
        if (X509_verify_cert(ctx) != 1 && l->errors == 0)
            lint_error(l, code_of(X509_STORE_CTX_get_error(ctx)), LINT_NO_CERT, "OpenSSL: %s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }
    ERR_pop_to_mark();
}
