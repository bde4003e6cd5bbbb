/*
 * What a worker remembers of its latest sessions, to answer `gate why` and `gate top`.
 * Bounds: HISTORY_MAX records, the oldest goes first.
 */
#ifndef GATE_WORKER_HISTORY_H
#define GATE_WORKER_HISTORY_H

#include "gate/wire/audit.h"

enum { HISTORY_MAX = 2048 };

struct history;

MW_MUST_CHECK int history_new(struct history **out);
void history_free(struct history *h);   /* NULL ok */

/* A copy of the record: when a session has ended. */
void history_add(struct history *h, const struct audit_record *r);

/* The JSON answer to {"ask":"why","host":H,"client":A}: newest first, at most 20.  host matches
 * exactly, or as a domain if it begins with a dot. */
MW_MUST_CHECK int history_why(const struct history *h, const char *host, const char *client,
                              struct buf *json);

/* One session of `top`, as JSON into an open array; the worker calls it for each open session. */
void history_session_json(struct buf *json, const struct audit_record *r, int64_t now_ms);

#endif
