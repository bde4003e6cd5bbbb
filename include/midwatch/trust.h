/*
 * The trust engine: who can read this TLS connection, and why does an app warn?
 *
 *     verdict = mw_judge(policy, evidence)
 *
 * Pure: no I/O, no clock, no globals.  Evidence is what somebody saw, policy is what this
 * computer trusts, and the time is told.  The same input gives the same verdict, always.
 *
 * Life:    mw_policy_new() -> mw_policy_add_*()* -> mw_judge()* -> mw_policy_free()
 *          A finished policy is only read: threads may judge with it at once.
 * Errors:  functions that return int: 0 well, -ENOMEM and other -errno our fault, > 0 an
 *          enum mw_error, the input's fault.  Distrust is never an error, it is the verdict.
 * Link:    pkg-config --cflags --libs libmidwatch
 */
#ifndef MIDWATCH_TRUST_H
#define MIDWATCH_TRUST_H

#include <stdbool.h>

#include <midwatch/codes.h>
#include <midwatch/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mw_error {
    MW_E_OK,
    MW_E_PEM,           /* no PEM block, or a broken one                        */
    MW_E_DER,           /* not a certificate, CRL or OCSP response              */
    MW_E_SYNTAX,        /* a list, catalogue or pin that does not parse         */
    MW_E_TOO_MANY,      /* over the stated limit                                */
    MW_E_NAME,          /* not a host name or an address                        */
};

/* ------------------------------------------------------------------ evidence ---- */

/* All of evidence is borrowed: it must outlive the call that judges it, not longer.  All-zero
 * means "not looked at", which is never held against anybody, only named in the verdict's
 * `missing`. */

enum mw_reach {                 /* how far the connection came */
    MW_REACH_NOT_TRIED,         /* no connection: a chain from a file is judged */
    MW_REACH_HANDSHAKE,         /* the TLS handshake finished, or the certificates arrived */
    MW_REACH_DNS_FAILED,
    MW_REACH_REFUSED,
    MW_REACH_CONNECT_TIMEOUT,
    MW_REACH_NO_ROUTE,
    MW_REACH_PROXY_REFUSED,
    MW_REACH_STARTTLS_REFUSED,
    MW_REACH_RESET,             /* RST between our ClientHello and the certificates */
    MW_REACH_CLOSED,            /* FIN, likewise */
    MW_REACH_ALERT,             /* a TLS alert instead of certificates */
    MW_REACH_HANDSHAKE_TIMEOUT,
    MW_REACH_HANDSHAKE_FAILED,  /* the peer broke the protocol */
    MW_REACH_NOT_TLS,
    MW_REACH_TOO_BIG,           /* the peer sent more than our limits take */
};

enum mw_seen { MW_NOT_LOOKED, MW_SEEN_NO, MW_SEEN_YES, MW_COULD_NOT_LOOK };

/* What the handshake settled on.  Numbers are IANA's; 0 means unknown. */
struct mw_parameters {
    uint16_t version;           /* 0x0301 TLS 1.0 … 0x0304 TLS 1.3 */
    uint16_t cipher_suite;
    uint16_t group;             /* named group; 0 with static RSA or classic DH */
    uint16_t signature_scheme;
    uint16_t dh_bits;           /* size of a finite-field group, else 0 */
    const char *cipher_name;    /* as OpenSSL names it; NULL unknown */
    const char *alpn;           /* NULL: none agreed */
    uint8_t alert;              /* alert received (RFC 8446 section 6), with MW_REACH_ALERT */
    bool client_cert_wanted;
    enum mw_seen downgrade_mark;        /* RFC 8446 4.1.3: ServerHello.random says so */
    enum mw_seen ech_accepted;          /* of an offered ECH */
};

enum mw_clock_source { MW_CLOCK_SNTP, MW_CLOCK_ROUGHTIME, MW_CLOCK_HTTP_DATE };

/* One reading of somebody else's clock, taken beside ours. */
struct mw_clock_reading {
    enum mw_clock_source source;
    const char *server;         /* host[:port], for the report */
    bool ok;                    /* false: asked, but no usable answer */
    bool signature_bad;         /* Roughtime: the answer's signature or nonce was wrong */
    int64_t offset_ms;          /* their time minus ours, at the middle of the exchange */
    int64_t uncertainty_ms;     /* half the round trip plus what the server admits to */
};

/* One record of the CAA set that applies to the name (RFC 8659). */
struct mw_caa {
    uint8_t flags;
    const char *tag, *value;
};

