/*
 * A worker: one loop, its sessions, and what they share.  It faces the network and holds no key
 * but its leaves'.
 * Life:   worker_main() (wire/process.h) from start to end.
 */
#ifndef GATE_WORKER_WORKER_H
#define GATE_WORKER_WORKER_H

#include <uv.h>

#include "base/arena.h"
#include "gate/bridge/content.h"
#include "gate/policy/decide.h"
#include "gate/wire/audit.h"
#include "gate/wire/channel.h"
#include "gate/wire/counters.h"
#include "gate/wire/learn.h"
#include "gate/wire/unlock.h"
#include "gate/worker/algorithms.h"
#include "gate/worker/history.h"
#include "gate/worker/judge.h"
#include "gate/worker/kept.h"
#include "gate/worker/mint.h"
#include "gate/worker/resolve.h"
#include "gate/worker/resume.h"
#include "gate/worker/sides.h"
#include "gate/worker/signing.h"

enum {
    WORKER_SCRATCH = 64 * 1024,
    WORKER_PIPES = 64,          /* kept open for bypassed sessions to borrow */
    WORKER_CLIENTS = 4096,      /* buckets of the count by client address */
};

/* What was learned, as the scribe last told it.  Sessions keep the one they began with. */
struct learned_set {
    unsigned references;
    struct arena arena;
    struct gate_learned *items;
    size_t n;
};
void learned_unref(struct learned_set *l);      /* NULL ok */

struct consent_set {
    struct arena arena;
    struct gate_consent *items;
    size_t n;
};

/* Given here a moment ago, on their way to the scribe and back. */
enum { FRESH_CONSENTS = 16 };
struct fresh_consent {
    struct arena arena;
    struct gate_consent c;      /* client NULL: none */
};

struct session;
struct pipe_pair {
    int fds[2];
};

struct worker_listener {
    struct worker *worker;
    const struct gate_listener *settings;
    uv_poll_t poll;
    int fd;
    struct addr at;             /* where it listens in fact: no port of 0 */
    size_t index;
    bool open;
};

struct worker {
    uv_loop_t loop;
    struct gate_config *config;
    struct gate_bundle *bundle;
    struct buf parts;                   /* a config under way */
    struct buf ca;                      /* our root, DER: what people install */
    struct learned_set *learned;
    struct consent_set consents;
    struct fresh_consent fresh[FRESH_CONSENTS];
    size_t fresh_next;
    struct dns *dns;
    struct resolve resolve;
    struct judging *judging;
    struct mint *mint;
    struct resume resume;
    struct lru client_certs;            /* servers that want a client's certificate */
    struct algorithms algorithms;
    struct sides sides;
    struct signings signings;
    struct history *history;
    struct channel *parent, *scribe;
    struct gate_counters *counters;
    struct content_limits limits;
    struct content_stage limits_stage;
    const struct content_stage *stages[1];
    struct content_row row;

    struct worker_listener *listeners;
    size_t n_listeners;
    struct session *sessions;           /* newest first */
    size_t n_sessions;
    uint16_t clients[WORKER_CLIENTS];   /* sessions by client, by hash: an upper bound */
    uint64_t client_seed;
    struct kept_list kept;
    struct session *ready;              /* have work left over from this turn */
    uv_idle_t more;
    uv_timer_t tick;

    struct pipe_pair pipes[WORKER_PIPES];
    size_t n_pipes;
    int spare_fd;                       /* given up to say no when descriptors run out */
    bool draining;
    bool audit_failing;                 /* the scribe says so, until it says otherwise */
    bool audit_full;                    /* a record did not go; until the scribe has caught up */
    unsigned index;
    uint64_t life, serial;              /* name the audit records */
    uint8_t consent_key[2][32];
    struct gate_unlock unlock;
    uint64_t used_lately[4096];         /* clients whose success the scribe was told */
    int64_t used_since_ms;

    uint8_t scratch[WORKER_SCRATCH];    /* plaintext of the session at work; wiped after it */
    uint8_t hello_scratch[HELLO_MAX_BYTES];
};

/* The listening socket of the config's listener `index`; fd is the worker's. */
MW_MUST_CHECK int worker_listen(struct worker *w, size_t index, int fd);

/* Accept no more; end once the last session has. */
void worker_drain(struct worker *w);
MW_MUST_CHECK int worker_turns_init(struct worker *w);

/* {"ask":"unlock", …}: see wire/unlock.h. */
void worker_unlock(struct worker *w, struct mw_span json);

/* ------------------------------------------------------------- for sessions ---- */

/* A pipe, empty; -1: no descriptors. */
MW_MUST_CHECK int worker_pipe_take(struct worker *w, struct pipe_pair *out);
void worker_pipe_give(struct worker *w, struct pipe_pair *p, bool is_empty);

void worker_audit(struct worker *w, const struct audit_record *r);
void worker_learn(struct worker *w, const struct learn_evidence *e);
/* Did the scribe hear of this very success a short while ago? */
bool worker_told_lately(struct worker *w, const struct learn_evidence *e);
void worker_again(struct worker *w, struct session *s);         /* run it next turn */

/* How many sessions this client has, about; counts one more or one less. */
unsigned worker_client_count(const struct worker *w, const struct addr *client);
void worker_client_add(struct worker *w, const struct addr *client, int by);

/* A person's "continue anyway" (consent.c): the path of its form, whether a path is a good one,
 * whether it was given already, and giving it. */
enum { CONSENT_PATH = 96, CONSENT_LIFE_S = 8 * 3600 };
void consent_path(const struct worker *w, const struct gate_consent *c, char path[CONSENT_PATH]);
bool consent_path_good(const struct worker *w, const struct gate_consent *c, struct mw_span path);
const struct gate_consent *consent_find(const struct worker *w, const struct gate_consent *like,
                                        struct mw_wall now);
void worker_consent(struct worker *w, const struct gate_consent *c);
/* It holds for this worker at once: whoever was told to go on is not refused a moment later. */
void consent_fresh(struct worker *w, const struct gate_consent *c);
/* After the scribe told of all there are: what it knows is not fresh any more. */
void consent_settle(struct worker *w);
void consent_deinit(struct worker *w);

#endif
