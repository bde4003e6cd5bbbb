#include "probe/clocks.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/sock.h"
#include "net/watch.h"
#include "probe/sntp.h"

enum { SERVER_TEXT = 300 };

/* One server being asked. */
struct asker {
    struct clocks *clocks;
    struct time_server server;
    char text[SERVER_TEXT]; /* host[:port], for the report */
    struct dns_question *question;
    struct addr addrs[CLOCKS_ATTEMPTS];
    size_t n_addrs;
    unsigned attempts;
    struct watch *watch;
    int fd;
    uint8_t nonce[ROUGHTIME_NONCE_BYTES]; /* SNTP: its cookie, the first eight */
    uint8_t request[ROUGHTIME_REQUEST_BYTES];
    size_t request_len;
    int64_t sent_ms;
    bool done;
};

struct clocks {
    uv_loop_t *loop;
    struct dns *dns;
    int64_t limit_ms;
    struct mw_wall built;
    bool begun;
    struct once once;
    size_t n, left;
    struct asker askers[CLOCKS_MAX_SERVERS];
    struct mw_clock_reading readings[CLOCKS_MAX_SERVERS];
};

static bool key_take(struct time_server *out, struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(ROUGHTIME_KEY_BYTES);

    if (text_unbase64(&key, text) != 0 || buf_error(&key) != 0 || key.len != ROUGHTIME_KEY_BYTES)
        return false;
    memcpy(out->key, key.data, key.len);
    return true;
}

int time_server_parse(struct time_server *out, const char *text)
{
    struct time_server s = { .source = MW_CLOCK_SNTP };
    struct mw_span rest = span_str(text), scheme, where, host;

    if (!span_field(&rest, ':', &scheme))
        return -EINVAL;
    where = rest;
    if (span_eq(scheme, SPAN_LIT("roughtime"))) {
        s.source = MW_CLOCK_ROUGHTIME;
        if (!span_field(&rest, '=', &where) || !key_take(&s, rest))
            return -EINVAL;
    } else if (!span_eq(scheme, SPAN_LIT("sntp"))) {
        return -EINVAL;
    }
    if (host_port_split(where, s.source == MW_CLOCK_SNTP ? SNTP_PORT : ROUGHTIME_PORT, &host,
                        &s.port) != 0 ||
        host.len == 0 || host.len >= sizeof s.host)
        return -EINVAL;
    memcpy(s.host, host.data, host.len);
    *out = s;
    return 0;
}

