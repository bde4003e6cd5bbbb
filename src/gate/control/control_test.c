/*
 * The control socket and the endpoint for metrics, asked over real sockets by a thread, with
 * workers and a parent that are only callbacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/own.h"
#include "gate/control/control.h"
#include "net/sock.h"

enum { WORKERS = 2 };

struct scene {
    char folder[64];
    uv_loop_t loop;
    uv_async_t done;
    struct gate_config config;
    struct gate_counters *counters[WORKERS];
    struct control *control;
    unsigned silent;            /* worker that does not answer, + 1 */
    char parent[256];           /* what the parent says; "" nothing */

    /* the asking thread's */
    const char *question, *target;
    struct buf answer, error;
    int result;
};

/* ------------------------------------------------------------- the other processes ---- */

static void ask_all(void *context, uint64_t id, struct mw_span json)
{
    static const char *const top[WORKERS] = { "{\"sessions\":[{\"host\":\"a.test\"}]}",
                                              "{\"sessions\":[{\"host\":\"b.test\"}]}" };
    static const char *const why[WORKERS] = {
        "{\"attempts\":[{\"at_ms\":30,\"n\":1},{\"at_ms\":10,\"n\":2}]}",
        "{\"attempts\":[{\"at_ms\":40,\"n\":3},{\"at_ms\":20,\"n\":4}]}"
    };
    struct scene *s = context;
    json_t *q = json_loadb((const char *)json.data, json.len, 0, NULL);
    const char *ask = json_string_value(json_object_get(q, "ask"));

    assert_non_null(ask);
    for (unsigned i = 0; i < WORKERS; i++) {
        if (s->silent == i + 1)
            continue;
        if (strcmp(ask, "top") == 0)
            control_answer(s->control, id, (int)i, span_str(top[i]));
        if (strcmp(ask, "why") == 0)
            control_answer(s->control, id, (int)i, span_str(why[i]));
    }
    if (strcmp(ask, "top") != 0 && strcmp(ask, "why") != 0 && s->parent[0] != '\0')
        control_answer(s->control, id, -1, span_str(s->parent));
    /* Nobody waits for these. */
    control_answer(s->control, id + 1000, 0, SPAN_LIT("{}"));
    control_answer(s->control, id, 99, SPAN_LIT("{}"));
    json_decref(q);
}

static bool own(void *context, struct mw_span json, struct buf *answer)
{
    (void)context;
    if (!span_eq(json, SPAN_LIT("{\"ask\":\"learned\",\"do\":\"list\"}")))
        return false;
    buf_str(answer, "{\"learned\":[]}");
    return true;
}

static const struct control_events events = { ask_all, own };

/* --------------------------------------------------------------------------- scene ---- */

static void on_done(uv_async_t *async)
{
    uv_stop(async->loop);
}

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct control_options o = { .workers = WORKERS, .events = &events, .context = s };
    int fd;

    assert_non_null(s);
    snprintf(s->folder, sizeof(s->folder), "/tmp/midwatch-control-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->config.state_folder = s->folder;
    s->config.admin.at = addr_make(AF_INET, "\x7f\0\0\1", 0);
    assert_int_equal(sock_listen(&fd, &s->config.admin.at, 1), 0);
    close(fd);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(counters_new(&fd), 0);
        assert_int_equal(counters_map(&s->counters[i], fd), 0);
        close(fd);
        counter_add(&s->counters[i]->accepted, 100);
        counter_add(&s->counters[i]->open, (uint64_t)i + 1);
    }
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(uv_async_init(&s->loop, &s->done, on_done), 0);
    o.config = &s->config;
    o.counters = s->counters;
    assert_int_equal(control_new(&s->control, &s->loop, &o, &error), 0);
    s->answer = (struct buf)BUF_INIT(1 << 20);
    s->error = (struct buf)BUF_INIT(4096);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;

    control_free(s->control);
    uv_close((uv_handle_t *)&s->done, NULL);
    while (uv_run(&s->loop, UV_RUN_DEFAULT) != 0)
        continue;
    assert_int_equal(uv_loop_close(&s->loop), 0);
    for (int i = 0; i < WORKERS; i++)
        counters_unmap(s->counters[i]);
    assert_int_equal(rmdir(s->folder), 0);      /* the socket is gone too */
    buf_deinit(&s->answer);
    buf_deinit(&s->error);
    free(s);
    return 0;
}

/* ------------------------------------------------------------------ the asking thread ---- */

static void *ask_thread(void *context)
{
    struct scene *s = context;

    s->result = control_ask(s->folder, s->question, &s->answer, &s->error);
    uv_async_send(&s->done);
    return NULL;
}

