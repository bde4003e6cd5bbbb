#include "gate/worker/mint.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/own.h"
#include "gate/worker/mint_cache.h"
#include "gate/worker/mint_keys.h"
#include "net/watch.h"

enum {
    MAX_FLIGHTS = 2048,         /* asked and not answered; more: -EAGAIN */
    MAX_FLIGHT_BYTES = 32 << 20,        /* of what is kept to ask once more */
    ASK_AGAIN_MS = 1200,        /* the forge may have been killed with our message in its hands */
    ID_BUCKETS = 512,
};

struct mint_wait {
    struct mint_flight *flight;
    struct mint_wait *next, *previous;
    mint_fn *on_done;
    void *context;
};

enum stage {
    AWAITS_KEY,                 /* our own, made in a thread */
    ASKED,
    ASKED_TWICE,
    LAST_LOOK,                  /* over, but an answer may lie in the socket unread */
    STAGES,
};

struct flight_list {
    struct mint_flight *first, *last;
};

/* One question to the forge, from the miss to the answer. */
struct mint_flight {
    uint64_t id;
    struct mint_entry *entry;
    struct mint_key_pair *pair;         /* NULL while AWAITS_KEY */
    struct mint_wait *waits;
    struct buf host, origin;            /* of the order, while AWAITS_KEY */
    struct buf message;                 /* to ask again */
    size_t kept_bytes;
    struct mw_wall now;
    enum stage stage;
    uint64_t due_ms;
    struct mint_flight *next, *previous;        /* in its stage, oldest first */
    struct mint_flight *next_id;
};

struct mint {
    uv_loop_t *loop;
    OSSL_LIB_CTX *library;
    struct channel *forge;
    struct mint_keys *keys;
    struct watch *timer;
    struct mint_cache cache;
    struct flight_list stages[STAGES];
    struct mint_flight *by_id[ID_BUCKETS];
    X509 *intermediates[MINT_UNTRUSTED + 1][MINT_KEYS]; /* the latest: leaves share them */
    uint64_t next_id;
    size_t n_flights, kept_bytes;
    unsigned busy;              /* callbacks under way: mint_free() waits for them */
    bool freed;
};

/* ---------------------------------------------------------------- flights ---- */

static void stage_remove(struct mint *m, struct mint_flight *f)
{
    struct flight_list *list = &m->stages[f->stage];

    if (f->previous != NULL)
        f->previous->next = f->next;
    else
        list->first = f->next;
    if (f->next != NULL)
        f->next->previous = f->previous;
    else
        list->last = f->previous;
    f->next = f->previous = NULL;
}

static void stage_add(struct mint *m, struct mint_flight *f, enum stage stage)
{
    struct flight_list *list = &m->stages[stage];

    f->stage = stage;
    f->previous = list->last;
    if (list->last != NULL)
        list->last->next = f;
    else
        list->first = f;
    list->last = f;
}

/* In each stage all wait equally long, so the first of each is due first. */
static void timer_set(struct mint *m)
{
    uint64_t due = UINT64_MAX, now = uv_now(m->loop);

    for (int i = ASKED; i < STAGES; i++)
        if (m->stages[i].first != NULL && m->stages[i].first->due_ms < due)
            due = m->stages[i].first->due_ms;
    if (due == UINT64_MAX)
        watch_limit(m->timer, -1);
    else
        watch_limit(m->timer, due > now ? (int64_t)(due - now) : 0);
}

static void keep_bytes(struct mint *m, struct mint_flight *f, size_t bytes)
{
    m->kept_bytes += bytes - f->kept_bytes;
    f->kept_bytes = bytes;
}

static void flight_free(struct mint *m, struct mint_flight *f)
{
    struct mint_flight **at = &m->by_id[f->id % ID_BUCKETS];

    while (*at != f)
        at = &(*at)->next_id;
    *at = f->next_id;
    stage_remove(m, f);
    keep_bytes(m, f, 0);
    m->n_flights--;
    mint_key_pair_unref(f->pair);
    buf_deinit(&f->host);
    buf_deinit(&f->origin);
    buf_deinit(&f->message);
    free(f);
}

/* The first stage is AWAITS_KEY, in which it has no limit. */
static int flight_new(struct mint_flight **out, struct mint *m, const struct mint_order *order)
{
    struct mint_flight *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -ENOMEM;
    f->id = m->next_id++;
    f->now = order->now;
    f->host.max = f->origin.max = f->message.max = CHANNEL_MAX_MESSAGE;
    f->next_id = m->by_id[f->id % ID_BUCKETS];
    m->by_id[f->id % ID_BUCKETS] = f;
    stage_add(m, f, AWAITS_KEY);
    m->n_flights++;
    *out = f;
    return 0;
}

