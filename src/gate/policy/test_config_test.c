/*
 * What `test-config` says: the mark under a slip, what is odd, which rule fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#include "gate/policy/explain.h"
#include "gate/policy/lint.h"
#include "gate/policy/test_config.h"

enum { NOW = 1795219200 };      /* 2026-11-21 */

static struct gate_config *policy(const char *text)
{
    struct buf error = BUF_INIT(4096);
    struct gate_config *c = NULL;
    struct gate_bundle *b = NULL;

    if (gate_bundle_read(&b, NULL, text, &error) != 0 || gate_config_load(&c, b, &error) != 0)
        fail_msg("%s", error.data != NULL ? (char *)error.data : "?");
    gate_bundle_free(b);
    buf_deinit(&error);
    return c;
}

static void marks(const char *error, const char *text, const char *expected)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16);

    error_show(&out, error, span_str(text));
    assert_string_equal((const char *)out.data, expected);
}

static void the_column_is_marked(void **state)
{
    (void)state;
    marks("g.conf:2:3: wrong", "one\n\tx\xc3\xa9y z\n",
          "g.conf:2:3: wrong\n     2 |  x\xc3\xa9y z\n       |   ^\n");
    marks("g.conf:1:1: wrong", "x", "g.conf:1:1: wrong\n     1 | x\n       | ^\n");
    marks("odd:name:10:g.conf:1:2: wrong: 1:1: too", "ab",
          "odd:name:10:g.conf:1:2: wrong: 1:1: too\n     1 | ab\n       |  ^\n");
    marks("g.conf:1:5: wrong", "a\x1b[1mb", "g.conf:1:5: wrong\n     1 | a\\x1b[1mb\n"
                                            "       |        ^\n");
    marks("g.conf:9:1: wrong", "x", "g.conf:9:1: wrong\n");
    marks("no place", "x", "no place\n");
}

static void long_lines_are_cut_around_the_mark(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096), out = BUF_INIT(1 << 16);
    const char *line, *mark;

    (void)state;
    buf_fill(&text, 'a', 500);
    buf_str(&text, "X");
    buf_fill(&text, 'b', 500);
    error_show(&out, "g.conf:1:501: wrong", buf_span(&text));
    line = strchr((char *)out.data, '\n') + 1;
    mark = strchr(line, '\n') + 1;
    assert_int_equal(strchr(line, 'X') - line, strchr(mark, '^') - mark);
    assert_true(mark - line < 120);
}

static void odd(const char *text, size_t n, const char *expected)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16);
    struct gate_config *c = policy(text);
    size_t got = gate_config_lint(c, (struct mw_wall){ NOW }, &out);

    if (got != n || (expected[0] != '\0' && strstr((char *)out.data, expected) == NULL))
        fail_msg("%s\n%zu, not %zu: %s\nnot %s", text, got, n, out.data, expected);
    gate_config_unref(c);
}

static void rules_behind_wider_ones(void **state)
{
    (void)state;
    odd("rule a { names .a.test; action inspect }\nrule b { names x.a.test; action bypass }", 1,
        "command line:2:1: rule 2 (b) never decides: rule 1 (a) covers all of it");
    odd("rule a { client 10.0.0.0/8; port 1-9; action block }\n"
        "rule b { client 10.1.0.0/16; port 3-4; ja4 t13*; entrance http; action block }", 1,
        "never decides");
    odd("list l { names [a.test, .b.test] }\nrule a { category l; action block }\n"
        "rule b { names [a.test, x.b.test]; action bypass }", 1, "never decides");
    odd("rule a { ja4 t13d*; action block }\nrule b { ja4 t13d15*; action block }", 1,
        "never decides");
    odd("rule a { finding clock; action block }\nrule b { finding expired; action block }", 1,
        "never decides");
    /* Not hidden: a condition more in the first, or a narrower one. */
    odd("rule a { names a.test; action inspect }\nrule b { names .a.test; action bypass }", 0, "");
    odd("rule a { names .a.test; port 443; action inspect }\n"
        "rule b { names x.a.test; action bypass }", 0, "");
    odd("rule a { names .a.test; hours 08:00-09:00; action inspect }\n"
        "rule b { names x.a.test; action bypass }", 0, "");
    odd("rule a { names .a.test; on { expired ask } }\nrule b { names x.a.test; action bypass }", 0,
        "");
    odd("rule a { client 10.1.0.0/16; action block }\nrule b { client 10.0.0.0/8; action block }",
        0, "");
    odd("rule a { port [1, 3]; action block }\nrule b { port 1-3; action block }", 0, "");
    /* With two names, a block fits where the bypass before it does not. */
    odd("rule a { names .a.test; action bypass }\nrule b { names x.a.test; action block }", 0, "");
}

static void what_else_is_odd(void **state)
{
    (void)state;
    odd("", 0, "");
    odd("rule { action bypass }", 1, "bypasses everything");
    odd("rule { names .zip; whole-suffix yes; action bypass }", 1, "bypasses a whole suffix");
    odd("rule { names a.test; until 2026-01-01; action block }", 1, "is over");
    odd("rule { user anna; action block }", 1, "without users-file nobody can");
    odd("list l { names a.test }", 1, "no rule uses the list \"l\"");
    odd("listen http://0.0.0.0:3128", 1, "is open to whoever reaches it");
    odd("listen http://0.0.0.0:3128; undefined block", 0, "");
    odd("listen http://0.0.0.0:3128; rule { client 10.0.0.0/8; action inspect }", 0, "");
    odd("on { expired accept }", 1, "expired is accepted everywhere");
    odd("min-version 1.0", 1, "TLS below 1.2");
}

