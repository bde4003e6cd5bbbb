/* The forge as the process it is: behind its walls, killed and started anew, with a worker's own
 * mint at the other end. */
#define _GNU_SOURCE     /* memfd_create(2) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "forge_fixture.h"
#include "gate/wire/channel.h"
#include "gate/wire/config_part.h"
#include "gate/wire/process.h"
#include "gate/worker/mint.h"

/* Descriptors of the test's own, away from those a process is given. */
enum { HIGH_FD = 200 };

struct scene {
    char state[FOLDER_PATH];
    struct gate_config *config;
    struct buf bundle;
    int bundle_fd, parent[2], worker[2];        /* [0]: ours, [1]: the forge's */
    pid_t forge;
    uv_loop_t loop;
    struct mint *mint;
    struct mill_cert *origin;
};

static int raised(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

    assert_true(high >= HIGH_FD);
    close(fd);
    return high;
}

static void pair_raised(int pair[2])
{
    assert_int_equal(channel_pair(pair), 0);
    pair[0] = raised(pair[0]);
    pair[1] = raised(pair[1]);
}

static void bundle_make(struct scene *s, const char *more, struct buf *bytes)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096), error = BUF_INIT(4096);
    struct gate_bundle *bundle = NULL;

    buf_printf(&text, "state = \"%s\";\n%s\n", s->state, more);
    if (gate_bundle_read(&bundle, NULL, (char *)text.data, &error) != 0)
        fail_msg("%s", (char *)error.data);
    gate_config_unref(s->config);
    s->config = NULL;
    if (gate_config_load(&s->config, bundle, &error) != 0)
        fail_msg("%s", (char *)error.data);
    gate_bundle_encode(bundle, bytes);
    assert_int_equal(buf_error(bytes), 0);
    gate_bundle_free(bundle);
}

static void forge_start(struct scene *s)
{
    s->forge = fork();
    assert_true(s->forge >= 0);
    if (s->forge == 0) {
        char *argv[] = { (char[]){ "gate" }, (char[]){ "--role" }, (char[]){ "forge" },
                         (char[]){ "--workers" }, (char[]){ "1" }, NULL };

        dup2(s->bundle_fd, PROCESS_FD_BUNDLE);
        dup2(s->parent[1], PROCESS_FD_PARENT);
        dup2(s->worker[1], PROCESS_FD_FIRST);
        close(s->parent[0]);    /* else it never sees that we are gone */
        close(s->parent[1]);
        _exit(forge_main(5, argv));
    }
}

static int forge_wait(struct scene *s)
{
    int status;

    assert_int_equal(waitpid(s->forge, &status, 0), s->forge);
    s->forge = 0;
    return status;
}

/* more: configuration.  The CA is the fixture's, copied, unless the test says otherwise. */
static void scene_open(struct scene *s, const char *more)
{
    char command[4 * FOLDER_PATH];

    *s = (struct scene){ .bundle = BUF_INIT(CONFIG_PART_TOTAL) };
    folder_make(s->state);
    snprintf(command, sizeof(command), "cp -a %s %s/ca", forge_ca_folder(), s->state);
    assert_int_equal(system(command), 0);   /* NOLINT(cert-env33-c): our own two folders */
    bundle_make(s, more, &s->bundle);
    s->bundle_fd = raised(memfd_create("bundle", MFD_CLOEXEC));
    assert_int_equal(write(s->bundle_fd, s->bundle.data, s->bundle.len), s->bundle.len);
    pair_raised(s->parent);
    pair_raised(s->worker);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(mint_new(&s->mint, &s->loop, NULL, s->worker[0]), 0);
    s->origin = forge_origin((struct mill_spec){
        .not_before = { wall_now().s - FORGE_DAY }, .not_after = { wall_now().s + FORGE_DAY } });
}

static void scene_close(struct scene *s)
{
    mint_free(s->mint);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    if (s->parent[0] >= 0)
        close(s->parent[0]);
    close(s->parent[1]);
    close(s->worker[1]);
    close(s->bundle_fd);
    if (s->forge != 0)
        assert_int_equal(forge_wait(s), 0);
    gate_config_unref(s->config);
    buf_deinit(&s->bundle);
    mill_cert_free(s->origin);
    folder_remove(s->state);
}

struct told {
    unsigned times;
    enum mint_status status;
    struct minted *minted;
    char why[128];
};

static void hear(void *context, enum mint_status status, struct minted *m, const char *why)
{
    struct told *t = context;

    t->times++;
    t->status = status;
    t->minted = m;
    strncpy(t->why, why, sizeof(t->why) - 1);
}