static void *http_thread(void *context)
{
    struct scene *s = context;
    char request[256], piece[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t n = 0;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: gate.test\r\n\r\n", s->target);
    if (connect(fd, &s->config.admin.at.sa.any, s->config.admin.at.len) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
            buf_add(&s->answer, span_of(piece, (size_t)n));
    s->result = n < 0 ? -errno : 0;
    close(fd);
    uv_async_send(&s->done);
    return NULL;
}

static void run(struct scene *s, void *(*thread_main)(void *))
{
    pthread_t thread;

    buf_truncate(&s->answer, 0);
    buf_truncate(&s->error, 0);
    assert_int_equal(pthread_create(&thread, NULL, thread_main, s), 0);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static json_t *ask(struct scene *s, const char *question)
{
    json_t *o;

    s->question = question;
    run(s, ask_thread);
    assert_int_equal(s->result, 0);
    o = json_loadb((const char *)s->answer.data, s->answer.len, 0, NULL);
    assert_true(json_is_object(o));
    return o;
}

static const char *http(struct scene *s, const char *target)
{
    s->target = target;
    run(s, http_thread);
    assert_int_equal(s->result, 0);
    assert_true(s->answer.len > 0);
    return (const char *)s->answer.data;
}

static json_int_t number(const json_t *o, const char *key)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

/* --------------------------------------------------------------------------- tests ---- */

static void test_workers_lists_are_joined(void **state)
{
    struct scene *s = *state;
    json_t *o = ask(s, "{\"ask\":\"top\"}"), *list = json_object_get(o, "sessions");

    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(number(o, "missing"), 0);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "host")),
                        "b.test");
    assert_int_equal(number(json_array_get(list, 1), "worker"), 1);
    json_decref(o);
}

