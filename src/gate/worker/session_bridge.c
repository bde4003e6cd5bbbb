/*
 * Decrypted bytes between the two legs, through the bridge.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gate/door/page.h"
#include "gate/worker/session.h"
#include "trust/name.h"

enum { TURN_BYTES = 512 * 1024 };       /* of one session before others have their turn */

static const char HTML[] = "text/html; charset=utf-8";

/* ------------------------------------------------------------------ the bridge asks ---- */

static void answer_page(struct session *s, struct bridge_answer *answer, int status)
{
    answer->status = status;
    answer->body = buf_span(&s->page);
    answer->type = HTML;
}

static enum bridge_ruling consent_ruling(struct session *s, const struct bridge_request *r,
                                         struct bridge_answer *answer)
{
    struct gate_consent c;
    struct consent_text text;

    if (!session_consent(s, &c, &text) || !consent_path_good(s->w, &c, r->path)) {
        answer_page(s, answer, s->page_status);
        return BRIDGE_ANSWER;
    }
    worker_consent(s->w, &c);
    s->record.consented = true;
    buf_truncate(&s->page, 0);
    page_stopped(&s->page, s->config, 200, "You may continue",
                 "Go back to the site: this gateway lets you through to it for now. Your browser "
                 "will warn you still, because nobody could vouch for the site.");
    answer_page(s, answer, 200);
    return BRIDGE_ANSWER;
}

/* The host that a request is for, and its port; "" if it is none. */
static void authority_host(struct mw_span authority, struct host *out, uint16_t *port)
{
    char text[256];
    struct mw_span host;

    out->text[0] = '\0';
    if (host_port_split(authority, 80, &host, port) < 0 || host.len >= sizeof(text))
        return;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (host_parse(out, text) != 0)
        out->text[0] = '\0';
}

/* Is the server's certificate good for this name, too? */
static bool origin_covers(const struct origin *o, const struct host *host)
{
    const struct mw_cert_view *leaf = o->verdict->n_chain > 0 ? &o->verdict->chain[0] : NULL;

    for (size_t i = 0; leaf != NULL && i < leaf->n_names; i++)
        if (strncmp(leaf->names[i], "DNS:", 4) == 0 &&
            name_match_dns(host, span_str(leaf->names[i] + 4)) == NAME_MATCHES)
            return true;
    return false;
}

/* Policy for a request whose name is not the one the connection was judged by. */
static enum gate_action decide_for(struct session *s, const char *host,
                                   struct gate_decision *decision)
{
    struct gate_facts f = session_facts(s);

    f.host = host;
    *decision = session_policy(s, &f);
    return decision->action;
}

/* Would the server have been good enough for that name, too?  Nobody was asked about it, or warned
 * of more than under the first one. */
static bool good_for(const struct session *s, const char *host)
{
    struct gate_facts f = session_facts(s);
    enum mw_code code;
    enum gate_on_finding on;

    f.host = host;
    on = gate_decide_verdict(s->config, &f, &code);
    return on == GATE_ON_ACCEPT || (on == GATE_ON_SIGN_UNTRUSTED && on == s->on);
}

/* The same of a plain request, which may be for another server than the one before: then its
 * address is not known yet, unless it is its name. */
static enum gate_action decide_plain(struct session *s, const char *host, uint16_t port,
                                     struct gate_decision *decision)
{
    struct gate_facts f = session_facts(s);
    bool same = !s->any_origin || (s->server.leg.fd >= 0 && s->host != NULL &&
                                   strcmp(s->host, host) == 0 && s->port == port);

    f.host = host;
    if (s->any_origin) { /* else the tunnel leads where it leads, whatever the request says */
        f.asked = host;
        f.port = port;
    }
    if (!same && addr_parse(&f.destination, span_str(host), port) < 0)
        f.destination.len = 0;
    *decision = session_policy(s, &f);
    return decision->action;
}

static enum bridge_ruling blocked_ruling(struct session *s, const char *host,
                                         const struct gate_decision *d,
                                         struct bridge_answer *answer)
{
    buf_truncate(&s->page, 0);
    page_blocked(&s->page, s->config, host, d);
    answer_page(s, answer, 403);
    counter_add(&s->w->counters->requests_blocked, 1);
    return BRIDGE_ANSWER;
}

