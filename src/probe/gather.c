#include "probe/gather.h"

#include <errno.h>

#include "base/clock.h"
#include "net/addr.h"
#include "probe/ocsp_ask.h"
#include "probe/proxy_env.h"

/* Everything a target's evidence may copy; certificates and CRLs are shared, not copied. */
enum { MAX_ARENA_BYTES = 8 << 20, MAX_OCSP_BYTES = 64 << 10, MIN_WAIT_MS = 500 };

void gather_init(struct gather *g, struct gather_run *run, const struct probe_target *target,
                 gather_fn *on_done, void *context)
{
    *g = (struct gather){
        .run = run,
        .target = target,
        .arena = ARENA_INIT(MAX_ARENA_BYTES),
        .on_done = on_done,
        .context = context,
    };
    g->ev.host = target->host;
    g->ev.port = target->port;
    g->ev.built = run->options->built;
    g->ev.now_chosen = run->options->at_set;
    g->ev.now = run->options->at_set ? run->options->at : wall_now();
}

void gather_stop(struct gather *g)
{
    for (size_t i = 0; i < g->n_fetches; i++) {
        shelf_cancel(g->fetches[i].wait);
        fetch_cancel(g->fetches[i].ocsp);
        g->fetches[i].wait = NULL;
        g->fetches[i].ocsp = NULL;
    }
    once_leave(g->clocks_wait);
    once_leave(g->controls_wait);
    once_leave(g->portal_wait);
    dnsfacts_cancel(g->dnsfacts);
    g->clocks_wait = g->controls_wait = g->portal_wait = NULL;
    g->dnsfacts = NULL;
    g->under_way = 0;
}

void gather_deinit(struct gather *g)
{
    gather_stop(g);
    for (size_t i = 0; i < g->n_fetches; i++)
        if (g->fetches[i].item != NULL)
            shelf_release(g->run->shelf, g->fetches[i].item);
    arena_deinit(&g->arena);
}

static void one_ended(struct gather *g)
{
    if (--g->under_way == 0)
        g->on_done(g->context);
}

/* ---- the connection ---- */

static bool asked_for_loopback(const struct probe_target *t)
{
    struct addr a;
    struct mw_span host = span_str(t->host);

    if (t->connect_to != NULL)
        return addr_parse(&a, span_str(t->connect_to), 0) == 0 && addr_is_loopback(&a);
    if (addr_parse(&a, host, 0) == 0)
        return addr_is_loopback(&a);
    return span_eq_nocase(host, SPAN_LIT("localhost")) ||
           span_ends_nocase(host, SPAN_LIT(".localhost"));
}

/* A proxy's URL as it may stand in a report: who logs in there, and how, is left out. */
static const char *proxy_shown(struct gather *g, const char *url)
{
    const char *host = strstr(url, "://");
    const char *end, *at = NULL;

    host = host != NULL ? host + 3 : url;
    end = host + strcspn(host, "/?#");
    for (const char *c = host; c < end; c++)
        if (*c == '@')
            at = c + 1;
    return at != NULL ? arena_printf(&g->arena, "%.*s%s", (int)(host - url), url, at) : url;
}

static int proxy_take(struct gather *g, const struct dial_result *seen)
{
    struct mw_local_facts *local = &g->ev.local;

    local->proxy = g->target->proxy;
    local->proxy_from = g->target->proxy_from;
    local->proxy_used = seen->proxy_used;
    if (local->proxy == NULL && g->run->options->network_evidence) {
        struct proxy_env env = proxy_env_find(g->target->host, g->target->port, NULL, NULL);

        local->proxy = env.url;
        local->proxy_from = env.from;
    }
    if (local->proxy == NULL)
        return 0;
    local->proxy = proxy_shown(g, local->proxy);
    return local->proxy != NULL ? 0 : -ENOMEM;
}

