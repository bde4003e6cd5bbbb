#include "probe/dial_result.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/text.h"
#include "net/ancient.h"
#include "probe/plain.h"

enum { DETAILS_BYTES = 256 * 1024 };

struct dial_result *dial_result_new(size_t max_bytes)
{
    struct dial_result *r = calloc(1, sizeof(*r));

    if (r != NULL)
        r->arena = (struct arena)ARENA_INIT(3 * max_bytes + DETAILS_BYTES);
    return r;
}

void dial_result_free(struct dial_result *r)
{
    if (r == NULL)
        return;
    tls_free(r->stream);
    arena_deinit(&r->arena);
    free(r);
}

void dial_result_vend(struct dial_result *r, enum mw_reach reach, const char *format,
                      va_list args)
{
    r->reach = reach;
    r->detail = arena_vprintf(&r->arena, format, args);
}

void dial_result_end(struct dial_result *r, enum mw_reach reach, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    dial_result_vend(r, reach, format, args);
    va_end(args);
}

/* ----------------------------------------------------------------------- evidence ---- */

static int take_certs(struct dial_result *r, const struct flight *f)
{
    struct mw_span *certs = arena_calloc(&r->arena, f->n_certs, sizeof(*certs));

    if (certs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->n_certs; i++) {
        if (arena_copy(&r->arena, f->certs[i], &certs[i]) != 0)
            return -ENOMEM;
    }
    r->certs = certs;
    r->n_certs = f->n_certs;
    return 0;
}

static int take_bytes(struct dial_result *r, struct mw_span bytes, struct mw_span *out)
{
    return bytes.len > 0 ? arena_copy(&r->arena, bytes, out) : 0;
}

static int take_flight(struct dial_result *r, const struct flight *f, const char *cipher,
                       enum dial_offer offer)
{
    enum mw_seen mark = r->tls.downgrade_mark;

    r->offer = offer;
    r->tls = f->tls;
    if (cipher != NULL)
        r->tls.cipher_name = arena_strdup(&r->arena, cipher);
    if (f->alpn[0] != 0)
        r->tls.alpn = arena_strdup(&r->arena, f->alpn);
    /* RFC 8446 section 4.1.3: the mark only means something where TLS 1.3 was on offer. */
    if (offer != DIAL_OFFER_MODERN)
        r->tls.downgrade_mark = mark;
    r->staple = r->scts = (struct mw_span){ NULL, 0 };
    if (take_bytes(r, buf_span(&f->staple), &r->staple) != 0 ||
        take_bytes(r, buf_span(&f->scts), &r->scts) != 0)
        return -ENOMEM;
    return f->n_certs > 0 ? take_certs(r, f) : 0;
}

int dial_result_take(struct dial_result *r, struct tls *t, enum dial_offer offer)
{
    r->first_answer_us = tls_first_answer_us(t);
    r->exporter_known = tls_exporter(t, r->exporter) == 0;
    if (take_bytes(r, tls_hello(t), &r->hello) != 0)
        return -ENOMEM;
    return take_flight(r, tls_seen(t), tls_cipher_name(t), offer);
}

int dial_result_take_ancient(struct dial_result *r, const struct flight *f)
{
    return take_flight(r, f, ancient_suite_name(f->tls.cipher_suite), DIAL_OFFER_ANCIENT);
}

void dial_result_older(struct dial_result *r, const char *refusal)
{
    dial_result_end(r, r->reach, "it takes only an older offer; to the usual one: %s",
                    refusal != NULL ? refusal : "no");
}

/* ------------------------------------------------------------------------- reach ---- */

/* Does each part parse as a certificate?  The index of the first that does not, else n. */
static size_t first_not_a_cert(const struct flight *f)
{
    for (size_t i = 0; i < f->n_certs; i++) {
        const uint8_t *at = f->certs[i].data;
        X509 *x = d2i_X509(NULL, &at, (long)f->certs[i].len);
        bool good = x != NULL && at == f->certs[i].data + f->certs[i].len;

        X509_free(x);
        if (!good)
            return i;
    }
    return f->n_certs;
}

