#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "sealed_model.h"

/* ----------------------------------------------------------------------- letters ---- */

void letter_release(struct letter *l)
{
    if (--l->holders > 0)
        return;
    mw_mls_bytes_free(&l->bytes);
    free(l);
}

static void enqueue(struct model *m, struct slot *s, struct letter *l)
{
    if (s->queued == s->room) {
        s->room = s->room == 0 ? 16 : s->room * 2;
        s->queue = realloc(s->queue, s->room * sizeof(struct letter *));
        MUST(m, s->queue != NULL, "out of memory");
    }
    s->queue[s->queued++] = l;
    l->holders++;
}

/* Takes the bytes over; to every member but from. */
void letters_broadcast(struct model *m, const struct slot *from, struct mw_mls_bytes *bytes,
                      enum letter_kind kind, uint64_t epoch, uint64_t number)
{
    struct letter *l = calloc(1, sizeof(*l));

    MUST(m, l != NULL, "out of memory");
    /* cppcheck-suppress nullPointerRedundantCheck ; MUST() has ended the program */
    *l = (struct letter){ *bytes, kind, epoch, number, 1 };
    *bytes = (struct mw_mls_bytes){ 0 };
    for (size_t i = 0; i < SLOTS; i++)
        if (&m->slots[i] != from && m->slots[i].member)
            enqueue(m, &m->slots[i], l);
    letter_release(l);
}

struct letter *letter_take(struct slot *s, size_t at)
{
    struct letter *l = s->queue[at];

    memmove(&s->queue[at], &s->queue[at + 1], (s->queued - at - 1) * sizeof(struct letter *));
    s->queued--;
    return l;
}

void letters_forget(struct slot *s)
{
    while (s->queued > 0)
        letter_release(letter_take(s, s->queued - 1));
}

/* ---------------------------------------------------------------------- arriving ---- */

void model_check_epoch(struct model *m, const struct slot *s)
{
    uint64_t epoch = mw_mls_epoch(s->group);
    struct mw_span got = mw_mls_epoch_authenticator(s->group);

    MUST(m, epoch <= m->epoch, "%s is ahead of everybody", s->name);
    if (m->epoch - epoch >= EPOCHS_KEPT)
        return;
    MUST(m, span_eq(got, (struct mw_span){ m->authenticators[epoch % EPOCHS_KEPT],
                                           m->authenticator_len }),
         "%s disagrees about epoch %llu", s->name, (unsigned long long)epoch);
}

/* true: it is done with; false: it came too early and waits. */
static bool data_arrives(struct model *m, struct slot *s, const struct letter *l, bool again)
{
    uint64_t epoch = mw_mls_epoch(s->group);
    struct mw_mls_event event;
    int e = mw_mls_receive(s->group, model_span(&l->bytes), m->now, &event);

    if (l->epoch > epoch) {
        MUST(m, e == MW_MLS_E_EPOCH, "%s reads ahead: %s", s->name, mw_mls_error_name(e));
        return false;
    }
    if (l->epoch < s->joined || epoch - l->epoch > PAST) {
        MUST(m, e == MW_MLS_E_EPOCH, "%s reads of epoch %llu: %s", s->name,
             (unsigned long long)l->epoch, mw_mls_error_name(e));
        m->count.late++;
        return true;
    }
    if (again) {
        MUST(m, e == MW_MLS_E_GENERATION, "%s reads twice: %s", s->name, mw_mls_error_name(e));
        m->count.replayed++;
        return true;
    }
    MUST(m, e == 0, "%s, in %llu, cannot read of %llu: %s", s->name, (unsigned long long)epoch,
         (unsigned long long)l->epoch, mw_mls_error_name(e));
    MUST(m, event.kind == MW_MLS_GOT_DATA && event.data.len == sizeof(l->number) &&
                memcmp(event.data.data, &l->number, sizeof(l->number)) == 0,
         "%s reads something else", s->name);
    m->count.read++;
    return true;
}

static void handshake_arrives(struct model *m, struct slot *s, const struct letter *l)
{
    struct mw_mls_event event;
    int e = mw_mls_receive(s->group, model_span(&l->bytes), m->now, &event);

    /* A proposal of an epoch that somebody joined too late for, or that is over: nothing. */
    if (l->kind == LETTER_PROPOSAL && l->epoch != mw_mls_epoch(s->group)) {
        MUST(m, e != 0, "%s takes an old proposal", s->name);
        return;
    }
    MUST(m, e == 0, "%s does not take a %s of %llu: %s", s->name,
         l->kind == LETTER_COMMIT ? "commit" : "proposal", (unsigned long long)l->epoch,
         mw_mls_error_name(e));
    if (l->kind != LETTER_COMMIT)
        return;
    if (event.kind == MW_MLS_GOT_REMOVED) {
        MUST(m, !mw_mls_active(s->group), "%s is out and active", s->name);
        return;
    }
    model_check_epoch(m, s);
}

/* The first that must come in its order; or queued: there is none. */
size_t letters_first_handshake(const struct slot *s)
{
    size_t at = 0;

    while (at < s->queued && s->queue[at]->kind == LETTER_DATA)
        at++;
    return at;
}

void letters_deliver_one(struct model *m, struct slot *s)
{
    size_t at = model_draw(m, (uint32_t)s->queued);
    struct letter *l;

    if (s->queue[at]->kind != LETTER_DATA)
        at = letters_first_handshake(s);
    l = letter_take(s, at);
    if (l->kind != LETTER_DATA) {
        handshake_arrives(m, s, l);
    } else if (!data_arrives(m, s, l, false)) {
        enqueue(m, s, l);
    } else if (model_draw(m, 8) == 0) {
        data_arrives(m, s, l, true);
    }
    letter_release(l);
}

void letters_deliver_handshakes(struct model *m, struct slot *s)
{
    size_t at;

    while ((at = letters_first_handshake(s)) < s->queued) {
        struct letter *l = letter_take(s, at);

        handshake_arrives(m, s, l);
        letter_release(l);
    }
}
