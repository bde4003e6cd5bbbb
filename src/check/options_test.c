/*
 * The command line: what people type, and what they are told when it makes no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/exit.h"
#include "check/options.h"

struct read {
    struct check_options o;
    struct buf error;
    int rc;
};

static void read_free(struct read *r)
{
    options_deinit(&r->o);
    buf_deinit(&r->error);
}

/* words: NULL-terminated, without argv[0]. */
static void read_words(struct read *r, const char *const *words)
{
    char *argv[32] = { (char *)"check", (char *)"--config", (char *)"/dev/null" };
    int argc = 3;

    for (size_t i = 0; words[i] != NULL; i++)
        argv[argc++] = (char *)words[i];
    *r = (struct read){ .error = BUF_INIT(4096) };
    r->rc = options_read(&r->o, argc, argv, &r->error);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_refused(const char *const *words, const char *part)
{
    CLEANUP(read_free) struct read r;

    read_words(&r, words);
    assert_int_equal(r.rc, CHECK_USAGE);
    assert_true(r.error.len > 0);
    if (strstr((char *)r.error.data, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)r.error.data, part);
    assert_null(strchr((char *)r.error.data, '\n'));
}

static void options_of_every_form_are_read(void **state)
{
    CLEANUP(read_free) struct read r;

    (void)state;
    read_words(&r, WORDS("-4v", "--timeout=5", "--parallel", "7", "-t90s", "--controls",
                         "a.test,b.test", "--controls=c.test", "--alpn", "h2", "host.test:8443",
                         "--", "-odd.test"));
    assert_int_equal(r.rc, 0);
    assert_true(r.o.set.ipv4 && r.o.set.verbose && !r.o.set.ipv6);
    assert_int_equal(r.o.set.timeout_s, 90);
    assert_int_equal(r.o.set.parallel, 7);
    assert_int_equal(r.o.set.controls.count, 3);
    assert_string_equal(r.o.set.controls.items[2], "c.test");
    assert_string_equal(r.o.set.alpn, "h2");
    assert_int_equal(r.o.targets.n, 2);
    assert_string_equal(r.o.targets.items[0].host, "host.test");
    assert_int_equal(r.o.targets.items[0].port, 8443);
    assert_string_equal(r.o.targets.items[1].host, "-odd.test");
    assert_int_equal(r.o.targets.items[1].port, 443);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_refused(WORDS("--tiemout", "5", "a.test"), "did you mean --timeout");
    assert_refused(WORDS("--zzzzzzzz", "a.test"), "--help lists");
    assert_refused(WORDS("-Z", "a.test"), "-Z is not an option");
    assert_refused(WORDS("a.test", "--timeout"), "--timeout needs a value");
    assert_refused(WORDS("--timeout", "0", "a.test"), "1 to 600");
    assert_refused(WORDS("--timeout", "5parsec", "a.test"), "90s, 5min");
    assert_refused(WORDS("--parallel", "many", "a.test"), "whole number");
    assert_refused(WORDS("--json=yes", "a.test"), "takes no value");
    assert_refused(WORDS("--color", "pink", "a.test"), "auto, always or never");
    assert_refused(WORDS("--starttls", "gopher", "a.test"), "smtp, imap");
    assert_refused(WORDS("--at", "yesterday", "a.test"), "2026-03-15T12:00:00Z");
    assert_refused(WORDS("-4", "-6", "a.test"), "exclude each other");
    assert_refused(WORDS("--ask", "--unattended", "a.test"), "exclude each other");
    assert_refused(WORDS("--ask", "--json", "a.test"), "exclude each other");
    assert_refused(WORDS("--for", "1y", "a.test"), "7d");
    assert_refused(WORDS("--chain", "x.pem", "a.test", "b.test"), "one HOST");
    assert_refused(WORDS("--verbose"), "which host?");
}

static void config_is_read_and_overruled(void **state)
{
    CLEANUP(read_free) struct read r;
    char path[] = "/tmp/midwatch-options-XXXXXX";
    static const char text[] = "timeout = 7s;\ncerts = true;\ncontrols = [\"x.test\"];\n";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    read_words(&r, WORDS("--config", path, "--no-certs", "--controls", "y.test", "a.test"));
    unlink(path);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.o.set.timeout_s, 7);
    assert_false(r.o.set.certs);
    assert_int_equal(r.o.set.controls.count, 1);
    assert_string_equal(r.o.set.controls.items[0], "y.test");
}

