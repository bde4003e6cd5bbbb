/* Key schedule, secret tree and framing when memory runs out: each call says so, nothing is half
 * done, and all goes on as soon as there is memory again.
 * usage: frame_alloc_test [openssl]    with OpenSSL's own allocations failing too */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "frame_fixture.h"

enum { ROOM = 1 << 20 };

static bool openssl_fails;

/* The pages that secrets live in count as allocations like all others. */
void *__real_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    void *counted = malloc(1);

    free(counted);
    if (counted != NULL)
        return __real_mmap(at, len, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

/* Hashing allocates nothing; what is done when it fails all the same is tried by saying so. */
static bool hashing_fails;
int __real_crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                        const struct mw_span *parts, size_t n, uint8_t *out, size_t len);
int __wrap_crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                        const struct mw_span *parts, size_t n, uint8_t *out, size_t len);

int __wrap_crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                        const struct mw_span *parts, size_t n, uint8_t *out, size_t len)
{
    if (!hashing_fails)
        return __real_crypt_expand(c, h, prk, parts, n, out, len);
    secret_clear(out, len);
    return -EIO;
}

/* 0, or what memory that ran out may be told as.  OpenSSL's verifying does not tell it from a
 * signature that is wrong; both refuse. */
static bool excused(int r)
{
    return r == -ENOMEM || (openssl_fails && (r == -EIO || r == FRAME_E_SIGNATURE));
}

/* -------------------------------------------------------------------------------- frames ---- */

/* Three messages sent, and the second of them received. */
struct life {
    struct pair pair;
    struct buf sent[3], plain;
    int results[8];
    size_t n;
    bool received;
};

static void life_end(struct life *l)
{
    for (size_t i = 0; i < ARRAY_LEN(l->sent); i++)
        buf_deinit(&l->sent[i]);
    buf_wipe(&l->plain);
    pair_deinit(&l->pair);
}

static int note(struct life *l, int r)
{
    l->results[l->n++] = r;
    return r;
}

static int send_one(struct life *l, size_t i, uint8_t type)
{
    struct authentic a = { .wire_format = WIRE_PRIVATE_MESSAGE, .content = pair_content(type) };
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    int r = frame_sign(l->pair.s, &a, l->pair.sender.context, pair_signing_key(&l->pair),
                       signature);

    if (r == 0)
        r = frame_private(&l->pair.sender, &a, 5000, mw_random_system(), &l->sent[i]);
    if (r != 0)
        assert_int_equal(l->sent[i].len, 0);
    return r;
}

static void receive_one(struct life *l, size_t i)
{
    struct mls_message m;
    struct authentic a;
    struct opened o;

    if (!mls_message_read(&m, buf_span(&l->sent[i])))
        return;
    if (note(l, frame_private_open(&l->pair.receiver, &m.private_message, &l->plain, &a, &o)) != 0)
        return;
    if (note(l, frame_verify(l->pair.s, &a, l->pair.receiver.context,
                             pair_verifying_key(&l->pair))) != 0)
        return;
    frame_private_used(&l->pair.receiver, &o);
    l->received = true;
}

/* With memory again: what was sent and not received opens, and what was received does not. */
static void afterwards(struct life *l, bool failed)
{
    struct authentic a;

    for (size_t i = 0; i < 3; i++)
        if (l->sent[i].len == 0) {
            buf_deinit(&l->sent[i]);
            assert_int_equal(send_one(l, i, CONTENT_APPLICATION), 0);
        }
    buf_deinit(&l->plain);
    for (size_t i = 3; i-- > 0;) {
        int r = pair_open(&l->pair, buf_span(&l->sent[i]), &l->plain, &a);

        if (i == 1 && l->received)
            assert_int_equal(r, FRAME_E_GENERATION);
        else if (i == 0 && l->received && failed && openssl_fails)
            assert_true(r == 0 || r == FRAME_E_GENERATION);     /* was let go */
        else
            assert_int_equal(r, 0);
        assert_int_equal(pair_open(&l->pair, buf_span(&l->sent[i]), &l->plain, &a),
                         FRAME_E_GENERATION);
    }
}

