#include "sealed_model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

_Noreturn void model_wrong(const struct model *m, const char *file, int line, const char *format,
                           ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: in epoch %llu: ", file, line, (unsigned long long)m->epoch);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* splitmix64 */
static uint64_t draw64(struct model *m)
{
    uint64_t z = m->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t model_draw(struct model *m, uint32_t below)
{
    return (uint32_t)(draw64(m) % below);
}

static int drawn_bytes(void *context, uint8_t *out, size_t len)
{
    struct model *m = context;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)draw64(m);
    return 0;
}

static int believe(void *context, const struct mw_mls_credential *who,
                   struct mw_span signature_key, const struct mw_mls_credential *before,
                   struct mw_wall now)
{
    (void)context, (void)who, (void)signature_key, (void)before, (void)now;
    return 0;
}

static int find_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len)
{
    (void)context;
    if (id.len == 0)
        return 1;
    memset(out, id.data[0], 32);
    *len = 32;
    return 0;
}

void model_init(struct model *m, const struct mw_crypto *crypto, uint16_t suite, uint64_t seed)
{
    struct slot *first = &m->slots[0];
    struct mw_mls_identity who;
    int e;

    *m = (struct model){ .state = seed, .suite = suite, .now = { 1750000000 } };
    m->app = (struct mw_mls_app){
        .crypto = crypto, .random = { drawn_bytes, m }, .context = m, .judge = believe,
        .find_psk = find_psk, .past_epochs = PAST, .padding = 32,
        .public_handshakes = (seed & 1) != 0,
    };
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];

        snprintf(s->name, sizeof(s->name), "member %zu", i);
        e = mw_mls_signature_pair(&m->app, suite, &s->signing_key, &s->signature_key);
        MUST(m, e == 0, "a signature pair: %s", mw_mls_error_name(e));
    }
    who = (struct mw_mls_identity){
        .suite = suite, .credential = { MW_MLS_BASIC, span_str(first->name) },
        .signing_key = model_span(&first->signing_key),
        .signature_key = model_span(&first->signature_key),
    };
    e = mw_mls_create(&first->group, &m->app, &who, span_str("model"),
                      (struct mw_span){ NULL, 0 }, m->now);
    MUST(m, e == 0, "create: %s", mw_mls_error_name(e));
    first->member = true;
    m->authenticator_len = mw_mls_epoch_authenticator(first->group).len;
    memcpy(m->authenticators[0], mw_mls_epoch_authenticator(first->group).data,
           m->authenticator_len);
}

/* ---------------------------------------------------------------------- operations ---- */

static struct slot *draw_slot(struct model *m, bool member)
{
    struct slot *found = NULL;
    uint32_t seen = 0;

    for (size_t i = 0; i < SLOTS; i++)
        if (m->slots[i].member == member && model_draw(m, ++seen) == 0)
            found = &m->slots[i];
    return found;
}

static uint32_t members(const struct model *m)
{
    uint32_t n = 0;

    for (size_t i = 0; i < SLOTS; i++)
        n += m->slots[i].member;
    return n;
}

static struct mw_mls_identity identity_of(const struct model *m, const struct slot *s)
{
    return (struct mw_mls_identity){
        .suite = m->suite, .credential = { MW_MLS_BASIC, span_str(s->name) },
        .signing_key = model_span(&s->signing_key),
        .signature_key = model_span(&s->signature_key),
    };
}

static void slot_vacate(struct slot *s)
{
    letters_forget(s);
    mw_mls_free(s->group);
    s->group = NULL;
}

static uint32_t leaf_of(struct model *m, const struct mw_mls_group *g, const struct slot *who)
{
    struct mw_mls_member one;

    for (uint32_t i = 0; mw_mls_member_next(g, i, &one); i = one.leaf + 1)
        if (span_eq(one.signature_key, model_span(&who->signature_key)))
            return one.leaf;
    model_wrong(m, __FILE__, __LINE__, "%s is not in the tree", who->name);
}

