#include <errno.h>
#include <stdlib.h>

#include "meet/sframe/header.h"
#include "meet/sframe/keys.h"
#include "meet/sframe/window.h"

/* What is known of one member's stream in one epoch. */
struct heard {
    struct sframe_window window;
    uint32_t key;               /* its place among the keys, 0: none */
};

struct epoch {
    struct heard *heard;        /* [stream * members + index]; NULL: this slot is free */
    uint64_t number;
    uint32_t members;
    uint32_t self;              /* our index, once we sent */
    bool sent;
};

/* One of our own streams, in the epoch that is sent in. */
struct outgoing {
    struct sframe_cipher cipher;
    uint64_t counter;           /* of the next frame */
    bool keyed, spent;
};

struct mw_sframe {
    const struct mw_crypto *crypto;
    const struct sframe_suite *suite;
    unsigned index_bits, epoch_bits, n_epochs, n_streams;
    struct secret *secrets;     /* one for each slot, in memory of their own */
    struct epoch *epochs;       /* n_epochs slots */
    struct epoch *sending;      /* NULL: none */
    struct outgoing *outgoing;  /* n_streams */
    struct sframe_keys keys;
    uint64_t latest;            /* epoch ever added, if any_added */
    uint64_t latest_sent;       /* if any_sent */
    bool any_added, any_sent;
};

static int options_check(const struct mw_sframe_options *o)
{
    if (o->index_bits < 1 || o->index_bits > MW_SFRAME_INDEX_BITS_MAX || o->epoch_bits < 1 ||
        o->epoch_bits > MW_SFRAME_EPOCH_BITS_MAX)
        return -EINVAL;
    if (o->epochs > MW_SFRAME_EPOCHS_MAX || o->epochs > 1u << o->epoch_bits ||
        o->streams > MW_SFRAME_STREAMS_MAX || o->keys > MW_SFRAME_KEYS_MAX)
        return -EINVAL;
    return 0;
}

static int fill(struct mw_sframe *f, unsigned keys)
{
    f->secrets = secret_new(f->n_epochs * sizeof *f->secrets);
    f->epochs = calloc(f->n_epochs, sizeof *f->epochs);
    f->outgoing = calloc(f->n_streams, sizeof *f->outgoing);
    if (f->secrets == NULL || f->epochs == NULL || f->outgoing == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < f->n_streams; i++) {
        int r = sframe_cipher_init(&f->outgoing[i].cipher, f->crypto, f->suite);

        if (r != 0)
            return r;
    }
    return sframe_keys_init(&f->keys, f->crypto, f->suite, keys);
}

int mw_sframe_new(struct mw_sframe **out, const struct mw_crypto *c,
                  const struct mw_sframe_options *options)
{
    const struct sframe_suite *suite;
    struct mw_sframe *f;
    int r = options_check(options);

    if (r == 0)
        r = sframe_suite_choose(options->suite, options->short_tags, &suite);
    if (r != 0)
        return r;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    f->crypto = c;
    f->suite = suite;
    f->index_bits = options->index_bits;
    f->epoch_bits = options->epoch_bits;
    f->n_epochs = options->epochs != 0 ? options->epochs : 2;
    f->n_streams = options->streams != 0 ? options->streams : 1;
    r = fill(f, options->keys != 0 ? options->keys : 64);
    if (r != 0) {
        mw_sframe_free(f);
        return r;
    }
    *out = f;
    return 0;
}

void mw_sframe_free(struct mw_sframe *f)
{
    if (f == NULL)
        return;
    sframe_keys_deinit(&f->keys);
    for (unsigned i = 0; f->outgoing != NULL && i < f->n_streams; i++)
        sframe_cipher_deinit(&f->outgoing[i].cipher);
    for (unsigned i = 0; f->epochs != NULL && i < f->n_epochs; i++)
        free(f->epochs[i].heard);
    free(f->outgoing);
    free(f->epochs);
    secret_free(f->secrets);
    free(f);
}

/* ---------------------------------------------------------------------------- epochs ---- */

static uint64_t low_bits(const struct mw_sframe *f, uint64_t epoch)
{
    return epoch & (((uint64_t)1 << f->epoch_bits) - 1);
}

static struct secret *secret_of(const struct mw_sframe *f, const struct epoch *e)
{
    return &f->secrets[e - f->epochs];
}

static void sending_stop(struct mw_sframe *f)
{
    for (unsigned i = 0; i < f->n_streams; i++) {
        if (f->outgoing[i].keyed)
            sframe_cipher_forget(&f->outgoing[i].cipher);
        f->outgoing[i].keyed = false;
    }
    f->sending = NULL;
}

