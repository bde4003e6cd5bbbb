/* The scribe as a process: records become lines whatever happens to it, and who asks is told. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"
#include <folder.h>      /* of the tests, not the log's */
#include "gate/control/control.h"
#include "gate/scribe/scribe.h"
#include "gate/wire/config_part.h"
#include "gate/wire/control.h"
#include "log_fixture.h"

enum { HIGH = 200 };            /* where descriptors wait until the child puts them in place */

/* One worker, played by the test. */
struct world {
    struct fixture *f;
    char config[200];
    int bundle, parent[2], worker[2], counters;
    pid_t pid;
    rlim_t limit;               /* on files of the scribe; 0: none */
};

static struct gate_bundle *bundle_of(const struct world *w)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate_bundle *b;

    if (gate_bundle_read(&b, NULL, w->config, &error) != 0)
        fail_msg("%s", (const char *)error.data);
    return b;
}

static void bundle_write(struct world *w)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    struct gate_bundle *b = bundle_of(w);

    gate_bundle_encode(b, &bytes);
    assert_int_equal(buf_error(&bytes), 0);
    w->bundle = memfd_create("bundle", MFD_CLOEXEC);
    assert_int_equal(write(w->bundle, bytes.data, bytes.len), (ssize_t)bytes.len);
    gate_bundle_free(b);
}

static void configure(struct world *w, const char *user)
{
    int high;

    snprintf(w->config, sizeof(w->config),
             "state = \"%s\"; upstream { dns = [\"127.0.0.1:9\"]; } user = \"%s\";",
             w->f->state, user);
    own_close(&w->bundle);
    bundle_write(w);
    high = fcntl(w->bundle, F_DUPFD_CLOEXEC, HIGH);
    close(w->bundle);
    w->bundle = high;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    w->bundle = -1;
    fixture_setup((void **)&w->f);
    configure(w, "nobody");
    assert_int_equal(channel_pair(w->parent), 0);
    assert_int_equal(channel_pair(w->worker), 0);
    assert_int_equal(counters_new(&w->counters), 0);
    *state = w;
    return 0;
}

static void place(int from, int to)
{
    if (dup2(from, to) != to)
        _exit(99);
}

static void start(struct world *w)
{
    char *argv[] = { (char[]){ "gate" }, (char[]){ "--role" }, (char[]){ "scribe" },
                     (char[]){ "--workers" }, (char[]){ "1" }, NULL };

    fflush(stdout);
    w->pid = fork();
    if (w->pid != 0)
        return;
    {
        int parent = fcntl(w->parent[1], F_DUPFD, HIGH),
            worker = fcntl(w->worker[1], F_DUPFD, HIGH),
            counters = fcntl(w->counters, F_DUPFD, HIGH);
        const struct rlimit limit = { w->limit, RLIM_INFINITY };

        if (w->limit != 0 && setrlimit(RLIMIT_FSIZE, &limit) < 0)
            _exit(98);
        place(w->bundle, PROCESS_FD_BUNDLE);
        place(parent, PROCESS_FD_PARENT);
        place(worker, PROCESS_FD_FIRST);
        place(counters, PROCESS_FD_FIRST + 1);
        close(parent);
        close(worker);
        close(counters);
        exit(scribe_main(5, argv));
    }
}

static int stop(struct world *w, int with)
{
    int status = 0;

    if (w->pid <= 0)
        return 0;
    kill(w->pid, with);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    w->pid = 0;
    return status;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char path[100];

    stop(w, SIGKILL);
    close(w->bundle);
    close(w->parent[0]);
    close(w->parent[1]);
    close(w->worker[0]);
    close(w->worker[1]);
    close(w->counters);
    snprintf(path, sizeof(path), "%s/unlock", w->f->state);
    folder_remove(path);
    fixture_teardown((void **)&w->f);
    free(w);
    return 0;
}

/* ------------------------------------------------------------------------------ talking ---- */

static void say(struct world *w, const struct buf *message)
{
    assert_int_equal(buf_error(message), 0);
    while (send(w->worker[0], message->data, message->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        assert_int_equal(errno, EAGAIN);
        usleep(1000);
    }
}

static void record(struct world *w, uint64_t serial)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct audit_record r = fixture_record(1, serial);

    audit_write(&message, &r);
    say(w, &message);
}

/* The next message of this kind; others are skipped. */
static void hear(struct world *w, uint8_t kind, struct buf *message)
{
    for (;;) {
        uint8_t *to;
        ssize_t n;

        buf_truncate(message, 0);
        to = buf_reserve(message, CHANNEL_MAX_MESSAGE);
        assert_non_null(to);
        n = recv(w->worker[0], to, CHANNEL_MAX_MESSAGE, MSG_DONTWAIT);
        if (n > 0) {
            buf_took(message, (size_t)n);
            if (message->data[0] == kind)
                return;
        } else {
            assert_int_equal(waitpid(w->pid, NULL, WNOHANG), 0);
            usleep(1000);
        }
    }
}

