#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/roughtime.h"
#include "probe/roughtime_signer.h"

static const uint8_t nonce[ROUGHTIME_NONCE_BYTES] = { 1, 2, 3 };

static struct roughtime_signer signer(void)
{
    struct roughtime_signer s = { .midpoint_s = 1795000000, .from_s = 1790000000,
                                  .until_s = 1800000000, .radius_s = 3 };

    memset(s.seed, 0x11, sizeof s.seed);
    memset(s.online_seed, 0x22, sizeof s.online_seed);
    return s;
}

static int ask(const struct roughtime_signer *s, struct roughtime_answer *answer)
{
    CLEANUP(buf_deinit) struct buf response = BUF_INIT(ROUGHTIME_MAX_RESPONSE);
    uint8_t request[ROUGHTIME_REQUEST_BYTES], key[ROUGHTIME_KEY_BYTES];

    roughtime_signer_key(s, key);
    roughtime_request_write(request, key, nonce);
    roughtime_signer_answer(s, span_of(request, sizeof request), &response);
    return roughtime_response_read(answer, buf_span(&response), span_of(request, sizeof request),
                                   nonce, key);
}

static void a_good_answer_is_read(void **state)
{
    struct roughtime_signer s = signer();
    struct roughtime_answer a;

    (void)state;
    assert_int_equal(ask(&s, &a), 0);
    assert_int_equal(a.midpoint.s, 1795000000);
    assert_int_equal(a.radius_s, 3);
    assert_int_equal(a.version, 1);
    s.version = 0x8000000c;
    assert_int_equal(ask(&s, &a), 0);
    assert_int_equal(a.version, 0x8000000c);
}

static void any_leaf_of_a_tree_is_proven(void **state)
{
    (void)state;
    for (unsigned depth = 0; depth <= 5; depth++) {
        for (unsigned index = 0; index < 1u << depth; index++) {
            struct roughtime_signer s = signer();
            struct roughtime_answer a;

            s.depth = depth;
            s.index = index;
            assert_int_equal(ask(&s, &a), 0);
        }
    }
}

static void an_index_beyond_its_path_is_refused(void **state)
{
    struct roughtime_signer s = signer();
    struct roughtime_answer a;

    (void)state;
    s.depth = 2;
    s.index = 5;
    assert_int_equal(ask(&s, &a), ROUGHTIME_E_NONCE);
    s.depth = 33;
    s.index = 0;
    assert_int_equal(ask(&s, &a), ROUGHTIME_E_NONCE);
}

static void unknown_tags_are_ignored(void **state)
{
    struct roughtime_signer s = signer();
    struct roughtime_answer a;

    (void)state;
    s.strange_tag = true;
    assert_int_equal(ask(&s, &a), 0);
}

