#include "gate/worker/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/reader.h"
#include "gate/wire/packet.h"
#include "gate/worker/session.h"

struct tap {
    struct leg_tap leg_tap;     /* first */
    struct worker *w;
    const struct leg *leg;
    struct gate_packet like;    /* from: we; to: the peer; seq, ack: of the next one out */
    struct buf waiting;         /* messages, each after its length */
};

/* ---------------------------------------------------------------------------- sending ---- */

static void send_message(const struct tap *t, struct mw_span message)
{
    if (channel_waiting(t->w->scribe) > TAP_CHANNEL_BYTES ||
        channel_send(t->w->scribe, message) < 0)
        log_debug("gate worker: a packet was lost: the scribe takes no more");
}

static void send_waiting(struct tap *t)
{
    struct reader r = { .rest = buf_span(&t->waiting) };

    while (read_more(&r))
        send_message(t, read_vec24(&r));
    buf_wipe(&t->waiting);
    t->waiting = (struct buf)BUF_INIT(TAP_WAIT_BYTES);
}

static void say(struct tap *t, const struct gate_packet *p)
{
    CLEANUP(buf_wipe) struct buf message = BUF_INIT(PACKET_DATA_MAX + 1024);

    packet_write(&message, p);
    if (buf_error(&message) != 0)
        return;
    if (t->leg->shaken || t->waiting.len + message.len + 3 > t->waiting.max)
        send_waiting(t);
    if (t->leg->shaken || message.len + 3 > t->waiting.max) {
        send_message(t, buf_span(&message));
        return;
    }
    buf_u24(&t->waiting, (uint32_t)message.len);
    buf_add(&t->waiting, buf_span(&message));
}

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One packet; the stream goes on behind it (RFC 9293 section 3.4). */
static void packet(struct tap *t, bool in, uint8_t flags, struct mw_span data)
{
    struct gate_packet p = t->like;
    uint32_t len = (uint32_t)data.len + ((flags & PACKET_SYN) != 0 ? 1 : 0);

    if (in) {
        p.from = t->like.to;
        p.to = t->like.from;
        p.seq = t->like.ack;
        p.ack = t->like.seq;
        t->like.ack += len;
    } else {
        t->like.seq += len;
    }
    p.when_us = now_us();
    p.flags = flags;
    p.data = data;
    say(t, &p);
}

/* --------------------------------------------------------------------------- the leg's ---- */

static void on_bytes(struct leg_tap *at, bool in, struct mw_span bytes)
{
    struct tap *t = (struct tap *)at;

    if (!t->w->unlock.packets ||
        !unlock_covers(&t->w->unlock, t->like.client, t->like.host, wall_now()))
        return;
    if (t->leg->shaken && t->waiting.len > 0)
        send_waiting(t);
    for (size_t i = 0; i < bytes.len; i += PACKET_DATA_MAX)
        packet(t, in, PACKET_ACK | PACKET_PUSH, span_cut(bytes, i, PACKET_DATA_MAX));
}

static void on_close(struct leg_tap *at)
{
    struct tap *t = (struct tap *)at;

    send_waiting(t);
    buf_wipe(&t->waiting);
    free(t);
}

/* ------------------------------------------------------------------------------ begin ---- */

static bool ends_find(struct tap *t, int fd)
{
    struct addr *us = &t->like.from, *peer = &t->like.to;

    us->len = peer->len = sizeof(us->sa);
    return getsockname(fd, &us->sa.any, &us->len) == 0 &&
           getpeername(fd, &peer->sa.any, &peer->len) == 0;
}

static void hands_shake(struct tap *t, bool peer_began)
{
    const struct mw_span none = { NULL, 0 };

    packet(t, peer_began, PACKET_SYN, none);
    packet(t, !peer_began, PACKET_SYN | PACKET_ACK, none);
    packet(t, peer_began, PACKET_ACK, none);
}

/* Readers take the ports of proxies for HTTP, and look for TLS there behind a CONNECT alone.  Ours
 * says no more than where to: what the client sent may have had its password in it. */
static void tunnel(struct tap *t, const struct session *s)
{
    const struct mw_span yes = SPAN_LIT("HTTP/1.1 200 OK\r\n\r\n");
    CLEANUP(buf_deinit) struct buf ask = BUF_INIT(1024);
    bool v6 = s->asked != NULL && strchr(s->asked, ':') != NULL;

    if (s->asked == NULL || s->listener->settings->entrance != GATE_ENTRANCE_HTTP)
        return;
    buf_printf(&ask, "CONNECT %s%s%s:%u HTTP/1.1\r\n\r\n", v6 ? "[" : "", s->asked, v6 ? "]" : "",
               s->port);
    if (buf_error(&ask) != 0)
        return;
    packet(t, true, PACKET_ACK | PACKET_PUSH, buf_span(&ask));
    packet(t, false, PACKET_ACK | PACKET_PUSH, yes);
}

void tap_begin(struct session *s, struct leg *l, bool peer_began)
{
    struct tap *t;

    if (!s->w->unlock.packets || l->tap != NULL ||
        !unlock_covers(&s->w->unlock, s->client_text, s->host, wall_now()))
        return;
    t = calloc(1, sizeof(*t));
    if (t == NULL || !ends_find(t, l->fd)) {
        free(t); /* then this leg is missing: better than the session */
        return;
    }
    t->leg_tap = (struct leg_tap){ on_bytes, on_close };
    t->w = s->w;
    t->leg = l;
    t->waiting = (struct buf)BUF_INIT(TAP_WAIT_BYTES);
    snprintf(t->like.client, sizeof(t->like.client), "%s", s->client_text);
    snprintf(t->like.host, sizeof(t->like.host), "%s", s->host);
    l->tap = &t->leg_tap;
    hands_shake(t, peer_began);
    if (peer_began)
        tunnel(t, s);
}
