/* The reader of nested configuration: what it reads, where everything stands, and its bounds. */
#include "base/ucl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/config.h"

struct fixture {
    struct arena arena;
    struct buf error;
    const struct ucl *root;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->arena.max_bytes = 64 << 20;
    f->error.max = 4096;
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

static int read_span(struct fixture *f, struct mw_span text)
{
    const struct ucl_source source = { .text = text, .file = "g.conf", .depth = 4 };

    buf_truncate(&f->error, 0);
    return ucl_read(&f->root, &source, &f->arena, &f->error);
}

static int read_it(struct fixture *f, const char *text)
{
    return read_span(f, span_str(text));
}

static void refused(struct fixture *f, const char *text, const char *message)
{
    assert_int_equal(read_it(f, text), UCL_WRONG);
    assert_string_equal((const char *)f->error.data, message);
}

/* The i-th child, which must be this. */
static const struct ucl *child(const struct ucl *of, size_t i, enum ucl_kind kind,
                               const char *key, unsigned line, unsigned column)
{
    const struct ucl *c = of->first;

    assert_true(i < of->n);
    while (i-- > 0)
        c = c->next;
    assert_int_equal(c->kind, kind);
    assert_string_equal(c->key, key);
    assert_int_equal(c->at.line, line);
    assert_int_equal(c->at.column, column);
    return c;
}

static void test_sections_nest_and_know_their_places(void **state)
{
    struct fixture *f = *state;
    const struct ucl *rule, *on, *ports;

    assert_int_equal(read_it(f, "# policy\n"
                                "rule \"bänke\" { names = [.bank.test, // why\n"
                                "    \"x y\"]; on { expired = refuse } /* é */ ports 1 2 }\n"
                                "rule { } empty {\n}\n"
                                "bare alone; none; one [1]"),
                     0);
    assert_int_equal(f->root->n, 6);
    rule = child(f->root, 0, UCL_SECTION, "rule", 2, 1);
    assert_string_equal(rule->label, "bänke");
    assert_int_equal(rule->n, 3);
    assert_int_equal(child(rule, 0, UCL_LIST, "names", 2, 16)->n, 2);
    assert_string_equal(child(rule->first, 1, UCL_WORD, "names", 3, 5)->text, "x y");
    on = child(rule, 1, UCL_SECTION, "on", 3, 13);
    assert_null(on->label);
    assert_string_equal(child(on, 0, UCL_WORD, "expired", 3, 18)->text, "refuse");
    assert_int_equal(on->first->value.column, 28);
    ports = child(rule, 2, UCL_LIST, "ports", 3, 45);
    assert_string_equal(ports->first->next->text, "2");
    assert_int_equal(child(f->root, 1, UCL_SECTION, "rule", 4, 1)->n, 0);
    assert_int_equal(child(f->root, 2, UCL_SECTION, "empty", 4, 10)->n, 0);
    assert_string_equal(child(f->root, 3, UCL_WORD, "bare", 6, 1)->text, "alone");
    assert_int_equal(child(f->root, 4, UCL_LIST, "none", 6, 13)->n, 0);
    assert_int_equal(child(f->root, 5, UCL_LIST, "one", 6, 19)->n, 1);
}

static void test_objects_in_lists(void **state)
{
    struct fixture *f = *state;
    const struct ucl *list;

    assert_int_equal(read_it(f, "a [ { b = 1 }, { b = 2; c = 3 }, d ]"), 0);
    list = child(f->root, 0, UCL_LIST, "a", 1, 1);
    assert_int_equal(list->n, 3);
    list = child(list, 1, UCL_SECTION, "a", 1, 16);
    assert_string_equal(child(list, 1, UCL_WORD, "c", 1, 25)->text, "3");
}

static void test_brackets_inside_a_word(void **state)
{
    struct fixture *f = *state;
    const struct ucl *list;

    assert_int_equal(read_it(f, "at [http://[::1]:1, x[y]];to tproxy://[::]:2"), 0);
    list = child(f->root, 0, UCL_LIST, "at", 1, 1);
    assert_string_equal(list->first->text, "http://[::1]:1");
    assert_string_equal(list->first->next->text, "x[y]");
    assert_string_equal(child(f->root, 1, UCL_WORD, "to", 1, 27)->text, "tproxy://[::]:2");
}

static void test_wrong_syntax_is_placed(void **state)
{
    static const char one_label[] =
        "g.conf:1:3: a section has one label at most; quote it if it has spaces";
    struct fixture *f = *state;

    refused(f, "a {\n  b = \"x\n}", "g.conf:2:7: a quoted value is not closed on its line");
    refused(f, "\ta { b 1\n", "g.conf:1:4: this section is not closed with \"}\"");
    refused(f, "a [1,\n 2", "g.conf:1:3: this list is not closed with \"]\"");
    refused(f, "a b c { }", one_label);
    refused(f, "a [] { }", one_label);
    refused(f, "a [b] { }", one_label);
    refused(f, "a { ] }",
            "g.conf:1:5: a setting's name, or \"}\" at the section's end, is expected here");
    refused(f, "a 1 }", "g.conf:1:5: a setting's name is expected here");
    refused(f, "a{b{c{d{e{}}}}}", "g.conf:1:10: sections are nested more than 4 deep");
    refused(f, "a [ , ]", "g.conf:1:5: a value is missing here");
    refused(f, "a /* b", "g.conf:1:3: this comment never ends; close it with \"*/\"");
    assert_int_equal(read_span(f, span_of("a b\nc \0", 7)), UCL_WRONG);
    assert_string_equal((const char *)f->error.data,
                        "g.conf:2:3: a zero byte stands here; is it a text file?");
}

static void test_depth_is_bounded_whatever_is_allowed(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct ucl_source source = { .file = "g.conf", .depth = 1000000 };

    for (int i = 0; i < 100000; i++)
        buf_str(&text, "a{");
    source.text = buf_span(&text);
    assert_int_equal(ucl_read(&f->root, &source, &f->arena, &f->error), UCL_WRONG);
    assert_non_null(strstr((const char *)f->error.data, "nested more than 16 deep"));
    buf_truncate(&text, 0);
    buf_str(&text, "a ");
    for (int i = 0; i < 100000; i++)
        buf_str(&text, "[");
    source.text = buf_span(&text);
    assert_int_equal(ucl_read(&f->root, &source, &f->arena, &f->error), UCL_WRONG);
}

static void test_nodes_and_lists_are_bounded(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);

