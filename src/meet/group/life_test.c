/* A group's life through the public interface alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mls_people.h"

static const struct mw_mls_commit_options plain_commit = { 0 };

#define is(expression, error)                                                                      \
    assert_string_equal(mw_mls_error_name(expression), mw_mls_error_name(error))

/* The encryption key of a leaf, copied. */
struct key {
    uint8_t bytes[32];
};

static struct key key_of(const struct person *who, uint32_t leaf)
{
    struct mw_mls_member m;
    struct key k;

    assert_true(mw_mls_member_next(who->g, leaf, &m));
    assert_int_equal(m.leaf, leaf);
    assert_int_equal(m.encryption_key.len, sizeof(k.bytes));
    memcpy(k.bytes, m.encryption_key.data, sizeof(k.bytes));
    return k;
}

static bool key_eq(struct key a, struct key b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static int open_1(void **state)
{
    static struct people people;

    people_open(&people, 1);
    *state = &people;
    return 0;
}

static int close(void **state)
{
    people_close(*state);
    return 0;
}

static void alone(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[0];
    struct mw_mls_member m;
    static uint8_t too_much[9000];
    uint8_t out[32], again[32];

    people_found(p, (struct mw_span){ 0 });
    assert_int_equal(mw_mls_epoch(a->g), 0);
    assert_int_equal(mw_mls_member_count(a->g), 1);
    assert_int_equal(mw_mls_own_leaf(a->g), 0);
    assert_int_equal(mw_mls_suite(a->g), 1);
    assert_true(span_eq(mw_mls_group_id(a->g), SPAN_LIT("group")));
    assert_true(mw_mls_member_next(a->g, 0, &m));
    assert_true(span_eq(m.signature_key, a->id.signature_key));
    assert_true(span_eq(m.credential.body, SPAN_LIT("member0")));
    assert_false(mw_mls_member_next(a->g, 1, &m));
    is(mw_mls_export(a->g, "label", SPAN_LIT("context"), out, sizeof(out)), 0);
    people_commit(p, a, &plain_commit);
    assert_int_equal(mw_mls_epoch(a->g), 1);
    is(mw_mls_export(a->g, "label", SPAN_LIT("context"), again, sizeof(again)), 0);
    assert_memory_not_equal(out, again, sizeof(out));
    is(mw_mls_export(a->g, "label", SPAN_LIT(""), too_much, sizeof(too_much)), MW_MLS_E_TOO_BIG);
}

static void adds(void **state)
{
    struct people *p = *state;
    const struct mw_mls_change *changes;
    size_t count;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 4);
    assert_int_equal(mw_mls_member_count(p->all[3].g), 4);
    people_agree(p);
    changes = mw_mls_changes(p->all[0].g, &count);
    assert_int_equal(count, 4);         /* three adds and the committer's path */
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(changes[i].kind, MW_MLS_ADDED);
        assert_int_equal(changes[i].who.leaf, i + 1);
        assert_int_equal(changes[i].committer, 0);
        assert_true(span_eq(changes[i].who.signature_key, p->all[i + 1].id.signature_key));
    }
    assert_int_equal(changes[3].kind, MW_MLS_UPDATED);
    assert_int_equal(changes[3].who.leaf, 0);
}

static void updates(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct key before;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 5);
    people_propose(p, &p->all[1], &update);
    people_propose(p, &p->all[2], &update);
    people_commit(p, &p->all[3], &plain_commit);
    people_agree(p);
    before = key_of(&p->all[0], 2);
    for (size_t i = 0; i < 5; i++) {
        people_commit(p, &p->all[i], &plain_commit);
        people_agree(p);
    }
    assert_false(key_eq(before, key_of(&p->all[0], 2)));
}

