/*
 * A new gate takes over from a running one without a moment in which nobody listens.
 *
 *     old                                        new
 *     its scribe ends                            (what workers say to it waits in the sockets)
 *     starts the new program, with: listeners,
 *     the lock, the scribe's ends of its
 *     workers' channels                   ->     begins as ever, on those sockets; its scribe
 *     the ticket seed                     ->     hears the old workers too
 *                                         <-     "ready"
 *     drains and ends
 *
 * If the new one ends before it is ready, the old one goes on as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "gate/parent/parent.h"

static const char TAKEOVER[] = "MIDWATCH_GATE_TAKEOVER";

/* Who takes over from us. */
struct successor {
    struct parent *parent;
    uv_process_t process;
    uv_poll_t poll;
    uv_timer_t step;            /* what comes next, or how long that may take */
    int fd;                     /* a socket to it */
    int open_handles;
    bool running, ready;
};

enum { TAKEOVER_FDS = 4, STDIO_MAX = TAKEOVER_FDS + (64 + 2) * PROCESS_MAX_WORKERS };

/* ---------------------------------------------------------------- what is handed over ---- */

struct handing {
    uv_stdio_container_t stdio[STDIO_MAX];
    int n;
    bool failed;
};

/* The number under which the new process finds it. */
static int hand(struct handing *h, int fd)
{
    if (h->n == STDIO_MAX) {
        h->failed = true;
        return -1;
    }
    h->stdio[h->n].flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE;
    h->stdio[h->n].data.fd = fd;
    return h->n++;
}

static void append(struct handing *h, json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) < 0)
        h->failed = true;
}

static json_t *hand_listeners(struct handing *h, const struct parent *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_bounds; i++)
        for (unsigned w = 0; w < p->workers; w++) {
            CLEANUP(buf_deinit) struct buf url = BUF_INIT(1024);

            listener_url(&url, p, i);
            append(h, list, json_pack("{si ss}", "fd", hand(h, p->bounds[i].fds[w]), "url",
                                      buf_error(&url) == 0 ? (const char *)url.data : ""));
        }
    return list;
}

static json_t *hand_workers(struct handing *h, const struct parent *p)
{
    json_t *list = json_array();

    for (unsigned w = 0; w < p->workers; w++)
        append(h, list, json_pack("[ii]", hand(h, p->scribe_pairs[w][1]), hand(h, p->counters[w])));
    return list;
}

/* NULL: out of memory, or too many descriptors. */
static char *hand_all(struct handing *h, const struct parent *p, int fd)
{
    json_t *o;
    char *text = NULL;
    int talk, lock;

    hand(h, -1);
    hand(h, 1);
    hand(h, 2);
    talk = hand(h, fd);
    lock = hand(h, p->lock_fd);
    o = json_pack("{si si so so}", "talk", talk, "lock", lock, "listeners", hand_listeners(h, p),
                  "workers", hand_workers(h, p));
    if (!h->failed)
        text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* ------------------------------------------------------------------------ the old one ---- */

static void on_closed(uv_handle_t *handle)
{
    struct successor *s = handle->data;

    if (--s->open_handles > 0)
        return;
    own_close(&s->fd);
    free(s);
}

static void successor_free(struct successor *s)
{
    uv_handle_t *const handles[] = { (uv_handle_t *)&s->process, (uv_handle_t *)&s->poll,
                                     (uv_handle_t *)&s->step };

    for (size_t i = 0; i < ARRAY_LEN(handles); i++)
        if (handles[i]->data != NULL && uv_is_closing(handles[i]) == 0)
            uv_close(handles[i], on_closed);
}

/* Back to where we were: our own scribe goes on. */
static void upgrade_failed(struct parent *p, const char *why)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct successor *s = p->successor;

    log_error("gate: no upgrade: %s; the running gate goes on", why);
    p->successor = NULL;
    if (s->running)
        (void)uv_process_kill(&s->process, SIGKILL);
    s->running = false;
    successor_free(s);
    if (!p->children[1].running && !p->children[1].closing &&
        child_start(&p->children[1], &error) != 0)
        log_error("gate: %s", (const char *)error.data);
}

