#include "gate/worker/sides.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

/* Forward secrecy and AEAD only, on both legs alike, so that neither can be the weaker one. */
static const char SUITES_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char SUITES_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                "TLS_CHACHA20_POLY1305_SHA256";
static const char GROUPS[] = "X25519:P-256:P-384:P-521";

enum { TICKET_LIFE_S = 12 * 3600 };

/* ------------------------------------------------------------------- tickets ---- */

int sides_seed(struct sides *s, struct mw_span seed, uint64_t period)
{
    static const char label[] = "midwatch gate session tickets";
    struct ticket_key key = { .set = true };
    uint8_t out[sizeof(key.name) + sizeof(key.cipher) + sizeof(key.mac)];
    uint8_t info[sizeof(label) - 1 + 8];
    size_t len = sizeof(out);
    EVP_PKEY_CTX *kdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    bool ok;

    memcpy(info, label, sizeof(label) - 1);
    for (int i = 0; i < 8; i++)
        info[sizeof(label) - 1 + (size_t)i] = (uint8_t)(period >> (56 - 8 * i));
    ok = kdf != NULL && EVP_PKEY_derive_init(kdf) == 1 &&
         EVP_PKEY_CTX_set_hkdf_md(kdf, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set1_hkdf_key(kdf, seed.data, (int)seed.len) == 1 &&
         EVP_PKEY_CTX_add1_hkdf_info(kdf, info, (int)sizeof(info)) == 1 &&
         EVP_PKEY_derive(kdf, out, &len) == 1 && len == sizeof(out);
    EVP_PKEY_CTX_free(kdf);
    if (!ok) {
        ERR_clear_error();
        return -ENOMEM;
    }
    memcpy(key.name, out, sizeof(key.name));
    memcpy(key.cipher, out + sizeof(key.name), sizeof(key.cipher));
    memcpy(key.mac, out + sizeof(key.name) + sizeof(key.cipher), sizeof(key.mac));
    s->keys[1] = s->keys[0];
    s->keys[0] = key;
    OPENSSL_cleanse(out, sizeof(out));
    OPENSSL_cleanse(&key, sizeof(key));
    return 0;
}

static bool ticket_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac,
                                          sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 0 no such key, 1 well, 2 well but give a new one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    const struct sides *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (sealing != 0) {
        const struct ticket_key *key = &s->keys[0];

        if (!key->set || RAND_bytes(iv, 16) != 1)
            return 0;
        memcpy(name, key->name, sizeof(key->name));
        return EVP_EncryptInit_ex(cipher, s->cipher, NULL, key->cipher, iv) == 1 &&
                       ticket_mac(mac, key)
                   ? 1
                   : -1;
    }
    for (size_t i = 0; i < TICKET_KEYS; i++) {
        const struct ticket_key *key = &s->keys[i];

        if (!key->set || memcmp(name, key->name, sizeof(key->name)) != 0)
            continue;
        if (EVP_DecryptInit_ex(cipher, s->cipher, NULL, key->cipher, iv) != 1 ||
            !ticket_mac(mac, key))
            return -1;
        return i == 0 ? 1 : 2;
    }
    return 0;
}

/* ------------------------------------------------------------------- contexts ---- */

static SSL_CTX *context_new(OSSL_LIB_CTX *library, const SSL_METHOD *method, struct sides *s)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_read_ahead(ctx, 1);
    leg_context_use(&s->legs, ctx);
    if (SSL_CTX_set_cipher_list(ctx, SUITES_12) == 1 &&
        SSL_CTX_set_ciphersuites(ctx, SUITES_13) == 1 &&
        SSL_CTX_set1_groups_list(ctx, GROUPS) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* Chains are judged by the trust engine, once they are here: OpenSSL takes them as they are. */
static int take_any_chain(X509_STORE_CTX *store, void *unused)
{
    (void)store;
    (void)unused;
    return 1;
}

/* A server asks for a certificate of the client's: seen in the flight; none is sent. */
static int on_client_cert(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    (void)ssl;
    (void)cert;
    (void)key;
    return 0;
}

/* The client is offered what its server agreed to: legs speak one protocol. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned int in_len, void *unused)
{
    const char *want = leg_of(ssl)->alpn;
    size_t len = want != NULL ? strlen(want) : 0;

    (void)unused;
    for (unsigned int i = 0; len > 0 && i + 1 + in[i] <= in_len; i += 1U + in[i])
        if (in[i] == len && memcmp(in + i + 1, want, len) == 0) {
            *out = in + i + 1;
            *out_len = (unsigned char)len;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct sides *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    s->on_session(leg_of(ssl), session);
    return 0;
}

/* A staple is evidence (RFC 6066 section 8); without it Must-Staple cannot be kept.  So are
 * receipts that are not in the certificate (RFC 6962 section 3.3.1).  No callbacks: the flight has
 * them, and the engine judges them. */
static bool evidence_ask(SSL_CTX *ctx)
{
    return SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp) == 1 &&
           SSL_CTX_add_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp,
                                  SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                      SSL_EXT_TLS1_3_CERTIFICATE,
                                  NULL, NULL, NULL, NULL, NULL) == 1;
}

int sides_init(struct sides *s, OSSL_LIB_CTX *library, sides_session_fn *on_session)
{
    uint8_t seed[TICKET_SEED];

    *s = (struct sides){ .on_session = on_session };
    s->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (leg_context_init(&s->legs) < 0 || s->cipher == NULL)
        goto failed;
    s->to_client = context_new(library, TLS_server_method(), s);
    s->to_server = context_new(library, TLS_client_method(), s);
    if (s->to_client == NULL || s->to_server == NULL)
        goto failed;
    SSL_CTX_set_session_cache_mode(s->to_client, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(s->to_client, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_num_tickets(s->to_client, 1);
    SSL_CTX_set_timeout(s->to_client, TICKET_LIFE_S);
    SSL_CTX_set_alpn_select_cb(s->to_client, on_alpn, NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(s->to_client, on_ticket);
    SSL_CTX_set_verify(s->to_server, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(s->to_server, take_any_chain, NULL);
    SSL_CTX_set_client_cert_cb(s->to_server, on_client_cert);
    if (!evidence_ask(s->to_server))
        goto failed;
    SSL_CTX_set_session_cache_mode(s->to_server,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(s->to_server, on_new_session);
    if (RAND_bytes(seed, sizeof(seed)) != 1 || sides_seed(s, span_of(seed, sizeof(seed)), 0) < 0)
        goto failed;
    OPENSSL_cleanse(seed, sizeof(seed));
    return 0;
failed:
    ERR_clear_error();
    sides_deinit(s);
    return -ENOMEM;
}

void sides_deinit(struct sides *s)
{
    SSL_CTX_free(s->to_client);
    SSL_CTX_free(s->to_server);
    leg_context_deinit(&s->legs);
    EVP_CIPHER_free(s->cipher);
    OPENSSL_cleanse(s->keys, sizeof(s->keys));
    *s = (struct sides){ .cipher = NULL };
}
