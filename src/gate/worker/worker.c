#include "gate/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/worker/session.h"

enum { ACCEPTS_A_TURN = 64, TICK_MS = 500, TOLD_S = 600 };

/* ------------------------------------------------------------- clients, by address ---- */

static uint64_t address_hash(const struct worker *w, const struct addr *a)
{
    struct mw_span ip = addr_ip(a);
    uint64_t h = 0xcbf29ce484222325 ^ w->client_seed;

    for (size_t i = 0; i < ip.len; i++)
        h = (h ^ ip.data[i]) * 0x100000001b3;
    return h ^ (h >> 31);
}

unsigned worker_client_count(const struct worker *w, const struct addr *client)
{
    return w->clients[address_hash(w, client) % WORKER_CLIENTS];
}

void worker_client_add(struct worker *w, const struct addr *client, int by)
{
    uint16_t *n = &w->clients[address_hash(w, client) % WORKER_CLIENTS];

    *n = (uint16_t)(*n + by);
}

/* ----------------------------------------------------------------------- accepting ---- */

/* No descriptor is left: the spare one is given up to accept and close, so that the client
 * hears "no" now and the listener does not wake us for ever. */
static void accept_refuse(struct worker *w, int fd)
{
    int client;

    if (w->spare_fd >= 0)
        close(w->spare_fd);
    client = accept(fd, NULL, NULL);
    if (client >= 0)
        close(client);
    w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (w->spare_fd < 0) /* behind the walls there is no /dev/null: any descriptor will do */
        w->spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    counter_add(&w->counters->overloaded, 1);
}

static bool accept_one(struct worker_listener *l)
{
    struct worker *w = l->worker;
    struct addr from = { .len = sizeof(from.sa) };
    int fd = accept4(l->fd, &from.sa.any, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        accept_refuse(w, l->fd);
        return false;
    }
    if (fd < 0) /* nobody any more, or one that went away while it waited */
        return errno == ECONNABORTED || errno == EINTR;
    if (w->n_sessions >= w->config->limits.connections ||
        worker_client_count(w, &from) >= w->config->limits.per_client) {
        close(fd);
        counter_add(&w->counters->overloaded, 1);
        return true;
    }
    session_accept(w, l, fd, &from);
    return true;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct worker_listener *l = poll->data;

    (void)events;
    if (status < 0)
        return;
    for (unsigned i = 0; i < ACCEPTS_A_TURN && !l->worker->draining; i++)
        if (!accept_one(l))
            return;
}