static void epoch_end(struct mw_sframe *f, struct epoch *e)
{
    if (e->heard == NULL)
        return;
    if (f->sending == e)
        sending_stop(f);
    sframe_keys_drop(&f->keys, e->heard, (size_t)f->n_streams * e->members * sizeof *e->heard);
    free(e->heard);
    secret_wipe(secret_of(f, e));
    *e = (struct epoch){ 0 };
}

static struct epoch *epoch_find(const struct mw_sframe *f, uint64_t number)
{
    for (unsigned i = 0; i < f->n_epochs; i++)
        if (f->epochs[i].heard != NULL && f->epochs[i].number == number)
            return &f->epochs[i];
    return NULL;
}

/* At most one epoch in flight has these low bits. */
static struct epoch *epoch_by_low_bits(const struct mw_sframe *f, uint64_t low)
{
    for (unsigned i = 0; i < f->n_epochs; i++)
        if (f->epochs[i].heard != NULL && low_bits(f, f->epochs[i].number) == low)
            return &f->epochs[i];
    return NULL;
}

/* Where a new epoch goes: whose low bits it has, which MUST go (5.2), else a free slot, else the
 * oldest's. */
static struct epoch *epoch_slot(struct mw_sframe *f, uint64_t number)
{
    struct epoch *best = epoch_by_low_bits(f, low_bits(f, number));

    if (best != NULL)
        return best;
    best = &f->epochs[0];
    for (unsigned i = 1; i < f->n_epochs && best->heard != NULL; i++)
        if (f->epochs[i].heard == NULL || f->epochs[i].number < best->number)
            best = &f->epochs[i];
    return best;
}

int mw_sframe_add_epoch(struct mw_sframe *f, uint64_t epoch, struct mw_span base_key,
                        uint32_t members)
{
    CLEANUP(secret_wipe) struct secret secret = { 0 };
    struct heard *heard;
    struct epoch *e;
    int r;

    if (members == 0 || members > 1u << f->index_bits)
        return -EINVAL;
    if ((uint64_t)members * f->n_streams > MW_SFRAME_SENDERS_MAX)
        return -EMSGSIZE;
    if (f->any_added && epoch <= f->latest)
        return MW_SFRAME_E_PAST;
    r = sframe_secret_of(f->crypto, f->suite, base_key, &secret);
    if (r != 0)
        return r;
    heard = calloc((size_t)members * f->n_streams, sizeof *heard);
    if (heard == NULL)
        return -ENOMEM;
    e = epoch_slot(f, epoch);
    epoch_end(f, e);
    *e = (struct epoch){ .heard = heard, .number = epoch, .members = members };
    *secret_of(f, e) = secret;
    f->latest = epoch;
    f->any_added = true;
    return 0;
}

void mw_sframe_drop_epoch(struct mw_sframe *f, uint64_t epoch)
{
    struct epoch *e = epoch_find(f, epoch);

    if (e != NULL)
        epoch_end(f, e);
}

/* --------------------------------------------------------------------------- sealing ---- */

int mw_sframe_send_as(struct mw_sframe *f, uint64_t epoch, uint32_t index)
{
    struct epoch *e = epoch_find(f, epoch);

    if (f->any_sent && epoch < f->latest_sent)
        return MW_SFRAME_E_PAST;
    if (e == NULL)
        return MW_SFRAME_E_KEY;
    if (index >= e->members || (e->sent && e->self != index))
        return -EINVAL;         /* a second index would be somebody else's */
    if (e == f->sending)
        return 0;               /* its counters go on */
    sending_stop(f);
    for (unsigned i = 0; i < f->n_streams; i++) {
        f->outgoing[i].counter = 0;
        f->outgoing[i].spent = false;
    }
    f->sending = e;
    e->self = index;
    e->sent = true;
    f->latest_sent = epoch;
    f->any_sent = true;
    return 0;
}

/* Section 5.2. */
static uint64_t kid_of(const struct mw_sframe *f, const struct epoch *e, uint32_t index,
                       unsigned stream)
{
    return (uint64_t)stream << (f->index_bits + f->epoch_bits) |
           (uint64_t)index << f->epoch_bits | low_bits(f, e->number);
}

size_t mw_sframe_headroom(const struct mw_sframe *f, unsigned stream)
{
    if (f->sending == NULL || stream >= f->n_streams)
        return MW_SFRAME_HEADER_MAX;
    return sframe_header_size(kid_of(f, f->sending, f->sending->self, stream),
                              f->outgoing[stream].counter);
}

