#include "base/store.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"

static const char *const migrations[] = {
    "CREATE TABLE pair (a INTEGER PRIMARY KEY, b INTEGER NOT NULL) STRICT;",
    "CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT) STRICT;",
};

struct fixture {
    char root[64], folder[80];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->root, sizeof(f->root), "/tmp/mw-store-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->folder, sizeof(f->folder), "%s/state/deep", f->root);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = { "s.db", "s.db-wal", "s.db-shm" };
    struct fixture *f = *state;
    char path[160];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    rmdir(f->folder);
    snprintf(path, sizeof(path), "%s/state", f->root);
    rmdir(path);
    assert_int_equal(rmdir(f->root), 0);
    free(f);
    return 0;
}

static struct store *open_it(const struct fixture *f, size_t n_migrations)
{
    struct store *s = NULL;
    char error[256] = "";

    if (store_open(&s, f->folder, "s.db", migrations, n_migrations, error) != 0)
        fail_msg("%s", error);
    return s;
}

static int64_t ask(struct store *s, const char *sql)
{
    sqlite3_stmt *st = store_prepare(s, sql);
    int64_t v;

    assert_non_null(st);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return v;
}

static void test_file_and_folder_are_private(void **state)
{
    struct fixture *f = *state;
    CLEANUP(store_closep) struct store *s = open_it(f, 2);
    struct stat st;
    char path[160];

    assert_int_equal(stat(f->folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof(path), "%s/s.db", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof(path), "%s/s.db-wal", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ask(s, "PRAGMA synchronous"), 2);
}

static void test_a_folder_of_others_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct store *s = open_it(f, 2);
    char error[256] = "";

    store_close(s);
    s = NULL;
    assert_int_equal(chmod(f->folder, 0777), 0);
    assert_int_equal(store_open(&s, f->folder, "s.db", migrations, 2, error), -EPERM);
    assert_null(s);
    assert_non_null(strstr(error, f->folder));
    assert_non_null(strstr(error, "chmod 700"));
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(store_open(&s, f->folder, "s.db", migrations, 2, error), 0);
    store_close(s);
    s = NULL;
    if (geteuid() != 0 || chown(f->folder, 65534, 65534) < 0)
        return; /* only root can give it away */
    assert_int_equal(store_open(&s, f->folder, "s.db", migrations, 2, error), -EPERM);
    assert_non_null(strstr(error, "another user"));
}

static void test_migrations_run_once(void **state)
{
    struct fixture *f = *state;
    CLEANUP(store_closep) struct store *s = open_it(f, 1);

    assert_int_equal(store_run(s, "INSERT INTO pair VALUES (1, 1)", NULL, 0), 0);
    store_close(s);
    s = open_it(f, 2);
    assert_int_equal(ask(s, "SELECT count(*) FROM pair"), 1);
    assert_int_equal(ask(s, "SELECT count(*) FROM note"), 0);
    assert_int_equal(ask(s, "PRAGMA user_version"), 2);
}

static void test_newer_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_it(f, 2), *old = NULL;
    char error[256] = "";

    store_close(s);
    assert_int_equal(store_open(&old, f->folder, "s.db", migrations, 1, error), -EPROTO);
    assert_null(old);
    assert_non_null(strstr(error, "newer midwatch"));
    s = open_it(f, 2);
    store_close(s);
}

