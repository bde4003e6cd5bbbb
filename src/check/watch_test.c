/*
 * What `watch` calls a change, and that it remembers across runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "check/watch_summary.h"

static const struct mw_cert_view chain[] = {
    { .issuer = "CN=Public CA 1", .short_subject = "meet.example.com" },
    { .issuer = "CN=Public Root", .short_subject = "Public Root" },
};

static struct mw_verdict ordinary(void)
{
    return (struct mw_verdict){ .outcome = MW_PRIVATE, .chain = chain, .n_chain = 2, .n_path = 2,
                                .anchor = MW_ANCHOR_PUBLIC, .clock.state = MW_CLOCK_RIGHT };
}

static size_t diff(const struct mw_verdict *before, const struct mw_verdict *after,
                   struct buf *lines)
{
    struct watch_summary a, b;

    watch_summary_of(&a, before);
    watch_summary_of(&b, after);
    return watch_summary_diff(lines, &a, &b);
}

static void the_same_again_is_no_news(void **state)
{
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(4096);
    const struct mw_verdict v = ordinary();

    (void)state;
    assert_int_equal(diff(&v, &v, &lines), 0);
}

static void an_interceptor_is_news(void **state)
{
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(4096);
    static const struct mw_cert_view forged[] = {
        { .issuer = "CN=Corp CA", .short_subject = "meet.example.com" },
        { .issuer = "CN=Corp CA", .short_subject = "Corp CA" },
    };
    static const struct mw_reader reader = { .product = "FortiGate", .issuer = "CN=Corp CA" };
    const struct mw_verdict before = ordinary();
    struct mw_verdict after = ordinary();

    (void)state;
    after.outcome = MW_INSPECTED;
    after.chain = forged;
    after.anchor = MW_ANCHOR_LOCAL;
    after.readers = &reader;
    after.n_readers = 1;
    assert_int_equal(diff(&before, &after, &lines), 4);
    assert_non_null(strstr((char *)lines.data, "verdict: was private, now inspected"));
    assert_non_null(strstr((char *)lines.data, "reader: now FortiGate, signing as CN=Corp CA"));
    assert_non_null(strstr((char *)lines.data, "issuer: was CN=Public CA 1, now CN=Corp CA"));
    assert_non_null(strstr((char *)lines.data, "now Corp CA (added on this computer)"));
}

static void silence_of_time_servers_is_no_news_but_a_wrong_clock_is(void **state)
{
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(4096);
    const struct mw_verdict before = ordinary();
    struct mw_verdict after = ordinary();

    (void)state;
    after.clock.state = MW_CLOCK_NO_ANSWER;
    assert_int_equal(diff(&before, &after, &lines), 0);
    after.clock.state = MW_CLOCK_WRONG_BUT_HARMLESS;
    assert_int_equal(diff(&before, &after, &lines), 1);
}

static void unreachable_is_one_change_not_three(void **state)
{
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(4096);
    const struct mw_verdict before = ordinary();
    const struct mw_verdict after = { .outcome = MW_UNREACHABLE };

    (void)state;
    assert_int_equal(diff(&before, &after, &lines), 1);
}

static void summaries_survive_the_store(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(SUMMARY_BYTES);
    const struct mw_verdict v = ordinary();
    struct watch_summary a, b;

    (void)state;
    watch_summary_of(&a, &v);
    watch_summary_format(&text, &a);
    assert_int_equal(watch_summary_parse(&b, buf_span(&text)), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    for (size_t cut = 0; cut < text.len; cut++)
        if (watch_summary_parse(&b, span_cut(buf_span(&text), 0, cut)) == 0)
            assert_int_equal(cut, text.len - 1);        /* only the last line break may go */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again_is_no_news),
        cmocka_unit_test(an_interceptor_is_news),
        cmocka_unit_test(silence_of_time_servers_is_no_news_but_a_wrong_clock_is),
        cmocka_unit_test(unreachable_is_one_change_not_three),
        cmocka_unit_test(summaries_survive_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
