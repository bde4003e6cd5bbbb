#include "probe/dial.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "net/ancient.h"
#include "net/connect.h"
#include "net/sock.h"
#include "net/watch.h"
#include "probe/dial_plan.h"
#include "probe/dial_result.h"
#include "probe/starttls.h"

struct dialer {
    uv_loop_t *loop;
    struct dns *dns;
    struct tls_client *tls;
    struct probe_limits limits;
};

/* The way of a target, downwards only, but that an older offer begins at CONNECT again. */
enum step { RESOLVE, RESOLVE_PROXY, CONNECT, PROXY, STARTTLS, HANDSHAKE };

struct dial {
    struct dialer *dialer;
    struct dial_plan plan;
    struct dial_options options;
    enum step step;
    struct dns_question *question;
    struct connecting *connecting;
    struct watch *watch;        /* on the socket, from connected to the end */
    struct watch *total;        /* the limit on everything */
    int fd;                     /* until the TLS connection owns it */
    struct addr addrs[CONNECT_MAX_ADDRESSES];
    size_t n_addrs;
    struct proxy_talk proxy;
    struct starttls starttls;
    struct tls *tls;
    struct ancient *ancient;    /* instead of tls, for the oldest offer */
    enum dial_offer offer;
    struct dial_result *result;
    dial_done_fn *on_done;
    void *context;
};

static void dial_on_socket(void *context, unsigned events);

/* ------------------------------------------------------------------- life cycle ---- */

struct probe_limits probe_limits_filled(const struct probe_limits *limits)
{
    struct probe_limits l = limits != NULL ? *limits : (struct probe_limits){ .connect_ms = 0 };

    l.connect_ms = l.connect_ms > 0 ? l.connect_ms : 5000;
    l.handshake_ms = l.handshake_ms > 0 ? l.handshake_ms : 10000;
    l.total_ms = l.total_ms > 0 ? l.total_ms : 20000;
    l.chain_bytes = l.chain_bytes > 0 ? l.chain_bytes : 2u << 20;
    l.fetch_bytes = l.fetch_bytes > 0 ? l.fetch_bytes : 4u << 20;
    l.max_fetches = l.max_fetches > 0 ? l.max_fetches : 8;
    return l;
}

int dialer_new(struct dialer **out, uv_loop_t *loop, struct dns *dns,
               const struct probe_limits *limits)
{
    struct dialer *d = calloc(1, sizeof(*d));
    int r;

    if (d == NULL)
        return -ENOMEM;
    d->loop = loop;
    d->dns = dns;
    d->limits = probe_limits_filled(limits);
    r = tls_client_new(&d->tls, d->limits.chain_bytes);
    if (r < 0) {
        free(d);
        return r;
    }
    *out = d;
    return 0;
}

void dialer_free(struct dialer *d)
{
    if (d == NULL)
        return;
    tls_client_free(d->tls);
    free(d);
}

/* Lets go of the socket, whoever holds it. */
static void drop_connection(struct dial *d)
{
    watch_free(d->watch);
    d->watch = NULL;
    tls_free(d->tls);
    d->tls = NULL;
    ancient_free(d->ancient);
    d->ancient = NULL;
    own_close(&d->fd);
    d->fd = -1;
}

void dial_cancel(struct dial *d)
{
    if (d == NULL)
        return;
    dns_cancel(d->question);
    connect_cancel(d->connecting);
    drop_connection(d);
    watch_free(d->total);
    talk_deinit(&d->proxy.talk);
    talk_deinit(&d->starttls.talk);
    dial_plan_deinit(&d->plan);
    dial_result_free(d->result);
    free(d);
}

/* The end: the dial goes, the result stays with the caller. */
static void dial_done(struct dial *d)
{
    struct dial_result *result = own_steal(&d->result);
    dial_done_fn *on_done = d->on_done;
    void *context = d->context;

    if (d->options.keep_open && result->reach == MW_REACH_HANDSHAKE && d->tls != NULL &&
        tls_failure(d->tls) == TLS_NO_FAILURE)
        result->stream = own_steal(&d->tls);
    dial_cancel(d);
    on_done(context, result);
}