static void renewed(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[0], *c = &p->all[2];
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_commit_options o = { 0 };
    struct mw_mls_member m;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 4);
    person_renew(p, c, "other name");
    update.who = &c->id;
    people_propose(p, c, &update);
    people_commit(p, &p->all[1], &plain_commit);
    people_agree(p);
    assert_true(mw_mls_member_next(a->g, 2, &m));
    assert_true(span_eq(m.credential.body, SPAN_LIT("other name")));
    person_renew(p, a, "also other");
    o.who = &a->id;
    people_commit(p, a, &o);
    people_agree(p);
    assert_true(mw_mls_member_next(c->g, 0, &m));
    assert_true(span_eq(m.signature_key, a->id.signature_key));
    people_commit(p, c, &plain_commit);
    people_agree(p);
}

static void removes(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[0], *gone = &p->all[1];
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = 1 };
    struct mw_mls_commit_options o = { .proposals = &remove, .count = 1 };
    const struct mw_mls_change *changes;
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_event event;
    size_t count;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 6);
    people_commit(p, a, &o);
    people_agree(p);
    assert_int_equal(mw_mls_member_count(a->g), 5);
    assert_false(mw_mls_active(gone->g));
    assert_int_equal(mw_mls_own_leaf(gone->g), UINT32_MAX);
    changes = mw_mls_changes(gone->g, &count);
    assert_true(count >= 1);
    assert_int_equal(changes[0].kind, MW_MLS_REMOVED);
    assert_int_equal(changes[0].who.leaf, 1);
    assert_int_equal(changes[0].committer, 0);
    assert_true(span_eq(changes[0].who.credential.body, SPAN_LIT("member1")));
    is(mw_mls_protect(gone->g, SPAN_LIT("x"), SPAN_LIT(""), &m), MW_MLS_E_REMOVED);
    is(mw_mls_propose(gone->g, &remove, PEOPLE_NOW, &m), MW_MLS_E_REMOVED);
    is(mw_mls_commit(gone->g, &plain_commit, PEOPLE_NOW, &made), MW_MLS_E_REMOVED);
    is(mw_mls_group_info(gone->g, true, &m), MW_MLS_E_REMOVED);
    is(mw_mls_protect(a->g, SPAN_LIT("x"), SPAN_LIT(""), &m), 0);
    is(mw_mls_receive(gone->g, bytes_span(&m), PEOPLE_NOW, &event), MW_MLS_E_REMOVED);
    mw_mls_bytes_free(&m);
    /* Back again, at the place that was left. */
    mw_mls_free(gone->g);
    gone->g = NULL;
    remove = (struct mw_mls_proposal){ .type = MW_MLS_ADD, .key_package = person_package(gone) };
    people_commit(p, &p->all[4], &o);
    people_agree(p);
    assert_int_equal(mw_mls_own_leaf(gone->g), 1);
}

/* We ask to go; another takes us out. */
static void leaves(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = 2 };
    struct mw_mls_committed made = { 0 };

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 4);
    people_propose(p, &p->all[2], &remove);
    /* Its own commit cannot take it out. */
    is(mw_mls_commit(p->all[2].g, &plain_commit, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, 1);
    mw_mls_drop(p->all[2].g);
    mw_mls_committed_free(&made);
    people_commit(p, &p->all[3], &plain_commit);
    people_agree(p);
    assert_false(mw_mls_active(p->all[2].g));
}

static void psks(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
        { .type = MW_MLS_PRE_SHARED_KEY, .resumption = true, .psk_epoch = 1 },
        { .type = MW_MLS_ADD },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2, .no_path = true };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_event event;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 3);
    people_commit(p, &p->all[1], &o);
    people_agree(p);
    /* One who joins has the external one, not the group's past. */
    what[1] = what[0];
    what[0] = (struct mw_mls_proposal){ .type = MW_MLS_ADD,
                                        .key_package = person_package(&p->all[3]) };
    people_commit(p, &p->all[2], &o);
    people_agree(p);
    /* Who lacks it says so, and stays where it is. */
    o.count = 1;
    what[0] = what[1];
    p->all[2].has_psk = false;
    is(mw_mls_commit(p->all[2].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PSK_UNKNOWN);
    is(mw_mls_commit(p->all[0].g, &o, PEOPLE_NOW, &made), 0);
    is(mw_mls_receive(p->all[2].g, bytes_span(&made.commit), PEOPLE_NOW, &event),
       MW_MLS_E_PSK_UNKNOWN);
    p->all[2].has_psk = true;
    people_deliver(p, &p->all[0], &made.commit);
    is(mw_mls_merge(p->all[0].g), 0);
    mw_mls_committed_free(&made);
    people_agree(p);
}

