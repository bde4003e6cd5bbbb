/* What workers and the parent say, and what they are told. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/scribe/scribe.h"
#include "gate/wire/config_part.h"
#include "gate/wire/control.h"

/* ----------------------------------------------------------------------------- telling ---- */

static void tell_one(struct scribe_worker *w, struct mw_span message)
{
    if (w->channel != NULL && channel_send(w->channel, message) < 0)
        log_warning("gate scribe: worker %u does not listen", w->index);
}

void scribe_tell(struct scribe *s, struct mw_span message)
{
    for (unsigned i = 0; i < s->workers; i++)
        tell_one(&s->worker[i], message);
}

static void tell(struct scribe *s, struct scribe_worker *only, const struct buf *message)
{
    if (buf_error(message) != 0)
        log_error("gate scribe: a message to the workers could not be made: %s",
                  strerror(-buf_error(message)));
    else if (only != NULL)
        tell_one(only, buf_span(message));
    else
        scribe_tell(s, buf_span(message));
}

void scribe_tell_state(struct scribe *s, struct scribe_worker *only)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(4096);
    const struct audit_state state = { .failing = s->failing, .why = s->why };

    audit_state_write(&message, &state);
    tell(s, only, &message);
}

void scribe_tell_learned(struct scribe *s, struct scribe_worker *only)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(own_free) struct gate_learned *items = NULL;
    size_t n = 0;

    if (s->learner != NULL && learner_learned(s->learner, wall_now(), &items, &n) != 0)
        log_error("gate scribe: what was learned cannot be told: out of memory");
    learned_write(&message, items, n);
    tell(s, only, &message);
}

void scribe_tell_consents(struct scribe *s, struct scribe_worker *only)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(own_free) struct gate_consent *items = NULL;
    size_t n = 0;

    if (s->learner != NULL && learner_consents(s->learner, wall_now(), &items, &n) != 0)
        log_error("gate scribe: consents cannot be told: out of memory");
    consents_write(&message, items, n);
    tell(s, only, &message);
}

void scribe_tell_unlock(struct scribe *s, struct scribe_worker *only)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(2048), message = BUF_INIT(4096);

    unlock_write(&json, &s->keylog.unlock);
    if (buf_error(&json) == 0)
        control_write(&message, GATE_QUERY, 0, buf_span(&json));
    tell(s, only, &message);
}

/* ----------------------------------------------------------------------------- hearing ---- */

/* A worker that was taken over may send nonsense for ever: the first, second, fourth, … time is
 * said. */
static void complain(struct scribe_worker *w, const char *what)
{
    uint64_t n = ++w->scribe->malformed;

    if ((n & (n - 1)) == 0)
        log_error("gate scribe: worker %u sent %s (%" PRIu64 " such messages so far)", w->index,
                  what, n);
}

/* A record leaves the socket once it is written, and not before: a scribe that is killed here
 * finds it again, and a full disk keeps it where it is. */
static void take_record(struct scribe_worker *w, struct mw_span message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SCRIBE_ARENA_BYTES);
    struct scribe *s = w->scribe;
    struct audit_record r;
    int e = audit_read(&r, message, &arena);

    if (e == -EINVAL) {
        complain(w, "a record that does not parse: it is not logged");
        return;
    }
    if (e == 0)
        e = s->log != NULL ? audit_log_add(s->log, &r, wall_now()) : -EIO;
    if (e == 0 || e == -EALREADY) {
        scribe_well(s);
        return;
    }
    channel_hold(w->channel);
    w->held = true;
    scribe_fail(s, e);
}

static void take_evidence(struct scribe_worker *w, struct mw_span message)
{
    struct scribe *s = w->scribe;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SCRIBE_ARENA_BYTES);
    struct learn_evidence e;
    bool changed = false;
    int r = learn_read(&e, message, &arena);

    if (r == -EINVAL) {
        complain(w, "a sign for the learner that does not parse");
        return;
    }
    if (r == 0 && s->learner != NULL)
        r = learner_take(s->learner, &e, &changed);
    if (r != 0)
        log_warning("gate scribe: a sign for the learner was not taken: %s",
                    r < 0 ? strerror(-r) : store_error(s->store));
    if (changed)
        scribe_tell_learned(s, NULL);
}

