/*
 * Connections to the control socket and to the health endpoint, inside the scribe.
 */
#ifndef GATE_CONTROL_CONN_H
#define GATE_CONTROL_CONN_H

#include "gate/control/control.h"
#include "gate/control/question.h"
#include "net/watch.h"

enum {
    CONTROL_MAX_CONNS = 32,
    CONTROL_MAX_QUESTION = 64 * 1024,
    CONTROL_MAX_ANSWER = 8 << 20,
    CONTROL_LIMIT_MS = 5000,
};

struct control_conn;

struct control {
    uv_loop_t *loop;
    const struct control_events *events;
    void *context;
    struct gate_counters *const *counters;
    unsigned workers;
    bool gone[PROCESS_MAX_WORKERS];
    uint64_t next_id;
    bool audit_failing;
    char audit_why[256];

    char *path;                         /* of the control socket */
    uint64_t path_dev, path_inode;      /* the one we made: another's is not removed */
    int unix_fd, admin_fd;
    struct watch *unix_watch, *admin_watch;
    struct addr admin_at;
    struct control_conn *conns;
    unsigned n_conns;
};

/* Owns fd whatever happens. */
void conn_open(struct control *c, int fd, bool is_http);
void conn_close_all(struct control *c);

/* That worker will answer no question. */
void conn_gone(struct control *c, unsigned worker);

/* An answer to question `id`, if a connection still waits for it. */
void conn_answer(struct control *c, uint64_t id, int from, struct mw_span json);

#endif
