#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char folder[64], path[80];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->folder, sizeof(f->folder), "/tmp/mw-file-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/f", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0); /* nothing temporary was left behind */
    free(f);
    return 0;
}

static void test_replace_and_read(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
    struct stat st;

    assert_int_equal(file_replace(f->path, SPAN_LIT("old"), 0600), 0);
    assert_int_equal(file_replace(f->path, SPAN_LIT("new bytes"), 0600), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    buf_str(&b, "> ");
    assert_int_equal(file_read(f->path, &b), 0);
    assert_string_equal((const char *)b.data, "> new bytes");
    assert_int_equal(file_replace(f->path, span_of(NULL, 0), 0600), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void test_what_a_killed_one_left_goes(void **state)
{
    static const char *const left[] = { "f.4711.new", "f.1.new" };
    static const char *const stays[] = { "f.new", "f.x1.new", "f..new", "f.1x.new", "ff.1.new",
                                         "f.1.newer", "f.1", ".1.new", "g.1.new", "f.0.new" };
    struct fixture *f = *state;
    char path[120];

    for (size_t i = 0; i < ARRAY_LEN(left) + ARRAY_LEN(stays); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder,
                 i < ARRAY_LEN(left) ? left[i] : stays[i - ARRAY_LEN(left)]);
        assert_int_equal(file_replace(path, SPAN_LIT("x"), 0600), 0);
    }
    assert_int_equal(file_replace(f->path, SPAN_LIT("x"), 0600), 0);
    assert_int_equal(file_sweep(f->path), 0);
    assert_int_equal(access(f->path, F_OK), 0);
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, left[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
    for (size_t i = 0; i < ARRAY_LEN(stays); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, stays[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof(path), "%s/none/f", f->folder);
    assert_int_equal(file_sweep(path), -ENOENT);
}

static void test_read_is_limited(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf exact = BUF_INIT(5), small = BUF_INIT(4), none = BUF_INIT(0);

    assert_int_equal(file_replace(f->path, SPAN_LIT("12345"), 0600), 0);
    assert_int_equal(file_read(f->path, &exact), 0);
    assert_int_equal(exact.len, 5);
    assert_int_equal(buf_error(&exact), 0);
    assert_int_equal(file_read(f->path, &small), -EMSGSIZE);
    assert_int_equal(file_read(f->path, &none), -EMSGSIZE);
}

static void test_read_of_something_large(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20), in = BUF_INIT(300000);

    for (uint32_t i = 0; i < 75000; i++)
        buf_u32(&out, i);
    assert_int_equal(file_replace(f->path, buf_span(&out), 0600), 0);
    assert_int_equal(file_read(f->path, &in), 0);
    assert_true(span_eq(buf_span(&in), buf_span(&out)));
}

static void test_errors_are_named(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
    char path[PATH_MAX + 10];

    assert_int_equal(file_read(f->path, &b), -ENOENT);
    assert_int_equal(file_read(f->folder, &b), -EISDIR);
    snprintf(path, sizeof(path), "%s/no/such/f", f->folder);
    assert_int_equal(file_replace(path, SPAN_LIT("x"), 0600), -ENOENT);
    assert_int_equal(file_replace(f->folder, SPAN_LIT("x"), 0600), -EISDIR);
    snprintf(path, sizeof(path), "%s.%ld.new", f->folder, (long)getpid());
    assert_int_equal(access(path, F_OK), -1);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(file_replace(path, SPAN_LIT("x"), 0600), -ENAMETOOLONG);
    assert_int_equal(file_make_folders(path), -ENAMETOOLONG);
}

static void test_folders(void **state)
{
    struct fixture *f = *state;
    char path[120];
    struct stat st;

    snprintf(path, sizeof(path), "%s/a//b/", f->folder);
    assert_int_equal(file_make_folders(path), 0);
    assert_int_equal(file_make_folders(path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/a", f->folder);
    rmdir(path);
    assert_int_equal(file_replace(f->path, SPAN_LIT("x"), 0600), 0);
    assert_int_equal(file_make_folders(f->path), -ENOTDIR);
    snprintf(path, sizeof(path), "%s/below", f->path);
    assert_int_equal(file_make_folders(path), -ENOTDIR);
}

/* Giving it to ourselves needs no privilege, and shows the same ways to fail. */
static void test_given_folders(void **state)
{
    struct fixture *f = *state;
    char link[120];
    struct stat st;

    snprintf(link, sizeof(link), "%s/link", f->folder);
    assert_int_equal(symlink(f->folder, link), 0);
    assert_int_equal(file_give_folder(f->folder, geteuid(), getegid()), 0);
    assert_int_equal(stat(f->folder, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_true(file_give_folder(link, geteuid(), getegid()) < 0);
    assert_int_equal(file_replace(f->path, SPAN_LIT("x"), 0600), 0);
    assert_int_equal(file_give_folder(f->path, geteuid(), getegid()), -ENOTDIR);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(file_give_folder(link, geteuid(), getegid()), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replace_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_killed_one_left_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_of_something_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_folders, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
