/* One mint for each miss, whatever the forge does: answers, refuses, is slow, dies or lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/x509.h>
#include <cmocka.h>

#include "gate/worker/algorithms.h"
#include "gate/worker/mint.h"
#include "gate/worker/mint_cache.h"
#include "lab/mill.h"

enum { DAY = 86400 };

static const struct mw_wall now = { 1795262400 };      /* 2026-11-21T12:00:00Z */

/* The other end of the channel: a forge that does as it is told. */
struct forge {
    struct channel *channel;
    EVP_PKEY *ca_key;
    struct mill_cert *ca;
    unsigned asked;
    bool silent, refuse, wrong_key, wrong_id, nonsense;
    int64_t life_s;
    uint64_t last_id;
    uint8_t spki_sha256[32];    /* of the last ask */
};

struct scene {
    struct algorithms algorithms;
    uv_loop_t loop;
    struct forge forge;
    struct mint *mint;
};

/* A leaf for this key, signed by the fake CA. */
static void leaf_for(struct buf *der, const struct forge *f, struct mw_span spki,
                     struct mw_wall not_after)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *theirs = d2i_PUBKEY(NULL, &at, (long)spki.len), *key = NULL;
    struct mill_cert *cert = NULL;
    X509 *x;
    int n;

    assert_non_null(theirs);
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&cert,
                                &(struct mill_spec){ .subject = "CN=www.shop.test",
                                                     .names = "DNS:www.shop.test",
                                                     .not_before = { now.s - 3600 },
                                                     .not_after = not_after },
                                key, f->ca),
                     0);
    x = mill_cert_x509(cert);
    if (!f->wrong_key)
        assert_int_equal(X509_set_pubkey(x, theirs), 1);
    assert_true(X509_sign(x, f->ca_key, EVP_sha256()) > 0);
    n = i2d_X509(x, NULL);
    assert_true(n > 0);
    at = buf_reserve(der, (size_t)n);
    assert_non_null(at);
    assert_int_equal(i2d_X509(x, (unsigned char **)&at), n);
    buf_took(der, (size_t)n);
    mill_cert_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(theirs);
}

static void say(struct forge *f, const struct mint_answer *answer)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);

    int r;

    mint_answer_write(&b, answer);
    r = channel_send(f->channel, buf_span(&b));
    assert_true(r == 0 || r == -EPIPE);         /* some tests free the mint meanwhile */
}

static void forge_hears(void *context, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(65536);
    struct forge *f = context;
    struct mint_answer answer = { 0 };
    struct mint_ask ask;

    if (message.len == 0)
        return;
    assert_int_equal(mint_ask_read(&ask, message), 0);
    f->asked++;
    f->last_id = answer.id = ask.id;
    EVP_Digest(ask.spki.data, ask.spki.len, f->spki_sha256, NULL, EVP_sha256(), NULL);
    if (f->silent)
        return;
    if (f->nonsense) {
        assert_int_equal(channel_send(f->channel, SPAN_LIT("\x02nonsense")), 0);
        return;
    }
    if (f->refuse) {
        answer.status = MINT_REFUSED;
        answer.why = SPAN_LIT("the origin is a CA");
    } else {
        answer.not_after.s = ask.now.s + f->life_s;
        leaf_for(&leaf, f, ask.spki, answer.not_after);
        answer.leaf = buf_span(&leaf);
        answer.intermediate = mill_cert_der(f->ca);
    }
    if (f->wrong_id) {
        answer.id += 12345;
        say(f, &answer);
        answer.id -= 12345;
    }
    say(f, &answer);
}

static void scene_open(struct scene *s)
{
    int fds[2];

    *s = (struct scene){ .forge = { .life_s = 7 * DAY } };
    assert_int_equal(algorithms_init(&s->algorithms), 0);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(mill_key_new(&s->forge.ca_key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&s->forge.ca,
                                &(struct mill_spec){ .subject = "CN=Fake gate CA",
                                                     .ca = true,
                                                     .not_before = { now.s - DAY },
                                                     .not_after = { now.s + 90 * DAY } },
                                s->forge.ca_key, NULL),
                     0);
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(
        channel_new(&s->forge.channel, &s->loop, fds[0], 0, forge_hears, &s->forge), 0);
    assert_int_equal(mint_new(&s->mint, &s->loop, s->algorithms.context, fds[1]), 0);
}

static void scene_close(struct scene *s)
{
    mint_free(s->mint);
    channel_free(s->forge.channel);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    algorithms_deinit(&s->algorithms);
    mill_cert_free(s->forge.ca);
    EVP_PKEY_free(s->forge.ca_key);
}

