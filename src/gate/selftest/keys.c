/*
 * Points 38 to 41: the CA's keys.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "gate/forge/rules.h"
#include "gate/selftest/memory.h"
#include "gate/selftest/points.h"

enum { WORKERS_MAX = 8, SCALAR = 32, FILE_MAX = 1 << 20 };

static bool ca_open(struct trial *t, const struct gate *g, struct ca *ca, bool keys)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    char folder[PATH_MAX];
    const struct ca_place place = { .folder = folder, .name = t->stand->config->name };
    int r = snprintf(folder, sizeof(folder), "%s/ca", g->state) < PATH_MAX ? 0 : -ENAMETOOLONG;

    *ca = (struct ca){ .n_retired = 0 };
    if (r == 0)
        r = keys ? ca_load(ca, &place, &error) : ca_load_certs(ca, &place, &error);
    expect(t, r == 0, "the CA of the test's gate cannot be read: %s",
           error.len > 0 ? (char *)error.data : strerror(-r));
    return r == 0;
}

/* Two fresh installations have no key in common. */
static void unique(struct trial *t)
{
    struct gate other = { 0 };
    const char *const words[] = { "midwatch", "gate", "ca", "init", "--state", other.state, NULL };
    struct ca a, b;
    pid_t pid = 0;
    int r = snprintf(other.state, PATH_MAX, "%s/second", t->stand->folder) < PATH_MAX
                ? stand_spawn(&pid, words, NULL)
                : -ENAMETOOLONG;

    expect(t, r == 0 && stand_wait(pid) == 0, "a second CA cannot be made");
    if (ca_open(t, &t->stand->gate, &a, false)) {
        if (ca_open(t, &other, &b, false))
            for (int i = 0; i < CA_PARTS; i++)
                for (int k = 0; k < CA_PARTS; k++)
                    expect(t, a.members[i].cert != NULL && b.members[k].cert != NULL &&
                                  !span_eq(a.members[i].cert->spki, b.members[k].cert->spki),
                           "two installations share a key");
        ca_deinit(&b);
    }
    ca_deinit(&a);
    note(t, "two fresh installations have no key in common, in %d certificates each", CA_PARTS);
}

/* ------------------------------------------------------- the workers' processes ---- */

static bool status_says(pid_t pid, const char *line)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return file_read(path, &text) == 0 && strstr((const char *)text.data, line) != NULL;
}

/* No descriptor leads to the CA's folder.  false: they are closed to us. */
static bool look_descriptors(struct trial *t, pid_t pid)
{
    char folder[64], path[PATH_MAX + 64], to[PATH_MAX];
    struct dirent *e;
    DIR *d;

    snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
    d = opendir(folder);
    if (d == NULL)
        return false;
    while ((e = readdir(d)) != NULL) {
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        n = readlink(path, to, sizeof(to) - 1);
        to[n > 0 ? n : 0] = '\0';
        expect(t, strstr(to, "/ca/") == NULL && strstr(to, ".key") == NULL,
               "worker %d has %s open", (int)pid, to);
    }
    closedir(d);
    return true;
}

/* The private scalar as it is written, and as a big number lies in memory. */
static bool scalar_of(const EVP_PKEY *key, uint8_t big[SCALAR], uint8_t little[SCALAR])
{
    BIGNUM *d = NULL;
    bool good = key != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
                BN_bn2binpad(d, big, SCALAR) == SCALAR &&
                BN_bn2lebinpad(d, little, SCALAR) == SCALAR;

    BN_clear_free(d);
    return good;
}

static void look_memory(struct trial *t, const struct ca *ca, pid_t worker, pid_t forge,
                        bool *closed)
{
    uint8_t big[SCALAR], little[SCALAR];
    const struct mw_span needles[2] = { { big, SCALAR }, { little, SCALAR } };
    size_t counts[MEMORY_NEEDLES];
    int r;

    if (!scalar_of(ca->members[CA_INTERMEDIATE_EC].signer.key, big, little)) {
        expect(t, false, "the CA's key cannot be read");
        return;
    }
    r = memory_find(forge, needles, 2, counts);
    *closed = r == -EACCES || r == -EPERM;
    if (*closed)
        return;
    /* It must be able to find what is there. */
    expect(t, r == 0 && counts[0] + counts[1] > 0, "the key was not found even in the forge: %s",
           strerror(-r));
    r = memory_find(worker, needles, 2, counts);
    expect(t, r == 0 && counts[0] + counts[1] == 0,
           "worker %d has the CA's key in its memory (%zu times)", (int)worker,
           counts[0] + counts[1]);
    OPENSSL_cleanse(big, sizeof(big));
    OPENSSL_cleanse(little, sizeof(little));
}

