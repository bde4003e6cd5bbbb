#include "net/tls_offer.h"

#include <errno.h>
#include <openssl/err.h>

/*
 * MODERN: the suites, groups and schemes that browsers and current libraries offer between
 * them, best first; nothing that a browser warns of.  No security level all the same: a server
 * that answers with weak keys or a small group shall be described, not hung up on.
 */
static const char modern_suites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA:@SECLEVEL=0";
static const char modern_groups[] = "X25519:P-256:P-384:P-521";
static const char modern_schemes[] =
    "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:"
    "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:"
    "ecdsa_secp521r1_sha512:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:"
    "ed25519:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512";

/* LEGACY: everything this OpenSSL was built with. */
static const char legacy_suites[] = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
static const char legacy_groups[] = "X25519:P-256:P-384:P-521:X448:P-224:P-192:secp256k1";
static const char legacy_schemes[] =
    "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"
    "ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512:ed25519:ed448:DSA+SHA256:"
    "ECDSA+SHA224:RSA+SHA224:ECDSA+SHA1:RSA+SHA1:DSA+SHA1";

struct offer {
    int min, max;
    const char *suites, *groups, *schemes;
};

static const struct offer offers[TLS_OFFERS] = {
    [TLS_OFFER_MODERN] = { TLS1_2_VERSION, TLS1_3_VERSION, modern_suites, modern_groups,
                           modern_schemes },
    [TLS_OFFER_LEGACY] = { TLS1_VERSION, TLS1_2_VERSION, legacy_suites, legacy_groups,
                           legacy_schemes },
};

/* Every chain passes here: judging is the trust engine's. */
static int verify_nothing(X509_STORE_CTX *store, void *unused)
{
    (void)store;
    (void)unused;
    return 1;
}

/* Even at level 0 OpenSSL hangs up on a DH group below 1024 bits; the report shall name it. */
static int allow_everything(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid,
                            void *other, void *unused)
{
    (void)ssl;
    (void)ctx;
    (void)op;
    (void)bits;
    (void)nid;
    (void)other;
    (void)unused;
    return 1;
}

static bool offer_apply(SSL_CTX *ctx, const struct offer *o, size_t max_bytes)
{
    SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_security_callback(ctx, allow_everything);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_nothing, NULL);
    SSL_CTX_set_max_cert_list(ctx, (long)max_bytes);
    SSL_CTX_set_read_ahead(ctx, 1);
    /* RFC 6962 section 3.3.1; with neither callback the extension goes out empty and any
     * answer is taken: net/flight.c reads it. */
    return SSL_CTX_add_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp,
                                  SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                      SSL_EXT_TLS1_3_CERTIFICATE,
                                  NULL, NULL, NULL, NULL, NULL) == 1 &&
           SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, o->min) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, o->max) == 1 &&
           SSL_CTX_set_cipher_list(ctx, o->suites) == 1 &&
           SSL_CTX_set1_groups_list(ctx, o->groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, o->schemes) == 1;
}

int tls_offer_context(SSL_CTX **out, enum tls_offer offer, size_t max_bytes)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return -ENOMEM;
    if (!offer_apply(ctx, &offers[offer], max_bytes)) {
        SSL_CTX_free(ctx);
        ERR_clear_error();
        return -ENOTSUP;
    }
    *out = ctx;
    return 0;
}