static void attempt_close(struct asker *a)
{
    watch_free(a->watch);
    a->watch = NULL;
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

static struct mw_clock_reading *reading(struct asker *a)
{
    return &a->clocks->readings[a - a->clocks->askers];
}

static void asker_finish(struct asker *a)
{
    struct clocks *c = a->clocks;

    attempt_close(a);
    a->done = true;
    if (--c->left == 0)
        once_tell(&c->once);
}

static void answer_good(struct asker *a, int64_t offset_ms, int64_t uncertainty_ms)
{
    struct mw_clock_reading *r = reading(a);

    r->ok = true;
    r->signature_bad = false;
    r->offset_ms = offset_ms;
    r->uncertainty_ms = uncertainty_ms;
    asker_finish(a);
}

/* 0: used, the asker is done.  1: no use; wait on.  2: no use, ask again at once. */
static int answer_take(struct asker *a, struct mw_span datagram, int64_t now_ms)
{
    if (a->server.source == MW_CLOCK_SNTP) {
        struct sntp_answer answer;
        int rc =
            sntp_response_read(&answer, datagram, a->nonce, a->sent_ms, now_ms, a->clocks->built);

        if (rc != 0)
            return rc == SNTP_E_NOT_OURS || rc == SNTP_E_MALFORMED ? 1 : 2;
        answer_good(a, answer.offset_ms, answer.uncertainty_ms);
    } else {
        struct roughtime_answer answer;
        int rc = roughtime_response_read(&answer, datagram, span_of(a->request, a->request_len),
                                         a->nonce, a->server.key);

        /* Remembered until a good answer comes: servers break some on purpose. */
        if (rc == ROUGHTIME_E_SIGNATURE || rc == ROUGHTIME_E_NONCE)
            reading(a)->signature_bad = true;
        if (rc != 0)
            return rc == ROUGHTIME_E_SIGNATURE ? 2 : 1;
        /* The midpoint is a whole second, somewhere between asking and answering. */
        answer_good(a, answer.midpoint.s * 1000 - (a->sent_ms + (now_ms - a->sent_ms) / 2),
                    (int64_t)answer.radius_s * 1000 + (now_ms - a->sent_ms) / 2);
    }
    return 0;
}

static void attempt_begin(struct asker *a);

static void on_event(void *context, unsigned events)
{
    struct asker *a = context;
    uint8_t bytes[ROUGHTIME_MAX_RESPONSE];

    for (int turns = 0; (events & WATCH_READ) != 0 && turns < 8; turns++) {
        enum sock_error error = SOCK_OK;
        size_t n = 0;
        enum io io = sock_read(a->fd, bytes, sizeof bytes, &n, &error);
        int next;

        if (io == IO_WANT_READ)
            return;
        next = io == IO_OK ? answer_take(a, span_of(bytes, n), wall_now_ms()) : 2;
        if (next == 0)
            return;
        if (next == 2) {
            attempt_begin(a);
            return;
        }
    }
    if ((events & WATCH_TIMEOUT) != 0)
        attempt_begin(a);
}

static int request_send(struct asker *a)
{
    enum sock_error error = SOCK_OK;
    size_t n = 0;

    if (RAND_bytes(a->nonce, sizeof a->nonce) != 1)
        return -EIO;
    if (a->server.source == MW_CLOCK_SNTP) {
        sntp_request_write(a->request, a->nonce);
        a->request_len = SNTP_PACKET_BYTES;
    } else {
        roughtime_request_write(a->request, a->server.key, a->nonce);
        a->request_len = ROUGHTIME_REQUEST_BYTES;
    }
    a->sent_ms = wall_now_ms();
    return sock_write(a->fd, span_of(a->request, a->request_len), &n, &error) == IO_OK ? 0 : -EIO;
}

/* The next datagram, to the next address; or the end. */
static void attempt_begin(struct asker *a)
{
    attempt_close(a);
    while (a->attempts < CLOCKS_ATTEMPTS) {
        const struct addr *to = &a->addrs[a->attempts++ % a->n_addrs];

        if (sock_udp(&a->fd, to) != 0) {
            a->fd = -1;
            continue;
        }
        if (watch_new(&a->watch, a->clocks->loop, a->fd, on_event, a) == 0 &&
            watch_want(a->watch, WATCH_READ) == 0 && request_send(a) == 0) {
            watch_limit(a->watch, a->clocks->limit_ms / CLOCKS_ATTEMPTS);
            return;
        }
        attempt_close(a);
    }
    asker_finish(a);
}

static void on_addresses(void *context, const struct dns_addresses *answer)
{
    struct asker *a = context;

    a->question = NULL;
    if (answer->state != DNS_OK || answer->n == 0) {
        asker_finish(a);
        return;
    }
    a->n_addrs = answer->n < ARRAY_LEN(a->addrs) ? answer->n : ARRAY_LEN(a->addrs);
    memcpy(a->addrs, answer->items, a->n_addrs * sizeof *a->addrs);
    attempt_begin(a);
}

int clocks_new(struct clocks **out, uv_loop_t *loop, struct dns *dns, const char *const *servers,
               size_t n_servers, int64_t limit_ms, struct mw_wall built)
{
    struct clocks *c = calloc(1, sizeof *c);

    if (c == NULL)
        return -ENOMEM;
    *c = (struct clocks){ .loop = loop,
                          .dns = dns,
                          .limit_ms = limit_ms,
                          .built = built,
                          .n = n_servers < CLOCKS_MAX_SERVERS ? n_servers : CLOCKS_MAX_SERVERS };
    for (size_t i = 0; i < c->n; i++) {
        struct asker *a = &c->askers[i];

        a->clocks = c;
        a->fd = -1;
        if (time_server_parse(&a->server, servers[i]) != 0) {
            free(c);
            return -EINVAL;
        }
        snprintf(a->text, sizeof a->text, "%s:%u", a->server.host, (unsigned)a->server.port);
        c->readings[i].source = a->server.source;
        c->readings[i].server = a->text;
    }
    *out = c;
    return 0;
}

void clocks_free(struct clocks *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n; i++) {
        dns_cancel(c->askers[i].question);
        attempt_close(&c->askers[i]);
    }
    once_deinit(&c->once);
    free(c);
}

static void clocks_begin(struct clocks *c)
{
    c->begun = true;
    c->left = c->n;
    for (size_t i = 0; i < c->n; i++) {
        struct asker *a = &c->askers[i];

        if (dns_resolve(c->dns, a->server.host, a->server.port, DNS_ANY, c->limit_ms, on_addresses,
                        a, &a->question) != 0) {
            a->question = NULL;
            asker_finish(a);
        }
    }
    if (c->n == 0)
        once_tell(&c->once);
}

int clocks_get(struct clocks *c, struct once_wait **wait, once_fn *fn, void *context)
{
    if (!c->begun)
        clocks_begin(c);
    return once_join(&c->once, wait, fn, context);
}

const struct mw_clock_reading *clocks_readings(const struct clocks *c, size_t *n)
{
    *n = c->n;
    return c->readings;
}
