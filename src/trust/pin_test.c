/*
 * Pins: how they are written, which names they are for, and what a chain must show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "trust/cert.h"
#include "trust/pin.h"
#include "world.h"

#define KEY_A "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "sha256/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

/* ------------------------------------------------------------------------ lines ---- */

static int parsed(struct arena *arena, const char *line, struct mw_pin *out, struct buf *error)
{
    buf_truncate(error, 0);
    return pin_parse_line(span_str(line), arena, out, error);
}

static void good_lines_are_read(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);
    struct mw_pin pin;

    (void)state;
    assert_int_equal(parsed(&arena, "Shop.Test " KEY_A, &pin, &error), 0);
    assert_string_equal(pin.host, "shop.test");
    assert_string_equal(pin.spki, KEY_A);
    assert_false(pin.backup || pin.tree);
    assert_int_equal(pin.until.s, 0);
    assert_int_equal(
        parsed(&arena, "\t*.shop.test\t" KEY_A " backup until=2027-01-01  # note", &pin, &error),
        0);
    assert_string_equal(pin.host, "shop.test");
    assert_true(pin.backup && pin.tree);
    assert_int_equal(pin.until.s, 1798761600);
    assert_int_equal(parsed(&arena, ".shop.test " KEY_A, &pin, &error), 0);
    assert_true(pin.tree);
    /* Without its padding, as some print it; kept in the one form. */
    assert_int_equal(parsed(&arena,
                            "192.0.2.7 sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                            " tree",
                            &pin, &error),
                     0);
    assert_string_equal(pin.host, "192.0.2.7");
    assert_string_equal(pin.spki, KEY_A);
    assert_true(pin.tree);
    assert_int_equal(parsed(&arena, "   ", &pin, &error), 0);
    assert_null(pin.host);
    assert_int_equal(parsed(&arena, "# shop.test", &pin, &error), 0);
    assert_null(pin.host);
}

static void bad_lines_say_why(void **state)
{
    static const struct {
        const char *line;
        int r;
        const char *why;
    } cases[] = {
        {"shop.test",                             MW_E_SYNTAX, "sha256/"      },
        { "shop.test sha1/AAAA",                  MW_E_SYNTAX, "sha1/AAAA"    },
        { "shop.test sha256/AAAA",                MW_E_SYNTAX, "44 characters"},
        { "shop.test sha256/!!!!",                MW_E_SYNTAX, "Base64"       },
        { "shop.test " KEY_A "AAAA",              MW_E_SYNTAX, "Base64"       },
        { "no host " KEY_A,                       MW_E_SYNTAX, "host"         },
        { "a..test " KEY_A,                       MW_E_NAME,   "\"a..test\""  },
        { "shop.test " KEY_A " forever",          MW_E_SYNTAX, "\"forever\""  },
        { "shop.test " KEY_A " until=soon",       MW_E_SYNTAX, "until=2027"   },
        { "shop.test " KEY_A " until=2027-02-30", MW_E_SYNTAX, "date"         },
        { "shop.test " KEY_A " \x1b[2J",          MW_E_SYNTAX, "\\x1b[2J"     },
    };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_pin pin = { .host = "untouched" };

        assert_int_equal(parsed(&arena, cases[i].line, &pin, &error), cases[i].r);
        assert_string_equal(pin.host, "untouched");
        if (strstr((const char *)error.data, cases[i].why) == NULL)
            fail_msg("case %zu: \"%s\" does not say %s", i, (const char *)error.data, cases[i].why);
    }
}

static void the_policy_refuses_what_is_no_pin(void **state)
{
    struct mw_policy *p = NULL;

    (void)state;
    assert_int_equal(mw_policy_new(&p), 0);
    assert_int_equal(mw_policy_add_pin(p, &(struct mw_pin){ .host = "a.test", .spki = "x" }),
                     MW_E_SYNTAX);
    assert_non_null(strstr(mw_policy_error(p), "pin"));
    assert_int_equal(mw_policy_add_pin(p, &(struct mw_pin){ .host = "", .spki = KEY_A }),
                     MW_E_NAME);
    assert_int_equal(mw_policy_add_pin(p, &(struct mw_pin){ .spki = KEY_A }), MW_E_NAME);
    assert_int_equal(mw_policy_add_pin(p, &(struct mw_pin){ .host = "a.test" }), MW_E_SYNTAX);
    mw_policy_free(p);
}

/* ---------------------------------------------------------------------- judging ---- */

/* The pin text of a certificate's key. */
static const char *key_of(const struct mill_cert *c, struct buf *out)
{
    struct cert *parsed_cert = NULL;

    assert_int_equal(cert_parse(&parsed_cert, mill_cert_der(c)), 0);
    buf_truncate(out, 0);
    cert_spki_pin(parsed_cert, out);
    cert_free(parsed_cert);
    return (const char *)out->data;
}

static void pin(struct world *w, const char *host, const char *spki, bool backup, int64_t until)
{
    struct mw_pin p = { .host = host,
                        .spki = spki,
                        .backup = backup,
                        .until = { until == 0 ? 0 : world_day(until).s } };

    assert_int_equal(mw_policy_add_pin(w->policy, &p), 0);
}

