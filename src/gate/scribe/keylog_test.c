/* Secrets are written only while an unlock covers them, and only its owner can read them. */
#include "gate/scribe/keylog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static const struct mw_wall noon = { 1795348800 }, midnight = { 1795392000 };

static void path_in(char path[120], const char *state, const char *name)
{
    snprintf(path, 120, "%s/unlock%s%s", state, name[0] != '\0' ? "/" : "", name);
}

static void test_only_while_unlocked(void **state)
{
    static const struct gate_keylog a = { "192.0.2.7", "a.test", "CLIENT_RANDOM 00 11" },
                                    b = { "192.0.2.8", "a.test", "CLIENT_RANDOM 22 33" };
    struct gate_unlock u = { .until = { midnight.s + 10 }, .client = "192.0.2.7" };
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096), next = BUF_INIT(4096);
    char folder[] = "/tmp/mw-keylog-XXXXXX", path[120];
    struct keylog k;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(keylog_init(&k, folder), 0);
    assert_int_equal(keylog_take(&k, &a, noon), 1);
    assert_false(keylog_tick(&k, noon));
    path_in(path, folder, "");
    assert_int_equal(access(path, F_OK), -1); /* nothing is even made */

    keylog_unlock(&k, &u);
    assert_int_equal(keylog_take(&k, &a, noon), 0);
    assert_int_equal(keylog_take(&k, &b, noon), 1);
    assert_int_equal(keylog_take(&k, &a, midnight), 0); /* a new day, a new file */
    assert_false(keylog_tick(&k, midnight));
    assert_int_equal(keylog_take(&k, &a, u.until), 1);
    assert_int_equal(k.written, 2);
    assert_int_equal(k.dropped, 2);
    assert_true(keylog_tick(&k, u.until));
    assert_false(keylog_tick(&k, u.until)); /* told once */
    assert_int_equal(keylog_take(&k, &a, noon), 1); /* also with a clock that goes back */

    path_in(path, folder, "keys-2026-11-22.log");
    assert_int_equal(file_read(path, &text), 0);
    assert_string_equal((const char *)text.data, "CLIENT_RANDOM 00 11\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);
    path_in(path, folder, "keys-2026-11-23.log");
    assert_int_equal(file_read(path, &next), 0);
    assert_string_equal((const char *)next.data, "CLIENT_RANDOM 00 11\n");
    unlink(path);
    path_in(path, folder, "");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    keylog_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_only_while_unlocked) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
