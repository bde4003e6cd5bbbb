#include "gate/control/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/built.h"
#include "base/own.h"
#include "gate/control/metrics.h"
#include "http/request.h"
#include "http/response.h"
#include "net/sock.h"

struct control_conn {
    struct control *control;
    struct control_conn *next;
    struct watch *watch;
    int fd;
    bool is_http, asked, writing;
    struct buf in, out;
    size_t sent;
    struct http_request request;
    struct question question;
};

static void conn_free(struct control_conn *x)
{
    struct control_conn **at = &x->control->conns;

    while (*at != NULL && *at != x)
        at = &(*at)->next;
    if (*at == x) {
        *at = x->next;
        x->control->n_conns--;
    }
    watch_free(x->watch);
    close(x->fd);
    buf_deinit(&x->in);
    buf_deinit(&x->out);
    http_request_deinit(&x->request);
    if (x->asked)
        question_deinit(&x->question);
    free(x);
}

/* ------------------------------------------------------------------ writing ---- */

static void conn_write(struct control_conn *x)
{
    while (x->sent < x->out.len) {
        enum sock_error error;
        size_t n = 0;

        switch (sock_write(x->fd, span_cut(buf_span(&x->out), x->sent, x->out.len), &n, &error)) {
        case IO_OK:
            x->sent += n;
            continue;
        case IO_WANT_WRITE:
            if (watch_want(x->watch, WATCH_WRITE) == 0)
                return;
            break;
        default:
            break;
        }
        conn_free(x);
        return;
    }
    (void)shutdown(x->fd, SHUT_WR);
    conn_free(x);
}

static void conn_begin_writing(struct control_conn *x)
{
    if (buf_error(&x->out) != 0 || x->out.len == 0) {
        conn_free(x);
        return;
    }
    x->writing = true;
    watch_limit(x->watch, CONTROL_LIMIT_MS);
    conn_write(x);
}

/* Takes the object. */
static void conn_say(struct control_conn *x, json_t *answer)
{
    char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

    if (text != NULL)
        buf_printf(&x->out, "%s\n", text);
    free(text);
    json_decref(answer);
    conn_begin_writing(x);
}

