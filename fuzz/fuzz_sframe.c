/*
 * SFrame frames from anybody.  The first byte says how the rest is read:
 *   0   one frame's bytes: its header, then opened by a group and by a sender-key receiver
 *   1   a script: two members and what passes between them, one byte for each act
 *   2   likewise, a sender and a receiver of sender keys
 * What must hold: a header has one spelling; nobody opens what nobody sealed, nor anything twice.
 */
#include <midwatch/sframe_sender.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "fuzz.h"
#include "meet/sframe/header.h"

enum { ROOM = 512, KEPT = 4 };

static void must(bool good)
{
    if (!good)
        abort();
}

struct frame {
    uint8_t bytes[ROOM];
    size_t len;
    bool opened;
};

/* What was sealed lately, and what the script does with it. */
struct script {
    struct reader r;
    const struct mw_crypto *crypto;
    struct frame frames[KEPT];
    size_t n;
};

static struct mw_span key_of(uint64_t number, uint8_t key[32])
{
    memset(key, 0x5a, 32);
    memcpy(key, &number, sizeof number);
    return span_of(key, 32);
}

static enum mw_sframe_suite suite_of(uint8_t b)
{
    static const enum mw_sframe_suite suites[] = { 1, 2, 4, 5 };

    return suites[b % 4];
}

static struct mw_sframe *group_new(const struct mw_crypto *c, uint8_t shape)
{
    struct mw_sframe_options o = {
        .suite = suite_of(shape),
        .index_bits = 2,
        .epoch_bits = 1 + (shape >> 2) % 3,
        .epochs = 2,
        .streams = 1 + (shape >> 4) % 3,
        .keys = 1 + shape / 128,
    };
    struct mw_sframe *f = NULL;

    must(mw_sframe_new(&f, c, &o) == 0);
    return f;
}

static struct mw_sframe_sender *sender_new(const struct mw_crypto *c, uint8_t shape,
                                           enum mw_sframe_use use)
{
    struct mw_sframe_sender_options o = {
        .suite = suite_of(shape),
        .use = use,
        .ratchet_bits = 3,
        .steps_kept = (shape >> 2) % 4,
    };
    struct mw_sframe_sender *s = NULL;
    uint8_t key[32];

    must(mw_sframe_sender_new(&s, c, &o) == 0);
    must(mw_sframe_sender_set_key(s, 1, 0, key_of(1, key)) == 0);
    return s;
}

/* ------------------------------------------------------------------------ one frame ---- */

static void header_look(struct mw_span frame)
{
    struct mw_sframe_header h;
    uint8_t again[MW_SFRAME_HEADER_MAX];

    if (mw_sframe_read_header(frame, &h) != 0)
        return;
    must(h.len <= frame.len && sframe_header_write(again, h.kid, h.counter) == h.len);
    must(memcmp(again, frame.data, h.len) == 0);
}

static void frame_look(const struct mw_crypto *c, struct reader *r)
{
    uint8_t shape = read_u8(r), key[32];
    struct mw_span meta = read_vec8(r), frame = r->rest;
    struct mw_sframe *group = group_new(c, shape);
    struct mw_sframe_sender *sender = sender_new(c, shape, MW_SFRAME_TO_OPEN);
    uint8_t *out = malloc(frame.len + 1);
    struct mw_sframe_opened o;

    must(out != NULL);
    header_look(frame);
    must(mw_sframe_add_epoch(group, 6, key_of(6, key), 3) == 0);
    must(mw_sframe_open(group, meta, frame, out, frame.len, &o) > 0);
    must(mw_sframe_sender_open(sender, meta, frame, out, frame.len, &o) > 0);
    free(out);
    mw_sframe_free(group);
    mw_sframe_sender_free(sender);
}

/* ---------------------------------------------------------------------------- script ---- */

/* A frame that was sealed, as it is or with one byte changed. */
static const struct frame *frame_pick(struct script *s, struct frame *copy, struct frame **from)
{
    uint8_t which = read_u8(&s->r), change = read_u8(&s->r), at = read_u8(&s->r);

    *from = &s->frames[which % KEPT];
    *copy = **from;
    if (change != 0 && copy->len > 0) {
        copy->bytes[at % copy->len] ^= change;
        *from = NULL;
    }
    return copy;
}

static void opened_once(struct frame *from, int r)
{
    if (r != 0)
        return;
    must(from != NULL && !from->opened);
    from->opened = true;
}

static struct frame *frame_next(struct script *s)
{
    struct frame *f = &s->frames[s->n++ % KEPT];

