/*
 * A bypass: bytes from socket to socket through a pipe in the kernel, never seen by us.
 * Source: splice(2), pipe(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gate/worker/flow.h"

enum { SPLICE_BYTES = 1 << 20, SPLICE_TURNS = 16 };

enum flow_state { FLOW_WAIT_IN, FLOW_WAIT_OUT, FLOW_MORE, FLOW_DONE, FLOW_FAILED, FLOW_NO_PIPE };

static void pipe_back(struct session *s, struct flow *f)
{
    if (f->has_pipe)
        worker_pipe_give(s->w, &f->pipe, f->held == 0);
    f->has_pipe = false;
}

/* What the pipe holds goes on. */
static enum flow_state flow_out(struct session *s, struct flow *f, struct leg *to)
{
    while (f->held > 0) {
        ssize_t n = splice(f->pipe.fds[0], NULL, to->fd, NULL, f->held,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return FLOW_WAIT_OUT;
        if (n <= 0) {
            to->error = errno;
            to->failure = LEG_RESET;
            return FLOW_FAILED;
        }
        f->held -= (size_t)n;
        f->total += (uint64_t)n;
    }
    pipe_back(s, f); /* an idle bypass holds no pipe */
    return FLOW_MORE;
}

static enum flow_state flow_turn(struct session *s, struct flow *f, struct leg *from,
                                 struct leg *to)
{
    enum flow_state state = FLOW_MORE;
    ssize_t n;

    if (f->held > 0 && (state = flow_out(s, f, to)) != FLOW_MORE)
        return state;
    if (f->fin_in) {
        if (!f->fin_out && leg_finish(to) == IO_FAILED && to->error != ENOTCONN)
            return FLOW_FAILED;
        f->fin_out = true;
        return FLOW_DONE;
    }
    if (from->empty)
        return FLOW_WAIT_IN;
    if (!f->has_pipe && worker_pipe_take(s->w, &f->pipe) < 0)
        return FLOW_NO_PIPE;
    f->has_pipe = true;
    n = splice(from->fd, NULL, f->pipe.fds[1], NULL, SPLICE_BYTES,
               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && errno == EINTR)
        return FLOW_MORE;
    if (n < 0 && errno == EAGAIN) {
        from->empty = true;
        pipe_back(s, f);
        return FLOW_WAIT_IN;
    }
    if (n < 0) {
        from->error = errno;
        from->failure = LEG_RESET;
        return FLOW_FAILED;
    }
    if (n == 0)
        f->fin_in = true;
    f->held = (size_t)n;
    return FLOW_MORE;
}

static enum flow_state flow_run(struct session *s, struct flow *f, struct leg *from,
                                struct leg *to)
{
    enum flow_state state = FLOW_MORE;

    for (unsigned i = 0; i < SPLICE_TURNS && state == FLOW_MORE; i++)
        state = flow_turn(s, f, from, to);
    return state;
}

/* What was read of the client before the decision goes first, as it came. */
static enum step early_out(struct session *s)
{
    while (s->early.len > 0) {
        size_t n;
        enum io io = leg_write(&s->server.leg, buf_span(&s->early), &n);

        if (io == IO_WANT_WRITE)
            return session_wait_io(s, &s->server, io);
        if (io != IO_OK)
            return session_end(s, AUDIT_SERVER_FAILED, leg_failure_text(&s->server.leg));
        s->up->total += n;
        buf_drop(&s->early, n);
    }
    buf_deinit(&s->early);
    return STEP_GO;
}

static enum step splice_begin(struct session *s)
{
    s->up = calloc(2, sizeof(*s->up));
    if (s->up == NULL)
        return session_end(s, AUDIT_INTERNAL, "out of memory");
    s->down = s->up + 1;
    session_offer_done(s);
    return STEP_GO;
}

static enum step splice_failed(struct session *s, enum flow_state up, enum flow_state down)
{
    bool client = s->client.leg.failure != LEG_WELL;

    if (up == FLOW_NO_PIPE || down == FLOW_NO_PIPE)
        return session_end(s, AUDIT_OVERLOADED, "no descriptors are left for its pipe");
    return session_end(s, client ? AUDIT_CLIENT_FAILED : AUDIT_SERVER_FAILED,
                       leg_failure_text(client ? &s->client.leg : &s->server.leg));
}

enum step splice_step(struct session *s)
{
    enum flow_state up, down;
    uint64_t before;
    unsigned client = 0, server = 0;

    if (s->up == NULL && splice_begin(s) == STEP_END)
        return STEP_END;
    if (s->early.len > 0) {
        enum step step = early_out(s);

        if (step != STEP_GO)
            return step;
    }
    before = s->up->total + s->down->total;
    up = flow_run(s, s->up, &s->client.leg, &s->server.leg);
    down = flow_run(s, s->down, &s->server.leg, &s->client.leg);
    if (s->up->total + s->down->total != before)
        session_go(s, STAGE_SPLICE);
    if (up == FLOW_DONE && down == FLOW_DONE)
        return session_end(s, AUDIT_COMPLETED, "");
    if (up >= FLOW_FAILED || down >= FLOW_FAILED)
        return splice_failed(s, up, down);
    client |= up == FLOW_WAIT_IN ? UV_READABLE : 0;
    server |= up == FLOW_WAIT_OUT ? UV_WRITABLE : 0;
    server |= down == FLOW_WAIT_IN ? UV_READABLE : 0;
    client |= down == FLOW_WAIT_OUT ? UV_WRITABLE : 0;
    side_want(s, &s->client, client);
    side_want(s, &s->server, server);
    if (up == FLOW_MORE || down == FLOW_MORE)
        worker_again(s->w, s);
    return s->ended ? STEP_END : STEP_WAIT;
}
