#include "lab/peer.h"

#include <stdlib.h>
#include <string.h>

#include "lab/box.h"

static void peer_unlink(struct peer *p)
{
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        p->lab->peers = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    p->lab->n_peers--;
}

static void on_handle_closed(uv_handle_t *h)
{
    struct peer *p = h->data;

    if (--p->handles > 0)
        return;
    peer_unlink(p);
    if (p->role->gone != NULL)
        p->role->gone(p);
    buf_deinit(&p->in);
    free(p);
}

static void timers_close(struct peer *p)
{
    uv_close((uv_handle_t *)&p->life, on_handle_closed);
    uv_close((uv_handle_t *)&p->tick, on_handle_closed);
}

void peer_close(struct peer *p)
{
    if (p->closing)
        return;
    p->closing = true;
    timers_close(p);
    uv_close((uv_handle_t *)&p->tcp, on_handle_closed);
}

void peer_reset(struct peer *p)
{
    if (p->closing)
        return;
    p->closing = true;
    timers_close(p);
    if (uv_tcp_close_reset(&p->tcp, on_handle_closed) < 0)
        uv_close((uv_handle_t *)&p->tcp, on_handle_closed);
}

static void on_life_over(uv_timer_t *t)
{
    peer_close(t->data);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct peer *p = h->data;
    size_t room = p->in.max - p->in.len;
    uint8_t *at;

    room = room < suggested ? room : suggested;
    at = room > 0 ? buf_reserve(&p->in, room) : NULL;
    *buf = uv_buf_init((char *)at, at != NULL ? (unsigned)room : 0);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = s->data;

    (void)buf;
    if (p->closing || n == 0)
        return;
    if (n == UV_EOF) {
        p->ended = true;
        uv_read_stop(s);
        if (p->role->ended != NULL)
            p->role->ended(p);
        else
            peer_close(p);
        return;
    }
    if (n < 0) {
        peer_close(p);
        return;
    }
    buf_took(&p->in, (size_t)n);
    if (p->finishing)
        buf_truncate(&p->in, 0);
    else
        p->role->data(p);
}

static int peer_start(struct peer *p)
{
    uv_timer_start(&p->life, on_life_over, PEER_LIFE_MS, 0);
    uv_tcp_nodelay(&p->tcp, 1);
    return uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static struct peer *peer_new(struct lab *lab, enum lab_door door, const struct peer_role *role)
{
    struct peer *p = lab->n_peers < PEERS_MAX && !lab->stopping ? calloc(1, sizeof(*p)) : NULL;

    if (p == NULL)
        return NULL;
    p->lab = lab;
    p->door = door;
    p->role = role;
    p->in = (struct buf)BUF_INIT(PEER_IN_MAX);
    if (uv_tcp_init(lab->loop, &p->tcp) < 0) {
        free(p);
        return NULL;
    }
    uv_timer_init(lab->loop, &p->life);
    uv_timer_init(lab->loop, &p->tick);
    p->handles = 3;
    p->tcp.data = p->life.data = p->tick.data = p;
    p->next = lab->peers;
    if (p->next != NULL)
        p->next->prev = p;
    lab->peers = p;
    lab->n_peers++;
    return p;
}

static void on_turned_away(uv_handle_t *h)
{
    free(h);
}

/* One too many.  It must be taken off the queue all the same, or nobody comes in any more. */
static void peer_turn_away(struct lab *lab, uv_stream_t *listener)
{
    uv_tcp_t *tcp = malloc(sizeof(*tcp));

    if (tcp == NULL)
        return;
    if (uv_tcp_init(lab->loop, tcp) < 0) {
        free(tcp);
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)tcp) < 0 ||
        uv_tcp_close_reset(tcp, on_turned_away) < 0)
        uv_close((uv_handle_t *)tcp, on_turned_away);
}

void peer_accept(struct lab *lab, enum lab_door door, uv_stream_t *listener)
{
    struct peer *p = peer_new(lab, door, peer_role_of(door));

    if (p == NULL) {
        peer_turn_away(lab, listener);
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)&p->tcp) < 0 || peer_start(p) < 0) {
        peer_close(p);
        return;
    }
    if (p->role->opened != NULL)
        p->role->opened(p);
}

static void on_dialled(uv_connect_t *request, int status)
{
    struct peer *p = request->data;

    if (p->closing)
        return;
    if (status < 0 || peer_start(p) < 0)
        peer_close(p);
    else if (p->role->opened != NULL)
        p->role->opened(p);
}

struct peer *peer_dial(struct lab *lab, enum lab_door door, const struct peer_role *role,
                       void *state)
{
    struct peer *p = peer_new(lab, door, role);
    struct sockaddr_storage to = lab->at[door];

    if (p == NULL)
        return NULL;
    p->dial.data = p;
    if (uv_tcp_connect(&p->dial, &p->tcp, (struct sockaddr *)&to, on_dialled) < 0) {
        peer_close(p);
        return NULL;
    }
    p->state = state;
    return p;
}

void peer_become(struct peer *p, const struct peer_role *role, void *state)
{
    p->role = role;
    p->state = state;
    if (p->in.len > 0 && !p->closing)
        role->data(p);
}

struct writing {
    uv_write_t request;
    struct peer *peer;
    size_t len;
    uint8_t bytes[];
};

static void on_shut(uv_shutdown_t *request, int status)
{
    struct peer *p = request->data;

    (void)status;
    free(request);
    /* A moment for the client to read what was sent; its own FIN ends it sooner. */
    if (!p->closing)
        uv_timer_start(&p->life, on_life_over, p->ended ? 0 : 500, 0);
}

static void peer_shut(struct peer *p)
{
    uv_shutdown_t *request = malloc(sizeof(*request));

    if (request == NULL) {
        peer_close(p);
        return;
    }
    request->data = p;
    if (uv_shutdown(request, (uv_stream_t *)&p->tcp, on_shut) < 0) {
        free(request);
        peer_close(p);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct writing *w = request->data;
    struct peer *p = w->peer;

    p->out_bytes -= w->len;
    free(w);
    if (status < 0)
        peer_close(p);
}

void peer_send(struct peer *p, struct mw_span bytes)
{
    struct writing *w;
    uv_buf_t out;

    if (p->closing || p->finishing || bytes.len == 0)
        return;
    w = p->out_bytes + bytes.len <= PEER_OUT_MAX ? malloc(sizeof(*w) + bytes.len) : NULL;
    if (w == NULL) {
        peer_reset(p);
        return;
    }
    w->peer = p;
    w->len = bytes.len;
    w->request.data = w;
    memcpy(w->bytes, bytes.data, bytes.len);
    out = uv_buf_init((char *)w->bytes, (unsigned)bytes.len);
    if (uv_write(&w->request, (uv_stream_t *)&p->tcp, &out, 1, on_written) < 0) {
        free(w);
        peer_close(p);
        return;
    }
    p->out_bytes += bytes.len;
}

void peer_finish(struct peer *p)
{
    if (p->closing || p->finishing)
        return;
    p->finishing = true;
    peer_tick_stop(p);
    peer_shut(p);
}

void peer_tick(struct peer *p, uint64_t ms, uv_timer_cb fn)
{
    if (!p->closing)
        uv_timer_start(&p->tick, fn, ms, ms);
}

void peer_tick_stop(struct peer *p)
{
    if (!p->closing)
        uv_timer_stop(&p->tick);
}
