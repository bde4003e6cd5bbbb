/*
 * A connection for a bridge that is at work already: a plain request's origin, or a server whose
 * kept connection was gone or would not do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate/door/page.h"
#include "gate/worker/session_again.h"

enum step session_again_failed(struct session *s, int status, const char *why)
{
    struct bridge_answer answer = { .status = status, .type = "text/html; charset=utf-8" };
    char copy[sizeof(s->error)];

    snprintf(copy, sizeof(copy), "%s", why);
    snprintf(s->error, sizeof(s->error), "%s", copy);
    side_close(&s->server);
    session_flight_done(s);
    if (s->before != NULL) {
        origin_unref(s->origin);
        s->origin = s->before;
        s->before = NULL;
    }
    buf_truncate(&s->page, 0);
    page_stopped(&s->page, s->config, status, "The site cannot be reached", s->error);
    answer.body = buf_span(&s->page);
    s->bridge_dials = false;
    bridge_origin(s->bridge, &answer);
    session_go(s, STAGE_BRIDGE);
    if (strcmp(bridge_protocol(s->bridge), "h1") != 0 && /* it had no page to give */
        bridge_end(s->bridge, BRIDGE_SERVER, true) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    return STEP_GO;
}

/* The client's side is settled: the server is offered that one protocol. */
int session_again_begin(struct session *s)
{
    size_t len = strlen(s->alpn);
    uint8_t names[1 + sizeof(s->alpn)];

    if (len == 0)
        return 0;
    names[0] = (uint8_t)len;
    memcpy(names + 1, s->alpn, len);
    return SSL_set_alpn_protos(leg_ssl(&s->server.leg), names, (unsigned int)len + 1) != 0
               ? -ENOMEM
               : 0;
}

/* The client was greeted with what this server was before. */
static const char *changed(struct session *s)
{
    const unsigned char *name;
    unsigned int len;

    SSL_get0_alpn_selected(leg_ssl(&s->server.leg), &name, &len);
    if (!span_eq(span_of(name, len), span_str(s->alpn)))
        return "it speaks another protocol than before";
    if (s->config->mirror_version && s->server.leg.version < s->client.leg.version)
        return "it speaks an older TLS than before";
    if (s->on != GATE_ON_ACCEPT ||
        memcmp(s->origin->key, s->before->key, sizeof(s->origin->key)) != 0)
        return "it shows another certificate than before: ask again";
    return NULL;
}

enum step session_again_judged(struct session *s)
{
    const char *why = changed(s);

    session_flight_done(s);
    if (why != NULL)
        return session_again_failed(s, 502, why);
    origin_unref(s->before);
    s->before = NULL;
    s->bridge_dials = false;
    bridge_origin(s->bridge, NULL);
    session_go(s, STAGE_BRIDGE);
    return STEP_GO;
}
