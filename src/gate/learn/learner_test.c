/* The learner under floods, bad networks, a failing store and people's questions. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/learn/inside.h"

enum { BEGIN_S = 1795300000, DAY_S = 86400, RUNS = 10000, TURNS = 40, HOSTILE = 1000000 };

struct fixture {
    char folder[64];
    struct store *store;
    struct gate_config config;
    struct learner *learner;
    struct mw_wall now;
};

static void open_it(struct fixture *f)
{
    char error[256] = "";

    if (learner_store_open(&f->store, f->folder, error) != 0)
        fail_msg("%s", error);
    assert_int_equal(learner_new(&f->learner, f->store, &f->config), 0);
}

static void close_it(struct fixture *f)
{
    learner_free(f->learner);
    store_close(f->store);
}

/* In memory if there is a place for it: what these tests write is not theirs to keep. */
static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->now.s = BEGIN_S;
    f->config.learner.mode = GATE_LEARN_APPLY;
    f->config.learner.failures = 3;
    f->config.learner.window_s = 600;
    f->config.learner.lifetime_s = 7 * DAY_S;
    snprintf(f->folder, sizeof f->folder, "%s/mw-learner-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    open_it(f);
}

static void fixture_deinit(struct fixture *f)
{
    static const char *const files[] = { "learned.db", "learned.db-wal", "learned.db-shm" };
    char path[128];

    close_it(f);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->folder), 0);
}

static bool take(struct fixture *f, const char *client, const char *ja4, const char *host,
                 enum learn_sign sign, uint8_t alert)
{
    const struct learn_evidence e = { .sign = sign, .alert = alert, .client = client,
                                      .ja4 = ja4, .host = host, .port = 443, .at = f->now };
    bool changed;

    assert_int_equal(learner_take(f->learner, &e, &changed), 0);
    return changed;
}

static void pin_learn(struct fixture *f, const char *client, const char *host)
{
    take(f, client, "browser", "www.example.com", LEARN_USED, 0);
    for (int i = 0; i < 3; i++) {
        f->now.s += 5;
        take(f, client, "app", host, LEARN_ALERT_CERTIFICATE, 46);
    }
}

static size_t in_force(struct fixture *f)
{
    struct gate_learned *items;
    size_t n;

    assert_int_equal(learner_learned(f->learner, f->now, &items, &n), 0);
    free(items);
    return n;
}

static unsigned seed(void)
{
    const char *given = getenv("LEARN_SEED");
    unsigned s = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    printf("LEARN_SEED=%u\n", s);
    srandom(s);
    return s;
}

/* ---- bad networks ---- */

/* What a network can do to a handshake: anything but make a client send a certificate alert. */
static enum learn_sign trouble(int kinds)
{
    static const enum learn_sign all[] = { LEARN_CLOSED_AFTER_CERT, LEARN_CLOSED_UNUSED,
                                           LEARN_RESET_AFTER_CERT, LEARN_TIMED_OUT,
                                           LEARN_ALERT_OTHER };

    return all[random() % kinds];
}

/* One client, a few apps and hosts, everything failing at one rate.  A fresh client each time. */
static void flaky_run(struct fixture *f, int run)
{
    char client[32], host[64], ja4[32];
    int hosts = 1 + (int)(random() % 6), apps = 1 + (int)(random() % 3);
    int rate = 5 + (int)(random() % 91), kinds = 1 + (int)(random() % 5);

    snprintf(client, sizeof client, "2001:db8::%x", run);
    for (int i = 0; i < TURNS; i++) {
        bool fails = random() % 100 < rate;

        f->now.s += random() % 3;
        snprintf(host, sizeof host, "h%d.r%d.example", (int)(random() % hosts), run);
        snprintf(ja4, sizeof ja4, "app%d", (int)(random() % apps));
        take(f, client, ja4, host, fails ? trouble(kinds) : LEARN_USED, 0);
    }
}

