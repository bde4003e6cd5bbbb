/* Each rule by itself: the one fact that turns the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "gate/learn/reason.h"

/* Three alerts of an app that works elsewhere, on a client that trusts the CA. */
static const struct reason_facts pinned = {
    .needed = 3, .alerts = 3, .control = true, .well_elsewhere = 20, .apps_well = 2,
    .app_worked = true,
};

/* The same, of an app that only hangs up. */
static const struct reason_facts silent = {
    .needed = 3, .silent = 7, .control = true, .well_elsewhere = 20, .apps_well = 2,
    .app_worked = true,
};

static void one_fact_turns_it(void **state)
{
    struct reason_facts f;

    (void)state;
    assert_int_equal(reason_of(&pinned), REASON_PIN);
    f = pinned, f.alerts = 0;
    assert_int_equal(reason_of(&f), REASON_NOTHING);
    f = pinned, f.alerts = 2;
    assert_int_equal(reason_of(&f), REASON_TOO_FEW);
    f = pinned, f.worked = true;
    assert_int_equal(reason_of(&f), REASON_WORKS);
    f = pinned, f.control = false;
    assert_int_equal(reason_of(&f), REASON_NO_CONTROL);
    f = pinned, f.hosts_refused = REASON_HOSTS_REFUSED;
    assert_int_equal(reason_of(&f), REASON_CLIENT_REFUSES);
    f = pinned, f.weak = 5;             /* an alert is a statement, whatever the network does */
    assert_int_equal(reason_of(&f), REASON_PIN);
    f = pinned, f.unattended = true;
    assert_int_equal(reason_of(&f), REASON_UNATTENDED);
    f = pinned, f.alerts = 1, f.unattended = true, f.control = false;
    assert_int_equal(reason_of(&f), REASON_UNATTENDED);
    f.worked = true;
    assert_int_equal(reason_of(&f), REASON_WORKS);
}

static void its_own_store(void **state)
{
    struct reason_facts f = pinned;

    (void)state;
    f.app_worked = false;
    assert_int_equal(reason_of(&f), REASON_PIN);
    f.app_hosts_refused = 2;
    assert_int_equal(reason_of(&f), REASON_PIN);
    f.unknown_ca = 1;
    assert_int_equal(reason_of(&f), REASON_OWN_STORE);
    f.unknown_ca = 0, f.app_hosts_refused = 3;
    assert_int_equal(reason_of(&f), REASON_OWN_STORE);
    f.app_worked = true;
    assert_int_equal(reason_of(&f), REASON_PIN);
}

static void most_apps_refuse(void **state)
{
    struct reason_facts f = pinned;

    (void)state;
    f.app_worked = false, f.apps_well = 1, f.apps_refusing = 2;
    assert_int_equal(reason_of(&f), REASON_PIN);
    f.apps_refusing = 3;
    assert_int_equal(reason_of(&f), REASON_CLIENT_REFUSES);
    f.apps_well = 2;
    assert_int_equal(reason_of(&f), REASON_PIN);
    f.apps_well = 1, f.app_worked = true;
    assert_int_equal(reason_of(&f), REASON_PIN);
}

static void silence_needs_a_sound_network(void **state)
{
    struct reason_facts f;

    (void)state;
    assert_int_equal(reason_of(&silent), REASON_PIN);
    f = silent, f.silent = 3;
    assert_int_equal(reason_of(&f), REASON_TOO_FEW);
    f = silent, f.weak = 1;
    assert_int_equal(reason_of(&f), REASON_NETWORK);
    f = silent, f.ill_elsewhere = 3;
    assert_int_equal(reason_of(&f), REASON_NETWORK);
    f = silent, f.well_elsewhere = 2;
    assert_int_equal(reason_of(&f), REASON_TOO_FEW);
    f = silent, f.well_elsewhere = 200, f.silent = 3;
    assert_int_equal(reason_of(&f), REASON_PIN);
}

/* The rule of succession, against a closed form: with nothing ill elsewhere the chance of k in a
 * row after n is k! (n+1)! / (n+k+1)!. */
static void chance(void **state)
{
    (void)state;
    assert_false(reason_no_chance(0, 1000, 0));
    assert_false(reason_no_chance(1, 999998, 0));       /* 1 / 1000000 exactly */
    assert_true(reason_no_chance(1, 999999, 0));
    assert_false(reason_no_chance(6, 20, 0));           /* 3.4e-6 */
    assert_true(reason_no_chance(7, 20, 0));            /* 8.4e-7 */
    for (unsigned k = 1; k < 200; k++)
        assert_false(reason_no_chance(k, 10, 200));     /* nothing is odd on such a network */
}

/* Whatever the numbers: no exception without a control, after a success, or below the count. */
static void never_without(void **state)
{
    unsigned seed = (unsigned)time(NULL);

    (void)state;
    printf("seed %u\n", seed);
    srandom(seed);
    for (int i = 0; i < 1000000; i++) {
        struct reason_facts f = {
            .needed = 1 + (unsigned)random() % 5,
            .alerts = (unsigned)random() % 6,
            .silent = (unsigned)random() % 20,
            .weak = (unsigned)random() % 2,
            .worked = random() % 2 == 0,
            .control = random() % 2 == 0,
            .hosts_refused = (unsigned)random() % 5,
            .well_elsewhere = (unsigned)random() % 100,
            .ill_elsewhere = (unsigned)random() % 3,
            .apps_well = (unsigned)random() % 4,
            .apps_refusing = (unsigned)random() % 8,
            .app_worked = random() % 2 == 0,
            .app_hosts_refused = (unsigned)random() % 5,
        };
        enum reason r;

        f.unknown_ca = f.alerts > 0 ? (unsigned)random() % (f.alerts + 1) : 0;
        r = reason_of(&f);
        if (!reason_counts(r))
            continue;
        assert_true(f.control && !f.worked && f.hosts_refused < REASON_HOSTS_REFUSED);
        assert_true(f.alerts + f.silent >= f.needed);
        assert_true(f.alerts >= f.needed || f.weak == 0);
        if (r == REASON_PIN)
            assert_true(f.app_worked || f.app_hosts_refused < REASON_HOSTS_OF_APP);
    }
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (int r = 0; r < REASONS; r++) {
        enum reason back;

        assert_true(reason_words((enum reason)r)[0] != '\0');
        assert_int_equal(reason_find(reason_name((enum reason)r), &back), 0);
        assert_int_equal(back, r);
    }
    assert_int_not_equal(reason_find("pins", &(enum reason){ 0 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fact_turns_it),
        cmocka_unit_test(its_own_store),
        cmocka_unit_test(most_apps_refuse),
        cmocka_unit_test(silence_needs_a_sound_network),
        cmocka_unit_test(chance),
        cmocka_unit_test(never_without),
        cmocka_unit_test(every_reason_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
