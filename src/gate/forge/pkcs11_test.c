/* The intermediate's key in a token (SoftHSM): never in a file, never in the forge's memory.
 * Skipped where SoftHSM, OpenSSL's engine or pkcs11-tool are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/x509.h>
#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "forge_fixture.h"
#include "gate/forge/keyholder.h"
#include "gate/wire/channel.h"

static struct {
    char base[FOLDER_PATH], folder[FOLDER_PATH + 8], pin[FOLDER_PATH + 8];
    const char *module;
    struct ca_place place;
} scene;

static const char *module_find(void)
{
    static const char *const places[] = {
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

static int tool(const char *format, ...) PRINTF_LIKE(1, 2);
static int tool(const char *format, ...)
{
    char line[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    return system(line) == 0 ? 0 : -1;      /* NOLINT(cert-env33-c): our own words */
}

static void pin_write(const char *pin)
{
    assert_int_equal(file_replace(scene.pin, span_str(pin), 0600), 0);
}

/* A token with three keys: one that fits, one of another curve, one of RSA. */
static int token_make(void)
{
    char conf[FOLDER_PATH + 32], text[2 * FOLDER_PATH], tokens[FOLDER_PATH + 32];

    snprintf(tokens, sizeof(tokens), "%s/tokens", scene.base);
    snprintf(conf, sizeof(conf), "%s/softhsm2.conf", scene.base);
    snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n", tokens);
    if (mkdir(tokens, 0700) < 0 || file_replace(conf, span_str(text), 0600) < 0 ||
        setenv("SOFTHSM2_CONF", conf, 1) < 0 ||
        tool("softhsm2-util --init-token --free --label gate --pin 4711 --so-pin 4712 "
             ">/dev/null 2>&1") < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        static const char *const keys[][2] = {
            { "EC:prime256v1", "intermediate" }, { "EC:secp384r1", "large" },
            { "rsa:2048", "rsa" },
        };

        if (tool("pkcs11-tool --module %s --login --pin 4711 --token-label gate --keypairgen "
                 "--key-type %s --label %s --id 0%d >/dev/null 2>&1",
                 scene.module, keys[i][0], keys[i][1], i + 1) < 0)
            return -1;
    }
    return 0;
}

static int remove_all(void **state)
{
    folder_remove(scene.base);
    return forge_fixture_remove(state);
}

static int make_all(void **state)
{
    snprintf(scene.folder, sizeof(scene.folder), "%s/ca", scene.base);
    snprintf(scene.pin, sizeof(scene.pin), "%s/pin", scene.base);
    pin_write("4711\n");
    scene.place = (struct ca_place){
        .folder = scene.folder,
        .name = "gate.example",
        .pkcs11 = "pkcs11:token=gate;object=intermediate",
        .pkcs11_module = scene.module,
        .pin_file = scene.pin,
    };
    return forge_fixture_make(state);
}

static void says(const struct buf *error, const char *what)
{
    if (strstr(error->data != NULL ? (char *)error->data : "", what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)error->data, what);
}

static void answer_ask(struct mint_answer *answer, struct buf *out, struct ca *ca,
                       const struct mill_cert *origin, struct mw_span spki)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct answering a = { .rules = { .ca = ca, .leaf_s = FORGE_DAY } };
    const struct mint_ask ask = {
        .key = MINT_P256, .spki = spki, .host = SPAN_LIT("www.shop.test"),
        .origin = mill_cert_der(origin), .now = forge_now(),
    };

    rate_init(&a.rate, 10, (struct mono){ 0 });
    mint_ask_write(&message, &ask);
    assert_int_equal(
        leaf_answer_write(out, &a, buf_span(&message), forge_now(), (struct mono){ 0 }), 0);
    assert_int_equal(mint_answer_read(answer, buf_span(out)), 0);
}

static void the_token_signs_leaves(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024), out = BUF_INIT(CHANNEL_MAX_MESSAGE),
                                   spki = BUF_INIT(1024);
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });
    struct mint_answer answer;
    struct cert *leaf = NULL;
    struct ca ca = { 0 };

    (void)state;
    if (ca_tend_apart(&scene.place, CA_KEEP, forge_now(), &error) != 0 ||
        ca_load(&ca, &scene.place, &error) != 0)
        fail_msg("%s", (char *)error.data);
    assert_null(ca.members[CA_INTERMEDIATE_EC].signer.key);
    EVP_PKEY_free(forge_key(MILL_P256, &spki));
    answer_ask(&answer, &out, &ca, origin, buf_span(&spki));
    assert_int_equal(answer.status, MINT_OK);
    assert_int_equal(cert_parse(&leaf, answer.leaf), 0);
    assert_int_equal(cert_signed_by(leaf, ca.members[CA_INTERMEDIATE_EC].cert), 1);
    assert_int_equal(
        cert_signed_by(ca.members[CA_INTERMEDIATE_EC].cert, ca.members[CA_ROOT].cert), 1);
    cert_free(leaf);
    ca_deinit(&ca);
    mill_cert_free(origin);
}