/* The record is about what was let through, as long as anything was. */
static enum bridge_ruling plain_blocked(struct session *s, const char *host,
                                        const struct gate_decision *d,
                                        struct bridge_answer *answer)
{
    if (!s->let_go) {
        s->decision = *d;
        s->decided = true;
    }
    return blocked_ruling(s, host, d, answer);
}

/* A plain request through the proxy: each is asked about. */
static enum bridge_ruling plain_ruling(struct session *s, const char *host, uint16_t port,
                                       struct bridge_answer *answer)
{
    struct gate_decision d;

    if (decide_plain(s, host, port, &d) == GATE_BLOCK)
        return plain_blocked(s, host, &d, answer);
    s->decision = d;
    s->decided = true;
    s->let_go = s->let_go || !s->any_origin;
    return BRIDGE_GO;
}

bool session_plain_blocked(struct session *s, struct bridge_answer *answer)
{
    struct gate_decision d;

    if (decide_plain(s, s->host, s->port, &d) != GATE_BLOCK) {
        s->decision = d;
        s->let_go = true;
        return false;
    }
    (void)plain_blocked(s, s->host, &d, answer);
    return true;
}

/* Its own host, and if there is a port nothing but digits behind it, which is all that
 * h1_authority_check lets through. */
static bool is_plainly_for(const struct session *s, struct mw_span authority)
{
    struct mw_span host = s->host != NULL ? span_str(s->host) : (struct mw_span){ NULL, 0 };

    return host.len > 0 && span_eq_nocase(span_cut(authority, 0, host.len), host) &&
           (authority.len == host.len || authority.data[host.len] == ':') &&
           memchr(s->host, ':', host.len) == NULL;
}

static enum bridge_ruling on_request(void *context, const struct bridge_request *r,
                                     struct bridge_answer *answer)
{
    struct session *s = context;
    struct gate_decision d;
    struct host host;
    uint16_t port = 0;

    if (s->page_only) {
        if (span_eq(r->method, SPAN_LIT("POST")))
            return consent_ruling(s, r, answer);
        answer_page(s, answer, s->page_status);
        return BRIDGE_ANSWER;
    }
    counter_add(&s->w->counters->requests, 1);
    if (s->client.leg.tls != NULL && is_plainly_for(s, r->authority))
        return BRIDGE_GO; /* the ordinary case, at the price of one comparison */
    authority_host(r->authority, &host, &port);
    if (host.text[0] == '\0')
        return BRIDGE_MISDIRECTED;
    if (s->client.leg.tls == NULL)
        return plain_ruling(s, host.text, port, answer);
    if (s->host != NULL && strcmp(host.text, s->host) == 0)
        return BRIDGE_GO;
    /* Another name on this connection: only if the server's certificate is good for it, too, and
     * policy would have come to the same (RFC 9113 section 9.1.1). */
    if (s->origin == NULL || !origin_covers(s->origin, &host))
        return BRIDGE_MISDIRECTED;
    if (decide_for(s, host.text, &d) == GATE_BLOCK)
        return blocked_ruling(s, host.text, &d, answer);
    return d.action == GATE_INSPECT && good_for(s, host.text) ? BRIDGE_GO : BRIDGE_MISDIRECTED;
}

static void on_block(void *context, const struct bridge_request *r,
                     const struct content_block *why, struct bridge_answer *answer)
{
    struct session *s = context;

    (void)r;
    buf_truncate(&s->page, 0);
    page_stopped(&s->page, s->config, why->status, why->title, why->reason);
    answer_page(s, answer, why->status);
    counter_add(&s->w->counters->requests_blocked, 1);
}

