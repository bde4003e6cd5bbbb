#include "base/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct settings {
    const char *roots;
    struct config_list controls;
    int64_t parallel, timeout;
    bool ask;
};

static const struct config_key keys[] = {
    { .name = "roots", .kind = CONFIG_STRING, .offset = offsetof(struct settings, roots) },
    { .name = "controls", .kind = CONFIG_LIST, .offset = offsetof(struct settings, controls) },
    { .name = "parallel", .kind = CONFIG_NUMBER, .offset = offsetof(struct settings, parallel),
      .min = 1, .max = 100000 },
    { .name = "timeout", .kind = CONFIG_SECONDS, .offset = offsetof(struct settings, timeout),
      .min = 1, .max = 30 * 86400 },
    { .name = "ask", .kind = CONFIG_BOOL, .offset = offsetof(struct settings, ask) },
};

struct fixture {
    struct arena arena;
    struct buf error;
    struct settings s;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->arena.max_bytes = 1 << 20;
    f->error.max = 4096;
    f->s.timeout = 20;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_deinit(&f->arena);
    buf_deinit(&f->error);
    free(f);
    return 0;
}

static int read_it(struct fixture *f, const char *text)
{
    return config_read(span_str(text), "m.conf", keys, ARRAY_LEN(keys), &f->s, &f->arena,
                       &f->error);
}

/* The text is refused with exactly this line. */
static void refused(struct fixture *f, const char *text, const char *message)
{
    buf_truncate(&f->error, 0);
    assert_int_equal(read_it(f, text), 1);
    assert_string_equal((const char *)f->error.data, message);
}

static void test_every_kind_is_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_it(f, "\xef\xbb\xbf# first\n"
                                "roots \"/etc/ssl/my roots.pem\";\r\n"
                                "controls = [one.example, // why\n  \"two.example\",\n]\n"
                                "parallel: 2k /* two\nthousand */ ; ask on\n"
                                "timeout 7d"),
                     0);
    assert_string_equal(f->s.roots, "/etc/ssl/my roots.pem");
    assert_int_equal(f->s.controls.count, 2);
    assert_string_equal(f->s.controls.items[0], "one.example");
    assert_string_equal(f->s.controls.items[1], "two.example");
    assert_int_equal(f->s.parallel, 2000);
    assert_true(f->s.ask);
    assert_int_equal(f->s.timeout, 7 * 86400);
    assert_int_equal(f->error.len, 0);
}

static void test_absent_keys_keep_their_value(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_it(f, "ask yes\n"), 0);
    assert_int_equal(f->s.timeout, 20);
    assert_null(f->s.roots);
    assert_int_equal(read_it(f, ""), 0);
}

static void test_list_without_brackets(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_it(f, "controls a.example b.example:8443, c.example;"), 0);
    assert_int_equal(f->s.controls.count, 3);
    assert_string_equal(f->s.controls.items[1], "b.example:8443");
    assert_string_equal(f->s.controls.items[2], "c.example");
}

static void test_values_keep_marks_of_their_own(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_it(f, "controls roughtime:t.example:2002=Aa+/9w== http://x.example/#a"),
                     0);
    assert_string_equal(f->s.controls.items[0], "roughtime:t.example:2002=Aa+/9w==");
    assert_string_equal(f->s.controls.items[1], "http://x.example/#a");
    assert_int_equal(read_it(f, "roots \"a\\\"b\\\\c\\t\""), 0);
    assert_string_equal(f->s.roots, "a\"b\\c\t");
}

static void test_unknown_key_names_line_and_nearest(void **state)
{
    struct fixture *f = *state;

    refused(f, "ask yes\n\n/* two\nlines */ timeuot 5\n",
            "m.conf:4:10: unknown setting \"timeuot\"; did you mean \"timeout\"?");
    refused(f, "frobnicate 5\n", "m.conf:1:1: unknown setting \"frobnicate\"");
}

