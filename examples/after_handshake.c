/*
 * For an app that speaks TLS with OpenSSL: asks Midwatch once the handshake is done and before
 * a byte of the app's own is sent.  Compile it into the app:
 *
 *     cc -c after_handshake.c $(pkg-config --cflags libmidwatch)
 *
 * Let the handshake itself succeed (SSL_VERIFY_NONE), or the app never learns what was wrong.
 */
#include <midwatch/trust.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <time.h>

enum { MAX_CHAIN = 32 };

int may_send(const struct mw_policy *policy, const char *host, uint16_t port, SSL *ssl);

static size_t peer_chain(SSL *ssl, struct mw_span *out)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    size_t n = 0;

    for (int i = 0; i < sk_X509_num(sent) && n < MAX_CHAIN; i++) {
        unsigned char *der = NULL;
        int len = i2d_X509(sk_X509_value(sent, i), &der);

        if (len > 0)
            out[n++] = (struct mw_span){ der, (size_t)len };
    }
    return n;
}

/* 1: private, go on.  0: no, the reason was printed.  -1: could not be judged, so no as well.
 * The policy holds what this computer trusts and may be shared by threads. */
int may_send(const struct mw_policy *policy, const char *host, uint16_t port, SSL *ssl)
{
    struct mw_span sent[MAX_CHAIN];
    const unsigned char *staple = NULL;
    long staple_len = SSL_get_tlsext_status_ocsp_resp(ssl, &staple);
    struct mw_evidence ev = {
        .host = host,
        .port = port,
        .now = { time(NULL) },
        .reach = MW_REACH_HANDSHAKE,
        .tls = { .version = (uint16_t)SSL_version(ssl),
                 .cipher_suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)) },
        .sent = sent,
        .n_sent = peer_chain(ssl, sent),
        .staple = { staple, staple_len > 0 ? (size_t)staple_len : 0 },
    };
    struct mw_verdict *v = NULL;
    const char *why = NULL;
    int may = -1;

    if (mw_judge(policy, &ev, &v) == 0) {
        may = mw_may_proceed_unattended(v, &why);
        if (!may)
            fprintf(stderr, "%s: %s (%s)\n", host, mw_outcome_name(v->outcome),
                    why != NULL ? why : "no reason given");
    }
    mw_verdict_free(v);
    for (size_t i = 0; i < ev.n_sent; i++)
        OPENSSL_free((void *)sent[i].data);
    return may;
}
