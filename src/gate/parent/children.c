/*
 * The processes that the parent starts, and starts again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/own.h"
#include "gate/parent/parent.h"

static const char *const roles[] = {
    [CHILD_FORGE] = "forge", [CHILD_SCRIBE] = "scribe", [CHILD_WORKER] = "worker",
};

const char *child_name(const struct child *c, char text[32])
{
    if (c->role == CHILD_WORKER)
        snprintf(text, 32, "%s %u", roles[c->role], c->index);
    else
        snprintf(text, 32, "%s", roles[c->role]);
    return text;
}

/* -------------------------------------------------------------------------- its life ---- */

static void on_again(uv_timer_t *timer)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct child *c = timer->data;

    if (!c->parent->ending && !c->kept_down && child_start(c, &error) != 0)
        log_error("gate: %s", (const char *)error.data);
}

static void child_wait(struct child *c)
{
    int64_t lived = (int64_t)uv_now(&c->parent->loop) - c->began_ms;

    if (lived > PARENT_WELL_MS)
        c->wait_ms = 0;
    uv_timer_start(&c->again, on_again, (uint64_t)c->wait_ms, 0);
    c->wait_ms = c->wait_ms == 0 ? PARENT_BACKOFF_MS : 2 * c->wait_ms;
    if (c->wait_ms > PARENT_BACKOFF_MAX_MS)
        c->wait_ms = PARENT_BACKOFF_MAX_MS;
}

/* What never ran well is not tried for ever: somebody waits for the answer. */
static void give_up(struct child *c)
{
    struct parent *p = c->parent;
    char name[32];

    log_error("gate: the %s cannot run: the gate ends", child_name(c, name));
    p->failed = true;
    p->ends_asked = 1;          /* nobody is there to drain */
    parent_end(p);
}

static void on_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;
    struct parent *p = c->parent;

    c->closing = false;
    upgrade_child_ended(p, c);
    if (!p->ending && !p->ready && c->deaths >= PARENT_FALSE_STARTS)
        give_up(c);
    if (p->ending && !children_any(p))
        uv_stop(&p->loop);
    else if (!p->ending && !c->kept_down)
        child_wait(c);
}

static void say_how(const struct child *c, int64_t status, int signal)
{
    char name[32];

    if (signal == SIGSYS)
        log_error("gate: the %s was killed for a system call that its walls do not allow (the "
                  "kernel's log says which) and is started again", child_name(c, name));
    else if (signal != 0)
        log_error("gate: the %s was killed by signal %d (%s) and is started again",
                  child_name(c, name), signal, strsignal(signal));
    else
        log_error("gate: the %s ended with status %d and is started again", child_name(c, name),
                  (int)status);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;

    c->running = c->up = false;
    c->closing = true;
    c->deaths += !c->anew;
    if (c->role == CHILD_WORKER)        /* its sessions ended with it */
        atomic_store_explicit(&c->parent->pages[c->index]->open, 0, memory_order_relaxed);
    if (!c->parent->ending && !c->kept_down && !c->anew)
        say_how(c, status, signal);
    c->anew = false;
    uv_close((uv_handle_t *)process, on_closed);
}

/* ------------------------------------------------------------------------ its start ---- */

enum { STDIO_MAX = PROCESS_FD_FIRST + 2 * PROCESS_MAX_WORKERS + 64 };

static void give(uv_stdio_container_t *stdio, int *n, int fd)
{
    stdio[*n].flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE;
    stdio[*n].data.fd = fd;
    (*n)++;
}

/* Nothing is left in there, and nobody will write any more. */
static bool channel_is_over(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    uint8_t byte;

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0 &&
           recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static void guests_leave(struct parent *p)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < p->n_guests; i++) {
        if (!channel_is_over(p->guests[i].scribe_fd)) {
            p->guests[kept++] = p->guests[i];
            continue;
        }
        own_close(&p->guests[i].scribe_fd);
        own_close(&p->guests[i].counters_fd);
    }
    p->n_guests = kept;
}

