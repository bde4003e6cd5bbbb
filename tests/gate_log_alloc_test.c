/* Memory runs out at every single allocation while a record is read, rendered and written: it is
 * in the log whole or not at all, it may be sent again, and the log verifies. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/wire/unlock.h"
#include "log_fixture.h"

/* libcrypto allocates so often that only some are made to fail. */
static size_t step = 1;

struct context {
    struct fixture *f;
    struct audit_log *l;
    uint64_t serial;
};

static bool run_record(void *context, size_t nth)
{
    struct context *c = context;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(65536);
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(65536);
    struct audit_record sent = fixture_record(1, ++c->serial), r;
    bool failed;
    int e;

    sent.reason = "\x1b\n";
    alloc_fail_arm(nth);
    audit_write(&wire, &sent);
    e = buf_error(&wire);
    if (e == 0)
        e = audit_read(&r, buf_span(&wire), &arena);
    if (e == 0)
        e = audit_log_add(c->l, &r, c->f->now);
    failed = alloc_fail_disarm();
    if (failed && e != 0) {
        assert_int_equal(e, -ENOMEM);
        assert_int_equal(audit_log_add(c->l, &sent, c->f->now), 0); /* sent again */
    } else {
        assert_int_equal(e, 0);
        assert_int_equal(audit_log_add(c->l, &sent, c->f->now), -EALREADY);
    }
    return failed;
}

static void a_record(void **state)
{
    struct context c = { .f = *state };

    c.l = fixture_open(c.f);
    assert_true(alloc_fail_some(run_record, &c, step) * step >= 10);
    audit_log_close(c.l);
    fixture_assert_whole(c.f);
    for (uint64_t i = 1; i <= c.serial; i++)
        assert_int_equal(fixture_count(c.f, 1, i), 1);
}

/* Opening, the first file, a checkpoint, a new file, the end. */
static bool run_life(void *context, size_t nth)
{
    struct context *c = context;
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1000);
    struct audit_record r = fixture_record(2, ++c->serial);
    struct audit_log *l = NULL;
    bool failed;

    c->f->now.s += 100000;
    alloc_fail_arm(nth);
    if (audit_log_open(&l, &c->f->config, c->f->now, &error) == 0) {
        if (audit_log_add(l, &r, c->f->now) == 0) {
            c->f->now.s += 3601;
            (void)!audit_log_tick(l, c->f->now);
        }
        audit_log_close(l);
    }
    failed = alloc_fail_disarm();
    fixture_assert_whole(c->f);
    return failed;
}

static void a_life(void **state)
{
    struct context c = { .f = *state };

    c.f->config.audit.rotate_s = 3600;
    c.f->config.audit.keep_s = 86400;
    audit_log_close(fixture_open(c.f));
    assert_true(alloc_fail_some(run_life, &c, step) * step >= 20);
}

static bool run_unlock(void *context, size_t nth)
{
    static const struct gate_unlock u = { .until = { 7 }, .client = "::1", .host = "a.test" };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(65536);
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(4096), wire = BUF_INIT(4096);
    struct gate_keylog k = { "::1", "a.test", "CLIENT_RANDOM 00 11" };
    struct gate_unlock got;
    bool failed;
    int e;

    (void)context;
    alloc_fail_arm(nth);
    unlock_write(&json, &u);
    keylog_write(&wire, &k);
    e = buf_error(&json) != 0 ? buf_error(&json) : buf_error(&wire);
    if (e == 0)
        e = unlock_read(&got, buf_span(&json));
    if (e == 0)
        e = keylog_read(&k, buf_span(&wire), &arena);
    failed = alloc_fail_disarm();
    assert_int_equal(e, failed ? -ENOMEM : 0);
    return failed;
}

static void an_unlock(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_unlock, NULL) >= 3);
}

/* Argument "openssl": libcrypto's allocations fail too. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_life, fixture_setup, fixture_teardown),
        cmocka_unit_test(an_unlock),
    };

    if (argc > 1 && strcmp(argv[1], "openssl") == 0) {
        if (!alloc_fail_openssl())
            return EXIT_FAILURE;
        step = 23;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
