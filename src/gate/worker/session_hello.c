/*
 * What the client says first to its server, and what policy makes of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/door/page.h"
#include "gate/worker/session.h"
#include "trust/name.h"

enum { X25519_MLKEM768 = 0x11ec, X25519_KYBER768 = 0x6399, P256_MLKEM768 = 0x11eb };

enum { REDIALS_MAX = 3 };

static bool group_offered(const struct hello *h, uint16_t group)
{
    for (size_t i = 0; i + 1 < h->groups.len; i += 2)
        if (h->groups.data[i] == group >> 8 && h->groups.data[i + 1] == (group & 0xff))
            return true;
    return false;
}

/* The client's protocols, in its order, without GREASE (RFC 8701 section 3.1: both bytes 0x?A). */
static void alpn_copy(struct offer *o, struct mw_span alpn)
{
    for (size_t i = 0; i < alpn.len; i += 1U + alpn.data[i]) {
        size_t len = 1U + alpn.data[i];

        if (i + len > alpn.len || o->alpn_len + len > sizeof(o->alpn))
            return;
        if (len == 3 && (alpn.data[i + 1] & 0x0f) == 0x0a && alpn.data[i + 1] == alpn.data[i + 2])
            continue;
        memcpy(o->alpn + o->alpn_len, alpn.data + i, len);
        o->alpn_len = (uint8_t)(o->alpn_len + len);
    }
}

/* An SNI is a host name (RFC 6066 section 3); some clients put an address there. */
static bool sni_host(struct mw_span sni, struct host *out)
{
    char text[256];

    if (sni.len == 0 || sni.len >= sizeof(text) || memchr(sni.data, 0, sni.len) != NULL)
        return false;
    memcpy(text, sni.data, sni.len);
    text[sni.len] = '\0';
    return host_parse(out, text) == 0;
}

/* What later stages need of the hello.  The SNI is the name from here on. */
static int hello_take(struct session *s, const struct hello *h)
{
    struct offer *o = calloc(1, sizeof(*o));
    struct host name;

    if (o == NULL)
        return -ENOMEM;
    s->offer = o;
    s->tls = true;
    o->highest_version = h->highest_version;
    o->ecdsa = hello_takes_ecdsa(h);
    s->ech = h->has_ech;
    o->post_quantum = group_offered(h, X25519_MLKEM768) || group_offered(h, X25519_KYBER768) ||
                      group_offered(h, P256_MLKEM768);
    s->sni_missing = !h->has_server_name;
    s->record.ech = h->has_ech;
    alpn_copy(o, h->alpn);
    ja4_text(h, 't', s->ja4);
    if (!h->has_server_name)
        return 0;
    if (!sni_host(h->server_name, &name)) {
        (void)session_end(s, AUDIT_CLIENT_FAILED, "the server name it asks for is no host name");
        return 0;
    }
    s->sni = strdup(name.text);
    free(s->host);
    s->host = strdup(name.text);
    return s->sni == NULL || s->host == NULL ? -ENOMEM : 0;
}

/* What the rules let pass may still be held to what the config says of tunnels without TLS.
 * Requests are asked about one by one, once it is known whom they are for. */
static enum step plain_step(struct session *s, enum http_look look)
{
    const enum gate_action not_tls = s->config->not_tls;
    bool http = not_tls == GATE_INSPECT && (look == HTTP_LOOK_H1 || look == HTTP_LOOK_H2);
    struct gate_facts f = session_facts(s);

