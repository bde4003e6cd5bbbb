/* Every allocation fails once while questions are answered: nothing leaks, nothing is half an
 * answer, and what could not be remembered is missing from later answers. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "gate/control/advice.h"
#include "gate/control/metrics.h"
#include "gate/control/question.h"
#include "gate/worker/history.h"

static const struct audit_record record = {
    .kind = AUDIT_SESSION,
    .began_ms = 1795262400000,
    .ended_ms = 1795262400250,
    .host = "app.shop.test",
    .action = "inspect",
    .outcome = AUDIT_CLIENT_FAILED,
    .failed_at = "greet",
    .client_leg = { .version = 0x0304, .alert_received = 48 },
    .forged = true,
};

static bool run_history(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 20);
    struct history *h = NULL;
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = history_new(&h);
    if (r == 0) {
        history_add(h, &record);
        history_add(h, &record);
        r = history_why(h, "app.shop.test", NULL, &json);
    }
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && r == -ENOMEM));
    if (r == 0) {
        json_t *o = json_loadb((const char *)json.data, json.len, 0, NULL);
        size_t n = json_array_size(json_object_get(o, "attempts"));

        assert_true(n == 2 || (failed && n == 1));
        json_decref(o);
    }
    history_free(h);
    return failed;
}

static bool run_question(void *context, size_t nth)
{
    static const char *const said[] = {
        "{\"attempts\":[{\"at_ms\":30,\"host\":\"a.test\"},{\"at_ms\":10}]}",
        "{\"attempts\":[{\"at_ms\":20}]}",
    };
    struct question q;
    json_t *answer = NULL;
    char *text = NULL;
    bool failed, known, whole = false;

    (void)context;
    alloc_fail_arm(nth);
    known = question_init(&q, 7, 2, SPAN_LIT("{\"ask\":\"why\",\"host\":\"a.test\"}"));
    for (int i = 0; known && i < 2; i++)
        whole = question_take(&q, i, span_str(said[i]));
    if (known)
        answer = question_answer(&q);
    if (answer != NULL)
        text = json_dumps(answer, JSON_COMPACT);
    failed = alloc_fail_disarm();
    assert_true(failed || (known && whole && text != NULL));
    if (!failed)
        assert_int_equal(json_array_size(json_object_get(answer, "attempts")), 3);
    json_decref(answer);
    free(text);
    question_deinit(&q);
    return failed;
}

static bool run_metrics(void *context, size_t nth)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    const struct metrics m = { .counters = context, .workers = 1 };
    json_t *total;
    bool failed;

    alloc_fail_arm(nth);
    total = metrics_total(&m);
    metrics_text(&text, &m);
    failed = alloc_fail_disarm();
    assert_true(failed || (total != NULL && buf_error(&text) == 0));
    assert_true(total == NULL || json_integer_value(json_object_get(total, "accepted")) == 5);
    json_decref(total);
    return failed;
}

static bool run_advice(void *context, size_t nth)
{
    CLEANUP(advice_deinit) struct advice a = ADVICE_INIT;
    bool failed;

    alloc_fail_arm(nth);
    advice_of(&a, context, "gate.shop.test");
    failed = alloc_fail_disarm();
    assert_int_equal(a.who, ADVICE_CLIENT);
    assert_true(failed || (buf_error(&a.what) == 0 && buf_error(&a.change) == 0));
    return failed;
}

static void test_history(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_history, NULL) > 5);
}

static void test_question(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_question, NULL) > 20);
}

static void test_metrics(void **state)
{
    struct gate_counters *page;
    int fd;

    (void)state;
    assert_int_equal(counters_new(&fd), 0);
    assert_int_equal(counters_map(&page, fd), 0);
    close(fd);
    counter_add(&page->accepted, 5);
    assert_true(alloc_fail_each(run_metrics, &page) > 20);
    counters_unmap(page);
}

static void test_advice(void **state)
{
    json_t *attempt = json_loads("{\"host\":\"app.shop.test\",\"outcome\":\"client-failed\","
                                 "\"client_leg\":{\"version\":772,\"alert_received\":48}}", 0,
                                 NULL);

    (void)state;
    assert_non_null(attempt);
    assert_true(alloc_fail_each(run_advice, attempt) >= 2);
    json_decref(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_question),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_advice),
    };

    json_set_alloc_funcs(malloc, free);         /* jansson's fail too */
    return cmocka_run_group_tests_name("gate/control, memory", tests, NULL, NULL);
}
