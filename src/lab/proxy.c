#include "lab/proxy.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/reader.h"
#include "http/request.h"
#include "lab/box.h"
#include "net/addr.h"

enum {
    SOCKS_VERSION = 5,
    SOCKS_CONNECT = 1,
    SOCKS_IPV4 = 1,
    SOCKS_NAME = 3,
    SOCKS_IPV6 = 4,
    SOCKS_OK = 0,
    SOCKS_NOT_ALLOWED = 2,
    CONNECT_HEAD_MAX = 16384,
};

/* What is asked of a proxy is an address or a name, so the port tells: no way to the closed
 * door. */
static bool refused(const struct lab *lab, uint16_t port)
{
    return port == lab_port(lab, DOOR_CLOSED);
}

static uint16_t target_port(struct mw_span target)
{
    struct mw_span host;
    uint16_t port = 0;

    return host_port_split(target, 0, &host, &port) == 0 ? port : 0;
}

static enum proxy_state connect_talk(struct peer *p)
{
    struct http_request request = HTTP_REQUEST_INIT(0);
    struct mw_span in = buf_span(&p->in);
    enum http_state state = http_request_feed(&request, &in);
    bool good = state == HTTP_DONE && span_eq(request.method, SPAN_LIT("CONNECT"));
    bool allowed = good && !refused(p->lab, target_port(request.target));

    http_request_deinit(&request);
    if (state == HTTP_MORE && p->in.len < CONNECT_HEAD_MAX)
        return PROXY_MORE;
    if (allowed) {
        buf_drop(&p->in, p->in.len - in.len);
        peer_send(p, SPAN_LIT("HTTP/1.1 200 Connection established\r\n\r\n"));
        return PROXY_OPEN;
    }
    peer_send(p, good ? SPAN_LIT("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n")
                      : SPAN_LIT("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n"));
    peer_finish(p);
    return PROXY_REFUSED;
}

static enum proxy_state socks_answer(struct peer *p, size_t used, uint8_t status)
{
    const uint8_t answer[] = { SOCKS_VERSION, status, 0, SOCKS_IPV4, 127, 0, 0, 1, 0, 0 };

    buf_drop(&p->in, used);
    peer_send(p, span_of(answer, sizeof(answer)));
    if (status == SOCKS_OK)
        return PROXY_OPEN;
    peer_finish(p);
    return PROXY_REFUSED;
}

/* Without a password only (RFC 1928 section 3, method 0). */
static enum proxy_state socks_talk(struct proxy_talk *t, struct peer *p)
{
    struct reader r = { .rest = buf_span(&p->in) };
    uint8_t command, kind;
    uint16_t port;

    if (!t->greeted) {
        read_u8(&r);
        read_vec8(&r);
        if (r.failed)
            return PROXY_MORE;
        buf_drop(&p->in, p->in.len - r.rest.len);
        peer_send(p, SPAN_LIT("\x05\x00"));
        t->greeted = true;
        r = (struct reader){ .rest = buf_span(&p->in) };
    }
    read_u8(&r);
    command = read_u8(&r);
    read_u8(&r);
    kind = read_u8(&r);
    if (kind == SOCKS_NAME)
        read_vec8(&r);
    else
        read_bytes(&r, kind == SOCKS_IPV6 ? 16 : 4);
    port = read_u16(&r);
    if (r.failed)
        return PROXY_MORE;
    return socks_answer(p, p->in.len - r.rest.len,
                        command == SOCKS_CONNECT && !refused(p->lab, port) ? SOCKS_OK
                                                                   : SOCKS_NOT_ALLOWED);
}

enum proxy_state proxy_talk_on(struct proxy_talk *t, struct peer *p)
{
    if (p->in.len == 0)
        return PROXY_MORE;
    if (t->greeted || p->in.data[0] == SOCKS_VERSION)
        return socks_talk(t, p);
    return connect_talk(p);
}

/* ----------------------------------------------------------------- tunnel ---- */

struct tunnel {
    struct proxy_talk talk;
    struct peer *client, *server;
};

static struct peer *other_end(const struct tunnel *u, const struct peer *p)
{
    return p == u->client ? u->server : u->client;
}

static void tunnel_data(struct peer *p)
{
    struct tunnel *u = p->state;
    struct peer *to = other_end(u, p);

    if (to == NULL)
        return;
    peer_send(to, buf_span(&p->in));
    buf_truncate(&p->in, 0);
}

static void tunnel_ended(struct peer *p)
{
    struct peer *to = other_end(p->state, p);

    if (to != NULL)
        peer_finish(to);
    peer_finish(p);
}

static void tunnel_gone(struct peer *p)
{
    struct tunnel *u = p->state;
    struct peer *to;

    if (u == NULL)
        return;
    to = other_end(u, p);
    if (p == u->client)
        u->client = NULL;
    else
        u->server = NULL;
    if (to != NULL)
        peer_finish(to);
    else
        free(u);
}

static void tunnel_opened(struct peer *p)
{
    struct tunnel *u = p->state;

    if (u->client != NULL)
        tunnel_data(u->client);
}

static const struct peer_role role_tunnel = {
    .data = tunnel_data, .opened = tunnel_opened, .ended = tunnel_ended, .gone = tunnel_gone
};

static void proxy_data(struct peer *p)
{
    struct tunnel *u = p->state;

    if (u == NULL)
        u = p->state = calloc(1, sizeof(*u));
    if (u == NULL) {
        peer_reset(p);
        return;
    }
    u->client = p;
    if (u->server != NULL || proxy_talk_on(&u->talk, p) != PROXY_OPEN)
        return;
    u->server = peer_dial(p->lab, DOOR_TLS, &role_tunnel, u);
    if (u->server == NULL)
        peer_reset(p);
    else
        p->role = &role_tunnel;
}

const struct peer_role role_proxy = { .data = proxy_data, .gone = tunnel_gone };