    if (session_unrecorded(s))
        return session_end(s, AUDIT_OVERLOADED, SESSION_UNRECORDED);
    s->decision = session_policy(s, &f);
    s->decided = true;
    if (s->decision.action == GATE_BLOCK && !http)
        return session_end(s, AUDIT_BLOCKED, "blocked by policy");
    s->decision = (struct gate_decision){ .action = not_tls,
                                          .rule = "not-tls",
                                          .reason = "the tunnel carries no TLS",
                                          .entry = SIZE_MAX };
    if (not_tls == GATE_BLOCK)
        return session_end(s, AUDIT_BLOCKED, "tunnels without TLS are blocked");
    if (not_tls == GATE_INSPECT) {
        if (session_bridge_new(s, session_kind_of(look)) < 0 ||
            leg_unread(&s->client.leg, buf_span(&s->early)) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        buf_deinit(&s->early);
        s->watched = look == HTTP_LOOK_MAYBE;
    }
    if (s->server.leg.fd < 0)
        session_go(s, STAGE_RESOLVE);
    else
        session_go(s, s->bridge != NULL ? STAGE_BRIDGE : STAGE_SPLICE);
    return STEP_GO;
}

static enum step hello_known(struct session *s, enum hello_state state, const struct hello *h)
{
    static const uint8_t decode_error[] = { 21, 3, 3, 0, 2, 2, 50 };
    size_t n;

