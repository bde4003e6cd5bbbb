/*
 * What a client of an explicit proxy wants: the first stage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/door/page.h"
#include "gate/worker/session.h"

/* Sends what the door has to say.  IO_OK: all of it is out. */
static enum io door_talk(struct session *s)
{
    struct mw_span out;

    while ((out = door_out(s->door)).len > 0) {
        size_t n;
        enum io io = leg_write(&s->client.leg, out, &n);

        if (io != IO_OK)
            return io;
        door_sent(s->door, n);
    }
    return IO_OK;
}

/* The same of a page that is a whole answer. */
static enum io page_talk(struct session *s)
{
    while (s->page.len > 0) {
        size_t n;
        enum io io = leg_write(&s->client.leg, buf_span(&s->page), &n);

        if (io != IO_OK)
            return io;
        buf_drop(&s->page, n);
    }
    return IO_OK;
}

enum step last_words_step(struct session *s)
{
    enum io io = s->door != NULL ? door_talk(s) : page_talk(s);
    const char *at = s->record.failed_at;

    if (io == IO_WANT_WRITE)
        return session_wait_io(s, &s->client, io);
    (void)leg_finish(&s->client.leg);
    (void)session_end(s, s->record.outcome, s->why);
    s->record.failed_at = at;
    return STEP_END;
}

/* The answer is said, then the session ends as `outcome`. */
static enum step last_words(struct session *s, enum audit_outcome outcome, const char *why)
{
    const char *at = session_stage_name(s);

    s->record.outcome = outcome;
    s->record.failed_at = outcome != AUDIT_COMPLETED ? at : NULL;
    s->why = why;
    session_go(s, STAGE_LAST_WORDS);
    return STEP_GO;
}

enum step session_refuse(struct session *s, enum door_refusal how, enum audit_outcome outcome,
                         const char *error)
{
    if (s->door == NULL)
        return session_end(s, outcome, error);
    door_refuse(s->door, how, buf_span(&s->page));
    return last_words(s, outcome, error);
}

static int names_take(struct session *s)
{
    const char *user = door_user(s->door);

    s->asked = strdup(door_host(s->door));
    s->host = strdup(door_host(s->door));
    if (user != NULL)
        s->user = strdup(user);
    s->groups = door_groups(s->door);
    s->port = door_port(s->door);
    return s->asked == NULL || s->host == NULL || (user != NULL && s->user == NULL) ? -ENOMEM : 0;
}

/* CONNECT and SOCKS5: policy by what was asked for, then the server, and only then the answer:
 * "bad gateway" says more than a tunnel that breaks. */
static enum step tunnel_step(struct session *s)
{
    if (names_take(s) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    if (addr_parse(&s->destination, span_str(s->host), s->port) < 0)
        s->destination.len = 0;
    else
        addr_set_port(&s->destination, s->port);
    return session_decide(s);
}

/* A plain request: the bridge reads it, and says whom to dial. */
static enum step request_step(struct session *s)
{
    struct mw_span early;

    if (session_unrecorded(s))
        return session_refuse(s, DOOR_OVERLOADED, AUDIT_OVERLOADED, SESSION_UNRECORDED);
    s->any_origin = true;
    if (names_take(s) < 0 || session_bridge_new(s, BRIDGE_H1_PROXY) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    early = buf_span(&s->early);
    if (leg_unread(&s->client.leg, early) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    buf_deinit(&s->early);
    door_free(s->door);
    s->door = NULL;
    session_go(s, STAGE_BRIDGE);
    return STEP_GO;
}

/* The gateway's own pages. */
static enum step local_step(struct session *s)
{
    struct addr at = { .len = sizeof(at.sa) };

    if (getsockname(s->client.leg.fd, &at.sa.any, &at.len) < 0)
        at = s->listener->settings->at;
    page_local(&s->page, s->config, buf_span(&s->w->ca), door_path(s->door), &at);
    if (buf_error(&s->page) != 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    if (door_method(s->door) == DOOR_HEAD)
        page_head_only(&s->page);
    door_free(s->door);
    s->door = NULL;
    return last_words(s, AUDIT_COMPLETED, "");
}

/* A password is worked out beside the loop; then the door hears the same again. */
static void on_signed(void *context, int error)
{
    struct session *s = context;

    s->signing = NULL;
    if (error < 0)
        session_kill(s, AUDIT_INTERNAL, "a password could not be looked at: out of memory");
    else
        session_run(s);
}

static enum step sign_in_step(struct session *s)
{
    int r = signing_ask(&s->w->signings, &s->w->loop, &s->signing, door_question(s->door),
                        s->config, &s->client_addr, on_signed, s);

    if (r == -EBUSY)
        return session_end(s, AUDIT_OVERLOADED, "too many passwords wait to be looked at");
    if (r < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    side_want(s, &s->client, 0);
    return STEP_WAIT;
}

/* Never DOOR_MORE. */
static enum step door_next(struct session *s, enum door_state state)
{
    switch (state) {
    case DOOR_TUNNEL:
        return tunnel_step(s);
    case DOOR_REQUEST:
        return request_step(s);
    case DOOR_LOCAL:
        return local_step(s);
    case DOOR_ASK:
        return sign_in_step(s);
    case DOOR_MORE:
    case DOOR_BAD:
        break;
    }
    return last_words(s, AUDIT_CLIENT_FAILED, door_why(s->door));
}

enum step door_step(struct session *s)
{
    for (;;) {
        enum io io = door_talk(s);
        struct mw_span in = buf_span(&s->early);
        enum door_state state;
        bool said;
        size_t n;

        if (s->signing != NULL)
            return STEP_WAIT;
        if (io == IO_WANT_WRITE)
            return session_wait_io(s, &s->client, io);
        if (io != IO_OK)
            return session_end(s, AUDIT_CLIENT_FAILED, leg_failure_text(&s->client.leg));
        state = door_feed(s->door, &in);
        buf_drop(&s->early, s->early.len - in.len);
        /* What it has said so far goes out before somebody else speaks: the pages, the bridge. */
        said = door_out(s->door).len > 0;
        if (state == DOOR_TUNNEL || state == DOOR_BAD || (state != DOOR_MORE && !said))
            return door_next(s, state);
        if (said)
            continue;
        io = leg_read(&s->client.leg, s->w->scratch, DOOR_MAX_BYTES, &n);
        if (io == IO_WANT_READ)
            return session_wait_io(s, &s->client, io);
        if (io != IO_OK)
            return session_end(s, AUDIT_CLIENT_FAILED, io == IO_CLOSED
                                                           ? "closed before it asked for anything"
                                                           : leg_failure_text(&s->client.leg));
        buf_add(&s->early, span_of(s->w->scratch, n));
        if (buf_error(&s->early) != 0)
            return session_end(s, AUDIT_CLIENT_FAILED, "it said too much before its request ended");
    }
}