static void test_attempts_come_newest_first(void **state)
{
    struct scene *s = *state;
    json_t *o = ask(s, "{\"ask\":\"why\",\"host\":\"a.test\"}");
    json_t *list = json_object_get(o, "attempts");
    static const int order[] = { 3, 1, 4, 2 };

    assert_int_equal(json_array_size(list), ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_int_equal(number(json_array_get(list, i), "n"), order[i]);
    json_decref(o);
}

static void test_a_silent_worker_is_counted(void **state)
{
    struct scene *s = *state;
    json_t *o;

    s->silent = 1;
    o = ask(s, "{\"ask\":\"top\"}");
    assert_int_equal(json_array_size(json_object_get(o, "sessions")), 1);
    assert_int_equal(number(o, "missing"), 1);
    json_decref(o);
}

/* Those of an old gate, after an upgrade. */
static void test_a_worker_that_is_gone_is_not_waited_for(void **state)
{
    struct scene *s = *state;
    json_t *o;

    s->silent = 1;
    control_gone(s->control, 0);
    o = ask(s, "{\"ask\":\"top\"}");
    assert_int_equal(json_array_size(json_object_get(o, "sessions")), 1);
    assert_int_equal(number(o, "missing"), 0);
    json_decref(o);
    control_gone(s->control, 1);
    control_gone(s->control, 77);
    o = ask(s, "{\"ask\":\"why\",\"host\":\"a.test\"}");
    assert_int_equal(json_array_size(json_object_get(o, "attempts")), 0);
    assert_int_equal(number(o, "missing"), 0);
    json_decref(o);
}

static void test_status(void **state)
{
    struct scene *s = *state;
    json_t *o;

    snprintf(s->parent, sizeof(s->parent), "{\"pid\":7}");
    control_audit(s->control, true, "no space left");
    o = ask(s, "{\"ask\":\"status\"}");
    assert_int_equal(number(json_object_get(o, "gate"), "pid"), 7);
    assert_int_equal(number(json_object_get(o, "totals"), "accepted"), 200);
    assert_int_equal(number(json_array_get(json_object_get(o, "workers"), 1), "open"), 2);
    assert_true(json_is_true(json_object_get(json_object_get(o, "audit"), "failing")));
    json_decref(o);
}

static void test_what_the_parent_and_the_scribe_say(void **state)
{
    struct scene *s = *state;
    json_t *o;

    snprintf(s->parent, sizeof(s->parent), "{\"error\":\"gate.conf:3:1: no such setting\"}");
    o = ask(s, "{\"ask\":\"reload\"}");
    assert_string_equal(json_string_value(json_object_get(o, "error")),
                        "gate.conf:3:1: no such setting");
    json_decref(o);
    o = ask(s, "{\"ask\":\"learned\",\"do\":\"list\"}");
    assert_true(json_is_array(json_object_get(o, "learned")));
    json_decref(o);
}

static void test_questions_that_make_no_sense(void **state)
{
    static const char *const questions[] = {
        "{\"ask\":\"nonsense\"}", "{}", "[", "\"top\"", "{\"ask\":7}",
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        json_t *o = ask(s, questions[i]);

        assert_non_null(json_object_get(o, "error"));
        json_decref(o);
    }
}

static void test_a_question_without_end(void **state)
{
    struct scene *s = *state;
    CLEANUP(own_free) char *long_one = malloc(200 * 1024);

    assert_non_null(long_one);
    memset(long_one, ' ', 200 * 1024 - 1);
    long_one[200 * 1024 - 1] = '\0';
    s->question = long_one;
    run(s, ask_thread);
    /* Cut off while it was still talking, or told why: never listened to for good. */
    if (s->result == 0)
        assert_non_null(strstr((const char *)s->answer.data, "too long"));
}

static void test_metrics(void **state)
{
    struct scene *s = *state;
    const char *text = http(s, "/metrics");
    const char *first = strstr(text, "# TYPE midwatch_handshakes_total counter");

    assert_memory_equal(text, "HTTP/1.1 200", 12);
    assert_non_null(strstr(text, "\nmidwatch_connections_total 200\n"));
    assert_non_null(strstr(text, "\nmidwatch_sessions 3\n"));
    assert_non_null(strstr(text, "# TYPE midwatch_sessions gauge\n"));
    assert_non_null(strstr(text, "midwatch_handshakes_total{leg=\"client\",resumed=\"no\"} 0\n"));
    assert_non_null(strstr(text, "\nmidwatch_audit_failing 0\n"));
    /* A family's head stands once, or scrapers refuse the whole page. */
    assert_non_null(first);
    assert_null(strstr(first + 1, "# TYPE midwatch_handshakes_total"));
}

static void test_health(void **state)
{
    struct scene *s = *state;

    assert_memory_equal(http(s, "/healthz"), "HTTP/1.1 200", 12);
    snprintf(s->parent, sizeof(s->parent), "{\"pid\":7}");
    assert_memory_equal(http(s, "/readyz"), "HTTP/1.1 200", 12);
    control_audit(s->control, true, "no space left");
    assert_memory_equal(http(s, "/readyz"), "HTTP/1.1 503", 12);
    assert_non_null(strstr((const char *)s->answer.data, "no space left"));
    control_audit(s->control, false, NULL);
    snprintf(s->parent, sizeof(s->parent), "{\"not_ready\":\"worker 1 is being restarted\"}");
    assert_memory_equal(http(s, "/readyz"), "HTTP/1.1 503", 12);
    assert_memory_equal(http(s, "/elsewhere"), "HTTP/1.1 404", 12);
}

static void test_the_endpoint_moves(void **state)
{
    struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate_config other = s->config;
    struct addr taken = addr_make(AF_INET, "\x7f\0\0\1", 0);
    int fd;

    /* Somebody else's port: it stays where it was. */
    assert_int_equal(sock_listen(&fd, &taken, 1), 0);
    other.admin.at = taken;
    assert_int_equal(control_reload(s->control, &other, &error), -EADDRINUSE);
    assert_non_null(strstr((const char *)error.data, "cannot listen"));
    assert_memory_equal(http(s, "/healthz"), "HTTP/1.1 200", 12);
    close(fd);
    assert_int_equal(control_reload(s->control, &other, &error), 0);
    s->config.admin.at = taken;
    assert_memory_equal(http(s, "/healthz"), "HTTP/1.1 200", 12);
}

static void test_nobody_else_may_ask(void **state)
{
    struct scene *s = *state;
    char path[128];
    struct stat about;

    snprintf(path, sizeof(path), "%s/control.sock", s->folder);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

/* The new gate's socket takes the name; the old one's end does not take it away. */
static void test_a_successor_keeps_its_socket(void **state)
{
    struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct control_options o = { &s->config, s->counters, WORKERS, &events, s };
    struct control *old = s->control;
    json_t *answer;

    assert_int_equal(control_new(&s->control, &s->loop, &o, &error), 0);
    control_free(old);
    answer = ask(s, "{\"ask\":\"top\"}");
    json_decref(answer);
}

static void test_no_gate(void **state)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(4096), error = BUF_INIT(4096);

    (void)state;
    assert_int_equal(control_ask("/nonexistent/midwatch", "{}", &answer, &error), -ENOENT);
    assert_non_null(strstr((const char *)error.data, "no gate runs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_workers_lists_are_joined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attempts_come_newest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_worker_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_worker_that_is_gone_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_parent_and_the_scribe_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_questions_that_make_no_sense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_question_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_health, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_endpoint_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_else_may_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_successor_keeps_its_socket, set_up, tear_down),
        cmocka_unit_test(test_no_gate),
    };

    return cmocka_run_group_tests_name("gate/control", tests, NULL, NULL);
}