static void reviews_that_are_due(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16);
    struct gate_config *c = policy("");

    (void)state;
    assert_int_equal(gate_config_lint(c, (struct mw_wall){ NOW }, &out), 0);
    assert_true(gate_config_lint(c, (struct mw_wall){ NOW + 3 * 366 * 86400 }, &out) > 20);
    assert_non_null(strstr((char *)out.data, "catalogue: screenmeet (.scrn.mt) was to be looked at "
                                             "again by 2027-11-21; it still applies"));
    gate_config_unref(c);
}

static void explains(const char *text, struct explain_question q, const char *expected)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16), error = BUF_INIT(4096);
    struct gate_config *c = policy(text);

    q.client = q.client != NULL ? q.client : "192.0.2.9";
    q.entrance = q.entrance != NULL ? q.entrance : "http";
    q.port = q.port != 0 ? q.port : 443;
    q.now.s = NOW;
    if (explain(c, &q, &out, &error) != 0)
        assert_non_null(strstr((char *)error.data, expected));
    else if (strstr((char *)out.data, expected) == NULL)
        fail_msg("%s\n is not in \n%s", expected, out.data);
    gate_config_unref(c);
}

static void sessions_are_explained(void **state)
{
    static const char text[] = "rule a { names .a.test; port 8443; action block }\n"
                               "rule b { client 192.0.2.0/24; names .a.test; action bypass;\n"
                               "  reason because }";

    (void)state;
    explains(text, (struct explain_question){ .host = "X.A.test" },
             "x.a.test:443 is bypassed: rule 2 (b), because\n"
             "  rule 1 (a) at command line:1: does not fit: port\n"
             "  rule 2 (b) at command line:2: fits, and decides\n");
    explains(text, (struct explain_question){ .host = "x.a.test", .client = "198.51.100.1" },
             "does not fit: client\n");
    explains(text, (struct explain_question){ .host = "x.a.test", .asked = "evil.test" },
             "does not fit: names: the proxy was asked for another name\n");
    explains("", (struct explain_question){ .host = "us02web.zoom.us" },
             "us02web.zoom.us:443 is bypassed: catalogue: zoom, Zoom\n"
             "  .zoom.us covers it: technical, grade A");
    explains("rule { destination 10.0.0.0/8; action block }",
             (struct explain_question){ .host = "x.test" }, "say --destination");
    explains("rule { destination 10.0.0.0/8; action block }",
             (struct explain_question){ .host = "x.test", .destination = "10.1.1.1" },
             "x.test:443 is blocked: rule 1\n");
    explains("", (struct explain_question){ .host = "a b" }, "no host name");
    explains("", (struct explain_question){ .host = "a.test", .client = "me" }, "no address");
    explains("", (struct explain_question){ .host = "a.test", .entrance = "ftp" },
             "an entrance is");
}

/* Runs the command in a process of its own; what it wrote is in *said. */
static int run_command(char **argv, struct buf *said)
{
    char path[] = "/tmp/mw-gate-said-XXXXXX";
    int fd = mkstemp(path), status = 0, argc = 0;
    pid_t child;

    assert_true(fd >= 0);
    while (argv[argc] != NULL)
        argc++;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        status = test_config_command(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    close(fd);
    buf_truncate(said, 0);
    assert_int_equal(file_read(path, said), 0);
    unlink(path);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says(char **argv, int status, const char *expected)
{
    CLEANUP(buf_deinit) struct buf said = BUF_INIT(1 << 20);
    int got = run_command(argv, &said);

    if (got != status || said.data == NULL || strstr((char *)said.data, expected) == NULL)
        fail_msg("status %d\n%s\nis not %d with\n%s", got, said.data, status, expected);
}

static void the_command_says_so(void **state)
{
    char name[] = "test-config", config[] = "--config", example[] = "examples/gate.conf",
         nowhere[] = "/nowhere/gate.conf", set[] = "--set", slip[] = "workers 2\n workrs 3",
         host[] = "--explain", bank[] = "www.own.bank", client[] = "--client",
         inside[] = "192.0.2.7", extra[] = "what", quiet[] = "--quiet", listen[] = "workers 2";

    (void)state;
    says((char *[]){ name, config, example, NULL }, 0,
         "examples/gate.conf: OK\nlisten      http://192.0.2.1:3128\n"
         "            socks5://192.0.2.1:1080\n");
    says((char *[]){ name, config, example, host, bank, client, inside, NULL }, 0,
         "www.own.bank:443 is bypassed: rule 2 (what is nobody's business), agreed with the works "
         "council\n");
    says((char *[]){ name, config, nowhere, NULL }, 2,
         "/nowhere/gate.conf: cannot read it: No such file or directory\n");
    says((char *[]){ name, config, example, set, slip, NULL }, 2,
         "command line:2:2: unknown setting \"workrs\"; did you mean \"workers\"?\n"
         "     2 |  workrs 3\n       |  ^\n");
    says((char *[]){ name, extra, NULL }, 2, "A file is named with --config");
    says((char *[]){ name, config, example, set, listen, quiet, NULL }, 0, "");
}

/* The example is one that nothing is odd about. */
static void the_example_is_in_order(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);

    (void)state;
    assert_int_equal(file_read("examples/gate.conf", &text), 0);
    odd((const char *)text.data, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_column_is_marked),
        cmocka_unit_test(long_lines_are_cut_around_the_mark),
        cmocka_unit_test(rules_behind_wider_ones),
        cmocka_unit_test(what_else_is_odd),
        cmocka_unit_test(reviews_that_are_due),
        cmocka_unit_test(sessions_are_explained),
        cmocka_unit_test(the_command_says_so),
        cmocka_unit_test(the_example_is_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
