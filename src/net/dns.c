#include "net/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/own.h"
#include "net/dns_message.h"
#include "net/hosts.h"
#include "net/watch.h"

enum {
    DNS_MAX_ADDRESSES = 64,
    DNS_MAX_RECORDS = 256,
    DNS_MAX_ANSWER = 65535,
    DNS_TRY_MS = 1500,
    DNS_TRIES = 3,
};

struct dns_socket {
    struct dns *owner;
    struct dns_socket *next;
    struct watch *watch;
    ares_socket_t fd;
};

/* Told through its timer, always: by answer or by limit. */
struct dns_question {
    struct dns *owner;
    struct dns_question *next, *prev;
    struct watch *timer;
    bool with_ares;             /* c-ares still holds a pointer to it */
    bool over;                  /* told or cancelled: goes when c-ares lets go */
    bool answered;
    uint16_t port, type;
    enum dns_state state;
    struct addr addresses[DNS_MAX_ADDRESSES];
    size_t n_addresses;
    char hosts_file[256];
    struct buf wire;
    dns_addresses_fn *on_addresses;
    dns_records_fn *on_records;
    void *context;
};

struct dns {
    uv_loop_t *loop;
    ares_channel channel;
    bool has_library, has_channel;
    struct hosts hosts;
    char *hosts_path;
    struct watch *timer;        /* c-ares' own retries */
    struct dns_socket *sockets;
    struct dns_question *questions;
    size_t waiting;             /* questions that are not over */
};

const char *dns_state_text(enum dns_state state)
{
    static const char *const texts[] = {
        [DNS_OK] = "it has an answer",
        [DNS_NO_NAME] = "the name does not exist",
        [DNS_NO_DATA] = "the name exists, but has no such record",
        [DNS_NO_ANSWER] = "no name server answered in time",
        [DNS_SERVER_FAILED] = "no name server could answer",
        [DNS_BAD_ANSWER] = "the name server's answer is malformed",
        [DNS_BAD_NAME] = "not a name that can be looked up",
    };

    return texts[state];
}

static enum dns_state state_of(int ares_status)
{
    switch (ares_status) {
    case ARES_SUCCESS:
        return DNS_OK;
    case ARES_ENOTFOUND:
        return DNS_NO_NAME;
    case ARES_ENODATA:
        return DNS_NO_DATA;
    case ARES_ECONNREFUSED:     /* all servers refused or failed: c-ares keeps no more */
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
    case ARES_EFORMERR:
        return DNS_SERVER_FAILED;
    case ARES_EBADRESP:
        return DNS_BAD_ANSWER;
    case ARES_EBADNAME:
        return DNS_BAD_NAME;
    default:
        return DNS_NO_ANSWER;
    }
}

/* ------------------------------------------------------ c-ares on the loop ---- */

static void dns_rearm(struct dns *d)
{
    struct timeval tv, *next = ares_timeout(d->channel, NULL, &tv);

    watch_limit(d->timer, next != NULL ? next->tv_sec * 1000 + next->tv_usec / 1000 + 1 : -1);
}