static void take_epoch(struct model *m, const struct slot *s)
{
    m->epoch = mw_mls_epoch(s->group);
    memcpy(m->authenticators[m->epoch % EPOCHS_KEPT], mw_mls_epoch_authenticator(s->group).data,
           m->authenticator_len);
}

static const char *step_deliver(struct model *m)
{
    for (int i = 0; i < 12; i++) {
        struct slot *s = draw_slot(m, true);

        if (s->queued > 0)
            letters_deliver_one(m, s);
    }
    return "deliver";
}

static const char *step_lose(struct model *m)
{
    struct slot *s = draw_slot(m, true);

    for (size_t i = 0; i < s->queued; i++) {
        if (s->queue[i]->kind != LETTER_DATA)
            continue;
        letter_release(letter_take(s, i));
        m->count.lost++;
        break;
    }
    return "lose";
}

static void restart(struct model *m, struct slot *s)
{
    static const uint8_t key[32] = { 42 };
    struct mw_mls_bytes saved = { 0 };
    int e = mw_mls_save(s->group, key, &saved);

    MUST(m, e == 0, "%s cannot save: %s", s->name, mw_mls_error_name(e));
    mw_mls_free(s->group);
    s->group = NULL;
    e = mw_mls_load(&s->group, &m->app, key, model_span(&saved));
    MUST(m, e == 0, "%s cannot load: %s", s->name, mw_mls_error_name(e));
    mw_mls_bytes_free(&saved);
    model_check_epoch(m, s);
    m->count.restarts++;
}

static const char *step_restart(struct model *m)
{
    restart(m, draw_slot(m, true));
    return "restart";
}

/* Those who were shut out try what arrives by now. */
static void eavesdrop(struct model *m, const struct mw_mls_bytes *bytes)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];
        struct mw_mls_event event;

        if (s->member || s->group == NULL)
            continue;
        MUST(m, mw_mls_receive(s->group, model_span(bytes), m->now, &event) > 0,
             "%s was removed and reads on", s->name);
        m->count.shut_out++;
    }
}

static const char *step_eavesdrop(struct model *m)
{
    struct slot *s = draw_slot(m, true);
    struct mw_mls_bytes bytes = { 0 };
    int e;

    letters_deliver_handshakes(m, s);
    e = mw_mls_protect(s->group, span_str("not for those outside"), (struct mw_span){ NULL, 0 },
                       &bytes);
    if (e == MW_MLS_E_UNCOMMITTED)
        return "eavesdrop, but nobody speaks";
    MUST(m, e == 0, "%s cannot send: %s", s->name, mw_mls_error_name(e));
    eavesdrop(m, &bytes);
    mw_mls_bytes_free(&bytes);
    return "eavesdrop";
}

/* ------------------------------------------------------------------------ commits ---- */

struct change {
    struct mw_mls_proposal proposals[3];
    size_t count;
    struct slot *newcomer, *gone;
    struct mw_mls_key_package *kp;
};

static void want_add(struct model *m, struct change *c)
{
    struct mw_mls_identity who;
    int e;

    c->newcomer = draw_slot(m, false);
    slot_vacate(c->newcomer);
    who = identity_of(m, c->newcomer);
    e = mw_mls_key_package_new(&c->kp, &m->app, &who, (struct mw_wall){ m->now.s - 60 },
                               (struct mw_wall){ m->now.s + 3600 });
    MUST(m, e == 0, "key package: %s", mw_mls_error_name(e));
    c->proposals[c->count++] = (struct mw_mls_proposal){
        .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(c->kp),
    };
}

static void want_remove(struct model *m, const struct slot *by, struct change *c)
{
    struct slot *gone = draw_slot(m, true);

    if (gone == by)
        return;
    c->gone = gone;
    c->proposals[c->count++] = (struct mw_mls_proposal){
        .type = MW_MLS_REMOVE, .leaf = leaf_of(m, by->group, gone),
    };
}

