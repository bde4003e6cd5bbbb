#include "net/flight.h"

#include <errno.h>
#include <stdlib.h>

#include "base/reader.h"

/* RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066 section 8. */
enum message {
    SERVER_HELLO = 2,
    ENCRYPTED_EXTENSIONS = 8,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    FINISHED = 20,
    CERTIFICATE_STATUS = 22,
};

enum extension {
    EXT_STATUS_REQUEST = 5,
    EXT_ALPN = 16,
    EXT_SCT = 18,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_KEY_SHARE = 51,
};

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

void flight_deinit(struct flight *f)
{
    free(f->certs);
    buf_deinit(&f->bytes);
    buf_deinit(&f->staple);
    buf_deinit(&f->scts);
    *f = (struct flight)FLIGHT_INIT(f->max_bytes);
}

static void flight_fail(struct flight *f, enum flight_error error, const char *in)
{
    if (f->error != FLIGHT_OK)
        return;
    f->error = error;
    f->error_in = in;
}

/* RFC 7301 section 3.1: a list of exactly one name.  The name is the peer's: only printable
 * ASCII is kept, whatever we offered. */
static void read_alpn(struct flight *f, struct mw_span data)
{
    struct reader r = { .rest = data }, list;
    struct mw_span name;

    list = (struct reader){ .rest = read_vec16(&r) };
    name = read_vec8(&list);
    if (!read_done(&r) || !read_done(&list) || name.len == 0)
        return;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~')
            return;
    }
    if (name.len >= sizeof(f->alpn))
        return;
    memcpy(f->alpn, name.data, name.len);
    f->alpn[name.len] = 0;
}

static void read_status(struct flight *f, struct mw_span data)
{
    struct reader r = { .rest = data };
    uint8_t type = read_u8(&r);
    struct mw_span response = read_vec24(&r);

    if (read_done(&r) && type == 1 && f->staple.len == 0)
        buf_add(&f->staple, response);
}

static void read_hello_extension(struct flight *f, uint16_t type, struct mw_span data)
{
    struct reader r = { .rest = data };

    switch (type) {
    case EXT_SUPPORTED_VERSIONS:
        f->tls.version = read_u16(&r);
        break;
    case EXT_KEY_SHARE:
        f->tls.group = read_u16(&r);
        break;
    case EXT_ALPN:
        read_alpn(f, data);
        break;
    case EXT_SCT:
        if (f->scts.len == 0)
            buf_add(&f->scts, data);
        break;
    default:
        break;
    }
}

/* RFC 8446 section 4.1.3. */
static enum mw_seen downgrade_mark(struct mw_span random, uint16_t version)
{
    struct mw_span tail = span_cut(random, 24, 8);

    if (version >= TLS_1_3)
        return MW_SEEN_NO;
    return span_eq(tail, SPAN_LIT("DOWNGRD\x01")) || span_eq(tail, SPAN_LIT("DOWNGRD\x00"))
               ? MW_SEEN_YES
               : MW_SEEN_NO;
}

/* SHA-256 of "HelloRetryRequest", RFC 8446 section 4.1.3. */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void read_server_hello(struct flight *f, struct mw_span body)
{
    struct reader r = { .rest = body };
    struct reader exts;
    struct mw_span random;

    f->tls.version = read_u16(&r);
    random = read_bytes(&r, 32);
    (void)read_vec8(&r);            /* legacy_session_id_echo */
    f->tls.cipher_suite = read_u16(&r);
    (void)read_u8(&r);              /* legacy_compression_method */
    exts = (struct reader){ .rest = r.rest.len > 0 ? read_vec16(&r) : r.rest };
    while (read_more(&exts)) {
        uint16_t type = read_u16(&exts);

        read_hello_extension(f, type, read_vec16(&exts));
    }
    if (!read_done(&r) || !read_done(&exts)) {
        flight_fail(f, FLIGHT_MALFORMED, "ServerHello");
        return;
    }
    if (span_eq(random, span_of(retry_random, sizeof(retry_random)))) {
        f->retry_asked = true;
        return;
    }
    f->hello_seen = true;
    f->tls.downgrade_mark = downgrade_mark(random, f->tls.version);
}

static void read_encrypted_extensions(struct flight *f, struct mw_span body)
{
    struct reader r = { .rest = body };
    struct reader exts = { .rest = read_vec16(&r) };

    while (read_more(&exts)) {
        uint16_t type = read_u16(&exts);
        struct mw_span data = read_vec16(&exts);

        if (type == EXT_ALPN)
            read_alpn(f, data);
    }
    if (!read_done(&r) || !read_done(&exts))
        flight_fail(f, FLIGHT_MALFORMED, "EncryptedExtensions");
}

static void read_certificate_extensions(struct flight *f, struct mw_span wire)
{
    struct reader exts = { .rest = wire };

    while (read_more(&exts)) {
        uint16_t type = read_u16(&exts);
        struct mw_span data = read_vec16(&exts);

        if (type == EXT_STATUS_REQUEST)
            read_status(f, data);
        else if (type == EXT_SCT && f->scts.len == 0)
            buf_add(&f->scts, data);
    }
    if (!read_done(&exts))
        flight_fail(f, FLIGHT_MALFORMED, "Certificate");
}