static void a_bad_network_teaches_nothing(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    seed();
    for (int run = 0; run < RUNS; run++) {
        flaky_run(&f, run);
        if (f.learner->exceptions.n > 0)
            fail_msg("run %d: %s was learned", run,
                     exception_of(f.learner->exceptions.newest)->host);
    }
    fixture_deinit(&f);
}

/* And a pinned app is found on such a network all the same, as long as it says what it minds. */
static void a_pin_is_found_on_a_bad_network(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    seed();
    for (int i = 0; i < 300; i++) {
        f.now.s += 1;
        take(&f, "192.0.2.7", "browser", "www.example.com",
             random() % 2 == 0 ? LEARN_USED : trouble(5), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in_force(&f), 0);
        f.now.s += 5;
        take(&f, "192.0.2.7", "app", "pin.example", LEARN_ALERT_CERTIFICATE, 46);
        f.now.s += 1;
        take(&f, "192.0.2.7", "browser", "www.example.com", LEARN_USED, 0);
    }
    assert_int_equal(in_force(&f), 1);
    fixture_deinit(&f);
}

/* ---- floods ---- */

static void hostile_one(struct fixture *f)
{
    static const uint8_t alerts[] = { 42, 46, 48, 0 };
    char client[32], host[64], ja4[32];

    f->now.s += random() % 50 == 0;
    snprintf(client, sizeof client, "192.0.2.%d", (int)(random() % 20000));
    snprintf(ja4, sizeof ja4, "t13d%d", (int)(random() % 30000));
    snprintf(host, sizeof host, "h%d.example", (int)(random() % 100000));
    take(f, random() % 4 == 0 ? "192.0.2.1" : client, random() % 4 == 0 ? "same" : ja4, host,
         (enum learn_sign)(random() % LEARN_SIGNS), alerts[random() % 4]);
}

static void a_flood_is_bounded(void **state)
{
    struct fixture f;
    const struct device *d;
    sqlite3_stmt *rows;

    (void)state;
    fixture_init(&f);
    seed();
    for (int i = 0; i < HOSTILE; i++)
        hostile_one(&f);
    assert_true(f.learner->evidence.devices.n <= EVIDENCE_DEVICES);
    assert_true(f.learner->evidence.apps.n <= EVIDENCE_APPS);
    assert_true(f.learner->evidence.suspects.n <= EVIDENCE_CASES);
    assert_true(f.learner->exceptions.n <= INSIDE_EXCEPTIONS);
    d = evidence_device(&f.learner->evidence, "192.0.2.1");
    assert_non_null(d);
    assert_true(d->cases <= EVIDENCE_CASES_OF_CLIENT && d->apps <= EVIDENCE_APPS_OF_CLIENT);
    assert_true(in_force(&f) <= LEARN_MAX_LEARNED);
    rows = store_prepare(f.store, "SELECT count(*) FROM event");
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    assert_true(sqlite3_column_int(rows, 0) <= 20000 + INSIDE_PENDING);
    sqlite3_reset(rows);
    fixture_deinit(&f);
}

/* A client that pins on purpose gets its share, and nobody else's sessions. */
static void one_client_cannot_fill_it(void **state)
{
    struct fixture f;
    struct gate_learned *items;
    char host[64];
    size_t n;

    (void)state;
    fixture_init(&f);
    for (int i = 0; i < 1000; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        pin_learn(&f, "192.0.2.66", host);
    }
    assert_int_equal(learner_learned(f.learner, f.now, &items, &n), 0);
    assert_true(n <= INSIDE_OF_CLIENT);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(items[i].client, "192.0.2.66");
    free(items);
    assert_true(f.learner->full);
    pin_learn(&f, "192.0.2.7", "api.bank.example");
    assert_non_null(learner_exception(f.learner, "app", "api.bank.example"));
    fixture_deinit(&f);
}

