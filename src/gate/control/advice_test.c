/* Each way to fail names who failed and something to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "gate/control/advice.h"
#include "gate/control/cli.h"
#include "gate/policy/config.h"

static unsigned snippets;       /* that were read as configuration */

struct sample {
    const char *attempt;
    enum advice_party who;
    const char *what, *change;  /* a part of each; change NULL: nothing is to be done */
};

#define HEAD "{\"host\":\"app.shop.test\",\"client\":\"192.0.2.7\",\"action\":\"inspect\","
#define GREETED                                                                                    \
    "\"forged\":true,\"client_leg\":{\"version\":772,\"alert_received\":%d},\"server_leg\":"       \
    "{\"version\":772},"

static void alerted(char text[1024], int alert)
{
    snprintf(text, 1024,
             HEAD GREETED "\"outcome\":\"client-failed\",\"failed_at\":\"bridge\","
                          "\"ja4\":\"t13d1516h2_8daaf6152771_e5627efa2ab1\"}",
             alert);
}

/* A finding that no setting lets pass is not offered as one. */
static void test_nothing_helps_a_revoked_server(void **state)
{
    CLEANUP(advice_deinit) struct advice a = ADVICE_INIT;
    json_t *attempt = json_loads(HEAD "\"outcome\":\"refused\",\"decided_by\":\"revoked\"}", 0,
                                 NULL);

    (void)state;
    advice_of(&a, attempt, "gate.shop.test");
    assert_null(strstr((const char *)a.change.data, "on {"));
    json_decref(attempt);
}

/* What is to be copied into the configuration is one that is read. */
static void expect_configuration(const struct buf *change)
{
    struct mw_span rest = buf_span(change), line;

    while (span_line(&rest, &line)) {
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
        CLEANUP(own_free) char *text = span_dup(span_cut(line, 1, line.len));
        struct gate_bundle *bundle = NULL;
        struct gate_config *config = NULL;

        assert_non_null(text);
        if (line.len == 0 || line.data[0] != '\t' || strncmp(text, "midwatch ", 9) == 0)
            continue;
        if (gate_bundle_read(&bundle, NULL, text, &error) != 0 ||
            gate_config_load(&config, bundle, &error) != 0)
            fail_msg("%s: %s", text, error.len > 0 ? (const char *)error.data : "");
        gate_config_unref(config);
        gate_bundle_free(bundle);
        snippets++;
    }
}

