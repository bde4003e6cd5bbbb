/* A writer that is killed at any moment, again and again: nothing it acknowledged is lost, nothing
 * is there twice, and the log verifies without a false alarm. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "log_fixture.h"

enum { LIVES = 25 };

/* What the worker knows: shared with the writer that is killed. */
struct shared {
    _Atomic uint64_t acknowledged;
};

static void write_until_killed(struct fixture *f, struct shared *s)
{
    struct audit_log *l;

    f->config.audit.rotate_bytes = 60000;
    l = fixture_open(f);
    for (;;) {
        struct audit_record r = fixture_record(1, s->acknowledged + 1);
        int e = audit_log_add(l, &r, f->now);

        if (e != 0 && e != -EALREADY) /* what was written before the kill is sent again */
            _exit(1);
        s->acknowledged++;
        f->now.s += s->acknowledged % 100 == 0 ? 6 : 0;
        if (audit_log_tick(l, f->now) != 0)
            _exit(2);
    }
}

/* Half-written files, which none of the kills may leave behind for good. */
static unsigned leftovers(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += span_ends_nocase(span_str(e->d_name), SPAN_LIT(".new"));
    closedir(d);
    return n;
}

static void test_killed_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);
    unsigned torn, seed = (unsigned)time(NULL);

    assert_true(s != MAP_FAILED);
    s->acknowledged = 0;
    audit_log_close(fixture_open(f)); /* the key to verify with */
    printf("seed %u\n", seed);
    srandom(seed);
    for (int life = 0; life < LIVES; life++) {
        /* Some die while they begin, most after a few records, each at any instruction. */
        const struct timespec while_ = { .tv_nsec = 1000L * (random() % 20000) };
        uint64_t enough = s->acknowledged + (life % 4 == 0 ? 0 : 1 + (uint64_t)random() % 150);
        pid_t pid = fork();
        int status;

        if (pid == 0)
            write_until_killed(f, s);
        while (s->acknowledged < enough && waitpid(pid, NULL, WNOHANG) == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
        nanosleep(&while_, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it did not end by itself */
        fixture_assert_whole(f);
        f->now.s += 1;
    }
    assert_true(s->acknowledged >= LIVES / 2);
    audit_log_close(fixture_open(f));
    fixture_assert_whole(f);
    torn = (unsigned)fixture_verify(f, NULL).torn;
    printf("%llu records over %d kills, %u torn lines\n", (unsigned long long)s->acknowledged,
           LIVES, torn);
    for (uint64_t i = 1; i <= s->acknowledged; i += 1 + s->acknowledged / 12)
        assert_int_equal(fixture_count(f, 1, i), 1);
    assert_int_equal(fixture_count(f, 1, s->acknowledged), 1);
    assert_int_equal(leftovers(f->audit), 0);
    assert_int_equal(leftovers(f->state), 0);
    munmap(s, sizeof(*s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_again_and_again, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