static void absent(struct trial *t)
{
    pid_t workers[WORKERS_MAX], forge = 0;
    size_t n = gate_children(&t->stand->gate, "worker", workers, WORKERS_MAX);
    bool closed = false, seen = true;
    struct ca ca = { .n_retired = 0 };

    expect(t, gate_children(&t->stand->gate, "forge", &forge, 1) == 1, "there is no forge");
    expect(t, n > 0, "there is no worker");
    expect_cases_inspected(t, "good");          /* so that a key was in use */
    if (forge != 0 && ca_open(t, &t->stand->gate, &ca, true))
        for (size_t i = 0; i < n; i++) {
            look_memory(t, &ca, workers[i], forge, &closed);
            seen = look_descriptors(t, workers[i]) && seen;
            expect(t, status_says(workers[i], "NoNewPrivs:\t1"), "a worker may gain privileges");
            expect(t, status_says(workers[i], "Seccomp:\t2"), "a worker may make any system call");
        }
    ca_deinit(&ca);
    note(t, "%zu workers: %s; %s; filtered system calls, no new privileges", n,
         closed ? "their memory is closed even to their own user"
                : "the key is in the forge's memory and in none of theirs",
         seen ? "no descriptor to a key" : "their descriptors are closed even to their own user");
}

/* ----------------------------------------------------------------------- the files ---- */

static void look_file(struct trial *t, const char *folder, const char *name)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);
    const char *dot = strrchr(name, '.');
    char path[PATH_MAX];
    struct stat st;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= PATH_MAX || stat(path, &st) < 0 ||
        !S_ISREG(st.st_mode))
        return;
    if (dot == NULL || strcmp(dot, ".key") == 0)
        expect(t, (st.st_mode & 077) == 0, "%s: others may read it (mode %o)", name,
               (unsigned)(st.st_mode & 0777));
    if (dot != NULL && strcmp(dot, ".key") == 0)
        expect(t, file_read(path, &text) == 0 &&
                      strncmp((const char *)text.data, "-----BEGIN ENCRYPTED PRIVATE KEY", 32) == 0,
               "%s: not encrypted", name);
    else
        expect(t, file_read(path, &text) == 0 &&
                      (text.len == 0 || strstr((const char *)text.data, "PRIVATE KEY") == NULL),
               "%s: holds a private key", name);
}

static void sealed(struct trial *t)
{
    char folder[PATH_MAX], to[PATH_MAX];
    struct dirent *e;
    struct stat st;
    unsigned n = 0;
    DIR *d;

    if (snprintf(folder, sizeof(folder), "%s/ca", t->stand->gate.state) >= PATH_MAX)
        return;
    expect(t, stat(folder, &st) == 0 && (st.st_mode & 077) == 0,
           "others may enter the CA's folder");
    d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        const char *dot = strrchr(e->d_name, '.');

        look_file(t, folder, e->d_name);
        n += dot != NULL && strcmp(dot, ".key") == 0;
    }
    if (d != NULL)
        closedir(d);
    expect(t, n >= 3, "only %u key files were found", n);
    /* A key that others may read is not used at all. */
    if (snprintf(to, sizeof(to), "%s/second/ca", t->stand->folder) < PATH_MAX) {
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
        const struct ca_place place = { .folder = to, .name = t->stand->config->name };
        struct ca ca = { .n_retired = 0 };

        expect(t, chmod(to, 0755) == 0 && ca_load(&ca, &place, &error) < 0,
               "a CA's folder that others may enter is used");
        ca_deinit(&ca);
    }
    note(t, "folder 0700, %u key files 0600 and encrypted; a folder that others may enter is "
            "refused", n);
}

/* -------------------------------------------------------------- what is signed ---- */

struct asked {
    const char *what;
    struct mill_spec spec;
    bool none;                  /* no certificate at all */
};

