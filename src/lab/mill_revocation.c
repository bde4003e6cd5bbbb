#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "lab/mill_cert.h"

static void own_crl(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

static void own_basic(OCSP_BASICRESP **basic)
{
    OCSP_BASICRESP_free(*basic);
}

static void own_time(ASN1_TIME **t)
{
    ASN1_TIME_free(*t);
}

/* ASN1_TIME_set() without the short form: OCSP and CRL entry times may be either, and OCSP
 * demands GeneralizedTime (RFC 6960 4.2.1). */
static ASN1_TIME *generalized(struct mw_wall t)
{
    return ASN1_GENERALIZEDTIME_set(NULL, (time_t)t.s);
}

static int crl_add(X509_CRL *crl, const struct mill_revoked *revoked)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    CLEANUP(own_time) ASN1_TIME *at = mill_time(revoked->at);
    ASN1_ENUMERATED *reason = NULL;
    int r = -ENOMEM;

    if (entry != NULL && at != NULL && X509_REVOKED_set_revocationDate(entry, at) > 0 &&
        X509_REVOKED_set_serialNumber(
            entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked->cert->x509)) > 0)
        r = 0;
    if (r == 0 && revoked->reason >= 0) {
        reason = ASN1_ENUMERATED_new();
        if (reason == NULL || ASN1_ENUMERATED_set(reason, revoked->reason) <= 0 ||
            X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) <= 0)
            r = -ENOMEM;
        ASN1_ENUMERATED_free(reason);
    }
    if (r == 0 && X509_CRL_add0_revoked(crl, entry) > 0)
        return 0;
    X509_REVOKED_free(entry);
    return -ENOMEM;
}

/* RFC 5280 5.2: the two extensions every CRL has. */
static int crl_extensions(X509_CRL *crl, const struct mill_cert *issuer, struct mw_wall now)
{
    X509_EXTENSION *e;
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    X509V3_CTX ctx;
    int r = -ENOMEM;

    X509V3_set_ctx(&ctx, issuer->x509, NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&ctx);
    e = X509V3_EXT_nconf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
    /* An issuer without SKI has no key id to name; its CRL then names none. */
    if ((e == NULL || X509_CRL_add_ext(crl, e, -1) > 0) && number != NULL &&
        ASN1_INTEGER_set_int64(number, now.s) > 0 &&
        X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) > 0)
        r = 0;
    X509_EXTENSION_free(e);
    ASN1_INTEGER_free(number);
    return r;
}

int mill_crl(struct buf *der, const struct mill_cert *issuer,
             const struct mill_revoked *revoked, size_t n_revoked, struct mw_wall this_update,
             struct mw_wall next_update)
{
    CLEANUP(own_crl) X509_CRL *crl = X509_CRL_new();
    CLEANUP(own_time) ASN1_TIME *from = mill_time(this_update);
    CLEANUP(own_time) ASN1_TIME *to = next_update.s != 0 ? mill_time(next_update) : NULL;
    unsigned char *out = NULL;
    int n;

    if (crl == NULL || from == NULL || (next_update.s != 0 && to == NULL) ||
        X509_CRL_set_version(crl, X509_CRL_VERSION_2) <= 0 ||
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) <= 0 ||
        X509_CRL_set1_lastUpdate(crl, from) <= 0 ||
        (to != NULL && X509_CRL_set1_nextUpdate(crl, to) <= 0))
        return -ENOMEM;
    for (size_t i = 0; i < n_revoked; i++) {
        int r = crl_add(crl, &revoked[i]);

        if (r < 0)
            return r;
    }
    if (crl_extensions(crl, issuer, this_update) < 0 || X509_CRL_sort(crl) <= 0)
        return -ENOMEM;
    n = X509_CRL_sign(crl, issuer->key, mill_digest_for(issuer->key, MILL_SHA256)) > 0
            ? i2d_X509_CRL(crl, &out)
            : 0;
    ERR_clear_error();
    if (n <= 0)
        return -EINVAL;
    buf_add(der, span_of(out, (size_t)n));
    OPENSSL_free(out);
    return buf_error(der);
}

/* OCSP_basic_sign() would stamp producedAt with this computer's clock; the mill is told the
 * time like everybody else. */
static int produced_at(OCSP_BASICRESP *basic, struct mw_wall t)
{
    ASN1_GENERALIZEDTIME *at = (ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(basic);

    return ASN1_GENERALIZEDTIME_set(at, (time_t)t.s) != NULL ? 0 : -EINVAL;
}

static int ocsp_encode(struct buf *der, OCSP_BASICRESP *basic)
{
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *out = NULL;
    int n = response != NULL ? i2d_OCSP_RESPONSE(response, &out) : 0;

    OCSP_RESPONSE_free(response);
    if (n <= 0)
        return -ENOMEM;
    buf_add(der, span_of(out, (size_t)n));
    OPENSSL_free(out);
    return buf_error(der);
}

int mill_ocsp(struct buf *der, const struct mill_cert *cert, const struct mill_cert *issuer,
              const struct mill_cert *signer, enum mill_ocsp_status status,
              struct mw_wall revoked_at, struct mw_wall this_update, struct mw_wall next_update)
{
    static const int states[] = { [MILL_OCSP_GOOD] = V_OCSP_CERTSTATUS_GOOD,
                                  [MILL_OCSP_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
                                  [MILL_OCSP_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN };
    CLEANUP(own_basic) OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    CLEANUP(own_time) ASN1_TIME *from = generalized(this_update);
    CLEANUP(own_time) ASN1_TIME *to = next_update.s != 0 ? generalized(next_update) : NULL;
    CLEANUP(own_time) ASN1_TIME *when = generalized(revoked_at);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert->x509, issuer->x509);
    unsigned long flags = OCSP_NOTIME | (signer == issuer ? OCSP_NOCERTS : 0);
    int r = -ENOMEM;

    if (basic != NULL && from != NULL && when != NULL && id != NULL &&
        OCSP_basic_add1_status(basic, id, states[status], OCSP_REVOKED_STATUS_UNSPECIFIED, when,
                               from, to) != NULL)
        r = produced_at(basic, this_update);
    if (r == 0 && OCSP_basic_sign(basic, signer->x509, signer->key,
                                  mill_digest_for(signer->key, MILL_SHA256), NULL, flags) <= 0)
        r = -EINVAL;
    if (r == 0)
        r = ocsp_encode(der, basic);
    OCSP_CERTID_free(id);
    ERR_clear_error();
    return r;
}
