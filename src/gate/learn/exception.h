/*
 * An exception that was learned: where it holds, on what evidence, and until when.
 *
 *     proposed --accept or mode--> in force --half of its life--> on trial --failed--> in force
 *                                      |                             |
 *                                   its end                        worked: it goes
 *     removed by a person: not learned again until its end
 */
#ifndef GATE_LEARN_EXCEPTION_H
#define GATE_LEARN_EXCEPTION_H

#include "gate/learn/evidence.h"

enum {
    EXCEPTION_CLIENTS = 4,      /* named in its evidence */
    EXCEPTION_ALERTS = 6,       /* kinds of alerts counted */
    EXCEPTION_ID = 24,
};

enum exception_state {
    EXCEPTION_PROPOSED,
    EXCEPTION_IN_FORCE,
    EXCEPTION_ON_TRIAL,         /* left out for a window, to see whether it is still needed */
    EXCEPTION_REMOVED,          /* by a person */
    EXCEPTION_STATES,
};

struct exception {
    struct recall_node node;    /* by JA4 and host */
    int64_t number;
    char id[EXCEPTION_ID];      /* "pin-17" */
    char ja4[LEARN_MAX_JA4 + 1], host[LEARN_MAX_HOST + 1];
    char client[LEARN_MAX_CLIENT + 1];  /* "": whoever comes with this JA4 */
    enum reason reason;
    enum exception_state state;
    bool accepted;              /* by a person */
    struct mw_wall made, until, trial;  /* trial: when the next begins, or this one ends */

    /* the evidence */
    struct {
        uint8_t alert;
        unsigned n;
    } alerts[EXCEPTION_ALERTS];
    unsigned silent;
    char clients[EXCEPTION_CLIENTS][LEARN_MAX_CLIENT + 1];
    struct mw_wall first_failure, last_failure;
    unsigned renewed;
    uint64_t uses;
    struct mw_wall last_use;

    bool dirty;                 /* differs from what the store has */
};

const char *exception_state_name(enum exception_state s);       /* "in force", … */
MW_MUST_CHECK int exception_state_find(const char *name, enum exception_state *out);

void exception_name(struct exception *x, int64_t number);       /* sets number and id */
bool exception_fits(const struct exception *x, const char *client);

/* One more failure, or all of a witness's within the window. */
void exception_count(struct exception *x, const char *client, uint8_t alert, enum sign_kind kind,
                     struct mw_wall at);
void exception_count_all(struct exception *x, const struct witness *w, struct mw_wall since);

/* From now on it is used, for a whole lifetime. */
void exception_begin(struct exception *x, struct mw_wall now, int64_t lifetime_s);

/* What time alone does.  *over: it ends.  true: sessions are decided otherwise from now on. */
bool exception_turn(struct exception *x, struct mw_wall now, const struct gate_config *config,
                    bool *over);

/* What an inspected or bypassed session of its app and host does to it; likewise. */
bool exception_take(struct exception *x, const struct learn_evidence *e,
                    const struct gate_config *config, bool *over);

#endif
