/* Who may be unlocked for how long, and what a key log line may look like. */
#include "gate/wire/unlock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/wire/channel.h"

static const struct mw_wall before = { 999 }, end = { 1000 };

static void test_covers(void **state)
{
    struct gate_unlock none = { .until = { 0 } }, all = { .until = end };
    struct gate_unlock one = { .until = end, .client = "192.0.2.7", .host = "a.test" };
    struct gate_unlock tree = { .until = end, .host = ".a.test" };

    (void)state;
    assert_false(unlock_covers(&none, "192.0.2.7", "a.test", before));
    assert_true(unlock_covers(&all, NULL, NULL, before));
    assert_false(unlock_covers(&all, "192.0.2.7", "a.test", end));
    assert_true(unlock_covers(&one, "192.0.2.7", "A.test", before));
    assert_false(unlock_covers(&one, "192.0.2.70", "a.test", before));
    assert_false(unlock_covers(&one, "192.0.2.7", "b.a.test", before));
    assert_false(unlock_covers(&one, NULL, "a.test", before));
    assert_true(unlock_covers(&tree, "x", "a.test", before));
    assert_true(unlock_covers(&tree, "x", "b.a.test", before));
    assert_false(unlock_covers(&tree, "x", "ba.test", before));
    assert_false(unlock_covers(&tree, "x", NULL, before));
}

static void test_as_json(void **state)
{
    static const char too_long[] = /* for an address */
        "{\"ask\":\"unlock\",\"until\":1,\"client\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
    static const char *const bad[] = {
        "", "{}", "{\"ask\":\"unlock\"}", "{\"ask\":\"lock\",\"until\":1}",
        "{\"ask\":\"unlock\",\"until\":-1}", "{\"ask\":\"unlock\",\"until\":\"1\"}",
        "{\"ask\":\"unlock\",\"until\":1,\"host\":7}",
        "{\"ask\":\"unlock\",\"until\":1,\"packets\":1}",
        "{\"ask\":\"unlock\",\"until\":1,\"host\":\"a\\u0000b\"}",
        too_long,
    };
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(4096);
    struct gate_unlock got, u = {
        .until = end, .client = "::1", .host = "q\"\\.test", .packets = true,
    };

    (void)state;
    unlock_write(&json, &u);
    assert_int_equal(buf_error(&json), 0);
    assert_int_equal(unlock_read(&got, buf_span(&json)), 0);
    assert_int_equal(got.until.s, end.s);
    assert_string_equal(got.client, u.client);
    assert_string_equal(got.host, u.host);
    assert_true(got.packets);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(unlock_read(&got, span_str(bad[i])), -EINVAL);
    assert_string_equal(got.host, u.host);
    assert_int_equal(unlock_read(&got, SPAN_LIT("{\"ask\":\"unlock\",\"until\":0}")), 0);
    assert_string_equal(got.host, "");
    assert_false(got.packets);
}

static int over(const char *line, struct gate_keylog *got, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(4096);

    keylog_write(&wire, &(struct gate_keylog){ "192.0.2.7", "a.test", line });
    assert_int_equal(buf_error(&wire), 0);
    for (size_t i = 0; i < wire.len; i++)
        assert_int_equal(keylog_read(got, span_cut(buf_span(&wire), 0, i), arena), -EINVAL);
    return keylog_read(got, buf_span(&wire), arena);
}

static void test_key_log_lines(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(65536);
    struct gate_keylog k;

    (void)state;
    assert_int_equal(over("CLIENT_RANDOM 00ff 0A1b", &k, &arena), 0);
    assert_string_equal(k.client, "192.0.2.7");
    assert_string_equal(k.host, "a.test");
    assert_string_equal(k.line, "CLIENT_RANDOM 00ff 0A1b");
    assert_int_equal(over("CLIENT_RANDOM 00ff", &k, &arena), -EINVAL);
    assert_int_equal(over("CLIENT_RANDOM 00ff 00\nX 1 2", &k, &arena), -EINVAL);
    assert_int_equal(over("$(x) 00ff 00", &k, &arena), -EINVAL);
    assert_int_equal(over("A 00ff 0g", &k, &arena), -EINVAL);
    assert_int_equal(over("A 0 0 0", &k, &arena), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_as_json),
        cmocka_unit_test(test_key_log_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