static void hear_state(struct world *w, bool failing)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(65536);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct audit_state state;

    do {
        hear(w, GATE_AUDIT_STATE, &message);
        assert_int_equal(audit_state_read(&state, buf_span(&message), &arena), 0);
    } while (state.failing != failing);
    if (failing)
        assert_non_null(strstr(state.why, "cannot be written"));
}

static json_t *ask(struct world *w, const char *question)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(1 << 20), error = BUF_INIT(4096);
    json_t *o;

    if (control_ask(w->f->state, question, &answer, &error) < 0)
        fail_msg("%s: %s", question, (const char *)error.data);
    o = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    assert_non_null(o);
    return o;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* Until this record is in the log. */
static void await(struct world *w, uint64_t serial)
{
    while (access(w->f->audit, F_OK) != 0 || fixture_count(w->f, 1, serial) == 0) {
        assert_int_equal(waitpid(w->pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
}

/* -------------------------------------------------------------------------------- tests ---- */

static void test_records_become_lines(void **state)
{
    struct world *w = *state;

    start(w);
    for (uint64_t i = 1; i <= 500; i++)
        record(w, i);
    hear_state(w, false);
    /* told to end while much of it is still in the socket */
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
    for (uint64_t i = 1; i <= 500; i += 83)
        assert_int_equal(fixture_count(w->f, 1, i), 1);
    assert_int_equal(fixture_count(w->f, 1, 500), 1);
    assert_int_equal(fixture_verify(w->f, NULL).unsigned_tail, 0);
}

static void test_killed_it_loses_nothing(void **state)
{
    struct world *w = *state;
    uint64_t sent = 0;

    for (int life = 0; life < 6; life++) {
        start(w);
        for (int i = 0; i < 60; i++)
            record(w, ++sent);
        if (life % 2 == 0)
            await(w, sent - 30);
        stop(w, SIGKILL);
    }
    start(w);
    await(w, sent);
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
    for (uint64_t i = 1; i <= sent; i += 7)
        assert_int_equal(fixture_count(w->f, 1, i), 1);
}

/* The worker is told, nothing is lost, and all goes on by itself. */
static void test_a_full_disk(void **state)
{
    struct world *w = *state;
    const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
    json_t *o;

    configure(w, "root"); /* nobody's limits are not ours to lift */
    w->limit = 30000;
    start(w);
    hear_state(w, false);
    for (uint64_t i = 1; i <= 100; i++)
        record(w, i);
    hear_state(w, true);
    o = ask(w, "{\"ask\":\"audit\"}");
    assert_true(json_is_true(json_object_get(o, "failing")));
    json_decref(o);
    fixture_assert_whole(w->f);
    assert_int_equal(fixture_count(w->f, 1, 100), 0);
    assert_int_equal(prlimit(w->pid, RLIMIT_FSIZE, &none, NULL), 0);
    hear_state(w, false);
    await(w, 100);
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(fixture_count(w->f, 1, i), 1);
}

static void test_a_workers_life_begins(void **state)
{
    struct world *w = *state;
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct gate_consent consent = {
        .client = "192.0.2.7", .host = "old.example.com", .port = 443,
        .key = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .findings = "expired",
        .until = { 4102444800 },
    };
    struct gate_consent *items;
    struct gate_learned *learned;
    size_t n = 0;

    start(w);
    hear(w, GATE_CONSENTS, &message); /* to those that outlived another scribe */
    consent_write(&message, &consent);
    buf_drop(&message, message.len);
    consent_write(&message, &consent);
    say(w, &message);
    hear(w, GATE_CONSENTS, &message);
    assert_int_equal(consents_read(&items, &n, buf_span(&message), &arena), 0);
    assert_int_equal(n, 1);
    buf_truncate(&message, 0);
    control_write(&message, GATE_QUERY_ANSWER, 0, SPAN_LIT("{\"hello\":true}"));
    say(w, &message);
    hear(w, GATE_LEARNED, &message);
    assert_int_equal(learned_read(&learned, &n, buf_span(&message), &arena), 0);
    hear(w, GATE_CONSENTS, &message);
    assert_int_equal(consents_read(&items, &n, buf_span(&message), &arena), 0);
    assert_int_equal(n, 1);
    assert_string_equal(items[0].host, "old.example.com");
    hear(w, GATE_AUDIT_STATE, &message);
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
}

static void hear_unlock(struct world *w, bool on)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct gate_unlock u;
    struct mw_span json;
    uint64_t id;

    do {
        hear(w, GATE_QUERY, &message);
        assert_int_equal(control_read(&id, &json, buf_span(&message)), 0);
    } while (unlock_read(&u, json) != 0 || (u.until.s != 0) != on);
    assert_string_equal(u.client, on ? "192.0.2.7" : "");
}

static void secret(struct world *w, const char *client)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(4096);

    keylog_write(&message, &(struct gate_keylog){ client, "a.test", "CLIENT_RANDOM 00 11" });
    say(w, &message);
}

static void test_unlock(void **state)
{
    struct world *w = *state;
    CLEANUP(buf_deinit) struct buf log = BUF_INIT(1 << 20);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    json_t *o;

    start(w);
    hear_state(w, false);
    secret(w, "192.0.2.7"); /* too early */
    o = ask(w, "{\"ask\":\"unlock\",\"for_s\":60}");
    assert_non_null(strstr(text(o, "error"), "why?"));
    json_decref(o);
    o = ask(w, "{\"ask\":\"unlock\",\"for_s\":100000,\"reason\":\"x\"}");
    assert_non_null(strstr(text(o, "error"), "how long"));
    json_decref(o);
    o = ask(w, "{\"ask\":\"unlock\",\"for_s\":60,\"reason\":\"a fault\",\"client\":\"192.0.2.7\"}");
    assert_string_equal(text(o, "unlock"), "begun");
    json_decref(o);
    hear_unlock(w, true);
    secret(w, "192.0.2.7");
    secret(w, "192.0.2.8"); /* another client's */
    record(w, 1);
    await(w, 1); /* what was sent before it is done */
    o = ask(w, "{\"ask\":\"audit\"}");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "unlock"), "written")),
                     1);
    json_decref(o);
    o = ask(w, "{\"ask\":\"unlock\",\"for_s\":0}");
    assert_string_equal(text(o, "unlock"), "ended");
    json_decref(o);
    hear_unlock(w, false);
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
    list = fixture_files(w->f);
    fixture_read(w->f, list.files[0].name, &log);
    assert_non_null(strstr((const char *)log.data, "\"action\":\"unlock\""));
    assert_non_null(strstr((const char *)log.data, "a fault"));
    assert_non_null(strstr((const char *)log.data, "\"action\":\"unlock-ended\""));
    assert_null(strstr((const char *)log.data, "CLIENT_RANDOM"));
}

