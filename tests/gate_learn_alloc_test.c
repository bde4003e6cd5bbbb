/* Every allocation fails once while clients are learned of: it is told, nothing leaks, and what
 * is learned never holds for more than it would have held for with memory to spare. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "gate/learn/learner.h"

enum { NOW = 1795300000, ROOM = 1 << 20 };

static const struct gate_config config = {
    .learner = { .mode = GATE_LEARN_APPLY, .failures = 3, .window_s = 600, .lifetime_s = 86400 },
};

static const struct learn_evidence evidence[] = {
    { .sign = LEARN_USED, .client = "192.0.2.7", .ja4 = "a", .host = "www.test", .at = { NOW } },
    { .sign = LEARN_ALERT_CERTIFICATE, .alert = 46, .client = "192.0.2.7", .ja4 = "b",
      .host = "pin.test", .at = { NOW + 1 } },
    { .sign = LEARN_ALERT_CERTIFICATE, .alert = 46, .client = "192.0.2.7", .ja4 = "b",
      .host = "pin.test", .at = { NOW + 2 } },
    { .sign = LEARN_ALERT_CERTIFICATE, .alert = 46, .client = "192.0.2.7", .ja4 = "b",
      .host = "pin.test", .at = { NOW + 3 } },
    { .sign = LEARN_CLOSED_AFTER_CERT, .client = "192.0.2.8", .ja4 = "c", .host = "other.test",
      .at = { NOW + 20 } },
};

static const struct gate_consent consent = {
    .client = "192.0.2.7", .host = "old.test", .port = 443, .key = "sha256/A",
    .findings = "expired", .until = { NOW + 1000 },
};

static void folder_make(char folder[64])
{
    snprintf(folder, 64, "%s/mw-learn-alloc-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
}

static void folder_drop(const char *folder)
{
    static const char *const names[] = { "learned.db", "learned.db-wal", "learned.db-shm" };
    char path[96];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static int learn_all(struct learner *l)
{
    bool changed;
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(evidence); i++) {
        int one = learner_take(l, &evidence[i], &changed);

        assert_true(one == 0 || one == -ENOMEM);
        rc = rc != 0 ? rc : one;
    }
    return rc;
}

static int ask_all(struct learner *l)
{
    static const char *const questions[] = {
        "{\"ask\":\"learned\"}",
        "{\"ask\":\"consents\"}",
        "{\"ask\":\"learned\",\"do\":\"remove\",\"id\":\"pin-1\"}",
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(questions); i++) {
        CLEANUP(buf_deinit) struct buf answer = BUF_INIT(ROOM);
        bool changed;

        rc = learner_query(l, (struct mw_wall){ NOW + 20 }, span_str(questions[i]), &answer,
                           &changed);
    }
    return rc;
}

static int lists(struct learner *l)
{
    CLEANUP(own_free) struct gate_learned *learned = NULL;
    CLEANUP(own_free) struct gate_consent *consents = NULL;
    size_t n = 0;
    int rc = learner_learned(l, (struct mw_wall){ NOW + 20 }, &learned, &n);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        assert_string_equal(learned[i].host, "pin.test");
        assert_string_equal(learned[i].client, "192.0.2.7");
        assert_string_equal(learned[i].ja4, "b");
    }
    if (rc == 0)
        rc = learner_consents(l, (struct mw_wall){ NOW + 20 }, &consents, &n);
    return rc;
}

static bool run_learner(void *context, size_t nth)
{
    CLEANUP(store_closep) struct store *store = NULL;
    struct learner *l = NULL;
    char folder[64];
    bool failed;
    int rc;

    (void)context;
    folder_make(folder);
    alloc_fail_arm(nth);
    rc = learner_store_open(&store, folder, NULL);
    if (rc == 0)
        rc = learner_new(&l, store, &config);
    if (rc == 0)
        rc = learn_all(l);
    if (rc == 0)
        rc = learner_consent(l, &consent);
    if (rc == 0)
        rc = lists(l);
    if (rc == 0)
        rc = ask_all(l);
    learner_free(l);
    l = NULL;
    if (rc == 0)
        rc = learner_new(&l, store, &config);   /* all of it read back */
    failed = alloc_fail_disarm();
    if (rc == 0)
        assert_int_equal(lists(l), 0);
    learner_free(l);
    assert_int_equal(rc, failed ? -ENOMEM : 0);
    store_close(own_steal(&store));
    folder_drop(folder);
    return failed;
}

static void a_learner(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_learner, NULL) >= 40);
}

static bool run_messages(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf learn = BUF_INIT(ROOM), learned = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf consents = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    const struct gate_learned some = { "pin-1", "a.test", "b", "192.0.2.7", { NOW } };
    struct learn_evidence e;
    struct gate_learned *items;
    struct gate_consent *all;
    bool failed;
    size_t n;
    int rc;

    (void)context;
    alloc_fail_arm(nth);
    learn_write(&learn, &evidence[1]);
    learned_write(&learned, &some, 1);
    consents_write(&consents, &consent, 1);
    rc = buf_error(&learn) | buf_error(&learned) | buf_error(&consents);
    if (rc == 0)
        rc = learn_read(&e, buf_span(&learn), &arena);
    if (rc == 0)
        rc = learned_read(&items, &n, buf_span(&learned), &arena);
    if (rc == 0)
        rc = consents_read(&all, &n, buf_span(&consents), &arena);
    failed = alloc_fail_disarm();
    assert_int_equal(rc, failed ? -ENOMEM : 0);
    return failed;
}

static void messages(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_messages, NULL) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_learner),
        cmocka_unit_test(messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
