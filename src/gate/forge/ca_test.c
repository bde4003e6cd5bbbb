/* The CA's files: made once, renewed in time, never open to others, never mixed up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/x509v3.h>
#include <cmocka.h>

#include "base/file.h"
#include "gate/forge/ca.h"
#include "folder.h"

static const struct mw_wall now = { 1795262400 };      /* 2026-11-21T12:00:00Z */

struct scene {
    char base[FOLDER_PATH], folder[FOLDER_PATH + 8];
    struct ca_place place;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    folder_make(s->base);
    snprintf(s->folder, sizeof(s->folder), "%s/ca", s->base);
    s->place = (struct ca_place){ .folder = s->folder, .name = "gate.example" };
    *state = s;
    return 0;
}

static char template[FOLDER_PATH];

/* Making RSA keys takes long: most tests begin with a copy of one CA. */
static int setup_made(void **state)
{
    DIR *d = opendir(template);
    struct dirent *e;
    struct scene *s;

    setup(state);
    s = *state;
    assert_non_null(d);
    assert_int_equal(mkdir(s->folder, 0700), 0);
    while ((e = readdir(d)) != NULL) {
        CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 16);
        char from[2 * FOLDER_PATH], to[2 * FOLDER_PATH];

        if (e->d_name[0] == '.')
            continue;
        snprintf(from, sizeof(from), "%s/%.200s", template, e->d_name);
        snprintf(to, sizeof(to), "%s/%.200s", s->folder, e->d_name);
        assert_int_equal(file_read(from, &bytes), 0);
        assert_int_equal(file_replace(to, buf_span(&bytes), 0600), 0);
    }
    closedir(d);
    return 0;
}

static int template_make(void **state)
{
    const struct ca_place place = { .folder = template, .name = "gate.example" };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);

    (void)state;
    folder_make(template);
    return ca_tend(&place, CA_KEEP, now, &error);
}

static int template_remove(void **state)
{
    (void)state;
    folder_remove(template);
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    folder_remove(s->base);
    free(s);
    return 0;
}

static void tend(const struct scene *s, enum ca_wish wish, struct mw_wall at)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);

    if (ca_tend(&s->place, wish, at, &error) != 0)
        fail_msg("%s", (char *)error.data);
    assert_int_equal(error.len, 0);
}

/* It must fail, and the line must say this. */
static void tend_fails(const struct scene *s, struct mw_wall at, const char *says)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);

    assert_true(ca_tend(&s->place, CA_KEEP, at, &error) < 0);
    if (strstr((char *)error.data, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)error.data, says);
}

static struct ca load(const struct scene *s)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct ca ca;

    if (ca_load(&ca, &s->place, &error) != 0)
        fail_msg("%s", (char *)error.data);
    return ca;
}

static void load_fails(const struct scene *s, const char *says)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct ca ca;

    assert_true(ca_load(&ca, &s->place, &error) < 0);
    if (strstr((char *)error.data, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (char *)error.data, says);
}

static const char *path(const struct scene *s, const char *name)
{
    static char text[FOLDER_PATH + 64];

    snprintf(text, sizeof(text), "%s/%s", s->folder, name);
    return text;
}

static const struct cert *cert(const struct ca *ca, enum ca_part part)
{
    return ca->members[part].cert;
}

/* A path of one intermediate, as OpenSSL sees it. */
static int verifies(const struct ca *ca, enum ca_part part, struct mw_wall at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result;

    X509_STORE_add_cert(store, cert(ca, CA_ROOT)->x509);
    X509_STORE_CTX_init(ctx, store, cert(ca, part)->x509, NULL);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)at.s);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    X509_verify_cert(ctx);
    result = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return result;
}

