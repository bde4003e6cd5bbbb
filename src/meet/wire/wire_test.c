/* What travels: every structure is written as it was read, and nothing short of one is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/own.h"
#include "meet/wire/again.h"
#include "mls_samples.h"

static enum again_result again(const struct mls_sample *s, struct mw_span wire)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

    return again_find(s->noun)->run(&b, wire);
}

/* The same in a block of exactly its size, so that reading past it is noticed. */
static enum again_result again_alone(const struct mls_sample *s, struct mw_span wire)
{
    CLEANUP(own_free) uint8_t *bytes = NULL;

    if (wire.len > 0) {
        bytes = malloc(wire.len);
        if (bytes == NULL)
            fail_msg("out of memory");
        else
            memcpy(bytes, wire.data, wire.len);
    }
    return again(s, span_of(bytes, wire.len));
}

static void sample_make(struct buf *b, const struct mls_sample *s)
{
    s->make(b);
    assert_int_equal(buf_error(b), 0);
}

static void test_written_as_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

        sample_make(&b, &mls_samples[i]);
        if (again_alone(&mls_samples[i], buf_span(&b)) != AGAIN_SAME)
            fail_msg("%s %s", mls_samples[i].noun, mls_samples[i].name);
    }
}

static void test_truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

        sample_make(&b, &mls_samples[i]);
        for (size_t len = 0; len < b.len; len++)
            if (again_alone(&mls_samples[i], span_of(b.data, len)) != AGAIN_MALFORMED)
                fail_msg("%s %s: %zu bytes", mls_samples[i].noun, mls_samples[i].name, len);
    }
}

static void test_something_after(void **state)
{
    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

        sample_make(&b, &mls_samples[i]);
        buf_u8(&b, 0);
        if (again_alone(&mls_samples[i], buf_span(&b)) != AGAIN_MALFORMED)
            fail_msg("%s %s", mls_samples[i].noun, mls_samples[i].name);
    }
}

/* Whatever one byte becomes, the structure is refused or kept.  Each byte takes the values that
 * lengths, presence and small enums turn on. */
static void test_one_byte_altered(void **state)
{
    static const uint8_t values[] = { 0, 1, 2, 3, 4, 5, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff };
    size_t refused = 0, kept = 0;

    (void)state;
    for (size_t i = 0; i < mls_samples_len; i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

        sample_make(&b, &mls_samples[i]);
        for (size_t at = 0; at < b.len; at++) {
            uint8_t was = b.data[at];

            for (size_t v = 0; v < sizeof(values); v++) {
                enum again_result r;

                b.data[at] = values[v];
                r = again(&mls_samples[i], buf_span(&b));
                if (r == AGAIN_BROKEN)
                    fail_msg("%s %s: byte %zu as %u", mls_samples[i].noun, mls_samples[i].name,
                             at, values[v]);
                refused += r == AGAIN_MALFORMED;
                kept += r == AGAIN_SAME;
            }
            b.data[at] = was;
        }
    }
    assert_true(refused > 1000 && kept > 1000);
}

static void test_no_such_structure(void **state)
{
    (void)state;
    assert_null(again_find("nothing"));
    assert_null(again_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_as_read),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_something_after),
        cmocka_unit_test(test_one_byte_altered),
        cmocka_unit_test(test_no_such_structure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