static void mint_destroy(struct mint *m)
{
    for (int i = 0; i < STAGES; i++)
        while (m->stages[i].first != NULL)
            flight_free(m, m->stages[i].first);
    for (int ca = 0; ca <= MINT_UNTRUSTED; ca++)
        for (int kind = 0; kind < MINT_KEYS; kind++)
            X509_free(m->intermediates[ca][kind]);
    mint_cache_deinit(&m->cache);
    mint_keys_free(m->keys);
    watch_free(m->timer);
    channel_free(m->forge);
    free(m);
}

static void enter(struct mint *m)
{
    m->busy++;
}

/* The last thing a callback of ours does: after it, m may be gone. */
static void leave(struct mint *m)
{
    if (--m->busy > 0)
        return;
    if (m->freed)
        mint_destroy(m);
    else
        timer_set(m);
}

static void wait_unlink(struct mint_wait *w)
{
    if (w->previous != NULL)
        w->previous->next = w->next;
    else
        w->flight->waits = w->next;
    if (w->next != NULL)
        w->next->previous = w->previous;
}

void mint_cancel(struct mint_wait *w)
{
    if (w == NULL)
        return;
    wait_unlink(w);
    free(w);
}

/* Tells all who wait.  A callback may cancel others, ask anew, or free everything: the list is
 * looked at afresh each time. */
static void flight_end(struct mint *m, struct mint_flight *f, enum mint_status status,
                       struct minted *minted, const char *why)
{
    struct mint_entry *e = f->entry;

    /* From here on an order for the same starts anew. */
    e->flight = NULL;
    f->entry = NULL;
    mint_cache_settle(&m->cache, e);
    while (f->waits != NULL) {
        struct mint_wait *w = f->waits;
        mint_fn *on_done = w->on_done;
        void *context = w->context;

        wait_unlink(w);
        free(w);
        on_done(context, status, minted != NULL ? minted_ref(minted) : NULL, why);
    }
    flight_free(m, f);
}

/* ----------------------------------------------------------------- asking ---- */

static int flight_ask(struct mint *m, struct mint_flight *f, const struct mint_order *order,
                      struct mint_key_pair *pair)
{
    const struct mint_ask ask = {
        .id = f->id,
        .ca = order->ca,
        .key = order->kind,
        .spki = span_of(pair->spki, pair->spki_len),
        .host = order->host,
        .origin = order->origin,
        .now = order->now,
    };
    int r;

    mint_ask_write(&f->message, &ask);
    r = buf_error(&f->message);
    if (r == 0)
        r = channel_send(m->forge, buf_span(&f->message));
    if (r < 0)
        return r;
    f->pair = mint_key_pair_ref(pair);
    keep_bytes(m, f, f->message.room);
    stage_remove(m, f);
    stage_add(m, f, ASKED);
    f->due_ms = uv_now(m->loop) + ASK_AGAIN_MS;
    return 0;
}

/* The order is kept until our key is there. */
static int flight_await_key(struct mint *m, struct mint_flight *f, const struct mint_order *order)
{
    int r;

    buf_add(&f->host, order->host);
    buf_add(&f->origin, order->origin);
    r = buf_error(&f->host) < 0 ? buf_error(&f->host) : buf_error(&f->origin);
    if (r == 0)
        keep_bytes(m, f, f->host.room + f->origin.room);
    return r;
}

static int flight_begin(struct mint *m, struct mint_entry *e, const struct mint_order *order)
{
    struct mint_key_pair *pair;
    struct mint_flight *f;
    int r;

    if (m->n_flights >= MAX_FLIGHTS || m->kept_bytes >= MAX_FLIGHT_BYTES)
        return -EAGAIN;
    r = flight_new(&f, m, order);
    if (r < 0)
        return r;
    r = mint_keys_get(m->keys, order->kind, &pair);
    if (r == 0)
        r = flight_ask(m, f, order, pair);
    else if (r == -EAGAIN)
        r = flight_await_key(m, f, order);
    if (r < 0) {
        flight_free(m, f);
        return r;
    }
    f->entry = e;
    e->flight = f;
    if (m->busy == 0)
        timer_set(m);
    return 0;
}

static int wait_begin(struct mint_wait **out, struct mint_flight *f, mint_fn *on_done,
                      void *context)
{
    struct mint_wait *w = malloc(sizeof(*w));

    if (w == NULL)
        return -ENOMEM;
    *w = (struct mint_wait){
        .flight = f, .next = f->waits, .on_done = on_done, .context = context
    };
    if (f->waits != NULL)
        f->waits->previous = w;
    f->waits = w;
    *out = w;
    return 0;
}

