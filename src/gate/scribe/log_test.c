/* The audit log from open to close: it goes on where it was, once each, and is whole. */
#include "gate/scribe/log.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "gate/scribe/log_private.h"
#include "log_fixture.h"

static void tick(struct fixture *f, struct audit_log *l)
{
    assert_int_equal(audit_log_tick(l, f->now), 0);
}

static void test_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    CLEANUP(folder_deinit) struct folder list = { 0 };

    for (uint64_t life = 1; life <= 3; life++) {
        struct audit_log *l = fixture_open(f);

        for (uint64_t i = 1; i <= 20; i++)
            fixture_add(f, l, life, i);
        f->now.s += 10;
        tick(f, l);
        fixture_assert_whole(f); /* while it is being written */
        fixture_add(f, l, life, 21);
        audit_log_close(l);
        fixture_assert_whole(f);
    }
    list = fixture_files(f);
    assert_int_equal(list.n, 3); /* one each: each was closed in peace */
    assert_int_equal(fixture_count(f, 2, 21), 1);
    assert_int_equal(fixture_verify(f, NULL).unsigned_tail, 0);
}

static void test_the_key_is_private(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char path[100];

    audit_log_close(fixture_open(f));
    snprintf(path, sizeof(path), "%s/audit.key", f->state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* A killed writer's half of a head, or of a key, which is nobody's to find. */
static void test_leftovers_go(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(4096);
    char path[120];

    audit_log_close(fixture_open(f));
    fixture_write(f, "head.4711.new", SPAN_LIT("midwatch audit he"));
    fixture_write(f, "notes.4711.new", SPAN_LIT("somebody else's"));
    snprintf(path, sizeof(path), "%s/audit.key.12.new", f->state);
    assert_int_equal(file_replace(path, SPAN_LIT("-----BEGIN"), 0600), 0);
    audit_log_close(fixture_open(f));
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/head.4711.new", f->audit);
    assert_int_equal(access(path, F_OK), -1);
    fixture_read(f, "notes.4711.new", &kept);
    assert_string_equal((const char *)kept.data, "somebody else's");
    fixture_assert_whole(f);
}

static void test_once_each(void **state)
{
    struct fixture *f = *state;
    struct audit_record r = fixture_record(7, 1);
    struct audit_log *l = fixture_open(f);

    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    assert_int_equal(audit_log_add(l, &r, f->now), -EALREADY);
    audit_log_close(l);
    l = fixture_open(f); /* it remembers from the file alone */
    assert_int_equal(audit_log_add(l, &r, f->now), -EALREADY);
    for (uint64_t i = 2; i < 3000; i++)
        fixture_add(f, l, 7, i);
    assert_int_equal(audit_log_add(l, &r, f->now), -EALREADY);
    r.worker = 0; /* an event of the scribe's own is never a second one */
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    audit_log_close(l);
    fixture_assert_whole(f);
}

static void test_new_files(void **state)
{
    struct fixture *f = *state;
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct audit_log *l;

    f->config.audit.rotate_bytes = 20000;
    f->config.audit.rotate_s = 3600;
    l = fixture_open(f);
    for (uint64_t i = 1; i <= 100; i++) {
        fixture_add(f, l, 1, i);
        tick(f, l);
    }
    list = fixture_files(f);
    assert_true(list.n > 5);
    f->now.s += 3601;
    fixture_add(f, l, 1, 101);
    tick(f, l);
    folder_deinit(&list);
    list = fixture_files(f);
    fixture_assert_whole(f);
    f->now.s += 3601; /* nothing happened: no new file */
    tick(f, l);
    f->now.s += 3601;
    tick(f, l);
    {
        CLEANUP(folder_deinit) struct folder later = fixture_files(f);

        assert_int_equal(later.n, list.n);
    }
    audit_log_close(l);
    fixture_assert_whole(f);
}

static void test_old_files_go(void **state)
{
    struct fixture *f = *state;
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct audit_log *l;

    f->config.audit.rotate_s = 86400;
    f->config.audit.keep_s = 5 * 86400;
    l = fixture_open(f);
    for (uint64_t day = 1; day <= 20; day++) {
        fixture_add(f, l, 1, day);
        tick(f, l);
        f->now.s += 86400 + 1;
        fixture_assert_whole(f);
    }
    list = fixture_files(f);
    assert_in_range(list.n, 5, 8);
    assert_true(list.files[0].number > 10);
    audit_log_close(l);
    fixture_assert_whole(f);
    assert_int_equal(fixture_count(f, 1, 1), 0);
    assert_int_equal(fixture_count(f, 1, 20), 1);
}

/* Two gates in an upgrade: each its own file, and both are whole, also when the old one is killed
 * or closes late. */
static void test_two_at_once(void **state)
{
    struct fixture *f = *state;
    struct audit_log *old = fixture_open(f), *new;

    fixture_add(f, old, 1, 1);
    new = fixture_open(f);
    for (uint64_t i = 2; i < 50; i++) {
        fixture_add(f, old, 1, i);
        fixture_add(f, new, 2, i);
        f->now.s += 2;
        tick(f, old);
        tick(f, new);
        fixture_assert_whole(f);
    }
    audit_log_close(old);
    fixture_assert_whole(f);
    fixture_add(f, new, 2, 100);
    audit_log_close(new);
    fixture_assert_whole(f);
    assert_int_equal(fixture_count(f, 1, 49), 1);
    assert_int_equal(fixture_count(f, 2, 49), 1);
}

/* The first process writes and is killed; the second one, begun meanwhile, closes off its file. */
static void test_the_killed_one_is_closed_off(void **state)
{
    struct fixture *f = *state;
    struct audit_log *new;
    int ready[2];
    pid_t pid;
    char c;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        struct audit_log *old = fixture_open(f);

        for (uint64_t i = 1; i < 10; i++)
            fixture_add(f, old, 1, i);
        if (write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    new = fixture_open(f);
    fixture_add(f, new, 2, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    fixture_assert_whole(f);
    f->now.s += 61;
    tick(f, new);
    fixture_assert_whole(f);
    audit_log_close(new);
    fixture_assert_whole(f);
    assert_int_equal(fixture_count(f, 1, 9), 1);
}

/* However much of the last write a killed writer left: it is closed off, nothing before is
 * harmed, and no alarm is raised. */
static void test_torn_anywhere(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT(1 << 20), head = BUF_INIT(10000);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct audit_log *l;
    size_t last;
    pid_t pid = fork();

    if (pid == 0) { /* ends without closing */
        l = fixture_open(f);
        for (uint64_t i = 1; i < 5; i++)
            fixture_add(f, l, 1, i);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    list = fixture_files(f);
    fixture_read(f, list.files[0].name, &whole);
    fixture_read(f, "head", &head);
    for (last = whole.len - 1; whole.data[last - 1] != '\n';)
        last--;
    for (size_t cut = last; cut < whole.len; cut += 7) {
        fixture_write(f, list.files[0].name, span_cut(buf_span(&whole), 0, cut));
        fixture_write(f, "head", buf_span(&head));
        fixture_assert_whole(f);
        l = fixture_open(f);
        assert_int_equal(fixture_count(f, 1, 4), cut == whole.len - 1 ? 1 : 0);
        fixture_add(f, l, 1, 5);
        audit_log_close(l);
        fixture_assert_whole(f);
        assert_int_equal(fixture_count(f, 1, 3), 1);
        assert_int_equal(fixture_count(f, 1, 5), 1);
        assert_int_equal(fixture_verify(f, NULL).torn, cut == last || cut == whole.len - 1 ? 0 : 1);
    }
}

/* A torn line, and then a note about it that was itself torn, twice. */
static void test_torn_again_and_again(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct audit_log *l;
    pid_t pid = fork();

    if (pid == 0) {
        l = fixture_open(f);
        fixture_add(f, l, 1, 1);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    list = fixture_files(f);
    fixture_read(f, list.files[0].name, &text);
    buf_str(&text, "{\"@timestamp\":\"2026-\n{\"@time\n{\"@timestamp\":");
    fixture_write(f, list.files[0].name, buf_span(&text));
    fixture_assert_whole(f);
    l = fixture_open(f);
    fixture_add(f, l, 1, 2);
    audit_log_close(l);
    fixture_assert_whole(f);
    assert_int_equal(fixture_verify(f, NULL).torn, 1);
}

/* A limit on the file's size is a disk that is full, to the byte. */
static void set_limit(rlim_t bytes)
{
    const struct rlimit limit = { bytes, RLIM_INFINITY };

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk(void **state)
{
    struct fixture *f = *state;
    struct audit_log *l = fixture_open(f);
    uint64_t written = 0;

    signal(SIGXFSZ, SIG_IGN);
    fixture_add(f, l, 1, ++written);
    for (rlim_t limit = 9000; limit < 16000; limit += 613) {
        struct audit_record r = fixture_record(1, written + 1);
        int e;

        set_limit(limit);
        while ((e = audit_log_add(l, &r, f->now)) == 0)
            r.serial = ++written + 1;
        assert_int_equal(e, -EFBIG);
        assert_int_equal(audit_log_add(l, &r, f->now), -EFBIG);
        f->now.s += 60;
        assert_true(audit_log_tick(l, f->now) <= 0);
        set_limit(RLIM_INFINITY);
        fixture_assert_whole(f);
        assert_int_equal(audit_log_add(l, &r, f->now), 0); /* the very record that was refused */
        written++;
    }
    tick(f, l);
    audit_log_close(l);
    fixture_assert_whole(f);
    for (uint64_t i = 1; i <= written; i++)
        assert_int_equal(fixture_count(f, 1, i), 1);
    assert_int_equal(fixture_count(f, 1, written + 1), 0);
}

/* No room even to begin: it opens, says so, and begins once there is. */
static void test_a_disk_full_from_the_start(void **state)
{
    struct fixture *f = *state;
    struct audit_record r = fixture_record(1, 1);
    struct audit_log *l;

    audit_log_close(fixture_open(f)); /* the key */
    signal(SIGXFSZ, SIG_IGN);
    set_limit(100);
    l = fixture_open(f);
    assert_int_equal(audit_log_add(l, &r, f->now), -EFBIG);
    assert_int_equal(audit_log_tick(l, f->now), -EFBIG);
    set_limit(RLIM_INFINITY);
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    audit_log_close(l);
    fixture_assert_whole(f);
}

static void test_a_folder_that_may_not_be_written(void **state)
{
    struct fixture *f = *state;
    struct audit_record r = fixture_record(1, 1);
    struct audit_log *l;

    if (geteuid() == 0)
        skip(); /* nothing is forbidden to root */
    audit_log_close(fixture_open(f));
    assert_int_equal(chmod(f->audit, 0500), 0);
    {
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(1000);

        l = NULL;
        if (audit_log_open(&l, &f->config, f->now, &error) == 0)
            assert_int_equal(audit_log_add(l, &r, f->now), -EACCES);
        else
            assert_true(error.len > 0);
        audit_log_close(l);
    }
    assert_int_equal(chmod(f->audit, 0700), 0);
    l = fixture_open(f);
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    audit_log_close(l);
    fixture_assert_whole(f);
}

/* A second may bring more lines than a signature should wait for. */
static void test_signs_as_lines_go_by(void **state)
{
    struct fixture *f = *state;
    struct audit_log *l = fixture_open(f);
    struct verify v;

    for (uint64_t i = 1; i <= 2 * CHECKPOINT_LINES + 10; i++)
        fixture_add(f, l, 1, i);
    v = fixture_verify(f, NULL);
    assert_int_equal(v.problems, 0);
    assert_in_range(v.unsigned_tail, 1, CHECKPOINT_LINES - 1);
    audit_log_close(l);
    fixture_assert_whole(f);
}

int main(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_goes_on_where_it_was),
        LOG_TEST(test_signs_as_lines_go_by),
        LOG_TEST(test_the_key_is_private),
        LOG_TEST(test_leftovers_go),
        LOG_TEST(test_once_each),
        LOG_TEST(test_new_files),
        LOG_TEST(test_old_files_go),
        LOG_TEST(test_two_at_once),
        LOG_TEST(test_the_killed_one_is_closed_off),
        LOG_TEST(test_torn_anywhere),
        LOG_TEST(test_torn_again_and_again),
        LOG_TEST(test_a_full_disk),
        LOG_TEST(test_a_disk_full_from_the_start),
        LOG_TEST(test_a_folder_that_may_not_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
