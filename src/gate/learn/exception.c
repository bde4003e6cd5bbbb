#include "gate/learn/exception.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Workers take a moment to hear of an exception: sessions that began before say nothing. */
enum { GRACE_S = 60, TRIALS_LEFT = 8 };

static const char *const states[EXCEPTION_STATES] = {
    [EXCEPTION_PROPOSED] = "proposed",
    [EXCEPTION_IN_FORCE] = "in force",
    [EXCEPTION_ON_TRIAL] = "on trial",
    [EXCEPTION_REMOVED] = "removed",
};

const char *exception_state_name(enum exception_state s)
{
    return states[s];
}

int exception_state_find(const char *name, enum exception_state *out)
{
    for (size_t i = 0; i < EXCEPTION_STATES; i++) {
        if (strcmp(states[i], name) == 0) {
            *out = (enum exception_state)i;
            return 0;
        }
    }
    return -EINVAL;
}

void exception_name(struct exception *x, int64_t number)
{
    x->number = number;
    snprintf(x->id, sizeof x->id, "pin-%" PRId64, number);
}

bool exception_fits(const struct exception *x, const char *client)
{
    return x->client[0] == '\0' || strcmp(x->client, client) == 0;
}

/* ---- evidence ---- */

static void client_note(struct exception *x, const char *client)
{
    for (size_t i = 0; i < EXCEPTION_CLIENTS; i++) {
        if (strcmp(x->clients[i], client) == 0)
            return;
        if (x->clients[i][0] == '\0') {
            snprintf(x->clients[i], sizeof x->clients[i], "%s", client);
            return;
        }
    }
}

static void alert_note(struct exception *x, uint8_t alert)
{
    for (size_t i = 0; i < EXCEPTION_ALERTS; i++) {
        if (x->alerts[i].n > 0 && x->alerts[i].alert != alert)
            continue;
        x->alerts[i].alert = alert;
        x->alerts[i].n++;
        return;
    }
}

void exception_count(struct exception *x, const char *client, uint8_t alert, enum sign_kind kind,
                     struct mw_wall at)
{
    if (kind == SIGN_ALERT)
        alert_note(x, alert);
    else if (kind == SIGN_SILENT)
        x->silent++;
    else
        return;
    client_note(x, client);
    if (x->first_failure.s == 0 || at.s < x->first_failure.s)
        x->first_failure = at;
    if (at.s > x->last_failure.s)
        x->last_failure = at;
    x->dirty = true;
}

void exception_count_all(struct exception *x, const struct witness *w, struct mw_wall since)
{
    for (unsigned i = 0; i < EVIDENCE_RING && i < w->n; i++)
        if (w->ring[i].at.s > since.s)
            exception_count(x, w->client, w->ring[i].alert, (enum sign_kind)w->ring[i].kind,
                            w->ring[i].at);
}

/* ---- life ---- */

void exception_begin(struct exception *x, struct mw_wall now, int64_t lifetime_s)
{
    x->state = EXCEPTION_IN_FORCE;
    x->until.s = now.s + lifetime_s;
    x->trial.s = now.s + lifetime_s / 2;
    x->dirty = true;
}

/* After a trial in which nobody came, the next one is not far. */
static void trial_over(struct exception *x, struct mw_wall now, const struct gate_config *config)
{
    int64_t pause_s = config->learner.lifetime_s / TRIALS_LEFT;

    if (pause_s < config->learner.window_s)
        pause_s = config->learner.window_s;
    x->state = EXCEPTION_IN_FORCE;
    x->trial.s = now.s + pause_s;
    x->dirty = true;
}

bool exception_turn(struct exception *x, struct mw_wall now, const struct gate_config *config,
                    bool *over)
{
    *over = x->until.s <= now.s;
    if (*over)
        return x->state == EXCEPTION_IN_FORCE;
    if (x->trial.s > now.s)
        return false;
    if (x->state == EXCEPTION_IN_FORCE) {
        x->state = EXCEPTION_ON_TRIAL;
        x->trial.s = now.s + config->learner.window_s;
        x->dirty = true;
        return true;
    }
    if (x->state == EXCEPTION_ON_TRIAL) {
        trial_over(x, now, config);
        return true;
    }
    return false;
}

static bool trial_take(struct exception *x, const struct learn_evidence *e, enum sign_kind kind,
                       const struct gate_config *config, bool *over)
{
    *over = kind == SIGN_WORKED;
    if (kind != SIGN_ALERT && kind != SIGN_SILENT)
        return false;
    exception_count(x, e->client, e->alert, kind, e->at);
    exception_begin(x, e->at, config->learner.lifetime_s);
    x->renewed++;
    return true;
}

static bool force_take(struct exception *x, const struct learn_evidence *e, enum sign_kind kind,
                       bool *over)
{
    if (kind == SIGN_BYPASSED) {
        x->uses++;
        x->last_use = e->at;
        x->dirty = true;
    } else if (kind == SIGN_WORKED && e->at.s > x->made.s + GRACE_S) {
        *over = true;
        return true;
    }
    return false;
}

bool exception_take(struct exception *x, const struct learn_evidence *e,
                    const struct gate_config *config, bool *over)
{
    enum sign_kind kind = sign_kind(e);
    bool fits = exception_fits(x, e->client);

    *over = false;
    switch (x->state) {
    case EXCEPTION_PROPOSED:
        if (fits)
            exception_count(x, e->client, e->alert, kind, e->at);
        *over = fits && kind == SIGN_WORKED;
        return false;
    case EXCEPTION_IN_FORCE:
        if (fits)
            return force_take(x, e, kind, over);
        /* Where it does not hold, the same app works: it is looked at again now. */
        if (kind == SIGN_WORKED && x->trial.s > e->at.s)
            x->trial = e->at;
        return false;
    case EXCEPTION_ON_TRIAL:
        return fits && trial_take(x, e, kind, config, over);
    case EXCEPTION_REMOVED:
    case EXCEPTION_STATES:
        break;
    }
    return false;
}
