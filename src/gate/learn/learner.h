/*
 * Tells "this app pins" from "this device lacks our CA" from "the network is bad", by evidence,
 * and keeps the exceptions that follow.
 * Life:   learner_new() -> learner_take()* -> learner_free()
 * Memory: bounded counts of clients, apps and hosts; state in the store survives.
 * Time:   told.
 */
#ifndef GATE_LEARN_LEARNER_H
#define GATE_LEARN_LEARNER_H

#include "base/store.h"
#include "gate/wire/learn.h"

struct learner;

/* The file "learned.db" in this folder.  As store_open(). */
MW_MUST_CHECK int learner_store_open(struct store **out, const char *folder, char *error);

/* config: outlives the learner, or the next learner_reload().  The store outlives it too.
 * Errors here and below: < 0 -errno, > 0 as base/store.h; what was learned meanwhile holds until
 * the process ends, and is offered to the store again. */
MW_MUST_CHECK int learner_new(struct learner **out, struct store *store,
                              const struct gate_config *config);
void learner_free(struct learner *l);   /* NULL ok */
void learner_reload(struct learner *l, const struct gate_config *config);

/* *changed: what learner_learned() answers is another now: tell the workers. */
MW_MUST_CHECK int learner_take(struct learner *l, const struct learn_evidence *e, bool *changed);

/* What time alone changes: ends, trials; and the store is told what it was not told yet.  Every
 * minute or so, and by itself whenever evidence comes.  *changed: as above, else untouched. */
MW_MUST_CHECK int learner_tick(struct learner *l, struct mw_wall now, bool *changed);

/* Exceptions in force (not proposals), the caller's array (free()), strings the learner's until the
 * next call with it. */
MW_MUST_CHECK int learner_learned(struct learner *l, struct mw_wall now,
                                  struct gate_learned **items, size_t *n);

/* Consents: the same for people's "continue anyway". */
MW_MUST_CHECK int learner_consent(struct learner *l, const struct gate_consent *c);
MW_MUST_CHECK int learner_consents(struct learner *l, struct mw_wall now,
                                   struct gate_consent **items, size_t *n);

/* `midwatch gate learned [list|accept ID|remove ID|explain ID]` as questions: {"ask":"learned",
 * "do":"list"}; the JSON answer.  *changed as above. */
MW_MUST_CHECK int learner_query(struct learner *l, struct mw_wall now, struct mw_span json,
                                struct buf *answer, bool *changed);

#endif
