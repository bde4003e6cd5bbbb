#include "gate/worker/side.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/worker/session.h"

static void on_box_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct poll_box *box = poll->data;
    struct session *s = box->session;
    struct side *side;

    if (box->kept != NULL) {
        kept_wake(box->kept);
        return;
    }
    side = box->is_client ? &s->client : &s->server;
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE;
    /* Level-triggered: what nobody wants now would come again and again. */
    if (((unsigned)events & ~side->want) != 0) {
        side->waits = side->want;
        if (side->want == 0)
            (void)uv_poll_stop(poll);
        else
            (void)uv_poll_start(poll, (int)side->want, on_poll);
    }
    if (((unsigned)events & side->want) == 0)
        return;
    if ((events & UV_READABLE) != 0)
        leg_wake(&side->leg);
    session_run(s);
}

void side_want(struct session *s, struct side *side, unsigned events)
{
    side->want = events;
    if (side->box == NULL || (events & ~side->waits) == 0)
        return; /* what is too much is noticed when it comes */
    side->waits = events;
    if (uv_poll_start(&side->box->poll, (int)events, on_poll) < 0)
        (void)session_end(s, AUDIT_INTERNAL, "the loop does not take the socket");
}

int side_open(struct session *s, struct side *side, int fd)
{
    struct poll_box *box = calloc(1, sizeof(*box));
    int r = box != NULL ? uv_poll_init(&s->w->loop, &box->poll, fd) : -ENOMEM;

    if (r < 0) {
        free(box);
        close(fd);
        return r;
    }
    box->poll.data = box;
    box->session = s;
    box->is_client = side == &s->client;
    side->box = box;
    side->want = side->waits = 0;
    leg_open(&side->leg, fd);
    side->leg.owner = s;
    return 0;
}

void side_close(struct side *side)
{
    if (side->box != NULL)
        uv_close((uv_handle_t *)&side->box->poll, on_box_closed);
    side->box = NULL;
    side->want = side->waits = 0;
    leg_close(&side->leg);
}

void side_move(struct side *to, struct side *from)
{
    *to = *from;
    leg_move(&to->leg, &from->leg);
    from->box = NULL;
    from->want = from->waits = 0;
    to->box->session = NULL;
    to->box->kept = NULL;
    to->box->is_client = false;
}

int side_listen(struct side *side)
{
    side->want = UV_READABLE;
    if (side->waits == UV_READABLE)
        return 0;
    side->waits = UV_READABLE;
    return uv_poll_start(&side->box->poll, UV_READABLE, on_poll);
}
