/* `midwatch gate log` as a command: what it prints and how it exits. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "log_fixture.h"

/* Runs it in a process of its own; what it says on both outputs goes to `out`. */
static int run(struct buf *out, const char *const *words)
{
    char *argv[16] = { (char[]){ "log" } };
    char path[] = "/tmp/mw-log-out-XXXXXX";
    int argc = 1, status, fd = mkstemp(path);
    pid_t pid;

    assert_true(fd >= 0);
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = strdup(words[argc - 1]);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(fd, 1);
        dup2(fd, 2);
        exit(log_command(argc, argv));
    }
    waitpid(pid, &status, 0);
    close(fd);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    buf_truncate(out, 0);
    assert_int_equal(file_read(path, out), 0);
    buf_u8(out, '\n');
    unlink(path);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define RUN(out, ...) run(out, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_says(const struct buf *out, const char *text)
{
    if (strstr((const char *)out->data, text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, (const char *)out->data);
}

static void make_log(struct fixture *f, enum gate_log_format format)
{
    struct audit_log *l;
    struct audit_record r = { .kind = AUDIT_EVENT, .what = "reloaded", .detail = "by hand" };

    f->config.audit.format = format;
    l = fixture_open(f);
    fixture_add(f, l, 1, 1);
    r.began_ms = r.ended_ms = 1795300002000;
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    r = fixture_record(1, 2);
    r.host = "mail.example.net";
    r.client = addr_make(AF_INET, "\xc0\0\2\x9", 50001);
    r.action = "block";
    r.outcome = AUDIT_BLOCKED;
    r.reason = "\x1b[31mred";
    assert_int_equal(audit_log_add(l, &r, f->now), 0);
    audit_log_close(l);
}

static void test_verify(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    char path[300], key[100];

    make_log(f, GATE_LOG_ECS);
    list = fixture_files(f);
    snprintf(path, sizeof(path), "%s/%s", f->audit, list.files[0].name);
    snprintf(key, sizeof(key), "%s/audit.pub", f->state);
    assert_int_equal(RUN(&out, "verify", "--state", f->state), 0);
    assert_says(&out, "whole: 5 lines in 1 files\n");
    assert_int_equal(RUN(&out, "verify", path), 0);
    assert_int_equal(RUN(&out, "verify", "--key", key, path), 0);
    assert_int_equal(RUN(&out, "verify", "-q", "--state", f->state), 0);
    assert_string_equal((const char *)out.data, "\n");

    fixture_read(f, list.files[0].name, &text);
    for (size_t i = 0; i < text.len; i++) /* the second session was another */
        if (strncmp((const char *)text.data + i, "mail.example.net", 16) == 0)
            text.data[i] = 'M';
    fixture_write(f, list.files[0].name, buf_span(&text));
    assert_int_equal(RUN(&out, "verify", "--state", f->state), 1);
    assert_says(&out, ":4: the line was changed: its hash does not fit\n");
    assert_says(&out, "NOT WHOLE: 1 problems");
    assert_int_equal(RUN(&out, "verify", path), 1);
}

static void test_what_cannot_be_looked_at(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);

    assert_int_equal(RUN(&out, "verify", "--state", "/nowhere"), 2);
    assert_says(&out, "/nowhere/audit.pub");
    make_log(f, GATE_LOG_ECS);
    assert_int_equal(RUN(&out, "verify", "--state", f->state, "--key", "/etc/hostname"), 2);
    assert_says(&out, "/etc/hostname");
    assert_int_equal(RUN(&out, "verify", "/etc/hostname", "--key", "/etc/hostname"), 2);
    assert_int_equal(RUN(&out, "verify", "--nonsense"), 2);
    assert_int_equal(RUN(&out, "show", "--state", "/nowhere"), 2);
    assert_int_equal(RUN(&out, "lock"), 2);
    assert_says(&out, "verify, show or unlock");
    assert_int_equal(RUN(&out, "--help"), 0);
    assert_int_equal(RUN(&out, "unlock", "--for", "15min"), 2);
    assert_says(&out, "--reason");
    assert_int_equal(RUN(&out, "unlock", "--for", "2d", "--reason", "x"), 2);
    assert_int_equal(RUN(&out, "unlock", "--for", "15min", "--reason", "x", "--client", "bob"), 2);
    assert_int_equal(RUN(&out, "unlock", "--for", "1h", "--reason", "x", "--state", f->state), 2);
    assert_says(&out, "no gate runs");
}

static void show_both(struct fixture *f)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);

    assert_int_equal(RUN(&out, "show", "--state", f->state), 0);
    assert_string_equal((const char *)out.data,
        "2026-11-21T22:26:41Z  192.0.2.7       www.example.com:443  inspect completed h2  "
        "1.2k up 70k down  private (ct-missing, old-parameters)  rule 3 (finance): because it "
        "says so\n"
        "2026-11-21T22:26:42Z  * reloaded: by hand\n"
        "2026-11-21T22:26:41Z  192.0.2.9       mail.example.net:443  block blocked h2  1.2k up "
        "70k down  private (ct-missing, old-parameters)  rule 3 (finance): \\x1b[31mred\n\n");
    assert_int_equal(RUN(&out, "show", "--state", f->state, "--host", ".example.com"), 0);
    assert_says(&out, "www.example.com");
    assert_null(strstr((const char *)out.data, "mail"));
    assert_int_equal(RUN(&out, "show", "--state", f->state, "--client", "192.0.2.9"), 0);
    assert_says(&out, "mail.example.net");
    assert_null(strstr((const char *)out.data, "www"));
    assert_int_equal(RUN(&out, "show", "--state", f->state, "-n", "1"), 0);
    assert_null(strstr((const char *)out.data, "www"));
    assert_int_equal(RUN(&out, "show", "--state", f->state, "--host", "example.com"), 0);
    assert_string_equal((const char *)out.data, "\n");
    assert_int_equal(RUN(&out, "show", "--state", f->state, "--all", "--json", "-n", "1"), 0);
    assert_says(&out, "\"note\":\"closed\"");
}