struct told {
    unsigned times;
    enum mint_status status;
    struct minted *minted;
    char why[128];
    struct mint_wait *cancel;   /* from within the callback */
    struct mint *free_this;
    struct scene *ask_again;
};

static struct mint_order order_of(const uint8_t key[32])
{
    return (struct mint_order){
        .ca = MINT_TRUSTED,
        .kind = MINT_P256,
        .key = key,
        .host = SPAN_LIT("www.shop.test"),
        .origin = SPAN_LIT("an origin's certificate"),
        .now = now,
    };
}

static void hear(void *context, enum mint_status status, struct minted *m, const char *why);

static struct mint_wait *ask_as(struct scene *s, const struct mint_order *o, struct told *t)
{
    struct minted *found = NULL;
    struct mint_wait *wait = NULL;

    assert_int_equal(mint_ask(s->mint, o, &found, hear, t, &wait), 0);
    assert_null(found);
    assert_non_null(wait);
    assert_int_equal(t->times, 0);      /* never from within */
    return wait;
}

static void hear(void *context, enum mint_status status, struct minted *m, const char *why)
{
    static const uint8_t other[32] = { 99 };
    struct told *t = context;

    t->times++;
    t->status = status;
    t->minted = m;
    strncpy(t->why, why, sizeof(t->why) - 1);
    mint_cancel(t->cancel);
    mint_free(t->free_this);
    if (t->ask_again != NULL) {
        struct mint_order o = order_of(other);
        static struct told later;

        later = (struct told){ 0 };
        mint_cancel(ask_as(t->ask_again, &o, &later));
    }
}

static void until_told(struct scene *s, const struct told *t)
{
    while (t->times == 0)
        uv_run(&s->loop, UV_RUN_ONCE);
    uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_int_equal(t->times, 1);
}

static void a_leaf_comes_with_its_key(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told t = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    ask_as(&s, &o, &t);
    until_told(&s, &t);
    assert_int_equal(t.status, MINT_OK);
    assert_string_equal(t.why, "");
    assert_int_equal(X509_check_private_key(t.minted->leaf, t.minted->key), 1);
    assert_int_equal(X509_check_private_key(t.minted->leaf, s.forge.ca_key), 0);
    assert_int_equal(X509_verify(t.minted->leaf, s.forge.ca_key), 1);
    assert_int_equal(t.minted->not_after.s, now.s + 7 * DAY);
    assert_false(t.minted->untrusted);
    minted_unref(t.minted);
    scene_close(&s);
}

static void many_wait_for_one_mint(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told told[20] = { { 0 } };
    struct minted *found = NULL;
    struct mint_wait *wait;
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        ask_as(&s, &o, &told[i]);
    until_told(&s, &told[0]);
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        assert_int_equal(told[i].times, 1);
        assert_ptr_equal(told[i].minted, told[0].minted);
    }
    assert_int_equal(s.forge.asked, 1);
    assert_int_equal(mint_ask(s.mint, &o, &found, hear, NULL, &wait), 0);
    assert_ptr_equal(found, told[0].minted);
    assert_null(wait);
    minted_unref(found);
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        minted_unref(told[i].minted);
    scene_close(&s);
}

/* Any difference in what it is for is another leaf. */
static void unlike_orders_do_not_share(void **state)
{
    static const uint8_t one[32] = { 1 }, two[32] = { [31] = 1 };
    struct mint_order orders[] = { order_of(one), order_of(two), order_of(one), order_of(one) };
    struct told told[ARRAY_LEN(orders)] = { { 0 } };
    struct scene s;

    (void)state;
    scene_open(&s);
    orders[2].ca = MINT_UNTRUSTED;
    orders[3].kind = MINT_RSA2048;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        ask_as(&s, &orders[i], &told[i]);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        until_told(&s, &told[i]);
        assert_int_equal(told[i].status, MINT_OK);
    }
    assert_int_equal(s.forge.asked, ARRAY_LEN(orders));
    assert_true(told[2].minted->untrusted);
    assert_true(EVP_PKEY_is_a(told[3].minted->key, "RSA"));
    assert_int_equal(EVP_PKEY_get_bits(told[3].minted->key), 2048);
    assert_true(EVP_PKEY_is_a(told[0].minted->key, "EC"));
    /* The intermediate is kept once for all. */
    assert_ptr_equal(told[0].minted->intermediate, told[1].minted->intermediate);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        minted_unref(told[i].minted);
    scene_close(&s);
}