static void on_origin(void *context, struct mw_span host, uint16_t port)
{
    struct session *s = context;
    char *text = span_dup(host);
    struct host name;

    if (text != NULL && host_parse(&name, text) == 0) { /* as policy is asked about it */
        free(text);
        text = strdup(name.text);
    }
    if (text == NULL) {
        (void)session_end(s, AUDIT_INTERNAL, "out of memory");
        return;
    }
    free(s->host);
    s->host = text;
    s->port = port;
    if (addr_parse(&s->destination, span_str(text), port) < 0)
        s->destination.len = 0;
    else
        addr_set_port(&s->destination, port);
    s->bridge_dials = true;
}

static void on_fresh(void *context)
{
    struct session *s = context;

    s->bridge_dials = true;
}

static void on_wake(void *context)
{
    struct session *s = context;

    worker_again(s->w, s);
}

static const struct bridge_events events = {
    .on_request = on_request,
    .on_block = on_block,
    .on_origin = on_origin,
    .on_fresh = on_fresh,
    .on_wake = on_wake,
};

int session_bridge_new(struct session *s, enum bridge_kind kind)
{
    const struct bridge_options options = {
        .kind = kind,
        .events = &events,
        .context = s,
        .stages = s->config->limits.request_body != 0 || s->config->limits.response_body != 0
                      ? &s->w->row
                      : NULL,
        .max_streams = s->config->limits.streams,
        .scheme = s->client.leg.tls == NULL ? "http" : NULL,
        .second_hand = s->reused,
    };
    int r = bridge_new(&s->bridge, &options);

    if (r == 0 && s->reused && s->server.leg.fd < 0)
        r = bridge_end(s->bridge, BRIDGE_SERVER, true);
    return r;
}

void session_rest(struct session *s)
{
    uint64_t passed = s->record.bytes_up + s->record.bytes_down;
    bool quiet = passed == s->rested;

    s->rested = passed;
    if (s->stage != STAGE_BRIDGE || s->bridge == NULL || s->running || s->ended)
        return;
    if (quiet && bridge_idle(s->bridge)) {
        if (!s->resting)
            bridge_rest(s->bridge);
        leg_rest(&s->client.leg);       /* again where a ticket came by itself */
        leg_rest(&s->server.leg);
        s->resting = true;
    }
    s->resting = s->resting && quiet;
}

/* ------------------------------------------------------------------------ the pump ---- */

static struct side *side_at(struct session *s, enum bridge_side which)
{
    return which == BRIDGE_CLIENT ? &s->client : &s->server;
}

static void count_bytes(struct session *s, enum bridge_side from, size_t n)
{
    if (from == BRIDGE_CLIENT) {
        s->record.bytes_up += n;
        counter_add(&s->w->counters->bytes_up, n);
        if (!s->used) {
            s->used = true;
            session_learn(s);
        }
    } else {
        s->record.bytes_down += n;
        counter_add(&s->w->counters->bytes_down, n);
    }
}

enum bridge_kind session_kind_of(enum http_look look)
{
    return look == HTTP_LOOK_H1   ? BRIDGE_H1
           : look == HTTP_LOOK_H2 ? BRIDGE_H2
                                  : BRIDGE_RAW;
}

/* TLS without an agreed protocol: what begins like a request of HTTP is held to be one, anything
 * else passes as it is.  What the client says is kept until that is known; `bytes` are the server's
 * if that spoke first.  No bridge: more is needed. */
static int protocol_guess(struct session *s, enum bridge_side from, struct mw_span bytes)
{
    enum http_look look = HTTP_LOOK_MAYBE;
    int r;

    if (from == BRIDGE_CLIENT) {
        buf_add(&s->early, bytes);
        look = http_look(buf_span(&s->early));
        if (buf_error(&s->early) != 0 || look == HTTP_LOOK_MORE)
            return buf_error(&s->early);
    }
    /* The connection that was kept spoke HTTP/1.1. */
    s->bridge_dials = s->reused && look != HTTP_LOOK_H1;
    r = session_bridge_new(s, session_kind_of(look));
    if (r == 0)
        r = bridge_feed(s->bridge, BRIDGE_CLIENT, buf_span(&s->early));
    if (r == 0 && from == BRIDGE_SERVER)
        r = bridge_feed(s->bridge, from, bytes);
    s->watched = look == HTTP_LOOK_MAYBE;
    if (!s->watched)
        buf_wipe(&s->early);
    return r;
}

