#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* After what it needs. */
#include <cmocka.h>

#include "gate/wire/channel.h"
#include "gate/wire/config_part.h"

static void test_round_trip(void **state)
{
    const size_t sizes[] = { 1, CONFIG_PART_BYTES, CONFIG_PART_BYTES + 1, 300000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_deinit) struct buf bundle = BUF_INIT(1 << 20);
        CLEANUP(buf_deinit) struct buf whole = BUF_INIT(CONFIG_PART_TOTAL);
        int r = 0;

        for (size_t n = 0; n < sizes[i]; n++)
            buf_u8(&bundle, (uint8_t)(n * 31 + n / 256));
        for (size_t at = 0; at < sizes[i]; at += CONFIG_PART_BYTES) {
            CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

            config_part_write(&message, buf_span(&bundle), at);
            r = config_part_take(&whole, buf_span(&message));
            assert_int_equal(r, at + CONFIG_PART_BYTES >= sizes[i] ? CONFIG_PART_WHOLE
                                                                   : CONFIG_PART_MORE);
        }
        assert_true(span_eq(buf_span(&whole), buf_span(&bundle)));
    }
}

static void test_bad_parts(void **state)
{
    CLEANUP(buf_deinit) struct buf bundle = BUF_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT(CONFIG_PART_TOTAL);
    CLEANUP(buf_deinit) struct buf first = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(buf_deinit) struct buf last = BUF_INIT(CHANNEL_MAX_MESSAGE);
    uint8_t lies[] = { GATE_CONFIG, 0, 0, 0, 1, 0, 0, 0, 0, 'a', 'b' };

    (void)state;
    buf_fill(&bundle, 'x', (size_t)2 * CONFIG_PART_BYTES);
    config_part_write(&first, buf_span(&bundle), 0);
    config_part_write(&last, buf_span(&bundle), CONFIG_PART_BYTES);
    assert_int_equal(config_part_take(&whole, buf_span(&last)), -EINVAL); /* out of turn */
    assert_int_equal(config_part_take(&whole, buf_span(&first)), CONFIG_PART_MORE);
    assert_int_equal(config_part_take(&whole, buf_span(&first)), CONFIG_PART_MORE); /* anew */
    assert_int_equal(config_part_take(&whole, buf_span(&last)), CONFIG_PART_WHOLE);
    assert_int_equal(config_part_take(&whole, span_of(lies, sizeof(lies))), -EINVAL);
    for (size_t n = 0; n < 10; n++)
        assert_int_equal(config_part_take(&whole, span_of(lies, n > 9 ? 9 : n)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_parts),
    };

    return cmocka_run_group_tests_name("config_part", tests, NULL, NULL);
}