static void on_successor_exit(uv_process_t *process, int64_t status, int signal)
{
    struct successor *s = process->data;
    struct parent *p = s->parent;

    (void)status;
    (void)signal;
    s->running = false;
    if (p->successor == s && !s->ready)
        upgrade_failed(p, "the new gate ended before it was ready; its messages say why");
}

static void on_late(uv_timer_t *timer)
{
    struct successor *s = timer->data;

    if (s->parent->successor == s && !s->ready)
        upgrade_failed(s->parent, "the new gate was not ready in time");
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct successor *s = poll->data;
    struct parent *p = s->parent;
    char byte;

    (void)events;
    if (status < 0 || recv(s->fd, &byte, 1, MSG_DONTWAIT) != 1) {
        uv_poll_stop(poll);     /* its end is what on_successor_exit() hears of */
        return;
    }
    uv_poll_stop(poll);
    uv_timer_stop(&s->step);
    s->ready = true;
    log_info("gate: process %d has taken over; this one ends with its last session",
             (int)s->process.pid);
    notify_successor(&p->notify, s->process.pid);
    notify_end(&p->notify);     /* what follows is the new one's to say */
    parent_end(p);
}

static int seed_send(const struct parent *p, int fd)
{
    uint8_t bytes[sizeof(p->seed) + 8];
    ssize_t n;

    memcpy(bytes, p->seed, sizeof(p->seed));
    memcpy(bytes + sizeof(p->seed), &p->period, 8);
    n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
    explicit_bzero(bytes, sizeof(bytes));
    return n == (ssize_t)sizeof(bytes) ? 0 : -EIO;
}

/* The program, then the words that we were started with. */
static char **arguments(const struct parent *p)
{
    size_t n = 0;
    char **args;

    while (p->argv[n] != NULL)
        n++;
    args = calloc(n + 2, sizeof(*args));
    if (args == NULL)
        return NULL;
    args[0] = p->program;
    memcpy(args + 1, p->argv, n * sizeof(*args));
    return args;
}

static int successor_spawn(struct successor *s, int theirs)
{
    struct parent *p = s->parent;
    struct handing *h = calloc(1, sizeof(*h));
    CLEANUP(own_free) char *text = h != NULL ? hand_all(h, p, theirs) : NULL;
    CLEANUP(own_free) char **args = arguments(p);
    uv_process_options_t options = { .file = p->program, .args = args,
                                     .exit_cb = on_successor_exit };
    int r = -ENOMEM;

    if (text != NULL && args != NULL && setenv(TAKEOVER, text, 1) == 0) {
        options.stdio = h->stdio;
        options.stdio_count = h->n;
        notify_export(&p->notify, true);
        r = uv_spawn(&p->loop, &s->process, &options);
        notify_export(&p->notify, false);
        (void)unsetenv(TAKEOVER);
        s->process.data = s;
        s->open_handles++;
        s->running = r == 0;
    }
    free(h);
    return r;
}

/* Our scribe has ended: the new one's may begin. */
static void successor_start(struct parent *p)
{
    struct successor *s = p->successor;
    int pair[2], r;

    uv_timer_start(&s->step, on_late, PARENT_TAKEOVER_MS, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        upgrade_failed(p, strerror(errno));
        return;
    }
    s->fd = pair[0];
    r = seed_send(p, pair[0]);
    if (r == 0)
        r = successor_spawn(s, pair[1]);
    close(pair[1]);
    if (r == 0 && (r = uv_poll_init(&p->loop, &s->poll, s->fd)) == 0) {
        s->poll.data = s;
        s->open_handles++;
        r = uv_poll_start(&s->poll, UV_READABLE, on_ready);
    }
    if (r < 0)
        upgrade_failed(p, strerror(-r));
}

void upgrade_child_ended(struct parent *p, const struct child *c)
{
    if (p->successor != NULL && p->successor->fd < 0 && c->role == CHILD_SCRIBE && !p->ending)
        successor_start(p);
}

static void on_scribe_late(uv_timer_t *timer)
{
    struct successor *s = timer->data;

    child_stop(&s->parent->children[1], SIGKILL);
}

