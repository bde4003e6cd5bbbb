/*
 * Our own TLS with the server, what the trust engine says of it, and the leaf that follows.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/built.h"
#include "base/clock.h"
#include "gate/door/page.h"
#include "gate/worker/session_again.h"
#include "gate/worker/tap.h"

enum { FLIGHT_BYTES = 2 << 20 };

/* ---------------------------------------------------------------- the handshake ---- */

static void on_message(int sent, int version, int content_type, const void *data, size_t len,
                       SSL *ssl, void *context)
{
    struct session *s = context;

    (void)version;
    (void)ssl;
    if (content_type != SSL3_RT_HANDSHAKE || sent != 0 || s->flight == NULL || s->ended)
        return;
    if (flight_read(s->flight, span_of(data, len)) < 0)
        (void)session_end(s, AUDIT_INTERNAL, "out of memory");
}

void on_server_session(struct leg *server, SSL_SESSION *session)
{
    struct session *s = server->owner;
    char name[RESUME_NAME], to[ADDR_TEXT];

    if (!s->resumable || s->config != s->w->config || SSL_SESSION_is_resumable(session) != 1)
        return; /* what was judged under a policy that is gone is nobody else's answer */
    if (s->origin == NULL) { /* TLS 1.2 gives it before the judgement */
        SSL_SESSION_free(s->fresh);
        SSL_SESSION_up_ref(session);
        s->fresh = session;
        return;
    }
    addr_text(&s->destination, false, to);
    resume_name(name, s->host, to, s->port);
    resume_keep(&s->w->resume, name, session, s->origin);
}

static void session_offer(struct session *s)
{
    char name[RESUME_NAME], to[ADDR_TEXT];
    SSL_SESSION *session;

    if (s->config != s->w->config)
        return;
    addr_text(&s->destination, false, to);
    resume_name(name, s->host, to, s->port);
    session = resume_take(&s->w->resume, name, wall_now(), &s->origin);
    if (session == NULL)
        return;
    if (SSL_set_session(leg_ssl(&s->server.leg), session) != 1)
        ERR_clear_error();
    SSL_SESSION_free(session);
}

void session_flight_done(struct session *s)
{
    if (s->flight != NULL)
        flight_deinit(s->flight);
    free(s->flight);
    s->flight = NULL;
}

/* What the server is offered is remembered where its connection may be kept. */
static int alpn_offer(struct session *s)
{
    const struct offer *o = s->offer;

    if (o == NULL) /* dialled again: the client's side is settled */
        return session_again_begin(s);
    if (s->config->upstream.reuse_s > 0 && s->offered == NULL) {
        s->offered = malloc(sizeof(*s->offered) + o->alpn_len);
        if (s->offered == NULL)
            return -ENOMEM;
        s->offered->len = o->alpn_len;
        memcpy(s->offered->names, o->alpn, o->alpn_len);
    }
    if (o->alpn_len == 0)
        return 0;
    return SSL_set_alpn_protos(leg_ssl(&s->server.leg), o->alpn, o->alpn_len) != 0 ? -ENOMEM : 0;
}

static int secure_begin(struct session *s)
{
    struct leg *l = &s->server.leg;
    const struct flight fresh = FLIGHT_INIT(FLIGHT_BYTES);

    if (leg_secure(l, s->w->sides.to_server) < 0)
        return -ENOMEM;
    tap_begin(s, l, false);
    if (s->bridge_dials)
        s->before = s->origin; /* the client was greeted with that */
    else
        origin_unref(s->origin); /* what was judged on an earlier connection */
    s->origin = NULL;
    s->flight = malloc(sizeof(*s->flight));
    if (s->flight == NULL)
        return -ENOMEM;
    *s->flight = fresh;
    s->resumable = true;
    SSL_set_connect_state(leg_ssl(l));
    SSL_set_min_proto_version(leg_ssl(l), s->config->min_version);
    SSL_set_msg_callback(leg_ssl(l), on_message);
    SSL_set_msg_callback_arg(leg_ssl(l), s);
    if (s->sni != NULL && SSL_set_tlsext_host_name(leg_ssl(l), s->sni) != 1)
        return -ENOMEM;
    if (alpn_offer(s) < 0)
        return -ENOMEM;
    s->server_end_ms = (int64_t)uv_now(&s->w->loop) + KEPT_LIFE_MS;
    session_offer(s);
    return 0;
}

static void alpn_take(struct session *s)
{
    const unsigned char *name;
    unsigned int len;

    SSL_get0_alpn_selected(leg_ssl(&s->server.leg), &name, &len);
    if (len >= sizeof(s->alpn))
        len = 0;
    if (len > 0)
        memcpy(s->alpn, name, len);
    s->alpn[len] = '\0';
}

/* The server breaks off: the client gets a page, since TLS itself could only say "failed". */
static enum step server_failed(struct session *s)
{
    char name[RESUME_NAME], to[ADDR_TEXT];