static void any_key_of_the_path_will_do(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    const struct mill_cert *path[] = { w.leaf, w.ca, w.root };

    for (size_t i = 0; i < ARRAY_LEN(path); i++) {
        world_policy(&w);
        pin(&w, WORLD_HOST, key_of(path[i], &key), false, 0);
        pin(&w, WORLD_HOST, KEY_A, true, 0);
        world_judge(&w);
        assert_int_equal(w.v->outcome, MW_PRIVATE);
        assert_false(world_has(&w, MW_PIN_MISMATCH));
        assert_false(world_has(&w, MW_PIN_NO_BACKUP));
    }
    world_close(&w);
}

static void another_key_is_an_error(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    pin(&w, WORLD_HOST, KEY_A, false, 0);
    pin(&w, WORLD_HOST, KEY_B, true, 0);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(world_finding(&w, MW_PIN_MISMATCH)->severity, MW_ERROR);
    assert_int_equal(mw_attended_action(w.v), MW_REFUSE);
    world_close(&w);
}

/* The pinned authority's certificate, which anybody can send along, is not in the path. */
static void what_was_only_sent_does_not_count(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);
    struct mill_spec other = world_root();
    struct mw_span sent[3];
    struct mill_cert *pinned;
    EVP_PKEY *its_key = world_key(MILL_P256);
    struct world w;

    (void)state;
    other.subject = "CN=Pinned Root";
    pinned = world_issue(&other, its_key, NULL);
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    sent[0] = w.sent[0];
    sent[1] = w.sent[1];
    sent[2] = mill_cert_der(pinned);
    w.ev.sent = sent;
    w.ev.n_sent = 3;
    pin(&w, WORLD_HOST, key_of(pinned, &key), false, 0);
    world_judge(&w);
    assert_true(world_has(&w, MW_PIN_MISMATCH));
    mill_cert_free(pinned);
    EVP_PKEY_free(its_key);
    world_close(&w);
}

static void pins_lapse_open_with_a_word(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    pin(&w, WORLD_HOST, KEY_A, false, -1);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(world_finding(&w, MW_PIN_EXPIRED)->severity, MW_NOTE);
    assert_false(world_has(&w, MW_PIN_MISMATCH));
    /* One that still holds is applied all the same. */
    pin(&w, WORLD_HOST, KEY_B, false, 1);
    world_judge(&w);
    assert_true(world_has(&w, MW_PIN_EXPIRED));
    assert_true(world_has(&w, MW_PIN_MISMATCH));
    world_close(&w);
}

static void backups_are_watched(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    pin(&w, WORLD_HOST, key_of(w.leaf, &key), false, 0);
    world_judge(&w);
    assert_true(world_has(&w, MW_PIN_NO_BACKUP));
    assert_false(world_has(&w, MW_PIN_BACKUP_USED));

    world_policy(&w);
    pin(&w, WORLD_HOST, KEY_A, false, 0);
    pin(&w, WORLD_HOST, key_of(w.leaf, &key), true, 0);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_true(world_has(&w, MW_PIN_BACKUP_USED));
    assert_false(world_has(&w, MW_PIN_NO_BACKUP));
    world_close(&w);
}

static void trees_and_names(void **state)
{
    static const struct {
        const char *host;
        bool tree, applies;
    } cases[] = {
        {"www.shop.test",    false, true },
        { "WWW.shop.TEST",   false, true },
        { "shop.test",       true,  true },
        { "shop.test",       false, false},
        { "op.test",         true,  false},
        { "test",            true,  true },
        { "a.www.shop.test", true,  false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_pin p = { .host = cases[i].host, .tree = cases[i].tree, .spki = KEY_A };
        struct world w;

        world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
        assert_int_equal(mw_policy_add_pin(w.policy, &p), 0);
        world_judge(&w);
        if (world_has(&w, MW_PIN_MISMATCH) != cases[i].applies)
            fail_msg("case %zu", i);
        world_close(&w);
    }
}

static void the_nearest_name_decides(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);
    struct mw_pin wide = { .host = "shop.test", .tree = true, .spki = KEY_A };
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    assert_int_equal(mw_policy_add_pin(w.policy, &wide), 0);
    pin(&w, WORLD_HOST, key_of(w.leaf, &key), false, 0);
    world_judge(&w);
    assert_false(world_has(&w, MW_PIN_MISMATCH));
    /* The tree's pin takes over when the nearer one has lapsed. */
    world_policy(&w);
    assert_int_equal(mw_policy_add_pin(w.policy, &wide), 0);
    pin(&w, WORLD_HOST, key_of(w.leaf, &key), false, -1);
    world_judge(&w);
    assert_true(world_has(&w, MW_PIN_MISMATCH));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_are_read),
        cmocka_unit_test(bad_lines_say_why),
        cmocka_unit_test(the_policy_refuses_what_is_no_pin),
        cmocka_unit_test(any_key_of_the_path_will_do),
        cmocka_unit_test(another_key_is_an_error),
        cmocka_unit_test(what_was_only_sent_does_not_count),
        cmocka_unit_test(pins_lapse_open_with_a_word),
        cmocka_unit_test(backups_are_watched),
        cmocka_unit_test(trees_and_names),
        cmocka_unit_test(the_nearest_name_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