/* Everything that is not a leaf for our key is told once and not remembered. */
static void failures_are_told_and_not_kept(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told refused = { 0 }, lied = { 0 }, fine = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    s.forge.refuse = true;
    ask_as(&s, &o, &refused);
    until_told(&s, &refused);
    assert_int_equal(refused.status, MINT_REFUSED);
    assert_null(refused.minted);
    assert_string_equal(refused.why, "the origin is a CA");

    s.forge.refuse = false;
    s.forge.wrong_key = true;
    ask_as(&s, &o, &lied);
    until_told(&s, &lied);
    assert_int_equal(lied.status, MINT_BROKEN);
    assert_null(lied.minted);

    s.forge.wrong_key = false;
    ask_as(&s, &o, &fine);
    until_told(&s, &fine);
    assert_int_equal(fine.status, MINT_OK);
    assert_int_equal(s.forge.asked, 3);
    minted_unref(fine.minted);
    scene_close(&s);
}

static void answers_to_nobody_are_dropped(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told t = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    s.forge.wrong_id = true;
    ask_as(&s, &o, &t);
    until_told(&s, &t);
    assert_int_equal(t.status, MINT_OK);
    minted_unref(t.minted);
    scene_close(&s);
}

/* A forge that says nothing, or nonsense, is asked twice and then given up. */
static void a_silent_forge_is_asked_twice(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);

    (void)state;
    for (int nonsense = 0; nonsense < 2; nonsense++) {
        struct told t = { 0 };
        struct scene s;

        scene_open(&s);
        s.forge.silent = !nonsense;
        s.forge.nonsense = nonsense;
        ask_as(&s, &o, &t);
        until_told(&s, &t);
        assert_int_equal(t.status, MINT_BROKEN);
        assert_string_equal(t.why, "the forge did not answer in time");
        assert_int_equal(s.forge.asked, 2);
        scene_close(&s);
    }
}

/* The first ask was lost with the forge that held it; the second finds its successor. */
static void a_forge_that_was_killed_is_asked_again(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told t = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    s.forge.silent = true;
    ask_as(&s, &o, &t);
    while (s.forge.asked == 0)
        uv_run(&s.loop, UV_RUN_ONCE);
    s.forge.silent = false;
    until_told(&s, &t);
    assert_int_equal(t.status, MINT_OK);
    assert_int_equal(s.forge.asked, 2);
    minted_unref(t.minted);
    scene_close(&s);
}

static void cancelled_waits_are_not_called(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told first = { 0 }, second = { 0 }, third = { 0 };
    struct mint_wait *wait;
    struct minted *found;
    struct scene s;

    (void)state;
    scene_open(&s);
    wait = ask_as(&s, &o, &first);
    ask_as(&s, &o, &second);
    mint_cancel(wait);
    mint_cancel(NULL);
    until_told(&s, &second);
    assert_int_equal(first.times, 0);
    minted_unref(second.minted);

    /* Nobody waits any more: the leaf is kept for the next all the same. */
    o.ca = MINT_UNTRUSTED;
    mint_cancel(ask_as(&s, &o, &third));
    while (s.forge.asked < 2)
        uv_run(&s.loop, UV_RUN_ONCE);
    uv_run(&s.loop, UV_RUN_NOWAIT);
    uv_run(&s.loop, UV_RUN_NOWAIT);
    assert_int_equal(mint_ask(s.mint, &o, &found, hear, &third, &wait), 0);
    assert_non_null(found);
    minted_unref(found);
    assert_int_equal(third.times, 0);
    scene_close(&s);
}

static void a_callback_may_cancel_ask_and_free(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told told[3] = { { 0 } };
    struct mint_wait *first;
    struct scene s;

    (void)state;
    scene_open(&s);
    first = ask_as(&s, &o, &told[0]);
    ask_as(&s, &o, &told[1]);
    ask_as(&s, &o, &told[2]);           /* the last is told first */
    told[2].cancel = first;
    told[2].ask_again = &s;
    told[1].free_this = s.mint;
    until_told(&s, &told[1]);
    assert_int_equal(told[0].times, 0);
    assert_int_equal(told[2].times, 1);
    minted_unref(told[1].minted);
    minted_unref(told[2].minted);
    s.mint = NULL;
    scene_close(&s);
}

/* Freed while a key is made in a thread: the thread's end finds nobody, and does no harm. */
static void freed_while_a_key_is_made(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct mint_order o = order_of(key);
    struct told t = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    o.kind = MINT_RSA2048;
    ask_as(&s, &o, &t);
    scene_close(&s);
    assert_int_equal(t.times, 0);
}

