/* Setting up HPKE: what does not fit together, and keys, PSKs and messages that are not the
 * right ones, each with its own error. */
#include <errno.h>
#include <midwatch/hpke.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hpke_fixture.h"

static const uint8_t zeros[256];

/* A message and who it is for, to be spoilt. */
struct letter {
    struct hpke_world w;
    struct mw_hpke_setup sending, receiving;
    struct mw_span private_key, public_key, enc, aad, sealed;
    uint8_t enc_bytes[MW_HPKE_PUBLIC_MAX], sealed_bytes[HPKE_SEALED];
};

static int letter_seal(struct letter *l)
{
    return mw_hpke_seal(l->w.crypto, &l->sending, l->public_key, mw_random_system(), HPKE_AAD,
                        HPKE_PLAIN, l->enc_bytes, l->sealed_bytes);
}

static void letter_make(struct letter *l, const struct mw_crypto *c, uint16_t kem,
                        enum mw_hpke_mode mode)
{
    hpke_world_make(&l->w, c, kem);
    l->sending = hpke_sending(&l->w, mode);
    l->receiving = hpke_receiving(&l->w, mode);
    l->private_key = l->w.recipient.private_key;
    l->public_key = l->w.recipient.public_key;
    l->enc = span_of(l->enc_bytes, l->public_key.len);
    l->aad = HPKE_AAD;
    l->sealed = span_of(l->sealed_bytes, HPKE_SEALED);
    assert_int_equal(letter_seal(l), 0);
}

static int letter_open(const struct letter *l)
{
    struct mw_hpke_recipient *t = NULL;
    uint8_t one[HPKE_SEALED], other[HPKE_SEALED];
    int r, again;

    memset(one, 1, sizeof one);
    memset(other, 1, sizeof other);
    r = mw_hpke_open(l->w.crypto, &l->receiving, l->private_key, HPKE_NONE, l->enc, l->aad,
                     l->sealed, one);
    again = mw_hpke_recipient_new(&t, l->w.crypto, &l->receiving, l->private_key, l->public_key,
                                  l->enc);
    if (again == 0)
        again = mw_hpke_recipient_open(t, l->aad, l->sealed, other);
    else
        memcpy(other, zeros, sizeof other);
    mw_hpke_recipient_free(t);
    assert_int_equal(r, again);
    if (r != MW_HPKE_E_SHORT) {
        const uint8_t *expected = r == 0 ? HPKE_PLAIN.data : zeros;

        assert_memory_equal(one, expected, l->sealed.len - MW_HPKE_TAG);
        assert_memory_equal(other, expected, l->sealed.len - MW_HPKE_TAG);
    }
    return r;
}

/* Everything that is agreed on, differing at the recipient: nothing opens, and no error tells
 * which it was. */
static void what_differs_does_not_open(void **state)
{
    for (size_t k = 0; k < HPKE_KEMS; k++) {
        struct letter l, was;

        letter_make(&l, *state, hpke_kems[k], MW_HPKE_MODE_AUTH_PSK);
        assert_int_equal(letter_open(&l), 0);
        was = l;
        l.private_key = l.w.stranger.private_key;
        l.public_key = l.w.stranger.public_key;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.private_key = was.private_key;
        l.public_key = was.public_key;
        l.receiving.sender_public = l.w.stranger.public_key;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.receiving = was.receiving;
        l.receiving.psk = SPAN_LIT("thirty-two bytes of another secret");
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.receiving = was.receiving;
        l.receiving.psk_id = SPAN_LIT("another one");
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.receiving = was.receiving;
        l.receiving.info = HPKE_NONE;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.receiving = was.receiving;
        l.receiving.suite.kdf = MW_HPKE_HKDF_SHA512;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.receiving = was.receiving;
        l.receiving.suite.aead = MW_HPKE_CHACHA20_POLY1305;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        for (int mode = 0; mode < MW_HPKE_MODE_AUTH_PSK; mode++) {
            l.receiving = hpke_receiving(&l.w, (enum mw_hpke_mode)mode);
            assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        }
        l.receiving = was.receiving;
        l.aad = HPKE_NONE;
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.aad = HPKE_AAD;
        assert_int_equal(letter_open(&l), 0);
    }
}

