/*
 * The text reports, compared with tests/golden/.  MW_GOLDEN_WRITE=1 writes them anew: look at
 * the difference before it is committed, since these are what people read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/file.h"
#include "check/certs.h"
#include "check/report.h"
#include "sample_verdicts.h"

static void assert_golden(const char *name, const char *kind, const struct buf *out)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096), want = BUF_INIT(1 << 20);

    assert_int_equal(buf_error(out), 0);
    buf_printf(&path, "tests/golden/%s-%s.txt", kind, name);
    if (getenv("MW_GOLDEN_WRITE") != NULL)
        assert_int_equal(file_replace((char *)path.data, buf_span(out), 0644), 0);
    assert_int_equal(file_read((char *)path.data, &want), 0);
    assert_string_equal((char *)out->data, (char *)want.data);
}

static void reports_read_as_they_should(void **state)
{
    const struct report_options options = { 0 };

    (void)state;
    for (size_t i = 0; i < n_samples; i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
        struct layout l = { .out = &out, .width = 80 };

        assert_int_equal(report_text(&l, &options, samples[i].ev, samples[i].v), 0);
        assert_golden(samples[i].name, "report", &out);
    }
}

static void verbose_reports_show_every_finding(void **state)
{
    const struct report_options options = { .verbose = true, .certs = true };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
        struct layout l = { .out = &out, .width = 80 };

        assert_int_equal(report_text(&l, &options, samples[i].ev, samples[i].v), 0);
        for (size_t f = 0; f < samples[i].v->n_findings; f++)
            assert_non_null(
                strstr((char *)out.data, mw_code_info(samples[i].v->findings[f].code)->code));
        assert_golden(samples[i].name, "verbose", &out);
    }
}

static void passwords_of_proxies_are_not_shown(void **state)
{
    const struct report_options options = { .verbose = true };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct layout l = { .out = &out, .width = 80 };

    (void)state;
    assert_int_equal(report_text(&l, &options, samples[1].ev, samples[1].v), 0);
    assert_null(strstr((char *)out.data, "secret"));
    assert_non_null(strstr((char *)out.data, "http://proxy.example:3128"));
}

static void quiet_is_one_line(void **state)
{
    const struct report_options options = { .quiet = true };

    (void)state;
    for (size_t i = 0; i < n_samples; i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
        struct layout l = { .out = &out, .width = 1000 };

        assert_int_equal(report_text(&l, &options, samples[i].ev, samples[i].v), 0);
        assert_ptr_equal(strchr((char *)out.data, '\n'), (char *)out.data + out.len - 1);
    }
}

static void tables_line_up(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct layout l = { .out = &out, .width = 80 };

    (void)state;
    for (size_t i = 0; i < n_samples; i++)
        assert_int_equal(report_line(&l, samples[i].ev, samples[i].v), 0);
    assert_golden("all", "table", &out);
}

static void pem_reads_back(void **state)
{
    uint8_t der[100] = { 0x30, 98 };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16);
    struct mw_span rest, line;

    (void)state;
    certs_pem(&out, (struct mw_span){ der, sizeof der });
    rest = buf_span(&out);
    while (span_line(&rest, &line))
        assert_true(line.len <= 64);
    assert_memory_equal(out.data, "-----BEGIN CERTIFICATE-----\nMGIA", 32);
}

static void distances_are_told_from_now(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } cases[] = { { 12 * 86400, "in 12 days" }, { -3 * 86400, "3 days ago" },
                  { 1, "in 1 second" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(256);

        certs_distance(&out, (struct mw_wall){ 1000000000 },
                       (struct mw_wall){ 1000000000 + cases[i].s });
        assert_string_equal((char *)out.data, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_read_as_they_should),
        cmocka_unit_test(verbose_reports_show_every_finding),
        cmocka_unit_test(passwords_of_proxies_are_not_shown),
        cmocka_unit_test(quiet_is_one_line),
        cmocka_unit_test(tables_line_up),
        cmocka_unit_test(pem_reads_back),
        cmocka_unit_test(distances_are_told_from_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
