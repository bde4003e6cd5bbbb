/* HPKE's contexts and one-shot calls: every suite and mode there and back, order, limits. */
#include "meet/hpke/context.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hpke_fixture.h"

static const uint8_t zeros[256];

struct ends {
    struct mw_hpke_sender *sender;
    struct mw_hpke_recipient *recipient;
};

static void ends_free(struct ends *e)
{
    mw_hpke_sender_free(e->sender);
    mw_hpke_recipient_free(e->recipient);
}

static void ends_make(struct ends *e, const struct hpke_world *w, enum mw_hpke_mode mode)
{
    struct mw_hpke_setup sending = hpke_sending(w, mode), receiving = hpke_receiving(w, mode);
    uint8_t enc[MW_HPKE_PUBLIC_MAX];

    *e = (struct ends){ NULL, NULL };
    assert_int_equal(mw_hpke_sender_new(&e->sender, w->crypto, &sending, w->recipient.public_key,
                                        mw_random_system(), enc), 0);
    /* With its public key at hand, and without. */
    assert_int_equal(mw_hpke_recipient_new(&e->recipient, w->crypto, &receiving,
                                           w->recipient.private_key,
                                           mode % 2 == 0 ? w->recipient.public_key : HPKE_NONE,
                                           span_of(enc, w->recipient.public_key.len)), 0);
}

static void exports_agree(const struct ends *e, size_t len)
{
    static uint8_t a[255 * 64], b[255 * 64];

    memset(b, 0, sizeof b);
    assert_int_equal(mw_hpke_sender_export(e->sender, HPKE_AAD, a, len), 0);
    assert_int_equal(mw_hpke_recipient_export(e->recipient, HPKE_AAD, b, len), 0);
    assert_memory_equal(a, b, len);
    if (len < 16)
        return;
    assert_int_equal(mw_hpke_recipient_export(e->recipient, HPKE_NONE, b, len), 0);
    assert_memory_not_equal(a, b, len);
}

static void messages_arrive(const struct ends *e)
{
    uint8_t sealed[3][HPKE_SEALED], out[HPKE_SEALED];

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mw_hpke_sender_seal(e->sender, HPKE_AAD, HPKE_PLAIN, sealed[i]), 0);
    assert_memory_not_equal(sealed[0], sealed[1], HPKE_PLAIN.len);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mw_hpke_recipient_open(e->recipient, HPKE_AAD,
                                                span_of(sealed[i], HPKE_SEALED), out), 0);
        assert_memory_equal(out, HPKE_PLAIN.data, HPKE_PLAIN.len);
    }
    /* Nothing and nothing, in place. */
    assert_int_equal(mw_hpke_sender_seal(e->sender, HPKE_NONE, HPKE_NONE, out), 0);
    assert_int_equal(mw_hpke_recipient_open(e->recipient, HPKE_NONE, span_of(out, MW_HPKE_TAG),
                                            out), 0);
    memcpy(out, HPKE_PLAIN.data, HPKE_PLAIN.len);
    assert_int_equal(mw_hpke_sender_seal(e->sender, HPKE_AAD, span_of(out, HPKE_PLAIN.len), out),
                     0);
    assert_int_equal(mw_hpke_recipient_open(e->recipient, HPKE_AAD, span_of(out, HPKE_SEALED),
                                            out), 0);
    assert_memory_equal(out, HPKE_PLAIN.data, HPKE_PLAIN.len);
}

static void no_messages(const struct ends *e)
{
    uint8_t out[HPKE_SEALED], sealed[HPKE_SEALED] = { 0 };

    memset(out, 1, sizeof out);
    assert_int_equal(mw_hpke_sender_seal(e->sender, HPKE_AAD, HPKE_PLAIN, out),
                     MW_HPKE_E_EXPORT_ONLY);
    assert_memory_equal(out, zeros, sizeof out);
    memset(out, 1, sizeof out);
    assert_int_equal(mw_hpke_recipient_open(e->recipient, HPKE_AAD, span_of(sealed, HPKE_SEALED),
                                            out), MW_HPKE_E_EXPORT_ONLY);
    assert_memory_equal(out, zeros, HPKE_PLAIN.len);
}

