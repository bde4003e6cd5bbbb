/*
 * One request and its answer on their way through the row of stages, for both HTTP versions.
 *
 *     exchange_open()      NULL: nobody wants it, pass everything on
 *     exchange_head(), exchange_body()*, exchange_end()       for the request
 *     exchange_head(), exchange_body()*, exchange_end()       for the answer, perhaps meanwhile
 *     exchange_free()
 *
 * Answers: CONTENT_PASS, CONTENT_HOLD, CONTENT_BLOCK, or -ENOMEM.
 *          HOLD: read nothing more of that side; once on_wake came, make the same call again (a
 *          body's with an empty piece: the one before was taken).  end is never called before a
 *          held body passed.
 *          BLOCK: *why is filled; all that is left to do is exchange_free().
 * Memory:  one block for each exchange that a stage wants, and what stages hold.
 * 1xx answers do not pass the stages.  A message without a body has a head and an end.
 */
#ifndef GATE_BRIDGE_EXCHANGE_H
#define GATE_BRIDGE_EXCHANGE_H

#include "gate/bridge/content.h"

/* Something held may go on: repeat the calls that were answered with HOLD. */
typedef void exchange_wake_fn(void *owner);

/* 0: *out is the owner's, or NULL.  < 0: -ENOMEM, or what a stage's open said: then the exchange
 * must not go on. */
MW_MUST_CHECK int exchange_open(struct content_exchange **out, const struct content_row *row,
                                const struct content_head *request, exchange_wake_fn *on_wake,
                                void *owner);
void exchange_free(struct content_exchange *x);         /* NULL ok */

/* An open stage may change bodies' length: pass no Content-Length on, frame anew. */
bool exchange_changes(const struct content_exchange *x);

/* For all of these x may be NULL, and then everything passes. */
MW_MUST_CHECK int exchange_head(struct content_exchange *x, const struct content_head *head,
                                struct content_block *why);

/* *out: what may go on; borrowed from the piece, or from x until its next call. */
MW_MUST_CHECK int exchange_body(struct content_exchange *x, enum content_side side,
                                struct mw_span piece, struct mw_span *out,
                                struct content_block *why);
MW_MUST_CHECK int exchange_end(struct content_exchange *x, enum content_side side,
                               struct mw_span *out, struct content_block *why);

#endif