static void ask(struct scene *s, struct told *t, uint8_t number, enum mint_ca ca)
{
    const uint8_t key[32] = { number };
    const struct mint_order order = {
        .ca = ca, .kind = MINT_P256, .key = key, .host = SPAN_LIT("www.shop.test"),
        .origin = mill_cert_der(s->origin), .now = wall_now(),
    };
    struct minted *found;
    struct mint_wait *wait;

    *t = (struct told){ 0 };
    assert_int_equal(mint_ask(s->mint, &order, &found, hear, t, &wait), 0);
    assert_null(found);
}

static void until_told(struct scene *s, struct told *t)
{
    while (t->times == 0)
        uv_run(&s->loop, UV_RUN_ONCE);
}

/* However long the forge takes to start on a busy computer. */
static void ask_patiently(struct scene *s, struct told *t, uint8_t number)
{
    do {
        ask(s, t, number, MINT_TRUSTED);
        until_told(s, t);
    } while (t->status == MINT_BROKEN && strstr(t->why, "in time") != NULL);
}

static void minted(struct scene *s, uint8_t number)
{
    struct told t;

    ask_patiently(s, &t, number);
    if (t.status != MINT_OK)
        fail_msg("%s", t.why);
    assert_int_equal(X509_verify(t.minted->leaf, X509_get0_pubkey(t.minted->intermediate)), 1);
    minted_unref(t.minted);
}

static void refused(struct scene *s, uint8_t number, enum mint_status status, const char *says)
{
    struct told t;

    ask_patiently(s, &t, number);
    assert_int_equal(t.status, status);
    if (strstr(t.why, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", t.why, says);
}

/* The value of "Name:\tvalue" in /proc/PID/status. */
static long status_of(pid_t pid, const char *name)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(65536);
    char path[64];
    const char *at;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    assert_int_equal(file_read(path, &text), 0);
    at = strstr((char *)text.data, name);
    return at != NULL ? strtol(at + strlen(name) + 1, NULL, 10) : -1;
}

static void it_mints_behind_its_walls(void **state)
{
    struct scene s;
    char path[64];
    struct stat st;

    (void)state;
    scene_open(&s, "");
    forge_start(&s);
    minted(&s, 1);
    assert_int_equal(status_of(s.forge, "Seccomp:"), 2);
    assert_int_equal(status_of(s.forge, "NoNewPrivs:"), 1);
    /* What must not be dumped belongs to root, to everybody else's debugger. */
    snprintf(path, sizeof(path), "/proc/%ld/mem", (long)s.forge);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
    close(s.parent[0]);         /* the parent is gone: so is the forge */
    s.parent[0] = -1;
    assert_int_equal(forge_wait(&s), 0);
    scene_close(&s);
}

static void killed_and_started_again_it_goes_on(void **state)
{
    struct told t;
    struct scene s;

    (void)state;
    scene_open(&s, "");
    forge_start(&s);
    minted(&s, 1);
    assert_int_equal(kill(s.forge, SIGKILL), 0);
    forge_wait(&s);
    ask(&s, &t, 2, MINT_TRUSTED);       /* nobody is there */
    for (int i = 0; i < 3; i++)
        uv_run(&s.loop, UV_RUN_NOWAIT);
    assert_int_equal(t.times, 0);
    forge_start(&s);
    until_told(&s, &t);
    minted_unref(t.minted);
    if (t.status != MINT_OK)
        assert_non_null(strstr(t.why, "in time"));
    minted(&s, 3);
    scene_close(&s);
}

static void config_send(struct scene *s, const char *more)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);

    bundle_make(s, more, &bytes);
    for (size_t at = 0; at < bytes.len; at += CONFIG_PART_BYTES) {
        CLEANUP(buf_deinit) struct buf part = BUF_INIT(CHANNEL_MAX_MESSAGE);

        config_part_write(&part, buf_span(&bytes), at);
        assert_int_equal(write(s->parent[0], part.data, part.len), part.len);
    }
}

/* The lifetime of a leaf of today is the configured one; tried until the forge has read it. */
static bool lives(struct scene *s, uint8_t *number, int64_t seconds)
{
    for (int i = 0; i < 100; i++) {
        struct told t;
        int64_t left;

        ask_patiently(s, &t, (*number)++);
        assert_int_equal(t.status, MINT_OK);
        left = t.minted->not_after.s - wall_now().s;
        minted_unref(t.minted);
        if (left <= seconds && left > seconds - 300)
            return true;
        usleep(20000);
    }
    return false;
}