/* The scribe had a turn of the loop to pass our answer on to who asked for the upgrade. */
static void on_begin(uv_timer_t *timer)
{
    struct successor *s = timer->data;
    struct child *scribe = &s->parent->children[1];

    if (s->parent->ending)
        return;
    uv_timer_stop(&scribe->again);
    child_leave(scribe);
    if (scribe->running || scribe->closing)
        uv_timer_start(&s->step, on_scribe_late, PARENT_SCRIBE_MS, 0);
    else
        successor_start(s->parent);
}

int upgrade_begin(struct parent *p, struct buf *error)
{
    struct successor *s;
    int r;

    if (p->ending || p->successor != NULL || !p->ready) {
        buf_str(error, p->ready ? "one is under way, or the gate is ending"
                                : "the gate has not begun itself yet");
        return EBUSY;
    }
    if (access(p->program, X_OK) < 0) {
        buf_printf(error, "%s: %s", p->program, strerror(errno));
        return EINVAL;
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->parent = p;
    s->fd = -1;
    r = uv_timer_init(&p->loop, &s->step);
    if (r < 0) {
        free(s);
        return r;
    }
    s->step.data = s;
    s->open_handles++;
    p->successor = s;
    return uv_timer_start(&s->step, on_begin, 0, 0);
}

void upgrade_free(struct parent *p)
{
    if (p->successor != NULL)
        successor_free(p->successor);
    p->successor = NULL;
}

/* ------------------------------------------------------------------------ the new one ---- */

static int cloexec(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int number_in(const json_t *list, size_t i)
{
    const json_t *n = json_array_get(list, i);

    return json_is_integer(n) ? (int)json_integer_value(n) : -1;
}

static int take_listeners(struct parent *p, const json_t *list)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one) {
        const char *url = json_string_value(json_object_get(one, "url"));
        int r = given_add(p, (int)json_integer_value(json_object_get(one, "fd")),
                          url != NULL ? url : "");

        if (r < 0)
            return r;
    }
    return 0;
}

static int take_workers(struct parent *p, const json_t *list)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one) {
        struct guest g = { number_in(one, 0), number_in(one, 1) };
        int r = cloexec(g.scribe_fd);

        if (r == 0)
            r = cloexec(g.counters_fd);
        if (r < 0 || p->n_guests == ARRAY_LEN(p->guests))
            return r < 0 ? r : -ENOSPC;
        p->guests[p->n_guests++] = g;
    }
    return 0;
}

static int take_seed(struct parent *p)
{
    uint8_t bytes[sizeof(p->seed) + 8];
    ssize_t n = recv(p->takeover_fd, bytes, sizeof(bytes), MSG_WAITALL);

    if (n != (ssize_t)sizeof(bytes))
        return -EPROTO;
    memcpy(p->seed, bytes, sizeof(p->seed));
    memcpy(&p->period, bytes + sizeof(p->seed), 8);
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

int takeover_begin(struct parent *p, struct buf *error)
{
    const char *text = getenv(TAKEOVER);
    json_t *o;
    int r;

    if (text == NULL)
        return 0;
    o = json_loads(text, 0, NULL);
    (void)unsetenv(TAKEOVER);
    p->takeover_fd = json_is_object(o) ? (int)json_integer_value(json_object_get(o, "talk")) : -1;
    p->lock_fd = json_is_object(o) ? (int)json_integer_value(json_object_get(o, "lock")) : -1;
    r = p->takeover_fd < 3 || p->lock_fd < 3 ? -EINVAL : cloexec(p->takeover_fd);
    if (r == 0)
        r = cloexec(p->lock_fd);
    if (r == 0)
        r = take_seed(p);
    if (r == 0)
        r = take_listeners(p, json_object_get(o, "listeners"));
    if (r == 0)
        r = take_workers(p, json_object_get(o, "workers"));
    json_decref(o);
    if (r < 0)
        buf_printf(error, "what the running gate hands over makes no sense: %s", strerror(-r));
    return r;
}

void takeover_ready(struct parent *p)
{
    if (p->takeover_fd < 0)
        return;
    if (send(p->takeover_fd, "R", 1, MSG_NOSIGNAL) != 1)
        log_warning("gate: the gate that this one takes over from is gone");
    close(p->takeover_fd);
    p->takeover_fd = -1;
}