static void altered_messages(void **state)
{
    struct letter l;

    letter_make(&l, *state, MW_HPKE_X25519, MW_HPKE_MODE_BASE);
    for (size_t bit = 0; bit < 8 * l.sealed.len; bit++) {
        l.sealed_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(letter_open(&l), MW_HPKE_E_OPEN);
        l.sealed_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < HPKE_SEALED; len++) {
        l.sealed.len = len;
        assert_int_equal(letter_open(&l), len < MW_HPKE_TAG ? MW_HPKE_E_SHORT : MW_HPKE_E_OPEN);
    }
}

/* Any 32 or 56 bytes are a point of Montgomery's curves, so the message does not open; next to
 * none are one of a NIST curve. */
static void altered_encapsulated_keys(void **state)
{
    for (size_t k = 0; k < HPKE_KEMS; k++) {
        bool any = hpke_kems[k] == MW_HPKE_X25519 || hpke_kems[k] == MW_HPKE_X448;
        struct letter l;

        letter_make(&l, *state, hpke_kems[k], MW_HPKE_MODE_AUTH);
        for (size_t byte = 0; byte < l.enc.len; byte += 5) {
            l.enc_bytes[byte] ^= 2;
            assert_int_equal(letter_open(&l), any ? MW_HPKE_E_OPEN : MW_HPKE_E_ENC);
            l.enc_bytes[byte] ^= 2;
        }
        l.enc.len--;
        assert_int_equal(letter_open(&l), MW_HPKE_E_ENC);
        l.enc = HPKE_NONE;
        assert_int_equal(letter_open(&l), MW_HPKE_E_ENC);
        l.enc = span_of(zeros, l.public_key.len);       /* small order, or no point */
        assert_int_equal(letter_open(&l), MW_HPKE_E_ENC);
        l.enc = span_of(l.enc_bytes, l.public_key.len);
        assert_int_equal(letter_open(&l), 0);
    }
}

/* RFC 9180 7.1.4, each key in each place. */
static void keys_that_are_none(void **state)
{
    for (size_t k = 0; k < HPKE_KEMS; k++) {
        bool nist = hpke_kems[k] <= MW_HPKE_P521;
        struct mw_hpke_sender *none = NULL;
        struct letter l, was;

        letter_make(&l, *state, hpke_kems[k], MW_HPKE_MODE_AUTH);
        was = l;
        for (int i = 0; i < 2; i++) {
            struct mw_span bad = i == 0 ? span_of(zeros, l.public_key.len)
                                        : span_cut(l.w.stranger.public_key, 0,
                                                   l.public_key.len - 1);

            l.public_key = bad;
            assert_int_equal(letter_seal(&l), MW_HPKE_E_PUBLIC_KEY);
            assert_memory_equal(l.enc_bytes, zeros, l.enc.len);
            assert_memory_equal(l.sealed_bytes, zeros, HPKE_SEALED);
            assert_int_equal(mw_hpke_sender_new(&none, *state, &l.sending, bad,
                                                mw_random_system(), l.enc_bytes),
                             MW_HPKE_E_PUBLIC_KEY);
            assert_null(none);
            assert_int_equal(mw_hpke_key_check(*state, hpke_kems[k], bad), MW_HPKE_E_PUBLIC_KEY);
            memcpy(l.enc_bytes, was.enc_bytes, sizeof l.enc_bytes);
            memcpy(l.sealed_bytes, was.sealed_bytes, sizeof l.sealed_bytes);
            l.public_key = l.w.recipient.public_key;
            l.receiving.sender_public = bad;
            assert_int_equal(letter_open(&l), MW_HPKE_E_SENDER_KEY);
            l.receiving.sender_public = l.w.sender.public_key;
        }
        assert_int_equal(mw_hpke_key_check(*state, hpke_kems[k], l.public_key), 0);
        for (int i = nist ? 0 : 1; i < 2; i++) {
            struct mw_span bad = i == 0 ? span_of(zeros, l.private_key.len)
                                        : span_cut(l.w.stranger.private_key, 0,
                                                   l.private_key.len - 1);

            l.private_key = bad;
            assert_int_equal(letter_open(&l), MW_HPKE_E_PRIVATE_KEY);
            l.private_key = l.w.recipient.private_key;
            l.sending.sender_private = bad;
            assert_int_equal(letter_seal(&l), MW_HPKE_E_SENDER_KEY);
            l.sending.sender_private = l.w.sender.private_key;
        }
        /* A sender who says its own public key says the right one. */
        l.sending.sender_public = l.w.stranger.public_key;
        assert_int_equal(letter_seal(&l), MW_HPKE_E_SENDER_KEY);
        l.sending.sender_public = l.w.sender.public_key;
        assert_int_equal(letter_seal(&l), 0);
        assert_int_equal(letter_open(&l), 0);
    }
}

