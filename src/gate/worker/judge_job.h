/*
 * One judgement: judge, fetch what the verdict misses, judge again.
 * Life:   judge_job_new() -> judge_job_turn()* -> judge_job_free()
 * Memory: owns what it copied of the evidence; holds what it fetched until it ends.
 * Bounds: JUDGING_MAX_FETCHES; the caller's clock ends it with judge_job_stop().
 */
#ifndef GATE_WORKER_JUDGE_JOB_H
#define GATE_WORKER_JUDGE_JOB_H

#include "base/arena.h"
#include "gate/worker/judge.h"
#include "gate/worker/judge_policy.h"
#include "probe/shelf.h"

struct judge_job;

/* Something that was fetched arrived, and nothing else is under way: take a turn. */
typedef void judge_job_fn(void *context);

struct judge_fetch {
    struct judge_job *job;
    enum shelf_kind kind;
    const char *url;
    struct shelf_wait *wait;
    const struct shelf_item *item;
};

struct judge_job {
    struct judge_policy *policy;
    struct shelf *shelf;
    struct arena arena;
    struct mw_evidence ev;      /* borrows from the caller's until judge_job_keep() */
    struct mw_verdict *verdict; /* the last turn's */
    bool own_ca;
    struct judge_fetch fetches[JUDGING_MAX_FETCHES];
    size_t n_fetches;
    unsigned under_way;
    bool stopped;
    bool failed;                /* something could not be fetched, or not in time */
    struct mw_wall next_update; /* the earliest of the lists used; 0 none */
    int error;
    judge_job_fn *on_fetched;
    void *context;
};

MW_MUST_CHECK int judge_job_new(struct judge_job **out, const struct mw_evidence *ev,
                                struct judge_policy *policy, struct shelf *shelf,
                                judge_job_fn *on_fetched, void *context);
void judge_job_free(struct judge_job *job);     /* NULL ok */

/* Judges by what is there.  *ended false: fetches are under way, on_fetched comes. */
MW_MUST_CHECK int judge_job_turn(struct judge_job *job, bool *ended);

/* Copies what the evidence borrows.  0, or -ENOMEM. */
MW_MUST_CHECK int judge_job_keep(struct judge_job *job);

/* No more waiting, nothing more is asked for: the next turn ends it. */
void judge_job_stop(struct judge_job *job);

/* Until when its verdict may be used. */
struct mw_wall judge_job_until(const struct judge_job *job);

#endif
