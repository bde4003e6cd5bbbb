#include "log_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "gate/scribe/render.h"

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->state, sizeof(f->state), "/tmp/mw-scribe-XXXXXX");
    assert_non_null(mkdtemp(f->state));
    snprintf(f->audit, sizeof(f->audit), "%s/audit", f->state);
    f->config = (struct gate_config){
        .state_folder = f->state,
        .name = "gate.test",
        .audit = { .folder = f->audit, .format = GATE_LOG_ECS },
    };
    f->now = (struct mw_wall){ 1795300000 };
    *state = f;
    return 0;
}

static void remove_all(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[400];

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(folder);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    remove_all(f->audit);
    remove_all(f->state);
    free(f);
    return 0;
}

struct audit_log *fixture_open(struct fixture *f)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1000);
    struct audit_log *l = NULL;

    if (audit_log_open(&l, &f->config, f->now, &error) != 0)
        fail_msg("open: %s", error.data != NULL ? (const char *)error.data : "");
    return l;
}

struct audit_record fixture_record(uint64_t worker, uint64_t serial)
{
    struct audit_record r = {
        .kind = AUDIT_SESSION,
        .worker = worker,
        .serial = serial,
        .began_ms = 1795300000123,
        .ended_ms = 1795300001456,
        .entrance = "http",
        .host = "www.example.com",
        .sni = "www.example.com",
        .asked = "www.example.com:443",
        .port = 443,
        .user = "ada",
        .ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1",
        .action = "inspect",
        .rule = "rule 3 (finance)",
        .reason = "because it says so",
        .protocol = "h2",
        .client_leg = { 0x0304, 0x1301, 4588, 0x0403, false, "h2", 0, 0, 900, false },
        .server_leg = { 0x0303, 0xc02f, 23, 0x0804, true, "h2", 0, 46, 12000, true },
        .weakened = "TLS 1.2 to the server, TLS 1.3 to the client",
        .verdict = "private",
        .findings = "ct-missing,old-parameters",
        .forged = true,
        .origin_sha256 = { 1, 2, 3 },
        .forged_sha256 = { 0xab, 0xcd },
        .bytes_up = 1200,
        .bytes_down = 70000,
        .requests = 12,
    };

    r.client = addr_make(AF_INET, "\xc0\0\2\7", 50000);
    r.listener = addr_make(AF_INET, "\x7f\0\0\1", 3128);
    r.destination = addr_make(AF_INET6, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 443);
    return r;
}

void fixture_add(struct fixture *f, struct audit_log *l, uint64_t worker, uint64_t serial)
{
    struct audit_record r = fixture_record(worker, serial);

    assert_int_equal(audit_log_add(l, &r, f->now), 0);
}

/* ------------------------------------------------------------------------------ verify ---- */

static void first_problem(void *context, const char *file, uint64_t line, const char *why)
{
    char *first = context;

    if (first != NULL && first[0] == '\0')
        snprintf(first, 300, "%s:%llu: %s", file, (unsigned long long)line, why);
}

struct verify fixture_verify(struct fixture *f, char why[300])
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(65536), error = BUF_INIT(1000);
    struct verifier *keys = NULL;
    struct verify v = { .on_problem = first_problem, .context = why };
    char path[100];

    if (why != NULL)
        why[0] = '\0';
    snprintf(path, sizeof(path), "%s/audit.pub", f->state);
    assert_int_equal(file_read(path, &pem), 0);
    assert_int_equal(verifier_read(&keys, buf_span(&pem), &error), 0);
    v.keys = keys;
    if (verify_folder(&v, f->audit, &error) != 0)
        fail_msg("verify: %s", (const char *)error.data);
    verifier_free(keys);
    v.keys = NULL;
    return v;
}

void fixture_assert_whole(struct fixture *f)
{
    char why[300];

    if (fixture_verify(f, why).problems != 0)
        fail_msg("%s", why);
}

/* ------------------------------------------------------------------------------- files ---- */

struct folder fixture_files(struct fixture *f)
{
    struct folder list;

    assert_int_equal(folder_list(&list, f->audit), 0);
    return list;
}

void fixture_read(struct fixture *f, const char *name, struct buf *out)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", f->audit, name);
    assert_int_equal(file_read(path, out), 0);
}

void fixture_write(struct fixture *f, const char *name, struct mw_span bytes)
{
    CLEANUP(own_close) int fd = -1;
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", f->audit, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600); /* the same inode, as an editor may */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
}

unsigned fixture_count(struct fixture *f, uint64_t worker, uint64_t serial)
{
    CLEANUP(folder_deinit) struct folder list = fixture_files(f);
    struct audit_record r = { .worker = worker, .serial = serial };
    unsigned n = 0;
    char id[40];

    record_id(&r, id);
    for (size_t i = 0; i < list.n; i++) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(64 << 20);
        struct mw_span rest, line;

        fixture_read(f, list.files[i].name, &text);
        rest = buf_span(&text);
        while (span_line(&rest, &line)) {
            struct line_link link;

            if (line_read(&link, line) == 0 && span_eq(line_record(line), span_str(id)))
                n++;
        }
    }
    return n;
}
