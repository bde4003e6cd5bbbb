#include "gate/worker/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "gate/worker/session.h"

struct kept {
    struct worker *w;
    struct kept *newer, *older;         /* while nobody has reserved it */
    bool listed;
    struct side side;
    struct gate_config *config;         /* the policy it was judged under */
    const struct worker_listener *listener;
    struct origin *origin;
    struct addr client, destination;
    char *user, *asked, *sni;           /* NULL: none */
    uint16_t port;
    const char *rule;                   /* of config */
    struct offered *offered;
    char alpn[32];
    int64_t until_ms, end_ms;           /* of the loop's clock: this time; at the latest */
};

static void unlist(struct kept *k)
{
    struct kept_list *list = &k->w->kept;

    if (!k->listed)
        return;
    if (k->newer != NULL)
        k->newer->older = k->older;
    else
        list->newest = k->older;
    if (k->older != NULL)
        k->older->newer = k->newer;
    k->newer = k->older = NULL;
    k->listed = false;
    list->n--;
}

static void list(struct kept *k)
{
    struct kept_list *to = &k->w->kept;

    k->older = to->newest;
    if (k->older != NULL)
        k->older->newer = k;
    to->newest = k;
    to->n++;
    k->listed = true;
}

void kept_free(struct kept *k)
{
    if (k == NULL)
        return;
    unlist(k);
    side_close(&k->side);
    origin_unref(k->origin);
    gate_config_unref(k->config);
    free(k->user);
    free(k->asked);
    free(k->sni);
    free(k->offered);
    free(k);
}

void kept_wake(struct kept *k)
{
    if (k->listed)
        kept_free(k);
    else
        side_close(&k->side); /* whoever has reserved it will see */
}

void kept_sweep(struct worker *w, int64_t now_ms)
{
    struct kept *k = w->kept.newest;

    while (k != NULL) {
        struct kept *older = k->older;

        if (now_ms >= k->until_ms)
            kept_free(k);
        k = older;
    }
}

void kept_drop(struct worker *w)
{
    while (w->kept.newest != NULL)
        kept_free(w->kept.newest);
}

/* --------------------------------------------------------------------- who may ---- */

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool origin_fresh(const struct origin *o)
{
    struct mw_wall now = wall_now();

    return now.s < o->until.s && now.s >= o->judged.s;
}

/* Does this worker keep connections under this policy, now? */
static bool allowed(const struct session *s)
{
    const struct worker *w = s->w;

    /* A key log that begins with a session's first byte is all or nothing. */
    return s->config->upstream.reuse_s > 0 && s->config == w->config && !w->draining &&
           w->unlock.until.s <= wall_now().s;
}

static bool leg_quiet(const struct leg *l)
{
    return l->tls != NULL && l->shaken && l->failure == LEG_WELL && !l->fin_in && !l->fin_out &&
           l->alert_in == 0 && !leg_holds(l);
}

bool kept_may(const struct session *s)
{
    return leg_quiet(&s->server.leg) && s->client.leg.tls != NULL && s->bridge != NULL &&
           s->decided && s->decision.action == GATE_INSPECT && s->on == GATE_ON_ACCEPT &&
           s->origin != NULL && !s->page_only && !s->certificate_wanted && s->offered != NULL &&
           s->record.outcome == AUDIT_COMPLETED && bridge_reusable(s->bridge) && allowed(s) &&
           (int64_t)uv_now(&s->w->loop) < s->server_end_ms && origin_fresh(s->origin);
}

/* ------------------------------------------------------------------------ keeping ---- */

/* May the session have it, as far as is known before its hello? */
static bool is_for(const struct kept *k, const struct session *s)
{
    bool elsewhere = s->destination.len > 0 && !addr_eq(&s->destination, &k->destination);

    return k->port == s->port && k->config == s->config && k->listener == s->listener &&
           same(k->asked, s->asked) && same(k->user, s->user) && !elsewhere &&
           span_eq(addr_ip(&k->client), addr_ip(&s->client_addr));
}

/* The oldest goes first, of the same client's or of all. */
static void make_room(struct worker *w, const struct session *s)
{
    struct kept *oldest = NULL, *its = NULL;
    size_t each = 0;

    for (struct kept *k = w->kept.newest; k != NULL; k = k->older) {
        oldest = k;
        if (is_for(k, s)) {
            its = k;
            each++;
        }
    }
    if (each >= KEPT_EACH)
        kept_free(its);
    else if (w->kept.n >= KEPT_MAX)
        kept_free(oldest);
}

static bool copy(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static struct kept *kept_new(struct session *s)
{
    struct kept *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;
    k->w = s->w;
    k->side.leg.fd = -1;
    if (!copy(&k->user, s->user) || !copy(&k->asked, s->asked) || !copy(&k->sni, s->sni)) {
        kept_free(k);
        return NULL;
    }
    k->config = gate_config_ref(s->config);
    k->listener = s->listener;
    k->origin = origin_ref(s->origin);
    k->client = s->client_addr;
    k->destination = s->destination;
    k->port = s->port;
    k->rule = s->decision.rule;
    k->offered = s->offered;
    s->offered = NULL;
    memcpy(k->alpn, s->alpn, sizeof(k->alpn));
    k->end_ms = s->server_end_ms;
    k->until_ms = (int64_t)uv_now(&s->w->loop) + s->config->upstream.reuse_s * 1000;
    k->until_ms = k->until_ms < k->end_ms ? k->until_ms : k->end_ms;
    return k;
}

void kept_put(struct session *s)
{
    struct kept *k;

    if (!kept_may(s))
        return;
    make_room(s->w, s);
    k = kept_new(s);
    if (k == NULL)
        return;
    side_move(&k->side, &s->server);
    k->side.box->kept = k;
    k->side.leg.owner = NULL;
    if (side_listen(&k->side) < 0)
        kept_free(k);
    else
        list(k);
}

bool kept_reserve(struct session *s)
{
    if (s->kept != NULL || !allowed(s))
        return false;
    for (struct kept *k = s->w->kept.newest; k != NULL; k = k->older)
        if (is_for(k, s)) {
            unlist(k);
            s->kept = k;
            s->destination = k->destination;
            return true;
        }
    return false;
}

/* -------------------------------------------------------------------------- using ---- */

/* Nothing may wait to be read: a late answer would be taken for the next one's, and an end means
 * that it is over. */
static bool is_alive(const struct leg *l)
{
    uint8_t byte;

    return l->fd >= 0 && leg_quiet(l) &&
           recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool kept_fits(const struct session *s)
{
    const struct kept *k = s->kept;

    return s->offer != NULL && s->host != NULL && !session_client_cert_known(s) &&
           s->decision.action == GATE_INSPECT && allowed(s) &&
           same(k->rule, s->decision.rule) && same(k->sni, s->sni) &&
           s->offer->alpn_len == k->offered->len &&
           memcmp(s->offer->alpn, k->offered->names, k->offered->len) == 0 &&
           origin_fresh(k->origin) && is_alive(&k->side.leg);
}

void kept_use(struct session *s)
{
    struct kept *k = s->kept;

    side_move(&s->server, &k->side);
    s->server.box->session = s;
    s->server.leg.owner = s;
    s->origin = k->origin;
    k->origin = NULL;
    s->offered = k->offered;
    k->offered = NULL;
    memcpy(s->alpn, k->alpn, sizeof(s->alpn));
    s->server_end_ms = k->end_ms;
    s->resumable = s->reused = true;
    counter_add(&s->w->counters->reused_server, 1);
    s->kept = NULL;
    kept_free(k);
}