static void extensions(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_policy policy = { .external_removes_only = true };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    const struct mw_mls_change *changes;
    size_t count;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 3);
    is(mw_mls_policy_write(&policy, (struct mw_span){ 0 }, &list), 0);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[1], &o);
    people_agree(p);
    for (size_t i = 0; i < 3; i++)
        assert_true(span_eq(mw_mls_context_extensions(p->all[i].g), bytes_span(&list)));
    changes = mw_mls_changes(p->all[2].g, &count);
    assert_int_equal(changes[0].kind, MW_MLS_EXTENSIONS);
    assert_true(span_eq(changes[0].data, bytes_span(&list)));
    mw_mls_bytes_free(&list);
}

/* 12.4: such a commit needs a path, whether it is asked for or not. */
static void path_needed(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1, .no_path = true };
    struct mw_mls_committed made = { 0 };
    struct key before;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 2);
    before = key_of(&p->all[0], 0);
    people_commit(p, &p->all[0], &o);
    people_agree(p);
    assert_false(key_eq(before, key_of(&p->all[0], 0)));
    o.count = 0;
    is(mw_mls_commit(p->all[0].g, &o, PEOPLE_NOW, &made), MW_MLS_E_NO_CHANGE);
}

static void no_path(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1, .no_path = true };

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 2);
    for (size_t i = 2; i < 9; i++) {
        add.key_package = person_package(&p->all[i]);
        people_commit(p, &p->all[i / 2], &o);
        people_agree(p);
    }
}

static void closing(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal reinit = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_commit_options o = { .proposals = &reinit, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_event event;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 2);
    is(mw_mls_commit(p->all[0].g, &o, PEOPLE_NOW, &made), 0);
    is(mw_mls_receive(p->all[1].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.kind, MW_MLS_GOT_REINIT);
    is(mw_mls_merge(p->all[0].g), 0);
    mw_mls_committed_free(&made);
    for (size_t i = 0; i < 2; i++) {
        assert_false(mw_mls_active(p->all[i].g));
        is(mw_mls_protect(p->all[i].g, SPAN_LIT("x"), SPAN_LIT(""), &m), MW_MLS_E_CLOSED);
        is(mw_mls_commit(p->all[i].g, &plain_commit, PEOPLE_NOW, &made), MW_MLS_E_CLOSED);
        is(mw_mls_propose(p->all[i].g, &update, PEOPLE_NOW, &m), MW_MLS_E_CLOSED);
        is(mw_mls_group_info(p->all[i].g, true, &m), MW_MLS_E_CLOSED);
    }
}

/* Two commit at once: one is dropped, and what it wanted can be committed afterwards. */
static void conflict(void **state)
{
    struct people *p = *state;
    struct mw_mls_committed one = { 0 }, other = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_event event;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 3);
    is(mw_mls_commit(p->all[0].g, &plain_commit, PEOPLE_NOW, &one), 0);
    is(mw_mls_commit(p->all[1].g, &plain_commit, PEOPLE_NOW, &other), 0);
    is(mw_mls_commit(p->all[1].g, &plain_commit, PEOPLE_NOW, &other), MW_MLS_E_PENDING);
    is(mw_mls_receive(p->all[1].g, bytes_span(&one.commit), PEOPLE_NOW, &event),
       MW_MLS_E_PENDING);
    /* Until the order is settled, both talk in the epoch that they are in. */
    people_talk(p, &p->all[0]);
    people_talk(p, &p->all[1]);
    mw_mls_drop(p->all[1].g);
    is(mw_mls_merge(p->all[1].g), MW_MLS_E_NOT_PENDING);
    people_deliver(p, &p->all[0], &one.commit);
    is(mw_mls_merge(p->all[0].g), 0);
    people_agree(p);
    is(mw_mls_receive(p->all[2].g, bytes_span(&other.commit), PEOPLE_NOW, &event),
       MW_MLS_E_EPOCH);
    is(mw_mls_receive(p->all[1].g, bytes_span(&one.commit), PEOPLE_NOW, &event), MW_MLS_E_EPOCH);
    mw_mls_committed_free(&one);
    mw_mls_committed_free(&other);
    /* Our own come back to us from the relay. */
    is(mw_mls_commit(p->all[1].g, &plain_commit, PEOPLE_NOW, &one), 0);
    mw_mls_drop(p->all[1].g);
    is(mw_mls_receive(p->all[1].g, bytes_span(&one.commit), PEOPLE_NOW, &event),
       MW_MLS_E_OWN_MESSAGE);
    mw_mls_committed_free(&one);
    is(mw_mls_protect(p->all[1].g, SPAN_LIT("x"), SPAN_LIT(""), &m), 0);
    is(mw_mls_receive(p->all[1].g, bytes_span(&m), PEOPLE_NOW, &event), MW_MLS_E_OWN_MESSAGE);
    mw_mls_bytes_free(&m);
}