static int read_certificate(struct flight *f, struct mw_span body)
{
    struct reader r, list;
    bool v13 = f->tls.version >= TLS_1_3;

    if (f->certs_seen)
        return 0;
    f->certs_seen = true;
    buf_add(&f->bytes, body);
    if (buf_error(&f->bytes) == -EMSGSIZE)
        flight_fail(f, FLIGHT_TOO_BIG, "Certificate");
    if (buf_error(&f->bytes) != 0)
        return buf_error(&f->bytes) == -ENOMEM ? -ENOMEM : 0;
    f->certs = calloc(MW_MAX_CERTS, sizeof(*f->certs));
    if (f->certs == NULL)
        return -ENOMEM;
    r = (struct reader){ .rest = buf_span(&f->bytes) };
    if (v13)
        (void)read_vec8(&r);        /* certificate_request_context */
    list = (struct reader){ .rest = read_vec24(&r) };
    while (read_more(&list)) {
        struct mw_span der = read_vec24(&list);
        struct mw_span exts = v13 ? read_vec16(&list) : (struct mw_span){ NULL, 0 };

        if (der.len == 0)           /* ASN.1Cert<1..2^24-1>: RFC 5246 section 7.4.2 */
            read_fail(&list);
        if (list.failed)
            break;
        if (f->n_certs == MW_MAX_CERTS) {
            flight_fail(f, FLIGHT_TOO_BIG, "Certificate");
            return 0;
        }
        f->certs[f->n_certs++] = der;
        if (f->n_certs == 1)
            read_certificate_extensions(f, exts);
    }
    if (!read_done(&r) || !read_done(&list))
        flight_fail(f, FLIGHT_MALFORMED, "Certificate");
    return 0;
}

static unsigned bit_length(struct mw_span n)
{
    unsigned bits = 0;

    while (n.len > 0 && n.data[0] == 0)
        n = span_cut(n, 1, SIZE_MAX);
    if (n.len == 0)
        return 0;
    for (uint8_t top = n.data[0]; top != 0; top >>= 1)
        bits++;
    return bits + 8 * (unsigned)(n.len - 1);
}

/* The signature after the parameters; none for anonymous suites. */
static bool read_signature(struct reader *r, uint16_t version, uint16_t *scheme)
{
    *scheme = 0;
    if (r->rest.len == 0)
        return !r->failed;
    if (version >= TLS_1_2)
        *scheme = read_u16(r);
    (void)read_vec16(r);
    return read_done(r);
}

/* Which kind it is depends on the suite, of which there are hundreds; but only one of the two
 * readings uses up the message.  RFC 8422 section 5.4, RFC 5246 section 7.4.3. */
static void read_server_key_exchange(struct flight *f, struct mw_span body)
{
    struct reader ec = { .rest = body }, dh = { .rest = body };
    uint8_t curve_type = read_u8(&ec);
    uint16_t group = read_u16(&ec), scheme;
    struct mw_span prime;
    unsigned bits;

    (void)read_vec8(&ec);
    if (curve_type == 3 && read_signature(&ec, f->tls.version, &scheme)) {
        f->tls.group = group;
        f->tls.signature_scheme = scheme;
        return;
    }
    prime = read_vec16(&dh);
    (void)read_vec16(&dh);
    (void)read_vec16(&dh);
    if (!read_signature(&dh, f->tls.version, &scheme)) {
        flight_fail(f, FLIGHT_MALFORMED, "ServerKeyExchange");
        return;
    }
    bits = bit_length(prime);
    f->tls.dh_bits = (uint16_t)(bits < UINT16_MAX ? bits : UINT16_MAX);
    f->tls.signature_scheme = scheme;
}

static void read_certificate_verify(struct flight *f, struct mw_span body)
{
    struct reader r = { .rest = body };

    f->tls.signature_scheme = read_u16(&r);
    (void)read_vec16(&r);
    if (!read_done(&r))
        flight_fail(f, FLIGHT_MALFORMED, "CertificateVerify");
}

int flight_read(struct flight *f, struct mw_span message)
{
    struct reader r = { .rest = message };
    uint8_t type = read_u8(&r);
    struct mw_span body = read_vec24(&r);

    if (!read_done(&r)) {
        flight_fail(f, FLIGHT_MALFORMED, "a message");
        return 0;
    }
    /* Whoever checks the messages would not have come to this one otherwise. */
    f->key_proof_seen = f->key_proof_seen || f->signed_seen;
    switch (type) {
    case SERVER_HELLO:
        read_server_hello(f, body);
        break;
    case ENCRYPTED_EXTENSIONS:
        read_encrypted_extensions(f, body);
        break;
    case CERTIFICATE:
        if (read_certificate(f, body) < 0)
            return -ENOMEM;
        break;
    case CERTIFICATE_STATUS:
        read_status(f, body);
        break;
    case SERVER_KEY_EXCHANGE:
        read_server_key_exchange(f, body);
        f->signed_seen = f->certs_seen && f->n_certs > 0;
        break;
    case CERTIFICATE_REQUEST:
        f->tls.client_cert_wanted = true;
        break;
    case CERTIFICATE_VERIFY:
        read_certificate_verify(f, body);
        f->signed_seen = f->certs_seen && f->n_certs > 0;
        break;
    case SERVER_HELLO_DONE:
    case FINISHED:
        f->done_seen = true;
        break;
    default:
        break;                      /* NewSessionTicket, KeyUpdate, … tell us nothing */
    }
    if (buf_error(&f->staple) == -ENOMEM || buf_error(&f->scts) == -ENOMEM)
        return -ENOMEM;
    return 0;
}
