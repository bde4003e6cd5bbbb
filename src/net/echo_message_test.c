#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>

#include "net/echo_message.h"

struct fixture {
    EVP_PKEY *key;
    struct echo_claim claim;
    char pin[ECHO_PIN_TEXT];
    struct buf json;
};

static const uint8_t hello[] = { 1, 0, 0, 4, 3, 3, 0xaa, 0xbb };

static void fixture_init(struct fixture *f, EVP_PKEY *key)
{
    *f = (struct fixture){ .key = key, .json = BUF_INIT(ECHO_MAX_ANSWER) };
    assert_non_null(key);
    memset(f->claim.nonce, 7, sizeof f->claim.nonce);
    memset(f->claim.exporter, 9, sizeof f->claim.exporter);
    f->claim.hello = span_of(hello, sizeof hello);
    f->claim.at.s = 1795000000;
    assert_int_equal(echo_key_text(f->pin, key), 0);
    assert_int_equal(echo_answer_write(&f->json, &f->claim, key), 0);
}

static void fixture_deinit(struct fixture *f)
{
    EVP_PKEY_free(f->key);
    buf_deinit(&f->json);
}

static void round_trip(EVP_PKEY *key)
{
    struct fixture f;
    struct echo_answer a;

    fixture_init(&f, key);
    assert_int_equal(echo_answer_read(&a, buf_span(&f.json), f.claim.nonce, f.pin), 0);
    assert_true(a.signature_good);
    assert_true(a.nonce_good);
    assert_true(a.key_expected);
    assert_string_equal(a.signer, f.pin);
    assert_memory_equal(a.claim.exporter, f.claim.exporter, ECHO_EXPORTER_BYTES);
    assert_true(span_eq(a.claim.hello, f.claim.hello));
    assert_int_equal(a.claim.at.s, f.claim.at.s);
    echo_answer_deinit(&a);
    fixture_deinit(&f);
}

static void ed25519_answer_is_good(void **state)
{
    (void)state;
    round_trip(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static void p256_answer_is_good(void **state)
{
    (void)state;
    round_trip(EVP_EC_gen("P-256"));
}

static void other_keys_are_refused(void **state)
{
    struct echo_claim claim = { .hello = SPAN_LIT("x") };
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(ECHO_MAX_ANSWER);
    EVP_PKEY *key = EVP_EC_gen("P-384");
    char pin[ECHO_PIN_TEXT];

    (void)state;
    assert_int_equal(echo_answer_write(&json, &claim, key), ECHO_E_KEY);
    assert_int_equal(echo_key_text(pin, key), ECHO_E_KEY);
    EVP_PKEY_free(key);
}

static void another_key_is_not_good(void **state)
{
    struct fixture f;
    struct echo_answer a;

    (void)state;
    fixture_init(&f, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    assert_int_equal(echo_answer_read(&a, buf_span(&f.json), f.claim.nonce,
                                      "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                     0);
    assert_false(a.key_expected);
    assert_false(a.signature_good);
    assert_string_equal(a.signer, f.pin);
    echo_answer_deinit(&a);
    fixture_deinit(&f);
}

static void a_replayed_answer_is_not_good(void **state)
{
    struct fixture f;
    struct echo_answer a;
    uint8_t other[ECHO_NONCE_BYTES] = { 1 };

    (void)state;
    fixture_init(&f, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    assert_int_equal(echo_answer_read(&a, buf_span(&f.json), other, f.pin), 0);
    assert_false(a.nonce_good);
    assert_false(a.signature_good);
    echo_answer_deinit(&a);
    fixture_deinit(&f);
}

/* An interceptor that rewrites any one value breaks the signature. */
static void a_rewritten_value_is_not_good(void **state)
{
    static const char *const members[] = { "\"exporter\":\"", "\"hello\":\"", "\"nonce\":\"",
                                           "\"time\":" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct fixture f;
        struct echo_answer a;
        char *at;

        fixture_init(&f, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
        at = strstr((char *)f.json.data, members[i]);
        assert_non_null(at);
        at += strlen(members[i]);
        *at = *at == '2' ? '3' : '2';
        assert_int_equal(echo_answer_read(&a, buf_span(&f.json), f.claim.nonce, f.pin), 0);
        assert_false(a.signature_good);
        echo_answer_deinit(&a);
        fixture_deinit(&f);
    }
}

static void malformed_answers_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "[]", "{}", "{\"format\":\"midwatch.echo/2\"}", "not json",
        "{\"format\":\"midwatch.echo/1\",\"nonce\":\"AA==\",\"time\":1}",
    };
    uint8_t nonce[ECHO_NONCE_BYTES] = { 0 };
    struct echo_answer a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(echo_answer_read(&a, span_str(bad[i]), nonce, "sha256/"),
                         ECHO_E_MALFORMED);
}

static void an_oversized_hello_is_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf big = BUF_INIT(ECHO_MAX_HELLO + 1);
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(2 * ECHO_MAX_ANSWER);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct echo_claim claim = { .at = { 1 } };
    struct echo_answer a;

    (void)state;
    buf_fill(&big, 'x', ECHO_MAX_HELLO + 1);
    claim.hello = buf_span(&big);
    assert_int_equal(echo_answer_write(&json, &claim, key), ECHO_E_MALFORMED);
    claim.hello.len--;
    assert_int_equal(echo_answer_write(&json, &claim, key), 0);
    assert_int_equal(echo_answer_read(&a, buf_span(&json), claim.nonce, NULL), 0);
    assert_int_equal(a.claim.hello.len, ECHO_MAX_HELLO);
    echo_answer_deinit(&a);
    EVP_PKEY_free(key);
}

static void targets_round_trip(void **state)
{
    CLEANUP(buf_deinit) struct buf target = BUF_INIT(256);
    uint8_t nonce[ECHO_NONCE_BYTES], read[ECHO_NONCE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)(i * 7);
    echo_target_write(&target, nonce);
    assert_int_equal(echo_target_read(buf_span(&target), read), 0);
    assert_memory_equal(read, nonce, sizeof nonce);
    assert_int_equal(echo_target_read(SPAN_LIT("/"), read), ECHO_E_NOT_OURS);
    assert_int_equal(echo_target_read(SPAN_LIT(ECHO_PATH "x?nonce=00"), read), ECHO_E_NOT_OURS);
    assert_int_equal(echo_target_read(SPAN_LIT(ECHO_PATH), read), ECHO_E_MALFORMED);
    assert_int_equal(echo_target_read(SPAN_LIT(ECHO_PATH "?nonce=00"), read), ECHO_E_MALFORMED);
    buf_str(&target, "00");
    assert_int_equal(echo_target_read(buf_span(&target), read), ECHO_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_answer_is_good),
        cmocka_unit_test(p256_answer_is_good),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(another_key_is_not_good),
        cmocka_unit_test(a_replayed_answer_is_not_good),
        cmocka_unit_test(a_rewritten_value_is_not_good),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(an_oversized_hello_is_refused),
        cmocka_unit_test(targets_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