/* Begun again from what was saved, with a commit of our own and proposals that wait. */
static void restart(struct person *who)
{
    static const uint8_t key[32] = { 1 };
    struct mw_mls_bytes saved = { 0 };

    is(mw_mls_save(who->g, key, &saved), 0);
    mw_mls_free(who->g);
    who->g = NULL;
    is(mw_mls_load(&who->g, &who->app, key, bytes_span(&saved)), 0);
    mw_mls_bytes_free(&saved);
}

static void restarts(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[0], *b = &p->all[1];
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes late = { 0 };
    struct mw_mls_event event;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 4);
    is(mw_mls_protect(p->all[3].g, SPAN_LIT("late"), SPAN_LIT(""), &late), 0);
    people_propose(p, b, &update);
    people_propose(p, &p->all[2], &update);
    restart(b);
    is(mw_mls_commit(a->g, &plain_commit, PEOPLE_NOW, &made), 0);
    restart(a);
    people_deliver(p, a, &made.commit);
    is(mw_mls_merge(a->g), 0);
    mw_mls_committed_free(&made);
    people_agree(p);
    restart(b);
    is(mw_mls_receive(b->g, bytes_span(&late), PEOPLE_NOW, &event), 0);
    assert_true(span_eq(event.data, SPAN_LIT("late")));
    mw_mls_bytes_free(&late);
    people_commit(p, b, &plain_commit);
    people_agree(p);
}

