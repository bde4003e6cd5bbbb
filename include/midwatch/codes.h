/*
 * Every finding Midwatch knows.  The code is stable: it is what JSON, scripts and
 * `midwatch explain CODE` use.  A code is never reused for another meaning.
 *
 *     X(NAME, "code", group, severity)
 *
 * group     which of the causes people know it belongs to: see enum mw_group
 * severity  what it does to the verdict unless the judge says otherwise for a certain case:
 *           ERROR    the connection is not trusted because of it
 *           WARNING  trusted, but somebody should act
 *           NOTE     worth knowing
 *           GOOD     speaks for the connection
 */
#ifndef MIDWATCH_CODES_H
#define MIDWATCH_CODES_H

#define MW_FINDINGS(X)                                                                          \
    /* The name */                                                                              \
    X(NAME_MISMATCH,          "name-mismatch",           NAME,         ERROR)                   \
    X(NAME_WWW,               "name-www",                NAME,         ERROR)                   \
    X(NAME_TOO_DEEP,          "name-too-deep",           NAME,         ERROR)                   \
    X(NAME_OTHER_TENANT,      "name-other-tenant",       NAME,         ERROR)                   \
    X(NAME_NO_SAN,            "name-no-san",             NAME,         ERROR)                   \
    X(NAME_GATEWAY,           "name-gateway",            NAME,         ERROR)                   \
    X(NAME_WILDCARD,          "name-wildcard-refused",   NAME,         ERROR)                   \
    /* The authority */                                                                         \
    X(UNKNOWN_AUTHORITY,      "unknown-authority",       AUTHORITY,    ERROR)                   \
    X(SELF_SIGNED,            "self-signed",             AUTHORITY,    ERROR)                   \
    X(KNOWN_BAD_ROOT,         "known-bad-root",          AUTHORITY,    ERROR)                   \
    X(DISTRUSTED_ROOT,        "distrusted-root",         AUTHORITY,    ERROR)                   \
    X(CONSTRAINED_ROOT,       "constrained-root",        AUTHORITY,    ERROR)                   \
    X(LOCAL_ANCHOR,           "local-anchor",            AUTHORITY,    NOTE)                    \
    /* The chain */                                                                             \
    X(MISSING_INTERMEDIATE,   "missing-intermediate",    CHAIN,        ERROR)                   \
    X(CHAIN_ORDER,            "chain-order",             CHAIN,        NOTE)                    \
    X(CHAIN_SUPERFLUOUS,      "chain-superfluous",       CHAIN,        NOTE)                    \
    X(CHAIN_TOO_LONG,         "chain-too-long",          CHAIN,        ERROR)                   \
    X(CHAIN_TOO_COMPLEX,      "chain-too-complex",       CHAIN,        ERROR)                   \
    X(CERT_MALFORMED,         "cert-malformed",          CHAIN,        ERROR)                   \
    X(BAD_SIGNATURE,          "bad-signature",           CHAIN,        ERROR)                   \
    X(NOT_A_CA,               "not-a-ca",                CHAIN,        ERROR)                   \
    X(PATH_LENGTH,            "path-length",             CHAIN,        ERROR)                   \
    X(NAME_CONSTRAINT,        "name-constraint",         CHAIN,        ERROR)                   \
    X(POLICY_CONSTRAINT,      "policy-constraint",       CHAIN,        ERROR)                   \
    X(CRITICAL_EXTENSION,     "critical-extension",      CHAIN,        ERROR)                   \
    X(EXTENSION_MALFORMED,    "extension-malformed",     CHAIN,        ERROR)                   \
    X(EXTENSION_RULE,         "extension-rule",          CHAIN,        ERROR)                   \
    X(KEY_USAGE,              "key-usage",               CHAIN,        ERROR)                   \
    X(WRONG_PURPOSE,          "wrong-purpose",           CHAIN,        ERROR)                   \
    X(KEY_IDENTIFIER,         "key-identifier",          CHAIN,        ERROR)                   \
    X(CERT_VERSION,           "cert-version",            CHAIN,        ERROR)                   \
    X(BAD_SERIAL,             "bad-serial",              CHAIN,        ERROR)                   \
    X(BAD_SUBJECT,            "bad-subject",             CHAIN,        ERROR)                   \
    X(CA_AS_LEAF,             "ca-as-leaf",              CHAIN,        ERROR)                   \
    X(WEAK_KEY,               "weak-key",                CHAIN,        ERROR)                   \
    X(WEAK_SIGNATURE,         "weak-signature",          CHAIN,        ERROR)                   \
    X(VALIDITY_TOO_LONG,      "validity-too-long",       CHAIN,        ERROR)                   \
    /* Time */                                                                                  \
    X(EXPIRED,                "expired",                 CLOCK,        ERROR)                   \
    X(NOT_YET_VALID,          "not-yet-valid",           CLOCK,        ERROR)                   \
    X(EXPIRES_SOON,           "expires-soon",            CLOCK,        NOTE)                    \
    X(CLOCK_WRONG,            "clock-wrong",             CLOCK,        ERROR)                   \
    X(CLOCK_OFF,              "clock-off",               CLOCK,        WARNING)                 \
    X(CLOCK_UNVERIFIED,       "clock-unverified",        CLOCK,        NOTE)                    \
    X(TIME_SERVER_LIES,       "time-server-lies",        CLOCK,        WARNING)                 \
    /* Revocation */                                                                            \
    X(REVOKED,                "revoked",                 REVOCATION,   ERROR)                   \
    X(REVOCATION_UNKNOWN,     "revocation-unknown",      REVOCATION,   NOTE)                    \
    X(REVOCATION_NONE,        "revocation-none",         REVOCATION,   NOTE)                    \
    X(REVOCATION_UNUSABLE,    "revocation-unusable",     REVOCATION,   WARNING)                 \
    X(STAPLE_REQUIRED,        "staple-required",         REVOCATION,   ERROR)                   \
    X(STAPLE_INVALID,         "staple-invalid",          REVOCATION,   ERROR)                   \
    X(STAPLE_STALE,           "staple-stale",            REVOCATION,   WARNING)                 \
    /* Certificate Transparency */                                                              \
    X(SCT_MISSING,            "sct-missing",             TRANSPARENCY, WARNING)                 \
    X(SCT_TOO_FEW,            "sct-too-few",             TRANSPARENCY, WARNING)                 \
    X(SCT_INVALID,            "sct-invalid",             TRANSPARENCY, WARNING)                 \
    X(SCT_UNKNOWN_LOG,        "sct-unknown-log",         TRANSPARENCY, NOTE)                    \
    /* Pins */                                                                                  \
    X(PIN_MISMATCH,           "pin-mismatch",            PIN,          ERROR)                   \
    X(PIN_EXPIRED,            "pin-expired",             PIN,          NOTE)                    \
    X(PIN_NO_BACKUP,          "pin-no-backup",           PIN,          NOTE)                    \
    X(PIN_BACKUP_USED,        "pin-backup-used",         PIN,          NOTE)                    \
    /* The handshake's parameters */                                                            \
    X(TLS_OLD_VERSION,        "tls-old-version",         PARAMETERS,   ERROR)                   \
    X(TLS_WEAK_CIPHER,        "tls-weak-cipher",         PARAMETERS,   ERROR)                   \
    X(TLS_WEAK_KEY_EXCHANGE,  "tls-weak-key-exchange",   PARAMETERS,   ERROR)                   \
    X(TLS_DOWNGRADED,         "tls-downgraded",          PARAMETERS,   ERROR)                   \
    /* Somebody in the middle */                                                                \
    X(INTERCEPTOR_NAMED,      "interceptor-named",       INTERCEPTION, WARNING)                 \
    X(LOCAL_ANCHOR_ON_PUBLIC, "local-anchor-on-public",  INTERCEPTION, WARNING)                 \
    X(SAME_KEY_ON_CONTROLS,   "same-key-on-controls",    INTERCEPTION, WARNING)                 \
    X(CONTROLS_DIFFER,        "controls-differ",         INTERCEPTION, GOOD)                    \
    X(NO_PUBLIC_SCTS,         "no-public-scts",          INTERCEPTION, NOTE)                    \
    X(ODD_LIFETIME,           "odd-lifetime",            INTERCEPTION, NOTE)                    \
    X(CAA_FORBIDS,            "caa-forbids",             INTERCEPTION, NOTE)                    \
    X(ECH_REFUSED,            "ech-refused",             INTERCEPTION, NOTE)                    \
    X(PROXY_CONFIGURED,       "proxy-configured",        INTERCEPTION, NOTE)                    \
    X(HOSTS_FILE_ENTRY,       "hosts-file-entry",        INTERCEPTION, NOTE)                    \
    X(VPN_UP,                 "vpn-up",                  INTERCEPTION, NOTE)                    \
    X(LOOPBACK_ROUTE,         "loopback-route",          INTERCEPTION, NOTE)                    \
    X(LOCAL_LISTENER,         "local-listener",          INTERCEPTION, NOTE)                    \
    X(ANSWERED_TOO_FAST,      "answered-too-fast",       INTERCEPTION, NOTE)                    \
    X(ECHO_EXPORTER_DIFFERS,  "echo-exporter-differs",   INTERCEPTION, WARNING)                 \
    X(ECHO_HELLO_DIFFERS,     "echo-hello-differs",      INTERCEPTION, WARNING)                 \
    X(ECHO_AGREES,            "echo-agrees",             INTERCEPTION, GOOD)                    \
    X(ECHO_UNSIGNED,          "echo-unsigned",           INTERCEPTION, WARNING)                 \
    X(CAPTIVE_PORTAL,         "captive-portal",          INTERCEPTION, WARNING)                 \
    /* No handshake to judge */                                                                 \
    X(RESET_IN_HANDSHAKE,     "reset-in-handshake",      BLOCKED,      WARNING)                 \
    X(CLOSED_IN_HANDSHAKE,    "closed-in-handshake",     BLOCKED,      WARNING)                 \
    X(ALERT_RECEIVED,         "alert-received",          BLOCKED,      WARNING)                 \
    X(CLIENT_CERT_WANTED,     "client-cert-wanted",      BLOCKED,      NOTE)                    \
    X(PROXY_REFUSED,          "proxy-refused",           BLOCKED,      WARNING)                 \
    X(DNS_FAILED,             "dns-failed",              UNREACHABLE,  WARNING)                 \
    X(CONNECT_REFUSED,        "connect-refused",         UNREACHABLE,  WARNING)                 \
    X(CONNECT_TIMEOUT,        "connect-timeout",         UNREACHABLE,  WARNING)                 \
    X(NETWORK_UNREACHABLE,    "network-unreachable",     UNREACHABLE,  WARNING)                 \
    X(HANDSHAKE_TIMEOUT,      "handshake-timeout",       UNREACHABLE,  WARNING)                 \
    X(HANDSHAKE_FAILED,       "handshake-failed",        UNREACHABLE,  WARNING)                 \
    X(NOT_TLS,                "not-tls",                 UNREACHABLE,  WARNING)                 \
    X(STARTTLS_REFUSED,       "starttls-refused",        UNREACHABLE,  WARNING)                 \
    X(TOO_BIG,                "too-big",                 UNREACHABLE,  WARNING)                 \
    /* Trust anyway */                                                                          \
    X(TRUSTED_ANYWAY,         "trusted-anyway",          DECISION,     NOTE)                    \
    X(DECISION_EXPIRED,       "decision-expired",        DECISION,     NOTE)                    \
    X(DECISION_TOO_NARROW,    "decision-too-narrow",     DECISION,     NOTE)

enum mw_code {
    MW_CODE_NONE,
#define MW_CODE_ENUM(name, code, group, severity) MW_##name,
    MW_FINDINGS(MW_CODE_ENUM)
#undef MW_CODE_ENUM
    MW_CODES
};

#endif