static void expect(const struct sample *s)
{
    CLEANUP(advice_deinit) struct advice a = ADVICE_INIT;
    json_t *attempt = json_loads(s->attempt, 0, NULL);

    assert_non_null(attempt);
    advice_of(&a, attempt, "gate.shop.test");
    assert_int_equal(buf_error(&a.what), 0);
    assert_int_equal(buf_error(&a.change), 0);
    if (a.who != s->who)
        fail_msg("%s: %s", s->attempt, advice_party_name(a.who));
    if (strstr((const char *)a.what.data, s->what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (const char *)a.what.data, s->what);
    if (s->change == NULL)
        assert_int_equal(a.change.len, 0);
    else if (a.change.len == 0 || strstr((const char *)a.change.data, s->change) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", s->attempt,
                 a.change.len > 0 ? (const char *)a.change.data : "", s->change);
    expect_configuration(&a.change);
    json_decref(attempt);
}

static void test_client_alerts(void **state)
{
    static const struct {
        int alert;
        const char *what, *change;
    } samples[] = {
        { 48, "\"unknown CA\" (alert 48)", "http://gate.shop.test/" },
        { 48, "refused our certificate", "{ names = app.shop.test; ja4 = t13d1516h2_8d" },
        { 46, "\"certificate unknown\"", "midwatch gate ca export" },
        { 42, "\"bad certificate\"", "it pins" },
        { 45, "\"certificate expired\"", "clock of the device" },
        { 43, "\"unsupported certificate\"", "too old" },
        { 70, "\"protocol version\"", "min-version" },
        { 40, "\"handshake failure\"", "exception \"app.shop.test\" { names = app.shop.test" },
        { 120, "\"no application protocol\"", "without the gate" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        char attempt[1024];
        struct sample s = { attempt, ADVICE_CLIENT, samples[i].what, samples[i].change };

        alerted(attempt, samples[i].alert);
        expect(&s);
    }
}

static const struct sample samples_of_the_rest[] = {
    /* pins without a word: after the certificate, or after the handshake */
    { HEAD "\"forged\":true,\"client_leg\":{\"version\":772},\"outcome\":\"client-failed\","
           "\"failed_at\":\"greet\"}",
      ADVICE_CLIENT, "without a word", "midwatch gate learned" },
    { HEAD "\"forged\":true,\"client_leg\":{\"version\":772},\"outcome\":\"completed\"}",
      ADVICE_CLIENT, "without a word", "exception \"app.shop.test\" { names = app.shop.test" },
    { HEAD "\"forged\":true,\"client_leg\":{\"version\":772},\"outcome\":\"completed\","
           "\"requests\":2,\"bytes_up\":300}",
      ADVICE_NOBODY, "went well", NULL },
    { HEAD "\"outcome\":\"client-failed\",\"failed_at\":\"door\",\"error\":\"no request\"}",
      ADVICE_CLIENT, "no request", "proxy settings" },
    /* an untrusted leaf is refused rightly */
    { HEAD "\"forged\":true,\"forged_untrusted\":true,\"client_leg\":{\"version\":772,"
           "\"alert_received\":48},\"outcome\":\"refused\",\"decided_by\":\"expired\"}",
      ADVICE_SERVER, "was not trusted", "on { expired = ask; }" },
    { HEAD "\"outcome\":\"refused\",\"decided_by\":\"self-signed\"}", ADVICE_SERVER,
      "(self-signed)", "midwatch check app.shop.test" },
    { HEAD "\"outcome\":\"refused\",\"decided_by\":\"revoked\"}", ADVICE_SERVER, "(revoked)",
      "midwatch check app.shop.test" },
    { "{\"host\":\"2001:db8::9\",\"outcome\":\"refused\",\"decided_by\":\"expired\"}",
      ADVICE_SERVER, "(expired)", "{ destination = \"2001:db8::9\"; on" },
    { "{\"host\":\"192.0.2.9\",\"outcome\":\"client-failed\",\"client_leg\":{\"version\":772,"
      "\"alert_received\":48}}",
      ADVICE_CLIENT, "refused our", "exception \"192.0.2.9\" { destination = \"192.0.2.9\"" },
    { HEAD "\"outcome\":\"refused\",\"decided_by\":\"\"}", ADVICE_SERVER, "was not trusted",
      "midwatch check app.shop.test" },
    { HEAD "\"outcome\":\"server-failed\",\"failed_at\":\"dial\",\"error\":\"refused\"}",
      ADVICE_SERVER, "refused", "midwatch check app.shop.test" },
    { HEAD "\"outcome\":\"server-failed\",\"server_leg\":{\"alert_received\":116}}",
      ADVICE_SERVER, "certificate required", "client-cert = bypass" },
    { HEAD "\"outcome\":\"server-failed\",\"server_leg\":{\"alert_received\":70}}",
      ADVICE_SERVER, "protocol version", "min-version" },
    { "{\"host\":\"app.shop.test\",\"action\":\"block\",\"rule\":\"rule 3 (games)\","
      "\"reason\":\"at work\",\"outcome\":\"blocked\"}",
      ADVICE_POLICY, "rule 3 (games): at work",
      "rule \"app.shop.test\" { names = app.shop.test; action = insp" },
    { "{\"host\":\"app.shop.test\",\"action\":\"block\",\"rule\":\"undefined\","
      "\"outcome\":\"blocked\"}",
      ADVICE_POLICY, "undefined", "undefined = block" },
    { HEAD "\"outcome\":\"blocked\",\"error\":\"tunnels without TLS are blocked\"}",
      ADVICE_POLICY, "no TLS", "not-tls = inspect" },
    { HEAD "\"outcome\":\"timed-out\",\"failed_at\":\"hello\"}", ADVICE_CLIENT, "too long",
      "limits { hello" },
    { HEAD "\"outcome\":\"timed-out\",\"failed_at\":\"dial\"}", ADVICE_SERVER, "too long",
      "limits { hello, dial" },
    { HEAD "\"outcome\":\"timed-out\",\"failed_at\":\"bridge\",\"requests\":1}",
      ADVICE_NOBODY, "too long", "tunnel-idle" },
    { HEAD "\"outcome\":\"overloaded\"}", ADVICE_GATE, "limit", "per-client" },
    { HEAD "\"outcome\":\"internal\",\"error\":\"out of memory\"}", ADVICE_GATE,
      "out of memory", "journalctl" },
    { "{\"host\":\"app.shop.test\",\"action\":\"bypass\",\"outcome\":\"completed\"}",
      ADVICE_NOBODY, "untouched", NULL },
    { "{}", ADVICE_NOBODY, "went well", NULL },
};

static void test_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples_of_the_rest); i++)
        expect(&samples_of_the_rest[i]);
    assert_true(snippets > 8);
}

static void test_amounts(void **state)
{
    static const struct {
        int64_t n;
        const char *count, *bytes;
    } samples[] = {
        { 0, "0", "0 B" },
        { 999, "999", "999 B" },
        { 1000, "1,000", "1.0 kB" },
        { 999499, "999,499", "999 kB" },
        { 999950, "999,950", "1.0 MB" },
        { 1234567890, "1,234,567,890", "1.2 GB" },
        { -5, "0", "0 B" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(64), c = BUF_INIT(64);

        cli_count(&b, samples[i].n);
        cli_bytes(&c, samples[i].n);
        assert_string_equal((const char *)b.data, samples[i].count);
        assert_string_equal((const char *)c.data, samples[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_alerts),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_nothing_helps_a_revoked_server),
        cmocka_unit_test(test_amounts),
    };

    return cmocka_run_group_tests_name("gate/advice", tests, NULL, NULL);
}
