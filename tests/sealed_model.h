/*
 * A world of members and a relay that delays, loses and reorders, for the model test: what the
 * relay knows, what each member has been told, and what must come of it.
 */
#ifndef TESTS_SEALED_MODEL_H
#define TESTS_SEALED_MODEL_H

#include <midwatch/mls_meeting.h>

enum { SLOTS = 14, EPOCHS_KEPT = 4096, PAST = 2 };

enum letter_kind { LETTER_DATA, LETTER_PROPOSAL, LETTER_COMMIT };

/* A message on its way to some of the members; freed with its last delivery. */
struct letter {
    struct mw_mls_bytes bytes;
    enum letter_kind kind;
    uint64_t epoch;             /* that it was sent in */
    uint64_t number;            /* what a data message says */
    int holders;
};

/* One who may be in the group, have been in it, or come later. */
struct slot {
    char name[32];
    struct mw_mls_bytes signing_key, signature_key;
    struct mw_mls_group *group; /* NULL: never was in, or left for good */
    bool member;                /* by the relay's latest epoch */
    uint64_t joined;            /* its first epoch */
    struct letter **queue;
    size_t queued, room;
};

struct model {
    struct mw_mls_app app;
    uint64_t state;             /* of the generator that the seed starts */
    uint16_t suite;
    struct mw_wall now;
    struct slot slots[SLOTS];
    uint64_t epoch;             /* the latest that the relay took a commit into */
    uint8_t authenticators[EPOCHS_KEPT][MW_MLS_SECRET_MAX];
    size_t authenticator_len;
    uint64_t numbers, born;
    struct {
        size_t adds, removes, updates, externals, commits, conflicts, proposals, sent, read, late,
            lost, replayed, restarts, shut_out;
    } count;
};

/* Ends the program with what went wrong, where. */
#define MUST(m, truth, ...)                                                                        \
    do {                                                                                           \
        if (!(truth))                                                                              \
            model_wrong((m), __FILE__, __LINE__, __VA_ARGS__);                                     \
    } while (0)
_Noreturn void model_wrong(const struct model *m, const char *file, int line, const char *format,
                           ...) __attribute__((format(printf, 4, 5)));

void model_init(struct model *m, const struct mw_crypto *crypto, uint16_t suite, uint64_t seed);
void model_deinit(struct model *m);
uint32_t model_draw(struct model *m, uint32_t below);

static inline struct mw_span model_span(const struct mw_mls_bytes *b)
{
    return (struct mw_span){ b->data, b->len };
}

/* The epoch that a member is in is the one that everybody who was in it had. */
void model_check_epoch(struct model *m, const struct slot *s);

/* ------------------------------------------------------- sealed_letters.c: the relay ---- */

/* Takes the bytes over; to every member but from. */
void letters_broadcast(struct model *m, const struct slot *from, struct mw_mls_bytes *bytes,
                       enum letter_kind kind, uint64_t epoch, uint64_t number);
struct letter *letter_take(struct slot *s, size_t at);
void letter_release(struct letter *l);
void letters_forget(struct slot *s);
/* Where the first letter is that must come in its order; s->queued: there is none. */
size_t letters_first_handshake(const struct slot *s);
/* One that is drawn; or everything that must come in its order. */
void letters_deliver_one(struct model *m, struct slot *s);
void letters_deliver_handshakes(struct model *m, struct slot *s);

/* -------------------------------------------------------------- sealed_model.c: the rest ---- */

/* One operation, drawn.  name: what it was. */
const char *model_step(struct model *m);

/* Everything that is on its way arrives: all members are in the latest epoch and agree. */
void model_settle(struct model *m);

#endif