static void conn_http(struct control_conn *x, int status, const char *type, struct mw_span body)
{
    const struct http_field fields[] = {
        { SPAN_LIT("Content-Type"), span_str(type) },
        { SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
    };

    if (http_response_write(&x->out, status, fields, ARRAY_LEN(fields), body, false) < 0)
        buf_truncate(&x->out, 0);
    conn_begin_writing(x);
}

static void conn_http_text(struct control_conn *x, int status, const char *text)
{
    conn_http(x, status, "text/plain; charset=utf-8", span_str(text));
}

/* ------------------------------------------------------------------ answers ---- */

static struct metrics metrics_now(const struct control *c)
{
    return (struct metrics){ c->counters, c->workers, c->audit_failing };
}

static json_t *status_answer(const struct control *c, struct question *q)
{
    const struct metrics m = metrics_now(c);
    json_t *workers = json_array();

    for (unsigned i = 0; i < c->workers; i++)
        if (json_array_append_new(workers, metrics_of(c->counters[i])) < 0) {
            json_decref(workers);
            return NULL;
        }
    return json_pack("{ss so so s{sb ss} sO* si}", "version", built_version(), "workers", workers,
                     "totals", metrics_total(&m), "audit", "failing", c->audit_failing, "why",
                     c->audit_why, "gate", q->parent, "missing", q->parent == NULL);
}

/* All processes run, and what they do can be recorded. */
static void ready_answer(struct control_conn *x)
{
    const struct control *c = x->control;
    const json_t *parent = x->question.parent;
    const char *why = json_string_value(json_object_get(parent, "not_ready"));
    char text[512] = "ready\n";

    if (parent == NULL)
        snprintf(text, sizeof(text), "not ready: the gate's parent process does not answer\n");
    else if (why != NULL)
        snprintf(text, sizeof(text), "not ready: %s\n", why);
    else if (c->audit_failing)
        snprintf(text, sizeof(text), "not ready: the audit log cannot be written: %s\n",
                 c->audit_why);
    conn_http_text(x, strcmp(text, "ready\n") == 0 ? 200 : 503, text);
}

/* All has come, or the time is up. */
static void conn_finish(struct control_conn *x)
{
    if (x->is_http)
        ready_answer(x);
    else if (x->question.kind == QUESTION_STATUS)
        conn_say(x, status_answer(x->control, &x->question));
    else
        conn_say(x, question_answer(&x->question));
}

void conn_answer(struct control *c, uint64_t id, int from, struct mw_span json)
{
    for (struct control_conn *x = c->conns; x != NULL; x = x->next) {
        if (!x->asked || x->writing || x->question.id != id)
            continue;
        if (question_take(&x->question, from, json))
            conn_finish(x);
        return;
    }
}

void conn_gone(struct control *c, unsigned worker)
{
    struct control_conn *x = c->conns, *next;

    c->gone[worker] = true;
    for (; x != NULL; x = next) {
        next = x->next;
        if (x->asked && !x->writing && question_gone(&x->question, worker))
            conn_finish(x);
    }
}

/* ---------------------------------------------------------------- questions ---- */

/* text: without its newline; passed on as it is. */
static void conn_ask(struct control_conn *x, struct mw_span passed_on)
{
    struct control *c = x->control;

    bool nobody = false;

    x->asked = true;
    watch_limit(x->watch, question_limit_ms(&x->question));
    if (watch_want(x->watch, 0) < 0) {
        conn_free(x);
        return;
    }
    for (unsigned i = 0; i < c->workers; i++)
        if (c->gone[i])
            nobody |= question_gone(&x->question, i);
    if (nobody) {
        conn_finish(x);
        return;
    }
    /* Last: the answer may be there before this returns. */
    c->events->ask_all(c->context, x->question.id, passed_on);
}

static void conn_question(struct control_conn *x, struct mw_span text)
{
    struct control *c = x->control;

    if (c->events->own(c->context, text, &x->out)) {
        buf_str(&x->out, "\n");
        conn_begin_writing(x);
        return;
    }
    if (!question_init(&x->question, c->next_id++, c->workers, text)) {
        conn_say(x, question_error("the gate does not know this question: is its version the same "
                                   "as this command's?"));
        return;
    }
    if (x->question.kind == QUESTION_STATUS)
        text = SPAN_LIT("{\"ask\":\"processes\"}");
    conn_ask(x, text);
}

static void conn_request(struct control_conn *x)
{
    static const char *const type = "text/plain; version=0.0.4; charset=utf-8";
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    const struct metrics m = metrics_now(x->control);
    struct mw_span target = x->request.target;
    const struct mw_span ask = SPAN_LIT("{\"ask\":\"processes\"}");

    if (!span_eq(x->request.method, SPAN_LIT("GET"))) {
        conn_http_text(x, 405, "only GET\n");
    } else if (span_eq(target, SPAN_LIT("/metrics"))) {
        metrics_text(&text, &m);
        conn_http(x, buf_error(&text) == 0 ? 200 : 500, type, buf_span(&text));
    } else if (span_eq(target, SPAN_LIT("/healthz"))) {
        conn_http_text(x, 200, "ok\n");
    } else if (!span_eq(target, SPAN_LIT("/readyz"))) {
        conn_http_text(x, 404, "there are /metrics, /healthz and /readyz\n");
    } else if (question_init(&x->question, x->control->next_id++, x->control->workers, ask)) {
        conn_ask(x, ask);
    } else {
        conn_http_text(x, 500, "out of memory\n");
    }
}

/* ------------------------------------------------------------------ reading ---- */

static void conn_read_http(struct control_conn *x)
{
    struct mw_span in = buf_span(&x->in);
    enum http_state state = http_request_feed(&x->request, &in);

    buf_truncate(&x->in, 0);
    if (state == HTTP_DONE)
        conn_request(x);
    else if (state == HTTP_BAD)
        conn_http_text(x, 400, "not a request that makes sense\n");
}

static void conn_read_line(struct control_conn *x, bool is_end)
{
    struct mw_span rest = buf_span(&x->in), line;
    const uint8_t *mark = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;

    if (mark != NULL || (is_end && rest.len > 0)) {
        if (span_line(&rest, &line))
            conn_question(x, line);
        return;
    }
    if (is_end)
        conn_free(x);
    else if (x->in.len >= CONTROL_MAX_QUESTION)
        conn_say(x, question_error("the question is too long"));
}

static void conn_read(struct control_conn *x)
{
    size_t want = CONTROL_MAX_QUESTION - x->in.len < 4096 ? CONTROL_MAX_QUESTION - x->in.len : 4096;
    uint8_t *to = buf_reserve(&x->in, want);
    enum sock_error error;
    size_t n = 0;
    enum io io = IO_FAILED;

    if (to != NULL)
        io = sock_read(x->fd, to, want, &n, &error);
    if (io == IO_WANT_READ)
        return;
    if (io == IO_OK)
        buf_took(&x->in, n);
    else if (io != IO_CLOSED || x->is_http) {
        conn_free(x);
        return;
    }
    if (x->is_http)
        conn_read_http(x);
    else
        conn_read_line(x, io == IO_CLOSED);
}

static void conn_on_event(void *context, unsigned events)
{
    struct control_conn *x = context;

    if ((events & WATCH_TIMEOUT) != 0) {
        if (x->asked && !x->writing)
            conn_finish(x);
        else
            conn_free(x);
    } else if (x->writing) {
        conn_write(x);
    } else if (!x->asked) {
        conn_read(x);
    } else {
        conn_free(x);   /* who asked is gone */
    }
}

/* Mode 0600 already says so; this holds where the file system does not. */
static bool peer_may_ask(int fd)
{
    struct {
        pid_t pid;
        uid_t uid;
        gid_t gid;
    } peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

void conn_open(struct control *c, int fd, bool is_http)
{
    struct control_conn *x;

    if (c->n_conns >= CONTROL_MAX_CONNS || (!is_http && !peer_may_ask(fd)) ||
        (x = calloc(1, sizeof(*x))) == NULL) {
        close(fd);
        return;
    }
    x->control = c;
    x->fd = fd;
    x->is_http = is_http;
    x->in = (struct buf)BUF_INIT(CONTROL_MAX_QUESTION);
    x->out = (struct buf)BUF_INIT(CONTROL_MAX_ANSWER);
    x->request = (struct http_request)HTTP_REQUEST_INIT(0);
    x->next = c->conns;
    c->conns = x;
    c->n_conns++;
    if (watch_new(&x->watch, c->loop, fd, conn_on_event, x) < 0 ||
        watch_want(x->watch, WATCH_READ) < 0) {
        conn_free(x);
        return;
    }
    watch_limit(x->watch, CONTROL_LIMIT_MS);
}

void conn_close_all(struct control *c)
{
    while (c->conns != NULL)
        conn_free(c->conns);
}