static bool private_once(void *context, size_t nth)
{
    CLEANUP(life_end) struct life l = { .plain = BUF_INIT(ROOM) };
    size_t bad = 0;
    bool failed;

    pair_init(&l.pair, *(const uint16_t *)context);
    for (size_t i = 0; i < 3; i++)
        l.sent[i] = (struct buf)BUF_INIT(ROOM);
    alloc_fail_arm(nth);
    for (size_t i = 0; i < 3; i++)
        note(&l, send_one(&l, i, CONTENT_APPLICATION));
    receive_one(&l, 1);
    failed = alloc_fail_disarm();
    for (size_t i = 0; i < l.n; i++)
        if (l.results[i] != 0) {
            if (!excused(l.results[i]))
                fail_msg("allocation %zu: step %zu is told as %d", nth, i, l.results[i]);
            bad++;
        }
    assert_true(bad <= 1 && (failed || bad == 0));
    afterwards(&l, failed);
    return failed;
}

static void test_private(void **state)
{
    uint16_t suites[] = { 1, 7 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        assert_true(alloc_fail_each(private_once, &suites[i]) > 10);
}

static bool public_once(void *context, size_t nth)
{
    struct authentic a = { .wire_format = WIRE_PUBLIC_MESSAGE,
                           .content = pair_content(CONTENT_PROPOSAL) }, got;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX], ref[CRYPT_HASH_MAX];
    CLEANUP(pair_deinit) struct pair p;
    struct mls_message m;
    bool failed;
    int r;

    pair_init(&p, *(const uint16_t *)context);
    alloc_fail_arm(nth);
    r = frame_sign(p.s, &a, p.sender.context, pair_signing_key(&p), signature);
    if (r == 0)
        r = frame_proposal_ref(p.s, &a, ref);
    if (r == 0)
        r = frame_public(&p.sender, &a, &out);
    if (r == 0 && mls_message_read(&m, buf_span(&out)))
        r = frame_public_open(&p.receiver, &m.public_message, &got);
    if (r == 0)
        r = frame_verify(p.s, &got, p.receiver.context, pair_verifying_key(&p));
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && excused(r)));
    return failed;
}

static void test_public(void **state)
{
    uint16_t suite = 1;

    (void)state;
    assert_true(alloc_fail_each(public_once, &suite) >= 3);
}

/* ---------------------------------------------------------------------------- the tree ---- */

static bool tree_once(void *context, size_t nth)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    CLEANUP(secret_tree_freep) struct secret_tree *back = NULL;
    CLEANUP(buf_wipe) struct buf saved = BUF_INIT(ROOM);
    struct suited s = fixture_suite(1);
    struct secret encryption = fixture_secret(s, 7);
    struct message_key k = { 0 }, want;
    struct reader r = { 0 };
    bool failed;
    int e;

    (void)context;
    alloc_fail_arm(nth);
    e = secret_tree_new(&t, s, 64, &encryption);
    for (uint32_t leaf = 0; e == 0 && leaf < 64; leaf += 9)
        e = secret_tree_key(t, leaf, RATCHET_APPLICATION, 40, &k);
    if (e == 0)
        secret_tree_write(t, &saved);
    if (e == 0)
        e = buf_error(&saved);
    r.rest = buf_span(&saved);
    if (e == 0)
        e = secret_tree_read(&back, s, &r);
    failed = alloc_fail_disarm();
    assert_true(e == 0 || (failed && excused(e)));
    assert_int_equal(back != NULL, e == 0);
    for (uint32_t leaf = 0; t != NULL && leaf < 64; leaf += 7) {
        want = fixture_key(s, 64, &encryption, leaf, RATCHET_APPLICATION, 40);
        assert_int_equal(secret_tree_key(t, leaf, RATCHET_APPLICATION, 40, &k), 0);
        assert_memory_equal(&k, &want, sizeof k);
    }
    return failed;
}

static void test_tree(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(tree_once, NULL) > 4);
}

/* The key of a generation, another's after it, and then the ratchet cannot be moved. */
static void use_stuck(struct secret_tree *t, uint32_t generation)
{
    struct message_key k;

    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, generation, &k), 0);
    assert_int_equal(secret_tree_key(t, 1, RATCHET_APPLICATION, 0, &k), 0);
    hashing_fails = true;
    secret_tree_used(t, 0, RATCHET_APPLICATION, generation);
    hashing_fails = false;
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, generation, &k),
                     SECRET_TREE_E_USED);
}