static void no_file_holds_the_key(void **state)
{
    char path[FOLDER_PATH + 64];

    (void)state;
    snprintf(path, sizeof(path), "%s/intermediate-ec.key", scene.folder);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/intermediate-rsa.key", scene.folder);
    assert_int_equal(access(path, F_OK), 0);
}

/* The keyholder, and those of tests before it. */
static void kill_children(void)
{
    char path[64], text[1024] = "", *rest = text;
    FILE *f;
    long child;

    snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    f = fopen(path, "r");
    if (f == NULL)
        skip();
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    while ((child = strtol(rest, &rest, 10)) > 1) {
        assert_int_equal(kill((pid_t)child, SIGKILL), 0);
        assert_int_equal(waitpid((pid_t)child, NULL, 0), child);
    }
}

/* Its keyholder dies: answers say so, and the forge goes on. */
static void a_token_that_is_pulled_out(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024), out = BUF_INIT(CHANNEL_MAX_MESSAGE),
                                   spki = BUF_INIT(1024);
    struct mill_cert *origin = forge_origin((struct mill_spec){ 0 });
    struct mint_answer answer;
    struct ca ca;

    (void)state;
    assert_int_equal(ca_load(&ca, &scene.place, &error), 0);
    kill_children();
    EVP_PKEY_free(forge_key(MILL_P256, &spki));
    answer_ask(&answer, &out, &ca, origin, buf_span(&spki));
    assert_int_equal(answer.status, MINT_BROKEN);
    ca_deinit(&ca);
    mill_cert_free(origin);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *uri, *module, *pin, *says;
    } cases[] = {
        { "pkcs11:token=gate;object=nobody", NULL, "4711", "no such token or private key" },
        { "pkcs11:token=other;object=intermediate", NULL, "4711", "no such token" },
        { "pkcs11:token=gate;object=intermediate", NULL, "0815", "a wrong PIN" },
        { "pkcs11:token=gate;object=large", NULL, "4711", "is no P-256 key" },
        { "pkcs11:token=gate;object=rsa", NULL, "4711", "is no P-256 key" },
        { "pkcs11:token=gate;object=intermediate", "/nonexistent.so", "4711",
          "cannot read the token's module /nonexistent.so" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
        struct keyholder_place place = {
            .uri = cases[i].uri,
            .module = cases[i].module != NULL ? cases[i].module : scene.module,
            .pin_file = scene.pin,
        };
        int fd = -1;

        pin_write(cases[i].pin);
        assert_int_equal(keyholder_start(&fd, &place, &error), -EIO);
        assert_int_equal(fd, -1);
        says(&error, "ca.pkcs11: ");
        says(&error, cases[i].says);
    }
    pin_write("4711");
}

/* The configuration names another key than the certificate was made for. */
static void another_key_is_noticed_and_rotated_to(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct ca_place place = scene.place;
    struct ca ca;

    (void)state;
    assert_int_equal(tool("pkcs11-tool --module %s --login --pin 4711 --token-label gate "
                          "--keypairgen --key-type EC:prime256v1 --label next --id 09 "
                          ">/dev/null 2>&1",
                          scene.module),
                     0);
    place.pkcs11 = "pkcs11:token=gate;object=next";
    assert_int_equal(ca_load(&ca, &place, &error), -EKEYREJECTED);
    says(&error, "run: midwatch gate ca rotate");
    buf_truncate(&error, 0);
    assert_int_equal(ca_tend_apart(&place, CA_ROTATE, forge_now(), &error), 0);
    assert_int_equal(ca_load(&ca, &place, &error), 0);
    ca_deinit(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_signs_leaves),
        cmocka_unit_test(no_file_holds_the_key),
        cmocka_unit_test(a_token_that_is_pulled_out),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(another_key_is_noticed_and_rotated_to),
    };
    int r;

    scene.module = module_find();
    if (scene.module == NULL || tool("command -v softhsm2-util >/dev/null") < 0 ||
        tool("command -v pkcs11-tool >/dev/null") < 0 ||
        tool("openssl engine pkcs11 >/dev/null 2>&1") < 0) {
        fputs("skipped: needs softhsm2, opensc, libengine-pkcs11-openssl and openssl\n", stderr);
        return 77;
    }
    folder_make(scene.base);
    r = token_make();
    if (r < 0) {
        fputs("the token cannot be made\n", stderr);
        folder_remove(scene.base);
        return 1;
    }
    return cmocka_run_group_tests_name("pkcs11", tests, make_all, remove_all);
}
