/* Every allocation while the gate's configuration is read, sent and loaded fails once. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "gate/policy/decide.h"
#include "gate/policy/explain.h"
#include "gate/policy/lint.h"
#include "gate/policy/users.h"

static const char text[] =
    "listen [http://127.0.0.1:0, \"socks5://[::1]:0\"]; upstream { dns [192.0.2.53]; roots %s }\n"
    "users-file %s.users; on { clock ask }\n"
    "catalogue { classes [technical, privacy]; except zoom }\n"
    "list banks { names [.bank-of-us.example, a.example]; names-file %s }\n"
    "rule finance { category [banks, health]; app zoom; client [10.0.0.0/8]; group finance;\n"
    "  port [1-2, 3]; hours 08:00-18:00; days mon-fri; ja4 [t13d*]; action bypass }\n"
    "exception { names [ .meet.example ]; action = bypass; reason \"x\" }\n";

static int load(const char *extra, struct gate_config **out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 24);
    struct gate_bundle *b = NULL, *copy = NULL;
    int r = gate_bundle_read(&b, NULL, extra, error);

    if (r == 0)
        gate_bundle_encode(b, &bytes);
    gate_bundle_free(b);
    if (r == 0)
        r = buf_error(&bytes);
    if (r == 0)
        r = gate_bundle_decode(&copy, buf_span(&bytes));
    if (r == 0)
        r = gate_config_load(out, copy, error);
    gate_bundle_free(copy);
    return r;
}

static const char *rule_one(const struct gate_config *c)
{
    struct gate_facts f = { .host = "x.b.example", .port = 3, .tls = true, .ja4 = "t13d",
                            .user = "anna", .groups = (const char *const[]){ "finance", NULL },
                            .now = { 1795428000 } };   /* a Monday morning */

    assert_int_equal(addr_parse(&f.client, SPAN_LIT("10.1.1.1"), 1), 0);
    return gate_decide(c, NULL, 0, &f).rule;
}

static bool run_load(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 12);
    struct gate_config *c = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = load(context, &c, &error);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || r == -ENOMEM);
    assert_int_equal(r == 0, c != NULL);
    assert_true(failed || r == 0);
    if (r == 0) {               /* a buffer that could not double may have grown by less */
        assert_int_equal(c->n_rules, 2);
        assert_string_equal(rule_one(c), "rule 1 (finance)");
    }
    gate_config_unref(c);
    return failed;
}

/* A slip whose message finds no memory is still refused. */
static bool run_slip(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 12);
    struct gate_config *c = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = load(context, &c, &error);
    failed = alloc_fail_disarm();
    assert_true(r != 0);
    assert_null(c);
    return failed;
}

static bool run_explain(void *context, size_t nth)
{
    const struct explain_question q = { .host = "x.meet.example", .client = "10.1.1.1",
                                        .entrance = "http", .port = 443, .now = { 1795219200 } };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16), error = BUF_INIT(1 << 12),
                                   odd = BUF_INIT(1 << 16);
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = explain(context, &q, &out, &error);
    gate_config_lint(context, q.now, &odd);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && r == -ENOMEM));
    return failed;
}

static bool run_sign_in(void *context, size_t nth)
{
    const char *const *groups = NULL;
    struct sign_in_question *q = NULL;
    enum sign_in in;
    bool failed;
    int r = 0;

    alloc_fail_arm(nth);
    in = gate_config_sign_in(context, SPAN_LIT("anna"), SPAN_LIT("no"), &groups, &q);
    if (in == SIGN_IN_ASK) {
        sign_in_work(q);
        r = sign_in_done(q);
        in = gate_config_sign_in(context, SPAN_LIT("anna"), SPAN_LIT("no"), &groups, &q);
    }
    failed = alloc_fail_disarm();
    if (!failed)
        assert_true(r == 0 && in == SIGN_IN_WRONG);
    else if (r == -ENOMEM && in == SIGN_IN_ASK) /* not remembered: it would be asked again */
        sign_in_free(q);
    else
        assert_int_equal(in, SIGN_IN_NO_MEMORY);
    return failed;
}

static void test_everything(void **state)
{
    CLEANUP(buf_deinit) struct buf extra = BUF_INIT(1 << 16), error = BUF_INIT(1 << 12);
    char names[] = "/tmp/mw-gate-names-XXXXXX", users[64];
    struct gate_config *c = NULL;
    int fd = mkstemp(names);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    snprintf(users, sizeof users, "%s.users", names);
    assert_int_equal(file_replace(names, SPAN_LIT("# n\n.b.example\nc.example\n"), 0600), 0);
    assert_int_equal(file_replace(users, SPAN_LIT("anna:$5$rounds=1000$x$y:finance\n"), 0600), 0);
    buf_printf(&extra, text, names, names, names);
    assert_true(alloc_fail_each(run_load, extra.data) > 20);
    assert_int_equal(load((char *)extra.data, &c, &error), 0);
    assert_true(alloc_fail_each(run_explain, c) > 2);
    assert_true(alloc_fail_each(run_sign_in, c) >= 1);
    gate_config_unref(c);
    buf_str(&extra, "rule { names .com; action block }\n");
    assert_true(alloc_fail_each(run_slip, extra.data) > 8);
    unlink(names);
    unlink(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_everything) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