/* Another site, contacted over the same path to compare with. */
struct mw_control {
    const char *host;
    enum mw_reach reach;
    const struct mw_span *sent; /* DER, leaf first */
    size_t n_sent;
};

/* What a cooperating server said it saw of this very connection (docs/echo.md). */
struct mw_echo {
    enum mw_seen answered;
    bool signature_good;        /* signed by the key that the caller expected */
    const char *signer;         /* SPKI pin text of that key */
    struct mw_span exporter_ours, exporter_theirs;      /* RFC 9266 tls-exporter, 32 bytes */
    struct mw_span hello_ours, hello_theirs;            /* ClientHello handshake message */
};

/* What this computer says about the way to the server. */
struct mw_local_facts {
    enum mw_seen looked;        /* MW_SEEN_YES: the fields below were looked at */
    const char *proxy;          /* URL of the proxy used or configured, NULL: none */
    const char *proxy_from;     /* "HTTPS_PROXY", "--proxy", … */
    bool proxy_used;            /* the connection went through it */
    const char *hosts_file;     /* "/etc/hosts:12", NULL: name not in it */
    const char *vpn_interface;  /* the interface the route uses, if it is a tunnel */
    bool vpn_up_elsewhere;      /* a tunnel is up, but the route does not use it */
    const char *peer_address;   /* address that answered, text */
    bool peer_is_loopback;      /* without the caller having asked for it (--connect) */
    const char *listener;       /* program listening there, or a local filter's process */
    int64_t connect_us, first_answer_us;        /* TCP handshake; ClientHello to ServerHello */
    int64_t nearest_hop_us;     /* least possible round trip beyond this network; 0 unknown */
    enum mw_seen portal;        /* a plain-HTTP probe was redirected or rewritten */
    const char *portal_url;
    enum mw_seen http_tampered; /* a plain-HTTP answer carried somebody's headers */
};

struct mw_evidence {
    const char *host;           /* as asked for: DNS name (U- or A-labels) or IP literal */
    uint16_t port;
    struct mw_wall now;         /* this computer's clock when the chain arrived */
    bool now_chosen;            /* now is a time somebody wants judged, not a clock's reading:
                                 * this computer's clock is then not in question */
    struct mw_wall built;       /* when this program was built: no clock may be before it */

    enum mw_reach reach;
    const char *reach_detail;   /* one clause, for the report; NULL: none */
    struct mw_parameters tls;

    const struct mw_span *sent;         /* DER in the order received, leaf first */
    size_t n_sent;
    const struct mw_span *fetched;      /* DER found through AIA caIssuers */
    size_t n_fetched;
    struct mw_span staple;              /* OCSPResponse, DER */
    const struct mw_span *ocsp;         /* fetched with consent */
    size_t n_ocsp;
    const struct mw_span *crls;         /* DER */
    size_t n_crls;
    bool crls_authoritative;            /* the caller supplied them and wants them to decide:
                                         * one that covers a certificate but is unusable, or a
                                         * missing one, is then an error */
    enum mw_seen revocation_fetch;      /* CRLs/OCSP asked for on the network */
    struct mw_span tls_scts;            /* SignedCertificateTimestampList, RFC 6962 3.3 */

    const struct mw_clock_reading *clocks;
    size_t n_clocks;
    enum mw_seen caa_looked;            /* MW_SEEN_YES: caa[] is the applicable set */
    const struct mw_caa *caa;
    size_t n_caa;
    enum mw_seen ech_advertised;        /* the DNS HTTPS record carries an ECH config */
    const struct mw_control *controls;
    size_t n_controls;
    struct mw_echo echo;
    struct mw_local_facts local;
};

/* -------------------------------------------------------------------- policy ---- */

struct mw_policy;

enum mw_anchor_class {
    MW_ANCHOR_NONE,             /* the chain ends nowhere we trust */
    MW_ANCHOR_PUBLIC,           /* in the public set */
    MW_ANCHOR_LOCAL,            /* somebody added it here */
};

enum mw_purpose { MW_SERVER_AUTH, MW_CLIENT_AUTH };

/* Limits on input; more is refused with MW_E_TOO_MANY or judged MW_CHAIN_TOO_COMPLEX. */
enum {
    MW_MAX_CERTS = 256,         /* sent + fetched */
    MW_MAX_CERT_BYTES = 1 << 20,
    MW_MAX_NAMES = 20000,       /* subjectAltName entries of one certificate */
    MW_MAX_DEPTH = 20,          /* certificates in one path, anchor included */
};