static void dns_on_socket(void *context, unsigned events)
{
    struct dns_socket *s = context;
    struct dns *d = s->owner;
    ares_socket_t fd = s->fd;

    /* s may be gone once c-ares has closed the socket. */
    ares_process_fd(d->channel, (events & WATCH_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & WATCH_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    dns_rearm(d);
}

static void dns_on_timer(void *context, unsigned events)
{
    struct dns *d = context;

    (void)events;
    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    dns_rearm(d);
}

static struct dns_socket *socket_add(struct dns *d, ares_socket_t fd)
{
    struct dns_socket *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->owner = d;
    s->fd = fd;
    if (watch_new(&s->watch, d->loop, fd, dns_on_socket, s) < 0) {
        free(s);
        return NULL;
    }
    s->next = d->sockets;
    d->sockets = s;
    return s;
}

/* c-ares wants this of its socket from now on. */
static void dns_on_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = context;
    struct dns_socket **at = &d->sockets, *s;

    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    s = *at;
    if (readable == 0 && writable == 0) {
        if (s == NULL)
            return;
        *at = s->next;
        watch_free(s->watch);
        free(s);
        return;
    }
    if (s == NULL)
        s = socket_add(d, fd);
    if (s == NULL || watch_want(s->watch, (readable != 0 ? WATCH_READ : 0u) |
                                              (writable != 0 ? WATCH_WRITE : 0u)) < 0)
        log_debug("dns: no watch for a socket; its questions end by their limits");
}

/* ------------------------------------------------------------------- life cycle ---- */

static int set_servers(struct dns *d, const struct dns_options *o, char *error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(4096);
    char text[ADDR_TEXT];
    struct addr a;

    for (size_t i = 0; i < o->n_servers; i++) {
        if (addr_parse(&a, span_str(o->servers[i]), 53) != 0) {
            if (error != NULL)
                snprintf(error, 256, "name server \"%.100s\" is no address; write it as "
                                     "192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53",
                         o->servers[i]);
            return -EINVAL;
        }
        addr_text(&a, true, text);
        buf_printf(&list, "%s%s", i > 0 ? "," : "", text);
    }
    if (buf_error(&list) != 0)
        return -ENOMEM;
    return ares_set_servers_ports_csv(d->channel, (const char *)list.data) == ARES_SUCCESS
               ? 0
               : -ENOMEM;
}

static int dns_open(struct dns *d, const struct dns_options *o, char *error)
{
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS,
        .timeout = DNS_TRY_MS,
        .tries = DNS_TRIES,
        .ednspsz = 1232,
        .lookups = (char[]){ "b" },     /* hosts files are ours: see net/hosts.h */
        .sock_state_cb = dns_on_state,
        .sock_state_cb_data = d,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
               ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    const char *path = o->hosts_file != NULL ? o->hosts_file : "/etc/hosts";
    int r;

    r = watch_new(&d->timer, d->loop, -1, dns_on_timer, d);
    if (r < 0)
        return r;
    d->hosts_path = strdup(path);
    if (d->hosts_path == NULL)
        return -ENOMEM;
    r = path[0] != 0 ? hosts_load(&d->hosts, path) : 0;
    if (r < 0) {
        if (error != NULL)
            snprintf(error, 256, "hosts file %.150s: %s", path, strerror(-r));
        return r == -ENOMEM ? r : -EINVAL;
    }
    d->has_library = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    d->has_channel = d->has_library &&
                     ares_init_options(&d->channel, &options, mask) == ARES_SUCCESS;
    if (!d->has_channel)
        return -ENOMEM;
    return o->n_servers > 0 ? set_servers(d, o, error) : 0;
}

int dns_new(struct dns **out, uv_loop_t *loop, const struct dns_options *options, char *error)
{
    struct dns *d = calloc(1, sizeof(*d));
    int r;

    if (d == NULL)
        return -ENOMEM;
    d->loop = loop;
    r = dns_open(d, options, error);
    if (r < 0) {
        dns_free(d);
        return r;
    }
    *out = d;
    return 0;
}

static void question_free(struct dns_question *q)
{
    if (q->prev != NULL)
        q->prev->next = q->next;
    else
        q->owner->questions = q->next;
    if (q->next != NULL)
        q->next->prev = q->prev;
    watch_free(q->timer);
    buf_deinit(&q->wire);
    free(q);
}

/* Nothing more will be told. */
static void question_end(struct dns_question *q)
{
    struct dns *d = q->owner;

    q->over = true;
    watch_free(q->timer);
    q->timer = NULL;
    if (!q->with_ares)
        question_free(q);
    /* c-ares cannot give up a single question; but once nobody waits, it shall not keep the
     * loop alive with retries. */
    if (--d->waiting == 0)
        ares_cancel(d->channel);
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    for (struct dns_question *q = d->questions, *next; q != NULL; q = next) {
        next = q->next;
        q->over = true;
        watch_free(q->timer);
        q->timer = NULL;
        if (!q->with_ares)
            question_free(q);
    }
    /* What is left comes back from c-ares, and goes. */
    if (d->has_channel)
        ares_destroy(d->channel);
    if (d->has_library)
        ares_library_cleanup();
    watch_free(d->timer);
    hosts_deinit(&d->hosts);
    free(d->hosts_path);
    free(d);
}

/* -------------------------------------------------------------------- questions ---- */

static void tell_addresses(struct dns_question *q)
{
    struct dns_addresses answer = {
        .state = q->state,
        .items = q->addresses,
        .n = q->n_addresses,
        .hosts_file = q->hosts_file[0] != 0 ? q->hosts_file : NULL,
    };

    q->on_addresses(q->context, &answer);
}

static void tell_records(struct dns_question *q)
{
    struct mw_span items[DNS_MAX_RECORDS];
    struct dns_records answer = { .state = q->state, .items = items };

    if (q->state == DNS_OK) {
        if (dns_message_read(buf_span(&q->wire), q->type, items, DNS_MAX_RECORDS, &answer.n,
                             &answer.ttl_s) != 0)
            answer.state = DNS_BAD_ANSWER;
        else if (answer.n == 0)
            answer.state = DNS_NO_DATA;
    }
    q->on_records(q->context, &answer);
}

/* The answer is there, or the limit is reached. */
static void question_on_timer(void *context, unsigned events)
{
    struct dns_question *q = context;

    (void)events;
    if (!q->answered)
        q->state = DNS_NO_ANSWER;
    q->over = true;
    if (q->on_addresses != NULL)
        tell_addresses(q);
    else
        tell_records(q);
    question_end(q);
}

void dns_cancel(struct dns_question *q)
{
    /* In its own callback it ends by itself. */
    if (q != NULL && !q->over)
        question_end(q);
}

static int question_new(struct dns_question **out, struct dns *d, int64_t limit_ms, void *context)
{
    struct dns_question *q = calloc(1, sizeof(*q));
    int r;

    if (q == NULL)
        return -ENOMEM;
    r = watch_new(&q->timer, d->loop, -1, question_on_timer, q);
    if (r < 0) {
        free(q);
        return r;
    }
    q->owner = d;
    q->context = context;
    q->wire = (struct buf)BUF_INIT(DNS_MAX_ANSWER);
    q->next = d->questions;
    if (q->next != NULL)
        q->next->prev = q;
    d->questions = q;
    d->waiting++;
    watch_limit(q->timer, limit_ms);
    *out = q;
    return 0;
}

static void question_answer(struct dns_question *q, enum dns_state state)
{
    q->answered = true;
    q->state = state;
    watch_limit(q->timer, 0);
}

/* c-ares lets go of the question.  false: nobody waits for it any more. */
static bool question_back(struct dns_question *q)
{
    q->with_ares = false;
    if (!q->over)
        return true;
    question_free(q);
    return false;
}

static void on_ares_addresses(void *context, int status, int timeouts, struct ares_addrinfo *ai)
{
    struct dns_question *q = context;

    (void)timeouts;
    if (question_back(q)) {
        for (struct ares_addrinfo_node *n = ai != NULL ? ai->nodes : NULL;
             n != NULL && q->n_addresses < DNS_MAX_ADDRESSES; n = n->ai_next) {
            struct addr *a = &q->addresses[q->n_addresses];

            if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) ||
                (size_t)n->ai_addrlen > sizeof(a->sa))
                continue;
            memcpy(&a->sa, n->ai_addr, (size_t)n->ai_addrlen);
            a->len = (socklen_t)n->ai_addrlen;
            addr_set_port(a, q->port);
            q->n_addresses++;
        }
        question_answer(q, status == ARES_SUCCESS && q->n_addresses == 0 ? DNS_NO_DATA
                                                                         : state_of(status));
    }
    ares_freeaddrinfo(ai);
}

