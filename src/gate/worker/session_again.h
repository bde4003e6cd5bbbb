/*
 * A server that is dialled for a bridge at work (session.bridge_dials).
 */
#ifndef GATE_WORKER_SESSION_AGAIN_H
#define GATE_WORKER_SESSION_AGAIN_H

#include "gate/worker/session.h"

/* What it is offered: the one protocol that the client's side speaks.  0 or -ENOMEM. */
MW_MUST_CHECK int session_again_begin(struct session *s);

/* Judged: the bridge goes on if it is what the client was greeted with. */
enum step session_again_judged(struct session *s);

/* It cannot be had: the bridge answers with a page. */
enum step session_again_failed(struct session *s, int status, const char *why);

#endif