/* The parent hands over a new configuration: another format, from the next line on. */
static void test_reload(void **state)
{
    struct world *w = *state;
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL), log = BUF_INIT(1 << 20);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct gate_bundle *b;

    start(w);
    record(w, 1);
    await(w, 1);
    snprintf(w->config + strlen(w->config), sizeof(w->config) - strlen(w->config),
             " audit { format = ocsf; }");
    b = bundle_of(w);
    gate_bundle_encode(b, &bytes);
    gate_bundle_free(b);
    for (size_t at = 0; at < bytes.len; at += CONFIG_PART_BYTES) {
        CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

        config_part_write(&message, buf_span(&bytes), at);
        while (send(w->parent[0], message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            usleep(1000);
    }
    for (uint64_t i = 2; ; i++) {
        record(w, i);
        await(w, i);
        buf_truncate(&log, 0);
        folder_deinit(&list);
        list = fixture_files(w->f);
        fixture_read(w->f, list.files[0].name, &log);
        if (strstr((const char *)log.data, "\"class_uid\":4001") != NULL)
            break;
    }
    assert_non_null(strstr((const char *)log.data, "\"activity_name\":\"reloaded\""));
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
}

/* What a worker sends that was taken over. */
static void test_nonsense(void **state)
{
    struct world *w = *state;

    start(w);
    for (unsigned kind = 0; kind < 256; kind++) {
        CLEANUP(buf_deinit) struct buf message = BUF_INIT(4096);

        buf_u8(&message, (uint8_t)kind);
        for (unsigned i = 0; i < kind; i++)
            buf_u8(&message, (uint8_t)(kind * 7 + i * 13));
        say(w, &message);
    }
    record(w, 1);
    await(w, 1);
    assert_int_equal(stop(w, SIGTERM), 0);
    fixture_assert_whole(w->f);
}

int main(void)
{
#define SCRIBE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCRIBE_TEST(test_records_become_lines),
        SCRIBE_TEST(test_killed_it_loses_nothing),
        SCRIBE_TEST(test_a_full_disk),
        SCRIBE_TEST(test_a_workers_life_begins),
        SCRIBE_TEST(test_unlock),
        SCRIBE_TEST(test_reload),
        SCRIBE_TEST(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
