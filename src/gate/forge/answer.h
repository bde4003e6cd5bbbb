/*
 * An ask in, an answer out.  Holds no state but the rate: what is cached is the workers'.
 */
#ifndef GATE_FORGE_ANSWER_H
#define GATE_FORGE_ANSWER_H

#include "gate/forge/rate.h"
#include "gate/forge/rules.h"

struct answering {
    struct rules rules;         /* ca NULL: there is no usable one, every answer says so */
    struct rate rate;
};

/* Appends a GATE_MINT_ANSWER.  -EINVAL: the message is no ask, nobody can be answered; -ENOMEM
 * and the like: nothing usable was appended. */
MW_MUST_CHECK int leaf_answer_write(struct buf *out, struct answering *a, struct mw_span message,
                                    struct mw_wall clock, struct mono now);

#endif