/* Somebody else was as quick: only one commit of an epoch counts, the other is dropped. */
static void conflict(struct model *m, const struct slot *winner, const struct slot *leaving)
{
    struct slot *s = draw_slot(m, true);
    struct mw_mls_committed made = { 0 };
    int e;

    if (s == winner || s == leaving || mw_mls_epoch(s->group) != m->epoch ||
        letters_first_handshake(s) < s->queued)
        return;
    e = mw_mls_commit(s->group, &(struct mw_mls_commit_options){ 0 }, m->now, &made);
    MUST(m, e == 0, "%s cannot commit too: %s", s->name, mw_mls_error_name(e));
    mw_mls_committed_free(&made);
    if (model_draw(m, 2) == 0)
        restart(m, s);
    mw_mls_drop(s->group);
    m->count.conflicts++;
}

static void welcome(struct model *m, const struct slot *by, struct change *c,
                    const struct mw_mls_committed *made, bool tree_apart)
{
    struct slot *s = c->newcomer;
    struct mw_mls_bytes tree = { 0 };
    int e = tree_apart ? mw_mls_tree(by->group, &tree) : 0;

    MUST(m, e == 0, "tree: %s", mw_mls_error_name(e));
    e = mw_mls_join(&s->group, &m->app, c->kp, model_span(&made->welcome),
                    model_span(&tree), NULL, 0, m->now);
    MUST(m, e == 0, "%s cannot join: %s", s->name, mw_mls_error_name(e));
    mw_mls_bytes_free(&tree);
    s->member = true;
    s->joined = m->epoch;
    model_check_epoch(m, s);
    m->count.adds++;
}

/* Who is out keeps a state from before that it never lets go of, half of the time. */
static void shut_out(struct model *m, struct slot *gone)
{
    if (model_draw(m, 2) == 0)
        letters_deliver_handshakes(m, gone);
    gone->member = false;
    letters_forget(gone);
    m->count.removes++;
}

/* A commit by somebody who is up to date, taken by the relay at once. */
static void commit(struct model *m, struct slot *by, struct change *c)
{
    struct mw_mls_commit_options options = {
        .proposals = c->proposals, .count = c->count,
        .no_path = c->count > 0 && model_draw(m, 3) == 0,
        .no_tree_in_welcome = model_draw(m, 3) == 0,
    };
    struct mw_mls_committed made = { 0 };
    uint64_t before = m->epoch;
    int e = mw_mls_commit(by->group, &options, m->now, &made);

    MUST(m, e == 0, "%s cannot commit: %s", by->name, mw_mls_error_name(e));
    conflict(m, by, c->gone);
    if (model_draw(m, 4) == 0)
        restart(m, by);
    e = mw_mls_merge(by->group);
    MUST(m, e == 0, "%s cannot merge: %s", by->name, mw_mls_error_name(e));
    take_epoch(m, by);
    MUST(m, m->epoch == before + 1, "an epoch was skipped");
    letters_broadcast(m, by, &made.commit, LETTER_COMMIT, before, 0);
    if (c->gone != NULL)
        shut_out(m, c->gone);
    if (c->newcomer != NULL)
        welcome(m, by, c, &made, options.no_tree_in_welcome);
    mw_mls_committed_free(&made);
    m->count.commits++;
}

static const char *step_send(struct model *m)
{
    struct slot *s = draw_slot(m, true);
    uint64_t number = ++m->numbers;
    struct mw_mls_bytes bytes = { 0 };
    int e = mw_mls_protect(s->group, (struct mw_span){ (uint8_t *)&number, sizeof(number) },
                           (struct mw_span){ NULL, 0 }, &bytes);

    if (e == MW_MLS_E_UNCOMMITTED) {
        letters_deliver_handshakes(m, s);
        commit(m, s, &(struct change){ 0 });
        return "send, but first commit";
    }
    MUST(m, e == 0, "%s cannot send: %s", s->name, mw_mls_error_name(e));
    letters_broadcast(m, s, &bytes, LETTER_DATA, mw_mls_epoch(s->group), number);
    m->count.sent++;
    return "send";
}

