/* A person's "continue anyway" is for one client, site, port, key and set of findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/door/door.h"
#include "gate/worker/worker.h"

static const struct mw_wall now = { 1800000000 };

static const struct gate_consent anna = {
    .client = "192.0.2.7", .host = "site.test", .port = 443, .key = "sha256/AAAA=",
    .findings = "expired site.test", .until = { 1800000600 },
};

/* Each differs from Anna's in one thing. */
static void others(struct gate_consent out[5])
{
    for (size_t i = 0; i < 5; i++)
        out[i] = anna;
    out[0].client = "192.0.2.70";
    out[1].host = "www.site.test";
    out[2].port = 8443;
    out[3].key = "sha256/BBBB=";
    out[4].findings = "expired site.test,wrong-name";
}

static int setup(void **state)
{
    struct worker *w = calloc(1, sizeof(*w));

    *state = w;
    if (w == NULL)
        return -1;
    memset(w->consent_key[0], 0x11, sizeof(w->consent_key[0]));
    memset(w->consent_key[1], 0x22, sizeof(w->consent_key[1]));
    return 0;
}

static int teardown(void **state)
{
    struct worker *w = *state;

    w->consents = (struct consent_set){ .n = 0 };   /* the tests' own */
    consent_deinit(w);
    free(w);
    return 0;
}

static void a_path_is_for_one_purpose(void **state)
{
    struct worker *w = *state;
    struct gate_consent other[5];
    char path[CONSENT_PATH];

    others(other);
    consent_path(w, &anna, path);
    assert_int_equal(strlen(path), strlen(DOOR_CONTINUE) + 64);
    assert_true(consent_path_good(w, &anna, span_str(path)));
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_false(consent_path_good(w, &other[i], span_str(path)));
}

static void a_path_cannot_be_made_up(void **state)
{
    struct worker *w = *state;
    char path[CONSENT_PATH];
    size_t len;

    consent_path(w, &anna, path);
    len = strlen(path);
    assert_false(consent_path_good(w, &anna, span_of(path, len - 1)));
    assert_false(consent_path_good(w, &anna, span_str(DOOR_CONTINUE)));
    for (size_t i = 0; i < len; i++) {
        path[i] ^= 1;
        assert_false(consent_path_good(w, &anna, span_of(path, len)));
        path[i] ^= 1;
    }
    assert_true(consent_path_good(w, &anna, span_of(path, len)));
}

/* The keys change as hours go by: a page stays good for one change, and no longer. */
static void a_path_outlives_one_change_of_keys(void **state)
{
    struct worker *w = *state;
    char path[CONSENT_PATH];

    consent_path(w, &anna, path);
    memcpy(w->consent_key[1], w->consent_key[0], sizeof(w->consent_key[0]));
    memset(w->consent_key[0], 0x33, sizeof(w->consent_key[0]));
    assert_true(consent_path_good(w, &anna, span_str(path)));
    memcpy(w->consent_key[1], w->consent_key[0], sizeof(w->consent_key[0]));
    memset(w->consent_key[0], 0x44, sizeof(w->consent_key[0]));
    assert_false(consent_path_good(w, &anna, span_str(path)));
}

static void a_consent_covers_nothing_else(void **state)
{
    struct worker *w = *state;
    struct gate_consent given[2] = { anna, anna }, other[5];

    given[0].client = "192.0.2.99";
    others(other);
    assert_null(consent_find(w, &anna, now));
    w->consents = (struct consent_set){ .items = given, .n = 2 };
    assert_ptr_equal(consent_find(w, &anna, now), &given[1]);
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_null(consent_find(w, &other[i], now));
}

static void a_consent_ends(void **state)
{
    struct worker *w = *state;
    struct gate_consent given = anna;

    w->consents = (struct consent_set){ .items = &given, .n = 1 };
    assert_ptr_equal(consent_find(w, &anna, (struct mw_wall){ anna.until.s - 1 }), &given);
    assert_null(consent_find(w, &anna, anna.until));
}

/* The scribe writes it down before it tells of it, and an older message of its may come first. */
static void a_consent_holds_at_once(void **state)
{
    struct worker *w = *state;
    struct gate_consent given = anna, other[5], many;
    char host[32];

    others(other);
    consent_fresh(w, &anna);
    assert_non_null(consent_find(w, &anna, now));
    assert_null(consent_find(w, &anna, anna.until));
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_null(consent_find(w, &other[i], now));

    w->consents = (struct consent_set){ .items = &other[0], .n = 1 };
    consent_settle(w);
    assert_non_null(consent_find(w, &anna, now));   /* the scribe did not know it yet */
    w->consents = (struct consent_set){ .items = &given, .n = 1 };
    consent_settle(w);
    assert_ptr_equal(consent_find(w, &anna, now), &given);
    w->consents = (struct consent_set){ .n = 0 };   /* taken back */
    consent_settle(w);
    assert_null(consent_find(w, &anna, now));

    /* Few are waiting at a time: the oldest makes room. */
    consent_fresh(w, &anna);
    for (size_t i = 0; i < FRESH_CONSENTS; i++) {
        assert_non_null(consent_find(w, &anna, now));
        many = anna;
        snprintf(host, sizeof(host), "site%zu.test", i);
        many.host = host;
        consent_fresh(w, &many);
    }
    assert_null(consent_find(w, &anna, now));
    assert_non_null(consent_find(w, &many, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_path_is_for_one_purpose, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_cannot_be_made_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_outlives_one_change_of_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(a_consent_covers_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_consent_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_consent_holds_at_once, setup, teardown),
    };

    return cmocka_run_group_tests_name("consent", tests, NULL, NULL);
}
