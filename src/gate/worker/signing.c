#include "gate/worker/signing.h"

#include <errno.h>
#include <stdlib.h>

struct signing {
    uv_work_t work;
    struct signings *all;
    uv_loop_t *loop;
    struct signing *next;
    struct sign_in_question *question;
    struct gate_config *config;
    struct addr client;
    signing_fn *on_signed;      /* NULL: nobody wants to know any more */
    void *context;
};

static void signing_free(struct signing *s)
{
    sign_in_free(s->question);
    gate_config_unref(s->config);
    free(s);
}

static void work(uv_work_t *work)
{
    struct signing *s = work->data;

    sign_in_work(s->question);
}

static void begin_more(struct signings *all);

static void answered(uv_work_t *work, int status)
{
    struct signing *s = work->data;
    signing_fn *on_signed = s->on_signed;
    void *context = s->context;
    int r = status;

    s->all->running--;
    if (status == 0) { /* also if nobody waits: the next who asks need not */
        r = sign_in_done(s->question);
        s->question = NULL;
    }
    begin_more(s->all);
    if (on_signed != NULL)
        on_signed(context, r);
    signing_free(s); /* now: its config was the session's, too */
}

static void begin_more(struct signings *all)
{
    while (all->first != NULL && all->running < SIGNING_RUNNING) {
        struct signing *s = all->first;

        all->first = s->next;
        if (all->first == NULL)
            all->last = NULL;
        s->next = NULL;
        all->waiting--;
        all->running++;
        s->work.data = s;
        /* It can only fail for want of a function to call. */
        (void)uv_queue_work(s->loop, &s->work, work, answered);
    }
}

static unsigned of_client(const struct signings *all, const struct addr *client)
{
    struct mw_span ip = addr_ip(client);
    unsigned n = 0;

    for (const struct signing *s = all->first; s != NULL; s = s->next)
        n += span_eq(addr_ip(&s->client), ip);
    return n;
}

int signing_ask(struct signings *all, uv_loop_t *loop, struct signing **out,
                struct sign_in_question *q, struct gate_config *config, const struct addr *client,
                signing_fn *on_signed, void *context)
{
    struct signing *s;

    if (all->waiting >= SIGNING_WAITING || of_client(all, client) >= SIGNING_OF_ONE) {
        sign_in_free(q);
        return -EBUSY;
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        sign_in_free(q);
        return -ENOMEM;
    }
    s->all = all;
    s->loop = loop;
    s->question = q;
    s->config = gate_config_ref(config);
    s->client = *client;
    s->on_signed = on_signed;
    s->context = context;
    if (all->last != NULL)
        all->last->next = s;
    else
        all->first = s;
    all->last = s;
    all->waiting++;
    *out = s;
    begin_more(all);
    return 0;
}

/* One that waits goes; one that runs ends on its own. */
void signing_cancel(struct signing *s)
{
    struct signing **at, *before = NULL;

    if (s == NULL)
        return;
    s->on_signed = NULL;
    for (at = &s->all->first; *at != NULL && *at != s; at = &(*at)->next)
        before = *at;
    if (*at == NULL)
        return;
    *at = s->next;
    if (s->all->last == s)
        s->all->last = before;
    s->all->waiting--;
    signing_free(s);
}