int worker_listen(struct worker *w, size_t index, int fd)
{
    struct worker_listener *l = &w->listeners[index];
    int r = uv_poll_init(&w->loop, &l->poll, fd);

    if (r < 0)
        return r;
    l->at = (struct addr){ .len = sizeof(l->at.sa) };
    if (getsockname(fd, &l->at.sa.any, &l->at.len) < 0)
        return -errno;
    l->worker = w;
    l->settings = &w->config->listeners[index];
    l->fd = fd;
    l->index = index;
    l->poll.data = l;
    l->open = true;
    return uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

void worker_drain(struct worker *w)
{
    w->draining = true;
    for (size_t i = 0; i < w->n_listeners; i++)
        if (w->listeners[i].open) {
            (void)uv_poll_stop(&w->listeners[i].poll);
            close(w->listeners[i].fd);
            w->listeners[i].open = false;
        }
    kept_drop(w);
    for (struct session *s = w->sessions; s != NULL; s = s->older)
        if (s->bridge != NULL)
            bridge_drain(s->bridge);
}

/* --------------------------------------------------------------------------- turns ---- */

static void on_more(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    struct session *s = w->ready;

    w->ready = NULL;
    while (s != NULL) {
        struct session *next = s->next_ready;

        s->is_ready = false;
        s->next_ready = NULL;
        session_run(s);
        s = next;
    }
    if (w->ready == NULL)
        uv_idle_stop(idle);
}

void worker_again(struct worker *w, struct session *s)
{
    if (s->is_ready)
        return;
    s->is_ready = true;
    s->next_ready = w->ready;
    w->ready = s;
    uv_idle_start(&w->more, on_more);
}

static void session_late(struct session *s)
{
    static const char *const words[] = { "said too little for too long",
                                         "the server did not answer in time",
                                         "nothing passed for too long" };
    bool idle = s->stage == STAGE_BRIDGE || s->stage == STAGE_SPLICE;
    bool client = s->stage == STAGE_DOOR || s->stage == STAGE_HELLO || s->stage == STAGE_GREET ||
                  s->stage == STAGE_LAST_WORDS;

    session_kill(s, s->record.outcome != AUDIT_COMPLETED ? s->record.outcome : AUDIT_TIMED_OUT,
                 words[idle     ? 2
                       : client ? 0
                                : 1]);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    int64_t now = (int64_t)uv_now(&w->loop);
    struct session *s = w->sessions;

    while (s != NULL) {
        struct session *older = s->older;

        if (now >= s->deadline_ms)
            session_late(s);
        else
            session_rest(s);
        s = older;
    }
    kept_sweep(w, now);
    /* The scribe need not have noticed anything: it was slow, or there was no memory here. */
    w->audit_full = w->audit_full && channel_waiting(w->scribe) > CHANNEL_MAX_WAITING / 2;
    if (now - w->used_since_ms > TOLD_S * 1000) {
        memset(w->used_lately, 0, sizeof(w->used_lately));
        w->used_since_ms = now;
    }
    if (w->draining && w->sessions == NULL)
        uv_stop(&w->loop);
}

int worker_turns_init(struct worker *w)
{
    int r = uv_idle_init(&w->loop, &w->more);

    if (r == 0)
        r = uv_timer_init(&w->loop, &w->tick);
    if (r < 0)
        return r;
    w->more.data = w->tick.data = w;
    return uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
}

/* --------------------------------------------------------------------------- pipes ---- */

int worker_pipe_take(struct worker *w, struct pipe_pair *out)
{
    if (w->n_pipes > 0) {
        *out = w->pipes[--w->n_pipes];
        return 0;
    }
    return pipe2(out->fds, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

void worker_pipe_give(struct worker *w, struct pipe_pair *p, bool is_empty)
{
    if (is_empty && w->n_pipes < WORKER_PIPES) {
        w->pipes[w->n_pipes++] = *p;
        return;
    }
    close(p->fds[0]);
    close(p->fds[1]);
}

/* ------------------------------------------------------------------------- telling ---- */

void worker_audit(struct worker *w, const struct audit_record *r)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

    history_add(w->history, r);
    audit_write(&message, r);
    if (buf_error(&message) != 0 || channel_send(w->scribe, buf_span(&message)) < 0) {
        counter_add(&w->counters->audit_lost, 1);
        w->audit_full = true;
    }
}

void worker_learn(struct worker *w, const struct learn_evidence *e)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

    learn_write(&message, e);
    if (buf_error(&message) != 0 || channel_send(w->scribe, buf_span(&message)) < 0)
        log_debug("gate worker: a sign for the learner was lost: the scribe takes no more");
}

bool worker_told_lately(struct worker *w, const struct learn_evidence *e)
{
    const char *const parts[] = { e->client, e->ja4, e->host };
    uint64_t h = 0xcbf29ce484222325 ^ w->client_seed;
    uint64_t *slot;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (const char *c = parts[i]; *c != '\0'; c++)
            h = (h ^ (uint8_t)*c) * 0x100000001b3;
        h = (h ^ 0xff) * 0x100000001b3;
    }
    slot = &w->used_lately[h % ARRAY_LEN(w->used_lately)];
    if (*slot == h)
        return true;
    *slot = h;
    return false;
}
