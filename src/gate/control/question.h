/*
 * One question to the gate, who has to answer it, and their answers made into one.
 * Life:   question_init() -> question_take()* -> question_answer() -> question_deinit()
 */
#ifndef GATE_CONTROL_QUESTION_H
#define GATE_CONTROL_QUESTION_H

#include <jansson.h>
#include <stdbool.h>

#include "gate/wire/counters.h"
#include "gate/wire/process.h"

enum question_kind {
    QUESTION_UNKNOWN,
    QUESTION_TOP,               /* every worker: lists that become one */
    QUESTION_WHY,
    QUESTION_PARENT,            /* the parent's answer as it is */
    QUESTION_STATUS,            /* the parent's, and what we know ourselves */
};

enum { QUESTION_WORKERS_MS = 2000, QUESTION_PARENT_MS = 10000 };

struct question {
    enum question_kind kind;
    uint64_t id;
    unsigned workers;
    bool gone[PROCESS_MAX_WORKERS];     /* will not answer */
    json_t *parent, *worker[PROCESS_MAX_WORKERS];
};

/* text: the question.  false: it is no JSON object, or asks for something that nobody knows. */
bool question_init(struct question *q, uint64_t id, unsigned workers, struct mw_span text);
void question_deinit(struct question *q);

int64_t question_limit_ms(const struct question *q);

/* An answer of worker `from`, or of the parent (-1).  true: nothing is missing any more. */
bool question_take(struct question *q, int from, struct mw_span json);

/* A worker that will not answer.  true: nothing is missing any more. */
bool question_gone(struct question *q, unsigned worker);

/* What has come, as one object; NULL: out of memory.  Not for QUESTION_STATUS. */
json_t *question_answer(struct question *q);

/* {"error": text}; NULL: out of memory. */
json_t *question_error(const char *text);

#endif