/* The descriptors of wire/process.h, in order. */
static int descriptors(const struct child *c, int bundle, uv_stdio_container_t stdio[STDIO_MAX])
{
    const struct parent *p = c->parent;
    int n = 0;

    give(stdio, &n, -1);
    give(stdio, &n, -1);
    give(stdio, &n, 2);
    give(stdio, &n, bundle);
    give(stdio, &n, c->channel[1]);
    switch (c->role) {
    case CHILD_FORGE:
        for (unsigned i = 0; i < p->workers; i++)
            give(stdio, &n, p->forge_pairs[i][1]);
        break;
    case CHILD_SCRIBE:
        for (unsigned i = 0; i < p->workers; i++) {
            give(stdio, &n, p->scribe_pairs[i][1]);
            give(stdio, &n, p->counters[i]);
        }
        for (unsigned i = 0; i < p->n_guests; i++) {
            give(stdio, &n, p->guests[i].scribe_fd);
            give(stdio, &n, p->guests[i].counters_fd);
        }
        break;
    case CHILD_WORKER:
        give(stdio, &n, p->forge_pairs[c->index][0]);
        give(stdio, &n, p->scribe_pairs[c->index][0]);
        give(stdio, &n, p->counters[c->index]);
        for (size_t i = 0; i < p->n_bounds; i++)
            give(stdio, &n, p->bounds[i].fds[c->index]);
        break;
    }
    return n;
}

static void seed_tell(struct child *c)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(64);

    buf_u8(&message, GATE_TICKET_SEED);
    buf_add(&message, span_of(c->parent->seed, sizeof(c->parent->seed)));
    buf_u64(&message, c->parent->period);
    if (buf_error(&message) != 0 || channel_send(c->talk, buf_span(&message)) < 0)
        log_error("gate: a worker was not told the keys of session tickets");
    if (message.data != NULL)
        explicit_bzero(message.data, message.len);
}

static int on_message_of(struct child *c);

static int child_spawn(struct child *c, int bundle)
{
    struct parent *p = c->parent;
    uv_stdio_container_t stdio[STDIO_MAX];
    char gate[] = "gate", role[] = "--role", at[] = "--index", of[] = "--workers";
    char with[] = "--listeners", name[16], index[16], workers[16], listeners[16];
    char *args[] = { p->program, gate, role, name, at, index, of, workers, with, listeners, NULL };
    uv_process_options_t options = {
        .file = p->program, .args = args, .exit_cb = on_child_exit, .stdio = stdio,
        /* A session of its own: Ctrl-C is for the parent, who lets sessions end first. */
        .flags = UV_PROCESS_DETACHED,
    };

    snprintf(name, sizeof(name), "%s", roles[c->role]);
    snprintf(index, sizeof(index), "%u", c->index);
    snprintf(workers, sizeof(workers), "%u",
             p->workers + (c->role == CHILD_SCRIBE ? p->n_guests : 0));
    snprintf(listeners, sizeof(listeners), "%zu", p->n_bounds);
    options.stdio_count = descriptors(c, bundle, stdio);
    return uv_spawn(&p->loop, &c->process, &options);
}

int child_start(struct child *c, struct buf *error)
{
    struct parent *p = c->parent;
    CLEANUP(own_close) int bundle = -1;
    char name[32];
    int r = c->talk == NULL ? on_message_of(c) : 0;

    if (c->role == CHILD_SCRIBE)
        guests_leave(p);
    c->kept_down = false;
    c->began_ms = (int64_t)uv_now(&p->loop);
    if (r == 0)
        r = bundle_open(p->bundle, &bundle);
    if (r < 0) {
        buf_printf(error, "the %s cannot be started: %s", child_name(c, name), strerror(-r));
        child_wait(c);
        return r;
    }
    r = child_spawn(c, bundle);
    c->process.data = c;
    if (r < 0) {
        buf_printf(error, "the %s cannot be started: %s", child_name(c, name), uv_strerror(r));
        c->closing = true;
        c->deaths++;
        uv_close((uv_handle_t *)&c->process, on_closed);
        return r;
    }
    c->running = true;
    if (c->role == CHILD_WORKER)
        seed_tell(c);
    return 0;
}