int gather_connection(struct gather *g, const struct dial_result *seen)
{
    struct mw_evidence *ev = &g->ev;

    if (!g->run->options->at_set && seen->at.s != 0)
        ev->now = seen->at;
    ev->reach = seen->reach;
    ev->reach_detail = seen->detail;
    ev->tls = seen->tls;
    ev->sent = seen->certs;
    ev->n_sent = seen->n_certs;
    ev->staple = seen->staple;
    ev->tls_scts = seen->scts;
    ev->echo.hello_ours = seen->hello;
    if (seen->exporter_known)
        ev->echo.exporter_ours = span_of(seen->exporter, sizeof seen->exporter);
    if (seen->peer_known)
        ev->local.peer_address = seen->peer_text;
    if (proxy_take(g, seen) != 0)
        return -ENOMEM;
    g->peer_is_local = seen->peer_known && addr_is_loopback(&seen->peer);
    if (g->run->options->network_evidence) {
        const struct local_query query = {
            .peer = seen->peer_known ? &seen->peer : NULL,
            .asked_for_loopback = asked_for_loopback(g->target),
            .through_proxy = seen->proxy_used,
        };

        ev->local.hosts_file = seen->hosts_file;
        ev->local.connect_us = seen->connect_us;
        ev->local.first_answer_us = seen->first_answer_us;
        return local_look(g->run->local, &query, &g->arena, &ev->local);
    }
    return 0;
}

/* ---- AIA, CRL, OCSP ---- */

static void spans_append(struct gather *g, const struct mw_span **list, size_t *n,
                         const struct mw_span *more, size_t n_more)
{
    struct mw_span *all = arena_calloc(&g->arena, *n + n_more, sizeof *all);

    if (all == NULL) {
        g->error = -ENOMEM;
        return;
    }
    if (*n > 0)
        memcpy(all, *list, *n * sizeof *all);
    memcpy(all + *n, more, n_more * sizeof *all);
    *list = all;
    *n += n_more;
}

static void item_take(struct gather_fetch *f, const struct shelf_item *item)
{
    struct gather *g = f->gather;

    f->item = item;
    if (item->why != NULL)
        return;
    if (f->kind == GATHER_ISSUER)
        spans_append(g, &g->ev.fetched, &g->ev.n_fetched, item->parts, item->n_parts);
    else
        spans_append(g, &g->ev.crls, &g->ev.n_crls, item->parts, item->n_parts);
}

static void on_item(void *context, const struct shelf_item *item)
{
    struct gather_fetch *f = context;

    f->wait = NULL;
    item_take(f, item);
    one_ended(f->gather);
}

static void on_ocsp(void *context, const struct fetch_result *result)
{
    struct gather_fetch *f = context;
    struct gather *g = f->gather;
    struct mw_span body, copy;

    f->ocsp = NULL;
    if (result->response != NULL && result->response->status == 200) {
        body = buf_span(&result->response->m.body);
        if (body.len > 0 && arena_copy(&g->arena, body, &copy) == 0)
            spans_append(g, &g->ev.ocsp, &g->ev.n_ocsp, &copy, 1);
    }
    one_ended(g);
}

/* A place for one more fetch; NULL: asked for already, or at the limit. */
static struct gather_fetch *fetch_place(struct gather *g, enum gather_kind kind, const char *url)
{
    unsigned most = g->run->limits.max_fetches;
    struct gather_fetch *f;

    for (size_t i = 0; i < g->n_fetches; i++)
        if (g->fetches[i].kind == kind && kind != GATHER_OCSP &&
            strcmp(g->fetches[i].url, url) == 0)
            return NULL;
    if (g->n_fetches >= most || g->n_fetches >= GATHER_MAX_FETCHES)
        return NULL;
    f = &g->fetches[g->n_fetches];
    *f = (struct gather_fetch){ .gather = g, .kind = kind, .url = arena_strdup(&g->arena, url) };
    if (f->url == NULL)
        return NULL;
    g->n_fetches++;
    return f;
}

