/*
 * A case of the lab: how its certificate is minted, how its server misbehaves, and what a
 * careful client should find.  Plain data; the tables are in cases_*.c, one file a concept.
 * Memory: static.
 */
#ifndef LAB_CASE_H
#define LAB_CASE_H

#include "lab/lab.h"
#include "lab/mill.h"

/* Who signs the leaf. */
enum case_issuer {
    BY_LAB_CA,                  /* the lab's intermediate, under a public root */
    BY_OWN_CA,                  /* an intermediate of this case alone: case_recipe.ca */
    BY_RSA_CA,                  /* an RSA intermediate under the same root */
    BY_ROOT,
    BY_UNKNOWN_CA,              /* under a root that nobody trusts */
    BY_ITSELF,
    BY_LOCAL_CA,                /* the root added on this computer, for names of its own */
    BY_INTERCEPTOR,             /* case_recipe.interceptor, trusted here or not */
};

enum case_scts {
    SCTS_TWO,                   /* two logs, two operators: what is asked for up to 180 days */
    SCTS_NONE, SCTS_ONE, SCTS_ONE_OPERATOR, SCTS_BROKEN, SCTS_UNKNOWN_LOG, SCTS_IN_TLS,
};

enum case_staple {
    STAPLE_NONE, STAPLE_GOOD, STAPLE_DELEGATED, STAPLE_REVOKED, STAPLE_STALE, STAPLE_WRONG_KEY,
    STAPLE_OTHER_CERT, STAPLE_UNKNOWN, STAPLE_GARBAGE,
};

/* What the CRL or OCSP address in the certificate answers. */
enum case_status {
    STATUS_NOT_NAMED,           /* the certificate has no such address */
    STATUS_GOOD, STATUS_REVOKED, STATUS_STALE, STATUS_WRONG_KEY, STATUS_GARBAGE, STATUS_MISSING,
};

/* Days from the lab's start; both 0: the usual. */
struct case_days {
    int from, to;
};

struct site;
struct pki;

struct case_recipe {
    struct mill_spec leaf;      /* what is not set is filled in: subject and names from host */
    struct case_days days;
    bool no_names, no_subject;
    enum mill_key key;
    enum case_issuer issuer;
    struct mill_spec ca;        /* BY_OWN_CA: tweaks to that intermediate */
    struct case_days ca_days;
    enum mill_key ca_key;
    const char *interceptor;    /* BY_INTERCEPTOR: subject of its root, RFC 4514 text */
    bool interceptor_trusted;   /* its root is in local-roots.pem */
    const char *send;           /* what goes out: L leaf, C its issuer, R root, U something
                                 * unrelated, O the older cross-sign; NULL: "LC" */
    bool aia;                   /* the leaf says where its issuer can be fetched */
    enum case_scts scts;
    enum case_status crl, ca_crl, ocsp;
    enum case_staple staple;
    const char *pin;            /* the key of this name in {pin-NAME} */
    int (*mint)(struct site *s, struct pki *p);         /* instead of all the above */
};

/* How the server behaves before, or instead of, TLS. */
enum case_fault {
    FAULT_NONE,
    FAULT_RESET, FAULT_FIN, FAULT_HANG,
    FAULT_ALERT,                /* .arg: the alert's number */
    FAULT_RESET_LATE,           /* after half of the first flight */
    FAULT_TRUNCATE,             /* FIN after .arg bytes of the first flight */
    FAULT_DRIP,                 /* .arg bytes each 50 ms */
    FAULT_BYTES,                /* .bytes instead of a ServerHello, then FIN */
    FAULT_CORRUPT,              /* a bit is flipped, .arg bytes before the first flight's end */
    FAULT_OLD_FLIGHT,           /* a flight written by hand: .suite, .dh_bits */
};

struct case_tls {
    int min, max;               /* TLS1_VERSION …; 0: 1.2 to 1.3 */
    const char *ciphers;        /* OpenSSL's words, for TLS 1.2 and before; NULL: ours */
    const char *groups;
    const char *dh_group;       /* name of a finite-field group */
    bool want_client_cert;
    enum case_fault fault;
    int arg;
    const char *bytes;
    uint16_t suite;
    int dh_bits;
    const char *alpn;           /* the only protocol it speaks; NULL: http/1.1 */
};

struct lab_case {
    const char *name;           /* "expired"; the host is NAME.lab.test … */
    const char *host;           /* … unless it is given */
    const char *a_labels;       /* of a host with other letters than ASCII */
    const char *group;
    const char *wrong;          /* one sentence */
    const char *verdict;        /* private, inspected, untrusted, blocked, unreachable */
    const char *must, *not_;    /* finding codes, space between; NULL none */
    const char *options;        /* of `midwatch check`, space between; {words} are filled in */
    enum lab_door door;
    struct case_recipe cert;
    struct case_tls tls;
};

struct case_table {
    const struct lab_case *cases;
    size_t n;
};

/* cases_*.c */
extern const struct case_table cases_good, cases_name, cases_authority, cases_chain, cases_time,
    cases_revocation, cases_transparency, cases_pin, cases_parameters, cases_middle, cases_reach;

size_t case_count(void);
const struct lab_case *case_at(size_t i);

enum { CASE_HOST_TEXT = 256 };
/* As typed by a person, and as it stands in certificates and on the wire. */
void case_host(const struct lab_case *c, char host[CASE_HOST_TEXT]);
void case_server_name(const struct lab_case *c, char host[CASE_HOST_TEXT]);

/* The number of the case that a server name belongs to, "" for none sent; -1: none.  Names
 * below fleet.lab.test all belong to "fleet". */
int case_find(struct mw_span server_name);

/* Is the code among space-separated words? */
bool case_word(const char *words, struct mw_span word);

#endif