/* Late, out of order, twice, and never. */
static void disorder(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[0], *b = &p->all[1];
    struct mw_mls_bytes m[6] = { 0 };
    struct mw_mls_event event;
    static const size_t order[] = { 3, 0, 5, 1 };

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 3);
    for (size_t i = 0; i < 6; i++)
        is(mw_mls_protect(a->g, span_of(&"012345"[i], 1), SPAN_LIT(""), &m[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        is(mw_mls_receive(b->g, bytes_span(&m[order[i]]), PEOPLE_NOW, &event), 0);
        assert_int_equal(event.data.data[0], '0' + (int)order[i]);
        is(mw_mls_receive(b->g, bytes_span(&m[order[i]]), PEOPLE_NOW, &event),
           MW_MLS_E_GENERATION);
    }
    for (size_t i = 0; i < 3; i++)
        people_commit(p, &p->all[2], &plain_commit);
    is(mw_mls_receive(b->g, bytes_span(&m[2]), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.epoch, 1);
    people_commit(p, &p->all[2], &plain_commit);
    is(mw_mls_receive(b->g, bytes_span(&m[4]), PEOPLE_NOW, &event), MW_MLS_E_EPOCH);
    for (size_t i = 0; i < 6; i++)
        mw_mls_bytes_free(&m[i]);
}

/* A past epoch's message is verified with the key that its sender had then. */
static void past_keys(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[1], *c = &p->all[2];
    struct mw_mls_proposal what = { .type = MW_MLS_REMOVE, .leaf = 2 };
    struct mw_mls_commit_options o = { 0 }, take_out = { .proposals = &what, .count = 1 };
    struct mw_mls_bytes old_b = { 0 }, old_c = { 0 };
    struct mw_mls_event event;

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 4);
    is(mw_mls_protect(b->g, SPAN_LIT("b"), SPAN_LIT(""), &old_b), 0);
    is(mw_mls_protect(c->g, SPAN_LIT("c"), SPAN_LIT(""), &old_c), 0);
    person_renew(p, b, NULL);
    o.who = &b->id;
    people_commit(p, b, &o);
    people_commit(p, &p->all[0], &take_out);
    mw_mls_free(c->g);
    c->g = NULL;
    what = (struct mw_mls_proposal){ .type = MW_MLS_ADD, .key_package = person_package(c) };
    people_commit(p, b, &take_out);
    people_agree(p);
    assert_int_equal(mw_mls_own_leaf(c->g), 2);
    is(mw_mls_receive(p->all[3].g, bytes_span(&old_b), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.epoch, 1);
    assert_int_equal(event.sender_index, 1);
    is(mw_mls_receive(p->all[3].g, bytes_span(&old_c), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.sender_index, 2);
    /* Who came later never had that epoch. */
    is(mw_mls_receive(c->g, bytes_span(&old_b), PEOPLE_NOW, &event), MW_MLS_E_EPOCH);
    mw_mls_bytes_free(&old_b);
    mw_mls_bytes_free(&old_c);
}

/* 12.4: no data while proposals wait. */
static void uncommitted(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_bytes m = { 0 };

    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 2);
    people_propose(p, &p->all[1], &update);
    for (size_t i = 0; i < 2; i++)
        is(mw_mls_protect(p->all[i].g, SPAN_LIT("x"), SPAN_LIT(""), &m), MW_MLS_E_UNCOMMITTED);
    people_commit(p, &p->all[0], &plain_commit);
    people_agree(p);
}

/* Every suite, public handshakes, and padding. */
static void suites(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        struct people p;
        struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };

        people_open(&p, suite);
        for (size_t i = 0; i < PEOPLE_MAX; i++) {
            p.all[i].app.public_handshakes = suite % 2 == 0;
            p.all[i].app.padding = suite % 3 == 0 ? 64 : 0;
        }
        people_found(&p, (struct mw_span){ 0 });
        people_gather(&p, 3);
        people_propose(&p, &p.all[1], &update);
        people_commit(&p, &p.all[2], &plain_commit);
        people_agree(&p);
        people_close(&p);
    }
}

static void padded(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes one = { 0 }, more = { 0 };

    p->all[0].app.padding = 128;
    people_found(p, (struct mw_span){ 0 });
    is(mw_mls_protect(p->all[0].g, SPAN_LIT("x"), SPAN_LIT(""), &one), 0);
    is(mw_mls_protect(p->all[0].g, SPAN_LIT("xxxxxxxxxxxxxxxx"), SPAN_LIT(""), &more), 0);
    assert_int_equal(one.len, more.len);
    mw_mls_bytes_free(&one);
    mw_mls_bytes_free(&more);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_1, close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(alone),     test(adds),        test(updates),   test(renewed),   test(removes),
        test(leaves),    test(psks),        test(extensions), test(path_needed), test(no_path),
        test(closing),   test(conflict),    test(disorder),  test(past_keys), test(uncommitted),
        test(padded),    test(restarts),    cmocka_unit_test(suites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
