/*
 * The gate's configuration: one snapshot, never changed after it was read, shared by reference,
 * so that a reload swaps a pointer and a session ends under the rules it began with.
 *
 * Life:   gate_bundle_read() in the parent -> gate_config_load() everywhere -> gate_config_ref()
 *         / gate_config_unref().  Not for several threads.
 * Memory: everything it points to lives in its own arena.
 * Syntax: libucl's, read by base/ucl.h (docs/decisions/0040-gate-config.md); man
 *         midwatch-gate.conf(5) lists the settings.
 */
#ifndef GATE_POLICY_CONFIG_H
#define GATE_POLICY_CONFIG_H

#include <midwatch/trust.h>

#include "net/addr.h"

/* --------------------------------------------------------------- the files it is made of ---- */

/* The config file, what the command line adds, and every file they name (lists of names, roots,
 * users), read once by the parent: processes without a file system get them as bytes. */
struct gate_bundle;

/* path NULL: no file.  extra: config text from the command line, "" for none; it is read last
 * and its settings replace those of the file.  0, -ENOMEM, or > 0 with `error`: file:line:column:
 * what, and what to do. */
MW_MUST_CHECK int gate_bundle_read(struct gate_bundle **out, const char *path, const char *extra,
                                   struct buf *error);
MW_MUST_CHECK int gate_bundle_decode(struct gate_bundle **out, struct mw_span bytes);
void gate_bundle_encode(const struct gate_bundle *b, struct buf *out);
void gate_bundle_free(struct gate_bundle *b);   /* NULL ok */

/* A file's bytes by the name the config gives it; false: it is not in the bundle. */
bool gate_bundle_file(const struct gate_bundle *b, const char *path, struct mw_span *out);

/* Puts a file in under a name of the caller's; the bytes are copied.  0, -ENOMEM, -EEXIST. */
MW_MUST_CHECK int gate_bundle_add(struct gate_bundle *b, const char *name, struct mw_span bytes);

/* What no setting names.  The system's roots (PEM), read by gate_bundle_read() unless
 * upstream.roots is set.  The gate's own CA (PEM, every root it ever signed with that is still
 * valid), added by the parent: worker/judge.h never takes it as an anchor for origins. */
#define GATE_FILE_SYSTEM_ROOTS "midwatch:system-roots"
#define GATE_FILE_OWN_CA       "midwatch:own-ca"

/* --------------------------------------------------------------------------- settings ---- */

enum gate_entrance {
    GATE_ENTRANCE_HTTP,         /* CONNECT and absolute-form requests */
    GATE_ENTRANCE_SOCKS5,
    GATE_ENTRANCE_TPROXY,       /* the socket's own address is the destination */
    GATE_ENTRANCE_REDIRECT,     /* SO_ORIGINAL_DST is the destination */
};
const char *gate_entrance_name(enum gate_entrance e);   /* "http", "socks5", … */

struct gate_listener {
    enum gate_entrance entrance;
    struct addr at;
    const char *text;           /* "http://127.0.0.1:3128" */
};

enum gate_action { GATE_UNDECIDED, GATE_INSPECT, GATE_BYPASS, GATE_BLOCK };
const char *gate_action_name(enum gate_action a);       /* "inspect", … */

/* What to do when an origin has this finding. */
enum gate_on_finding {
    GATE_ON_REFUSE,             /* block page, under the untrusted CA */
    GATE_ON_SIGN_UNTRUSTED,     /* go on, with a leaf the client warns about */
    GATE_ON_ASK,                /* block page with "continue anyway", under the untrusted CA */
    GATE_ON_ACCEPT,             /* this finding alone does not matter */
};

enum gate_learner_mode { GATE_LEARN_OFF, GATE_LEARN_PROPOSE, GATE_LEARN_APPLY };
enum gate_client_cert { GATE_MTLS_BYPASS, GATE_MTLS_BLOCK, GATE_MTLS_WITHOUT };
enum gate_log_format { GATE_LOG_ECS, GATE_LOG_OCSF };

struct gate_rule;

struct gate_config {
    const char *file;           /* for messages; "built-in" if there is none */
    uint8_t sha256[32];         /* of the bundle: names the policy in logs and cache keys */

    struct gate_listener *listeners;    /* default: http://127.0.0.1:3128 */
    size_t n_listeners;
    const char *state_folder;   /* default: $XDG_STATE_HOME/midwatch/gate or /var/lib/midwatch */
    unsigned workers;           /* default: one for each core */
    const char *user;           /* to run as, when started as root; default "midwatch", else
                                 * "nobody" */
    const char *name;           /* the gateway's own host name; default "midwatch.gate" */
    const char *contact;        /* whom people ask: a mail address, a URL, a phone; may be "" */