    for (int i = 0; i < UCL_MAX_NODES / 2 + 1; i++)
        buf_str(&text, "a b\n");
    assert_int_equal(read_span(f, buf_span(&text)), UCL_WRONG);
    assert_non_null(strstr((const char *)f->error.data, "more than 200000 settings"));
    buf_truncate(&text, 0);
    buf_str(&text, "a [");
    for (int i = 0; i < UCL_MAX_LIST; i++)
        buf_str(&text, "b ");
    buf_str(&text, "]");
    assert_int_equal(read_span(f, buf_span(&text)), 0);
    text.len--;
    buf_str(&text, "c]");
    assert_int_equal(read_span(f, buf_span(&text)), UCL_WRONG);
    assert_non_null(strstr((const char *)f->error.data, "more than 16384 values"));
}

static void test_values(void **state)
{
    static const char *const words[] = { "inspect", "bypass", "block" };
    struct fixture *f = *state;
    const struct ucl *n;
    int64_t number;
    unsigned choice;
    bool yes;

    assert_int_equal(read_it(f, "a 64kb; b 2h; c on; d bypass; e pass; f { }; g [1 { } ]"), 0);
    n = f->root->first;
    assert_int_equal(ucl_number(n, 0, 1 << 20, &number, &f->error), 0);
    assert_int_equal(number, 65536);
    assert_int_equal(ucl_number(n, 0, 10, &number, &f->error), UCL_WRONG);
    n = n->next;
    assert_int_equal(ucl_seconds(n, 0, 1 << 20, &number, &f->error), 0);
    assert_int_equal(number, 7200);
    n = n->next;
    assert_int_equal(ucl_bool(n, &yes, &f->error), 0);
    assert_true(yes);
    n = n->next;
    assert_int_equal(ucl_choice(n, words, 3, &choice, &f->error), 0);
    assert_int_equal(choice, 1);
    n = n->next;
    buf_truncate(&f->error, 0);
    assert_int_equal(ucl_choice(n, words, 3, &choice, &f->error), UCL_WRONG);
    assert_string_equal((const char *)f->error.data,
                        "g.conf:1:33: e wants inspect, bypass or block, not \"pass\"");
    n = n->next;
    buf_truncate(&f->error, 0);
    assert_int_equal(ucl_bool(n, &yes, &f->error), UCL_WRONG);
    assert_string_equal((const char *)f->error.data,
                        "g.conf:1:41: f wants a value, not a section");
    n = n->next;
    buf_truncate(&f->error, 0);
    assert_int_equal(ucl_list(n, &(struct config_list){ NULL, 0 }, &f->arena, &f->error),
                     UCL_WRONG);
    assert_string_equal((const char *)f->error.data,
                        "g.conf:1:51: g wants values, not sections");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sections_nest_and_know_their_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_in_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_brackets_inside_a_word, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_syntax_is_placed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_is_bounded_whatever_is_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes_and_lists_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