/* true: evidence came at once. */
static bool shelf_ask(struct gather *g, enum gather_kind kind, const char *url)
{
    struct gather_fetch *f = fetch_place(g, kind, url);
    const struct shelf_item *item;

    if (f == NULL ||
        shelf_get(g->run->shelf, kind == GATHER_ISSUER ? SHELF_ISSUER : SHELF_CRL, f->url,
                  g->peer_is_local, g->ev.now, &item, &f->wait, on_item, f) != 0)
        return false;
    if (item != NULL) {
        item_take(f, item);
        return true;
    }
    g->under_way++;
    return false;
}

static void ocsp_ask(struct gather *g, const struct mw_cert_view *cert,
                     const struct mw_cert_view *issuer)
{
    struct gather_fetch *f = fetch_place(g, GATHER_OCSP, cert->ocsp_urls[0]);
    struct fetch_request request = {
        .content_type = OCSP_REQUEST_TYPE,
        .max_bytes = MAX_OCSP_BYTES,
        .limit_ms = g->run->limits.total_ms / 2,
        .may_be_local = g->peer_is_local,
    };

    if (f == NULL || ocsp_ask_write(&request.body, &g->arena, cert->der, issuer->der) != 0)
        return;
    request.url = f->url;
    if (fetch_begin(&f->ocsp, g->run->loop, g->run->dns, &request, on_ocsp, f) == 0)
        g->under_way++;
    else
        f->ocsp = NULL;
}

/* Everything about revocation is asked in one go, and that it was is evidence by itself, even
 * if nothing can be fetched. */
static bool revocation_gather(struct gather *g, const struct mw_verdict *v)
{
    bool consent = g->run->options->ocsp_consent;

    if (g->ev.revocation_fetch != MW_NOT_LOOKED ||
        (v->missing & (MW_MISSING_CRL | MW_MISSING_OCSP)) == 0)
        return false;
    if ((v->missing & MW_MISSING_CRL) == 0 && !consent) {
        /* Only the authority could tell, and it may not be asked: that, too, is an answer. */
        g->ev.revocation_fetch = MW_COULD_NOT_LOOK;
        return true;
    }
    g->ev.revocation_fetch = MW_SEEN_YES;
    for (size_t i = 0; i < v->n_crl_urls; i++)
        (void)shelf_ask(g, GATHER_CRL, v->crl_urls[i]);
    for (size_t i = 0; consent && i + 1 < v->n_path; i++)
        if (v->chain[i].n_ocsp_urls > 0 && (i == 0 || v->chain[i].n_crl_urls == 0))
            ocsp_ask(g, &v->chain[i], &v->chain[i + 1]);
    return true;
}

static bool issuers_gather(struct gather *g, const struct mw_verdict *v)
{
    bool changed = false;

    for (size_t i = 0; (v->missing & MW_MISSING_ISSUER) != 0 && i < v->n_fetch_urls; i++)
        changed |= shelf_ask(g, GATHER_ISSUER, v->fetch_urls[i]);
    return changed;
}

/* ---- the clock ---- */

static void clocks_take(struct gather *g)
{
    struct mw_clock_reading *all = arena_calloc(&g->arena, GATHER_MAX_CLOCKS, sizeof *all);
    size_t n;
    const struct mw_clock_reading *asked = clocks_readings(g->run->clocks, &n);
    const struct mw_clock_reading *date = &portal_seen(g->run->portal)->date;

    if (all == NULL) {
        g->error = -ENOMEM;
        return;
    }
    if (n > 0)
        memcpy(all, asked, n * sizeof *all);
    if (date->ok)
        all[n++] = *date;
    g->ev.clocks = all;
    g->ev.n_clocks = n;
}

static void on_clocks(void *context)
{
    struct gather *g = context;

    g->clocks_wait = NULL;
    clocks_take(g);
    one_ended(g);
}

/* ---- controls, DNS, portal ---- */

