#include "probe/controls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HTTPS_PORT = 443 };

struct control {
    struct control_set *set;
    struct dial *dial;
    struct dial_result *result;
};

struct control_set {
    char *proxy; /* NULL: straight */
    struct once once;
    size_t n, left;
    struct control items[CONTROLS_MAX_HOSTS];
    struct mw_control list[CONTROLS_MAX_HOSTS];
};

struct controls {
    struct dialer *dialer;
    size_t n, n_sets;
    char hosts[CONTROLS_MAX_HOSTS][256];
    uint16_t ports[CONTROLS_MAX_HOSTS];
    struct control_set *sets[CONTROLS_MAX_SETS];
};

int controls_new(struct controls **out, struct dialer *dialer, const char *const *hosts,
                 size_t n_hosts)
{
    struct controls *c = calloc(1, sizeof *c);

    if (c == NULL)
        return -ENOMEM;
    c->dialer = dialer;
    for (size_t i = 0; i < n_hosts && c->n < CONTROLS_MAX_HOSTS; i++) {
        struct mw_span host;

        if (host_port_split(span_str(hosts[i]), HTTPS_PORT, &host, &c->ports[c->n]) != 0 ||
            host.len >= sizeof c->hosts[0]) {
            free(c);
            return -EINVAL;
        }
        memcpy(c->hosts[c->n++], host.data, host.len);
    }
    *out = c;
    return 0;
}

static void set_free(struct control_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        dial_cancel(s->items[i].dial);
        dial_result_free(s->items[i].result);
    }
    once_deinit(&s->once);
    free(s->proxy);
    free(s);
}

void controls_free(struct controls *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_sets; i++)
        set_free(c->sets[i]);
    free(c);
}

static void one_is_done(struct control_set *s)
{
    if (--s->left == 0)
        once_tell(&s->once);
}

static void on_dialled(void *context, struct dial_result *result)
{
    struct control *item = context;
    struct mw_control *seen = &item->set->list[item - item->set->items];

    item->dial = NULL;
    item->result = result;
    seen->reach = result->reach;
    seen->sent = result->certs;
    seen->n_sent = result->n_certs;
    one_is_done(item->set);
}

static void set_begin(struct controls *c, struct control_set *s)
{
    const struct dial_options options = { .modern_only = true };
    char error[256];

    s->n = c->n;
    s->left = c->n + 1; /* one for ourselves, so that nobody is told too soon */
    for (size_t i = 0; i < c->n; i++) {
        const struct probe_target target = { .host = c->hosts[i],
                                             .port = c->ports[i],
                                             .proxy = s->proxy };

        s->items[i].set = s;
        s->list[i].host = c->hosts[i];
        if (dial_start(&s->items[i].dial, c->dialer, &target, &options, on_dialled, &s->items[i],
                       error) != 0) {
            s->items[i].dial = NULL;
            one_is_done(s);
        }
    }
    one_is_done(s);
}

static bool same_proxy(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int set_new(struct controls *c, const char *proxy, struct control_set **out)
{
    struct control_set *s;

    if (c->n_sets == CONTROLS_MAX_SETS)
        return -ENOSPC;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    if (proxy != NULL) {
        s->proxy = span_dup(span_str(proxy));
        if (s->proxy == NULL) {
            free(s);
            return -ENOMEM;
        }
    }
    c->sets[c->n_sets++] = s;
    set_begin(c, s);
    *out = s;
    return 0;
}

int controls_get(struct controls *c, const char *proxy, struct control_set **set,
                 struct once_wait **wait, once_fn *fn, void *context)
{
    *set = NULL;
    for (size_t i = 0; i < c->n_sets; i++)
        if (same_proxy(c->sets[i]->proxy, proxy))
            *set = c->sets[i];
    if (*set == NULL) {
        int rc = set_new(c, proxy, set);

        if (rc != 0)
            return rc;
    }
    return once_join(&(*set)->once, wait, fn, context);
}

const struct mw_control *control_set_list(const struct control_set *set, size_t *n)
{
    *n = set->n;
    return set->list;
}
