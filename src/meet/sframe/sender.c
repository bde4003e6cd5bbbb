#include <errno.h>
#include <midwatch/sframe_sender.h>
#include <stdlib.h>

#include "meet/sframe/cipher.h"
#include "meet/sframe/header.h"
#include "meet/sframe/window.h"

/* The key of one ratchet step, for opening. */
struct step {
    struct sframe_cipher cipher;
    struct sframe_window window;
    bool used;
};

struct mw_sframe_sender {
    const struct mw_crypto *crypto;
    const struct sframe_suite *suite;
    enum mw_sframe_use use;
    unsigned bits, ahead, kept;
    struct secret *base_key;    /* of the latest step; len 0: none yet */
    uint64_t generation, step;
    uint64_t counter;           /* sealing: of the next frame */
    bool spent;
    struct step *steps;         /* kept + 1, a ring; steps[at] is the latest */
    unsigned at;
    struct sframe_cipher fresh; /* on its way to become the latest step's */
    struct sframe_cipher trial; /* opening: of a step that nobody was heard in yet */
};

static int options_check(const struct mw_sframe_sender_options *o, unsigned *ahead)
{
    unsigned steps;

    if ((o->use != MW_SFRAME_TO_SEAL && o->use != MW_SFRAME_TO_OPEN) ||
        o->ratchet_bits > MW_SFRAME_RATCHET_BITS_MAX || o->steps_ahead > MW_SFRAME_STEPS_MAX ||
        o->steps_kept > MW_SFRAME_STEPS_MAX)
        return -EINVAL;
    steps = 1u << o->ratchet_bits;
    if (o->steps_ahead + o->steps_kept >= steps)
        return -EINVAL;         /* low bits could mean either of two steps */
    *ahead = o->steps_ahead;
    if (*ahead == 0)
        *ahead = steps - 1 - o->steps_kept;
    if (*ahead > MW_SFRAME_STEPS_MAX)
        *ahead = MW_SFRAME_STEPS_MAX;
    return 0;
}

static int fill(struct mw_sframe_sender *s)
{
    int r;

    s->base_key = secret_new(sizeof *s->base_key);
    s->steps = calloc(s->kept + 1, sizeof *s->steps);
    if (s->base_key == NULL || s->steps == NULL)
        return -ENOMEM;
    r = sframe_cipher_init(&s->fresh, s->crypto, s->suite);
    if (r == 0)
        r = sframe_cipher_init(&s->trial, s->crypto, s->suite);
    for (unsigned i = 0; r == 0 && i <= s->kept; i++)
        r = sframe_cipher_init(&s->steps[i].cipher, s->crypto, s->suite);
    return r;
}