/* A site is no control of itself. */
static void controls_take(struct gather *g)
{
    size_t n, kept = 0;
    const struct mw_control *list = control_set_list(g->control_set, &n);
    struct mw_control *own = arena_calloc(&g->arena, n, sizeof *own);

    if (own == NULL) {
        g->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!span_eq_nocase(span_str(list[i].host), span_str(g->target->host)))
            own[kept++] = list[i];
    g->ev.controls = own;
    g->ev.n_controls = kept;
}

static void on_controls(void *context)
{
    struct gather *g = context;

    g->controls_wait = NULL;
    controls_take(g);
    one_ended(g);
}

static void on_dnsfacts(void *context, const struct dnsfacts *facts)
{
    struct gather *g = context;

    g->dnsfacts = NULL;
    g->ev.caa_looked = facts->caa_looked;
    g->ev.caa = facts->caa;
    g->ev.n_caa = facts->n_caa;
    g->ev.ech_advertised = facts->ech_advertised;
    one_ended(g);
}

static void portal_take(struct gather *g)
{
    const struct portal_seen *seen = portal_seen(g->run->portal);

    g->ev.local.portal = seen->portal;
    g->ev.local.portal_url = seen->url;
    g->ev.local.http_tampered = seen->tampered;
    /* Its Date joins the other clocks, or stands alone where there are none to ask. */
    if (seen->date.ok && !g->run->options->at_set &&
        (g->ev.n_clocks > 0 || g->run->options->n_time_servers == 0))
        clocks_take(g);
}

static void on_portal(void *context)
{
    struct gather *g = context;

    g->portal_wait = NULL;
    portal_take(g);
    one_ended(g);
}

static bool first_time(struct gather *g, const struct mw_verdict *v, unsigned bit)
{
    if ((v->missing & bit) == 0 || (g->asked & bit) != 0)
        return false;
    g->asked |= bit;
    return true;
}

/* What is asked once a run: a wait counts, an answer at hand changes the evidence. */
static bool shared_begin(struct gather *g, int joined, void (*take)(struct gather *g))
{
    if (joined == 0)
        g->under_way++;
    else if (joined == -EALREADY)
        take(g);
    return joined == -EALREADY;
}

static bool shared_gather(struct gather *g, const struct mw_verdict *v)
{
    const struct probe_options *o = g->run->options;
    bool changed = false;

    /* Judged at a time of the caller's choice, this computer's clock is not in question. */
    if (!o->at_set && o->n_time_servers > 0 && first_time(g, v, MW_MISSING_TIME))
        changed |=
            shared_begin(g, clocks_get(g->run->clocks, &g->clocks_wait, on_clocks, g), clocks_take);
    if (o->n_controls > 0 && first_time(g, v, MW_MISSING_CONTROLS))
        changed |= shared_begin(g,
                                controls_get(g->run->controls, g->target->proxy, &g->control_set,
                                             &g->controls_wait, on_controls, g),
                                controls_take);
    if (o->portal_url != NULL && v->outcome != MW_PRIVATE && !g->portal_asked) {
        g->portal_asked = true;
        changed |=
            shared_begin(g, portal_get(g->run->portal, &g->portal_wait, on_portal, g), portal_take);
    }
    return changed;
}

static void dns_gather(struct gather *g, const struct mw_verdict *v)
{
    int64_t limit_ms = g->run->limits.total_ms / 4;

    if (!first_time(g, v, MW_MISSING_CAA))
        return;
    if (dnsfacts_begin(&g->dnsfacts, g->run->dns, v->host, g->target->port,
                       limit_ms > MIN_WAIT_MS ? limit_ms : MIN_WAIT_MS, &g->arena, on_dnsfacts,
                       g) == 0)
        g->under_way++;
    else
        g->dnsfacts = NULL;
}

int gather_missing(struct gather *g, const struct mw_verdict *v, bool *begun, bool *changed)
{
    *begun = *changed = false;
    if (!g->run->options->network_evidence)
        return 0;
    *changed |= issuers_gather(g, v);
    *changed |= revocation_gather(g, v);
    *changed |= shared_gather(g, v);
    dns_gather(g, v);
    *begun = g->under_way > 0;
    return g->error;
}