static void test_failed_migration_leaves_the_old_state(void **state)
{
    static const char *const broken[] = {
        "CREATE TABLE pair (a INTEGER PRIMARY KEY, b INTEGER NOT NULL) STRICT;",
        "CREATE TABLE other (x); CREATE TABLE pair (y);",
    };
    struct fixture *f = *state;
    struct store *s = open_it(f, 1), *bad = NULL;
    char error[256] = "";

    store_close(s);
    assert_int_equal(store_open(&bad, f->folder, "s.db", broken, 2, error), SQLITE_ERROR);
    assert_non_null(strstr(error, "table pair already exists"));
    s = open_it(f, 1);
    assert_int_equal(ask(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'other'"), 0);
    store_close(s);
}

static void test_garbage_is_refused_with_its_path(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_it(f, 2), *bad = NULL;
    char error[256] = "", path[160];
    FILE *file;

    store_close(s);
    snprintf(path, sizeof(path), "%s/s.db", f->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 500; i++)
        fputs("this is no database ", file);
    fclose(file);
    assert_int_equal(store_open(&bad, f->folder, "s.db", migrations, 2, error), SQLITE_NOTADB);
    assert_non_null(strstr(error, path));
}

static void test_values_are_bound_not_pasted(void **state)
{
    struct fixture *f = *state;
    CLEANUP(store_closep) struct store *s = open_it(f, 2);
    const char *row[] = { "x'; DROP TABLE note; --", NULL };

    assert_int_equal(store_run(s, "INSERT INTO note VALUES (?, ?)", row, 2), 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM note WHERE text IS NULL"), 1);
    assert_int_equal(store_run(s, "INSERT INTO note VALUES (?, ?)", row, 2),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    assert_non_null(strstr(store_error(s), "UNIQUE"));
    assert_int_equal(store_run(s, "INSERT INTO note VALUES (?, ?)", row, 1), -EINVAL);
    assert_true(store_run(s, "INSERT INTO nowhere VALUES (1)", NULL, 0) > 0);
    assert_non_null(strstr(store_error(s), "nowhere"));
}

static void test_rollback_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    CLEANUP(store_closep) struct store *s = open_it(f, 2);

    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_run(s, "INSERT INTO pair VALUES (1, 1)", NULL, 0), 0);
    assert_int_equal(store_end(s, false), 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM pair"), 0);
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_run(s, "INSERT INTO pair VALUES (1, 1)", NULL, 0), 0);
    assert_int_equal(store_end(s, true), 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM pair"), 1);
}

/* Writes pairs, two rows a transaction, and tells each commit to `told`; never returns. */
static void write_for_ever(const struct fixture *f, int told)
{
    struct store *s = NULL;

    if (store_open(&s, f->folder, "s.db", migrations, 2, NULL) != 0)
        _exit(2);
    for (int64_t n = 1;; n++) {
        char a[24], b[24], minus[24];
        const char *one[] = { a, b }, *two[] = { minus, b };

        snprintf(a, sizeof(a), "%" PRId64, n);
        snprintf(minus, sizeof(minus), "%" PRId64, -n);
        snprintf(b, sizeof(b), "%" PRId64, n);
        if (store_begin(s) != 0 ||
            store_run(s, "INSERT INTO pair VALUES (CAST(? AS INTEGER), CAST(? AS INTEGER))", one,
                      2) != 0 ||
            store_run(s, "INSERT INTO pair VALUES (CAST(? AS INTEGER), CAST(? AS INTEGER))", two,
                      2) != 0 ||
            store_end(s, true) != 0 || write(told, &n, sizeof(n)) != (ssize_t)sizeof(n))
            _exit(3);
    }
}

/* Kills a writer in the middle of its work.  Returns the last commit it told us of. */
static int64_t write_and_kill(const struct fixture *f, long after_us)
{
    struct timespec pause = { 0, after_us * 1000 };
    int64_t last = 0, n;
    int told[2], status;
    pid_t child;

    assert_int_equal(pipe(told), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(told[0]);
        write_for_ever(f, told[1]);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &last, sizeof(last)), sizeof(last));
    nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(told[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
        last = n;
    close(told[0]);
    return last;
}

static void test_survives_kill_in_the_middle_of_a_write(void **state)
{
    struct fixture *f = *state;

    for (long round = 0; round < 12; round++) {
        int64_t last = write_and_kill(f, 1300 * round + 177);
        struct store *s = open_it(f, 2);
        int64_t rows = ask(s, "SELECT count(*) FROM pair");

        assert_int_equal(ask(s, "SELECT count(*) FROM pragma_integrity_check "
                                "WHERE integrity_check = 'ok'"),
                         1);
        /* Everything committed is there, and of what was under way all or nothing. */
        assert_in_range(rows, 2 * last, 2 * last + 2);
        assert_int_equal(rows % 2, 0);
        assert_int_equal(ask(s, "SELECT coalesce(sum(a), 0) FROM pair"), 0);
        assert_int_equal(store_run(s, "DELETE FROM pair", NULL, 0), 0);
        store_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_and_folder_are_private, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_folder_of_others_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_migrations_run_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_migration_leaves_the_old_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_garbage_is_refused_with_its_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_are_bound_not_pasted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rollback_keeps_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_survives_kill_in_the_middle_of_a_write, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