/* ------------------------------------------------------------------------ all of them ---- */

static void on_message(void *context, struct mw_span message)
{
    if (message.len > 0)
        parent_asked(context, message);
}

static int on_message_of(struct child *c)
{
    int r = channel_pair(c->channel);

    if (r == 0)
        r = channel_new(&c->talk, &c->parent->loop, c->channel[0], 0, on_message, c);
    return r;
}

static int child_init(struct parent *p, struct child *c, enum child_role role, unsigned index)
{
    int r;

    c->parent = p;
    c->role = role;
    c->index = index;
    c->channel[0] = c->channel[1] = -1;
    c->again.data = c;
    r = on_message_of(c);
    return r == 0 ? uv_timer_init(&p->loop, &c->again) : r;
}

int children_new(struct parent *p)
{
    int r = 0;

    p->n_children = 2U + p->workers;
    p->children = calloc(p->n_children, sizeof(*p->children));
    p->forge_pairs = calloc(p->workers, sizeof(*p->forge_pairs));
    p->scribe_pairs = calloc(p->workers, sizeof(*p->scribe_pairs));
    p->counters = calloc(p->workers, sizeof(*p->counters));
    p->pages = calloc(p->workers, sizeof(struct gate_counters *));
    if (p->children == NULL || p->forge_pairs == NULL || p->scribe_pairs == NULL ||
        p->counters == NULL || p->pages == NULL)
        return -ENOMEM;
    for (unsigned i = 0; r == 0 && i < p->workers; i++)
        if ((r = channel_pair(p->forge_pairs[i])) == 0 &&
            (r = channel_pair(p->scribe_pairs[i])) == 0 &&
            (r = counters_new(&p->counters[i])) == 0)
            r = counters_map(&p->pages[i], p->counters[i]);
    for (unsigned i = 0; r == 0 && i < p->n_children; i++)
        r = child_init(p, &p->children[i],
                       i == 0   ? CHILD_FORGE
                       : i == 1 ? CHILD_SCRIBE
                                : CHILD_WORKER,
                       i < 2 ? 0 : i - 2);
    return r;
}

void child_stop(struct child *c, int signal)
{
    if (c->running)
        (void)uv_process_kill(&c->process, signal);
}

void child_leave(struct child *c)
{
    c->kept_down = true;
    channel_free(c->talk);
    own_close(&c->channel[1]);
    c->talk = NULL;
    c->channel[0] = c->channel[1] = -1;
}

void child_renew(struct child *c)
{
    if (!c->running)
        return;
    c->anew = true;
    child_stop(c, SIGKILL);
}

bool children_any(const struct parent *p)
{
    for (size_t i = 0; p->children != NULL && i < p->n_children; i++)
        if (p->children[i].running || p->children[i].closing)
            return true;
    return false;
}

void children_tell(struct parent *p, struct mw_span message, bool workers_only)
{
    for (size_t i = 0; i < p->n_children; i++) {
        struct child *c = &p->children[i];
        char name[32];

        if ((workers_only && c->role != CHILD_WORKER) || c->talk == NULL)
            continue;
        if (channel_send(c->talk, message) < 0)
            log_error("gate: the %s does not listen to the parent", child_name(c, name));
    }
}

void children_free(struct parent *p)
{
    for (size_t i = 0; p->children != NULL && i < p->n_children; i++) {
        channel_free(p->children[i].talk);
        own_close(&p->children[i].channel[1]);
    }
    for (unsigned i = 0; p->pages != NULL && i < p->workers; i++) {
        own_close(&p->forge_pairs[i][0]);
        own_close(&p->forge_pairs[i][1]);
        own_close(&p->scribe_pairs[i][0]);
        own_close(&p->scribe_pairs[i][1]);
        own_close(&p->counters[i]);
        counters_unmap(p->pages[i]);
    }
    for (unsigned i = 0; i < p->n_guests; i++) {
        own_close(&p->guests[i].scribe_fd);
        own_close(&p->guests[i].counters_fd);
    }
    free(p->forge_pairs);
    free(p->scribe_pairs);
    free(p->counters);
    free(p->pages);
}