/* VerifyPSKInputs (RFC 9180 5.1) and the like for the sender's key: of the sixteen ways to give
 * four things to a mode, on each side, those pass that the mode asks for. */
static void inputs_fit_the_mode(void **state)
{
    struct letter l;
    uint8_t enc[MW_HPKE_PUBLIC_MAX];

    letter_make(&l, *state, MW_HPKE_X25519, MW_HPKE_MODE_BASE);
    for (unsigned i = 0; i < 4 * 16; i++) {
        enum mw_hpke_mode mode = (enum mw_hpke_mode)(i / 16);
        bool psk = i & 1, psk_id = i & 2, private = i & 4, public = i & 8;
        bool wants_psk = mode == MW_HPKE_MODE_PSK || mode == MW_HPKE_MODE_AUTH_PSK;
        bool wants_sender = mode == MW_HPKE_MODE_AUTH || mode == MW_HPKE_MODE_AUTH_PSK;
        bool psk_fits = psk == wants_psk && psk_id == wants_psk;
        struct mw_hpke_setup s = {
            .suite = l.w.suite,
            .mode = mode,
            .psk = psk ? HPKE_PSK : HPKE_NONE,
            .psk_id = psk_id ? HPKE_PSK_ID : HPKE_NONE,
            .sender_private = private ? l.w.sender.private_key : HPKE_NONE,
            .sender_public = public ? l.w.sender.public_key : HPKE_NONE,
        };
        bool sends = psk_fits && private == wants_sender && (!public || wants_sender);
        bool receives = psk_fits && !private && public == wants_sender;
        struct mw_hpke_sender *sender = NULL;
        struct mw_hpke_recipient *recipient = NULL;

        assert_int_equal(mw_hpke_sender_new(&sender, *state, &s, l.public_key,
                                            mw_random_system(), enc),
                         sends ? 0 : MW_HPKE_E_INPUTS);
        assert_int_equal(mw_hpke_recipient_new(&recipient, *state, &s, l.private_key, HPKE_NONE,
                                               l.enc), receives ? 0 : MW_HPKE_E_INPUTS);
        mw_hpke_sender_free(sender);
        mw_hpke_recipient_free(recipient);
    }
}

/* RFC 9180 5.1.2 and 7.2.1. */
static void inputs_too_short_or_long(void **state)
{
    struct letter l;
    struct mw_hpke_setup was;
    uint8_t key[MW_HPKE_PRIVATE_MAX], point[MW_HPKE_PUBLIC_MAX];

    letter_make(&l, *state, MW_HPKE_X25519, MW_HPKE_MODE_PSK);
    was = l.sending;
    l.sending.psk.len = 31;
    assert_int_equal(letter_seal(&l), MW_HPKE_E_PSK);
    l.sending.psk.len = 32;
    assert_int_equal(letter_seal(&l), 0);
    l.sending.psk.len = ((size_t)1 << 61) - 87;
    assert_int_equal(letter_seal(&l), MW_HPKE_E_LENGTH);
    l.sending = was;
    l.sending.psk_id.len = ((size_t)1 << 61) - 92;
    assert_int_equal(letter_seal(&l), MW_HPKE_E_LENGTH);
    l.sending = was;
    l.sending.info.len = ((size_t)1 << 61) - 90;
    assert_int_equal(letter_seal(&l), MW_HPKE_E_LENGTH);
    assert_int_equal(mw_hpke_send_export(*state, &was, l.public_key, mw_random_system(),
                                         span_of(zeros, ((size_t)1 << 61) - 119), l.enc_bytes,
                                         key, 32), MW_HPKE_E_LENGTH);
    assert_int_equal(mw_hpke_receive_export(*state, &was, l.private_key, HPKE_NONE, l.enc,
                                            HPKE_AAD, key, 255 * 32 + 1), MW_HPKE_E_LENGTH);
    assert_int_equal(mw_hpke_key_derive(*state, MW_HPKE_X25519,
                                        span_of(zeros, ((size_t)1 << 61) - 83), key, point),
                     MW_HPKE_E_LENGTH);
}