static void on_ares_records(void *context, int status, int timeouts, unsigned char *wire, int len)
{
    struct dns_question *q = context;

    (void)timeouts;
    if (!question_back(q))
        return;
    if (status == ARES_SUCCESS && len > 0)
        buf_add(&q->wire, span_of(wire, (size_t)len));
    question_answer(q, buf_error(&q->wire) != 0 ? DNS_BAD_ANSWER : state_of(status));
}

static bool is_localhost(const char *name)
{
    struct mw_span s = span_str(name);

    return span_eq_nocase(s, SPAN_LIT("localhost")) || span_ends_nocase(s, SPAN_LIT(".localhost"));
}

/* What needs no server.  false: ask one. */
static bool answer_at_home(struct dns_question *q, const char *name, int family)
{
    static const uint8_t v6[16] = { [15] = 1 }, v4[4] = { 127, 0, 0, 1 };
    struct dns *d = q->owner;
    unsigned line;

    if (addr_parse(&q->addresses[0], span_str(name), q->port) == 0) {
        bool fits = family == AF_UNSPEC || addr_family(&q->addresses[0]) == family;

        q->n_addresses = fits ? 1 : 0;
    } else {
        q->n_addresses = hosts_find(&d->hosts, name, family, q->addresses, DNS_MAX_ADDRESSES,
                                    &line);
        if (q->n_addresses > 0)
            snprintf(q->hosts_file, sizeof(q->hosts_file), "%s:%u", d->hosts_path, line);
        else if (!is_localhost(name))
            return false;
        if (q->n_addresses == 0 && family != AF_INET)
            q->addresses[q->n_addresses++] = addr_make(AF_INET6, v6, 0);
        if (q->hosts_file[0] == 0 && family != AF_INET6)
            q->addresses[q->n_addresses++] = addr_make(AF_INET, v4, 0);
    }
    for (size_t i = 0; i < q->n_addresses; i++)
        addr_set_port(&q->addresses[i], q->port);
    question_answer(q, q->n_addresses > 0 ? DNS_OK : DNS_NO_DATA);
    return true;
}

int dns_resolve(struct dns *d, const char *name, uint16_t port, enum dns_family family,
                int64_t limit_ms, dns_addresses_fn *on_done, void *context,
                struct dns_question **out)
{
    static const int families[] = { [DNS_ANY] = AF_UNSPEC, [DNS_IPV4] = AF_INET,
                                    [DNS_IPV6] = AF_INET6 };
    struct ares_addrinfo_hints hints = { .ai_family = families[family],
                                         .ai_socktype = SOCK_STREAM };
    struct dns_question *q;
    int r = question_new(&q, d, limit_ms, context);

    if (r < 0)
        return r;
    q->on_addresses = on_done;
    q->port = port;
    if (out != NULL)
        *out = q;
    if (answer_at_home(q, name, families[family]))
        return 0;
    q->with_ares = true;
    ares_getaddrinfo(d->channel, name, NULL, &hints, on_ares_addresses, q);
    dns_rearm(d);
    return 0;
}

int dns_ask(struct dns *d, const char *name, uint16_t type, int64_t limit_ms,
            dns_records_fn *on_done, void *context, struct dns_question **out)
{
    struct dns_question *q;
    int r = question_new(&q, d, limit_ms, context);

    if (r < 0)
        return r;
    q->on_records = on_done;
    q->type = type;
    if (out != NULL)
        *out = q;
    q->with_ares = true;
    ares_query(d->channel, name, 1, type, on_ares_records, q);
    dns_rearm(d);
    return 0;
}
