#include "gate/scribe/syslog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/scribe/syslog_link.h"
#include "net/watch.h"

enum {
    ADDRESSES = 8,
    HOST_MAX = 256,
    WHY_MAX = 160,
    DATAGRAM_MAX = 65000,
    SENDS_A_TURN = 256,
    /* RFC 5424 section 6.2.1: facility 13, log audit; severity 6, informational. */
    PRIORITY = 13 * 8 + 6,
};

struct message {
    struct message *next;
    size_t len;
    uint8_t bytes[];
};

enum phase { PHASE_WAIT, PHASE_RESOLVE, PHASE_CONNECT, PHASE_UP };

struct syslog {
    uv_loop_t *loop;
    struct dns *dns;
    struct dns_question *question;
    enum syslog_kind kind;
    char host[HOST_MAX], hostname[HOST_MAX];
    uint16_t port;
    SSL_CTX *ctx;
    enum phase phase;
    struct addr addresses[ADDRESSES];
    size_t n_addresses, next_address;
    struct syslog_link link;
    struct watch *watch, *timer;
    int64_t first_backoff_ms, backoff_ms;
    struct message *first, *last;
    size_t n, bytes, begun;     /* begun: bytes of the first that were sent */
    uint64_t sent, lost;
    char why[WHY_MAX];
};

/* ------------------------------------------------------------------------------- queue ---- */

static void drop_first(struct syslog *s)
{
    struct message *m = s->first;

    s->first = m->next;
    if (s->first == NULL)
        s->last = NULL;
    s->n--;
    s->bytes -= m->len;
    s->begun = 0;
    free(m);
}

/* The oldest that is not half sent. */
static void drop_oldest(struct syslog *s)
{
    struct message *m = s->first;

    if (m == NULL)
        return;
    s->lost++;
    if (s->begun == 0 || m->next == NULL) {
        drop_first(s);
        return;
    }
    m = m->next;
    s->first->next = m->next;
    if (s->last == m)
        s->last = s->first;
    s->n--;
    s->bytes -= m->len;
    free(m);
}

static void queue_message(struct syslog *s, struct mw_span text)
{
    struct message *m = malloc(sizeof(*m) + text.len);

    if (m == NULL) {
        s->lost++;
        return;
    }
    *m = (struct message){ .len = text.len };
    memcpy(m->bytes, text.data, text.len);
    if (s->last != NULL)
        s->last->next = m;
    else
        s->first = m;
    s->last = m;
    s->n++;
    s->bytes += m->len;
    while (s->bytes > SYSLOG_QUEUE_BYTES)
        drop_oldest(s);
}

/* ------------------------------------------------------------------------------- states ---- */

static void begin(struct syslog *s);
static void on_link(void *context, unsigned events);

static void link_close(struct syslog *s)
{
    watch_free(s->watch);
    s->watch = NULL;
    syslog_link_close(&s->link);
    s->begun = 0; /* a message that was cut is sent anew: the collector cannot know its rest */
}

static void wait_and_retry(struct syslog *s)
{
    link_close(s);
    if (s->phase == PHASE_UP || s->backoff_ms == s->first_backoff_ms)
        log_warning("syslog %s: %s; trying again", s->host, s->why);
    s->phase = PHASE_WAIT;
    watch_limit(s->timer, s->backoff_ms);
    s->backoff_ms = s->backoff_ms * 2 > SYSLOG_BACKOFF_MAX_MS ? SYSLOG_BACKOFF_MAX_MS
                                                              : s->backoff_ms * 2;
}

static void fail(struct syslog *s, const char *why)
{
    if (why != s->why)
        snprintf(s->why, sizeof(s->why), "%s", why);
    wait_and_retry(s);
}