/* 4.1, 7.1.4: nothing is exported to or from what is no key. */
static void exports_without_a_key(void **state)
{
    static const uint8_t zero[MW_HPKE_PUBLIC_MAX];

    for (size_t k = 0; k < HPKE_KEMS; k++) {
        uint8_t out[32];
        struct mw_span none;
        struct letter l;

        letter_make(&l, *state, hpke_kems[k], MW_HPKE_MODE_BASE);
        none = span_of(zero, l.public_key.len);
        memset(out, 1, sizeof out);
        assert_int_equal(mw_hpke_send_export(*state, &l.sending, none, mw_random_system(),
                                             HPKE_AAD, l.enc_bytes, out, sizeof out),
                         MW_HPKE_E_PUBLIC_KEY);
        assert_memory_equal(out, zero, sizeof out);
        memset(out, 1, sizeof out);
        assert_int_equal(mw_hpke_receive_export(*state, &l.receiving, l.private_key, HPKE_NONE,
                                                none, HPKE_AAD, out, sizeof out),
                         MW_HPKE_E_ENC);
        assert_memory_equal(out, zero, sizeof out);
        assert_int_equal(mw_hpke_receive_export(*state, &l.receiving,
                                                span_cut(l.private_key, 1, l.private_key.len),
                                                HPKE_NONE, none, HPKE_AAD, out, sizeof out),
                         MW_HPKE_E_PRIVATE_KEY);
    }
}

static void suites_that_are_none(void **state)
{
    static const struct mw_hpke_suite suites[] = {
        { 0x0000, 1, 1 }, { 0x0013, 1, 1 }, { 0x0022, 1, 1 }, { 0x0020, 0, 1 },
        { 0x0020, 4, 1 }, { 0x0020, 1, 0 }, { 0x0020, 1, 4 }, { 0x0020, 1, 0xfffe },
    };
    struct mw_hpke_sizes sizes;
    uint8_t key[MW_HPKE_PRIVATE_MAX], point[MW_HPKE_PUBLIC_MAX];
    struct letter l;

    letter_make(&l, *state, MW_HPKE_X25519, MW_HPKE_MODE_BASE);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        l.sending.suite = l.receiving.suite = suites[i];
        assert_int_equal(letter_seal(&l), MW_HPKE_E_SUITE);
        assert_int_equal(letter_open(&l), MW_HPKE_E_SUITE);
        assert_int_equal(mw_hpke_sizes(suites[i], &sizes), MW_HPKE_E_SUITE);
        assert_int_equal(mw_hpke_send_export(*state, &l.sending, l.public_key,
                                             mw_random_system(), HPKE_AAD, point, key, 32),
                         MW_HPKE_E_SUITE);
    }
    l.sending.suite = l.receiving.suite = l.w.suite;
    l.sending.mode = l.receiving.mode = (enum mw_hpke_mode)4;
    assert_int_equal(letter_seal(&l), MW_HPKE_E_SUITE);
    assert_int_equal(letter_open(&l), MW_HPKE_E_SUITE);
    assert_int_equal(mw_hpke_key_make(*state, 0x0013, mw_random_system(), key, point),
                     MW_HPKE_E_SUITE);
    assert_int_equal(mw_hpke_key_derive(*state, 0x0013, HPKE_INFO, key, point), MW_HPKE_E_SUITE);
    assert_int_equal(mw_hpke_key_public(*state, 0x0013, HPKE_INFO, point), MW_HPKE_E_SUITE);
    assert_int_equal(mw_hpke_key_check(*state, 0x0013, HPKE_INFO), MW_HPKE_E_SUITE);
}