/* Asks at `at_s` after the first mint; true: found in the cache. */
static bool found_at(struct scene *s, struct mint_order o, int64_t at_s, unsigned *asked)
{
    struct minted *found = NULL;
    struct mint_wait *wait = NULL;
    struct told t = { 0 };
    unsigned before = s->forge.asked;

    o.now.s += at_s;
    assert_int_equal(mint_ask(s->mint, &o, &found, hear, &t, &wait), 0);
    if (found == NULL) {
        until_told(s, &t);
        minted_unref(t.minted);
    } else {
        minted_unref(found);
        for (int i = 0; i < 10; i++)
            uv_run(&s->loop, UV_RUN_NOWAIT);
    }
    *asked = s->forge.asked - before;
    return found != NULL;
}

static void leaves_are_minted_anew_before_they_end(void **state)
{
    static const uint8_t key[32] = { 1 };
    unsigned asked;
    struct scene s;

    (void)state;
    scene_open(&s);
    s.forge.life_s = 1000;
    assert_false(found_at(&s, order_of(key), 0, &asked));
    assert_true(found_at(&s, order_of(key), 900, &asked));
    assert_int_equal(asked, 0);
    /* Less than a tenth is left: handed out, and renewed meanwhile. */
    assert_true(found_at(&s, order_of(key), 901, &asked));
    assert_int_equal(asked, 1);
    assert_true(found_at(&s, order_of(key), 1100, &asked));
    assert_int_equal(asked, 0);
    /* Over: waited for.  So is one of the future, after the clock was set back. */
    assert_false(found_at(&s, order_of(key), 5000, &asked));
    assert_int_equal(asked, 1);
    assert_false(found_at(&s, order_of(key), -7200, &asked));
    scene_close(&s);
}

static void the_least_recently_used_goes(void **state)
{
    static const struct mw_wall then = { 100 };
    struct mint_cache c;
    struct mint_name name = { .ca = MINT_TRUSTED };
    struct mint_entry *first, *busy;

    (void)state;
    assert_int_equal(mint_cache_init(&c), 0);
    for (unsigned i = 0; i < MINT_MAX_CACHED + 100; i++) {
        struct minted *m = calloc(1, sizeof(*m));
        struct mint_key_pair *p = calloc(1, sizeof(*p));
        struct mint_entry *e;

        assert_non_null(m);
        assert_non_null(p);
        m->references = p->references = 1;
        name.key[0] = (uint8_t)(i >> 8);
        name.key[1] = (uint8_t)i;
        e = mint_cache_at(&c, &name);
        assert_non_null(e);
        mint_entry_fill(e, m, p, then, then);
        if (i == 1)
            e->flight = (struct mint_flight *)e;        /* under way: must stay */
        name.key[0] = name.key[1] = 0;
        assert_non_null(mint_cache_at(&c, &name));      /* used all the time */
    }
    assert_int_equal(c.n, MINT_MAX_CACHED);
    first = mint_cache_at(&c, &name);
    assert_non_null(first->minted);
    name.key[1] = 1;
    busy = mint_cache_at(&c, &name);
    assert_non_null(busy->minted);
    busy->flight = NULL;
    name.key[1] = 2;
    assert_null(mint_cache_at(&c, &name)->minted);
    mint_cache_deinit(&c);
}

static void keys_are_used_for_two_days_at_most(void **state)
{
    struct minted m = { .references = 2, .not_after = { now.s + DAY } };
    struct mint_key_pair pair = { .references = 2, .made_ms = 5000 };
    struct mint_entry e = { .minted = &m, .pair = &pair, .minted_at = now, .not_before = now };

    (void)state;
    assert_int_equal(mint_entry_use(&e, now, 5000 + 2 * (uint64_t)MINT_KEY_LIFE_MS - 1),
                     MINT_USE);
    assert_int_equal(mint_entry_use(&e, now, 5000 + 2 * (uint64_t)MINT_KEY_LIFE_MS),
                     MINT_USE_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_comes_with_its_key),
        cmocka_unit_test(many_wait_for_one_mint),
        cmocka_unit_test(unlike_orders_do_not_share),
        cmocka_unit_test(failures_are_told_and_not_kept),
        cmocka_unit_test(answers_to_nobody_are_dropped),
        cmocka_unit_test(a_silent_forge_is_asked_twice),
        cmocka_unit_test(a_forge_that_was_killed_is_asked_again),
        cmocka_unit_test(cancelled_waits_are_not_called),
        cmocka_unit_test(a_callback_may_cancel_ask_and_free),
        cmocka_unit_test(freed_while_a_key_is_made),
        cmocka_unit_test(leaves_are_minted_anew_before_they_end),
        cmocka_unit_test(the_least_recently_used_goes),
        cmocka_unit_test(keys_are_used_for_two_days_at_most),
    };

    return cmocka_run_group_tests_name("mint", tests, NULL, NULL);
}