/* A worker that says it is tomorrow, or next year, makes nothing else old. */
static void the_future_is_not_believed(void **state)
{
    struct fixture f;
    bool changed;

    (void)state;
    fixture_init(&f);
    assert_int_equal(learner_tick(f.learner, f.now, &changed), 0);
    f.now.s += 365 * DAY_S;
    take(&f, "192.0.2.66", "x", "x.example", LEARN_USED, 0);
    f.now.s -= 365 * DAY_S;
    pin_learn(&f, "192.0.2.7", "api.bank.example");
    assert_int_equal(in_force(&f), 1);
    fixture_deinit(&f);
}

/* ---- the store ---- */

static void query_only(struct fixture *f, const char *sql)
{
    sqlite3_stmt *st = store_prepare(f->store, sql);

    assert_non_null(st);
    sqlite3_step(st);
    sqlite3_reset(st);
}

/* A store that cannot be written stops nothing, and hears it all when it can be again. */
static void a_full_disk_is_survived(void **state)
{
    struct fixture f;
    bool told = false;

    (void)state;
    fixture_init(&f);
    pin_learn(&f, "192.0.2.7", "gone.example");
    query_only(&f, "PRAGMA query_only = ON");
    take(&f, "192.0.2.7", "browser", "www.example.com", LEARN_USED, 0);
    for (int i = 0; i < 3; i++) {
        const struct learn_evidence e = { .sign = LEARN_ALERT_CERTIFICATE, .alert = 46,
                                          .client = "192.0.2.7", .ja4 = "app",
                                          .host = "kept.example", .at = { f.now.s += 20 } };
        bool changed;

        told |= learner_take(f.learner, &e, &changed) > 0;
    }
    assert_true(told);
    assert_int_equal(in_force(&f), 2);
    query_only(&f, "PRAGMA query_only = OFF");
    f.now.s += 20;
    take(&f, "192.0.2.7", "browser", "www.example.com", LEARN_USED, 0);
    close_it(&f);
    open_it(&f);
    assert_int_equal(in_force(&f), 2);
    fixture_deinit(&f);
}

/* Nor does what ended meanwhile come back. */
static void an_end_on_a_full_disk_is_an_end(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    pin_learn(&f, "192.0.2.7", "gone.example");
    pin_learn(&f, "192.0.2.7", "kept.example");
    f.now.s += 700;                     /* beyond the window: it is not learned again */
    query_only(&f, "PRAGMA query_only = ON");
    assert_true(learner_drop(f.learner, learner_exception(f.learner, "app", "gone.example")) > 0);
    query_only(&f, "PRAGMA query_only = OFF");
    take(&f, "192.0.2.7", "browser", "www.example.com", LEARN_USED, 0);
    close_it(&f);
    open_it(&f);
    assert_int_equal(in_force(&f), 1);
    assert_non_null(learner_exception(f.learner, "app", "kept.example"));
    fixture_deinit(&f);
}