static void faults_are_told_apart(void **state)
{
    static const struct {
        enum roughtime_fault fault;
        int error;
    } cases[] = {
        { ROUGHTIME_FAULT_SIGNATURE, ROUGHTIME_E_SIGNATURE },
        { ROUGHTIME_FAULT_DELEGATION, ROUGHTIME_E_SIGNATURE },
        { ROUGHTIME_FAULT_CONTEXT, ROUGHTIME_E_SIGNATURE },
        { ROUGHTIME_FAULT_NONCE, ROUGHTIME_E_NONCE },
        { ROUGHTIME_FAULT_ROOT, ROUGHTIME_E_NONCE },
        { ROUGHTIME_FAULT_TYPE, ROUGHTIME_E_MALFORMED },
        { ROUGHTIME_FAULT_RADIUS, ROUGHTIME_E_MALFORMED },
        { ROUGHTIME_FAULT_VERSION, ROUGHTIME_E_VERSION },
        { ROUGHTIME_FAULT_VERSIONS, ROUGHTIME_E_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct roughtime_signer s = signer();
        struct roughtime_answer a = { .version = 99 };

        s.fault = cases[i].fault;
        assert_int_equal(ask(&s, &a), cases[i].error);
        assert_int_equal(a.version, 99);        /* untouched */
    }
}

static void a_time_outside_the_delegation_is_refused(void **state)
{
    struct roughtime_signer s = signer();
    struct roughtime_answer a;

    (void)state;
    s.midpoint_s = s.until_s;
    assert_int_equal(ask(&s, &a), 0);
    s.midpoint_s = s.until_s + 1;
    assert_int_equal(ask(&s, &a), ROUGHTIME_E_SIGNATURE);
    s.midpoint_s = s.from_s;
    assert_int_equal(ask(&s, &a), 0);
    s.midpoint_s = s.from_s - 1;
    assert_int_equal(ask(&s, &a), ROUGHTIME_E_SIGNATURE);
    s.from_s = 0;
    s.until_s = UINT64_MAX;             /* as servers in the wild have it */
    assert_int_equal(ask(&s, &a), 0);
    s.midpoint_s = UINT64_MAX;
    assert_int_equal(ask(&s, &a), ROUGHTIME_E_MALFORMED);
}

static void another_servers_key_is_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf response = BUF_INIT(ROUGHTIME_MAX_RESPONSE);
    struct roughtime_signer s = signer();
    struct roughtime_answer a;
    uint8_t request[ROUGHTIME_REQUEST_BYTES], key[ROUGHTIME_KEY_BYTES];

    (void)state;
    roughtime_signer_key(&s, key);
    roughtime_request_write(request, key, nonce);
    memset(s.seed, 0x33, sizeof s.seed);
    roughtime_signer_answer(&s, span_of(request, sizeof request), &response);
    assert_int_equal(roughtime_response_read(&a, buf_span(&response),
                                             span_of(request, sizeof request), nonce, key),
                     ROUGHTIME_E_SIGNATURE);
}

/* Cut anywhere, or with any one byte changed, no answer may pass as another. */
static void every_byte_counts(void **state)
{
    CLEANUP(buf_deinit) struct buf response = BUF_INIT(ROUGHTIME_MAX_RESPONSE);
    struct roughtime_signer s = signer();
    struct roughtime_answer a;
    uint8_t request[ROUGHTIME_REQUEST_BYTES], key[ROUGHTIME_KEY_BYTES];

    (void)state;
    s.depth = 1;
    roughtime_signer_key(&s, key);
    roughtime_request_write(request, key, nonce);
    roughtime_signer_answer(&s, span_of(request, sizeof request), &response);
    for (size_t len = 0; len < response.len; len++)
        assert_int_not_equal(roughtime_response_read(&a, span_of(response.data, len),
                                                     span_of(request, sizeof request), nonce,
                                                     key),
                             0);
    for (size_t i = 0; i < response.len; i++) {
        response.data[i] ^= 0x20;
        assert_int_not_equal(roughtime_response_read(&a, buf_span(&response),
                                                     span_of(request, sizeof request), nonce,
                                                     key),
                             0);
        response.data[i] ^= 0x20;
    }
}

static void the_request_is_as_the_rfc_has_it(void **state)
{
    static const uint8_t start[] = {
        'R', 'O', 'U', 'G', 'H', 'T', 'I', 'M', 0x00, 0x04, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0,
        40, 0, 0, 0, 72, 0, 0, 0, 76, 0, 0, 0, 'V', 'E', 'R', 0, 'S', 'R', 'V', 0, 'N', 'O', 'N',
        'C', 'T', 'Y', 'P', 'E', 'Z', 'Z', 'Z', 'Z', 1, 0, 0, 0, 0x0c, 0, 0, 0x80,
    };
    uint8_t request[ROUGHTIME_REQUEST_BYTES], key[ROUGHTIME_KEY_BYTES] = { 7 };

    (void)state;
    roughtime_request_write(request, key, nonce);
    assert_memory_equal(request, start, sizeof start);
    assert_memory_equal(request + sizeof start + 32, nonce, sizeof nonce);
    for (size_t i = sizeof start + 64; i < sizeof request; i++)
        assert_int_equal(request[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_read),
        cmocka_unit_test(any_leaf_of_a_tree_is_proven),
        cmocka_unit_test(an_index_beyond_its_path_is_refused),
        cmocka_unit_test(unknown_tags_are_ignored),
        cmocka_unit_test(faults_are_told_apart),
        cmocka_unit_test(a_time_outside_the_delegation_is_refused),
        cmocka_unit_test(another_servers_key_is_refused),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(the_request_is_as_the_rfc_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
