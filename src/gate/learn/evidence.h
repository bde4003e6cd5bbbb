/*
 * What was seen of clients, apps and hosts lately, in bounded memory.
 * Life:   evidence_init() -> evidence_take()* and evidence_facts()* -> evidence_deinit()
 * Memory: the tables below, about 10 MiB when all are full; one client cannot fill them alone.
 * Time:   told with each item.
 */
#ifndef GATE_LEARN_EVIDENCE_H
#define GATE_LEARN_EVIDENCE_H

#include "gate/learn/reason.h"
#include "gate/learn/recall.h"
#include "gate/wire/learn.h"

enum {
    EVIDENCE_DEVICES = 4096,
    EVIDENCE_APPS = 8192,
    EVIDENCE_CASES = 2048,
    EVIDENCE_WITNESSES = 4,     /* clients of one case */
    EVIDENCE_RING = 32,         /* signs of one client in one case */
    EVIDENCE_CASES_OF_CLIENT = 32,
    EVIDENCE_APPS_OF_CLIENT = 64,
    EVIDENCE_HOSTS = 16,        /* distinct hosts counted */
    EVIDENCE_SEEN = 16384,
    EVIDENCE_DAY_S = 86400,
};

enum sign_kind { SIGN_WORKED, SIGN_ALERT, SIGN_SILENT, SIGN_WEAK, SIGN_BYPASSED };
enum sign_kind sign_kind(const struct learn_evidence *e);

/* Distinct hosts, by hash. */
struct hosts {
    uint64_t hash[EVIDENCE_HOSTS];
    unsigned n;
};

/* Sessions that worked and that the network broke, in one window's length of time. */
struct tally {
    int64_t period;
    unsigned well, ill;
};

struct device {                 /* by client */
    struct recall_node node;
    struct mw_wall last_used;
    struct hosts refused;       /* since then */
    unsigned failures;
    struct mw_wall last_refused;
    struct tally now, before;
    unsigned cases, apps;
};

struct app {                    /* by client and JA4 */
    struct recall_node node;
    char client[LEARN_MAX_CLIENT + 1];
    struct mw_wall last_used, saved;    /* saved: what the store knows of last_used */
    struct mw_wall touched;             /* by any sign */
    struct hosts refused;       /* since then */
};

struct sign {
    struct mw_wall at;
    uint8_t kind, alert;
};

struct witness {
    char client[LEARN_MAX_CLIENT + 1];  /* "": free */
    uint64_t client_hash;       /* as its device's */
    struct sign ring[EVIDENCE_RING];
    unsigned n;                 /* ever; the last EVIDENCE_RING are kept */
    enum reason reason;         /* what it last came to */
};

struct suspect {                /* by JA4 and host: no success since */
    struct recall_node node;
    char ja4[LEARN_MAX_JA4 + 1], host[LEARN_MAX_HOST + 1];
    struct witness witnesses[EVIDENCE_WITNESSES];
};

/* A success of an app at a host, by hash. */
struct seen {
    uint64_t hash;
    struct mw_wall at;
};

struct evidence {
    struct recall devices, apps, suspects;
    struct seen *seen;
    int64_t window_s;
};

MW_MUST_CHECK int evidence_init(struct evidence *v, int64_t window_s);
void evidence_deinit(struct evidence *v);       /* an all-zero one is fine */

/* 0, or -ENOMEM: then it was not counted. */
MW_MUST_CHECK int evidence_take(struct evidence *v, const struct learn_evidence *e);

/* A window of another length from now on. */
void evidence_rescale(struct evidence *v, int64_t window_s);

/* A success that the store remembers. */
MW_MUST_CHECK int evidence_restore(struct evidence *v, const char *client, const char *ja4,
                                   struct mw_wall last_used);

/* Forgets cases in which nothing happened for a window. */
void evidence_sweep(struct evidence *v, struct mw_wall now);

/* NULL: nothing is held against it. */
struct suspect *evidence_suspect(const struct evidence *v, const char *ja4, const char *host);
struct witness *suspect_witness(struct suspect *s, const char *client);
struct witness *suspect_witness_of(struct suspect *s, const struct device *d);
struct device *evidence_device(const struct evidence *v, const char *client);
struct app *evidence_app(const struct evidence *v, const char *client, const char *ja4);

/* But for `needed` and `unattended`, which are the configuration's; apps_well and apps_refusing
 * only by evidence_count_apps(), which looks at all of them. */
void evidence_facts(const struct evidence *v, const struct suspect *s, const struct witness *w,
                    struct mw_wall now, struct reason_facts *f);
void evidence_count_apps(const struct evidence *v, const char *client, struct mw_wall now,
                         struct reason_facts *f);

/* Signs of this kind within the window. */
unsigned witness_count(const struct witness *w, enum sign_kind kind, struct mw_wall since);

/* RFC 8446 section 6's name of an alert, "alert" for one that we do not know. */
const char *alert_word(uint8_t alert);

#endif