static void take_consent(struct scribe_worker *w, struct mw_span message)
{
    struct scribe *s = w->scribe;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SCRIBE_ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(1024);
    struct gate_consent c;
    int r = consent_read(&c, message, &arena);

    if (r == -EINVAL) {
        complain(w, "a consent that does not parse");
        return;
    }
    if (r == 0 && s->learner != NULL)
        r = learner_consent(s->learner, &c);
    if (r != 0) {
        log_warning("gate scribe: a consent was not taken: %s",
                    r < 0 ? strerror(-r) : store_error(s->store));
        return;
    }
    buf_printf(&detail, "%s goes on to %s:%u in spite of %s", c.client, c.host, c.port,
               c.findings);
    if (buf_error(&detail) != 0 || scribe_event(s, "consent", (const char *)detail.data) < 0)
        log_error("gate scribe: a consent is in force that the audit log does not hold");
    scribe_tell_consents(s, NULL);
}

static void take_secret(struct scribe_worker *w, struct mw_span message)
{
    struct scribe *s = w->scribe;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SCRIBE_ARENA_BYTES);
    struct gate_keylog k;
    int r = keylog_read(&k, message, &arena);

    if (r == -EINVAL) {
        complain(w, "a TLS secret that is none");
        return;
    }
    if (r == 0)
        r = keylog_take(&s->keylog, &k, wall_now());
    if (r < 0)
        log_error("gate scribe: a TLS secret was not written: %s", strerror(-r));
    else if (r > 0)
        complain(w, "a TLS secret that no unlock covers: it was dropped");
}

static void take_packet(struct scribe_worker *w, struct mw_span message)
{
    struct scribe *s = w->scribe;
    struct gate_packet p;
    int r;

    if (packet_read(&p, message) < 0) {
        complain(w, "a packet that is none");
        return;
    }
    r = keylog_packet(&s->keylog, &p, wall_now());
    if (r < 0)
        log_error("gate scribe: a packet was not written: %s", strerror(-r));
}

static void take_answer(struct scribe_worker *w, struct mw_span message)
{
    struct scribe *s = w->scribe;
    struct mw_span json;
    uint64_t id;

    if (control_read(&id, &json, message) < 0) {
        complain(w, "an answer that does not parse");
    } else if (id != 0) {
        control_answer(s->control, id, (int)w->index, json);
    } else { /* {"hello":true}: its life begins */
        scribe_tell_learned(s, w);
        scribe_tell_consents(s, w);
        scribe_tell_state(s, w);
        if (s->keylog.unlock.until.s != 0)
            scribe_tell_unlock(s, w);
    }
}

void scribe_on_worker(void *context, struct mw_span message)
{
    struct scribe_worker *w = context;

    w->scribe->handled++;
    if (message.len == 0) {     /* one of the gate's that we took over from: it has ended */
        channel_free(w->channel);
        w->channel = NULL;
        control_gone(w->scribe->control, w->index);
        return;
    }
    switch (message.data[0]) {
    case GATE_AUDIT:
        take_record(w, message);
        break;
    case GATE_LEARN:
        take_evidence(w, message);
        break;
    case GATE_CONSENT:
        take_consent(w, message);
        break;
    case GATE_KEYLOG:
        take_secret(w, message);
        break;
    case GATE_PACKET:
        take_packet(w, message);
        break;
    case GATE_QUERY_ANSWER:
        take_answer(w, message);
        break;
    default:
        complain(w, "a message of a kind that workers do not send");
    }
}

/* Records that could not be written are tried again. */
void scribe_resume(struct scribe *s)
{
    for (unsigned i = 0; i < s->workers; i++)
        if (s->worker[i].held) {
            s->worker[i].held = false;
            channel_resume(s->worker[i].channel);
        }
}

static void take_config(struct scribe *s, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r = config_part_take(&s->parts, message);

    if (r == CONFIG_PART_MORE)
        return;
    if (r == CONFIG_PART_WHOLE)
        r = scribe_use_config(s, buf_span(&s->parts), &error);
    if (r != 0)
        log_error("gate scribe: a new configuration was not taken: %s",
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
    buf_deinit(&s->parts);
    s->parts = (struct buf)BUF_INIT(CONFIG_PART_TOTAL);
}

void scribe_on_parent(void *context, struct mw_span message)
{
    struct scribe *s = context;
    struct mw_span json;
    uint64_t id;

    if (message.len == 0) { /* the parent is gone: nobody would restart us */
        uv_stop(&s->loop);
        return;
    }
    if (message.data[0] == GATE_CONFIG)
        take_config(s, message);
    else if (message.data[0] == GATE_QUERY_ANSWER && control_read(&id, &json, message) == 0)
        control_answer(s->control, id, -1, json);
    else
        log_error("gate scribe: the parent sent a message of kind %u", message.data[0]);
}