static void test_wrong_values(void **state)
{
    struct fixture *f = *state;

    refused(f, "\nparallel lots", "m.conf:2:10: parallel wants a whole number, not \"lots\"");
    refused(f, "parallel 0", "m.conf:1:10: parallel must be from 1 to 100000, not 0");
    refused(f, "parallel 9223372036854775807k",
            "m.conf:1:10: parallel wants a whole number, not \"9223372036854775807k\"");
    refused(f, "timeout 40d", "m.conf:1:9: timeout must be from 1 to 2592000 seconds, not 40d");
    refused(f, "timeout soon",
            "m.conf:1:9: timeout wants a time such as 90s, 5min or 7d, not \"soon\"");
    refused(f, "ask perhaps", "m.conf:1:5: ask wants yes or no, not \"perhaps\"");
    refused(f, "roots my roots.pem",
            "m.conf:1:7: roots wants one value, not 2; quote it if it has spaces");
    refused(f, "roots ;", "m.conf:1:7: roots wants one value, not 0; quote it if it has spaces");
    refused(f, "ask \"\"", "m.conf:1:5: ask wants yes or no, not \"\"");
    refused(f, "ask \x1b", "m.conf:1:5: ask wants yes or no, not \"\\x1b\"");
}

static void test_wrong_syntax(void **state)
{
    struct fixture *f = *state;

    refused(f, "roots \"open\nask no", "m.conf:1:7: a quoted value is not closed on its line");
    refused(f, "ask no\n/* open", "m.conf:2:1: this comment never ends; close it with \"*/\"");
    refused(f, "controls [a,\nb", "m.conf:1:10: this list is not closed with \"]\"");
    refused(f, "ask {\n}", "m.conf:1:5: this file has no sections; remove the brace");
    refused(f, "= 5", "m.conf:1:1: a setting's name is expected here");
    refused(f, "ask no\nask yes", "m.conf:2:1: ask is set twice; line 1 set it first");
    refused(f, "roots \"\\q\"",
            "m.conf:1:8: unknown escape in a quoted value; known: \\n \\r \\t \\\" \\\\");
}

static void test_zero_byte_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(config_read(span_of("\nroots a\0b\n", 11), "m.conf", keys, ARRAY_LEN(keys),
                                 &f->s, &f->arena, &f->error),
                     1);
    assert_string_equal((const char *)f->error.data,
                        "m.conf:2:8: a zero byte stands here; is it a text file?");
}

static void test_bounds(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 16);
    struct fixture *f = *state;

    buf_str(&text, "controls");
    for (int i = 0; i < CONFIG_MAX_LIST; i++)
        buf_str(&text, " x");
    assert_int_equal(read_it(f, (const char *)text.data), 0);
    assert_int_equal(f->s.controls.count, CONFIG_MAX_LIST);
    buf_str(&text, " x");
    refused(f, (const char *)text.data, "m.conf:1:2058: a list has more than 1024 values");
    buf_truncate(&text, 0);
    buf_str(&text, "roots ");
    buf_fill(&text, 'r', CONFIG_MAX_WORD + 1);
    refused(f, (const char *)text.data, "m.conf:1:7: a value is longer than 4096 bytes");
}

static void test_no_memory_is_said(void **state)
{
    struct fixture *f = *state;

    f->arena.max_bytes = 64;
    assert_int_equal(read_it(f, "roots 0123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789"),
                     -ENOMEM);
}

static void test_nearest(void **state)
{
    static const char *const known[] = { "list", NULL, "remove", "import" };

    (void)state;
    assert_string_equal(config_nearest("remvoe", known, 4), "remove");
    assert_string_equal(config_nearest("lst", known, 4), "list");
    assert_null(config_nearest("zzz", known, 4));
    assert_null(config_nearest("", known, 4));
    assert_null(config_nearest("list", known, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_keys_keep_their_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_without_brackets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_keep_marks_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_key_names_line_and_nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_syntax, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero_byte_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_is_said, setup, teardown),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