/* The next address, or none is left. */
static void connect_next(struct syslog *s)
{
    int r = -EHOSTUNREACH;

    link_close(s);
    while (s->next_address < s->n_addresses) {
        r = syslog_link_open(&s->link, s->kind, &s->addresses[s->next_address++], s->ctx,
                             s->host);
        if (r == 0)
            r = watch_new(&s->watch, s->loop, s->link.fd, on_link, s);
        if (r == 0)
            r = watch_want(s->watch, WATCH_WRITE);
        if (r == 0) {
            s->phase = PHASE_CONNECT;
            watch_limit(s->watch, SYSLOG_CONNECT_MS);
            return;
        }
        link_close(s);
    }
    if (r < 0 && s->why[0] == '\0')
        snprintf(s->why, sizeof(s->why), "%s", strerror(-r));
    wait_and_retry(s);
}

static void on_addresses(void *context, const struct dns_addresses *answer)
{
    struct syslog *s = context;

    s->question = NULL;
    if (answer->state != DNS_OK) {
        fail(s, dns_state_text(answer->state));
        return;
    }
    s->n_addresses = answer->n < ADDRESSES ? answer->n : ADDRESSES;
    memcpy(s->addresses, answer->items, s->n_addresses * sizeof(s->addresses[0]));
    s->next_address = 0;
    connect_next(s);
}

static void begin(struct syslog *s)
{
    s->why[0] = '\0';
    s->phase = PHASE_RESOLVE;
    if (dns_resolve(s->dns, s->host, s->port, DNS_ANY, SYSLOG_CONNECT_MS, on_addresses, s,
                    &s->question) < 0)
        fail(s, "its name cannot be looked up");
}

static void on_timer(void *context, unsigned events)
{
    (void)events;
    begin(context);
}

/* Sends what waits.  false: the link is no more. */
static bool pump(struct syslog *s)
{
    enum io io = IO_OK;

    for (int i = 0; i < SENDS_A_TURN && s->first != NULL && io == IO_OK; i++) {
        struct mw_span rest = span_of(s->first->bytes + s->begun, s->first->len - s->begun);
        size_t n;

        io = syslog_link_send(&s->link, rest, &n, s->why);
        s->begun += n;
        if (io == IO_OK && s->begun == s->first->len) {
            drop_first(s);
            s->sent++;
            s->backoff_ms = s->first_backoff_ms;
        }
    }
    if (io == IO_FAILED || io == IO_CLOSED) {
        if (s->kind == SYSLOG_UDP) { /* an old ICMP error: the datagram itself may yet go */
            drop_oldest(s);
            return watch_want(s->watch, WATCH_READ | (s->first != NULL ? WATCH_WRITE : 0)) == 0;
        }
        fail(s, io == IO_CLOSED ? "the collector closed the connection" : s->why);
        return false;
    }
    if (io == IO_WANT_READ) /* TLS has to hear something before it can go on */
        return watch_want(s->watch, WATCH_READ) == 0;
    return watch_want(s->watch, WATCH_READ | (s->first != NULL ? WATCH_WRITE : 0)) == 0;
}

static void step_connect(struct syslog *s)
{
    enum io io = syslog_link_begin(&s->link, s->why);

    if (io == IO_WANT_READ || io == IO_WANT_WRITE) {
        if (watch_io(s->watch, io) < 0)
            fail(s, "the loop cannot wait for it");
        return;
    }
    if (io != IO_OK) {
        if (io == IO_CLOSED)
            snprintf(s->why, sizeof(s->why), "it closed the connection in the handshake");
        connect_next(s);
        return;
    }
    s->phase = PHASE_UP;
    watch_limit(s->watch, -1);
    (void)pump(s);
}

static void on_link(void *context, unsigned events)
{
    struct syslog *s = context;

    if ((events & WATCH_TIMEOUT) != 0) {
        snprintf(s->why, sizeof(s->why), "no answer in time");
        connect_next(s);
        return;
    }
    if (s->phase == PHASE_CONNECT) {
        step_connect(s);
        return;
    }
    if ((events & WATCH_READ) != 0 && s->kind != SYSLOG_UDP) {
        enum io io = syslog_link_listen(&s->link);

        if (io != IO_WANT_READ) {
            fail(s, "the collector closed the connection");
            return;
        }
    } else if ((events & WATCH_READ) != 0) {
        (void)syslog_link_listen(&s->link);
    }
    (void)pump(s);
}