    addr_text(&s->destination, false, to);
    resume_name(name, s->host, to, s->port);
    resume_forget(&s->w->resume, name);
    if (s->server.leg.failure == LEG_NO_MEMORY)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    snprintf(s->error, sizeof(s->error), "the server's handshake failed: %s",
             leg_failure_text(&s->server.leg));
    if (s->bridge_dials)
        return session_again_failed(s, 502, s->error);
    return session_page(s, 502, "No safe connection to the site", s->error);
}

static bool wants_certificate(const struct session *s)
{
    return s->flight != NULL && s->flight->tls.client_cert_wanted;
}

/* ------------------------------------------------------- a certificate of the client's ---- */

static void client_cert_remember(struct session *s)
{
    struct lru_node *node;
    char name[RESUME_NAME];

    resume_name(name, s->host, "", s->port);
    if (lru_find(&s->w->client_certs, name) != NULL)
        return;
    node = calloc(1, sizeof(*node));
    if (node == NULL)
        return; /* it is found out again */
    node->name = strdup(name);
    if (node->name == NULL)
        free(node);
    else
        lru_add(&s->w->client_certs, node);
}

bool session_client_cert_known(const struct session *s)
{
    char name[RESUME_NAME];

    resume_name(name, s->host, "", s->port);
    return lru_find(&s->w->client_certs, name) != NULL;
}

static enum gate_action decide_client_cert(struct session *s)
{
    struct gate_facts f;

    s->certificate_wanted = true;
    f = session_facts(s);
    s->decision = session_policy(s, &f);
    return s->decision.action;
}

static enum step client_cert_blocked(struct session *s)
{
    return session_page(s, 403, "Client certificates do not pass this gateway",
                        "the site asks for a certificate of yours, which this gateway cannot pass "
                        "on");
}

/* Nobody but the client can answer a CertificateRequest (RFC 8446 section 4.3.2): as policy says,
 * it is left alone with its server, stopped, or inspected without one. */
static enum step certificate_asked(struct session *s)
{
    if (!session_name_borrowed(s)) /* or anybody could say so of any name */
        client_cert_remember(s);
    if (s->bridge_dials)
        return session_again_failed(s, 502, "it asks for a certificate of yours by now");
    switch (decide_client_cert(s)) {
    case GATE_INSPECT:
        session_go(s, STAGE_JUDGE);
        return STEP_GO;
    case GATE_BLOCK:
        return client_cert_blocked(s);
    default:
        break;
    }
    origin_unref(s->origin);
    s->origin = NULL;
    return session_redial(s);
}

/* It asked before: then nothing needs to be said to it first.  false: go on as ever. */
static bool certificate_foreseen(struct session *s, enum step *next)
{
    if (!session_client_cert_known(s))
        return false;
    *next = STEP_GO;
    switch (decide_client_cert(s)) {
    case GATE_BYPASS:
        if (session_name_borrowed(s))
            *next = session_redial(s);
        else
            session_go(s, STAGE_SPLICE);
        return true;
    case GATE_BLOCK:
        *next = client_cert_blocked(s);
        return true;
    default:
        return false;
    }
}

enum step secure_step(struct session *s)
{
    enum step next;
    enum io io;

    if (s->server.leg.tls == NULL) {
        if (s->host == NULL && (s->host = calloc(1, ADDR_TEXT)) != NULL)
            addr_text(&s->destination, false, s->host);
        if (s->host == NULL)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        if (!s->bridge_dials && certificate_foreseen(s, &next))
            return next;
        if (secure_begin(s) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        side_want(s, &s->client, 0);
    }
    io = leg_handshake(&s->server.leg);
    if (s->ended)
        return STEP_END;
    if (io == IO_WANT_READ || io == IO_WANT_WRITE)
        return session_wait_io(s, &s->server, io);
    if (io != IO_OK)
        return server_failed(s);
    if (!s->bridge_dials)
        alpn_take(s);
    counter_add(s->server.leg.resumed ? &s->w->counters->resumed_server
                                      : &s->w->counters->handshakes_server,
                1);
    SSL_set_msg_callback(leg_ssl(&s->server.leg), NULL);
    if (wants_certificate(s))
        return certificate_asked(s);
    session_go(s, STAGE_JUDGE);
    return STEP_GO;
}

/* --------------------------------------------------------------------- judgement ---- */

/* The strictest of the findings decides; then rules that ask for findings have their say. */
static enum step judged(struct session *s)
{
    struct gate_facts f = session_facts(s);
    struct gate_decision again;