static void single(const struct hpke_world *w, enum mw_hpke_mode mode)
{
    struct mw_hpke_setup sending = hpke_sending(w, mode), receiving = hpke_receiving(w, mode);
    struct mw_hpke_sizes sizes;
    uint8_t enc[MW_HPKE_PUBLIC_MAX], sealed[HPKE_SEALED], a[HPKE_SEALED], b[HPKE_SEALED];
    int expected = w->suite.aead == MW_HPKE_EXPORT_ONLY ? MW_HPKE_E_EXPORT_ONLY : 0;
    struct mw_span e = span_of(enc, w->recipient.public_key.len);

    memset(sealed, 1, sizeof sealed);
    assert_int_equal(mw_hpke_seal(w->crypto, &sending, w->recipient.public_key,
                                  mw_random_system(), HPKE_AAD, HPKE_PLAIN, enc, sealed),
                     expected);
    assert_int_equal(mw_hpke_open(w->crypto, &receiving, w->recipient.private_key, HPKE_NONE, e,
                                  HPKE_AAD, span_of(sealed, HPKE_SEALED), a), expected);
    assert_memory_equal(a, expected == 0 ? HPKE_PLAIN.data : zeros, HPKE_PLAIN.len);
    assert_int_equal(mw_hpke_sizes(w->suite, &sizes), 0);
    assert_int_equal(sizes.tag, expected == 0 ? MW_HPKE_TAG : 0);
    assert_int_equal(mw_hpke_send_export(w->crypto, &sending, w->recipient.public_key,
                                         mw_random_system(), HPKE_AAD, enc, a, 32), 0);
    assert_int_equal(mw_hpke_receive_export(w->crypto, &receiving, w->recipient.private_key,
                                            w->recipient.public_key, e, HPKE_AAD, b, 32), 0);
    assert_memory_equal(a, b, 32);
}

/* Every KEM, KDF, AEAD and mode: 240 setups, each as context and as one-shot. */
static void every_suite_and_mode(void **state)
{
    static const uint16_t aeads[] = { 1, 2, 3, MW_HPKE_EXPORT_ONLY };

    for (size_t i = 0; i < HPKE_KEMS * 3 * ARRAY_LEN(aeads); i++) {
        uint16_t kem = hpke_kems[i / 3 / ARRAY_LEN(aeads)];
        static struct hpke_world w;

        if (w.suite.kem != kem)
            hpke_world_make(&w, *state, kem);
        w.suite.kdf = (uint16_t)(1 + i / ARRAY_LEN(aeads) % 3);
        w.suite.aead = aeads[i % ARRAY_LEN(aeads)];
        for (int mode = 0; mode < HPKE_MODES; mode++) {
            CLEANUP(ends_free) struct ends e;

            ends_make(&e, &w, (enum mw_hpke_mode)mode);
            exports_agree(&e, 32);
            if (w.suite.aead == MW_HPKE_EXPORT_ONLY)
                no_messages(&e);
            else
                messages_arrive(&e);
            exports_agree(&e, 64);
            single(&w, (enum mw_hpke_mode)mode);
        }
    }
}

/* RFC 9180 5.3: L <= 255 * Nh; 7.2.1: the context. */
static void exports_have_an_end(void **state)
{
    struct hpke_world w;

    hpke_world_make(&w, *state, MW_HPKE_X25519);
    for (uint16_t kdf = 1; kdf <= 3; kdf++) {
        CLEANUP(ends_free) struct ends e;
        struct mw_hpke_sizes sizes;
        uint8_t one = 7;

        w.suite.kdf = kdf;
        ends_make(&e, &w, MW_HPKE_MODE_BASE);
        assert_int_equal(mw_hpke_sizes(w.suite, &sizes), 0);
        assert_int_equal(sizes.export_max, (size_t)255 * (16 + 16 * kdf));
        exports_agree(&e, 0);
        exports_agree(&e, 1);
        exports_agree(&e, sizes.export_max);
        assert_int_equal(mw_hpke_sender_export(e.sender, HPKE_AAD, &one, sizes.export_max + 1),
                         MW_HPKE_E_LENGTH);
        assert_int_equal(mw_hpke_recipient_export(e.recipient, HPKE_AAD, &one,
                                                  sizes.export_max + 1), MW_HPKE_E_LENGTH);
        assert_int_equal(one, 7);
    }
}