    *f = (struct frame){ 0 };
    return f;
}

static void group_seal(struct script *s, struct mw_sframe *from)
{
    struct frame *f = frame_next(s);
    unsigned stream = read_u8(&s->r) % 4;
    struct mw_span content = read_vec8(&s->r);
    size_t at = read_u8(&s->r) % 64;    /* where the content lies */
    int r;

    if (content.len > 0)
        memcpy(f->bytes + at, content.data, content.len);
    r = mw_sframe_seal(from, stream, SPAN_LIT("m"), span_of(f->bytes + at, content.len), f->bytes,
                       ROOM, &f->len);
    if (r != 0)
        f->len = 0;
}

static void group_open(struct script *s, struct mw_sframe *to)
{
    struct mw_sframe_opened o;
    struct frame copy, *from;
    const struct frame *f = frame_pick(s, &copy, &from);

    opened_once(from, mw_sframe_open(to, SPAN_LIT("m"), span_of(f->bytes, f->len), copy.bytes, ROOM,
                                     &o));
}

static void group_play(struct script *s)
{
    uint8_t shape = read_u8(&s->r), key[32];
    struct mw_sframe *ends[2] = { group_new(s->crypto, shape), group_new(s->crypto, shape) };

    while (read_more(&s->r)) {
        uint8_t act = read_u8(&s->r);
        struct mw_sframe *f = ends[0], *to = ends[1];
        uint64_t epoch = act >> 4;
        int r = 0;

        switch (act % 8) {
        case 0:
            r = mw_sframe_add_epoch(f, epoch, key_of(epoch, key), 4);
            break;
        case 1:
            r = mw_sframe_add_epoch(to, epoch, key_of(epoch, key), 4);
            break;
        case 2:
            r = mw_sframe_send_as(f, epoch, 1);
            break;
        case 3:
            mw_sframe_drop_epoch(act & 8 ? f : to, epoch);
            break;
        case 4:
            r = mw_sframe_raise_counter(f, act >> 4 & 1,
                                        epoch == 15 ? UINT64_MAX : (uint64_t)1 << (4 * epoch));
            break;
        case 5:
        case 6:
            group_seal(s, f);
            break;
        default:
            group_open(s, to);
            break;
        }
        must(r >= 0 || act % 8 == 4);
    }
    mw_sframe_free(ends[0]);
    mw_sframe_free(ends[1]);
}

static void sender_play(struct script *s)
{
    uint8_t shape = read_u8(&s->r), key[32];
    struct mw_sframe_sender *from = sender_new(s->crypto, shape, MW_SFRAME_TO_SEAL);
    struct mw_sframe_sender *to = sender_new(s->crypto, shape, MW_SFRAME_TO_OPEN);

    while (read_more(&s->r)) {
        uint8_t act = read_u8(&s->r);
        uint64_t generation = act >> 4;
        struct mw_sframe_opened o;
        struct frame *f, copy;
        int r = 0;

        switch (act % 6) {
        case 0:
            r = mw_sframe_sender_set_key(from, generation, 0, key_of(generation, key));
            break;
        case 1:
            r = mw_sframe_sender_set_key(to, generation, 0, key_of(generation, key));
            break;
        case 2:
            must(mw_sframe_sender_ratchet(from) == 0);
            break;
        case 3:
            mw_sframe_sender_forget(to);
            break;
        case 4:
            f = frame_next(s);
            must(mw_sframe_sender_seal(from, SPAN_LIT("m"), SPAN_LIT("content"), f->bytes, ROOM,
                                       &f->len) == 0);
            break;
        default:
            (void)frame_pick(s, &copy, &f);
            opened_once(f, mw_sframe_sender_open(to, SPAN_LIT("m"), span_of(copy.bytes, copy.len),
                                                 copy.bytes, ROOM, &o));
            break;
        }
        must(r >= 0);
    }
    mw_sframe_sender_free(from);
    mw_sframe_sender_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct mw_crypto *crypto;    /* one for all runs: looking algorithms up is slow */
    struct script s = { .r = { .rest = span_of(data, len < 2000 ? len : 2000) } };
    uint8_t mode = read_u8(&s.r);

    must(crypto != NULL || mw_crypto_new(&crypto) == 0);
    s.crypto = crypto;
    if (mode == 0)
        frame_look(s.crypto, &s.r);
    else if (mode == 1)
        group_play(&s);
    else
        sender_play(&s);
    return 0;
}
