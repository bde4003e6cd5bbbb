/* Passwords are worked out beside the loop: bounded, in order, and whoever leaves is not called. */
#include "gate/worker/signing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <crypt.h>

#include "base/file.h"
#include "base/own.h"
#include "gate/policy/bundle.h"

struct fixture {
    uv_loop_t loop;
    struct signings all;
    struct gate_bundle *bundle;
    struct gate_config *config;
};

struct client {
    struct fixture *f;
    struct signing *signing;
    unsigned calls;
    int error;
    struct client *ends;        /* somebody else who leaves while it is told */
};

static struct addr address(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, span_str(text), 4711), 0);
    return a;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    CLEANUP(own_free) struct crypt_data *data = calloc(1, sizeof(*data));
    CLEANUP(buf_deinit) struct buf users = BUF_INIT(4096), error = BUF_INIT(4096),
                                   config = BUF_INIT(4096);
    char path[] = "/tmp/mw-signing-XXXXXX";
    int fd = mkstemp(path);

    assert_true(f != NULL && data != NULL && fd >= 0);
    close(fd);
    buf_printf(&users, "anna:%s\n", crypt_r("open sesame", "$5$rounds=1000$saltsalt", data));
    assert_int_equal(file_replace(path, buf_span(&users), 0600), 0);
    buf_printf(&config, "users-file = \"%s\";", path);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(gate_bundle_read(&f->bundle, NULL, (const char *)config.data, &error), 0);
    assert_int_equal(gate_config_load(&f->config, f->bundle, &error), 0);
    unlink(path);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    gate_config_unref(f->config);
    gate_bundle_free(f->bundle);
    free(f);
    return 0;
}

static void on_signed(void *context, int error)
{
    struct client *c = context;

    c->signing = NULL;
    c->calls++;
    c->error = error;
    if (c->ends == NULL)
        return;
    signing_cancel(c->ends->signing);
    c->ends->signing = NULL;
}

static enum sign_in known(struct fixture *f, const char *password, struct sign_in_question **ask)
{
    const char *const *groups = NULL;

    return gate_config_sign_in(f->config, SPAN_LIT("anna"), span_str(password), &groups, ask);
}

static int ask(struct fixture *f, struct client *c, const char *password, const char *from)
{
    struct addr client = address(from);
    struct sign_in_question *q = NULL;

    *c = (struct client){ .f = f, .ends = c->ends };
    assert_int_equal(known(f, password, &q), SIGN_IN_ASK);
    return signing_ask(&f->all, &f->loop, &c->signing, q, f->config, &client, on_signed, c);
}

static void answers_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct sign_in_question *q = NULL;
    struct client right = { .ends = NULL }, wrong = { .ends = NULL };

    assert_int_equal(ask(f, &right, "open sesame", "192.0.2.1"), 0);
    assert_int_equal(ask(f, &wrong, "open", "192.0.2.2"), 0);
    assert_int_equal(right.calls, 0); /* not from within */
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(right.calls == 1 && right.error == 0 && wrong.calls == 1 && wrong.error == 0);
    assert_int_equal(known(f, "open sesame", &q), SIGN_IN_GOOD);
    assert_int_equal(known(f, "open", &q), SIGN_IN_WRONG);
    assert_int_equal(f->all.running + f->all.waiting, 0);
}

static void few_of_one_client_wait(void **state)
{
    struct fixture *f = *state;
    struct client many[SIGNING_RUNNING + SIGNING_OF_ONE + 1] = { { .ends = NULL } };
    struct client other = { .ends = NULL };
    char guess[16];

    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(guess, sizeof(guess), "%u", i);
        assert_int_equal(ask(f, &many[i], guess, "192.0.2.1"),
                         i + 1 < ARRAY_LEN(many) ? 0 : -EBUSY);
    }
    assert_int_equal(f->all.running, SIGNING_RUNNING);
    assert_int_equal(f->all.waiting, SIGNING_OF_ONE);
    assert_int_equal(ask(f, &other, "x", "192.0.2.2"), 0); /* who pays nothing for it */
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        assert_int_equal(many[i].calls, i + 1 < ARRAY_LEN(many) ? 1 : 0);
    assert_int_equal(other.calls, 1);
}

static void a_bounded_crowd_waits(void **state)
{
    struct fixture *f = *state;
    static struct client crowd[SIGNING_RUNNING + SIGNING_WAITING];
    struct client late = { .ends = NULL };
    char from[32];

    for (unsigned i = 0; i < ARRAY_LEN(crowd); i++) {
        snprintf(from, sizeof(from), "10.0.%u.1", i);
        assert_int_equal(ask(f, &crowd[i], from, from), 0);
    }
    assert_int_equal(ask(f, &late, "late", "192.0.2.1"), -EBUSY);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < ARRAY_LEN(crowd); i++)
        assert_int_equal(crowd[i].calls, 1);
    assert_int_equal(ask(f, &late, "late", "192.0.2.1"), 0);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(late.calls, 1);
}

/* Before it began, while it runs, and from within somebody else's answer. */
static void who_leaves_is_not_called(void **state)
{
    struct fixture *f = *state;
    struct client c[6] = { { .ends = NULL } };
    struct sign_in_question *q = NULL;
    char guess[16];

    for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
        snprintf(guess, sizeof(guess), "%u", i);
        assert_int_equal(ask(f, &c[i], guess, "192.0.2.1"), 0);
    }
    c[1].ends = &c[4];
    signing_cancel(c[0].signing);   /* runs */
    signing_cancel(c[2].signing);   /* the first that waits, then the last */
    signing_cancel(c[5].signing);
    signing_cancel(NULL);
    assert_int_equal(f->all.waiting, 2);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(c[0].calls == 0 && c[2].calls == 0 && c[5].calls == 0);
    assert_true(c[1].calls == 1 && c[3].calls == 1);
    assert_int_equal(known(f, "0", &q), SIGN_IN_WRONG); /* worked out all the same */
    assert_int_equal(known(f, "2", &q), SIGN_IN_ASK);
    sign_in_free(q);
}

/* What runs keeps its config; a loop that ends waits for it. */
static void the_config_outlives_its_question(void **state)
{
    struct fixture *f = *state;
    struct client c = { .ends = NULL };

    assert_int_equal(ask(f, &c, "open sesame", "192.0.2.1"), 0);
    gate_config_unref(f->config);
    f->config = NULL;
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(c.calls, 1);
}

int main(void)
{
#define SIGNING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SIGNING_TEST(answers_are_remembered),
        SIGNING_TEST(few_of_one_client_wait),
        SIGNING_TEST(a_bounded_crowd_waits),
        SIGNING_TEST(who_leaves_is_not_called),
        SIGNING_TEST(the_config_outlives_its_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
