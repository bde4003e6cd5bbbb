/*
 * The parent process: it reads the configuration, binds the listeners, keeps both ends of every
 * channel, and starts what dies again.  It faces nobody.
 * Life:   parent_new() -> parent_start() -> parent_run() -> parent_free()
 */
#ifndef GATE_PARENT_PARENT_H
#define GATE_PARENT_PARENT_H

#include <jansson.h>
#include <uv.h>

#include "gate/parent/notify.h"
#include "gate/policy/config.h"
#include "gate/wire/channel.h"
#include "gate/wire/counters.h"
#include "gate/wire/process.h"

enum {
    PARENT_BACKOFF_MS = 100,    /* first wait before a process is started again … */
    PARENT_BACKOFF_MAX_MS = 10000,
    PARENT_WELL_MS = 60000,     /* … forgotten after so long a life */
    PARENT_FALSE_STARTS = 3,    /* ends of one process before the gate was ever ready */
    PARENT_DRAIN_MS = 30000,
    PARENT_SCRIBE_MS = 5000,    /* for the scribe to end once it was told */
    PARENT_TAKEOVER_MS = 60000, /* for a successor to be ready */
    TICKET_PERIOD_S = 12 * 3600,
};

enum child_role { CHILD_FORGE, CHILD_SCRIBE, CHILD_WORKER };

struct parent;
struct successor;

struct child {
    struct parent *parent;
    enum child_role role;
    unsigned index;             /* of workers */
    uv_process_t process;
    uv_timer_t again;
    bool running, closing;
    bool up;                    /* it said so */
    bool kept_down;             /* not to be started again */
    bool anew;                  /* stopped by us, to be started anew */
    int channel[2];             /* [0] the parent's end, which `talk` owns; [1] the child's */
    struct channel *talk;
    int64_t began_ms, wait_ms;
    unsigned deaths;
};

/* One of the config's listeners: a socket for each worker, all on one address. */
struct bound {
    struct addr at;             /* with the port it got */
    int fds[PROCESS_MAX_WORKERS];
};

/* A socket that was open before we began: systemd's, or the gate's that we take over from. */
struct given {
    int fd;                     /* -1: in use now */
    struct addr at;
    bool has_entrance;
    enum gate_entrance entrance;
};

/* What still comes from the workers of the gate that we took over from. */
struct guest {
    int scribe_fd, counters_fd;
};

struct parent {
    uv_loop_t loop;
    uv_signal_t signals[4];
    uv_timer_t tickets, end, watchdog;
    char *config_path, *extra;  /* as given; read again at a reload */
    struct gate_bundle *bundle;
    struct gate_config *config;
    unsigned workers;
    struct bound *bounds;
    size_t n_bounds;
    struct given *given;
    size_t n_given;
    int (*forge_pairs)[2], (*scribe_pairs)[2];  /* [0] the worker's end */
    int *counters;
    struct gate_counters **pages;
    struct guest guests[PROCESS_MAX_WORKERS];
    unsigned n_guests;
    struct child *children;     /* forge, scribe, then the workers */
    size_t n_children;
    uint8_t seed[32];
    uint64_t period;
    uint8_t ca_stamp[32];
    char *program, **argv;      /* of the gate itself; argv is borrowed */
    const char *ready_file;
    int lock_fd;
    int takeover_fd;            /* to the gate that we take over from; -1: none */
    struct successor *successor;        /* who takes over from us */
    struct notify notify;
    int64_t began_ms;
    bool ready, ending, failed;
    unsigned ends_asked;
};

/* extra: config text of the command line's.  0, or with `error`. */
MW_MUST_CHECK int parent_new(struct parent **out, const char *config_path, const char *extra,
                             char **argv, struct buf *error);
void parent_free(struct parent *p);     /* NULL ok */

/* Binds, makes the CA if there is none, starts everybody.  0, or with `error`. */
MW_MUST_CHECK int parent_start(struct parent *p, struct buf *error);

/* Until it is told to end.  The exit status. */
int parent_run(struct parent *p);

/* Somebody is up: if now all are, the gate is ready. */
void parent_look(struct parent *p);

/* What is missing; NULL: nothing.  The text is valid until the next call. */
const char *parent_not_ready(const struct parent *p, char text[128]);

/* Accept no more, end when all sessions have; the second time: now. */
void parent_end(struct parent *p);

/* Everybody who was started is stopped at once, and waited for. */
void parent_abort(struct parent *p);

/* ---- its parts ---- */

/* reload.c: the configuration, its bundle with the gate's own CA in it. */
MW_MUST_CHECK int config_read_anew(const struct parent *p, struct gate_bundle **bundle,
                                   struct gate_config **config, struct buf *error);
/* Makes the CA if there is none, puts its certificates in, and says by `stamp` which they are. */
MW_MUST_CHECK int bundle_complete(struct gate_bundle *b, const struct gate_config *c,
                                  uint8_t stamp[32], struct buf *error);
/* A descriptor of its own to read the bundle from, which nobody can change.  The caller's. */
MW_MUST_CHECK int bundle_open(const struct gate_bundle *b, int *out);
/* 0: everybody was told; or with `error`: the old configuration stays. */
MW_MUST_CHECK int parent_reload(struct parent *p, struct buf *error);
void parent_reload_said(struct parent *p);      /* the same, with a line in the log */
/* Renews what of the CA ends soon. */
void parent_tend(struct parent *p);

/* state.c: the state folder, its owner, and that nobody else uses it. */
MW_MUST_CHECK int state_take(struct parent *p, const struct gate_config *c, struct buf *error);

/* listeners.c.  0, or with `error`. */
MW_MUST_CHECK int listeners_bind(struct parent *p, struct buf *error);
void listeners_close(struct parent *p);
void listener_url(struct buf *out, const struct parent *p, size_t i);

/* given.c: sockets of systemd's (sd_listen_fds(3)).  Those that stay unused are closed. */
MW_MUST_CHECK int given_from_systemd(struct parent *p);
MW_MUST_CHECK int given_add(struct parent *p, int fd, const char *url);
void given_close(struct parent *p);
/* One that fits the listener, whose owner is the caller then; -1: none. */
int given_take(struct parent *p, const struct gate_listener *l, struct addr *at);

/* children.c */
MW_MUST_CHECK int children_new(struct parent *p);
MW_MUST_CHECK int child_start(struct child *c, struct buf *error);
void child_stop(struct child *c, int signal);
void child_renew(struct child *c);      /* ends, and comes back at once */
/* Tells it that the parent is gone: it ends when it has done what lies there.  It can be started
 * again afterwards. */
void child_leave(struct child *c);
void children_tell(struct parent *p, struct mw_span message, bool workers_only);
void children_free(struct parent *p);
const char *child_name(const struct child *c, char text[32]);
bool children_any(const struct parent *p);

/* upgrade.c: a new gate takes over from this one.  0: it was begun; or with `error`. */
MW_MUST_CHECK int upgrade_begin(struct parent *p, struct buf *error);
void upgrade_child_ended(struct parent *p, const struct child *c);
void upgrade_free(struct parent *p);
/* The other side: what was handed to us, if anything was. */
MW_MUST_CHECK int takeover_begin(struct parent *p, struct buf *error);
void takeover_ready(struct parent *p);

/* queries.c: a message of a child's. */
void parent_asked(struct child *c, struct mw_span message);

#endif