static void a_fresh_ca_is_whole(void **state)
{
    static const char *const files[] = {
        "root.pem",           "root.key",           "intermediate-ec.pem", "intermediate-ec.key",
        "intermediate-rsa.pem", "intermediate-rsa.key", "untrusted-ec.pem", "untrusted-ec.key",
        "untrusted-rsa.pem",  "untrusted-rsa.key",  "passphrase",
    };
    struct scene *s = *state;
    struct stat st;
    struct ca ca;

    snprintf(s->folder, sizeof(s->folder), "%s", template);     /* as it was made */
    assert_int_equal(stat(s->folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(stat(path(s, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    ca = load(s);
    assert_int_equal(verifies(&ca, CA_INTERMEDIATE_EC, now), X509_V_OK);
    assert_int_equal(verifies(&ca, CA_INTERMEDIATE_RSA, now), X509_V_OK);
    assert_int_not_equal(verifies(&ca, CA_UNTRUSTED_EC, now), X509_V_OK);
    assert_int_not_equal(verifies(&ca, CA_UNTRUSTED_RSA, now), X509_V_OK);
    assert_null(ca.members[CA_ROOT].signer.key);
    assert_int_equal(EVP_PKEY_get_bits(cert_key(cert(&ca, CA_ROOT))), 3072);
    assert_int_equal(EVP_PKEY_get_bits(cert_key(cert(&ca, CA_INTERMEDIATE_RSA))), 2048);
    assert_int_equal(EVP_PKEY_get_bits(cert_key(cert(&ca, CA_INTERMEDIATE_EC))), 256);
    for (int part = 0; part < CA_PARTS; part++) {
        const struct cert *c = cert(&ca, (enum ca_part)part);

        assert_true(c->is_ca);
        assert_int_equal(c->path_len, part == CA_ROOT ? 1 : 0);
        assert_int_equal(c->not_after.s, now.s + (part == CA_ROOT ? 3650 : 90) * 86400);
        assert_int_equal(X509_get_extended_key_usage(c->x509),
                         c->self_issued ? UINT32_MAX : XKU_SSL_SERVER);
        assert_int_equal(X509_get_key_usage(c->x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    }
    ca_deinit(&ca);
}

static void its_names_tell_what_it_is(void **state)
{
    struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(1024), want = BUF_INIT(1024);
    struct ca ca;

    tend(s, CA_KEEP, now);
    ca = load(s);
    name_format(&name, cert(&ca, CA_ROOT)->subject);
    buf_printf(&want, "CN=Midwatch gate CA %02x%02x%02x%02x,O=gate.example",
               cert(&ca, CA_ROOT)->ski.data[0], cert(&ca, CA_ROOT)->ski.data[1],
               cert(&ca, CA_ROOT)->ski.data[2], cert(&ca, CA_ROOT)->ski.data[3]);
    assert_string_equal((char *)name.data, (char *)want.data);
    buf_truncate(&name, 0);
    name_format(&name, cert(&ca, CA_UNTRUSTED_RSA)->subject);
    assert_non_null(strstr((char *)name.data, "UNTRUSTED"));
    ca_deinit(&ca);
}

/* Which members differ, as bits. */
static unsigned changed(const struct ca *a, const struct ca *b)
{
    unsigned bits = 0;

    for (int i = 0; i < CA_PARTS; i++)
        bits |= (unsigned)!cert_same(cert(a, (enum ca_part)i), cert(b, (enum ca_part)i)) << i;
    return bits;
}

enum { ALL = (1 << CA_PARTS) - 1, ROOT = 1 << CA_ROOT };

static unsigned changed_by(const struct scene *s, enum ca_wish wish, int64_t days,
                           size_t *n_retired)
{
    struct ca before = load(s), after;
    unsigned bits;

    tend(s, wish, (struct mw_wall){ now.s + days * 86400 });
    after = load(s);
    bits = changed(&before, &after);
    *n_retired = after.n_retired;
    ca_deinit(&before);
    ca_deinit(&after);
    return bits;
}

static void it_is_renewed_in_time_and_on_demand(void **state)
{
    struct scene *s = *state;
    size_t retired;

    tend(s, CA_KEEP, now);
    assert_int_equal(changed_by(s, CA_KEEP, 0, &retired), 0);
    assert_int_equal(changed_by(s, CA_KEEP, 60, &retired), 0);
    assert_int_equal(retired, 0);
    assert_int_equal(changed_by(s, CA_KEEP, 61, &retired), ALL & ~ROOT);
    assert_int_equal(retired, 4);
    assert_int_equal(changed_by(s, CA_ROTATE, 61, &retired), ALL & ~ROOT);
    assert_int_equal(retired, 8);
    assert_int_equal(changed_by(s, CA_ROTATE_ROOT, 62, &retired), ALL);
    assert_int_equal(retired, 13);
    /* What is over is forgotten: of the first generations only the root is left. */
    assert_int_equal(changed_by(s, CA_ROTATE, 300, &retired), ALL & ~ROOT);
    assert_int_equal(retired, 1);
}

/* The root's key may lie in a safe: the gate goes on until something has really ended. */
static void a_root_key_elsewhere_is_needed_to_renew_only(void **state)
{
    struct scene *s = *state;
    size_t retired;

    tend(s, CA_KEEP, now);
    assert_int_equal(unlink(path(s, "root.key")), 0);
    assert_int_equal(changed_by(s, CA_KEEP, 0, &retired), 0);
    assert_int_equal(changed_by(s, CA_KEEP, 70, &retired), 1 << CA_UNTRUSTED_EC |
                                                              1 << CA_UNTRUSTED_RSA);
    tend_fails(s, (struct mw_wall){ now.s + 91 * 86400 }, "root.key: there is no such file");
}

static void what_was_made_in_the_future_is_made_again(void **state)
{
    struct scene *s = *state;
    size_t retired;

    assert_int_equal(changed_by(s, CA_KEEP, -1, &retired), 0);  /* within the backdating */
    assert_int_equal(changed_by(s, CA_KEEP, -2, &retired), ALL & ~ROOT);
}

static void a_root_that_is_over_is_said(void **state)
{
    struct scene *s = *state;

    tend(s, CA_KEEP, now);
    tend_fails(s, (struct mw_wall){ now.s + 3651LL * 86400 }, "rotate --root");
}

static void others_must_not_get_in(void **state)
{
    struct scene *s = *state;

    tend(s, CA_KEEP, now);
    assert_int_equal(chmod(path(s, "intermediate-ec.key"), 0640), 0);
    tend_fails(s, now, "intermediate-ec.key is open to others (mode 0640); run: chmod go=");
    load_fails(s, "open to others");
    assert_int_equal(chmod(path(s, "intermediate-ec.key"), 0600), 0);
    assert_int_equal(chmod(path(s, "passphrase"), 0604), 0);
    load_fails(s, "passphrase is open to others");
    assert_int_equal(chmod(path(s, "passphrase"), 0400), 0);
    assert_int_equal(chmod(s->folder, 0750), 0);
    tend_fails(s, now, "/ca is open to others (mode 0750)");
    load_fails(s, "open to others");
    assert_int_equal(chmod(s->folder, 0700), 0);
    tend(s, CA_KEEP, now);
}

static void write_file(const char *at, const char *text, unsigned mode)
{
    assert_int_equal(file_replace(at, span_str(text), mode), 0);
}

static void keys_are_useless_without_the_passphrase(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(1 << 16);
    struct scene *s = *state;

    tend(s, CA_KEEP, now);
    assert_int_equal(file_read(path(s, "root.key"), &key), 0);
    assert_non_null(strstr((char *)key.data, "BEGIN ENCRYPTED PRIVATE KEY"));
    write_file(path(s, "passphrase"), "wrong\n", 0600);
    load_fails(s, "the passphrase does not open it");
    tend_fails(s, now, "the passphrase does not open it");
    write_file(path(s, "passphrase"), "\n", 0600);
    load_fails(s, "passphrase: its first line must be the secret");
    assert_int_equal(unlink(path(s, "passphrase")), 0);
    load_fails(s, "passphrase: there is no such file");
}

static void share_nothing(const struct ca *a, const struct ca *b)
{
    for (int i = 0; i < CA_PARTS; i++)
        for (int k = 0; k < CA_PARTS; k++)
            assert_int_equal(cert_same_key(cert(a, (enum ca_part)i), cert(b, (enum ca_part)k)),
                             a == b && i == k);
}

/* With a passphrase of its own, and no key of the other's. */
static void a_second_installation(void **state)
{
    const struct ca_place first = { .folder = template };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    char file[FOLDER_PATH + 16];
    struct scene *s = *state;
    struct ca ours, other;

    snprintf(file, sizeof(file), "%s/secret", s->base);
    s->place.passphrase_file = file;
    tend_fails(s, now, "secret: there is no such file");
    write_file(file, "correct horse\r\nanything\n", 0600);
    tend(s, CA_KEEP, now);
    assert_int_equal(access(path(s, "passphrase"), F_OK), -1);
    write_file(file, "correct horse", 0600);
    ours = load(s);
    assert_int_equal(ca_load_certs(&other, &first, &error), 0);
    share_nothing(&ours, &other);
    share_nothing(&ours, &ours);
    ca_deinit(&ours);
    ca_deinit(&other);
    write_file(file, "correct horses", 0600);
    load_fails(s, "the passphrase does not open it");
}

static void a_plain_key_is_refused(void **state)
{
    static const char plain[] = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    struct scene *s = *state;

    tend(s, CA_KEEP, now);
    write_file(path(s, "untrusted-ec.key"), plain, 0600);
    load_fails(s, "plain keys are not used");
}

/* Killed between the two files of a pair: the next start makes that pair again. */
static void a_torn_pair_is_made_again(void **state)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(1 << 16);
    struct scene *s = *state;
    struct ca before, after;

    tend(s, CA_KEEP, now);
    before = load(s);
    assert_int_equal(file_read(path(s, "intermediate-ec.key"), &key), 0);
    assert_int_equal(file_replace(path(s, "untrusted-ec.key"), buf_span(&key), 0600), 0);
    load_fails(s, "untrusted-ec.key is not the key of untrusted-ec.pem");
    assert_int_equal(unlink(path(s, "intermediate-rsa.pem")), 0);
    tend(s, CA_KEEP, now);
    after = load(s);
    assert_int_equal(changed(&before, &after), 1 << CA_UNTRUSTED_EC | 1 << CA_INTERMEDIATE_RSA);
    ca_deinit(&before);
    ca_deinit(&after);
}

/* A second gateway: the same root brought along, intermediates of its own. */
static void another_root_makes_other_intermediates(void **state)
{
    CLEANUP(buf_deinit) struct buf root = BUF_INIT(1 << 16), key = BUF_INIT(1 << 16),
                                   passphrase = BUF_INIT(1 << 16);
    struct scene *s = *state, *other;
    struct ca first, second;
    void *there;

    setup(&there);
    other = there;
    tend(s, CA_KEEP, now);
    assert_int_equal(file_read(path(s, "root.pem"), &root), 0);
    assert_int_equal(file_read(path(s, "root.key"), &key), 0);
    assert_int_equal(file_read(path(s, "passphrase"), &passphrase), 0);
    assert_int_equal(mkdir(other->folder, 0700), 0);
    assert_int_equal(file_replace(path(other, "root.pem"), buf_span(&root), 0600), 0);
    assert_int_equal(file_replace(path(other, "root.key"), buf_span(&key), 0600), 0);
    assert_int_equal(file_replace(path(other, "passphrase"), buf_span(&passphrase), 0600), 0);
    tend(other, CA_KEEP, now);
    first = load(s);
    second = load(other);
    assert_int_equal(changed(&first, &second), ALL & ~ROOT);
    assert_int_equal(verifies(&second, CA_INTERMEDIATE_EC, now), X509_V_OK);
    ca_deinit(&first);
    ca_deinit(&second);
    teardown(&there);
}

static void several_at_once_make_one_ca(void **state)
{
    struct scene *s = *state;
    pid_t children[4];
    struct ca ca;
    int status;

    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct buf error = BUF_INIT(1024);

            _exit(ca_tend(&s->place, CA_KEEP, now, &error) == 0 ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    ca = load(s);               /* every key fits its certificate */
    assert_int_equal(ca.n_retired, 0);
    assert_int_equal(verifies(&ca, CA_INTERMEDIATE_EC, now), X509_V_OK);
    ca_deinit(&ca);
}

static void a_process_apart_tells_how_it_went(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    struct scene *s = *state;
    struct ca ca;

    assert_int_equal(ca_tend_apart(&s->place, CA_KEEP, now, &error), 0);
    assert_int_equal(error.len, 0);
    ca = load(s);
    ca_deinit(&ca);
    assert_int_equal(chmod(s->folder, 0755), 0);
    assert_int_equal(ca_tend_apart(&s->place, CA_KEEP, now, &error), -EPERM);
    assert_non_null(strstr((char *)error.data, "is open to others"));
}

static void the_root_is_no_secret(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16), error = BUF_INIT(1024);
    struct scene *s = *state;
    struct gate_config c = { .name = "gate.example", .ca.folder = s->folder };
    struct ca ca;

    assert_int_equal(ca_ensure(&c, &error), 0);
    assert_int_equal(unlink(path(s, "passphrase")), 0);
    assert_int_equal(ca_root(&c, &der, &error), 0);
    assert_int_equal(ca_load_certs(&ca, &s->place, &error), 0);
    assert_true(span_eq(buf_span(&der), cert(&ca, CA_ROOT)->der));
    ca_deinit(&ca);
    assert_int_equal(unlink(path(s, "root.pem")), 0);
    assert_int_equal(ca_root(&c, &der, &error), -ENOENT);
    assert_non_null(strstr((char *)error.data, "midwatch gate ca init"));
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define MADE(test)  cmocka_unit_test_setup_teardown(test, setup_made, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MADE(a_fresh_ca_is_whole),
        MADE(its_names_tell_what_it_is),
        MADE(it_is_renewed_in_time_and_on_demand),
        MADE(a_root_key_elsewhere_is_needed_to_renew_only),
        MADE(what_was_made_in_the_future_is_made_again),
        MADE(a_root_that_is_over_is_said),
        MADE(others_must_not_get_in),
        MADE(keys_are_useless_without_the_passphrase),
        EMPTY(a_second_installation),
        MADE(a_plain_key_is_refused),
        MADE(a_torn_pair_is_made_again),
        MADE(another_root_makes_other_intermediates),
        EMPTY(several_at_once_make_one_ca),
        MADE(a_process_apart_tells_how_it_went),
        MADE(the_root_is_no_secret),
    };

    return cmocka_run_group_tests_name("ca", tests, template_make, template_remove);
}
