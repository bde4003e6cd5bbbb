/* What the parent passes to the processes it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "gate/wire/process.h"

/* The words of a command line. */
static int read_args(struct process_args *out, const char *line)
{
    char words[128], *argv[16], *rest = words;
    int argc = 0;

    assert_true(strlen(line) < sizeof(words));
    memcpy(words, line, strlen(line) + 1);
    while (rest != NULL) {
        argv[argc++] = rest;
        rest = strchr(rest, ' ');
        if (rest != NULL)
            *rest++ = '\0';
    }
    return process_args_read(out, argc, argv);
}

static void what_is_passed_is_read(void **state)
{
    struct process_args a;

    (void)state;
    assert_int_equal(
        read_args(&a, "gate --role worker --index 3 --workers 4 --listeners 2"), 0);
    assert_int_equal(a.index, 3);
    assert_int_equal(a.workers, 4);
    assert_int_equal(a.listeners, 2);
    assert_int_equal(read_args(&a, "gate --workers 128"), 0);
    assert_int_equal(a.index, 0);
    assert_int_equal(a.workers, PROCESS_MAX_WORKERS);
    assert_int_equal(a.listeners, 0);
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "gate --workers 129", "gate --workers 0",   "gate --workers",     "gate --index -1",
        "gate --index 1",    "gate --role",        "gate --listeners x", "gate --color red",
        "gate worker",
    };
    struct process_args a = { .workers = 77 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(read_args(&a, wrong[i]), -EINVAL);
    assert_int_equal(a.workers, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_passed_is_read),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
