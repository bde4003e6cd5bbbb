/*
 * Passwords whose hash has to be worked out, in threads: slow on purpose, and a guesser must not
 * hold up the loop.
 * Life:   signing_ask() -> on_signed() or signing_cancel()
 * Bounds: SIGNING_RUNNING at a time, so that keys and judgements find a thread; SIGNING_WAITING
 *         wait, of them SIGNING_OF_ONE for the same client.
 */
#ifndef GATE_WORKER_SIGNING_H
#define GATE_WORKER_SIGNING_H

#include <uv.h>

#include "gate/policy/users.h"

enum { SIGNING_RUNNING = 2, SIGNING_WAITING = 128, SIGNING_OF_ONE = 8 };

struct signing;

/* All of one loop.  Zero: none; nothing is left of it once the loop has ended. */
struct signings {
    struct signing *first, *last;       /* not begun yet */
    unsigned running, waiting;
};

/* The door may be fed again; < 0: there is no answer, out of memory. */
typedef void signing_fn(void *context, int error);

/* Takes the question in any case, and a reference to its config.  -EBUSY: too many wait, or too
 * many of this client's. */
MW_MUST_CHECK int signing_ask(struct signings *all, uv_loop_t *loop, struct signing **out,
                              struct sign_in_question *q, struct gate_config *config,
                              const struct addr *client, signing_fn *on_signed, void *context);
void signing_cancel(struct signing *s);         /* NULL ok: it is not called */

#endif
