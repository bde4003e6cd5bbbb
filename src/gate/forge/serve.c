#include "gate/forge/serve.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gate/wire/channel.h"

/* Asks whose answer is on its way: a worker that waited for long asks once more. */
enum { ANSWERED = 512 };

struct post {                   /* where one worker's asks arrive */
    struct serve *serve;
    struct channel *channel;
    uint64_t answered[ANSWERED];        /* ids, the latest over the oldest */
    size_t n_answered;
    bool warned;                /* once is enough: who sends nonsense may send a lot of it */
};

struct serve {
    struct answering answering;
    struct usable_keys usable;
    struct post posts[PROCESS_MAX_WORKERS];
    size_t n;
};

static bool was_answered(const struct post *p, struct mw_span message)
{
    struct mint_ask ask;

    if (mint_ask_read(&ask, message) < 0)
        return false;
    for (size_t i = 0; i < p->n_answered && i < ANSWERED; i++)
        if (p->answered[i] == ask.id)
            return true;
    return false;
}

static void remember(struct post *p, struct mw_span message)
{
    struct mint_ask ask;

    if (mint_ask_read(&ask, message) == 0)
        p->answered[p->n_answered++ % ANSWERED] = ask.id;
}

static void on_ask(void *context, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct post *p = context;
    int r;

    /* Empty: the parent has given this worker up. */
    if (message.len == 0 || was_answered(p, message))
        return;
    r = leaf_answer_write(&out, &p->serve->answering, message, wall_now(), mono_now());
    if (r == 0)
        r = channel_send(p->channel, buf_span(&out));
    if (r == 0)
        remember(p, message);
    if (r == 0 || p->warned)    /* it asks once more, and then gives up */
        return;
    p->warned = true;
    if (r == -EINVAL)
        log_error("forge: worker %td sent what is no ask", p - p->serve->posts);
    else
        log_error("forge: worker %td could not be answered: %s", p - p->serve->posts,
                  strerror(-r));
}

int serve_new(struct serve **out, uv_loop_t *loop, const struct serve_setup *setup)
{
    struct serve *s = calloc(1, sizeof(*s));
    int r = 0;

    if (s == NULL)
        return -ENOMEM;
    s->answering.rules = (struct rules){ .ca = setup->ca, .leaf_s = setup->leaf_s,
                                         .usable = &s->usable };
    rate_init(&s->answering.rate, setup->rate_per_minute, mono_now());
    for (; s->n < setup->n_workers && s->n < PROCESS_MAX_WORKERS && r == 0; s->n++) {
        struct post *p = &s->posts[s->n];

        p->serve = s;
        /* Not kept until handled: an ask that could kill us would kill every successor.  The
         * worker asks once more by itself. */
        r = channel_new(&p->channel, loop, setup->workers[s->n], 0, on_ask, p);
    }
    if (r < 0) {
        serve_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void serve_free(struct serve *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        channel_free(s->posts[i].channel);
    free(s);
}

void serve_set(struct serve *s, int64_t leaf_s, int64_t rate_per_minute)
{
    s->answering.rules.leaf_s = leaf_s;
    rate_set(&s->answering.rate, rate_per_minute);
}