static const char *step_commit(struct model *m)
{
    struct slot *by = draw_slot(m, true);
    struct change c = { 0 };
    uint32_t n = members(m);

    letters_deliver_handshakes(m, by);
    if (n < SLOTS && (n < 3 || model_draw(m, 3) == 0))
        want_add(m, &c);
    if (n > 3 && model_draw(m, 3) == 0)
        want_remove(m, by, &c);
    if (model_draw(m, 6) == 0)
        c.proposals[c.count++] = (struct mw_mls_proposal){
            .type = MW_MLS_PRE_SHARED_KEY, .psk_id = span_str("shared"),
        };
    m->count.updates += c.count == 0;
    commit(m, by, &c);
    mw_mls_key_package_free(c.kp);
    return "commit";
}

static const char *step_propose(struct model *m)
{
    struct slot *s = draw_slot(m, true);
    struct mw_mls_proposal p = { .type = MW_MLS_UPDATE };
    struct mw_mls_bytes bytes = { 0 };
    int e;

    letters_deliver_handshakes(m, s);
    if (model_draw(m, 4) == 0)
        p = (struct mw_mls_proposal){ .type = MW_MLS_PRE_SHARED_KEY,
                                      .psk_id = span_str("proposed") };
    e = mw_mls_propose(s->group, &p, m->now, &bytes);
    MUST(m, e == 0, "%s cannot propose: %s", s->name, mw_mls_error_name(e));
    letters_broadcast(m, s, &bytes, LETTER_PROPOSAL, m->epoch, 0);
    m->count.proposals++;
    return "propose";
}

static const char *step_external(struct model *m)
{
    struct slot *s = draw_slot(m, false), *by = draw_slot(m, true);
    struct mw_mls_bytes info = { 0 }, sent = { 0 };
    struct mw_mls_identity who;
    uint64_t before = m->epoch;
    int e;

    if (s == NULL)
        return "external, but all are in";
    letters_deliver_handshakes(m, by);
    slot_vacate(s);
    who = identity_of(m, s);
    e = mw_mls_group_info(by->group, true, &info);
    MUST(m, e == 0, "group info: %s", mw_mls_error_name(e));
    e = mw_mls_join_external(&s->group, &m->app, &who, model_span(&info),
                             (struct mw_span){ NULL, 0 }, false, NULL, 0, m->now, &sent);
    MUST(m, e == 0, "%s cannot join from outside: %s", s->name, mw_mls_error_name(e));
    mw_mls_bytes_free(&info);
    letters_broadcast(m, s, &sent, LETTER_COMMIT, before, 0);
    take_epoch(m, s);
    s->member = true;
    s->joined = m->epoch;
    m->count.externals++;
    return "external join";
}

void model_settle(struct model *m)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];

        if (!s->member)
            continue;
        letters_deliver_handshakes(m, s);
        MUST(m, mw_mls_epoch(s->group) == m->epoch, "%s stayed behind", s->name);
        model_check_epoch(m, s);
        MUST(m, mw_mls_member_count(s->group) == members(m), "%s counts %u members, not %u",
             s->name, mw_mls_member_count(s->group), members(m));
        while (s->queued > 0)
            letters_deliver_one(m, s);
    }
}

const char *model_step(struct model *m)
{
    static const struct {
        const char *(*step)(struct model *);
        uint32_t weight;
    } steps[] = {
        { step_deliver, 46 }, { step_send, 32 }, { step_commit, 5 }, { step_propose, 2 },
        { step_restart, 4 }, { step_lose, 6 }, { step_eavesdrop, 4 }, { step_external, 1 },
    };
    uint32_t drawn = model_draw(m, 100);

    m->now.s += 1;
    for (size_t i = 0;; i++) {
        if (drawn < steps[i].weight)
            return steps[i].step(m);
        drawn -= steps[i].weight;
    }
}

void model_deinit(struct model *m)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot_vacate(&m->slots[i]);
        free(m->slots[i].queue);
        mw_mls_bytes_free(&m->slots[i].signing_key);
        mw_mls_bytes_free(&m->slots[i].signature_key);
    }
}