int mint_ask(struct mint *m, const struct mint_order *order, struct minted **found,
             mint_fn *on_done, void *context, struct mint_wait **out)
{
    struct mint_name name = { .ca = order->ca, .kind = order->kind };
    struct mint_entry *e;
    enum mint_use use;
    int r = 0;

    *found = NULL;
    *out = NULL;
    memcpy(name.key, order->key, sizeof(name.key));
    e = mint_cache_at(&m->cache, &name);
    if (e == NULL)
        return -ENOMEM;
    use = mint_entry_use(e, order->now, uv_now(m->loop));
    if (use != MINT_USE && e->flight == NULL)
        r = flight_begin(m, e, order);
    if (use != MINT_USE_NOT) {
        *found = minted_ref(e->minted);
        return 0;
    }
    if (r == 0)
        r = wait_begin(out, e->flight, on_done, context);
    if (r < 0 && e->flight == NULL)
        mint_cache_settle(&m->cache, e);
    return r;
}

/* Our key is there, or will not be: on to the forge with all that waited for it. */
static void on_key(void *context, enum mint_key kind, int error)
{
    struct mint *m = context;
    /* What a callback orders anew waits for the next key: not for this one once more. */
    struct mint_flight *f, *next, *last = m->stages[AWAITS_KEY].last;
    struct mint_key_pair *pair;

    enter(m);
    for (f = m->stages[AWAITS_KEY].first; f != NULL && !m->freed; f = next) {
        struct mint_order order = { .kind = kind, .now = f->now };
        int r = error;

        next = f != last ? f->next : NULL;
        if (f->entry->name.kind != kind)
            continue;
        order.ca = f->entry->name.ca;
        order.host = buf_span(&f->host);
        order.origin = buf_span(&f->origin);
        if (r == 0)
            r = mint_keys_get(m->keys, kind, &pair);
        if (r == 0)
            r = flight_ask(m, f, &order, pair);
        if (r < 0)
            flight_end(m, f, MINT_BROKEN, NULL,
                       error < 0 ? "no key for the leaf could be made"
                                 : "the forge cannot be asked");
    }
    leave(m);
}

/* --------------------------------------------------------------- answering ---- */

static struct mint_flight *flight_of(const struct mint *m, uint64_t id)
{
    for (struct mint_flight *f = m->by_id[id % ID_BUCKETS]; f != NULL; f = f->next_id)
        if (f->id == id)
            return f->stage == AWAITS_KEY ? NULL : f;
    return NULL;
}

