/* A page that another process counts in, and that nobody can cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/wire/counters.h"

static void what_a_process_counted_outlives_it(void **state)
{
    struct gate_counters *mine;
    int fd, status;
    pid_t child;

    (void)state;
    assert_int_equal(counters_new(&fd), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct gate_counters *theirs;

        if (counters_map(&theirs, fd) < 0)
            _exit(1);
        counter_add(&theirs->requests, 5);
        counter_add(&theirs->open, 2);
        counter_sub(&theirs->open, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(counters_map(&mine, fd), 0);
    assert_int_equal(atomic_load(&mine->requests), 5);
    assert_int_equal(atomic_load(&mine->open), 1);
    assert_int_equal(atomic_load(&mine->accepted), 0);
    counters_unmap(mine);
    counters_unmap(NULL);
    close(fd);
}

static void nobody_cuts_the_page_short(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(counters_new(&fd), 0);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    close(fd);
}

static void another_version_s_page_is_refused(void **state)
{
    char name[] = "/tmp/midwatch-counters-XXXXXX";
    struct gate_counters *c = NULL;
    int fd = mkstemp(name);

    (void)state;
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(ftruncate(fd, sizeof(struct gate_counters) - 8), 0);
    assert_int_equal(counters_map(&c, fd), -EINVAL);
    assert_null(c);
    close(fd);
    assert_true(counters_map(&c, -1) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_process_counted_outlives_it),
        cmocka_unit_test(nobody_cuts_the_page_short),
        cmocka_unit_test(another_version_s_page_is_refused),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
