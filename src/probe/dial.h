/*
 * One target contacted: resolve, connect, proxy, STARTTLS, TLS handshake; and what was seen on
 * the way.  It sends nothing but that, and judges nothing.
 * Life:   dialer_new() once -> dial_start()* -> callback each -> dialer_free()
 * Memory: a result is the callback's to keep (dial_result_free).  Targets are copied.
 * Bounds: struct probe_limits; 64 KiB of text before TLS, lines of at most 4 KiB.
 *
 * A server that refuses the modern offer (see net/tls.h) is asked again with older ones, at
 * most twice, to tell why: `offer` says which offer the parameters belong to.
 *
 * reach is MW_REACH_HANDSHAKE only when the server proved that it holds the key of the
 * certificates it sent, or when something else about them already rules out "private" (an old
 * version, a weak cipher suite, a leaf that is no certificate): a copied chain alone must never
 * look like the server.
 */
#ifndef PROBE_DIAL_H
#define PROBE_DIAL_H

#include "base/arena.h"
#include "net/addr.h"
#include "net/dns.h"
#include "net/tls.h"
#include "probe/probe.h"

enum dial_offer {
    DIAL_OFFER_MODERN,
    DIAL_OFFER_LEGACY,          /* TLS 1.0 to 1.2, all that OpenSSL has */
    DIAL_OFFER_ANCIENT,         /* SSL 3.0 to TLS 1.2 with RC4, 3DES, export, written by hand: the
                                 * server's choice is read, the handshake not finished */
};

struct dial_result {
    enum mw_reach reach;
    const char *detail;         /* one clause, safe to print; NULL: none */
    struct mw_parameters tls;   /* strings owned by the result */
    enum dial_offer offer;

    struct mw_span *certs;      /* DER as received, leaf first */
    size_t n_certs;
    struct mw_span staple;      /* OCSPResponse; empty: none */
    struct mw_span scts;        /* of the TLS extension; empty: none */

    struct mw_span hello;       /* the first ClientHello sent, handshake message */
    uint8_t exporter[32];       /* RFC 9266 */
    bool exporter_known;
    struct mw_wall at;          /* when the certificates arrived */

    const char *hosts_file;     /* "/etc/hosts:12" if the address came from there */
    bool peer_known;            /* a TCP connection stood */
    struct addr peer;           /* who answered: the proxy, if one was used */
    char peer_text[ADDR_TEXT];  /* its address, without port */
    bool proxy_used;
    int64_t connect_us, first_answer_us;    /* 0: unknown */

    struct tls *stream;         /* still open, if the target was dialled with keep_open */

    struct arena arena;         /* what the fields above live in */
};

void dial_result_free(struct dial_result *r);   /* NULL ok; closes the stream */

struct dialer;
struct dial;

/* The result is the callback's.  Never called from within dial_start(). */
typedef void dial_done_fn(void *context, struct dial_result *result);

/* limits NULL or its zeros: the defaults of probe.h.  dns outlives the dialer. */
MW_MUST_CHECK int dialer_new(struct dialer **out, uv_loop_t *loop, struct dns *dns,
                             const struct probe_limits *limits);
void dialer_free(struct dialer *d);     /* NULL ok; after its dials */

/* Limits of a zeroed or partial set, with the defaults filled in. */
struct probe_limits probe_limits_filled(const struct probe_limits *limits);

struct dial_options {
    bool keep_open;             /* leave the stream open in the result */
    bool modern_only;           /* do not ask again with older offers (controls) */
};

/* Do the target's settings (names, addresses, proxy URL, ALPN, STARTTLS) parse?  0, or -EINVAL
 * with one line in `error` (256 bytes): which, why, what to write instead. */
MW_MUST_CHECK int dial_check(const struct probe_target *target, char *error);

/* options NULL: none.  -EINVAL as above. */
MW_MUST_CHECK int dial_start(struct dial **out, struct dialer *d,
                             const struct probe_target *target,
                             const struct dial_options *options, dial_done_fn *on_done,
                             void *context, char *error);

/* Before its callback; none comes then. */
void dial_cancel(struct dial *d);       /* NULL ok */

#endif
