/*
 * Which rule fits, and what follows.  Pure: facts in, decision out.
 */
#ifndef GATE_POLICY_DECIDE_H
#define GATE_POLICY_DECIDE_H

#include "gate/policy/config.h"
#include "gate/policy/ja4.h"

/* An exception that was learned or removed at run time; see gate/learn/learner.h. */
struct gate_learned {
    const char *id;             /* "pin-7f3a" */
    const char *host;           /* exact, lower-case A-labels */
    const char *ja4;            /* NULL: any client */
    const char *client;         /* address; NULL: any */
    struct mw_wall until;
};

/* A "continue anyway" of a person, for one client. */
struct gate_consent {
    const char *client, *host;
    uint16_t port;
    const char *key;            /* "sha256/…" of the origin's leaf key */
    const char *findings;       /* as struct mw_decision's */
    struct mw_wall until;
};

struct gate_facts {
    struct addr client;
    const char *user;                   /* NULL: not signed in */
    const char *const *groups;          /* NULL-terminated; NULL: none */
    enum gate_entrance entrance;
    const char *host;           /* lower-case A-labels or an address: SNI, else what the client
                                 * asked the proxy for; NULL: unknown */
    const char *asked;          /* what the client asked the proxy for; NULL: transparent */
    struct addr destination;    /* len 0: not resolved yet */
    uint16_t port;
    bool tls;                   /* a ClientHello was read: sni, ja4 and ech are known */
    bool unheard;               /* the client has said nothing yet: it may speak TLS or not */
    bool sni_missing, ech;
    const char *ja4;            /* "" or NULL: unknown */
    const struct mw_verdict *verdict;   /* NULL: not judged yet; rules that ask for findings do
                                         * not fit then */
    bool client_cert_wanted;            /* known after the origin's handshake */
    struct mw_wall now;
};

enum gate_exception_class { GATE_NO_EXCEPTION, GATE_TECHNICAL, GATE_PRIVACY, GATE_PERFORMANCE,
                            GATE_BY_LEARNER, GATE_BY_RULE };
const char *gate_exception_class_name(enum gate_exception_class c);

/* Strings are the config's, or `learned`'s. */
struct gate_decision {
    enum gate_action action;    /* never GATE_UNDECIDED */
    const char *rule;           /* "rule 3 (finance)", "catalogue: screenmeet", "learned",
                                 * "client-cert", "ech", "undefined" */
    const char *reason;         /* one clause for people, a learned exception's id; "" none */
    enum gate_exception_class exception;
    const char *source;         /* where the exception comes from; NULL */
    size_t entry;               /* of the catalogue; SIZE_MAX: none (for counting use) */
    size_t n_rule;              /* place in config->rules of the rule that fitted, also where an
                                 * exception went before it; SIZE_MAX: none */
    unsigned wants;             /* of enum gate_wants: an earlier rule may fit once this is known,
                                 * so ask again then */
    unsigned might_pass;        /* the same, of rules that would not block */
};

enum gate_wants {
    GATE_WANTS_DESTINATION = 1, /* the address behind the name */
    GATE_WANTS_VERDICT = 2,     /* the origin's handshake, judged */
    GATE_WANTS_HELLO = 4,       /* whether the client speaks TLS */
};

/* The first rule that fits, or `undefined`.  What that would inspect may still be excepted: by what
 * the config says of client certificates and of ECH, by learned exceptions, by the catalogue's
 * entries that the config takes.  An inspect rule that names sites lets no learned exception and
 * no catalogue go before it, unless it says `exceptions = yes`.  What is blocked stays blocked.
 *
 * A server name is the client's claim.  Where the client also told the proxy a name and the two
 * differ, what lets a session pass (inspect, bypass, all exceptions) must cover both names, and
 * what blocks it needs to cover only one; what either name alone would have inspected is not
 * bypassed. */
struct gate_decision gate_decide(const struct gate_config *c, const struct gate_learned *learned,
                                 size_t n_learned, const struct gate_facts *f);

/* What to do with an origin that was judged: the strictest of its findings' settings (refuse over
 * ask over sign-untrusted over accept), rules with `on` first.  *code: the finding that decided,
 * MW_CODE_NONE if all is well (then GATE_ON_ACCEPT), or if there is no verdict (then
 * GATE_ON_REFUSE).  A finding that was accepted before (finding->accepted) is not asked about
 * again. */
enum gate_on_finding gate_decide_verdict(const struct gate_config *c, const struct gate_facts *f,
                                         enum mw_code *code);

/* The catalogue (data/exceptions.tsv). */
struct gate_exception {
    const char *id, *name, *domain;     /* ".example.com": it and everything below */
    enum gate_exception_class cls;
    const char *grade, *source, *note;
    const char *category;               /* "bank", "health", …; "" none */
    struct mw_wall expires;             /* to be looked at again; it goes on to apply */
    bool only_named;                    /* taken only by `also`, not with its class */
};
size_t gate_exception_count(void);
const struct gate_exception *gate_exception_at(size_t i);

#endif