/* Raw bytes that turn out to be a request, now that the rest has come: its server does not get that
 * rest.  Other requests were looked at from the start. */
static int watch(struct session *s, struct mw_span bytes)
{
    enum http_look look;

    buf_add(&s->early, bytes);
    look = http_look(buf_span(&s->early));
    s->watched = look == HTTP_LOOK_MAYBE || look == HTTP_LOOK_MORE;
    if (look == HTTP_LOOK_H1 || look == HTTP_LOOK_H2)
        (void)session_end(s, AUDIT_BLOCKED, "a request came in pieces too small to be known");
    else if (s->watched)
        return buf_error(&s->early);
    buf_wipe(&s->early);
    return 0;
}

/* Bytes of one side's, in the worker's scratch. */
static int bytes_take(struct session *s, enum bridge_side from, struct mw_span bytes)
{
    int r;

    count_bytes(s, from, bytes.len);
    if (s->bridge == NULL) {
        r = protocol_guess(s, from, bytes);
    } else {
        r = s->watched && from == BRIDGE_CLIENT ? watch(s, bytes) : 0;
        if (r == 0 && !s->ended)
            r = bridge_feed(s->bridge, from, bytes);
    }
    /* Whoever had no bridge yet when the end was told has its say first. */
    if (r == 0 && s->w->draining && s->bridge != NULL && !s->ended)
        bridge_drain(s->bridge);
    return r;
}

/* The client has not said yet which protocol it speaks.  A connection that was kept may go before
 * that, and then is dialled again once the client speaks. */
static int64_t ended_unguessed(struct session *s, enum bridge_side from)
{
    if (from == BRIDGE_SERVER && s->reused) {
        side_close(&s->server);
        return 0;
    }
    (void)session_end(s, AUDIT_COMPLETED, "");
    return -1;
}

/* Takes what one side has.  How many bytes, or < 0 when it has ended the session. */
static int64_t pump_in(struct session *s, enum bridge_side from)
{
    struct side *side = side_at(s, from);
    struct leg *l = &side->leg;
    size_t room = s->bridge != NULL ? bridge_room(s->bridge, from) : 16384, n;
    enum io io;

    if (l->fd < 0 || l->fin_in || l->failure != LEG_WELL || room == 0)
        return 0;
    if (l->empty && !leg_holds(l))
        return 0;
    io = leg_read(l, s->w->scratch, room < WORKER_SCRATCH ? room : WORKER_SCRATCH, &n);
    if (io == IO_WANT_READ || io == IO_WANT_WRITE)
        return 0;
    if (io == IO_OK) {
        int r;

        if (s->bridge == NULL && from == BRIDGE_SERVER && s->reused) {
            explicit_bzero(s->w->scratch, n);
            return ended_unguessed(s, from);
        }
        r = bytes_take(s, from, span_of(s->w->scratch, n));
        explicit_bzero(s->w->scratch, n);
        if (r < 0)
            (void)session_end(s, AUDIT_INTERNAL, "out of memory");
        return s->ended ? -1 : (int64_t)n;
    }
    if (s->bridge == NULL)
        return ended_unguessed(s, from);
    if (bridge_end(s->bridge, from, io != IO_CLOSED) < 0)
        (void)session_end(s, AUDIT_INTERNAL, "out of memory");
    return s->ended ? -1 : 1;
}

/* Gives one side what waits for it.  How many bytes. */
static size_t pump_out(struct session *s, enum bridge_side to)
{
    struct leg *l = &side_at(s, to)->leg;
    size_t total = 0;
    struct mw_span out;

    if (s->bridge == NULL)
        return 0;
    while ((out = bridge_out(s->bridge, to)).len > 0) {
        size_t n;
        enum io io;

        if (l->fd < 0 || l->failure != LEG_WELL) { /* nobody is there to take it */
            bridge_sent(s->bridge, to, out.len);
            continue;
        }
        io = leg_write(l, out, &n);
        if (io == IO_FAILED && bridge_end(s->bridge, to, true) < 0)
            (void)session_end(s, AUDIT_INTERNAL, "out of memory");
        if (io != IO_OK)
            break;
        bridge_sent(s->bridge, to, n);
        total += n;
    }
    if (l->fd >= 0 && !l->fin_out && out.len == 0 && l->failure == LEG_WELL &&
        bridge_finished(s->bridge, to)) {
        if (to == BRIDGE_SERVER && kept_may(s))
            return total;
        if (to == BRIDGE_CLIENT && bridge_cut_short(s->bridge))
            leg_reset(l);
        else
            (void)leg_finish(l);
        total++;
    }
    return total;
}