size_t mw_sframe_overhead(const struct mw_sframe *f, unsigned stream)
{
    return mw_sframe_headroom(f, stream) + f->suite->tag;
}

static int outgoing_key(struct mw_sframe *f, unsigned stream)
{
    struct outgoing *o = &f->outgoing[stream];
    int r = 0;

    if (!o->keyed)
        r = sframe_cipher_key(&o->cipher, f->crypto, secret_of(f, f->sending),
                              kid_of(f, f->sending, f->sending->self, stream));
    o->keyed = r == 0;
    return r;
}

int mw_sframe_seal(struct mw_sframe *f, unsigned stream, struct mw_span metadata,
                   struct mw_span plain, uint8_t *out, size_t room, size_t *len)
{
    struct outgoing *o;
    uint64_t counter;
    int r;

    if (stream >= f->n_streams)
        return -EINVAL;
    if (f->sending == NULL)
        return MW_SFRAME_E_NOT_SENDING;
    o = &f->outgoing[stream];
    if (o->spent)
        return MW_SFRAME_E_EXHAUSTED;
    r = outgoing_key(f, stream);
    if (r == 0)
        r = sframe_seal_check(&o->cipher, o->counter, metadata, plain, room);
    if (r != 0)
        return r;
    /* Gone before it is used: whatever happens, it is never used again (7.4, 9.1). */
    counter = o->counter;
    o->spent = counter == UINT64_MAX;
    if (!o->spent)
        o->counter++;
    return sframe_cipher_seal(&o->cipher, counter, metadata, plain, out, len);
}

uint64_t mw_sframe_counter(const struct mw_sframe *f, unsigned stream)
{
    return stream < f->n_streams ? f->outgoing[stream].counter : 0;
}

int mw_sframe_raise_counter(struct mw_sframe *f, unsigned stream, uint64_t at_least)
{
    if (stream >= f->n_streams)
        return -EINVAL;
    if (f->sending == NULL)
        return MW_SFRAME_E_NOT_SENDING;
    if (at_least > f->outgoing[stream].counter)
        f->outgoing[stream].counter = at_least;
    return 0;
}

/* --------------------------------------------------------------------------- opening ---- */

struct source {
    const struct epoch *epoch;
    struct heard *heard;
    uint32_t index;
    unsigned stream;
};

static int source_find(const struct mw_sframe *f, uint64_t kid, struct source *out)
{
    uint64_t index = kid >> f->epoch_bits & (((uint64_t)1 << f->index_bits) - 1);
    uint64_t stream = kid >> (f->epoch_bits + f->index_bits);
    const struct epoch *e = epoch_by_low_bits(f, low_bits(f, kid));

    if (e == NULL || index >= e->members || stream >= f->n_streams)
        return MW_SFRAME_E_KEY;
    if (e->sent && e->self == index)
        return MW_SFRAME_E_OWN; /* a key is for sealing or for opening, never both (4.4.1) */
    *out = (struct source){
        .epoch = e,
        .heard = &e->heard[stream * e->members + index],
        .index = (uint32_t)index,
        .stream = (unsigned)stream,
    };
    return 0;
}

int mw_sframe_open(struct mw_sframe *f, struct mw_span metadata, struct mw_span frame, uint8_t *out,
                   size_t room, struct mw_sframe_opened *opened)
{
    struct sframe_cipher *cipher;
    struct mw_sframe_header h;
    struct mw_span plain;
    struct source from;
    int r = mw_sframe_read_header(frame, &h);

    if (r == 0)
        r = sframe_open_check(f->suite, &h, metadata, frame, out, room);
    if (r == 0)
        r = source_find(f, h.kid, &from);
    if (r == 0)
        r = sframe_window_check(&from.heard->window, h.counter);
    if (r == 0)
        r = sframe_keys_get(&f->keys, &from.heard->key, secret_of(f, from.epoch), h.kid, &cipher);
    if (r == 0)
        r = sframe_cipher_open(cipher, &h, metadata, frame, out, &plain);
    if (r != 0)
        return r;
    sframe_window_mark(&from.heard->window, h.counter);
    if (from.heard->key == 0)
        sframe_keys_keep(&f->keys, &from.heard->key);
    *opened = (struct mw_sframe_opened){
        .plain = plain,
        .kid = h.kid,
        .counter = h.counter,
        .epoch = from.epoch->number,
        .index = from.index,
        .stream = from.stream,
    };
    return 0;
}