/* RFC 9180 7.1.3: the same of the same, another of another KEM. */
static void derived_keys(void **state)
{
    for (size_t k = 0; k < HPKE_KEMS; k++) {
        struct mw_hpke_sizes sizes;
        uint8_t a[MW_HPKE_PRIVATE_MAX], b[MW_HPKE_PRIVATE_MAX];
        uint8_t a_public[MW_HPKE_PUBLIC_MAX], b_public[MW_HPKE_PUBLIC_MAX];

        assert_int_equal(mw_hpke_sizes((struct mw_hpke_suite){ hpke_kems[k], 1, 1 }, &sizes), 0);
        assert_int_equal(mw_hpke_key_derive(*state, hpke_kems[k], HPKE_INFO, a, a_public), 0);
        assert_int_equal(mw_hpke_key_derive(*state, hpke_kems[k], HPKE_INFO, b, b_public), 0);
        assert_memory_equal(a, b, sizes.private_key);
        assert_memory_equal(a_public, b_public, sizes.public_key);
        assert_int_equal(mw_hpke_key_public(*state, hpke_kems[k], span_of(a, sizes.private_key),
                                            b_public), 0);
        assert_memory_equal(a_public, b_public, sizes.public_key);
        assert_int_equal(mw_hpke_key_derive(*state, hpke_kems[(k + 1) % HPKE_KEMS], HPKE_INFO, b,
                                            b_public), 0);
        assert_memory_not_equal(a, b, 32);
        assert_int_equal(mw_hpke_key_public(*state, hpke_kems[k],
                                            span_of(a, sizes.private_key - 1), b_public),
                         MW_HPKE_E_PRIVATE_KEY);
        assert_memory_equal(b_public, zeros, sizes.public_key);
    }
}

static int broken_fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    memset(out, 1, len);
    return -EAGAIN;
}

static void randomness_that_fails(void **state)
{
    const struct mw_random broken = { broken_fill, NULL };
    struct mw_hpke_sender *none = NULL;
    uint8_t key[MW_HPKE_PRIVATE_MAX], point[MW_HPKE_PUBLIC_MAX];
    struct letter l;

    letter_make(&l, *state, MW_HPKE_P256, MW_HPKE_MODE_BASE);
    assert_int_equal(mw_hpke_seal(*state, &l.sending, l.public_key, broken, HPKE_AAD, HPKE_PLAIN,
                                  l.enc_bytes, l.sealed_bytes), -EAGAIN);
    assert_memory_equal(l.enc_bytes, zeros, l.enc.len);
    assert_memory_equal(l.sealed_bytes, zeros, HPKE_SEALED);
    assert_int_equal(mw_hpke_sender_new(&none, *state, &l.sending, l.public_key, broken,
                                        l.enc_bytes), -EAGAIN);
    assert_null(none);
    assert_int_equal(mw_hpke_key_make(*state, MW_HPKE_P256, broken, key, point), -EAGAIN);
    assert_memory_equal(key, zeros, 32);
    assert_memory_equal(point, zeros, 65);
}

static void errors_have_words(void **state)
{
    (void)state;
    for (int e = 0; e <= MW_HPKE_E_DERIVE; e++) {
        assert_in_range(strlen(mw_hpke_error_text(e)), 5, 90);
        for (int other = e + 1; other <= MW_HPKE_E_DERIVE + 1; other++)
            assert_string_not_equal(mw_hpke_error_text(e), mw_hpke_error_text(other));
    }
    assert_string_equal(mw_hpke_error_text(-ENOMEM), "out of memory");
    assert_non_null(mw_hpke_error_text(-EIO));
    assert_non_null(mw_hpke_error_text(1 << 30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_does_not_open), cmocka_unit_test(altered_messages),
        cmocka_unit_test(altered_encapsulated_keys),  cmocka_unit_test(keys_that_are_none),
        cmocka_unit_test(inputs_fit_the_mode),        cmocka_unit_test(inputs_too_short_or_long),
        cmocka_unit_test(exports_without_a_key),
        cmocka_unit_test(suites_that_are_none),       cmocka_unit_test(derived_keys),
        cmocka_unit_test(randomness_that_fails),      cmocka_unit_test(errors_have_words),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