static void config_with_a_wrong_key_is_refused(void **state)
{
    char path[] = "/tmp/midwatch-options-XXXXXX";
    static const char text[] = "json = true;\ntimeuot = 7s;\n";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    assert_refused(WORDS("--config", path, "a.test"), "timeuot");
    assert_refused(WORDS("--config", path, "a.test"), "timeout");
    assert_refused(WORDS("--config", path, "a.test"), path);
    unlink(path);
    assert_refused(WORDS("--config", "/nonexistent/mw.conf", "a.test"), "No such file");
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } good[] = { { "90", 90 },     { "90s", 90 },    { "5min", 300 },     { "5m", 300 },
                 { "12h", 43200 }, { "7d", 604800 }, { " 2w ", 1209600 }, { "0", 0 } };
    static const char *const bad[] = { "", "s", "-5", "5 s", "1.5h", "9999999999", "5x", "d7" };
    int64_t s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(args_seconds(span_str(good[i].text), &s), 0);
        assert_int_equal(s, good[i].s);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_not_equal(args_seconds(span_str(bad[i]), &s), 0);
}

static void targets_of_every_form_are_read(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        enum probe_starttls starttls;
    } good[] = {
        { "example.test", "example.test", 443, PROBE_TLS_DIRECT },
        { "example.test:8443", "example.test", 8443, PROBE_TLS_DIRECT },
        { "192.0.2.1:1", "192.0.2.1", 1, PROBE_TLS_DIRECT },
        { "2001:db8::1", "2001:db8::1", 443, PROBE_TLS_DIRECT },
        { "[2001:db8::1]", "2001:db8::1", 443, PROBE_TLS_DIRECT },
        { "[2001:db8::1]:65535", "2001:db8::1", 65535, PROBE_TLS_DIRECT },
        { "https://example.test/path?x#y", "example.test", 443, PROBE_TLS_DIRECT },
        { "HTTPS://user:pw@example.test:444/", "example.test", 444, PROBE_TLS_DIRECT },
        { "https://[2001:db8::1]:444/", "2001:db8::1", 444, PROBE_TLS_DIRECT },
        { "smtp://mail.test", "mail.test", 25, PROBE_STARTTLS_SMTP },
        { "imaps://mail.test", "mail.test", 993, PROBE_TLS_DIRECT },
        { "postgresql://db.test/x", "db.test", 5432, PROBE_STARTTLS_POSTGRES },
        { "  b\xc3\xbc" "cher.test ", "b\xc3\xbc" "cher.test", 443, PROBE_TLS_DIRECT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
        struct target t;

        assert_int_equal(
            target_parse(&t, span_str(good[i].text), PROBE_TLS_DIRECT, &arena, &error), 0);
        assert_string_equal(t.host, good[i].host);
        assert_int_equal(t.port, good[i].port);
        assert_int_equal(t.starttls, good[i].starttls);
    }
}

static void targets_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        { "", "names no host" },
        { ":443", "names no host" },
        { "a.test:", "between 1 and 65535" },
        { "a.test:0", "between 1 and 65535" },
        { "a.test:65536", "between 1 and 65535" },
        { "a.test:https", "between 1 and 65535" },
        { "[2001:db8::1", "does not close" },
        { "[2001:db8::1]443", "other than :PORT" },
        { "http://a.test/", "plain HTTP" },
        { "gopher://a.test/", "not known" },
        { "a b.test", "no host name" },
        { "a.test/path", "no host name" },
        { "a\x1b[31m.test", "no host name" },
        { "https://", "names no host" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
        struct target t;

        assert_true(target_parse(&t, span_str(bad[i].text), PROBE_TLS_DIRECT, &arena, &error) > 0);
        if (strstr((char *)error.data, bad[i].part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", (char *)error.data, bad[i].part);
        assert_null(strchr((char *)error.data, '\x1b'));
    }
}

static void lists_are_read_and_name_the_bad_line(void **state)
{
    static const char text[] = "# fleet\n\na.test\n  b.test:8443   # the other\r\n\t\n"
                               "c.test:99999\n";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    CLEANUP(target_list_deinit) struct target_list list = { 0 };

    (void)state;
    assert_int_equal(target_list_read(&list, span_of(text, (size_t)(strstr(text, "c.test") - text)),
                                      "hosts", PROBE_TLS_DIRECT, &arena, &error),
                     0);
    assert_int_equal(error.len, 0);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[1].host, "b.test");
    assert_int_equal(list.items[1].port, 8443);
    assert_true(target_list_read(&list, span_str(text), "hosts", PROBE_TLS_DIRECT, &arena,
                                 &error) > 0);
    assert_non_null(strstr((char *)error.data, "hosts:6: \"c.test:99999\""));
}

