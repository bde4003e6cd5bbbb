/*
 * A rule: who, where, what, when; and what follows.  Every condition that is written must be met;
 * of the values of one condition, one is enough.
 */
#ifndef GATE_POLICY_RULE_H
#define GATE_POLICY_RULE_H

#include "gate/policy/decide.h"
#include "gate/policy/names.h"
#include "gate/policy/net.h"
#include "gate/policy/when.h"

struct load;

struct ports {
    const struct port_range {
        uint16_t from, to;
    } *items;
    size_t n;
};

struct words {
    const char *const *items;
    size_t n;
};

enum tri { TRI_ANY, TRI_NO, TRI_YES };

/* What is done about findings; -1: nothing is said. */
struct on_findings {
    signed char act[MW_CODES];
};

struct gate_rule {
    struct ucl_place at;
    const char *label;          /* NULL: none */
    const char *text;           /* "rule 3 (finance)" */

    struct nets clients;
    struct words users, groups;         /* one of either */

    bool has_names;             /* names, categories or apps are asked for: one of them */
    struct names names;
    struct words categories, apps;      /* as written; resolved into the next */
    const struct names **lists; /* of `list` sections */
    size_t n_lists;
    struct nets destinations;
    struct ports ports;

    unsigned entrances;         /* bit of enum gate_entrance; 0: any */
    struct words ja4;           /* "…*": what begins so */
    enum tri tls, sni_missing, ech, client_cert;
    bool has_findings;
    bool findings[MW_CODES];    /* one of them */

    struct when when;

    enum gate_action action;    /* GATE_UNDECIDED: only `on` */
    const char *reason;         /* "" none */
    bool exceptions;            /* learned ones and the catalogue go before its inspect */
    bool whole_suffix;
    bool has_on;
    struct on_findings on;
};

/* A `rule` or `exception` section. */
MW_MUST_CHECK int rule_read(struct load *l, const struct ucl *node, struct gate_rule *rule);

/* Once all is read: its text, and the lists it names. */
MW_MUST_CHECK int rule_finish(struct load *l, struct gate_rule *rule, size_t number);

/* Does the rule cover this name? */
bool rule_covers_name(const struct gate_rule *rule, const char *name);

/* Which of its conditions the session does not meet, a clause; NULL: it fits. */
const char *rule_misfit(const struct gate_rule *rule, const struct gate_facts *f);

#endif
