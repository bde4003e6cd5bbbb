/*
 * The parent process: it reads the configuration, binds the listeners, keeps both ends of every
 * channel, and starts what dies again.  It faces nobody.
 * Life:   parent_new() -> parent_start() -> parent_run() -> parent_free()
 */
#ifndef GATE_PARENT_PARENT_H
#define GATE_PARENT_PARENT_H

#include <uv.h>

#include "gate/policy/config.h"
#include "gate/wire/channel.h"
#include "gate/wire/process.h"

enum {
    PARENT_BACKOFF_MS = 100,    /* first wait before a process is started again … */
    PARENT_BACKOFF_MAX_MS = 10000,
    PARENT_WELL_MS = 60000,     /* … forgotten after so long a life */
    PARENT_DRAIN_MS = 30000,
    TICKET_PERIOD_S = 12 * 3600,
};

enum child_role { CHILD_FORGE, CHILD_SCRIBE, CHILD_WORKER };

struct parent;

struct child {
    struct parent *parent;
    enum child_role role;
    unsigned index;             /* of workers */
    uv_process_t process;
    uv_timer_t again;
    bool running, closing;
    int channel[2];             /* [0] the parent's end, [1] the child's */
    struct channel *talk;
    int64_t began_ms, wait_ms;
    unsigned deaths;
};

/* One of the config's listeners: a socket for each worker, all on one address. */
struct bound {
    struct addr at;             /* with the port it got */
    int fds[PROCESS_MAX_WORKERS];
};

struct parent {
    uv_loop_t loop;
    uv_signal_t signals[5];
    uv_timer_t tickets, end;
    char *config_path, *extra;  /* as given; read again at a reload */
    struct gate_bundle *bundle;
    struct gate_config *config;
    int bundle_fd;
    unsigned workers;
    struct bound *bounds;
    size_t n_bounds;
    int (*forge_pairs)[2], (*scribe_pairs)[2];  /* [0] the worker's end */
    int *counters;
    struct child *children;     /* forge, scribe, then the workers */
    size_t n_children;
    uint8_t seed[32];
    uint64_t period;
    char *program;
    const char *ready_file;
    bool ending;
    unsigned ends_asked;
};

/* extra: config text of the command line's.  0, or with `error`. */
MW_MUST_CHECK int parent_new(struct parent **out, const char *config_path, const char *extra,
                             struct buf *error);
void parent_free(struct parent *p);     /* NULL ok */

/* Binds, makes the CA if there is none, starts everybody.  0, or with `error`. */
MW_MUST_CHECK int parent_start(struct parent *p, struct buf *error);

/* Until it is told to end.  The exit status. */
int parent_run(struct parent *p);

/* Reads the configuration anew.  0: everybody was told; or with `error`: the old one stays. */
MW_MUST_CHECK int parent_reload(struct parent *p, struct buf *error);

/* Accept no more, end when all sessions have; the second time: now. */
void parent_end(struct parent *p);

/* ---- its parts ---- */

/* listeners.c.  fds are the caller's; 0, or with `error`. */
MW_MUST_CHECK int listeners_bind(struct parent *p, struct buf *error);
void listeners_close(struct parent *p);

/* children.c */
MW_MUST_CHECK int children_new(struct parent *p);
MW_MUST_CHECK int child_start(struct child *c, struct buf *error);
void child_stop(struct child *c, int signal);
void children_tell(struct parent *p, struct mw_span message, bool workers_only);
void children_free(struct parent *p);
const char *child_name(const struct child *c, char text[32]);
bool children_any(const struct parent *p);

/* queries.c: a GATE_QUERY of the scribe's. */
void parent_asked(struct child *scribe, struct mw_span message);

/* Everybody who was started is stopped at once, and waited for. */
void parent_abort(struct parent *p);

#endif
