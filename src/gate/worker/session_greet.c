/*
 * The client's handshake, with a leaf of ours.
 */
#include <openssl/err.h>
#include <string.h>

#include "gate/worker/session.h"
#include "gate/worker/tap.h"

/* The leg to the client is never newer than the one to the server: who sees TLS 1.3 may believe
 * that it reaches to the end. */
static uint16_t client_version_max(const struct session *s)
{
    uint16_t servers = s->server.leg.tls != NULL ? s->server.leg.version : 0;

    if (s->config->mirror_version && servers != 0 && !s->page_only)
        return servers;
    return TLS1_3_VERSION;
}

/* Pages are HTTP/1.1 where the client takes that. */
static void alpn_for_page(struct session *s)
{
    static const char h1[] = "http/1.1";
    const struct offer *o = s->offer;

    s->alpn[0] = '\0';
    for (size_t i = 0; i < o->alpn_len; i += 1U + o->alpn[i]) {
        struct mw_span name = span_of(o->alpn + i + 1, o->alpn[i]);

        if (span_eq(name, SPAN_LIT("http/1.1"))) {
            memcpy(s->alpn, h1, sizeof(h1));
            return;
        }
        if (span_eq(name, SPAN_LIT("h2")))
            memcpy(s->alpn, "h2", 3);
    }
}

static int greet_begin(struct session *s)
{
    struct leg *l = &s->client.leg;
    struct minted *m = s->leaf;
    STACK_OF(X509) *chain;
    bool ok;

    if (leg_secure(l, s->w->sides.to_client) < 0)
        return -1;
    tap_begin(s, l, true);
    if (s->page_only)
        alpn_for_page(s);
    l->alpn = s->alpn[0] != '\0' ? s->alpn : NULL;
    SSL_set_accept_state(leg_ssl(l));
    chain = sk_X509_new_null();
    ok = chain != NULL && sk_X509_push(chain, m->intermediate) > 0 &&
         SSL_use_cert_and_key(leg_ssl(l), m->leaf, m->key, chain, 1) == 1 &&
         SSL_set_min_proto_version(leg_ssl(l), s->config->min_version) == 1 &&
         SSL_set_max_proto_version(leg_ssl(l), client_version_max(s)) == 1 &&
         /* A ticket is good for the same origin, leaf and policy, and nothing else. */
         SSL_set_session_id_context(leg_ssl(l), m->sha256, sizeof(m->sha256)) == 1;
    sk_X509_free(chain);
    if (!ok || leg_unread(l, buf_span(&s->early)) < 0) {
        ERR_clear_error();
        return -1;
    }
    buf_deinit(&s->early);
    return 0;
}

/* How the legs differ to somebody's loss.  NULL: they do not. */
static const char *weakened(const struct session *s)
{
    int client = s->client.leg.version;
    int server = s->server.leg.tls != NULL ? s->server.leg.version : client;

    if (client < server)
        return s->offer->highest_version < server
                   ? "the client's leg is older: the client offers no more"
                   : "the client's leg is older";
    if (client > server)
        return "the server's leg is older: policy allows the gap";
    if (s->offer->post_quantum)
        return "the client offered a post-quantum key exchange, which the gateway lacks";
    return NULL;
}

static int bridge_for_protocol(struct session *s)
{
    if (strcmp(s->alpn, "h2") == 0)
        return session_bridge_new(s, BRIDGE_H2);
    if (strcmp(s->alpn, "http/1.1") == 0 || strcmp(s->alpn, "http/1.0") == 0 || s->page_only)
        return session_bridge_new(s, BRIDGE_H1);
    if (s->alpn[0] != '\0')
        return session_bridge_new(s, BRIDGE_RAW);
    return 0; /* nothing agreed: the first bytes tell */
}

enum step greet_step(struct session *s)
{
    struct leg *l = &s->client.leg;
    enum io io;

    if (l->tls == NULL) {
        if (greet_begin(s) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        side_want(s, &s->server, 0);
    }
    io = leg_handshake(l);
    if (io == IO_WANT_READ || io == IO_WANT_WRITE)
        return session_wait_io(s, &s->client, io);
    if (io != IO_OK)
        return session_end(s, s->record.outcome != AUDIT_COMPLETED ? s->record.outcome
                                                                   : AUDIT_CLIENT_FAILED,
                           leg_failure_text(l));
    counter_add(l->resumed ? &s->w->counters->resumed_client : &s->w->counters->handshakes_client,
                1);
    s->record.weakened = weakened(s);
    if (bridge_for_protocol(s) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    session_offer_done(s);
    session_go(s, STAGE_BRIDGE);
    return STEP_GO;
}