static void test_show_ecs(void **state)
{
    make_log(*state, GATE_LOG_ECS);
    show_both(*state);
}

static void test_show_ocsf(void **state)
{
    make_log(*state, GATE_LOG_OCSF);
    show_both(*state);
}

static void test_show_across_files(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct mw_span rest;
    struct mw_span line;
    struct audit_log *l;
    size_t n = 0;

    f->config.audit.rotate_bytes = 8000;
    l = fixture_open(f);
    for (uint64_t i = 1; i <= 40; i++) {
        fixture_add(f, l, 1, i);
        assert_int_equal(audit_log_tick(l, f->now), 0);
    }
    audit_log_close(l);
    assert_int_equal(RUN(&out, "show", "--state", f->state, "-n", "25", "--json"), 0);
    rest = buf_span(&out);
    while (span_line(&rest, &line))
        if (line.len > 0) {
            char want[40];
            struct mw_span id = line_record(line);

            snprintf(want, sizeof(want), "0000000000000001-%zu", 16 + n);
            assert_true(span_eq(id, span_str(want))); /* the last 25, in order */
            n++;
        }
    assert_int_equal(n, 25);
}

/* What is written later, and to the next file, appears. */
static void test_follow(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    char path[] = "/tmp/mw-log-follow-XXXXXX";
    CLEANUP(own_close) int fd = mkstemp(path);
    char *argv[] = { (char[]){ "log" }, (char[]){ "show" }, (char[]){ "--state" }, f->state,
                     (char[]){ "--follow" }, (char[]){ "--json" }, NULL };
    struct audit_log *l;
    uint64_t written = 1;
    pid_t pid;

    f->config.audit.rotate_bytes = 6000;
    l = fixture_open(f);
    fixture_add(f, l, 1, 1);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(fd, 1);
        exit(log_command(6, argv));
    }
    while (written < 12 || out.data == NULL ||
           strstr((const char *)out.data, "\"0000000000000001-12\"") == NULL) {
        if (written < 12) {
            fixture_add(f, l, 1, ++written);
            assert_int_equal(audit_log_tick(l, f->now), 0);
        }
        usleep(20000);
        buf_truncate(&out, 0);
        assert_int_equal(file_read(path, &out), 0);
    }
    for (uint64_t i = 1; i <= 12; i++) {
        char want[40];

        snprintf(want, sizeof(want), "\"record\":\"0000000000000001-%d\"", (int)i);
        assert_says(&out, want);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(path);
    audit_log_close(l);
}

int main(void)
{
#define COMMAND_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        COMMAND_TEST(test_verify),
        COMMAND_TEST(test_what_cannot_be_looked_at),
        COMMAND_TEST(test_show_ecs),
        COMMAND_TEST(test_show_ocsf),
        COMMAND_TEST(test_show_across_files),
        COMMAND_TEST(test_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
