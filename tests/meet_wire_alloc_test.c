/* Every allocation of writing MLS's structures, and of the labelled operations, fails once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc_fail.h"
#include "meet/label/label.h"
#include "meet/wire/again.h"
#include "mls_samples.h"

/* Reading allocates nothing; what cannot be written is told, and nothing is taken for the same. */
static bool write_sample(void *context, size_t nth)
{
    const struct mls_sample *s = context;
    CLEANUP(buf_deinit) struct buf in = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
    enum again_result result;
    bool failed;

    s->make(&in);
    assert_int_equal(buf_error(&in), 0);
    alloc_fail_arm(nth);
    result = again_find(s->noun)->run(&out, buf_span(&in));
    failed = alloc_fail_disarm();
    assert_int_equal(result, failed ? AGAIN_BROKEN : AGAIN_SAME);
    return failed;
}

static void test_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++)
        assert_true(alloc_fail_each(write_sample, (void *)&mls_samples[i]) > 0);
}

static bool read_sample(void *context, size_t nth)
{
    const struct mls_sample *s = context;
    CLEANUP(buf_deinit) struct buf in = BUF_INIT(1 << 16);
    struct mls_message m;
    bool well, failed;

    s->make(&in);
    alloc_fail_arm(nth);
    well = mls_message_read(&m, buf_span(&in));
    failed = alloc_fail_disarm();
    assert_true(well);
    return failed;
}

static void test_reading_allocates_nothing(void **state)
{
    size_t messages = 0;

    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++)
        if (strcmp(mls_samples[i].noun, "mls_message") == 0) {
            assert_int_equal(alloc_fail_each(read_sample, (void *)&mls_samples[i]), 0);
            messages++;
        }
    assert_int_equal(messages, 5);
}

/* Long enough for the heap: the content that is put together needs one allocation of ours. */
static bool sign_and_verify(void *context, size_t nth)
{
    static const uint8_t content[5000], key[32] = { 1 };
    const struct suited *s = context;
    struct mw_span all = { content, sizeof(content) };
    uint8_t signature[CRYPT_SIGNATURE_MAX], point[32];
    size_t len = 1;
    int signs, verifies = 0;
    bool failed;

    assert_int_equal(crypt_verifier_of(s->crypto, s->suite->signer, span_of(key, 32), point), 0);
    alloc_fail_arm(nth);
    signs = label_sign(*s, span_of(key, 32), "x", all, signature, &len);
    if (signs == 0)
        verifies = label_verify(*s, span_of(point, 32), "x", all, span_of(signature, len));
    failed = alloc_fail_disarm();
    assert_true(failed ? signs == -ENOMEM || verifies == -ENOMEM : signs == 0 && verifies == 0);
    assert_true(signs == 0 || len == 0);
    return failed;
}

static bool seal_and_open(void *context, size_t nth)
{
    static const uint8_t long_context[5000], scalar[32] = { 1 };
    static const uint8_t zeros[5 + CRYPT_TAG];
    const struct suited *s = context;
    struct mw_span all = { long_context, sizeof(long_context) };
    uint8_t point[32], enc[32], sealed[5 + CRYPT_TAG], out[5] = "other";
    int seals, opens = 0;
    bool failed;

    assert_int_equal(crypt_public(s->crypto, s->suite->group, span_of(scalar, 32), point), 0);
    alloc_fail_arm(nth);
    seals = label_seal(*s, mw_random_system(), span_of(point, 32), "x", all, SPAN_LIT("plain"), enc,
                       sealed);
    if (seals == 0)
        opens = label_open(*s, span_of(scalar, 32), span_of(point, 32), "x", all, span_of(enc, 32),
                           span_of(sealed, sizeof(sealed)), out);
    failed = alloc_fail_disarm();
    assert_true(failed ? seals == -ENOMEM || opens == -ENOMEM : seals == 0 && opens == 0);
    if (seals != 0)
        assert_memory_equal(sealed, zeros, sizeof(sealed));
    else if (opens != 0)
        assert_memory_equal(out, zeros, sizeof(out));
    else
        assert_memory_equal(out, "plain", sizeof(out));
    return failed;
}

static void test_labelled(void **state)
{
    struct mw_crypto *crypto;
    struct suited s = { suite_find(1), NULL };

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    s.crypto = crypto;
    assert_true(alloc_fail_each(sign_and_verify, &s) >= 2);
    assert_true(alloc_fail_each(seal_and_open, &s) >= 2);
    mw_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_reading_allocates_nothing),
        cmocka_unit_test(test_labelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
