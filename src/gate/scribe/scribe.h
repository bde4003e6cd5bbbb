/*
 * Inside the scribe process: what scribe.c (its life), scribe_hear.c (workers and the parent) and
 * scribe_ask.c (the control socket) share.
 */
#ifndef GATE_SCRIBE_SCRIBE_H
#define GATE_SCRIBE_SCRIBE_H

#include <uv.h>

#include "gate/control/control.h"
#include "gate/learn/learner.h"
#include "gate/scribe/keylog.h"
#include "gate/scribe/log.h"
#include "gate/scribe/syslog.h"
#include "gate/wire/channel.h"
#include "gate/wire/process.h"

enum { SCRIBE_ARENA_BYTES = 512 * 1024, SCRIBE_WHY = 256 };

struct scribe;

struct scribe_worker {
    struct scribe *scribe;
    unsigned index;
    struct channel *channel;
    bool held;                  /* its next record could not be written */
};

struct scribe {
    uv_loop_t loop;
    uv_timer_t second;
    uv_signal_t end;
    struct gate_bundle *bundle;
    struct gate_config *config;
    struct buf parts;           /* of a new bundle */
    unsigned workers;
    struct scribe_worker worker[PROCESS_MAX_WORKERS];
    struct gate_counters *counters[PROCESS_MAX_WORKERS];
    struct channel *parent;
    struct audit_log *log;      /* NULL: it could not be opened yet */
    bool failing;
    char why[SCRIBE_WHY];
    struct store *store;
    struct learner *learner;    /* NULL: its store could not be opened; nothing is learned */
    struct mw_wall learner_told;
    struct control *control;
    struct dns *dns;
    struct syslog *syslog;      /* NULL: none */
    struct keylog keylog;
    uint64_t handled, malformed;
};

/* ---- scribe.c ---- */

/* An event of the gate's own.  < 0: it is not in the log. */
MW_MUST_CHECK int scribe_event(struct scribe *s, const char *what, const char *detail);
void scribe_fail(struct scribe *s, int error);
void scribe_well(struct scribe *s);
int scribe_use_config(struct scribe *s, struct mw_span bytes, struct buf *error);

/* ---- scribe_hear.c ---- */

void scribe_on_worker(void *context, struct mw_span message);
void scribe_on_parent(void *context, struct mw_span message);
void scribe_resume(struct scribe *s);

/* To all workers; or to one. */
void scribe_tell(struct scribe *s, struct mw_span message);
void scribe_tell_state(struct scribe *s, struct scribe_worker *only);
void scribe_tell_learned(struct scribe *s, struct scribe_worker *only);
void scribe_tell_consents(struct scribe *s, struct scribe_worker *only);
void scribe_tell_unlock(struct scribe *s, struct scribe_worker *only);

/* ---- scribe_ask.c ---- */

extern const struct control_events scribe_control_events;

#endif