    struct {
        const char *roots, *local_roots;        /* files; NULL: the system's */
        const char *ct_logs;                    /* file; NULL: none */
        const char *const *dns_servers;         /* "addr[:port]"; none: the system's */
        size_t n_dns_servers;
        const char *hosts_file;                 /* NULL: the system's */
        bool fetch;                             /* AIA and CRLs; default true */
        bool private_destinations;              /* loopback, link-local and the gate's own
                                                 * addresses may be reached; default false,
                                                 * true when a listener is itself on loopback */
        int64_t reuse_s;                        /* a server's idle connection is kept so long for
                                                 * the same client; 0: not; default 3 */
        const char *proxy;                      /* not used yet: NULL */
    } upstream;

    struct {
        const char *folder;                     /* default: STATE/ca */
        const char *passphrase_file;            /* NULL: CA_FOLDER/passphrase */
        const char *pkcs11;                     /* "pkcs11:…" URI of the intermediate's key */
        const char *pkcs11_module, *pin_file;
        int64_t leaf_s;                         /* default 7 days, at most 199 days */
        int64_t rate_per_minute;                /* mints; default 6000 */
    } ca;

    uint16_t min_version;       /* default 0x0303, TLS 1.2 */
    bool mirror_version;        /* the client's leg is never newer than the origin's; default
                                 * true */
    enum gate_action undefined; /* when no rule fits: GATE_INSPECT (default) or GATE_BLOCK */
    enum gate_action not_tls;   /* tunnels that are no TLS: GATE_INSPECT passes raw bytes and
                                 * counts them (default), GATE_BYPASS, GATE_BLOCK */
    enum gate_action ech;       /* a hello with ECH: GATE_INSPECT by the outer name (default),
                                 * GATE_BYPASS, GATE_BLOCK */
    enum gate_action quic;      /* for `gate route`: GATE_BLOCK (default) or GATE_BYPASS */
    enum gate_client_cert client_cert;          /* default GATE_MTLS_BYPASS */
    enum gate_on_finding on_finding[MW_CODES];

    struct {
        const char *folder;                     /* default: STATE/audit */
        enum gate_log_format format;
        int64_t rotate_bytes, rotate_s, keep_s;
        const char *syslog;                     /* "tls://host:6514", "tcp://", "udp://"; NULL */
        const char *syslog_roots;               /* file, for tls:// */
        bool block_when_full;                   /* default true: no record, no session */
    } audit;

    struct {
        struct addr at;                         /* metrics and health; len 0: none; default
                                                 * none */
    } admin;

    struct {
        enum gate_learner_mode mode;            /* default GATE_LEARN_PROPOSE */
        unsigned failures;                      /* that make a case; default 3 */
        int64_t window_s, lifetime_s;           /* default 10 minutes; 7 days */
        bool bypass_unattended;                 /* JA4s named in unattended_ja4 need only one */
        const char *const *unattended_ja4;      /* "t13d…", or with "*" at the end */
        size_t n_unattended_ja4;
    } learner;

    struct {
        unsigned connections;                   /* of one worker; default 20000 */
        unsigned per_client;                    /* of one worker and address; default 2000 */
        int64_t hello_s, dial_s, handshake_s;   /* 10, 10, 10 */
        int64_t idle_s;                         /* default 300 */
        int64_t tunnel_idle_s;                  /* bypassed and raw; default 3600 */
        uint64_t request_body, response_body;   /* bytes; 0: no limit (default) */
        unsigned streams;                       /* HTTP/2, concurrent; default 100 */
    } limits;

    const char *users_file;     /* "name:crypt(3)[:group,…]" lines; NULL: nobody signs in */
    const struct gate_rule *rules;
    size_t n_rules;
    const struct gate_private *own;             /* config.c's and decide.c's */
};

MW_MUST_CHECK int gate_config_load(struct gate_config **out, const struct gate_bundle *b,
                                   struct buf *error);
struct gate_config *gate_config_ref(struct gate_config *c);
void gate_config_unref(struct gate_config *c);  /* NULL ok */

/* The password of a user, RFC 7617 or RFC 1929.  GOOD: *groups (NULL-terminated) is the config's.
 * ASK: nobody said this lately, and working it out is slow on purpose; *ask is the caller's
 * (policy/users.h), holds on to nothing but the config's memory, and once it is answered the same
 * words have an answer here.  What is not said is untouched. */
enum sign_in { SIGN_IN_WRONG, SIGN_IN_GOOD, SIGN_IN_ASK, SIGN_IN_NO_MEMORY };
struct sign_in_question;
MW_MUST_CHECK enum sign_in gate_config_sign_in(const struct gate_config *c, struct mw_span user,
                                               struct mw_span password,
                                               const char *const **groups,
                                               struct sign_in_question **ask);

#endif
