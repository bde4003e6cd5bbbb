/*
 * A sanitized build's processes end with a search for leaks, which must come through its walls:
 * and the walls still stand.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/walls/walls.h"

static int child(enum walls_role role)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct walls w = { .role = role };

    alarm(60);
    if (walls_build(&w, &error) != 0)
        return 1;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES ? 2 : 0;
}

static void test_ends_well(void **state)
{
    (void)state;
    for (int role = WALLS_WORKER; role <= WALLS_SCRIBE; role++) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            exit(child((enum walls_role)role));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_false(WIFSIGNALED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void test_still_killed(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(WALLS_FORGE) != 0 ? 3 : socket(AF_INET, SOCK_STREAM, 0) < 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_well),
        cmocka_unit_test(test_still_killed),
    };

    return cmocka_run_group_tests_name("gate/walls sanitized", tests, NULL, NULL);
}
