/*
 * The probe: network in, evidence out.  It never judges; it asks mw_judge() what is missing
 * and fetches that, and it sends nothing but the handshake to a server before the verdict.
 * Life:   probe_new() -> probe_start()* -> (uv_run) -> on_done()* -> probe_free()
 * Memory: evidence handed to on_done is borrowed until the callback returns.
 * Loop:   libuv, passed in; everything happens on its thread; many targets at once.
 * Bounds: time, bytes and count of everything a peer can make us do: see probe_limits.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <midwatch/trust.h>
#include <uv.h>

#include "base/clock.h"

enum probe_starttls {
    PROBE_TLS_DIRECT, PROBE_STARTTLS_SMTP, PROBE_STARTTLS_IMAP, PROBE_STARTTLS_POP3,
    PROBE_STARTTLS_FTP, PROBE_STARTTLS_XMPP, PROBE_STARTTLS_LDAP, PROBE_STARTTLS_POSTGRES,
    PROBE_STARTTLS_MYSQL,
};

enum probe_family { PROBE_ANY, PROBE_IPV4, PROBE_IPV6 };

/* Bounds on one target; zeros take the defaults in brackets. */
struct probe_limits {
    int64_t connect_ms;         /* [5000]  per address */
    int64_t handshake_ms;       /* [10000] from connected to certificates */
    int64_t total_ms;           /* [20000] with everything else that is gathered */
    size_t chain_bytes;         /* [2 MiB] all certificates together */
    size_t fetch_bytes;         /* [4 MiB] one CRL, OCSP or AIA answer */
    unsigned max_fetches;       /* [8]     AIA + CRL + OCSP for one target */
};

/* What every target shares. */
struct probe_options {
    const struct mw_policy *policy;     /* to learn what is missing; never changed */
    struct probe_limits limits;
    unsigned parallel;                  /* targets under way at once; 0: 64 */
    bool network_evidence;              /* AIA, CRL, time, DNS, controls, local facts */
    bool ocsp_consent;                  /* OCSP tells the CA which site is visited */
    const char *const *controls;        /* "host[:port]" to compare with, contacted once a run */
    size_t n_controls;
    const char *const *time_servers;    /* "sntp:host[:port]", "roughtime:host[:port]=KEY" */
    size_t n_time_servers;
    const char *portal_url;             /* http:// URL that answers 204; NULL: no portal probe */
    const char *const *dns_servers;     /* "addr[:port]"; none: the system's */
    size_t n_dns_servers;
    const char *hosts_file;             /* NULL: the system's */
    const char *cache_folder;           /* CRLs are kept here; NULL: not kept */
    bool at_set;                        /* judge at `at` instead of the clock */
    struct mw_wall at;
    struct mw_wall built;
};

struct probe_target {
    const char *host;           /* name or address as typed */
    uint16_t port;
    const char *server_name;    /* SNI; NULL: host, unless it is an address */
    const char *connect_to;     /* "addr:port" instead of resolving; NULL */
    const char *proxy;          /* "http://[user:pw@]host:port", "socks5://…", "socks5h://…";
                                 * NULL: straight */
    const char *proxy_from;     /* where the proxy setting came from */
    const char *alpn;           /* "h2,http/1.1"; NULL: those two for direct TLS, else none */
    enum probe_starttls starttls;
    enum probe_family family;
    const char *echo_key;       /* "sha256/…": ask the server's echo, signed by this key */
    void *user;
};

struct probe;

/* ev: complete as far as it got.  v: the verdict on it, NULL if judging failed with `error`
 * (-errno, or enum mw_error).  The probe frees both after the call. */
typedef void probe_done_fn(void *context, const struct probe_target *target,
                           const struct mw_evidence *ev, const struct mw_verdict *v, int error);

/* Options and what they point to must outlive the probe. */
MW_MUST_CHECK int probe_new(struct probe **out, uv_loop_t *loop,
                            const struct probe_options *options, probe_done_fn *on_done,
                            void *context);

/* Queues a target (copied); any number may be queued.  -EINVAL: the target's settings do not
 * parse, `error` (256 bytes) says which and why. */
MW_MUST_CHECK int probe_start(struct probe *p, const struct probe_target *target, char *error);

/* Targets queued or under way. */
size_t probe_pending(const struct probe *p);

/* Gives up on everything under way, also what it holds open for targets to come; on_done is not
 * called.  Nothing can be started afterwards. */
void probe_cancel(struct probe *p);

/* After probe_cancel() and a run of the loop, which closes its handles. */
void probe_free(struct probe *p);       /* NULL ok */

#endif
