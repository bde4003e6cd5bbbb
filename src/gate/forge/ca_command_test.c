/* `midwatch gate ca`, as a script sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "gate/forge/ca.h"

static char base[FOLDER_PATH];

static int make(void **state)
{
    (void)state;
    folder_make(base);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    folder_remove(base);
    return 0;
}

/* What it printed, and its exit status.  The words are separated by blanks. */
static int run(struct buf *out, struct buf *err, const char *words)
{
    char line[1024], *argv[16], out_path[FOLDER_PATH + 8], err_path[FOLDER_PATH + 8];
    char *rest = line;
    int argc = 0, status;
    pid_t child;

    snprintf(line, sizeof(line), "ca %s", words);
    while (rest != NULL && argc < 15) {
        argv[argc++] = rest;
        rest = strchr(rest, ' ');
        if (rest != NULL)
            *rest++ = '\0';
    }
    argv[argc] = NULL;
    snprintf(out_path, sizeof(out_path), "%s/out", base);
    snprintf(err_path, sizeof(err_path), "%s/err", base);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen(out_path, "w", stdout) == NULL || freopen(err_path, "w", stderr) == NULL ||
            chdir(base) < 0)
            _exit(99);
        status = ca_command(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    buf_truncate(out, 0);
    buf_truncate(err, 0);
    assert_int_equal(file_read(out_path, out), 0);
    assert_int_equal(file_read(err_path, err), 0);
    assert_null(strstr(out->data != NULL ? (char *)out->data : "", "PRIVATE"));
    return WEXITSTATUS(status);
}

#define RUN(words) run(&out, &err, words)
#define BUFFERS                                                                                    \
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20), err = BUF_INIT(1 << 20)

static X509 *pem_cert(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    assert_non_null(x);
    assert_int_equal(BIO_pending(bio), 0);      /* that and nothing else */
    BIO_free(bio);
    return x;
}

/* One command is all that a script needs: there is no CA yet. */
static void export_makes_and_prints_it(void **state)
{
    char path[FOLDER_PATH + 32];
    BUFFERS;
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(1 << 16);
    const uint8_t *at;
    X509 *x, *from_file, *from_der;

    (void)state;
    assert_int_equal(RUN("export --state st"), 0);
    assert_int_equal(err.len, 0);
    x = pem_cert(&out);
    assert_int_equal(X509_check_ca(x), 1);
    snprintf(path, sizeof(path), "%s/st/ca/root.pem", base);
    assert_int_equal(file_read(path, &file), 0);
    from_file = pem_cert(&file);
    assert_int_equal(X509_cmp(x, from_file), 0);

    assert_int_equal(RUN("export --format der --state st"), 0);
    at = out.data;
    from_der = d2i_X509(NULL, &at, (long)out.len);
    assert_non_null(from_der);
    assert_ptr_equal(at, out.data + out.len);
    assert_int_equal(X509_cmp(x, from_der), 0);
    X509_free(x);
    X509_free(from_file);
    X509_free(from_der);
}

static size_t count(const struct buf *text, const char *what)
{
    const char *at = (const char *)text->data;
    size_t n = 0;

    for (; at != NULL && (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void show_lists_every_certificate(void **state)
{
    BUFFERS;

    (void)state;
    assert_int_equal(RUN("show --state st"), 0);
    assert_int_equal(count(&out, "  sha256   "), CA_PARTS);
    assert_int_equal(count(&out, " left\n"), CA_PARTS);
    assert_int_equal(count(&out, "CN=Midwatch gate CA "), 1);
    assert_int_equal(count(&out, "UNTRUSTED"), 2);
    assert_int_equal(count(&out, "retired\n"), 0);
}

static void rotate_keeps_the_root_unless_told(void **state)
{
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(1 << 16);
    BUFFERS;

    (void)state;
    assert_int_equal(run(&before, &err, "export --state st"), 0);
    assert_int_equal(RUN("rotate --state st"), 0);
    assert_int_equal(count(&out, "retired\n"), 4);
    assert_int_equal(RUN("export --state st"), 0);
    assert_true(span_eq(buf_span(&out), buf_span(&before)));
    assert_int_equal(RUN("rotate --root --state st"), 0);
    assert_int_equal(count(&out, "retired\n"), 9);
    assert_int_equal(RUN("export --state st"), 0);
    assert_false(span_eq(buf_span(&out), buf_span(&before)));
}

static void init_twice_is_init_once(void **state)
{
    CLEANUP(buf_deinit) struct buf first = BUF_INIT(1 << 20);
    BUFFERS;

    (void)state;
    assert_int_equal(run(&first, &err, "init --state st"), 0);
    assert_int_equal(RUN("init --state st"), 0);
    assert_true(span_eq(buf_span(&first), buf_span(&out)));
}

static void what_makes_no_sense_is_said(void **state)
{
    static const struct {
        const char *words, *says;
    } cases[] = {
        { "", "say one of init, export, rotate, show" },
        { "destroy", "say one of" },
        { "show twice", "say one of" },
        { "export --format xml --state st", "--format is pem or der" },
        { "show --format pem --state st", "--format belongs to export" },
        { "init --root --state st", "--root to rotate" },
        { "show --state nowhere", "nowhere/ca: there is no CA yet; run: midwatch gate ca init" },
        { "show --config /nonexistent.conf", "/nonexistent.conf" },
    };
    BUFFERS;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(RUN(cases[i].words), 2);
        if (err.len == 0 || strstr((char *)err.data, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].words, (char *)err.data,
                     cases[i].says);
        assert_int_equal(out.len, 0);
    }
}

static void help_is_no_error(void **state)
{
    BUFFERS;

    (void)state;
    assert_int_equal(RUN("--help"), 0);
    assert_non_null(strstr((char *)out.data, "--format"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(export_makes_and_prints_it),
        cmocka_unit_test(show_lists_every_certificate),
        cmocka_unit_test(init_twice_is_init_once),
        cmocka_unit_test(rotate_keeps_the_root_unless_told),
        cmocka_unit_test(what_makes_no_sense_is_said),
        cmocka_unit_test(help_is_no_error),
    };

    return cmocka_run_group_tests_name("ca command", tests, make, unmake);
}