static void end_not_tls(struct dial_result *r, struct tls *t)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);

    plain_describe(tls_first_bytes(t), &text);
    dial_result_end(r, MW_REACH_NOT_TLS, "%s",
                    buf_error(&text) == 0 ? (const char *)text.data : "the answer is not TLS");
}

static void end_broken(struct dial_result *r, struct tls *t)
{
    const struct flight *f = tls_seen(t);
    size_t not_cert = first_not_a_cert(f);

    if (f->error == FLIGHT_MALFORMED)
        dial_result_end(r, MW_REACH_HANDSHAKE_FAILED, "the server's %s message is malformed",
                        f->error_in);
    else if (not_cert == 0 && f->n_certs > 0)
        dial_result_end(r, MW_REACH_HANDSHAKE, "the server's certificate does not parse");
    else if (f->n_certs > 0 && f->tls.dh_bits > 0 && f->tls.dh_bits < 1024)
        dial_result_end(r, MW_REACH_HANDSHAKE, "a Diffie-Hellman group of %u bits: %s",
                        f->tls.dh_bits, tls_failure_text(t));
    else if (not_cert < f->n_certs)
        dial_result_end(r, MW_REACH_HANDSHAKE_FAILED, "certificate %zu of %zu does not parse",
                        not_cert + 1, f->n_certs);
    else
        dial_result_end(r, MW_REACH_HANDSHAKE_FAILED, "%s%s",
                        f->n_certs > 0 ? "after the certificates: " : "", tls_failure_text(t));
}

/* The server showed that it holds the key; what came after does not change whose key it is. */
static void end_proven(struct dial_result *r, struct tls *t)
{
    r->tls.alert = 0;
    if (r->tls.client_cert_wanted && tls_failure(t) != TLS_NO_FAILURE)
        dial_result_end(r, MW_REACH_HANDSHAKE,
                        "the server asked for a client certificate and stopped without one (%s)",
                        tls_failure_text(t));
    else if (tls_failure(t) != TLS_NO_FAILURE)
        dial_result_end(r, MW_REACH_HANDSHAKE,
                        "the certificates arrived, the handshake did not finish: %s",
                        tls_failure_text(t));
    else
        r->reach = MW_REACH_HANDSHAKE;
}

void dial_result_judge(struct dial_result *r, struct tls *t, enum io io)
{
    if (io == IO_OK && r->n_certs == 0) {
        dial_result_end(r, MW_REACH_HANDSHAKE_FAILED,
                        "the server takes only anonymous TLS, without a certificate (%s)",
                        r->tls.cipher_name != NULL ? r->tls.cipher_name : "unknown suite");
        return;
    }
    if (io == IO_OK || (tls_key_proven(t) && tls_failure(t) != TLS_TOO_BIG)) {
        end_proven(r, t);
        return;
    }
    switch (tls_failure(t)) {
    case TLS_RESET:
        dial_result_end(r, MW_REACH_RESET, "reset %s",
                        r->first_answer_us > 0 ? "in the middle of the handshake"
                                               : "right after the ClientHello");
        break;
    case TLS_CLOSED:
        dial_result_end(r, MW_REACH_CLOSED, "closed %s",
                        r->first_answer_us > 0 ? "in the middle of the handshake"
                                               : "right after the ClientHello");
        break;
    case TLS_ALERTED:
        dial_result_end(r, MW_REACH_ALERT, "alert %u, %s", r->tls.alert, tls_failure_text(t));
        break;
    case TLS_NOT_TLS:
        end_not_tls(r, t);
        break;
    case TLS_TOO_BIG:
        dial_result_end(r, MW_REACH_TOO_BIG,
                        "the server sends more certificates or bytes than the limit (%d "
                        "certificates)", MW_MAX_CERTS);
        break;
    default:
        end_broken(r, t);
        break;
    }
}
