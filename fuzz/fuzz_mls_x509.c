/*
 * An X.509 credential judged, and one that it takes the place of: the first byte chooses (bit 0:
 * there is one before, bit 1: it is called basic), then the signature key, the credential and the
 * one before, each with 16-bit length.  Whoever is believed is believed for a reason that the trust
 * engine's own reading of the certificate confirms.
 */
#include <errno.h>
#include <midwatch/mls_meeting.h>
#include <midwatch/trust.h>
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "meet/wire/codec.h"
#include "trust/cert.h"

#define NOW ((struct mw_wall){ 1760000000 })

/* The seeds' certificates are of this authority. */
static const char root_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBijCCATCgAwIBAgIQTIqszTlwHWO6hTh8kObXkTAKBggqhkjOPQQDAjAkMQww\n"
    "CgYDVQQKDANMYWIxFDASBgNVBAMMC09mZmljZSBSb290MCAXDTIzMDQyMzA4NTMy\n"
    "MFoYDzIwNTAwNTMxMDg1MzIwWjAkMQwwCgYDVQQKDANMYWIxFDASBgNVBAMMC09m\n"
    "ZmljZSBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELTa8Zq+ZXwt6g4lo\n"
    "cdpkjHkSE+Vj4zio5bRorD2eV5hyEyJ1gTybce19Dx2Md1AX7n8RpyB09A3kI4n2\n"
    "XMUfXaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAYYwHQYDVR0O\n"
    "BBYEFFSxUFX28SK+TQCBMw9G0x0Vh6xVMAoGCCqGSM49BAMCA0gAMEUCIQCOZouY\n"
    "tqx/uLdXZ4VFsPgdt3S97eto61aziOtP8JrWVAIgSjX2r2sMK/Srr4xV9Kp8zZpF\n"
    "2qMwBq+MNG0OHfuS/UY=\n"
    "-----END CERTIFICATE-----\n";

static struct mw_policy *policy_make(bool anchored)
{
    struct mw_policy *p = NULL;

    if (mw_policy_new(&p) != 0)
        abort();
    if (anchored &&
        mw_policy_add_anchors(p, MW_ANCHOR_PUBLIC, span_str(root_pem), "root", NULL) != 0)
        abort();
    mw_policy_set_purpose(p, MW_CLIENT_AUTH);
    return p;
}

static void must(bool true_that)
{
    if (!true_that)
        abort();
}

/* The first certificate, as the trust engine reads it. */
static struct cert *leaf_of(struct mw_span body)
{
    struct reader r = { .rest = body };
    struct cert *c = NULL;
    struct mw_span der = vector_read(&r);

    must(!r.failed && cert_parse(&c, der) == 0);
    return c;
}

/* Of who is believed. */
static void expect_reason(const struct mw_mls_credential *who, struct mw_span key)
{
    struct mw_span name = { NULL, 0 };
    struct cert *c;

    must(who->type == MW_MLS_X509);
    c = leaf_of(who->body);
    must(c->spki.len > key.len &&
         span_eq(span_of(c->spki.data + c->spki.len - key.len, key.len), key));
    if (mw_mls_name_x509(NULL, who, &name) == 0)
        must(c->subject.len > name.len &&
             span_eq(span_of(c->subject.data + c->subject.len - name.len, name.len), name));
    cert_free(c);
}

static void judge(const struct mw_mls_credential *who, struct mw_span key,
                  const struct mw_mls_credential *before)
{
    static struct mw_policy *anchored, *bare;
    struct mw_span name = { NULL, 0 }, old = { NULL, 0 };
    int error;

    if (anchored == NULL) {
        anchored = policy_make(true);
        bare = policy_make(false);
    }
    error = mw_mls_judge_x509(anchored, who, key, before, NOW);
    must(error >= 0);
    must(mw_mls_judge_x509(bare, who, key, before, NOW) > 0);
    if (error != 0)
        return;
    expect_reason(who, key);
    must(mw_mls_judge_x509(anchored, who, key, NULL, NOW) == 0);
    if (before == NULL)
        return;
    must(mw_mls_name_x509(NULL, who, &name) == 0 && mw_mls_name_x509(NULL, before, &old) == 0);
    must(span_eq(name, old));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = { .rest = span_of(data, len) };
    uint8_t how = read_u8(&r);
    struct mw_span key = read_vec16(&r);
    struct mw_mls_credential who = { (how & 2) != 0 ? MW_MLS_BASIC : MW_MLS_X509, read_vec16(&r) };
    struct mw_mls_credential before = { MW_MLS_X509, read_vec16(&r) };
    struct mw_span name = { NULL, 0 };

    if (r.failed)
        return 0;
    if (mw_mls_name_x509(NULL, &who, &name) == 0)
        must(name.len > 0 && name.data >= who.body.data &&
             name.data + name.len <= who.body.data + who.body.len);
    judge(&who, key, (how & 1) != 0 ? &before : NULL);
    return 0;
}
