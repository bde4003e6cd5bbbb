/* JSON as it is written: numbers to their ends, texts whatever they hold, times within years of
 * four digits. */
#include "base/json_out.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_an_object(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct json_out j = { .to = &out };

    (void)state;
    json_open(&j, NULL, '{');
    json_text(&j, "none", NULL);
    json_text(&j, "empty", "");
    json_text(&j, "text", "a\"b\\c\n\xff" "é");
    json_number(&j, "least", INT64_MIN);
    json_number(&j, "most", INT64_MAX);
    json_number(&j, "zero", 0);
    json_open(&j, "list", '[');
    json_flag(&j, NULL, true);
    json_hex(&j, NULL, span_of("\0\xff", 2));
    json_hex(&j, NULL, span_of(NULL, 0));
    json_close(&j, ']');
    json_time(&j, "time", 1795300000007);
    json_time(&j, "before", -1);
    json_time(&j, "first", INT64_MIN);
    json_time(&j, "last", INT64_MAX);
    json_close(&j, '}');
    assert_int_equal(buf_error(&out), 0);
    assert_string_equal((const char *)out.data,
        "{\"text\":\"a\\\"b\\\\c\\\\x0a\\\\xffé\",\"least\":-9223372036854775808,"
        "\"most\":9223372036854775807,\"zero\":0,\"list\":[true,\"00ff\",\"\"],"
        "\"time\":\"2026-11-21T22:26:40.007Z\",\"before\":\"1969-12-31T23:59:59.999Z\","
        "\"first\":\"0000-01-01T00:00:00.000Z\",\"last\":\"9999-12-31T23:59:59.000Z\"}");
}

/* A buffer that is full says so; what is in it is not taken for the whole. */
static void test_no_room(void **state)
{
    (void)state;
    for (size_t max = 0; max < 20; max++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(max);
        struct json_out j = { .to = &out };

        json_open(&j, NULL, '{');
        json_text(&j, "a", "bcd\n");
        json_close(&j, '}');
        assert_int_equal(buf_error(&out), max < strlen("{\"a\":\"bcd\\\\x0a\"}") ? -EMSGSIZE : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