static void a_new_configuration_is_taken(void **state)
{
    uint8_t number = 1;
    struct scene s;

    (void)state;
    scene_open(&s, "ca { leaf-lifetime = 2h; }");
    forge_start(&s);
    assert_true(lives(&s, &number, 7200));
    config_send(&s, "ca { leaf-lifetime = 5h; }");
    assert_true(lives(&s, &number, 5 * 3600));
    scene_close(&s);
}

static void a_ca_that_cannot_be_used_is_said(void **state)
{
    char path[2 * FOLDER_PATH];
    struct scene s;

    (void)state;
    scene_open(&s, "");
    snprintf(path, sizeof(path), "%s/ca/passphrase", s.state);
    assert_int_equal(file_replace(path, SPAN_LIT("wrong\n"), 0600), 0);
    forge_start(&s);
    refused(&s, 1, MINT_BROKEN, "CA cannot be used");
    /* With a new configuration it makes way for one that may read files. */
    config_send(&s, "");
    assert_int_equal(forge_wait(&s), 0);
    scene_close(&s);
}

/* Sends these asks before the forge is there, and compares the answers to come. */
static void exchange(struct scene *s, const uint64_t *ids, size_t n, const uint64_t *answered,
                     const enum mint_status *statuses, size_t n_answered)
{
    CLEANUP(buf_deinit) struct buf spki = BUF_INIT(1024);
    struct mint_ask a = { .host = SPAN_LIT("www.shop.test"), .now = wall_now() };
    static uint8_t answer[CHANNEL_MAX_MESSAGE];
    struct mint_answer read;

    EVP_PKEY_free(forge_key(MILL_P256, &spki));
    a.spki = buf_span(&spki);
    a.origin = mill_cert_der(s->origin);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

        a.id = ids[i];
        mint_ask_write(&message, &a);
        assert_int_equal(send(s->worker[0], message.data, message.len, 0), message.len);
    }
    forge_start(s);
    fcntl(s->worker[0], F_SETFL, 0);    /* wait for what comes */
    for (size_t i = 0; i < n_answered; i++) {
        ssize_t got = recv(s->worker[0], answer, sizeof(answer), 0);

        assert_true(got > 0);
        assert_int_equal(mint_answer_read(&read, span_of(answer, (size_t)got)), 0);
        assert_int_equal(read.id, answered[i]);
        assert_int_equal(read.status, statuses[i]);
    }
}

static void over_its_rate_it_says_so(void **state)
{
    static const uint64_t ids[] = { 1, 2, 3 };
    static const enum mint_status statuses[] = { MINT_OK, MINT_OK, MINT_BUSY };
    struct scene s;

    (void)state;
    scene_open(&s, "ca { rate-per-minute = 2; }");
    exchange(&s, ids, 3, ids, statuses, 3);
    scene_close(&s);
}

/* Asked a second time, as a worker does that had to wait, it has nothing to add. */
static void a_second_ask_is_not_minted_again(void **state)
{
    static const uint64_t ids[] = { 5, 5, 5, 6 }, answered[] = { 5, 6 };
    static const enum mint_status statuses[] = { MINT_OK, MINT_BUSY };
    struct scene s;

    (void)state;
    scene_open(&s, "ca { rate-per-minute = 1; }");
    exchange(&s, ids, 4, answered, statuses, 2);
    scene_close(&s);
}

/* A worker that was taken over says anything at all. */
static void nonsense_does_not_stop_it(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, "");
    forge_start(&s);
    assert_int_equal(send(s.worker[0], "\x01nonsense", 9, 0), 9);
    assert_int_equal(send(s.worker[0], "", 0, 0), 0);
    assert_int_equal(send(s.worker[0], "\xff", 1, 0), 1);
    minted(&s, 1);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_mints_behind_its_walls),
        cmocka_unit_test(killed_and_started_again_it_goes_on),
        cmocka_unit_test(a_new_configuration_is_taken),
        cmocka_unit_test(over_its_rate_it_says_so),
        cmocka_unit_test(a_ca_that_cannot_be_used_is_said),
        cmocka_unit_test(a_second_ask_is_not_minted_again),
        cmocka_unit_test(nonsense_does_not_stop_it),
    };

    return cmocka_run_group_tests_name("forge", tests, forge_fixture_make_today,
                                       forge_fixture_remove);
}