MW_API MW_MUST_CHECK int mw_policy_new(struct mw_policy **out);
MW_API void mw_policy_free(struct mw_policy *p);    /* NULL ok */

/* What went wrong in the last mw_policy_* call that failed: one line (what, where, what to
 * do), valid until the next call. */
MW_API const char *mw_policy_error(const struct mw_policy *p);

/* Anchors from PEM text with any number of certificates; text between blocks is ignored.
 * `from` names the file for messages and reports.  *n_added (may be NULL) counts them. */
MW_API MW_MUST_CHECK int mw_policy_add_anchors(struct mw_policy *p, enum mw_anchor_class as,
                                               struct mw_span pem, const char *from,
                                               size_t *n_added);

/* A system's bundle, which mixes both: certificates whose SHA-256 fingerprint is in the
 * built-in public list count as public, the others as local. */
MW_API MW_MUST_CHECK int mw_policy_add_system(struct mw_policy *p, struct mw_span pem,
                                              const char *from, size_t *n_added);

/* The Certificate Transparency logs, as JSON of log_list v3.  Without one, SCTs are shown but
 * neither verified nor missed. */
MW_API MW_MUST_CHECK int mw_policy_set_ct_logs(struct mw_policy *p, struct mw_span json);

/* Replaces the built-in catalogue of interceptors (docs/catalogue.md). */
MW_API MW_MUST_CHECK int mw_policy_set_interceptors(struct mw_policy *p, struct mw_span tsv);

/* Pins for a name: keys whose SPKI must stand in the accepted path (RFC 7469 section 2.4
 * form, "sha256/BASE64=").  tree: subdomains too.  until.s == 0: no expiry. */
struct mw_pin {
    const char *host;
    bool tree;
    const char *spki;
    bool backup;
    struct mw_wall until;
};
MW_API MW_MUST_CHECK int mw_policy_add_pin(struct mw_policy *p, const struct mw_pin *pin);

/* A remembered "Trust anyway"; see mw_decision_make(). */
struct mw_decision {
    const char *host;
    uint16_t port;
    const char *key;            /* "sha256/…" of the leaf's SPKI, or of the interceptor's CA */
    bool key_is_ca;             /* the CA key of an interceptor, for this host only */
    const char *findings;       /* the accepted codes, sorted, joined with ",": errors, and
                                 * warnings of somebody in the middle.  "code@N": about
                                 * chain[N], N > 0; plain: about the leaf or no certificate */
    struct mw_wall made, until;
    const char *reason;
};
MW_API MW_MUST_CHECK int mw_policy_add_decision(struct mw_policy *p,
                                                const struct mw_decision *d);

/* Defaults: MW_SERVER_AUTH; MW_MAX_DEPTH; 0 days = certificate must simply be valid. */
MW_API void mw_policy_set_purpose(struct mw_policy *p, enum mw_purpose purpose);
MW_API void mw_policy_set_max_intermediates(struct mw_policy *p, int most);     /* -1: default */

/* How far a clock may be off before it is worth a word; default 300 s. */
MW_API void mw_policy_set_clock_tolerance(struct mw_policy *p, int64_t seconds);

/* ------------------------------------------------------------------- verdict ---- */

enum mw_outcome {
    MW_UNJUDGED,                /* a zeroed verdict: refuse it */
    MW_PRIVATE,                 /* nobody found between this computer and the server */
    MW_INSPECTED,               /* trusted here, but re-signed by somebody in the middle */
    MW_UNTRUSTED,               /* an app is right to warn */
    MW_BLOCKED,                 /* stopped on the way, not read */
    MW_UNREACHABLE,             /* nothing to judge */
};

enum mw_group {
    MW_GROUP_NAME, MW_GROUP_AUTHORITY, MW_GROUP_CHAIN, MW_GROUP_CLOCK, MW_GROUP_REVOCATION,
    MW_GROUP_TRANSPARENCY, MW_GROUP_PIN, MW_GROUP_PARAMETERS, MW_GROUP_INTERCEPTION,
    MW_GROUP_BLOCKED, MW_GROUP_UNREACHABLE, MW_GROUP_DECISION,
};

enum mw_severity { MW_GOOD, MW_NOTE, MW_WARNING, MW_ERROR };

/* How sure.  The words of a report follow this and nothing else. */
enum mw_certainty {
    MW_HINT,                    /* fits, and much else would fit too: "may" */
    MW_LIKELY,                  /* the best explanation of what was seen: "most likely" */
    MW_CERTAIN,                 /* follows from what was seen: "is" */
    MW_PROVEN,                  /* cryptographic proof: "is, provably" */
};