int mw_sframe_sender_new(struct mw_sframe_sender **out, const struct mw_crypto *c,
                         const struct mw_sframe_sender_options *options)
{
    const struct sframe_suite *suite;
    struct mw_sframe_sender *s;
    unsigned ahead;
    int r = options_check(options, &ahead);

    if (r == 0)
        r = sframe_suite_choose(options->suite, options->short_tags, &suite);
    if (r != 0)
        return r;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->crypto = c;
    s->suite = suite;
    s->use = options->use;
    s->bits = options->ratchet_bits;
    s->ahead = ahead;
    s->kept = s->use == MW_SFRAME_TO_OPEN ? options->steps_kept : 0;
    r = fill(s);
    if (r != 0) {
        mw_sframe_sender_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void mw_sframe_sender_free(struct mw_sframe_sender *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; s->steps != NULL && i <= s->kept; i++)
        sframe_cipher_deinit(&s->steps[i].cipher);
    sframe_cipher_deinit(&s->fresh);
    sframe_cipher_deinit(&s->trial);
    free(s->steps);
    secret_free(s->base_key);
    free(s);
}

/* ------------------------------------------------------------------------------ keys ---- */

static uint64_t kid_of(const struct mw_sframe_sender *s, uint64_t step)
{
    return s->generation << s->bits | (step & (((uint64_t)1 << s->bits) - 1));
}

/* The cipher of a step whose base key this is. */
static int cipher_of(struct mw_sframe_sender *s, struct sframe_cipher *cipher,
                     const struct secret *base_key, uint64_t step)
{
    CLEANUP(secret_wipe) struct secret secret = { 0 };
    int r = sframe_secret_of(s->crypto, s->suite, secret_span(base_key), &secret);

    if (r == 0)
        r = sframe_cipher_key(cipher, s->crypto, &secret, kid_of(s, step));
    return r;
}

/* What `cipher` holds becomes the latest step's; the oldest one's place is its, and that one's key
 * is gone.  Not used: a step whose key could not be made. */
static void step_push(struct mw_sframe_sender *s, struct sframe_cipher *cipher, bool used)
{
    unsigned at = (s->at + 1) % (s->kept + 1);
    struct step *to = &s->steps[at];
    struct sframe_cipher old = to->cipher;

    *to = (struct step){ .cipher = *cipher, .used = used };
    *cipher = old;
    sframe_cipher_forget(cipher);
    s->at = at;
}

int mw_sframe_sender_set_key(struct mw_sframe_sender *s, uint64_t generation, uint64_t step,
                             struct mw_span base_key)
{
    CLEANUP(secret_wipe) struct secret key = { 0 };
    uint64_t before = s->generation;
    int r;

    if (base_key.len < MW_SFRAME_BASE_KEY_MIN || base_key.len > MW_SFRAME_BASE_KEY_MAX ||
        (s->bits > 0 && generation >> (64 - s->bits) != 0) || (s->bits == 0 && step != 0))
        return -EINVAL;
    if (s->base_key->len > 0 && generation <= s->generation)
        return MW_SFRAME_E_PAST;
    r = secret_set(&key, base_key);
    if (r != 0)
        return r;
    s->generation = generation;
    r = cipher_of(s, &s->fresh, &key, step);
    if (r != 0) {
        s->generation = before;
        return r;
    }
    step_push(s, &s->fresh, true);
    *s->base_key = key;
    s->step = step;
    s->counter = 0;
    s->spent = false;
    return 0;
}

int mw_sframe_sender_ratchet(struct mw_sframe_sender *s)
{
    CLEANUP(secret_wipe) struct secret next = { 0 };
    int r;

    if (s->use != MW_SFRAME_TO_SEAL || s->bits == 0)
        return -EINVAL;
    if (s->base_key->len == 0)
        return MW_SFRAME_E_NOT_SENDING;
    r = sframe_ratchet(s->crypto, s->suite, s->base_key, &next);
    if (r == 0)
        r = cipher_of(s, &s->fresh, &next, s->step + 1);
    if (r != 0)
        return r;
    step_push(s, &s->fresh, true);
    *s->base_key = next;
    s->step++;
    s->counter = 0;
    s->spent = false;
    return 0;
}

int mw_sframe_sender_export(const struct mw_sframe_sender *s, uint64_t *generation, uint64_t *step,
                            uint8_t key[MW_SFRAME_BASE_KEY_MAX], size_t *len)
{
    if (s->use != MW_SFRAME_TO_SEAL)
        return -EINVAL;
    if (s->base_key->len == 0)
        return MW_SFRAME_E_NOT_SENDING;
    *generation = s->generation;
    *step = s->step;
    *len = s->base_key->len;
    memcpy(key, s->base_key->bytes, s->base_key->len);
    return 0;
}

void mw_sframe_sender_forget(struct mw_sframe_sender *s)
{
    for (unsigned i = 0; i <= s->kept; i++) {
        if (i == s->at || !s->steps[i].used)
            continue;
        sframe_cipher_forget(&s->steps[i].cipher);
        s->steps[i].used = false;
    }
}

/* --------------------------------------------------------------------------- sealing ---- */

size_t mw_sframe_sender_overhead(const struct mw_sframe_sender *s)
{
    return sframe_header_size(kid_of(s, s->step), s->counter) + s->suite->tag;
}

int mw_sframe_sender_seal(struct mw_sframe_sender *s, struct mw_span metadata, struct mw_span plain,
                          uint8_t *out, size_t room, size_t *len)
{
    struct sframe_cipher *cipher = &s->steps[s->at].cipher;
    uint64_t counter = s->counter;
    int r;

    if (s->use != MW_SFRAME_TO_SEAL)
        return -EINVAL;
    if (s->base_key->len == 0)
        return MW_SFRAME_E_NOT_SENDING;
    if (s->spent)
        return MW_SFRAME_E_EXHAUSTED;
    r = sframe_seal_check(cipher, counter, metadata, plain, room);
    if (r != 0)
        return r;
    s->spent = counter == UINT64_MAX;
    if (!s->spent)
        s->counter++;
    return sframe_cipher_seal(cipher, counter, metadata, plain, out, len);
}

/* --------------------------------------------------------------------------- opening ---- */

static struct step *step_find(struct mw_sframe_sender *s, uint64_t kid)
{
    for (unsigned i = 0; i <= s->kept; i++)
        if (s->steps[i].used && s->steps[i].cipher.kid == kid)
            return &s->steps[i];
    return NULL;
}

static int step_open(struct step *step, const struct mw_sframe_header *h, struct mw_span metadata,
                     struct mw_span frame, uint8_t *out, struct mw_span *plain)
{
    int r = sframe_window_check(&step->window, h->counter);

    if (r == 0)
        r = sframe_cipher_open(&step->cipher, h, metadata, frame, out, plain);
    if (r == 0)
        sframe_window_mark(&step->window, h->counter);
    return r;
}

/* The base key so many steps ahead. */
static int base_key_ahead(struct mw_sframe_sender *s, unsigned steps, struct secret *out)
{
    int r = 0;

    *out = *s->base_key;
    for (unsigned i = 0; r == 0 && i < steps; i++)
        r = sframe_ratchet(s->crypto, s->suite, out, out);
    return r;
}

/* The keys of the steps up to so many ahead, as far as there is room: their frames may only be
 * late.  Without memory for one, its step is not known, and that is all. */
static void between_keep(struct mw_sframe_sender *s, unsigned steps)
{
    CLEANUP(secret_wipe) struct secret key = { 0 };

    for (unsigned i = steps > s->kept ? steps - s->kept : 1; i < steps; i++) {
        int r = base_key_ahead(s, i, &key);

        if (r == 0)
            r = cipher_of(s, &s->fresh, &key, s->step + i);
        step_push(s, &s->fresh, r == 0);
    }
}

/* A frame that may be of a later step: followed only if it is genuine (5.1). */
static int ahead_open(struct mw_sframe_sender *s, unsigned steps, const struct mw_sframe_header *h,
                      struct mw_span metadata, struct mw_span frame, uint8_t *out,
                      struct mw_span *plain)
{
    CLEANUP(secret_wipe) struct secret target = { 0 };
    int r = base_key_ahead(s, steps, &target);

    if (r == 0)
        r = cipher_of(s, &s->trial, &target, s->step + steps);
    if (r == 0)
        r = sframe_cipher_open(&s->trial, h, metadata, frame, out, plain);
    if (r != 0)
        return r;
    between_keep(s, steps);
    step_push(s, &s->trial, true);
    sframe_window_mark(&s->steps[s->at].window, h->counter);
    *s->base_key = target;
    s->step += steps;
    return 0;
}

int mw_sframe_sender_open(struct mw_sframe_sender *s, struct mw_span metadata, struct mw_span frame,
                          uint8_t *out, size_t room, struct mw_sframe_opened *opened)
{
    struct mw_sframe_header h;
    struct mw_span plain;
    struct step *step;
    uint64_t mask = ((uint64_t)1 << s->bits) - 1, steps;
    int r = mw_sframe_read_header(frame, &h);

    if (s->use != MW_SFRAME_TO_OPEN)
        return -EINVAL;
    if (r == 0)
        r = sframe_open_check(s->suite, &h, metadata, frame, out, room);
    if (r != 0)
        return r;
    step = step_find(s, h.kid);
    steps = (h.kid - s->step) & mask;
    if (step != NULL)
        r = step_open(step, &h, metadata, frame, out, &plain);
    else if (s->base_key->len == 0 || h.kid >> s->bits != s->generation || steps == 0 ||
             steps > s->ahead)
        r = MW_SFRAME_E_KEY;
    else
        r = ahead_open(s, (unsigned)steps, &h, metadata, frame, out, &plain);
    if (r != 0)
        return r;
    *opened = (struct mw_sframe_opened){
        .plain = plain,
        .kid = h.kid,
        .counter = h.counter,
        .epoch = h.kid >> s->bits,
    };
    return 0;
}
