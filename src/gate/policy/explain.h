/*
 * "Which rule fits, and why not the others?", in words.
 */
#ifndef GATE_POLICY_EXPLAIN_H
#define GATE_POLICY_EXPLAIN_H

#include "gate/policy/config.h"

/* Strings as a person types them; NULL where not said. */
struct explain_question {
    const char *host, *asked, *client, *user, *ja4, *entrance, *destination;
    uint16_t port;
    struct mw_wall now;
};

/* 0; -ENOMEM; > 0 with `error`: the question makes no sense. */
MW_MUST_CHECK int explain(const struct gate_config *c, const struct explain_question *q,
                          struct buf *out, struct buf *error);

#endif