struct mw_finding {
    enum mw_code code;
    enum mw_severity severity;
    enum mw_certainty certainty;
    int cert;                   /* index into verdict->chain, -1: not about one */
    const char *evidence;       /* what was seen, one line, safe to print */
    const char *disproof;       /* what would disprove it; NULL: nothing could */
    bool accepted;              /* covered by a remembered decision */
};

/* Where a reader sits. */
enum mw_place {
    MW_PLACE_UNKNOWN, MW_PLACE_THIS_COMPUTER, MW_PLACE_THIS_NETWORK, MW_PLACE_VPN,
    MW_PLACE_SERVER_SIDE,
};

/* Somebody who can read the connection besides this computer and the server. */
struct mw_reader {
    const char *product, *vendor;       /* NULL: not recognised */
    const char *kind;           /* "antivirus", "corporate-gateway", "home-filter", "vpn",
                                 * "debug-proxy", "malware", "state-ca", "captive-portal";
                                 * NULL unknown */
    const char *issuer;         /* display form of the certificate issuer it signs with */
    const char *key;            /* "sha256/…" SPKI pin of its CA key, NULL unknown */
    enum mw_place place;
    enum mw_certainty certainty;        /* that somebody is there */
    enum mw_certainty named_certainty;  /* that it is this product */
    enum mw_certainty place_certainty;
};

/* One certificate as people read it.  All strings are UTF-8 and safe to print. */
struct mw_cert_view {
    struct mw_span der;
    const char *subject, *issuer;       /* RFC 4514 form */
    const char *short_subject, *short_issuer;   /* the CN, else O, else the first name */
    const char *const *names;           /* "DNS:…", "IP:…", … as they stand in the SAN */
    size_t n_names;
    struct mw_wall not_before, not_after;
    const char *serial;                 /* hex */
    const char *key;                    /* "EC P-256", "RSA 2048", "Ed25519" */
    const char *signature;              /* "ecdsa-with-SHA256" */
    const char *sha256, *sha1;          /* fingerprints, hex with colons */
    const char *spki;                   /* "sha256/BASE64=" */
    bool is_ca, self_issued, in_path, sent;
    enum mw_anchor_class anchor;        /* this certificate is a trusted root */
    const char *const *scts;            /* one line each: log, time, verified or not */
    size_t n_scts;
    const char *const *ocsp_urls, *const *crl_urls, *const *issuer_urls;
    size_t n_ocsp_urls, n_crl_urls, n_issuer_urls;
};

enum mw_revocation_state {
    MW_REVOCATION_UNASKED,
    MW_REVOCATION_GOOD,                 /* fresh evidence says: not revoked */
    MW_REVOCATION_REVOKED,
    MW_REVOCATION_COULD_NOT_CHECK,      /* a mechanism exists, no usable answer came */
    MW_REVOCATION_NO_MECHANISM,         /* the certificate names none */
};

struct mw_revocation_view {
    enum mw_revocation_state leaf, intermediates;       /* intermediates: the worst */
    const char *how;            /* "stapled OCSP", "CRL", "OCSP"; NULL none */
    struct mw_wall this_update, next_update;    /* of the answer used; 0 none */
    const char *reason;         /* why revoked, or why it could not be checked */
    struct mw_wall revoked_at;
};

/* TO_BLAME: the true time changes the result, for better or for worse: see
 * valid_at_true_time. */
enum mw_clock_state {
    MW_CLOCK_UNASKED, MW_CLOCK_RIGHT, MW_CLOCK_WRONG_BUT_HARMLESS, MW_CLOCK_TO_BLAME,
    MW_CLOCK_NO_ANSWER,
};

struct mw_clock_view {
    enum mw_clock_state state;
    bool offset_known, is_signed;       /* is_signed: Roughtime stands behind it */
    int64_t offset_ms;                  /* true time minus ours, the estimate */
    struct mw_wall lower_bound;         /* true time is not before this … */
    const char *lower_bound_from;       /* … because of this */
    const char *sources;                /* "Roughtime ×3", for the report */
    bool valid_at_true_time;            /* the counterfactual */
};

/* Pieces of evidence that would have sharpened the verdict; the probe may fetch them and
 * judge again. */
