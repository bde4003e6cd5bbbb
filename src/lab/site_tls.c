#include <errno.h>
#include <openssl/err.h>
#include <openssl/tls1.h>

#include "base/own.h"
#include "base/span.h"
#include "lab/site.h"

/* RFC 6962 3.3.1 */
enum { EXT_SCT = 18 };

static int staple_answer(SSL *ssl, void *context)
{
    const struct site *s = context;
    unsigned char *copy = OPENSSL_memdup(s->staple.data, s->staple.len);

    if (copy == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->staple.len);
    return SSL_TLSEXT_ERR_OK;
}

static int scts_answer(SSL *ssl, unsigned type, unsigned where, const unsigned char **out,
                       size_t *len, X509 *x, size_t index, int *alert, void *context)
{
    const struct site *s = context;

    (void)ssl;
    (void)type;
    (void)x;
    (void)alert;
    if ((where & SSL_EXT_TLS1_3_CERTIFICATE) != 0 && index > 0)
        return 0;
    *out = s->tls_scts.data;
    *len = s->tls_scts.len;
    return 1;
}

/* The client's extension is empty; nothing to learn from it. */
static int scts_asked(SSL *ssl, unsigned type, unsigned where, const unsigned char *in, size_t len,
                      X509 *x, size_t index, int *alert, void *context)
{
    (void)ssl;
    (void)type;
    (void)where;
    (void)in;
    (void)len;
    (void)x;
    (void)index;
    (void)alert;
    (void)context;
    return 1;
}

/* What the client offers in order of ours; a client that offers nothing known goes without. */
static int alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *len,
                       const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char ours[] = "\x0fmidwatch-echo/1\x08http/1.1";
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int any_client(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static EVP_PKEY *dh_group(const char *name)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
    EVP_PKEY *group = NULL;
    char text[32];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("group", text, 0),
        OSSL_PARAM_construct_end(),
    };

    snprintf(text, sizeof(text), "%s", name);
    params[0] = OSSL_PARAM_construct_utf8_string("group", text, 0);
    if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_params(ctx, params) <= 0 || EVP_PKEY_paramgen(ctx, &group) <= 0)
        group = NULL;
    EVP_PKEY_CTX_free(ctx);
    return group;
}

static int parameters_set(SSL_CTX *ctx, const struct case_tls *t)
{
    EVP_PKEY *group;

    SSL_CTX_set_security_level(ctx, 0);
    if (SSL_CTX_set_min_proto_version(ctx, t->min != 0 ? t->min : TLS1_2_VERSION) <= 0 ||
        SSL_CTX_set_max_proto_version(ctx, t->max != 0 ? t->max : TLS1_3_VERSION) <= 0)
        return -ENOTSUP;
    if (SSL_CTX_set_cipher_list(ctx, t->ciphers != NULL ? t->ciphers : "DEFAULT:@SECLEVEL=0") <=
        0)
        return -ENOTSUP;
    if (t->groups != NULL && SSL_CTX_set1_groups_list(ctx, t->groups) <= 0)
        return -ENOTSUP;
    if (t->dh_group != NULL) {
        group = dh_group(t->dh_group);
        if (group == NULL || SSL_CTX_set0_tmp_dh_pkey(ctx, group) <= 0) {
            EVP_PKEY_free(group);
            return -ENOTSUP;
        }
    }
    return 0;
}

static int certificates_set(SSL_CTX *ctx, const struct site *s)
{
    if (SSL_CTX_use_certificate(ctx, mill_cert_x509(s->sent[0])) <= 0 ||
        SSL_CTX_use_PrivateKey(ctx, mill_cert_key(s->sent[0])) <= 0)
        return -EINVAL;
    for (size_t i = 1; i < s->n_sent; i++)
        if (SSL_CTX_add1_chain_cert(ctx, mill_cert_x509(s->sent[i])) <= 0)
            return -EINVAL;
    return 0;
}

static int answers_set(SSL_CTX *ctx, struct site *s)
{
    if (s->staple.len > 0) {
        SSL_CTX_set_tlsext_status_cb(ctx, staple_answer);
        SSL_CTX_set_tlsext_status_arg(ctx, s);
    }
    if (s->tls_scts.len > 0 &&
        SSL_CTX_add_custom_ext(ctx, EXT_SCT,
                               SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                   SSL_EXT_TLS1_3_CERTIFICATE,
                               scts_answer, NULL, s, scts_asked, NULL) <= 0)
        return -ENOTSUP;
    if (s->c->tls.want_client_cert)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any_client);
    SSL_CTX_set_alpn_select_cb(ctx, alpn_choose, NULL);
    return 0;
}

int site_context(struct site *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    int e = ctx != NULL ? parameters_set(ctx, &s->c->tls) : -ENOMEM;

    if (e == 0)
        e = certificates_set(ctx, s);
    if (e == 0)
        e = answers_set(ctx, s);
    ERR_clear_error();
    if (e < 0) {
        SSL_CTX_free(ctx);
        return e;
    }
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(ctx, 0);
    s->ctx = ctx;
    return 0;
}
