/* Every allocation fails once in HPKE's life: keys, contexts of every mode, messages, exports and
 * one-shot calls say that memory ran out, and leave nothing behind.
 * usage: hpke_alloc_test [openssl]     with OpenSSL's own allocations failing too */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "hpke_fixture.h"

struct scene {
    struct hpke_world w;
    enum mw_hpke_mode mode;
};

/* Everything once, as far as it goes. */
static int live(const struct scene *s, const struct mw_crypto *c, uint8_t *enc, uint8_t *sealed,
                struct mw_hpke_sender **sender, struct mw_hpke_recipient **recipient)
{
    const struct mw_hpke_setup sending = hpke_sending(&s->w, s->mode);
    const struct mw_hpke_setup receiving = hpke_receiving(&s->w, s->mode);
    const struct hpke_keys *to = &s->w.recipient;
    struct mw_span e = span_of(enc, to->public_key.len), all = span_of(sealed, HPKE_SEALED);
    uint8_t out[HPKE_SEALED];
    int r = mw_hpke_seal(c, &sending, to->public_key, mw_random_system(), HPKE_AAD, HPKE_PLAIN,
                         enc, sealed);

    if (r == 0)
        r = mw_hpke_open(c, &receiving, to->private_key, HPKE_NONE, e, HPKE_AAD, all, out);
    if (r == 0)
        r = mw_hpke_sender_new(sender, c, &sending, to->public_key, mw_random_system(), enc);
    if (r == 0)
        r = mw_hpke_recipient_new(recipient, c, &receiving, to->private_key, to->public_key, e);
    if (r == 0)
        r = mw_hpke_sender_seal(*sender, HPKE_AAD, HPKE_PLAIN, sealed);
    if (r == 0)
        r = mw_hpke_recipient_open(*recipient, HPKE_AAD, all, out);
    if (r == 0)
        r = mw_hpke_recipient_export(*recipient, HPKE_AAD, out, 32);
    if (r == 0)
        r = mw_hpke_key_check(c, s->w.suite.kem, to->public_key);
    return r;
}

static bool run(void *context, size_t nth)
{
    struct scene *s = context;
    struct mw_hpke_sender *sender = NULL;
    struct mw_hpke_recipient *recipient = NULL;
    struct mw_crypto *c = NULL;
    uint8_t enc[MW_HPKE_PUBLIC_MAX] = { 0 }, sealed[HPKE_SEALED];
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = mw_crypto_new(&c);
    if (r == 0)
        r = live(s, c, enc, sealed, &sender, &recipient);
    failed = alloc_fail_disarm();
    /* OpenSSL does without some of what it asks for. */
    assert_true(r == 0 || (failed && (r == -ENOMEM || r == -EIO)));
    mw_hpke_sender_free(sender);
    mw_hpke_recipient_free(recipient);
    mw_crypto_free(c);
    return failed;
}

static void each_allocation(void **state)
{
    for (size_t k = 0; k < HPKE_KEMS; k++) {
        /* The slow KEMs take the same way as the quick ones. */
        size_t step = hpke_kems[k] == MW_HPKE_X25519 || hpke_kems[k] == MW_HPKE_P256 ? 1 : 13;
        struct scene s;

        hpke_world_make(&s.w, *state, hpke_kems[k]);
        s.mode = (enum mw_hpke_mode)(k % HPKE_MODES);
        assert_true(alloc_fail_some(run, &s, step) >= 1);
    }
}

/* The pages that contexts live in come from mmap(). */
static bool no_pages;

void *__real_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (!no_pages)
        return __real_mmap(at, len, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static void no_locked_memory(void **state)
{
    static const uint8_t zeros[MW_HPKE_PUBLIC_MAX];
    struct mw_hpke_setup setup;
    struct mw_hpke_sender *sender = NULL;
    struct mw_hpke_recipient *recipient = NULL;
    struct hpke_world w;
    uint8_t enc[MW_HPKE_PUBLIC_MAX];

    hpke_world_make(&w, *state, MW_HPKE_P256);
    setup = hpke_sending(&w, MW_HPKE_MODE_BASE);
    no_pages = true;
    assert_int_equal(mw_hpke_sender_new(&sender, *state, &setup, w.recipient.public_key,
                                        mw_random_system(), enc), -ENOMEM);
    assert_int_equal(mw_hpke_recipient_new(&recipient, *state, &setup, w.recipient.private_key,
                                           w.recipient.public_key, w.sender.public_key), -ENOMEM);
    no_pages = false;
    assert_null(sender);
    assert_null(recipient);
    assert_memory_equal(enc, zeros, 65);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation),
                                        cmocka_unit_test(no_locked_memory) };

    if (argc > 1 && strcmp(argv[1], "openssl") == 0 && !alloc_fail_openssl())
        return 1;
    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