enum mw_missing {
    MW_MISSING_ISSUER     = 1 << 0,     /* fetch fetch_urls with AIA */
    MW_MISSING_CRL        = 1 << 1,
    MW_MISSING_OCSP       = 1 << 2,     /* needs consent */
    MW_MISSING_TIME       = 1 << 3,
    MW_MISSING_CONTROLS   = 1 << 4,
    MW_MISSING_CAA        = 1 << 5,
    MW_MISSING_LOCAL      = 1 << 6,
};

struct mw_verdict {
    enum mw_outcome outcome;
    const char *host;           /* in A-label form, or an address, as judged */
    uint16_t port;
    struct mw_wall at;          /* time judged by */

    const struct mw_finding *findings;  /* errors first, then by weight */
    size_t n_findings;
    const struct mw_cert_view *chain;   /* the best path, leaf first, then what else was sent */
    size_t n_chain, n_path;             /* chain[0 .. n_path-1] is the path */
    enum mw_anchor_class anchor;        /* what the path ends in */
    const struct mw_reader *readers;
    size_t n_readers;
    struct mw_revocation_view revocation;
    struct mw_clock_view clock;

    unsigned missing;                   /* of enum mw_missing */
    const char *const *fetch_urls;      /* caIssuers that may complete the chain */
    size_t n_fetch_urls;
    const char *const *crl_urls;        /* for MW_MISSING_CRL: of the path's certificates */
    size_t n_crl_urls;
};

/* Judges.  0: *out is the caller's (mw_verdict_free); -ENOMEM, or MW_E_NAME for a host that is
 * no name or address.  Anything the peer did wrong is in the verdict.  Work is bounded
 * whatever the chain: see docs/conformance.md. */
MW_API MW_MUST_CHECK int mw_judge(const struct mw_policy *policy, const struct mw_evidence *ev,
                                  struct mw_verdict **out);
MW_API void mw_verdict_free(struct mw_verdict *v);      /* NULL ok */

/* -------------------------------------------------------------- what to do ---- */

/* The fixed facts and words of a code.  Never NULL for a valid code. */
struct mw_code_info {
    const char *code;           /* "name-mismatch" */
    enum mw_group group;
    enum mw_severity severity;  /* unless the judge says otherwise */
    const char *title;          /* one line, no full stop */
    const char *explanation;    /* what it means, plain words, a paragraph or two */
    const char *person;         /* what the person can do */
    const char *it;             /* what their IT, or the server's operator, can do */
};
MW_API const struct mw_code_info *mw_code_info(enum mw_code code);
MW_API enum mw_code mw_code_find(const char *code);     /* MW_CODE_NONE: unknown */
MW_API const char *mw_group_name(enum mw_group group);  /* "name", "authority", … */
MW_API const char *mw_outcome_name(enum mw_outcome outcome);  /* "private", … */
MW_API const char *mw_severity_name(enum mw_severity severity);
MW_API const char *mw_certainty_name(enum mw_certainty certainty);
MW_API const char *mw_place_name(enum mw_place place);  /* "this-computer", … */

/* Unattended: true only for MW_PRIVATE, and only for a host: without one (evidence.host NULL)
 * the certificate may be anybody's.  There is no way to weaken it: remembered decisions do not
 * count here.  *why (may be NULL) becomes the code of the first reason, else NULL. */
MW_API bool mw_may_proceed_unattended(const struct mw_verdict *v, const char **why);

/* Attended: what an app should do. */
enum mw_action {
    MW_PROCEED,                 /* private, or everything wrong was accepted before */
    MW_ASK,                     /* show the findings, ask "Trust anyway?" */
    MW_REFUSE,                  /* do not even ask: revoked, known-bad root (everybody has its
                                 * key), pins not met, or nothing to judge: no certificate, or
                                 * a handshake that broke before its key was proven */
};
MW_API enum mw_action mw_attended_action(const struct mw_verdict *v);

/* The decision that a "Trust anyway" on this verdict would be: for this host and port, this
 * key (ca_key: the interceptor's CA key, so that its re-minted certificates are covered, for
 * this host only) and exactly the errors found.  Strings are owned by the decision.
 * MW_E_SYNTAX: nothing to accept, or mw_attended_action() is not MW_ASK. */
MW_API MW_MUST_CHECK int mw_decision_make(struct mw_decision **out, const struct mw_verdict *v,
                                          bool ca_key, struct mw_wall now, int64_t lifetime_s,
                                          const char *reason);
MW_API void mw_decision_free(struct mw_decision *d);    /* NULL ok */

#ifdef __cplusplus
}
#endif

#endif
