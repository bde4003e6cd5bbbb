/* What `gate why` and `gate top` are told of sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "gate/worker/history.h"

static struct addr address(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, span_str(text), 40000), 0);
    return a;
}

static struct audit_record record(const char *host, const char *client)
{
    return (struct audit_record){
        .kind = AUDIT_SESSION,
        .began_ms = 1795262400000,
        .ended_ms = 1795262400250,
        .entrance = "http",
        .client = address(client),
        .destination = address("203.0.113.9:443"),
        .host = host,
        .port = 443,
        .ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1",
        .action = "inspect",
        .rule = "undefined",
        .outcome = AUDIT_CLIENT_FAILED,
        .failed_at = "greet",
        .error = "the client said \"unknown CA\"",
        .client_leg = { .version = 0x0304, .suite = 0x1301, .alert_received = 48 },
        .server_leg = { .version = 0x0303, .alpn = "h2" },
        .forged = true,
        .origin_sha256 = { 0xab, 0xcd },
    };
}

/* The answer, parsed: whatever stands in a record, it is JSON. */
static json_t *ask(const struct history *h, const char *host, const char *client)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 20);
    json_t *answer, *attempts;

    assert_int_equal(history_why(h, host, client, &json), 0);
    answer = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(answer);
    attempts = json_incref(json_object_get(answer, "attempts"));
    json_decref(answer);
    assert_true(json_is_array(attempts));
    return attempts;
}

static size_t count(const struct history *h, const char *host, const char *client)
{
    json_t *attempts = ask(h, host, client);
    size_t n = json_array_size(attempts);

    json_decref(attempts);
    return n;
}

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

static void test_what_is_told(void **state)
{
    struct history *h;
    struct audit_record r = record("app.shop.test", "192.0.2.7");
    json_t *attempts, *one, *leg;

    (void)state;
    assert_int_equal(history_new(&h), 0);
    history_add(h, &r);
    attempts = ask(h, "app.shop.test", NULL);
    assert_int_equal(json_array_size(attempts), 1);
    one = json_array_get(attempts, 0);
    assert_string_equal(word(one, "client"), "192.0.2.7");
    assert_string_equal(word(one, "destination"), "203.0.113.9:443");
    assert_string_equal(word(one, "outcome"), "client-failed");
    assert_string_equal(word(one, "failed_at"), "greet");
    assert_string_equal(word(one, "error"), "the client said \"unknown CA\"");
    assert_int_equal(json_integer_value(json_object_get(one, "took_ms")), 250);
    assert_true(json_is_true(json_object_get(one, "forged")));
    assert_memory_equal(word(one, "origin_sha256"), "abcd0000", 8);
    assert_null(json_object_get(one, "forged_sha256"));
    leg = json_object_get(one, "client_leg");
    assert_int_equal(json_integer_value(json_object_get(leg, "alert_received")), 48);
    assert_int_equal(json_integer_value(json_object_get(leg, "version")), 0x0304);
    leg = json_object_get(one, "server_leg");
    assert_string_equal(word(leg, "alpn"), "h2");
    json_decref(attempts);
    history_free(h);
}

static void test_who_is_meant(void **state)
{
    struct history *h;
    struct audit_record r = record("app.shop.test", "192.0.2.7");

    (void)state;
    assert_int_equal(history_new(&h), 0);
    history_add(h, &r);
    r = record("shop.test", "2001:db8::7");
    history_add(h, &r);
    r = record("otherapp.shop.test", "192.0.2.8");
    r.sni = "hidden.test";
    history_add(h, &r);
    r = record("myshop.test", "192.0.2.8");
    history_add(h, &r);
    r.kind = AUDIT_EVENT;
    history_add(h, &r);
    assert_int_equal(count(h, "app.shop.test", NULL), 1);
    assert_int_equal(count(h, "APP.shop.TEST", NULL), 1);
    assert_int_equal(count(h, "shop.test", NULL), 1);
    assert_int_equal(count(h, ".shop.test", NULL), 3);
    assert_int_equal(count(h, ".shop.test", "192.0.2.8"), 1);
    assert_int_equal(count(h, ".shop.test", "2001:DB8:0::7"), 1);
    assert_int_equal(count(h, ".shop.test", "no address"), 0);
    assert_int_equal(count(h, "hidden.test", NULL), 1);
    assert_int_equal(count(h, "", NULL), 0);
    assert_int_equal(count(h, ".", NULL), 0);
    assert_int_equal(count(h, "myshop.test", NULL), 1);
    history_free(h);
}

static void test_newest_first_and_bounded(void **state)
{
    struct history *h;
    json_t *attempts;
    char first[32] = "host-0.test";

    (void)state;
    assert_int_equal(history_new(&h), 0);
    for (int i = 0; i < HISTORY_MAX + 5; i++) {
        char host[32];
        struct audit_record r;

        snprintf(host, sizeof(host), "host-%d.test", i);
        r = record(host, "192.0.2.7");
        history_add(h, &r);
    }
    assert_int_equal(count(h, first, NULL), 0);
    assert_int_equal(count(h, "host-4.test", NULL), 0);
    assert_int_equal(count(h, "host-5.test", NULL), 1);
    attempts = ask(h, ".test", NULL);
    assert_int_equal(json_array_size(attempts), 20);
    for (int i = 0; i < 20; i++) {
        char host[32];

        snprintf(host, sizeof(host), "host-%d.test", HISTORY_MAX + 4 - i);
        assert_string_equal(word(json_array_get(attempts, (size_t)i), "host"), host);
    }
    json_decref(attempts);
    history_free(h);
}

static void test_a_session_of_top(void **state)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16);
    struct audit_record r = record("app.shop.test", "192.0.2.7");
    json_t *o;

    (void)state;
    r.bytes_down = UINT64_C(5000000000);
    history_session_json(&json, &r, r.began_ms + 1234);
    assert_int_equal(buf_error(&json), 0);
    o = json_loadb((const char *)json.data, json.len, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "age_ms")), 1234);
    assert_int_equal(json_integer_value(json_object_get(o, "bytes_down")), 5000000000);
    assert_string_equal(word(o, "host"), "app.shop.test");
    json_decref(o);
}

/* Twenty of the largest records fit into one message. */
static void test_the_longest_answer(void **state)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(128 * 1024);
    struct history *h;
    char big[600];
    struct audit_record r;

    (void)state;
    memset(big, '"', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    r = record("app.shop.test", "192.0.2.7");
    r.user = r.sni = r.asked = r.reason = r.rule = r.error = r.weakened = r.findings = big;
    assert_int_equal(history_new(&h), 0);
    for (int i = 0; i < 30; i++)
        history_add(h, &r);
    assert_int_equal(history_why(h, "app.shop.test", NULL, &json), 0);
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told),     cmocka_unit_test(test_who_is_meant),
        cmocka_unit_test(test_newest_first_and_bounded), cmocka_unit_test(test_a_session_of_top),
        cmocka_unit_test(test_the_longest_answer),
    };

    return cmocka_run_group_tests_name("gate/history", tests, NULL, NULL);
}
