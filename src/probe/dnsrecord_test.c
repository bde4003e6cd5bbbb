#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/dnsrecord.h"

static struct arena arena = ARENA_INIT(1 << 20);

static void caa_is_read(void **state)
{
    struct mw_caa caa;

    (void)state;
    assert_int_equal(dnsrecord_caa(&caa, SPAN_LIT("\x80\x05issueca.example; policy=ev"), &arena),
                     0);
    assert_int_equal(caa.flags, 0x80);
    assert_string_equal(caa.tag, "issue");
    assert_string_equal(caa.value, "ca.example; policy=ev");
    assert_int_equal(dnsrecord_caa(&caa, SPAN_LIT("\0\x09issuewild;"), &arena), 0);
    assert_string_equal(caa.value, ";");
    assert_int_equal(dnsrecord_caa(&caa, SPAN_LIT("\0\x05iodef"), &arena), 0);
    assert_string_equal(caa.value, "");
}

/* Such a value must not come out as a shorter one that names an authority. */
static void caa_with_a_nul_names_nobody(void **state)
{
    struct mw_caa caa;

    (void)state;
    assert_int_equal(dnsrecord_caa(&caa, SPAN_LIT("\0\x05issueca.example\0evil"), &arena), 0);
    assert_string_not_equal(caa.value, "ca.example");
}

static void malformed_caa_is_refused(void **state)
{
    static const struct mw_span bad[] = {
        { (const uint8_t *)"", 0 },
        { (const uint8_t *)"\0", 1 },
        { (const uint8_t *)"\0\0value", 7 },
        { (const uint8_t *)"\0\x09issue", 7 },
        { (const uint8_t *)"\0\x03is-ca", 7 },
    };
    struct mw_caa caa;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(dnsrecord_caa(&caa, bad[i], &arena), DNSRECORD_E_MALFORMED);
}

static void ech_is_found_in_service_mode(void **state)
{
    bool has;

    (void)state;
    /* 1 . alpn=h2 ech=… */
    assert_int_equal(dnsrecord_https(&has, SPAN_LIT("\0\x01\0\0\x01\0\x03\x02h2\0\x05\0\x02zz")),
                     0);
    assert_true(has);
    assert_int_equal(dnsrecord_https(&has, SPAN_LIT("\0\x01\x03www\x04test\0\0\x01\0\x03\x02h2")),
                     0);
    assert_false(has);
    assert_int_equal(dnsrecord_https(&has, SPAN_LIT("\0\x01\0\0\x05\0\0")), 0);
    assert_false(has);                  /* an empty ech advertises nothing */
    assert_int_equal(dnsrecord_https(&has, SPAN_LIT("\0\0\x03www\x04test\0")), 0);
    assert_false(has);
    assert_int_equal(dnsrecord_https(&has, SPAN_LIT("\0\0\0\0\x05\0\x02zz")), 0);
    assert_false(has);                  /* alias mode: parameters are ignored */
}

static void malformed_https_is_refused(void **state)
{
    static const struct mw_span bad[] = {
        { (const uint8_t *)"", 0 },
        { (const uint8_t *)"\0\x01", 2 },                       /* no target */
        { (const uint8_t *)"\0\x01\x40", 3 },                   /* a label over 63 */
        { (const uint8_t *)"\0\x01\xc0\x0c", 4 },               /* compression */
        { (const uint8_t *)"\0\x01\0\0\x05\0\x09z", 8 },        /* a value that is cut */
        { (const uint8_t *)"\0\x01\0\0\x05\0\0\0\x05\0\0", 11 },        /* a key twice */
        { (const uint8_t *)"\0\x01\0\0\x05\0\0\0\x01\0\0", 11 },        /* keys that descend */
        { (const uint8_t *)"\0\x01\0\0", 4 },
    };
    bool has;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(dnsrecord_https(&has, bad[i]), DNSRECORD_E_MALFORMED);
}

static void an_endless_name_is_refused(void **state)
{
    uint8_t rdata[2 + 2 * 300];
    bool has;

    (void)state;
    rdata[0] = 0;
    rdata[1] = 1;
    for (size_t i = 2; i < sizeof rdata; i += 2) {
        rdata[i] = 1;
        rdata[i + 1] = 'a';
    }
    rdata[sizeof rdata - 2] = 0;
    assert_int_equal(dnsrecord_https(&has, span_of(rdata, sizeof rdata - 1)),
                     DNSRECORD_E_MALFORMED);
}

static int free_arena(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caa_is_read),
        cmocka_unit_test(caa_with_a_nul_names_nobody),
        cmocka_unit_test(malformed_caa_is_refused),
        cmocka_unit_test(ech_is_found_in_service_mode),
        cmocka_unit_test(malformed_https_is_refused),
        cmocka_unit_test(an_endless_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, free_arena);
}
