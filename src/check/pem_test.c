/*
 * PEM as people have it: with text around it, cut off, mixed, or not PEM at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/pem.h"

static void assert_blocks(const char *text, const char *label, size_t n)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct pem_list list;

    assert_int_equal(pem_read(span_str(text), label, "f.pem", &arena, &list, &error), 0);
    assert_int_equal(list.n, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t want[3] = { 0x30, 0x01, (uint8_t)i };

        assert_true(span_eq(list.blocks[i], span_of(want, 3)));
    }
}

static void assert_bad(const char *text, const char *part)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct pem_list list;

    assert_true(pem_read(span_str(text), "CERTIFICATE", "f.pem", &arena, &list, &error) > 0);
    if (strstr((char *)error.data, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)error.data, part);
}

#define CERT(b64) "-----BEGIN CERTIFICATE-----\n" b64 "\n-----END CERTIFICATE-----\n"

static void blocks_are_found_in_order(void **state)
{
    (void)state;
    assert_blocks(CERT("MAEA"), "CERTIFICATE", 1);
    assert_blocks("subject: x\n" CERT("MAEA") "text\n" CERT("MAEB") CERT("MA\nEC"), "CERTIFICATE",
                  3);
    assert_blocks("-----BEGIN CERTIFICATE-----\r\nMAEA\r\n-----END CERTIFICATE-----\r\n",
                  "CERTIFICATE", 1);
    assert_blocks("-----BEGIN X509 CERTIFICATE-----\nName: value\n\nMAEA\n"
                  "-----END X509 CERTIFICATE-----\n",
                  "CERTIFICATE", 1);
    assert_blocks("-----BEGIN OTHER-----\nnot base64\n-----END OTHER-----\n" CERT("MAEA"),
                  "CERTIFICATE", 1);
    assert_blocks("-----BEGIN X509 CRL-----\nMAEA\n-----END X509 CRL-----\n" CERT("MAEB"),
                  "X509 CRL", 1);
}

static void der_is_taken_as_it_is(void **state)
{
    static const uint8_t der[] = { 0x30, 0x01, 0x00 }, longer[] = { 0x30, 0x01, 0x00, 0x00 };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct pem_list list;

    (void)state;
    assert_int_equal(
        pem_read(span_of(der, sizeof der), "CERTIFICATE", "f.der", &arena, &list, &error), 0);
    assert_int_equal(list.n, 1);
    assert_true(span_eq(list.blocks[0], span_of(der, sizeof der)));
    assert_true(pem_read(span_of(longer, sizeof longer), "CERTIFICATE", "f.der", &arena, &list,
                         &error) > 0);
}

static void broken_files_name_the_line(void **state)
{
    (void)state;
    assert_bad("", "f.pem: holds no \"-----BEGIN CERTIFICATE-----\"");
    assert_bad("not a certificate\n", "holds no");
    assert_bad("a\nb\n-----BEGIN CERTIFICATE-----\nMAEA\n", "f.pem:3: the block that begins here "
                                                            "has no END line");
    assert_bad("-----BEGIN CERTIFICATE-----\n" CERT("MAEA"), "f.pem:2: a block begins before");
    assert_bad("-----BEGIN CERTIFICATE-----\nMAEA\n-----END X509 CRL-----\n",
               "f.pem:3: this END belongs to another kind");
    assert_bad(CERT("M@EA"), "f.pem:1: the block that begins here is not base64");
    assert_bad(CERT(""), "f.pem:1: the block that begins here is empty");
    assert_bad("-----BEGIN X509 CRL-----\nMAEA\n-----END X509 CRL-----\n", "holds no");
}

static void blocks_are_bounded(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096), text = BUF_INIT(1 << 20);
    struct pem_list list;

    (void)state;
    for (int i = 0; i <= PEM_BLOCKS; i++)
        buf_str(&text, CERT("MAEA"));
    assert_true(pem_read(buf_span(&text), "CERTIFICATE", "f.pem", &arena, &list, &error) > 0);
    assert_non_null(strstr((char *)error.data, "more than 1024 blocks"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_found_in_order),
        cmocka_unit_test(der_is_taken_as_it_is),
        cmocka_unit_test(broken_files_name_the_line),
        cmocka_unit_test(blocks_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
