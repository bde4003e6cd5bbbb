/* Every allocation fails once on the way of an ask: from the worker to the forge, and back. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "forge_fixture.h"
#include "gate/wire/channel.h"
#include "gate/worker/mint.h"

static struct {
    EVP_PKEY *key;
    struct buf spki, ask;
    struct mill_cert *origin;
} given;

static int make(void **state)
{
    int r = forge_fixture_make(state);
    struct mint_ask a = { .id = 9, .host = SPAN_LIT("www.shop.test"), .now = forge_now() };

    given.spki = (struct buf)BUF_INIT(4096);
    given.ask = (struct buf)BUF_INIT(CHANNEL_MAX_MESSAGE);
    given.key = forge_key(MILL_P256, &given.spki);
    given.origin = forge_origin((struct mill_spec){ 0 });
    a.spki = buf_span(&given.spki);
    a.origin = mill_cert_der(given.origin);
    mint_ask_write(&given.ask, &a);
    return r;
}

static int unmake(void **state)
{
    EVP_PKEY_free(given.key);
    buf_deinit(&given.spki);
    buf_deinit(&given.ask);
    mill_cert_free(given.origin);
    return forge_fixture_remove(state);
}

static int answer(struct buf *out, struct mw_span ask)
{
    struct answering a = { .rules = { .ca = forge_ca(), .leaf_s = FORGE_DAY } };

    rate_init(&a.rate, 10, (struct mono){ 0 });
    return leaf_answer_write(out, &a, ask, forge_now(), (struct mono){ 0 });
}

/* A leaf or none: never half of one, and never one that a rule was skipped for. */
static bool run_answer(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct mint_answer got;
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = answer(&out, buf_span(&given.ask));
    failed = alloc_fail_disarm();
    if (!failed)
        assert_int_equal(r, 0);
    if (r == 0) {
        assert_int_equal(mint_answer_read(&got, buf_span(&out)), 0);
        assert_true(got.status == MINT_OK || failed);
        assert_true(got.status != MINT_OK || got.leaf.len > 300);
    }
    return failed;
}

static void the_forge_answers_or_says_that_it_cannot(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_answer, NULL) >= 10);
}

/* ----------------------------------------------------------------- the worker ---- */

struct scene {
    uv_loop_t loop;
    int forge;                  /* the other end */
    struct mint *mint;
    unsigned told;
    enum mint_status status;
    struct minted *minted;
};

static void hear(void *context, enum mint_status status, struct minted *m, const char *why)
{
    struct scene *s = context;

    (void)why;
    s->told++;
    s->status = status;
    s->minted = m;
}

static void scene_open(struct scene *s)
{
    int fds[2];

    *s = (struct scene){ .told = 0 };
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(channel_pair(fds), 0);
    s->forge = fds[0];
    assert_int_equal(mint_new(&s->mint, &s->loop, NULL, fds[1]), 0);
}

static void scene_close(struct scene *s)
{
    mint_free(s->mint);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    minted_unref(s->minted);
    close(s->forge);
}

static int ask(struct scene *s)
{
    static const uint8_t key[32] = { 1 };
    const struct mint_order order = {
        .key = key, .host = SPAN_LIT("www.shop.test"), .origin = mill_cert_der(given.origin),
        .now = forge_now(),
    };
    struct minted *found;
    struct mint_wait *wait;
    int r = mint_ask(s->mint, &order, &found, hear, s, &wait);

    assert_null(found);
    assert_int_equal(r == 0, wait != NULL);
    return r;
}

static bool run_ask(void *context, size_t nth)
{
    struct scene s;
    bool failed;
    int r;

    (void)context;
    scene_open(&s);
    alloc_fail_arm(nth);
    r = ask(&s);
    failed = alloc_fail_disarm();
    if (!failed)
        assert_int_equal(r, 0);
    if (r != 0)
        assert_int_equal(ask(&s), 0);   /* the next is none the worse for it */
    scene_close(&s);
    return failed;
}

static void an_ask_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_ask, NULL) >= 4);
}

static bool run_told(void *context, size_t nth)
{
    static uint8_t message[CHANNEL_MAX_MESSAGE];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct scene s;
    ssize_t n;
    bool failed;

    (void)context;
    scene_open(&s);
    assert_int_equal(ask(&s), 0);
    n = recv(s.forge, message, sizeof(message), 0);
    assert_true(n > 0);
    assert_int_equal(answer(&out, span_of(message, (size_t)n)), 0);
    assert_int_equal(send(s.forge, out.data, out.len, 0), out.len);
    alloc_fail_arm(nth);
    while (s.told == 0)
        uv_run(&s.loop, UV_RUN_ONCE);
    failed = alloc_fail_disarm();
    assert_int_equal(s.told, 1);
    assert_int_equal(s.status == MINT_OK, s.minted != NULL);
    if (!failed)
        assert_int_equal(s.status, MINT_OK);
    scene_close(&s);
    return failed;
}

static void an_answer_is_told_once_whatever_fails(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_told, NULL) >= 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forge_answers_or_says_that_it_cannot),
        cmocka_unit_test(an_ask_that_fails_leaves_nothing_behind),
        cmocka_unit_test(an_answer_is_told_once_whatever_fails),
    };

    if (argc > 1 && strcmp(argv[1], "openssl") == 0 && !alloc_fail_openssl())
        return 1;
    return cmocka_run_group_tests_name("forge, out of memory", tests, make, unmake);
}