/* ----------------------------------------------------------------------------- messages ---- */

/* RFC 5424 section 6; over streams with RFC 6587's octet count before it. */
static void message_make(const struct syslog *s, struct mw_span line, struct mw_wall now,
                         struct buf *out)
{
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(1024);

    buf_printf(&head, "<%d>1 ", PRIORITY);
    wall_format(&head, now);
    buf_printf(&head, " %s midwatch-gate %ld audit - ", s->hostname, (long)getpid());
    if (s->kind != SYSLOG_UDP)
        buf_printf(out, "%zu ", head.len + line.len);
    buf_add(out, buf_span(&head));
    buf_add(out, line);
    if (buf_error(&head) != 0 && out->error == 0)
        out->error = buf_error(&head);
}

void syslog_send(struct syslog *s, struct mw_span line, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(line.len + 2048);

    message_make(s, line, now, &message);
    if (buf_error(&message) != 0 || (s->kind == SYSLOG_UDP && message.len > DATAGRAM_MAX)) {
        s->lost++;
        return;
    }
    queue_message(s, buf_span(&message));
    if (s->phase == PHASE_UP &&
        watch_want(s->watch, WATCH_READ | WATCH_WRITE) < 0)
        fail(s, "the loop cannot wait for it");
}

struct syslog_state syslog_state(const struct syslog *s)
{
    return (struct syslog_state){ s->phase == PHASE_UP, s->sent, s->lost, s->n, s->why };
}

/* --------------------------------------------------------------------------------- life ---- */

static int url_read(struct syslog *s, const char *url, struct buf *error)
{
    static const struct {
        const char *scheme;
        enum syslog_kind kind;
        uint16_t port;
    } known[] = {
        { "udp://", SYSLOG_UDP, 514 },
        { "tcp://", SYSLOG_TCP, 601 },
        { "tls://", SYSLOG_TLS, 6514 },
    };
    struct mw_span host;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t len = strlen(known[i].scheme);

        if (strncmp(url, known[i].scheme, len) != 0)
            continue;
        if (host_port_split(span_str(url + len), known[i].port, &host, &s->port) < 0 ||
            host.len >= sizeof(s->host))
            break;
        s->kind = known[i].kind;
        memcpy(s->host, host.data, host.len);
        return 0;
    }
    buf_printf(error, "syslog = %.200s: not udp://, tcp:// or tls:// and HOST or HOST:PORT", url);
    return -EINVAL;
}

/* RFC 5424 section 6.2.4: printable ASCII, "-" for none. */
static void hostname_set(struct syslog *s, const char *name)
{
    size_t n = 0;

    for (; name != NULL && *name != '\0' && n + 1 < sizeof(s->hostname); name++)
        s->hostname[n++] = *name > ' ' && *name < 0x7f ? *name : '?';
    if (n == 0)
        s->hostname[n++] = '-';
    s->hostname[n] = '\0';
}

int syslog_new(struct syslog **out, uv_loop_t *loop, const struct syslog_options *o,
               struct buf *error)
{
    struct syslog *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->loop = loop;
    s->dns = o->dns;
    s->link.fd = -1;
    s->first_backoff_ms = s->backoff_ms = o->backoff_ms > 0 ? o->backoff_ms : SYSLOG_BACKOFF_MS;
    hostname_set(s, o->hostname);
    r = url_read(s, o->url, error);
    if (r == 0 && s->kind == SYSLOG_TLS)
        r = syslog_tls_new(&s->ctx, o->roots, error);
    if (r == 0)
        r = watch_new(&s->timer, loop, -1, on_timer, s);
    if (r < 0) {
        if (error->len == 0)
            buf_printf(error, "syslog = %.200s: %s", o->url, strerror(-r));
        syslog_free(s);
        return r;
    }
    begin(s);
    *out = s;
    return 0;
}

void syslog_free(struct syslog *s)
{
    if (s == NULL)
        return;
    dns_cancel(s->question);
    link_close(s);
    watch_free(s->timer);
    syslog_tls_free(s->ctx);
    while (s->first != NULL)
        drop_first(s);
    free(s);
}
