/*
 * The inside of a learner, for its own files.
 */
#ifndef GATE_LEARN_INSIDE_H
#define GATE_LEARN_INSIDE_H

#include "gate/learn/exception.h"
#include "gate/learn/learner.h"

enum {
    INSIDE_EXCEPTIONS = 640,    /* of every state; LEARN_MAX_LEARNED of them in force */
    INSIDE_OF_CLIENT = 16,      /* for one client alone */
    INSIDE_PENDING = 256,       /* signs that the store is told of at once … */
    INSIDE_FLUSH_S = 10,        /* … and how often: more in so long are not kept for a restart */
};

/* A sign on its way to the store. */
struct pending {
    struct mw_wall at;
    enum learn_sign sign;
    uint8_t alert;
    char client[LEARN_MAX_CLIENT + 1], ja4[LEARN_MAX_JA4 + 1], host[LEARN_MAX_HOST + 1];
};

struct consent_item {
    struct consent_item *next;
    int64_t number;
    struct mw_wall made;
    struct gate_consent c;      /* its strings follow */
};

struct learner {
    struct store *store;
    const struct gate_config *config;
    struct evidence evidence;
    struct recall exceptions;   /* struct exception */
    int64_t next_number;
    struct mw_wall now;         /* the latest that we were told */
    struct mw_wall told;        /* by learner_tick() */
    struct mw_wall ticked, swept, tidied;
    struct mw_wall flushed, tried;      /* the store was told of all; was to be told */
    bool rewrite;               /* the store holds exceptions that are gone */
    bool full;                  /* something was not learned for want of room */
    struct pending *pending;    /* INSIDE_PENDING of them */
    size_t n_pending;
    struct consent_item *consents;      /* newest first */
    size_t n_consents, consents_bytes;
    int64_t next_consent;
};

static inline struct exception *exception_of(struct recall_node *n)
{
    return (struct exception *)n;
}

/* In force by its state and by the configuration. */
bool learner_applies(const struct learner *l, const struct exception *x);
struct exception *learner_exception(const struct learner *l, const char *ja4, const char *host);
void learner_facts(const struct learner *l, const struct suspect *s, const struct witness *w,
                   struct mw_wall now, struct reason_facts *f);
MW_MUST_CHECK int learner_drop(struct learner *l, struct exception *x);

/* keep.c: the store.  0, -errno, or > 0 as base/store.h. */
MW_MUST_CHECK int keep_load(struct learner *l);
MW_MUST_CHECK int keep_exception(struct learner *l, struct exception *x);
MW_MUST_CHECK int keep_exception_gone(struct learner *l, const struct exception *x);
void keep_sign(struct learner *l, const struct learn_evidence *e);
MW_MUST_CHECK int keep_flush(struct learner *l, struct mw_wall now);
MW_MUST_CHECK int keep_consent(struct learner *l, const struct consent_item *c);
MW_MUST_CHECK int keep_consent_gone(struct learner *l, int64_t number);

/* consents.c */
MW_MUST_CHECK int consents_put(struct learner *l, int64_t number, struct mw_wall made,
                               const struct gate_consent *c, struct consent_item **out);
void consents_free(struct learner *l);
MW_MUST_CHECK int consents_expire(struct learner *l, struct mw_wall now);
MW_MUST_CHECK int consents_drop(struct learner *l, struct consent_item *c);

#endif