/* Ends without a handshake.  An older offer that comes to nothing leaves the first result. */
static void dial_fail(struct dial *d, enum mw_reach reach, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void dial_fail(struct dial *d, enum mw_reach reach, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (d->offer == DIAL_OFFER_MODERN)
        dial_result_vend(d->result, reach, format, args);
    va_end(args);
    dial_done(d);
}

/* Our own failure, told as one: there is nothing to judge. */
static void dial_broke(struct dial *d, int error)
{
    dial_fail(d, MW_REACH_HANDSHAKE_FAILED, "this computer: %s", strerror(-error));
}

/* --------------------------------------------------------------------- handshake ---- */

static void begin_connect(struct dial *d);

/* The next offer to a server that did not like this one, or DIAL_OFFER_MODERN: none.  Only a
 * refusal is worth another word: not a timeout, and not certificates without proof. */
static enum dial_offer next_offer(const struct dial *d)
{
    enum mw_reach reach = d->result->reach;
    enum tls_failure failure = tls_failure(d->tls);

    if (d->options.modern_only)
        return DIAL_OFFER_MODERN;
    if (d->offer == DIAL_OFFER_MODERN &&
        (reach == MW_REACH_ALERT || reach == MW_REACH_RESET || reach == MW_REACH_CLOSED ||
         reach == MW_REACH_HANDSHAKE_FAILED))
        return DIAL_OFFER_LEGACY;
    if (d->offer == DIAL_OFFER_LEGACY &&
        (failure == TLS_ALERTED || failure == TLS_RESET || failure == TLS_CLOSED))
        return DIAL_OFFER_ANCIENT;
    return DIAL_OFFER_MODERN;
}

static void ask_again(struct dial *d, enum dial_offer offer)
{
    drop_connection(d);
    talk_deinit(&d->proxy.talk);
    talk_deinit(&d->starttls.talk);
    d->offer = offer;
    d->addrs[0] = d->result->peer;
    d->n_addrs = 1;
    begin_connect(d);
}

/* The first offer's end is the result, unless an older offer brings more to light. */
static void handshake_over(struct dial *d, enum io io)
{
    struct dial_result *r = d->result;
    const char *refusal = r->detail;
    enum dial_offer next;

    if (d->offer == DIAL_OFFER_MODERN || io == IO_OK || tls_key_proven(d->tls)) {
        if (dial_result_take(r, d->tls, d->offer) < 0) {
            dial_broke(d, -ENOMEM);
            return;
        }
        dial_result_judge(r, d->tls, io);
        r->at = wall_now();
        if (d->offer != DIAL_OFFER_MODERN && r->reach == MW_REACH_HANDSHAKE)
            dial_result_older(r, refusal);
    }
    next = next_offer(d);
    if (next != DIAL_OFFER_MODERN)
        ask_again(d, next);
    else
        dial_done(d);
}

/* Nothing is proven here: it counts only if what was chosen rules out trust by itself. */
static void ancient_over(struct dial *d)
{
    const struct flight *f = ancient_seen(d->ancient);
    struct dial_result *r = d->result;

    if (f->n_certs > 0 && f->hello_seen && ancient_is_broken(&f->tls)) {
        if (dial_result_take_ancient(r, f) < 0) {
            dial_broke(d, -ENOMEM);
            return;
        }
        r->reach = MW_REACH_HANDSHAKE;
        r->at = wall_now();
        dial_result_older(r, r->detail);
    }
    dial_done(d);
}

static void step_handshake(struct dial *d)
{
    enum io io = d->ancient != NULL ? ancient_step(d->ancient) : tls_handshake(d->tls);
    int r;

    if (io == IO_WANT_READ || io == IO_WANT_WRITE) {
        r = watch_io(d->watch, io);
        if (r < 0)
            dial_broke(d, r);
    } else if (d->ancient != NULL) {
        ancient_over(d);
    } else {
        handshake_over(d, io);
    }
}

static void begin_handshake(struct dial *d)
{
    struct tls_ask ask = {
        .offer = d->offer == DIAL_OFFER_MODERN ? TLS_OFFER_MODERN : TLS_OFFER_LEGACY,
        .server_name = d->plan.server_name,
        .alpn = d->plan.alpn,
    };
    int r;

    if (d->offer == DIAL_OFFER_ANCIENT)
        r = ancient_new(&d->ancient, d->fd, d->plan.server_name, d->dialer->limits.chain_bytes);
    else
        r = tls_new(&d->tls, d->dialer->tls, d->fd, &ask);
    if (r < 0) {
        dial_broke(d, r);
        return;
    }
    d->fd = -1;
    d->step = HANDSHAKE;
    step_handshake(d);
}

/* -------------------------------------------------------- in the clear before TLS ---- */

/* Moves bytes between the socket and the conversation.  false: the dial is over. */
static bool move_bytes(struct dial *d, struct talk *t, unsigned events)
{
    const char *with = d->step == PROXY ? "the proxy" : starttls_name(d->plan.starttls);
    uint8_t bytes[4096];
    enum sock_error error;
    size_t n;
    enum io io = IO_OK;

    if ((events & WATCH_READ) != 0) {
        io = sock_read(d->fd, bytes, sizeof(bytes), &n, &error);
        if (io == IO_OK)
            buf_add(&t->in, span_of(bytes, n));
    }
    if (io != IO_CLOSED && io != IO_FAILED)
        return true;
    /* No ClientHello was sent yet, so this is neither a closed nor a reset handshake. */
    dial_fail(d, d->step == PROXY ? MW_REACH_PROXY_REFUSED : MW_REACH_STARTTLS_REFUSED,
              "%s: the connection was %s in the conversation before TLS", with,
              sock_error_text(error));
    return false;
}

static bool send_bytes(struct dial *d, struct talk *t)
{
    enum sock_error error;
    size_t n;
    int r;

    if (buf_error(&t->out) != 0) {
        dial_broke(d, -ENOMEM);
        return false;
    }
    /* A failure shows in the next read, with the peer's last words before it. */
    if (t->out.len > 0 && sock_write(d->fd, buf_span(&t->out), &n, &error) == IO_OK)
        buf_drop(&t->out, n);
    r = watch_want(d->watch, WATCH_READ | (t->out.len > 0 ? WATCH_WRITE : 0u));
    if (r < 0)
        dial_broke(d, r);
    return r == 0;
}

static void begin_starttls(struct dial *d, struct mw_span early);

static void talk_over(struct dial *d, struct talk *t, enum talk_state state)
{
    const char *why = buf_error(&t->why) == 0 && t->why.len > 0 ? (const char *)t->why.data
                                                                 : "no reason given";

    if (state == TALK_DONE && d->step == PROXY) {
        begin_starttls(d, talk_rest(t));
    } else if (state == TALK_DONE) {
        begin_handshake(d);
    } else {
        dial_fail(d, d->step == PROXY ? MW_REACH_PROXY_REFUSED : MW_REACH_STARTTLS_REFUSED,
                  "%s: %s", d->step == PROXY ? "proxy" : starttls_name(d->plan.starttls), why);
    }
}

static void step_talk(struct dial *d, unsigned events)
{
    struct talk *t = d->step == PROXY ? &d->proxy.talk : &d->starttls.talk;
    enum talk_state state;

    if (!move_bytes(d, t, events))
        return;
    state = d->step == PROXY ? proxy_step(&d->proxy) : starttls_step(&d->starttls);
    if (!send_bytes(d, t))
        return;
    /* What is still to be sent goes before TLS begins. */
    if (state == TALK_MORE || (state == TALK_DONE && t->out.len > 0))
        return;
    talk_over(d, t, state);
}

/* early: what came behind the proxy's answer.  A server that speaks first may send that soon;
 * with TLS nobody speaks before us. */
static void begin_starttls(struct dial *d, struct mw_span early)
{
    d->step = STARTTLS;
    d->starttls = (struct starttls)STARTTLS_INIT(d->plan.starttls, d->plan.host);
    buf_add(&d->starttls.talk.in, early);
    if (d->plan.starttls != PROBE_TLS_DIRECT)
        step_talk(d, 0);
    else if (early.len > 0)
        dial_fail(d, MW_REACH_NOT_TLS, "something was sent in the clear before the handshake");
    else
        begin_handshake(d);
}

/* ----------------------------------------------------------------------- connect ---- */

static void connect_failed(struct dial *d, const struct connect_result *c)
{
    static const struct {
        enum mw_reach reach;
        const char *what;
    } ends[] = {
        [SOCK_REFUSED] = { MW_REACH_REFUSED, "refused the connection" },
        [SOCK_TIMEOUT] = { MW_REACH_CONNECT_TIMEOUT, "did not answer in time" },
        [SOCK_NO_ROUTE] = { MW_REACH_NO_ROUTE, "cannot be reached: no route from this network" },
        [SOCK_RESET] = { MW_REACH_REFUSED, "reset the connection" },
        [SOCK_CLOSED] = { MW_REACH_REFUSED, "closed the connection" },
        [SOCK_BROKEN] = { MW_REACH_NO_ROUTE, "cannot be connected to" },
    };
    char at[ADDR_TEXT];

    addr_text(&c->peer, true, at);
    dial_fail(d, d->plan.has_proxy ? MW_REACH_PROXY_REFUSED : ends[c->error].reach, "%s%s %s",
              d->plan.has_proxy ? "the proxy " : "", at, ends[c->error].what);
}

static void connect_done(void *context, const struct connect_result *c)
{
    struct dial *d = context;
    int r;

    d->connecting = NULL;
    if (c->fd < 0) {
        connect_failed(d, c);
        return;
    }
    d->fd = c->fd;
    d->result->peer = c->peer;
    d->result->peer_known = true;
    d->result->connect_us = c->connect_us;
    addr_text(&c->peer, false, d->result->peer_text);
    r = watch_new(&d->watch, d->dialer->loop, d->fd, dial_on_socket, d);
    if (r < 0) {
        dial_broke(d, r);
        return;
    }
    watch_limit(d->watch, d->dialer->limits.handshake_ms);
    if (!d->plan.has_proxy) {
        begin_starttls(d, (struct mw_span){ NULL, 0 });
        return;
    }
    d->step = PROXY;
    d->result->proxy_used = true;
    step_talk(d, 0);
}

static void begin_connect(struct dial *d)
{
    int r;

    d->step = CONNECT;
    r = connect_begin(&d->connecting, d->dialer->loop, d->addrs, d->n_addrs,
                      d->dialer->limits.connect_ms, connect_done, d);
    if (r < 0)
        dial_broke(d, r);
}

/* ----------------------------------------------------------------------- resolve ---- */

static void resolve_done(void *context, const struct dns_addresses *answer);

static int begin_resolve(struct dial *d, enum step step)
{
    bool proxy = step == RESOLVE_PROXY;

    d->step = step;
    return dns_resolve(d->dialer->dns, proxy ? d->plan.proxy.host : d->plan.to_host,
                       proxy ? d->plan.proxy.port : d->plan.to_port,
                       proxy ? DNS_ANY : d->plan.family, d->dialer->limits.connect_ms,
                       resolve_done, d, &d->question);
}

static void resolve_failed(struct dial *d, enum dns_state state)
{
    static const char *const kinds[] = { [DNS_ANY] = "", [DNS_IPV4] = "IPv4 ",
                                         [DNS_IPV6] = "IPv6 " };

    if (d->step == RESOLVE_PROXY)
        dial_fail(d, MW_REACH_PROXY_REFUSED, "the proxy's name %s: %s", d->plan.proxy.host,
                  dns_state_text(state));
    else if (state == DNS_NO_DATA)
        dial_fail(d, MW_REACH_DNS_FAILED, "%s has no %saddress", d->plan.to_host,
                  kinds[d->plan.family]);
    else
        dial_fail(d, MW_REACH_DNS_FAILED, "%s: %s", d->plan.to_host, dns_state_text(state));
}

static void resolve_done(void *context, const struct dns_addresses *answer)
{
    struct dial *d = context;
    int r;

    d->question = NULL;
    if (answer->state != DNS_OK) {
        resolve_failed(d, answer->state);
        return;
    }
    if (d->step == RESOLVE && answer->hosts_file != NULL)
        d->result->hosts_file = arena_strdup(&d->result->arena, answer->hosts_file);
    if (d->step == RESOLVE && d->plan.has_proxy) {
        d->proxy.addr = answer->items[0];       /* SOCKS 5 takes one */
        r = begin_resolve(d, RESOLVE_PROXY);
        if (r < 0)
            dial_broke(d, r);
        return;
    }
    d->n_addrs = answer->n < ARRAY_LEN(d->addrs) ? answer->n : ARRAY_LEN(d->addrs);
    memcpy(d->addrs, answer->items, d->n_addrs * sizeof(d->addrs[0]));
    begin_connect(d);
}

/* ------------------------------------------------------------------------ limits ---- */

static void handshake_late(struct dial *d)
{
    struct dial_result *r = d->result;

    if (d->step == PROXY) {
        dial_fail(d, MW_REACH_HANDSHAKE_TIMEOUT, "the proxy did not answer in time");
        return;
    }
    if (d->step == STARTTLS) {
        dial_fail(d, MW_REACH_HANDSHAKE_TIMEOUT,
                  "no answer in time in the %s conversation before TLS",
                  starttls_name(d->plan.starttls));
        return;
    }
    if (d->offer == DIAL_OFFER_MODERN && dial_result_take(r, d->tls, d->offer) < 0) {
        dial_broke(d, -ENOMEM);
        return;
    }
    r->at = wall_now();
    if (d->offer == DIAL_OFFER_MODERN && tls_key_proven(d->tls))
        dial_fail(d, MW_REACH_HANDSHAKE,
                  "the certificates arrived, the handshake did not finish in time");
    else
        dial_fail(d, MW_REACH_HANDSHAKE_TIMEOUT,
                  r->first_answer_us > 0 ? "the handshake stopped half-way"
                                         : "no answer to the ClientHello");
}

static void dial_on_socket(void *context, unsigned events)
{
    struct dial *d = context;

    if ((events & WATCH_TIMEOUT) != 0)
        handshake_late(d);
    else if (d->step == HANDSHAKE)
        step_handshake(d);
    else
        step_talk(d, events);
}

static void dial_on_total(void *context, unsigned events)
{
    struct dial *d = context;

    (void)events;
    if (d->step >= PROXY) {
        handshake_late(d);
        return;
    }
    if (d->step == CONNECT)
        dial_fail(d, MW_REACH_CONNECT_TIMEOUT, "no connection in time");
    else
        dial_fail(d, MW_REACH_DNS_FAILED, "no answer from the DNS in time");
}

/* -------------------------------------------------------------------------- start ---- */

int dial_check(const struct probe_target *target, char *error)
{
    CLEANUP(dial_plan_deinit) struct dial_plan plan = { .to_port = 0 };

    return dial_plan_make(&plan, target, error);
}

static int dial_open(struct dial *d, const struct probe_target *target, char *error)
{
    int r = dial_plan_make(&d->plan, target, error);

    if (r < 0)
        return r;
    d->result = dial_result_new(d->dialer->limits.chain_bytes);
    if (d->result == NULL)
        return -ENOMEM;
    d->proxy = (struct proxy_talk)PROXY_TALK_INIT(&d->plan.proxy, d->plan.to_host,
                                                  d->plan.to_port);
    d->starttls = (struct starttls)STARTTLS_INIT(d->plan.starttls, d->plan.host);
    r = watch_new(&d->total, d->dialer->loop, -1, dial_on_total, d);
    if (r < 0)
        return r;
    watch_limit(d->total, d->dialer->limits.total_ms);
    /* Only SOCKS 5 without "h" wants the server's address from us. */
    return begin_resolve(d, d->plan.has_proxy && d->plan.proxy.kind != PROXY_SOCKS5
                                ? RESOLVE_PROXY
                                : RESOLVE);
}

int dial_start(struct dial **out, struct dialer *dialer, const struct probe_target *target,
               const struct dial_options *options, dial_done_fn *on_done, void *context,
               char *error)
{
    struct dial *d = calloc(1, sizeof(*d));
    int r;

    if (d == NULL)
        return -ENOMEM;
    d->dialer = dialer;
    d->fd = -1;
    d->on_done = on_done;
    d->context = context;
    if (options != NULL)
        d->options = *options;
    r = dial_open(d, target, error);
    if (r < 0) {
        dial_cancel(d);
        return r;
    }
    if (out != NULL)
        *out = d;
    return 0;
}
