/* Every allocation of the base library fails once. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/file.h"
#include "base/own.h"
#include "base/queue.h"
#include "base/store.h"
#include "base/text.h"

static bool run_buf(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(own_free) char *out = NULL;
    bool failed;

    (void)context;
    alloc_fail_arm(nth);
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    out = buf_steal(&b);
    failed = alloc_fail_disarm();
    assert_int_equal(out == NULL, failed);
    return failed;
}

static void test_buf(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_buf, NULL) >= 5);
}

static bool run_arena(void *context, size_t nth)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(1 << 20);
    bool failed, missed = false;

    (void)context;
    alloc_fail_arm(nth);
    for (int i = 0; i < 300; i++) {
        const char *s = arena_printf(&a, "number %d", i);

        missed = missed || s == NULL;
    }
    failed = alloc_fail_disarm();
    assert_int_equal(missed, failed);
    return failed;
}

static void test_arena(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_arena, NULL) >= 2);
}

static bool run_queue(void *context, size_t nth)
{
    CLEANUP(queue_deinit) struct queue q = QUEUE_INIT(1 << 20);
    CLEANUP(own_free) uint8_t *bytes = calloc(1, 100000);
    bool failed;
    int r;

    (void)context;
    assert_non_null(bytes);
    assert_int_equal(queue_add(&q, SPAN_LIT("before")), 0);
    alloc_fail_arm(nth);
    r = queue_add(&q, span_of(bytes, 100000));
    failed = alloc_fail_disarm();
    assert_int_equal(r, failed ? -ENOMEM : 0);
    assert_int_equal(q.len, failed ? 6 : 100006);       /* whole or not at all */
    assert_memory_equal(queue_front(&q).data, "before", 6);
    return failed;
}

static void test_queue(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(run_queue, NULL), 6);
}

struct settings {
    const char *text;
    struct config_list list;
};

static bool run_config(void *context, size_t nth)
{
    static const struct config_key keys[] = {
        { "text", CONFIG_STRING, offsetof(struct settings, text), 0, 0, NULL, false, NULL, NULL },
        { "list", CONFIG_LIST, offsetof(struct settings, list), 0, 0, NULL, false, NULL, NULL },
    };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 12);
    struct settings s = { 0 };
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = config_read(span_str(context), "f", keys, ARRAY_LEN(keys), &s, &arena, &error);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || r == -ENOMEM);
    assert_true(failed || r == 0);
    assert_true(!failed || r == -ENOMEM);
    return failed;
}

static void test_config(void **state)
{
    char text[] = "text \"quoted\"\nlist [a, \"b\", c, d, e, f, g]";

    (void)state;
    assert_true(alloc_fail_each(run_config, text) >= 3);
}

static bool run_file(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = file_read(context, &b);
    failed = alloc_fail_disarm();
    assert_int_equal(r, failed ? -ENOMEM : 0);
    return failed;
}

static void test_file(void **state)
{
    char path[] = "LICENSE";

    (void)state;
    assert_true(alloc_fail_each(run_file, path) >= 1);
}

static bool run_store(void *folder, size_t nth)
{
    static const char *const migrations[] = { "CREATE TABLE t (a TEXT, b TEXT) STRICT;" };
    CLEANUP(store_closep) struct store *s = NULL;
    const char *row[] = { "1", NULL };
    char error[256] = "";
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = store_open(&s, folder, "s.db", migrations, 1, error);
    if (r == 0)
        r = store_run(s, "INSERT INTO t VALUES (?, ?)", row, 2);
    failed = alloc_fail_disarm();
    assert_int_equal(r, failed ? -ENOMEM : 0);
    assert_true(s != NULL || error[0] != '\0');
    return failed;
}

static void test_store(void **state)
{
    static const char *const names[] = { "s.db", "s.db-wal", "s.db-shm" };
    char folder[] = "/tmp/mw-alloc-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(alloc_fail_each(run_store, folder), 2);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),    cmocka_unit_test(test_arena), cmocka_unit_test(test_queue),
        cmocka_unit_test(test_config), cmocka_unit_test(test_file),  cmocka_unit_test(test_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