/* Rows that nobody of ours wrote are passed over; none of them becomes an exception for all. */
static void strange_rows_are_passed_over(void **state)
{
    static const char *const rows[] = {
        "INSERT INTO exception VALUES (90,'app','a.example','not plain text','pin','in force',0,"
        "1795300000,1799999999,1797000000,'46=3 ','0','x ',1,1,0,0,0)",
        "INSERT INTO exception VALUES (91,'app','','192.0.2.7','pin','in force',0,"
        "1795300000,1799999999,1797000000,'46=3 ','0','x ',1,1,0,0,0)",
        "INSERT INTO exception VALUES (92,'app','c.example','192.0.2.7','whim','in force',0,"
        "1795300000,1799999999,1797000000,'46=3 ','0','x ',1,1,0,0,0)",
        "INSERT INTO exception VALUES (93,'app','d.example','192.0.2.7','pin','in force',0,"
        "1795300000,99999999999999,1797000000,'46=3 ','0','x ',1,1,0,0,0)",
        "INSERT INTO exception VALUES (94,'app','e.example','192.0.2.7','pin','in force',0,"
        "1795300000,1799999999,1797000000,'nonsense 46 =3 999=1 46=0','0','',1,1,0,0,0)",
        "INSERT INTO event VALUES (1795300000, 77, 46, '192.0.2.7', 'app', 'f.example')",
        "INSERT INTO event VALUES (1795300000, 1, 46, '', 'app', 'f.example')",
        "INSERT INTO consent VALUES (1, '', 'g.example', 443, 'k', '', 1, 1799999999)",
    };
    struct gate_consent *consents;
    struct fixture f;
    size_t n;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(store_run(f.store, rows[i], NULL, 0), 0);
    close_it(&f);
    open_it(&f);
    assert_null(learner_exception(f.learner, "app", "a.example"));
    assert_null(learner_exception(f.learner, "app", "c.example"));
    assert_int_equal(in_force(&f), 1);          /* e.example; d.example is over */
    assert_non_null(learner_exception(f.learner, "app", "e.example"));
    assert_int_equal(learner_consents(f.learner, f.now, &consents, &n), 0);
    assert_int_equal(n, 0);
    free(consents);
    fixture_deinit(&f);
}

/* ---- people ---- */

static json_t *query(struct fixture *f, const char *text, bool *changed)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(1 << 20);
    json_t *o;

    assert_int_equal(learner_query(f->learner, f->now, span_str(text), &answer, changed), 0);
    o = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    assert_non_null(o);
    return o;
}

static const char *text_in(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    assert_non_null(s);
    return s;
}

static void people_are_told_why(void **state)
{
    struct fixture f;
    const char *text;
    json_t *o;
    bool changed;

    (void)state;
    fixture_init(&f);
    pin_learn(&f, "192.0.2.7", "api.bank.example");
    o = query(&f, "{\"ask\":\"learned\",\"do\":\"explain\",\"id\":\"pin-1\"}", &changed);
    assert_false(changed);
    text = text_in(o, "text");
    assert_non_null(strstr(text, "api.bank.example"));
    assert_non_null(strstr(text, "3 × alert certificate_unknown"));
    assert_non_null(strstr(text, "on 192.0.2.7 alone"));
    assert_non_null(strstr(text, "a pin"));
    assert_non_null(strstr(text, "in force until 2026-"));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "alerts"),
                                                        "certificate_unknown")), 3);
    json_decref(o);

    o = query(&f, "{\"ask\":\"learned\",\"do\":\"remove\",\"id\":\"pin-1\"}", &changed);
    assert_true(changed);
    assert_string_equal(text_in(o, "state"), "removed");
    json_decref(o);
    assert_int_equal(in_force(&f), 0);
    o = query(&f, "{\"ask\":\"learned\",\"do\":\"accept\",\"id\":\"pin-1\"}", &changed);
    assert_true(changed);
    json_decref(o);
    assert_int_equal(in_force(&f), 1);
    o = query(&f, "{\"ask\":\"learned\"}", &changed);
    assert_string_equal(text_in(o, "mode"), "apply");
    assert_int_equal(json_array_size(json_object_get(o, "learned")), 1);
    json_decref(o);
    fixture_deinit(&f);
}

static void bad_questions_are_answered(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "{}", "7", "{\"ask\":\"weather\"}", "{\"ask\":7}",
        "{\"ask\":\"learned\",\"do\":\"forget\",\"id\":\"pin-1\"}",
        "{\"ask\":\"learned\",\"do\":\"accept\"}",
        "{\"ask\":\"learned\",\"do\":\"accept\",\"id\":\"pin-9\"}",
        "{\"ask\":\"consents\",\"do\":\"accept\"}",
        "{\"ask\":\"consents\",\"do\":\"remove\",\"id\":\"consent-9\"}",
    };
    struct fixture f;
    bool changed;

    (void)state;
    fixture_init(&f);
    pin_learn(&f, "192.0.2.7", "api.bank.example");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *o = query(&f, bad[i], &changed);

        assert_false(changed);
        assert_non_null(json_object_get(o, "error"));
        json_decref(o);
    }
    assert_int_equal(in_force(&f), 1);
    fixture_deinit(&f);
}

