/*
 * The way to the server: its addresses and the TCP connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/door/page.h"
#include "gate/worker/session_again.h"
#include "net/sock.h"

/* Addresses that nobody outside may reach through us: this machine, and what is only here. */
static bool address_private(const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    if (addr_is_loopback(a))
        return true;
    if (addr_family(a) == AF_INET)
        return ip.data[0] == 0 || ip.data[0] >= 224 || (ip.data[0] == 169 && ip.data[1] == 254);
    if (IN6_IS_ADDR_V4MAPPED(&a->sa.v6.sin6_addr))
        return ip.data[12] == 0 || ip.data[12] >= 224 ||
               (ip.data[12] == 169 && ip.data[13] == 254);
    return IN6_IS_ADDR_UNSPECIFIED(&a->sa.v6.sin6_addr) ||
           IN6_IS_ADDR_LINKLOCAL(&a->sa.v6.sin6_addr) ||
           IN6_IS_ADDR_MULTICAST(&a->sa.v6.sin6_addr);
}

/* One of our own doors: a loop, in which the gateway's own address would be the client's. */
static bool address_ours(const struct session *s, const struct addr *a)
{
    for (size_t i = 0; i < s->config->n_listeners; i++)
        if (addr_eq(a, &s->config->listeners[i].at))
            return true;
    return false;
}

static bool ip_eq(const struct addr *a, const struct addr *b)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct mw_span x = addr_ip(a), y = addr_ip(b);

    if (x.len > y.len && memcmp(x.data, mapped, sizeof(mapped)) == 0)
        x = span_cut(x, sizeof(mapped), 4);
    else if (y.len > x.len && memcmp(y.data, mapped, sizeof(mapped)) == 0)
        y = span_cut(y, sizeof(mapped), 4);
    return span_eq(x, y);
}

static bool ip_any(const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    for (size_t i = 0; i < ip.len; i++)
        if (ip.data[i] != 0)
            return false;
    return true;
}

/* The same, seen from a connection that stands: what listens everywhere is reached by all of this
 * computer's addresses, and to its own ones it speaks from the very same (but for loopback). */
static bool leads_back(const struct session *s, int fd, const struct addr *peer)
{
    struct addr from = { .len = sizeof(from.sa) };

    if (getsockname(fd, &from.sa.any, &from.len) < 0)
        return true;
    for (size_t i = 0; i < s->w->n_listeners; i++) {
        const struct addr *at = &s->w->listeners[i].at;

        if (addr_port(at) == addr_port(peer) &&
            (ip_eq(at, peer) ||
             (ip_any(at) && (addr_is_loopback(peer) || ip_eq(&from, peer)))))
            return true;
    }
    return false;
}

static int addresses_take(struct session *s, const struct addr *items, size_t n)
{
    size_t kept = 0;

    free(s->addresses);
    s->n_addresses = 0;
    s->addresses = calloc(n > 0 ? n : 1, sizeof(*s->addresses));
    if (s->addresses == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (address_ours(s, &items[i]) ||
            (!s->config->upstream.private_destinations && address_private(&items[i])))
            continue;
        s->addresses[kept++] = items[i];
    }
    s->n_addresses = kept;
    return 0;
}

/* The server cannot be reached: the door says so, or the bridge's page, or a page under TLS. */
static enum step unreachable(struct session *s, enum door_refusal how, const char *why)
{
    int status = how == DOOR_TIMED_OUT ? 504 : 502;

    snprintf(s->error, sizeof(s->error), "%s", why);
    if (s->bridge_dials)
        return session_again_failed(s, status, why);
    if (s->door != NULL || s->offer == NULL || s->decision.action != GATE_INSPECT ||
        s->host == NULL)
        return session_refuse(s, how, AUDIT_SERVER_FAILED, why);
    return session_page(s, status, "The site cannot be reached", why);
}

static enum step dial_refused(struct session *s)
{
    return unreachable(s, DOOR_BY_POLICY,
                       "its address is this gateway's own, or on this computer only");
}

/* ----------------------------------------------------------------------- addresses ---- */

static void on_addresses(void *context, const struct dns_addresses *answer)
{
    struct session *s = context;

    s->asking = NULL;
    s->running = true; /* what ends it is freed below, once */
    if (answer->state != DNS_OK)
        (void)unreachable(s, answer->state == DNS_NO_ANSWER ? DOOR_TIMED_OUT : DOOR_NO_NAME,
                          dns_state_text(answer->state));
    else if (addresses_take(s, answer->items, answer->n) < 0)
        (void)session_end(s, AUDIT_INTERNAL, "out of memory");
    else if (s->n_addresses == 0)
        (void)dial_refused(s);
    else {
        resolve_keep(&s->w->resolve, s->host, answer->items, answer->n);
        session_go(s, STAGE_DIAL);
    }
    s->running = false;
    session_run(s);
}