    switch (state) {
    case HELLO_DONE:
        if (hello_take(s, h) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        return s->ended ? STEP_END : session_decide(s);
    case HELLO_NOT_TLS:
        return plain_step(s, http_look(buf_span(&s->early)));
    case HELLO_MORE:
    case HELLO_BAD:
    case HELLO_TOO_BIG:
        break;
    }
    /* RFC 8446 section 6.2: decode_error, before anything else was said. */
    (void)leg_write(&s->client.leg, span_of(decode_error, sizeof(decode_error)), &n);
    return session_end(s, AUDIT_CLIENT_FAILED,
                       state == HELLO_TOO_BIG ? "its ClientHello is too long" : h->wrong);
}

/* RFC 9113 section 3.4: a server of HTTP/2 need not wait for its client's preface, and begins with
 * a SETTINGS frame of the connection's. */
static bool is_settings(const uint8_t *head, size_t len)
{
    static const uint8_t rest[] = { 4, 0, 0, 0, 0, 0 };

    return len >= 9 && head[0] == 0 && (head[1] << 8 | head[2]) % 6 == 0 &&
           memcmp(head + 3, rest, sizeof(rest)) == 0;
}

/* A server that greets first speaks no TLS.  One that closed is not looked at again before the
 * client has spoken: it would be ready to be read all the time. */
static bool server_speaks(struct session *s)
{
    struct leg *l = &s->server.leg;
    uint8_t head[9];
    ssize_t n;

    if (l->fd < 0 || l->empty || s->server_waits)
        return false;
    n = recv(l->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
    s->server_waits = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
                      (n > 0 && is_settings(head, (size_t)n));
    return n > 0 && !s->server_waits;
}

enum step hello_step(struct session *s)
{
    for (;;) {
        struct hello h;
        enum hello_state state = HELLO_MORE;
        enum io io;
        size_t n;

        if (s->early.len > 0)
            state = hello_read(&h, buf_span(&s->early), s->w->hello_scratch);
        if (state == HELLO_NOT_TLS && s->config->not_tls == GATE_INSPECT &&
            http_look(buf_span(&s->early)) == HTTP_LOOK_MORE)
            state = HELLO_MORE; /* a request in pieces */
        if (state != HELLO_MORE)
            return hello_known(s, state, &h);
        if (s->early.len == 0 && server_speaks(s))
            return plain_step(s, HTTP_LOOK_MAYBE);
        io = leg_read(&s->client.leg, s->w->scratch, WORKER_SCRATCH, &n);
        if (io == IO_WANT_READ) {
            if (s->server.leg.fd >= 0) {
                s->server.leg.empty = !s->server_waits;
                side_want(s, &s->server, s->server_waits ? 0 : UV_READABLE);
            }
            return session_wait_io(s, &s->client, io);
        }
        if (io != IO_OK)
            return session_end(s, AUDIT_CLIENT_FAILED, io == IO_CLOSED
                                                           ? "closed before it said anything"
                                                           : leg_failure_text(&s->client.leg));
        buf_add(&s->early, span_of(s->w->scratch, n));
        if (buf_error(&s->early) != 0)
            return session_end(s, AUDIT_CLIENT_FAILED, "its ClientHello is too long");
    }
}

/* ------------------------------------------------------------------------ policy ---- */

struct gate_decision session_policy(const struct session *s, const struct gate_facts *f)
{
    const struct learned_set *l = s->learned;

    return gate_decide(s->config, l != NULL ? l->items : NULL, l != NULL ? l->n : 0, f);
}

static void decide(struct session *s)
{
    struct gate_facts f = session_facts(s);

    s->decision = session_policy(s, &f);
    s->decided = true;
}

/* What the client asked the proxy for was looked up by us. */
bool session_name_borrowed(const struct session *s)
{
    return s->sni != NULL && !s->checked_destination &&
           (s->asked == NULL || strcmp(s->asked, s->sni) != 0);
}

enum step session_redial(struct session *s)
{
    if (s->redials++ >= REDIALS_MAX)
        return session_end(s, AUDIT_SERVER_FAILED,
                           "policy says something else of each of its addresses");
    if (session_name_borrowed(s)) {
        s->checked_destination = true;
        s->destination.len = 0;
        s->certificate_wanted = false; /* what that server showed says nothing of the name's own */
        origin_unref(s->origin);
        s->origin = NULL;
    }
    session_flight_done(s);
    side_close(&s->server);
    session_go(s, STAGE_RESOLVE);
    return STEP_GO;
}

static enum step blocked(struct session *s)
{
    session_record(s);
    page_blocked(&s->page, s->config, s->host != NULL ? s->host : "", &s->decision);
    if (s->door != NULL)
        return session_refuse(s, DOOR_BY_POLICY, AUDIT_BLOCKED, "blocked by policy");
    if (s->offer == NULL || s->host == NULL)
        return session_end(s, AUDIT_BLOCKED, "blocked by policy");
    /* Nobody was asked whether that server is what it says: its page has no trusted leaf. */
    s->page_only = true;
    s->page_status = 403;
    s->record.outcome = AUDIT_BLOCKED;
    side_close(&s->server);
    session_go(s, STAGE_FORGE);
    return STEP_GO;
}

/* A rule that lets pass may fit once the address is known and the client has said something: then
 * it is asked again, before a byte goes on. */
static bool asked_again(const struct session *s)
{
    return s->door != NULL &&
           (s->decision.might_pass & (GATE_WANTS_DESTINATION | GATE_WANTS_HELLO)) != 0;
}

bool session_unrecorded(const struct session *s)
{
    return (s->w->audit_failing || s->w->audit_full) && s->config->audit.block_when_full;
}

/* A connection that is kept is spoken of to the client like one that was dialled, and taken or left
 * by what the client then says. */
static enum step reuse_or_dial(struct session *s)
{
    if (s->decision.action == GATE_INSPECT && (s->kept != NULL || kept_reserve(s))) {
        if (s->door != NULL) {
            if (session_door_open(s) == STEP_END)
                return STEP_END;
            session_go(s, STAGE_HELLO);
            return STEP_GO;
        }
        if (kept_fits(s)) {
            kept_use(s);
            session_go(s, STAGE_JUDGE);
            return STEP_GO;
        }
    }
    session_go(s, STAGE_RESOLVE);
    return STEP_GO;
}

enum step session_decide(struct session *s)
{
    decide(s);
    if (s->decision.action == GATE_BLOCK && !asked_again(s))
        return blocked(s);
    if (session_unrecorded(s))
        return session_refuse(s, DOOR_OVERLOADED, AUDIT_OVERLOADED, SESSION_UNRECORDED);
    if (s->door == NULL && s->decision.action == GATE_BYPASS && session_name_borrowed(s))
        return session_redial(s);
    if (s->server.leg.fd < 0)
        return reuse_or_dial(s);
    session_go(s, s->decision.action == GATE_BYPASS ? STAGE_SPLICE : STAGE_SECURE);
    return STEP_GO;
}