/* RFC 9180 5.2: what is lost, repeated or out of order does not open, and does not count. */
static void messages_in_order(void **state)
{
    CLEANUP(ends_free) struct ends e;
    uint8_t sealed[3][HPKE_SEALED], out[HPKE_SEALED];
    static const struct {
        int message, expected;
    } steps[] = {
        { 1, MW_HPKE_E_OPEN }, { 2, MW_HPKE_E_OPEN }, { 0, 0 }, { 0, MW_HPKE_E_OPEN },
        { 2, MW_HPKE_E_OPEN }, { 1, 0 },              { 2, 0 }, { 2, MW_HPKE_E_OPEN },
    };
    struct hpke_world w;

    hpke_world_make(&w, *state, MW_HPKE_X25519);
    ends_make(&e, &w, MW_HPKE_MODE_PSK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mw_hpke_sender_seal(e.sender, HPKE_AAD, HPKE_PLAIN, sealed[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        memset(out, 1, sizeof out);
        assert_int_equal(mw_hpke_recipient_open(e.recipient, HPKE_AAD,
                                                span_of(sealed[steps[i].message], HPKE_SEALED),
                                                out), steps[i].expected);
        assert_memory_equal(out, steps[i].expected == 0 ? HPKE_PLAIN.data : zeros,
                            HPKE_PLAIN.len);
    }
}

/* RFC 9180 5.2 MUST: no nonce is used twice because the count begins anew. */
static void messages_have_an_end(void **state)
{
    CLEANUP(ends_free) struct ends e;
    uint8_t sealed[HPKE_SEALED], out[HPKE_SEALED];
    struct mw_span all = span_of(sealed, HPKE_SEALED);
    struct hpke_world w;

    hpke_world_make(&w, *state, MW_HPKE_X25519);
    ends_make(&e, &w, MW_HPKE_MODE_BASE);
    hpke_sender_seek(e.sender, UINT64_MAX - 1);
    hpke_recipient_seek(e.recipient, UINT64_MAX - 1);
    assert_int_equal(mw_hpke_sender_seal(e.sender, HPKE_AAD, HPKE_PLAIN, sealed), 0);
    assert_int_equal(mw_hpke_recipient_open(e.recipient, HPKE_AAD, all, out), 0);
    for (int turn = 0; turn < 2; turn++) {
        memset(out, 1, sizeof out);
        assert_int_equal(mw_hpke_recipient_open(e.recipient, HPKE_AAD, all, out),
                         MW_HPKE_E_MESSAGE_LIMIT);
        assert_memory_equal(out, zeros, HPKE_PLAIN.len);
        memset(out, 1, sizeof out);
        assert_int_equal(mw_hpke_sender_seal(e.sender, HPKE_AAD, HPKE_PLAIN, out),
                         MW_HPKE_E_MESSAGE_LIMIT);
        assert_memory_equal(out, zeros, sizeof out);
    }
    exports_agree(&e, 32);      /* exporting has no such end */
}

/* RFC 9180 5.2: ComputeNonce, across a carry. */
static void numbers_are_not_mixed_up(void **state)
{
    static const uint64_t numbers[] = { 0, 1, 255, 256, 65535, 65536, 1ull << 32, 1ull << 56 };
    CLEANUP(ends_free) struct ends e;
    uint8_t sealed[HPKE_SEALED], out[HPKE_SEALED];
    struct hpke_world w;

    hpke_world_make(&w, *state, MW_HPKE_X25519);
    ends_make(&e, &w, MW_HPKE_MODE_BASE);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
            hpke_sender_seek(e.sender, numbers[i]);
            hpke_recipient_seek(e.recipient, numbers[k]);
            assert_int_equal(mw_hpke_sender_seal(e.sender, HPKE_AAD, HPKE_PLAIN, sealed), 0);
            assert_int_equal(mw_hpke_recipient_open(e.recipient, HPKE_AAD,
                                                    span_of(sealed, HPKE_SEALED), out),
                             i == k ? 0 : MW_HPKE_E_OPEN);
        }
    }
}

/* RFC 5116 5.1, 5.2, RFC 8439 2.8: what no AEAD takes is refused before it is read. */
static void messages_too_long(void **state)
{
    static const uint64_t most[] = { (1ull << 36) - 31, (1ull << 36) - 31, (1ull << 38) - 64 };
    uint8_t one = 7, enc[MW_HPKE_PUBLIC_MAX] = { 7 };
    struct hpke_world w;

    hpke_world_make(&w, *state, MW_HPKE_X25519);
    for (uint16_t aead = 1; aead <= 3; aead++) {
        CLEANUP(ends_free) struct ends e;
        struct mw_span plain = span_of(&one, (size_t)most[aead - 1] + 1);
        struct mw_span sealed = span_of(&one, plain.len + MW_HPKE_TAG);
        struct mw_span aad = span_of(&one, (size_t)1 << 61);
        struct mw_hpke_setup setup;

        w.suite.aead = aead;
        setup = hpke_sending(&w, MW_HPKE_MODE_BASE);
        ends_make(&e, &w, MW_HPKE_MODE_BASE);
        assert_int_equal(mw_hpke_sender_seal(e.sender, HPKE_AAD, plain, &one), MW_HPKE_E_LENGTH);
        assert_int_equal(mw_hpke_recipient_open(e.recipient, HPKE_AAD, sealed, &one),
                         MW_HPKE_E_LENGTH);
        assert_int_equal(mw_hpke_sender_seal(e.sender, aad, HPKE_NONE, &one), MW_HPKE_E_LENGTH);
        assert_int_equal(mw_hpke_seal(*state, &setup, w.recipient.public_key, mw_random_system(),
                                      HPKE_AAD, plain, enc, &one), MW_HPKE_E_LENGTH);
        assert_int_equal(mw_hpke_open(*state, &setup, w.recipient.private_key, HPKE_NONE,
                                      w.recipient.public_key, HPKE_AAD, sealed, &one),
                         MW_HPKE_E_LENGTH);
        assert_int_equal(one, 7);
        assert_int_equal(enc[0], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_and_mode), cmocka_unit_test(exports_have_an_end),
        cmocka_unit_test(messages_in_order),    cmocka_unit_test(messages_have_an_end),
        cmocka_unit_test(numbers_are_not_mixed_up), cmocka_unit_test(messages_too_long),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
