/* What the control socket asks that only the scribe knows. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "gate/scribe/scribe.h"
#include "gate/wire/control.h"

enum { REASON_MAX = 200 };

static void ask_all(void *context, uint64_t id, struct mw_span json)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct scribe *s = context;

    control_write(&message, GATE_QUERY, id, json);
    if (buf_error(&message) != 0)
        return;
    scribe_tell(s, buf_span(&message));
    if (channel_send(s->parent, buf_span(&message)) < 0)
        log_warning("gate scribe: the parent does not listen");
}

static void answer_error(struct buf *answer, const char *why)
{
    struct json_out j = { .to = answer };

    json_open(&j, NULL, '{');
    json_text(&j, "error", why);
    json_close(&j, '}');
}

static void answer_audit(struct scribe *s, struct buf *answer)
{
    struct json_out j = { .to = answer };

    json_open(&j, NULL, '{');
    json_flag(&j, "failing", s->failing);
    json_text(&j, "why", s->failing ? s->why : NULL);
    json_text(&j, "folder", s->config->audit.folder);
    json_number(&j, "malformed", (int64_t)s->malformed);
    if (s->syslog != NULL) {
        struct syslog_state state = syslog_state(s->syslog);

        json_open(&j, "syslog", '{');
        json_text(&j, "to", s->config->audit.syslog);
        json_flag(&j, "up", state.up);
        json_number(&j, "sent", (int64_t)state.sent);
        json_number(&j, "lost", (int64_t)state.lost);
        json_number(&j, "waiting", (int64_t)state.waiting);
        json_text(&j, "why", state.why);
        json_close(&j, '}');
    }
    if (s->keylog.unlock.until.s != 0) {
        json_open(&j, "unlock", '{');
        json_time(&j, "until", s->keylog.unlock.until.s * 1000);
        json_text(&j, "client", s->keylog.unlock.client);
        json_text(&j, "host", s->keylog.unlock.host);
        json_number(&j, "written", (int64_t)s->keylog.written);
        if (s->keylog.unlock.packets) {
            json_number(&j, "packets", (int64_t)s->keylog.capture.packets);
            json_number(&j, "packets_dropped", (int64_t)s->keylog.capture.dropped);
        }
        json_close(&j, '}');
    }
    json_close(&j, '}');
}

/* ------------------------------------------------------------------------------ unlock ---- */

/* {"ask":"unlock","for_s":900,"reason":"…","client":A,"host":H,"packets":false}; for_s 0 ends
 * it. */
struct wish {
    struct gate_unlock unlock;
    const char *reason;
    int64_t for_s;
};

static bool wish_text(const json_t *q, const char *key, char *to, size_t room)
{
    const json_t *v = json_object_get(q, key);
    const char *text = json_string_value(v);

    if (v == NULL)
        return true;
    if (text == NULL || strlen(text) >= room || strlen(text) != json_string_length(v))
        return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static const char *wish_read(struct wish *w, const json_t *q, struct mw_wall now)
{
    const json_t *for_s = json_object_get(q, "for_s");
    const json_t *packets = json_object_get(q, "packets");

    *w = (struct wish){ .reason = json_string_value(json_object_get(q, "reason")) };
    w->for_s = json_integer_value(for_s);
    if (!json_is_integer(for_s) || w->for_s < 0 || w->for_s > UNLOCK_MAX_S)
        return "for how long? from one second to a day; 0 ends it";
    if (w->for_s > 0 && (w->reason == NULL || w->reason[0] == '\0'))
        return "why? The reason goes into the audit log";
    if (!wish_text(q, "client", w->unlock.client, sizeof(w->unlock.client)) ||
        !wish_text(q, "host", w->unlock.host, sizeof(w->unlock.host)))
        return "client and host are texts, an address and a name";
    if (packets != NULL && !json_is_boolean(packets))
        return "packets is true or false";
    w->unlock.packets = json_is_true(packets);
    w->unlock.until.s = w->for_s > 0 ? now.s + w->for_s : 0;
    return NULL;
}

/* First the log, then the permission: no secret is written that the log does not announce. */
static const char *unlock_begin(struct scribe *s, const struct wish *w)
{
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(2048);

    if (w->for_s > 0) {
        buf_printf(&detail, "TLS secrets%s are written down until ",
                   w->unlock.packets ? " and packets" : "");
        wall_format(&detail, w->unlock.until);
        buf_printf(&detail, ", client %s, host %s: %.*s",
                   w->unlock.client[0] != '\0' ? w->unlock.client : "any",
                   w->unlock.host[0] != '\0' ? w->unlock.host : "any", REASON_MAX, w->reason);
    } else {
        buf_str(&detail, "ended by hand; ");
        keylog_tell(&s->keylog, &detail);
    }
    if (buf_error(&detail) != 0)
        return "out of memory";
    if (scribe_event(s, w->for_s > 0 ? "unlock" : "unlock-ended", (const char *)detail.data) < 0)
        return "the audit log cannot be written, and without it nothing is unlocked";
    keylog_unlock(&s->keylog, &w->unlock);
    scribe_tell_unlock(s, NULL);
    return NULL;
}

static void answer_unlock(struct scribe *s, const json_t *q, struct buf *answer)
{
    struct json_out j = { .to = answer };
    struct wish w;
    const char *why = wish_read(&w, q, wall_now());

    if (why == NULL)
        why = unlock_begin(s, &w);
    if (why != NULL) {
        answer_error(answer, why);
        return;
    }
    json_open(&j, NULL, '{');
    json_text(&j, "unlock", w.for_s > 0 ? "begun" : "ended");
    if (w.for_s > 0) {
        json_time(&j, "until", w.unlock.until.s * 1000);
        json_text(&j, "folder", s->keylog.folder);
    }
    json_close(&j, '}');
}

/* -------------------------------------------------------------------------------- own ---- */

static void answer_learned(struct scribe *s, struct mw_span json, struct buf *answer)
{
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(512);
    bool changed = false;
    int r = -EIO;

    if (s->learner != NULL)
        r = learner_query(s->learner, wall_now(), json, answer, &changed);
    if (r != 0) {
        buf_truncate(answer, 0);
        answer_error(answer, s->learner == NULL ? "nothing is learned: its store is not open"
                             : r < 0            ? strerror(-r)
                                                : store_error(s->store));
    }
    if (!changed)
        return;
    buf_add(&detail, span_cut(json, 0, 400));
    if (buf_error(&detail) != 0 || scribe_event(s, "learned", (const char *)detail.data) < 0)
        log_error("gate scribe: an exception was changed and the audit log does not hold it");
    scribe_tell_learned(s, NULL);
}

static bool own(void *context, struct mw_span json, struct buf *answer)
{
    struct scribe *s = context;
    json_t *q = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    const char *ask = json_string_value(json_object_get(q, "ask"));
    bool mine = true;

    if (ask != NULL && strcmp(ask, "learned") == 0)
        answer_learned(s, json, answer);
    else if (ask != NULL && strcmp(ask, "audit") == 0)
        answer_audit(s, answer);
    else if (ask != NULL && strcmp(ask, "unlock") == 0)
        answer_unlock(s, q, answer);
    else
        mine = false;
    json_decref(q);
    return mine;
}

const struct control_events scribe_control_events = { .ask_all = ask_all, .own = own };