static X509 *parse(const struct mint *m, struct mw_span der)
{
    const unsigned char *at = der.data;
    X509 *x = X509_new_ex(m->library, NULL);

    /* d2i_X509() frees what it could not fill. */
    if (x != NULL && d2i_X509(&x, &at, (long)der.len) != NULL && at != der.data + der.len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static bool is_written_so(const X509 *x, struct mw_span der)
{
    unsigned char *again = NULL;
    int len = i2d_X509(x, &again);
    bool same = len > 0 && span_eq(span_of(again, (size_t)len), der);

    OPENSSL_free(again);
    return same;
}

/* A reference; the same object as last time if it is the same certificate: to read one anew, its
 * key above all, costs more than all the rest of an answer. */
static X509 *intermediate_of(struct mint *m, const struct mint_name *name, struct mw_span der)
{
    X509 **kept = &m->intermediates[name->ca][name->kind], *x = *kept;

    if (x == NULL || !is_written_so(x, der)) {
        x = parse(m, der);
        if (x == NULL)
            return NULL;
        X509_free(*kept);
        *kept = x;
    }
    X509_up_ref(x);
    return x;
}

/* NULL: not a certificate for the key we asked with. */
static struct minted *minted_new(struct mint *m, const struct mint_flight *f,
                                 const struct mint_answer *answer)
{
    struct minted *d = calloc(1, sizeof(*d));
    unsigned len = sizeof(d->sha256);

    if (d == NULL)
        return NULL;
    d->references = 1;
    d->not_after = answer->not_after;
    d->untrusted = f->entry->name.ca == MINT_UNTRUSTED;
    EVP_PKEY_up_ref(f->pair->key);
    d->key = f->pair->key;
    d->leaf = parse(m, answer->leaf);
    d->intermediate = intermediate_of(m, &f->entry->name, answer->intermediate);
    if (d->leaf == NULL || d->intermediate == NULL ||
        X509_check_private_key(d->leaf, d->key) != 1 ||
        EVP_Digest(answer->leaf.data, answer->leaf.len, d->sha256, &len, EVP_sha256(), NULL) != 1) {
        minted_unref(d);
        d = NULL;
    }
    ERR_clear_error();
    return d;
}

static struct mw_wall not_before_of(const X509 *leaf)
{
    struct mw_wall t = { 0 };
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days, seconds;

    if (epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notBefore(leaf)) == 1)
        t.s = (int64_t)days * 86400 + seconds;
    ASN1_TIME_free(epoch);
    return t;
}

static void on_answer(struct mint *m, struct mint_flight *f, const struct mint_answer *answer)
{
    CLEANUP(own_free) char *why = NULL;
    struct minted *minted;

    if (answer->status != MINT_OK) {
        why = span_dup(answer->why);
        flight_end(m, f, answer->status, NULL, why != NULL ? why : "out of memory");
        return;
    }
    minted = minted_new(m, f, answer);
    if (minted == NULL) {
        flight_end(m, f, MINT_BROKEN, NULL, "the forge's answer is no certificate for our key");
        return;
    }
    mint_entry_fill(f->entry, minted_ref(minted), mint_key_pair_ref(f->pair),
                    not_before_of(minted->leaf), f->now);
    flight_end(m, f, MINT_OK, minted, "");
    minted_unref(minted);
}

static void on_message(void *context, struct mw_span message)
{
    struct mint *m = context;
    struct mint_answer answer;
    struct mint_flight *f;

    if (message.len == 0)
        log_error("mint: the forge's channel was closed");
    if (message.len == 0 || m->freed)
        return;
    if (mint_answer_read(&answer, message) < 0) {
        log_error("mint: the forge sent what is no answer");
        return;
    }
    f = flight_of(m, answer.id);
    if (f == NULL)              /* it came too late, or answers what was asked twice */
        return;
    enter(m);
    on_answer(m, f, &answer);
    leave(m);
}

/* From a stage that is over to the next.  Counted from now, not from when it should have been:
 * a process that was stopped for a while has not waited. */
static void advance(struct mint *m, struct mint_flight *f, enum stage to, uint64_t more_ms)
{
    stage_remove(m, f);
    stage_add(m, f, to);
    f->due_ms = uv_now(m->loop) + more_ms;
}

static void on_timer(void *context, unsigned events)
{
    struct mint *m = context;
    uint64_t now = uv_now(m->loop);
    struct mint_flight *f;

    (void)events;
    enter(m);
    while ((f = m->stages[ASKED].first) != NULL && f->due_ms <= now) {
        /* The answer to the first may still come, so a failure here is not the end. */
        if (channel_send(m->forge, buf_span(&f->message)) < 0)
            log_warning("mint: the forge cannot be asked again");
        buf_deinit(&f->message);
        keep_bytes(m, f, 0);
        advance(m, f, ASKED_TWICE, MINT_LIMIT_MS - ASK_AGAIN_MS);
    }
    while ((f = m->stages[ASKED_TWICE].first) != NULL && f->due_ms <= now)
        advance(m, f, LAST_LOOK, 1);
    while (!m->freed && (f = m->stages[LAST_LOOK].first) != NULL && f->due_ms <= now)
        flight_end(m, f, MINT_BROKEN, NULL, "the forge did not answer in time");
    leave(m);
}

/* ------------------------------------------------------------------- life ---- */

int mint_new(struct mint **out, uv_loop_t *loop, OSSL_LIB_CTX *library, int forge_fd)
{
    struct mint *m = calloc(1, sizeof(*m));
    int r;

    if (m == NULL)
        return -ENOMEM;
    m->loop = loop;
    m->library = library;
    /* Answers to the worker that was here before us must not fit: it counted from its own. */
    if (RAND_bytes((unsigned char *)&m->next_id, sizeof(m->next_id)) != 1)
        m->next_id = uv_hrtime();
    r = mint_cache_init(&m->cache);
    if (r == 0)
        r = mint_keys_new(&m->keys, loop, library, on_key, m);
    if (r == 0)
        r = watch_new(&m->timer, loop, -1, on_timer, m);
    if (r == 0)
        r = channel_new(&m->forge, loop, forge_fd, 0, on_message, m);
    if (r < 0) {
        mint_destroy(m);
        return r;
    }
    *out = m;
    return 0;
}

void mint_free(struct mint *m)
{
    if (m == NULL)
        return;
    m->freed = true;
    for (int i = 0; i < STAGES; i++)
        for (struct mint_flight *f = m->stages[i].first; f != NULL; f = f->next)
            while (f->waits != NULL)
                mint_cancel(f->waits);
    if (m->busy == 0)
        mint_destroy(m);
}
