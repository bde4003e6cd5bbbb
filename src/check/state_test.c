/*
 * Pins and decisions in the state: what changes leaves a line in the log, and neither stands
 * without the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/own.h"
#include "check/decisions.h"
#include "check/pins.h"
#include "check/state.h"

#define SPKI_1 "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SPKI_2 "sha256/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static const struct mw_wall now = { 1893456000 };

struct fixture {
    char folder[32];
    struct store *state;
    struct buf log;             /* "what subject detail" a line */
};

static int log_line(void *context, struct mw_wall at, const char *what, const char *subject,
                    const char *detail)
{
    assert_int_equal(at.s, now.s);
    buf_printf(context, "%s %s %s\n", what, subject, detail);
    return 0;
}

static void assert_log(struct fixture *f, const char *lines)
{
    buf_truncate(&f->log, 0);
    assert_int_equal(state_events(f->state, log_line, &f->log), 0);
    assert_string_equal(f->log.len > 0 ? (char *)f->log.data : "", lines);
}

static int count_pin(void *n, const struct mw_pin *pin)
{
    (void)pin;
    ++*(size_t *)n;
    return 0;
}

static int count_decision(void *n, const struct mw_decision *d)
{
    (void)d;
    ++*(size_t *)n;
    return 0;
}

static size_t pins(struct fixture *f)
{
    size_t n = 0;

    assert_int_equal(pins_each(f->state, count_pin, &n), 0);
    return n;
}

static size_t decisions(struct fixture *f)
{
    size_t n = 0;

    assert_int_equal(decisions_each(f->state, count_decision, &n), 0);
    return n;
}

static int set_up(void **state)
{
    static struct fixture f;
    char error[256] = "";

    f = (struct fixture){ .folder = "/tmp/midwatch-state.XXXXXX", .log = BUF_INIT(1 << 16) };
    assert_non_null(mkdtemp(f.folder));
    if (state_open(&f.state, f.folder, error) != 0)
        fail_msg("%s", error);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[64];

    store_close(f->state);
    snprintf(path, sizeof path, "%s/state.db", f->folder);
    unlink(path);
    rmdir(f->folder);
    buf_deinit(&f->log);
    return 0;
}

static void a_pin_and_its_line_come_and_go(void **state)
{
    struct fixture *f = *state;
    const struct mw_pin first = { .host = "a.test", .spki = SPKI_1 };
    const struct mw_pin second = { .host = "a.test", .spki = SPKI_2, .backup = true };
    size_t n;

    assert_int_equal(pins_save(f->state, now, &first), 0);
    assert_int_equal(pins_save(f->state, now, &second), 0);
    assert_int_equal(pins(f), 2);
    assert_int_equal(pins_remove(f->state, now, "a.test", SPKI_1, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(pins_remove(f->state, now, "b.test", NULL, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(pins_remove(f->state, now, "a.test", NULL, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(pins(f), 0);
    assert_log(f, "pin a.test " SPKI_1 "\n"
                  "pin a.test " SPKI_2 " backup\n"
                  "pin-remove a.test " SPKI_1 "\n"
                  "pin-remove a.test " SPKI_2 "\n");
}

static struct mw_decision decision_for(const char *host, uint16_t port)
{
    return (struct mw_decision){
        .host = host, .port = port, .key = "k", .findings = "expired", .made = now,
        .until = { now.s + 86400 },
    };
}

static void a_decision_and_its_line_come_and_go(void **state)
{
    struct fixture *f = *state;
    const struct mw_decision name = decision_for("a.test", 443);
    const struct mw_decision other_port = decision_for("a.test", 8443);
    const struct mw_decision address = decision_for("2001:db8::1", 443);
    size_t n;

    assert_int_equal(decisions_save(f->state, &name), 0);
    assert_int_equal(decisions_save(f->state, &other_port), 0);
    assert_int_equal(decisions_save(f->state, &address), 0);
    assert_int_equal(decisions_remove(f->state, now, "a.test", 8443, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(decisions_remove(f->state, now, "2001:db8::1", 0, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(decisions(f), 1);
    assert_log(f, "trust a.test:443 accepted expired for key k until 2030-01-02T00:00:00Z\n"
                  "trust a.test:8443 accepted expired for key k until 2030-01-02T00:00:00Z\n"
                  "trust [2001:db8::1]:443 accepted expired for key k until "
                  "2030-01-02T00:00:00Z\n"
                  "trust-remove a.test:8443 was: expired\n"
                  "trust-remove [2001:db8::1]:443 was: expired\n");
}

static void without_its_line_nothing_changes(void **state)
{
    struct fixture *f = *state;
    const struct mw_pin pin = { .host = "a.test", .spki = SPKI_1 };
    const struct mw_decision d = decision_for("a.test", 443);
    size_t n = 7;

    assert_int_equal(pins_save(f->state, now, &pin), 0);
    assert_int_equal(store_run(f->state,
                               "CREATE TRIGGER full BEFORE INSERT ON event"
                               " BEGIN SELECT RAISE(ABORT, 'full'); END",
                               NULL, 0),
                     0);
    assert_int_not_equal(decisions_save(f->state, &d), 0);
    assert_int_equal(decisions(f), 0);
    assert_int_not_equal(pins_remove(f->state, now, "a.test", NULL, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(pins(f), 1);
    assert_log(f, "pin a.test " SPKI_1 "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pin_and_its_line_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_decision_and_its_line_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_its_line_nothing_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