    if (s->fresh != NULL) {
        on_server_session(&s->server.leg, s->fresh);
        SSL_SESSION_free(s->fresh);
        s->fresh = NULL;
    }
    s->on = gate_decide_verdict(s->config, &f, &s->cause);
    if (s->origin->own_ca)
        s->on = GATE_ON_REFUSE;
    again = session_policy(s, &f);
    if (s->bridge_dials)
        return session_again_judged(s);
    if (again.action == GATE_BLOCK) {
        s->decision = again;
        page_blocked(&s->page, s->config, s->host, &s->decision);
        s->page_only = true;
        s->page_status = 403;
        s->record.outcome = AUDIT_BLOCKED;
    } else if (again.action == GATE_BYPASS && s->decision.action == GATE_INSPECT) {
        s->decision = again;
        return session_redial(s);
    }
    session_go(s, STAGE_FORGE);
    return STEP_GO;
}

static void on_judged(void *context, struct origin *o, int error)
{
    struct session *s = context;

    s->judging = NULL;
    s->running = true;
    if (error < 0)
        (void)session_end(s, AUDIT_INTERNAL, "the server could not be judged");
    else {
        s->origin = o;
        (void)judged(s);
    }
    s->running = false;
    session_run(s);
}

/* The handshake has read the certificates that are to be judged. */
static void seen(struct session *s)
{
    const struct flight *f = s->flight;
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(leg_ssl(&s->server.leg));

    for (size_t i = 0; i < f->n_certs && (int)i < sk_X509_num(sent); i++)
        judging_seen(s->w->judging, f->certs[i], sk_X509_value(sent, (int)i));
}

enum step judge_step(struct session *s)
{
    struct flight *f = s->flight;
    struct mw_evidence ev = {
        .host = s->host,
        .port = s->port,
        .now = wall_now(),
        .built = built_at(),
        .reach = MW_REACH_HANDSHAKE,
    };
    int r;

    if (s->judging != NULL)
        return STEP_WAIT;
    if (s->reused)
        return judged(s);
    if (s->server.leg.resumed && s->origin != NULL)
        return judged(s);
    origin_unref(s->origin);
    s->origin = NULL;
    seen(s);
    ev.tls = f->tls;
    ev.tls.alpn = s->alpn[0] != '\0' ? s->alpn : NULL;
    ev.tls.cipher_name = SSL_get_cipher_name(leg_ssl(&s->server.leg));
    ev.sent = f->certs;
    ev.n_sent = f->n_certs;
    ev.staple = buf_span(&f->staple);
    ev.tls_scts = buf_span(&f->scts);
    r = judging_ask(s->w->judging, &ev, &s->origin, on_judged, s, &s->judging);
    if (r < 0)
        return session_end(s, AUDIT_INTERNAL, "the server could not be judged");
    if (s->origin != NULL)
        return judged(s);
    side_want(s, &s->client, 0);
    side_want(s, &s->server, 0);
    return STEP_WAIT;
}

/* ------------------------------------------------------------------------ forging ---- */

static enum step forged(struct session *s)
{
    session_flight_done(s);
    session_go(s, STAGE_GREET);
    return STEP_GO;
}

static void on_minted(void *context, enum mint_status status, struct minted *m, const char *why)
{
    struct session *s = context;

    s->minting = NULL;
    s->running = true;
    if (status != MINT_OK) {
        char text[160];

        snprintf(text, sizeof(text), "no leaf was minted: %s", why);
        (void)session_end(s, status == MINT_BUSY ? AUDIT_OVERLOADED : AUDIT_INTERNAL, text);
    } else {
        s->leaf = m;
        (void)forged(s);
    }
    s->running = false;
    session_run(s);
}

/* Is there a person's consent for exactly this? */
static bool consented(struct session *s)
{
    struct gate_consent like;
    struct consent_text text;

    if (!session_consent(s, &like, &text))
        return false;
    return consent_find(s->w, &like, wall_now()) != NULL;
}

static void order_settle(struct session *s)
{
    if (s->page_only)
        return;
    if (s->on == GATE_ON_ASK && consented(s)) {
        s->on = GATE_ON_SIGN_UNTRUSTED;
        s->record.consented = true;
    }
    if (s->on != GATE_ON_REFUSE && s->on != GATE_ON_ASK)
        return;
    session_untrusted_page(s);
    s->page_only = true;
    s->page_status = 403;
    s->record.outcome = AUDIT_REFUSED;
}

enum step forge_step(struct session *s)
{
    uint8_t none[32] = { 0 };
    struct mint_order order = { .now = wall_now(), .key = none };
    bool good;

    if (s->minting != NULL)
        return STEP_WAIT;
    order_settle(s);
    if (s->page_only) { /* nothing is said to the server; what it was stays in the record */
        session_record(s);
        side_close(&s->server);
    }
    good = s->origin != NULL && s->on == GATE_ON_ACCEPT &&
           (!s->page_only || s->record.outcome == AUDIT_BLOCKED);
    order.ca = good ? MINT_TRUSTED : MINT_UNTRUSTED;
    order.kind = s->offer->ecdsa ? MINT_P256 : MINT_RSA2048;
    order.host = span_str(s->host);
    if (s->origin != NULL) {
        order.origin = s->origin->leaf;
        order.key = s->origin->key;
    } else {
        session_host_key(s->host, none);
    }
    if (mint_ask(s->w->mint, &order, &s->leaf, on_minted, s, &s->minting) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    counter_add(s->leaf != NULL ? &s->w->counters->mint_cached : &s->w->counters->minted, 1);
    if (s->leaf != NULL)
        return forged(s);
    side_want(s, &s->client, 0); /* tickets of the server's wait to be read: they would wake us */
    side_want(s, &s->server, 0);
    return STEP_WAIT;
}