static void pump_wait(struct session *s)
{
    for (unsigned i = 0; i < 2; i++) {
        enum bridge_side which = i == 0 ? BRIDGE_CLIENT : BRIDGE_SERVER;
        struct side *side = side_at(s, which);
        unsigned want = 0;

        if (side->leg.fd < 0)
            continue;
        if (!side->leg.fin_in && side->leg.failure == LEG_WELL &&
            (s->bridge == NULL || bridge_room(s->bridge, which) > 0))
            want |= UV_READABLE;
        if (side->leg.failure == LEG_WELL && s->bridge != NULL &&
            bridge_out(s->bridge, which).len > 0)
            want |= UV_WRITABLE;
        side_want(s, side, want);
    }
}

static enum step bridge_done(struct session *s)
{
    enum bridge_side by = BRIDGE_CLIENT;
    const char *why = bridge_why(s->bridge, &by);
    const struct leg *l = &side_at(s, by)->leg;

    if (s->record.outcome != AUDIT_COMPLETED)
        return session_end(s, s->record.outcome, s->error);
    if (why == NULL && s->client.leg.failure != LEG_WELL && !s->used)
        return session_end(s, AUDIT_CLIENT_FAILED, leg_failure_text(&s->client.leg));
    if (why == NULL && s->decision.action == GATE_BLOCK)
        return session_end(s, AUDIT_BLOCKED, "blocked by policy");
    if (why == NULL)
        return session_end(s, AUDIT_COMPLETED, "");
    if (l->failure != LEG_WELL && !bridge_idle(s->bridge))
        why = leg_failure_text(l);
    return session_end(s, by == BRIDGE_CLIENT ? AUDIT_CLIENT_FAILED : AUDIT_SERVER_FAILED, why);
}

/* The bridge asks for a connection: the one before is done with. */
static enum step dial_for_bridge(struct session *s)
{
    side_close(&s->server);
    side_want(s, &s->client, 0);
    session_go(s, STAGE_RESOLVE);
    return STEP_GO;
}

enum step bridge_step(struct session *s)
{
    size_t budget = TURN_BYTES, moved;

    do {
        moved = 0;
        for (unsigned i = 0; i < 2; i++) {
            enum bridge_side from = i == 0 ? BRIDGE_CLIENT : BRIDGE_SERVER;
            int64_t n = pump_in(s, from);

            if (n < 0)
                return STEP_END;
            if (s->bridge_dials)
                return dial_for_bridge(s);
            moved += (size_t)n;
            moved += pump_out(s, from == BRIDGE_CLIENT ? BRIDGE_SERVER : BRIDGE_CLIENT);
            moved += pump_out(s, from);
            if (s->bridge_dials) /* the server took nothing any more */
                return dial_for_bridge(s);
            if (s->ended)
                return STEP_END;
        }
        budget -= moved < budget ? moved : budget;
    } while (moved > 0 && budget > 0);
    if (s->bridge != NULL && bridge_over(s->bridge) &&
        bridge_out(s->bridge, BRIDGE_CLIENT).len == 0 &&
        bridge_out(s->bridge, BRIDGE_SERVER).len == 0)
        return bridge_done(s);
    if (budget < TURN_BYTES)
        session_go(s, STAGE_BRIDGE); /* it moved: the time to idle starts anew */
    if (budget == 0)
        worker_again(s->w, s);
    pump_wait(s);
    return s->ended ? STEP_END : STEP_WAIT;
}