enum step resolve_step(struct session *s)
{
    struct addr known[RESOLVE_ADDRESSES];
    size_t n;

    if (s->asking != NULL) {
        side_want(s, &s->client, 0);
        return STEP_WAIT;
    }
    kept_free(s->kept); /* it did not fit */
    s->kept = NULL;
    s->reused = false;
    if (s->destination.len > 0 && !s->checked_destination) {
        if (addresses_take(s, &s->destination, 1) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        if (s->n_addresses == 0)
            return dial_refused(s);
        session_go(s, STAGE_DIAL);
        return STEP_GO;
    }
    n = resolve_known(&s->w->resolve, s->host, s->port, known);
    if (n > 0) {
        if (addresses_take(s, known, n) < 0)
            return session_end(s, AUDIT_INTERNAL, "out of memory");
        if (s->n_addresses == 0)
            return dial_refused(s);
        session_go(s, STAGE_DIAL);
        return STEP_GO;
    }
    if (dns_resolve(s->w->dns, s->host, s->port, DNS_ANY, RESOLVE_LIMIT_MS, on_addresses, s,
                    &s->asking) < 0)
        return unreachable(s, DOOR_NO_NAME, "its name cannot be asked for");
    return STEP_WAIT;
}

/* ---------------------------------------------------------------------- connection ---- */

enum step session_door_open(struct session *s)
{
    struct mw_span out;
    size_t n;

    door_accept(s->door);
    while ((out = door_out(s->door)).len > 0) {
        enum io io = leg_write(&s->client.leg, out, &n);

        if (io != IO_OK)
            return session_end(s, AUDIT_CLIENT_FAILED, "did not take the proxy's answer");
        door_sent(s->door, n);
    }
    door_free(s->door);
    s->door = NULL;
    return STEP_GO;
}

static enum step dialled(struct session *s, const struct connect_result *r)
{
    enum door_refusal how = r->error == SOCK_REFUSED   ? DOOR_CONNECTION_REFUSED
                            : r->error == SOCK_TIMEOUT ? DOOR_TIMED_OUT
                                                       : DOOR_UNREACHABLE;

    if (r->fd < 0)
        return unreachable(s, how, sock_error_text(r->error));
    if (leads_back(s, r->fd, &r->peer)) {
        close(r->fd);
        return dial_refused(s);
    }
    if (side_open(s, &s->server, r->fd) < 0)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    s->destination = r->peer;
    free(s->addresses);
    s->addresses = NULL;
    if (s->bridge_dials && s->client.leg.tls != NULL) {
        session_go(s, STAGE_SECURE);
    } else if (s->bridge_dials) {
        struct bridge_answer answer = { .status = 0 };
        bool blocked = session_plain_blocked(s, &answer);

        s->bridge_dials = false;
        if (blocked)
            side_close(&s->server);
        bridge_origin(s->bridge, blocked ? &answer : NULL);
        session_go(s, STAGE_BRIDGE);
    } else if (s->door != NULL) {
        if (session_door_open(s) == STEP_END)
            return STEP_END;
        session_go(s, STAGE_HELLO);
    } else if (s->bridge != NULL) {
        session_go(s, STAGE_BRIDGE);
    } else if (s->redials > 0) {
        return session_decide(s); /* rules may be about the address, which is another now */
    } else {
        session_go(s, s->decision.action == GATE_INSPECT ? STAGE_SECURE : STAGE_SPLICE);
    }
    return STEP_GO;
}

static void on_connected(void *context, const struct connect_result *result)
{
    struct session *s = context;

    s->connecting = NULL;
    s->running = true;
    (void)dialled(s, result);
    s->running = false;
    session_run(s);
}

enum step dial_step(struct session *s)
{
    if (s->connecting == NULL &&
        connect_begin(&s->connecting, &s->w->loop, s->addresses, s->n_addresses,
                      s->config->limits.dial_s * 1000, on_connected, s) < 0)
        return unreachable(s, DOOR_UNREACHABLE, "no connection could be begun");
    side_want(s, &s->client, 0);
    return STEP_WAIT;
}