/* ---- consents ---- */

static struct gate_consent consent_of(struct fixture *f, const char *client, int64_t life_s)
{
    return (struct gate_consent){ .client = client, .host = "old.example", .port = 443,
                                  .key = "sha256/AAAA", .findings = "expired",
                                  .until = { f->now.s + life_s } };
}

static size_t consents(struct fixture *f)
{
    struct gate_consent *items;
    size_t n;

    assert_int_equal(learner_consents(f->learner, f->now, &items, &n), 0);
    free(items);
    return n;
}

static void consents_are_kept_until_they_end(void **state)
{
    struct fixture f;
    struct gate_consent c;
    bool changed;
    json_t *o;

    (void)state;
    fixture_init(&f);
    c = consent_of(&f, "192.0.2.7", 100);
    assert_int_equal(learner_consent(f.learner, &c), 0);
    c.until.s += 100;                   /* once more: it lasts longer, it is not two */
    assert_int_equal(learner_consent(f.learner, &c), 0);
    c = consent_of(&f, "192.0.2.8", 50);
    assert_int_equal(learner_consent(f.learner, &c), 0);
    assert_int_equal(consents(&f), 2);
    close_it(&f);
    open_it(&f);
    assert_int_equal(consents(&f), 2);
    f.now.s += 50;
    assert_int_equal(consents(&f), 1);
    o = query(&f, "{\"ask\":\"consents\",\"do\":\"list\"}", &changed);
    o = (json_decref(o), query(&f, "{\"ask\":\"consents\",\"do\":\"remove\",\"id\":\"consent-2\"}",
                               &changed));
    assert_true(changed);
    assert_string_equal(text_in(o, "removed"), "consent-2");
    json_decref(o);
    assert_int_equal(consents(&f), 0);
    close_it(&f);
    open_it(&f);
    assert_int_equal(consents(&f), 0);
    c.key = "";
    assert_int_equal(learner_consent(f.learner, &c), -EINVAL);
    fixture_deinit(&f);
}

static void consents_are_bounded(void **state)
{
    struct fixture f;
    char client[32], host[64];

    (void)state;
    fixture_init(&f);
    for (int i = 0; i < 1300; i++) {
        struct gate_consent c;

        snprintf(client, sizeof client, "192.0.2.%d", i < 200 ? 0 : i);
        snprintf(host, sizeof host, "h%d.example", i);
        c = consent_of(&f, client, DAY_S);
        c.host = host;
        assert_int_equal(learner_consent(f.learner, &c), 0);
        if (i == 199)
            assert_int_equal(consents(&f), 100);        /* of one client */
    }
    assert_int_equal(consents(&f), LEARN_MAX_CONSENTS);
    assert_true(f.learner->consents_bytes <= LEARN_CONSENTS_BYTES);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_network_teaches_nothing),
        cmocka_unit_test(a_pin_is_found_on_a_bad_network),
        cmocka_unit_test(a_flood_is_bounded),
        cmocka_unit_test(one_client_cannot_fill_it),
        cmocka_unit_test(the_future_is_not_believed),
        cmocka_unit_test(a_full_disk_is_survived),
        cmocka_unit_test(an_end_on_a_full_disk_is_an_end),
        cmocka_unit_test(strange_rows_are_passed_over),
        cmocka_unit_test(people_are_told_why),
        cmocka_unit_test(bad_questions_are_answered),
        cmocka_unit_test(consents_are_kept_until_they_end),
        cmocka_unit_test(consents_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