static int apply(const struct ca *ca, struct mw_span spki, struct mw_span origin)
{
    const struct rules rules = { .ca = ca, .leaf_s = 7 * STAND_DAY_S };
    const struct mint_ask ask = { .ca = MINT_TRUSTED, .key = MINT_P256, .spki = spki,
                                  .host = SPAN_LIT("signed.selftest.test"), .origin = origin,
                                  .now = wall_now() };
    struct leaf leaf = { .origin = NULL };
    int r = rules_apply(&leaf, &rules, &ask, wall_now());

    if (r == 0)
        leaf_deinit(&leaf);
    return r;
}

static void ask_all(struct trial *t, const struct ca *ca, struct mw_span spki)
{
    const struct mw_wall now = wall_now();
    const struct asked asked[] = {
        { "a sound certificate", { .names = "DNS:signed.selftest.test" }, false },
        { "no certificate", { .names = "DNS:signed.selftest.test" }, true },
        { "a name that it does not cover", { .names = "DNS:other.selftest.test" }, false },
        { "a CA's certificate", { .names = "DNS:signed.selftest.test", .ca = true }, false },
        { "one for clients", { .names = "DNS:signed.selftest.test",
                               .ext_key_usage = "clientAuth" }, false },
        { "one that is over", { .names = "DNS:signed.selftest.test",
                                .not_after = { now.s - STAND_DAY_S } }, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct mill_spec spec = asked[i].spec;
        struct mill_cert *cert = NULL;
        int r;

        spec.subject = "CN=signed.selftest.test";
        r = stand_mint(t->stand, spec, MILL_P256, NULL, &cert);
        expect(t, r == 0, "%s: %s", asked[i].what, strerror(-r));
        if (r == 0) {
            r = apply(ca, spki, asked[i].none ? (struct mw_span){ NULL, 0 } : mill_cert_der(cert));
            expect(t, i == 0 ? r == 0 : r > 0, "the forge's rules %s %s",
                   i == 0 ? "do not allow" : "allow", asked[i].what);
        }
        mill_cert_free(cert);
    }
    expect(t, apply(ca, ca->members[CA_ROOT].cert->spki, mill_cert_der(t->stand->authority)) > 0,
           "the forge's rules allow a CA's key");
}

/* The forge has no way in but its channels: no descriptor of its is a network socket. */
static void look_sockets(struct trial *t, pid_t forge)
{
    static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6" };
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(64 << 20);
    char folder[64], path[512], to[256];
    struct dirent *e;
    DIR *d;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)forge, tables[i]);
        if (file_read(path, &all) < 0)
            continue;
    }
    snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)forge);
    d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        const char *inode = to + strlen("socket:["), *end;
        char word[32];
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        n = readlink(path, to, sizeof(to) - 1);
        to[n > 0 ? n : 0] = '\0';
        end = strchr(to, ']');
        if (strncmp(to, "socket:[", strlen("socket:[")) != 0 || end == NULL)
            continue;
        snprintf(word, sizeof(word), " %.*s ", (int)(end - inode), inode);
        expect(t, all.len == 0 || strstr((const char *)all.data, word) == NULL,
               "the forge has a network socket");
    }
    if (d != NULL)
        closedir(d);
}

static void external(struct trial *t)
{
    CLEANUP(buf_deinit) struct buf spki = BUF_INIT(1024);
    struct ca ca = { .n_retired = 0 };
    EVP_PKEY *key = NULL;
    uint8_t *der = NULL;
    pid_t forge = 0;
    int n = mill_key_new(&key, MILL_P256, true) == 0 ? i2d_PUBKEY(key, &der) : 0;

    if (n > 0)
        buf_add(&spki, span_of(der, (size_t)n));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    expect(t, buf_error(&spki) == 0 && spki.len > 0, "no key can be made");
    if (ca_open(t, &t->stand->gate, &ca, false))
        ask_all(t, &ca, buf_span(&spki));
    ca_deinit(&ca);
    if (gate_children(&t->stand->gate, "forge", &forge, 1) == 1)
        look_sockets(t, forge);
    expect(t, forge != 0 && status_says(forge, "Seccomp:\t2"), "the forge may make any call");
    note(t, "the forge has no network socket, and its rules refuse what is not made from a "
            "server's sound certificate for that host");
}

static const struct point points[] = {
    { 38, "each installation has a CA of its own", unique },
    { 39, "the CA's key is absent from the processes that face the network", absent },
    { 40, "no key lies open or can be exported", sealed },
    { 41, "signing requests from outside are refused", external },
};

const struct point_table points_keys = { points, ARRAY_LEN(points) };