static void lists_are_bounded(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(64 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096), text = BUF_INIT(1 << 20);
    CLEANUP(target_list_deinit) struct target_list list = { 0 };

    (void)state;
    for (int i = 0; i <= TARGETS_MAX; i++)
        buf_str(&text, "a.test\n");
    assert_true(target_list_read(&list, buf_span(&text), "hosts", PROBE_TLS_DIRECT, &arena,
                                 &error) > 0);
    assert_non_null(strstr((char *)error.data, "hosts:100001: more than 100000 targets"));
}

static void exits_are_ranked(void **state)
{
    (void)state;
    assert_int_equal(exit_worse(CHECK_PRIVATE, CHECK_UNTESTED), CHECK_UNTESTED);
    assert_int_equal(exit_worse(CHECK_UNTESTED, CHECK_FINDINGS), CHECK_FINDINGS);
    assert_int_equal(exit_worse(CHECK_FINDINGS, CHECK_USAGE), CHECK_USAGE);
    assert_int_equal(exit_worse(CHECK_CLASS_REVOKED, CHECK_CLASS_NAME), CHECK_CLASS_NAME);
    assert_int_equal(exit_worse(CHECK_UNTESTED, CHECK_CLASS_PIN), CHECK_CLASS_PIN);
    assert_int_equal(exit_worse(CHECK_USAGE, CHECK_CLASS_PIN), CHECK_USAGE);
}

static void exits_follow_the_verdict(void **state)
{
    struct mw_finding f = { .code = MW_EXPIRED, .severity = MW_ERROR };
    struct mw_verdict v = { .findings = &f, .n_findings = 1 };

    (void)state;
    assert_int_equal(exit_of_verdict(&v, false), CHECK_USAGE);  /* not judged is never well */
    v.outcome = MW_UNTRUSTED;
    assert_int_equal(exit_of_verdict(&v, false), CHECK_FINDINGS);
    assert_int_equal(exit_of_verdict(&v, true), CHECK_CLASS_CLOCK);
    f.code = MW_REVOKED;
    assert_int_equal(exit_of_verdict(&v, true), CHECK_CLASS_REVOKED);
    f.code = MW_TLS_OLD_VERSION;
    assert_int_equal(exit_of_verdict(&v, true), CHECK_FINDINGS);
    v.outcome = MW_INSPECTED;
    assert_int_equal(exit_of_verdict(&v, false), CHECK_FINDINGS);
    assert_int_equal(exit_of_verdict(&v, true), CHECK_CLASS_INTERCEPTION);
    v.outcome = MW_BLOCKED;
    assert_int_equal(exit_of_verdict(&v, true), CHECK_FINDINGS);
    v.outcome = MW_UNREACHABLE;
    assert_int_equal(exit_of_verdict(&v, false), CHECK_UNTESTED);
    v.outcome = MW_PRIVATE;
    assert_int_equal(exit_of_verdict(&v, true), CHECK_PRIVATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_every_form_are_read),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(config_is_read_and_overruled),
        cmocka_unit_test(config_with_a_wrong_key_is_refused),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(targets_of_every_form_are_read),
        cmocka_unit_test(targets_that_are_none_are_refused),
        cmocka_unit_test(lists_are_read_and_name_the_bad_line),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(exits_are_ranked),
        cmocka_unit_test(exits_follow_the_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
