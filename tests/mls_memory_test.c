/*
 * What a group leaves in memory that it gave back, and how much a hostile message makes it take.
 * Every block that our own objects free is kept as it was at that moment (--wrap, as alloc_fail.h
 * has it), and searched for the secrets of that time.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"
#include "mls_welcome.h"

/* ------------------------------------------------------------------- what was given back ---- */

static struct {
    bool on;
    uint8_t *bytes;
    size_t len, room;
    size_t live, most;          /* bytes taken and not given back, and the most that ever were */
} graves;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *at);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *at);

static void *born(void *at)
{
    if (graves.on && at != NULL)
        graves.live += malloc_usable_size(at);
    if (graves.live > graves.most)
        graves.most = graves.live;
    return at;
}

static void bury(void *at)
{
    size_t len = at != NULL ? malloc_usable_size(at) : 0;

    if (!graves.on || len == 0)
        return;
    graves.live -= len < graves.live ? len : graves.live;
    if (graves.len + len > graves.room) {
        graves.room = 2 * (graves.len + len);
        graves.bytes = __real_realloc(graves.bytes, graves.room);
        assert_non_null(graves.bytes);
    }
    memcpy(graves.bytes + graves.len, at, len);
    graves.len += len;
}

void *__wrap_malloc(size_t bytes)
{
    return born(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return born(__real_calloc(count, bytes));
}

/* Always to another place, as it may be at any time. */
void *__wrap_realloc(void *old, size_t bytes)
{
    size_t had = old != NULL ? malloc_usable_size(old) : 0;
    void *moved = born(__real_malloc(bytes));

    if (moved == NULL)
        return NULL;
    if (old != NULL)
        memcpy(moved, old, had < bytes ? had : bytes);
    bury(old);
    __real_free(old);
    return moved;
}

void __wrap_free(void *at)
{
    bury(at);
    __real_free(at);
}

static void graves_open(void)
{
    graves.len = graves.live = graves.most = 0;
    graves.on = true;
}

static void graves_close(void)
{
    graves.on = false;
}

static bool buried(struct mw_span what)
{
    const uint8_t *at = graves.bytes, *end = at + graves.len;

    while (at != NULL && (size_t)(end - at) >= what.len) {
        at = memchr(at, what.data[0], (size_t)(end - at) - what.len + 1);
        if (at != NULL && memcmp(at, what.data, what.len) == 0)
            return true;
        if (at != NULL)
            at++;
    }
    return false;
}

/* What is all zeros was wiped, and is nobody's secret. */
static bool left_behind(struct mw_span secret)
{
    size_t zeros = 0;

    while (zeros < secret.len && secret.data[zeros] == 0)
        zeros++;
    return zeros < secret.len && buried(secret);
}

/* How many of an epoch's secrets can be found. */
static unsigned epoch_left(const struct epoch *e, struct suited s)
{
    const struct epoch_secrets *k = &e->keys->secrets;
    const struct secret *all[] = {
        &k->sender_data, &k->exporter, &k->external, &k->confirmation_key, &k->membership_key,
        &k->resumption_psk, &k->init,
    };
    CLEANUP(buf_wipe) struct buf tree = BUF_INIT(SIZE_MAX);
    struct mw_span scalar;
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        n += left_behind(secret_span(all[i]));
    n += left_behind(epoch_signing_key(e, s));
    for (uint32_t x = 0; x < 15; x++)
        if (tree_keys_get(e->tree_keys, x, &scalar))
            n += left_behind(scalar);
    /* Of the secret tree the last thing written: a ratchet, or the secret of a node. */
    secret_tree_write(e->secrets, &tree);
    assert_true(tree.len > s.suite->nh);
    return n + left_behind(span_of(tree.data + tree.len - s.suite->nh, s.suite->nh));
}

/* ---------------------------------------------------------------------------------- saved ---- */

static const uint8_t key[32] = { 7 };

static void saving(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_commit_options plain = { 0 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *g = p->all[A].g;
    struct mw_mls_bytes saved = { 0 };
    const struct owned_keys *own;

    people_propose(p, &p->all[A], &update);
    is(mw_mls_commit(g, &plain, PEOPLE_NOW, &made), 0);
    graves_open();
    is(mw_mls_save(g, key, &saved), 0);
    graves_close();
    assert_int_equal(epoch_left(&g->now, g->s), 0);
    assert_int_equal(epoch_left(&g->pending->next, g->s), 0);
    own = g->waiting->update_keys;
    assert_non_null(own);
    assert_false(left_behind(span_of(own->leaf, g->s.suite->nsk)));
    for (size_t i = 0; i < g->resumptions_count; i++)
        assert_false(left_behind(secret_span(&g->resumptions[i].psk)));
    for (size_t i = 0; i < GROUP_PAST_MAX && g->past[i] != NULL; i++)
        assert_false(left_behind(secret_span(g->past[i]->sender_data)));
    mw_mls_bytes_free(&saved);
    mw_mls_committed_free(&made);
    mw_mls_drop(g);
}

static void loading(void **state)
{
    struct people *p = *state;
    struct mw_mls_group *g = p->all[A].g, *loaded = NULL;
    struct mw_mls_bytes saved = { 0 };

    is(mw_mls_save(g, key, &saved), 0);
    graves_open();
    is(mw_mls_load(&loaded, &p->all[A].app, key, bytes_span(&saved)), 0);
    mw_mls_free(loaded);
    graves_close();
    assert_int_equal(epoch_left(&g->now, g->s), 0);
    mw_mls_bytes_free(&saved);
}

static void key_packages(void **state)
{
    static const uint8_t name[512] = { 'E' };
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];

    /* Of whatever length the rest is: a buffer that grows does so at some of them. */
    for (size_t len = 1; len < sizeof(name); len += 30) {
        struct mw_mls_key_package *loaded = NULL;
        struct mw_mls_bytes saved = { 0 };
        const struct key_package_secrets *s;

        e->id.credential.body = span_of(name, len);
        graves_open();
        assert_true(person_package(e).len > 0);
        is(mw_mls_key_package_save(e->kp, key, &saved), 0);
        is(mw_mls_key_package_load(&loaded, &e->app, key, bytes_span(&saved)), 0);
        mw_mls_key_package_free(loaded);
        graves_close();
        s = e->kp->secrets;
        assert_false(left_behind(span_of(s->init, 32)));
        assert_false(left_behind(span_of(s->encryption, 32)));
        assert_false(left_behind(span_of(s->signing, 32)));
        mw_mls_bytes_free(&saved);
    }
}

/* --------------------------------------------------------------------------- sent and read ---- */

static void welcoming(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD, .key_package = person_package(e) },
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_event event;
    struct taken_apart t;

    graves_open();
    is(mw_mls_commit(p->all[A].g, &o, PEOPLE_NOW, &made), 0);
    is(mw_mls_receive(p->all[B].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_receive(p->all[C].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_receive(p->all[D].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       0);
    is(mw_mls_merge(p->all[A].g), 0);
    graves_close();
    assert_true(welcome_open(&t, e->kp, people_random(p), bytes_span(&made.welcome),
                             SPAN_LIT("a shared secret")));
    assert_false(left_behind(secret_span(&t.joiner)));
    assert_true(t.secrets.has_path_secret);
    assert_false(left_behind(t.secrets.path_secret));
    assert_false(left_behind(secret_span(&t.psk)));
    assert_false(left_behind(SPAN_LIT("a shared secret")));
    for (size_t i = A; i <= OUTSIDER; i++)
        assert_int_equal(epoch_left(&p->all[i].g->now, p->all[i].g->s), 0);
    welcome_close(&t);
    mw_mls_committed_free(&made);
}

static void talking(void **state)
{
    struct people *p = *state;
    struct mw_span said = SPAN_LIT("what was said in confidence");
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_event event = { 0 };

    graves_open();
    is(mw_mls_protect(p->all[A].g, said, NONE, &m), 0);
    is(mw_mls_receive(p->all[B].g, bytes_span(&m), PEOPLE_NOW, &event), 0);
    assert_true(span_eq(event.data, said));
    assert_true(mw_mls_receive(p->all[B].g, bytes_span(&m), PEOPLE_NOW, &event) > 0);
    graves_close();
    assert_false(left_behind(said));
    mw_mls_bytes_free(&m);
}

/* ------------------------------------------------------------------------------ how much ---- */

static struct mw_mls_event nothing;

/* n proposals of one kind in a commit, from somebody who needs no key of the group's. */
static void crowd(struct people *p, struct sender sender, struct mw_span one, size_t n,
                  struct mw_span signing_key, const struct leaf_node *leaf)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct commit c = { .has_path = leaf != NULL };
    struct mw_mls_bytes m = { 0 };

    for (size_t i = 0; i < n; i++)
        buf_add(&list, one);
    c.proposals = buf_span(&list);
    if (leaf != NULL)
        c.path.leaf = *leaf;
    commit_write(&b, &c);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(craft_message(p->all[B].g, sender, CONTENT_COMMIT, buf_span(&b), signing_key,
                                   NONE, &m),
                     0);
    graves_open();
    is(mw_mls_receive(p->all[A].g, bytes_span(&m), PEOPLE_NOW, &nothing), MW_MLS_E_TOO_BIG);
    graves_close();
    /* The signature is checked over a copy, and a list of pointers may be made: no more. */
    assert_in_range(graves.most, 0, 4 * m.len + (4u << 20));
    mw_mls_bytes_free(&m);
}

static void crowded_commits(void **state)
{
    static const uint8_t init[] = { 1, 0, 6, 0 };               /* by value, kem_output of 0 */
    static const uint8_t context[] = { 1, 0, 7, 0 };
    static const uint8_t remove[] = { 1, 0, 3, 0, 0, 0, C };
    static const uint8_t reference[] = { 2, 0 };
    enum { MANY = 200000 };
    struct people *p = *state;
    struct mw_mls_group *b = p->all[B].g;
    struct mw_span own = epoch_signing_key(&b->now, b->s);
    struct sender outside = { .type = SENDER_NEW_COMMIT }, inside = { SENDER_MEMBER, B };
    struct leaf_node leaf = leaf_of(p, B);

    leaf.signature_key = bytes_span(&p->all[OUTSIDER].signature_key);
    leaf.source = LEAF_COMMIT;
    crowd(p, outside, span_of(init, sizeof(init)), MANY,
          bytes_span(&p->all[OUTSIDER].signing_key), &leaf);
    crowd(p, inside, span_of(context, sizeof(context)), MANY, own, NULL);
    crowd(p, inside, span_of(remove, sizeof(remove)), MANY, own, NULL);
    crowd(p, inside, span_of(reference, sizeof(reference)), MANY, own, NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(saving),
        test(loading),
        test(key_packages),
        test(welcoming),
        test(talking),
        test(crowded_commits),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    __real_free(graves.bytes);
    return failed;
}