/* What was used is not used twice, even when the ratchet cannot follow; it does later. */
static void test_let_go(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    struct suited s = fixture_suite(1);
    struct secret encryption = fixture_secret(s, 7);
    struct message_key k = { 0 }, want;
    struct buf saved;
    struct reader r;
    uint32_t generation;

    (void)state;
    assert_int_equal(secret_tree_new(&t, s, 2, &encryption), 0);
    use_stuck(t, 5);
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 3, &k), SECRET_TREE_E_USED);
    saved = fixture_state(t);               /* and it is known after a restart, too */
    secret_tree_free(t);
    t = NULL;
    r = (struct reader){ .rest = buf_span(&saved) };
    assert_int_equal(secret_tree_read(&t, s, &r), 0);
    buf_wipe(&saved);
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 5, &k), SECRET_TREE_E_USED);
    want = fixture_key(s, 2, &encryption, 0, RATCHET_APPLICATION, 8);
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 8, &k), 0);
    assert_memory_equal(&k, &want, sizeof k);
    secret_tree_used(t, 0, RATCHET_APPLICATION, 8);
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 6, &k), 0);     /* kept */
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 4, &k), SECRET_TREE_E_USED);
    use_stuck(t, 20);
    assert_int_equal(secret_tree_next(t, 0, RATCHET_APPLICATION, &generation, &k), 0);
    assert_int_equal(generation, 21);
    want = fixture_key(s, 2, &encryption, 0, RATCHET_APPLICATION, 21);
    assert_memory_equal(&k, &want, sizeof k);
}

/* Over and over: at last the ratchet is given up, rather than that a state could make us derive
 * without end. */
static void test_given_up(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    struct suited s = fixture_suite(1);
    struct secret encryption = fixture_secret(s, 7);
    struct message_key k;
    uint32_t generation;

    (void)state;
    assert_int_equal(secret_tree_new(&t, s, 2, &encryption), 0);
    for (uint32_t i = 1; i <= 8; i++)
        use_stuck(t, i * SECRET_TREE_AHEAD);
    assert_int_equal(secret_tree_key(t, 0, RATCHET_APPLICATION, 9 * SECRET_TREE_AHEAD, &k),
                     SECRET_TREE_E_USED);
    assert_int_equal(secret_tree_next(t, 0, RATCHET_APPLICATION, &generation, &k),
                     SECRET_TREE_E_EXHAUSTED);
    assert_int_equal(secret_tree_next(t, 0, RATCHET_HANDSHAKE, &generation, &k), 0);
    assert_int_equal(secret_tree_next(t, 1, RATCHET_APPLICATION, &generation, &k), 0);
}

/* ------------------------------------------------------------------------ the schedule ---- */

static bool schedule_once(void *context, size_t nth)
{
    struct suited s = fixture_suite(1);
    struct secret a = fixture_secret(s, 1), b = fixture_secret(s, 2), joiner = { 0 };
    struct psk_input psk = { SPAN_LIT("id"), SPAN_LIT("psk") };
    struct secret psk_secret = { 0 }, welcome = { 0 };
    struct epoch_secrets e = { 0 }, none = { 0 };
    uint8_t out[32], key[32], nonce[CRYPT_NONCE];
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = schedule_joiner(s, &a, &b, SPAN_LIT("context"), &joiner);
    if (r == 0)
        r = schedule_psk(s, &psk, 1, &psk_secret);
    if (r == 0)
        r = schedule_welcome(s, &joiner, &psk_secret, &welcome);
    if (r == 0)
        r = schedule_welcome_key(s, &welcome, key, nonce);
    if (r == 0)
        r = schedule_epoch(s, &joiner, &psk_secret, SPAN_LIT("context"), &e);
    if (r == 0)
        r = schedule_export(s, &e.exporter, "label", SPAN_LIT("context"), out, sizeof out);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && excused(r)));
    if (e.init.len == 0)
        assert_memory_equal(&e, &none, sizeof e);       /* all of an epoch, or nothing */
    return failed;
}

static void test_schedule(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(schedule_once, NULL) >= 1);
}

static int close_all(void **state)
{
    (void)state;
    fixture_close();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule), cmocka_unit_test(test_tree),
        cmocka_unit_test(test_let_go),   cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_public),   cmocka_unit_test(test_private),
    };

    openssl_fails = argc > 1 && strcmp(argv[1], "openssl") == 0;
    if (openssl_fails && !alloc_fail_openssl())
        return 1;
    return cmocka_run_group_tests(tests, NULL, close_all);
}
