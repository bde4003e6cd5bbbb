/*
 * The gate's control socket (STATE/control.sock, mode 0600), its metrics and health endpoint, and
 * the commands that ask them: status, top, why, learned, reload, drain.
 * Life (in the scribe): control_new() -> control_answer()* -> control_free()
 * Bounds: 32 connections, 64 KiB of question, 8 MiB of answer; 5 s for the question, 2 s for
 *         what workers say, 10 s for the parent, 5 s for the answer to be taken.
 * Talk:   one JSON object and a newline; the answer's JSON object, then the end.  Who may connect
 *         is root or the gate's own user.
 *
 *     {"ask":"status"}     {"version":…,"workers":[…],"totals":{…},"audit":{…},"gate":{…}}
 *     {"ask":"top"}        {"sessions":[…]}, of all workers
 *     {"ask":"why",…}      {"attempts":[…]}, of all workers, newest first
 *     {"ask":"processes"}, "reload", "upgrade", "drain"       as the parent answers
 *     what is not answered in time is left out, and counted in "missing"
 *
 * HTTP at admin.at: /metrics (Prometheus), /healthz, /readyz.
 */
#ifndef GATE_CONTROL_CONTROL_H
#define GATE_CONTROL_CONTROL_H

#include <uv.h>

#include "gate/policy/config.h"
#include "gate/wire/counters.h"

struct control;

/* What the scribe does for it. */
struct control_events {
    /* Sends a question to all workers and to the parent (GATE_QUERY). */
    void (*ask_all)(void *context, uint64_t id, struct mw_span json);
    /* Answers at once what only the scribe knows: "learned", "audit".  false: not its own. */
    bool (*own)(void *context, struct mw_span json, struct buf *answer);
};

struct control_options {
    const struct gate_config *config;
    struct gate_counters *const *counters;      /* one for each worker */
    unsigned workers;
    const struct control_events *events;
    void *context;
};

MW_MUST_CHECK int control_new(struct control **out, uv_loop_t *loop,
                              const struct control_options *o, struct buf *error);
void control_free(struct control *c);   /* NULL ok */

/* A new policy: admin.at may be another.  With `error` the endpoint stays as it was. */
MW_MUST_CHECK int control_reload(struct control *c, const struct gate_config *config,
                                 struct buf *error);

/* One process's answer to question `id`; from: worker number, or -1: the parent. */
void control_answer(struct control *c, uint64_t id, int from, struct mw_span json);

/* That worker's channel has ended: nothing is to be expected of it any more.  What it counted stays
 * in the sums. */
void control_gone(struct control *c, unsigned worker);

/* For the health endpoint: is the audit log well? */
void control_audit(struct control *c, bool failing, const char *why);

/* Commands; argv[0] is the command's own name.  The exit status. */
int status_command(int argc, char **argv);
int top_command(int argc, char **argv);
int why_command(int argc, char **argv);
int learned_command(int argc, char **argv);
int reload_command(int argc, char **argv);
int drain_command(int argc, char **argv);
int upgrade_command(int argc, char **argv);

/* Asks a running gate; the answer's JSON.  0, or with `error`: no gate runs there, … */
MW_MUST_CHECK int control_ask(const char *state_folder, const char *json, struct buf *answer,
                              struct buf *error);

#endif
