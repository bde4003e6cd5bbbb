#include "gate/selftest/stand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/forge/ca.h"
#include "lab/list.h"

enum { WORDS_MAX = 40, FILE_MAX = 8 << 20, PAUSE_MS = 20, ERROR_TEXT = 256 };

/* Name and password with which the clients sign in where the configuration wants them to; the
 * password is the name, see client.c. */
static const char users[] = "selftest:$5$midwatch$PiM4TJtRxb3uNFrMpDZnwCuHnCHAKePFXmOM9f6qORB\n";

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
}

static bool path_put(char path[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* ------------------------------------------------------------------- processes ---- */

static void become(const char *const *words, const char *errors)
{
    char *argv[WORDS_MAX] = { NULL };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), err = null;

    for (size_t i = 0; words[i] != NULL && i + 1 < WORDS_MAX; i++)
        argv[i] = strdup(words[i]);
    if (errors != NULL)
        err = open(errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (dup2(null, 0) < 0 || dup2(err, 1) < 0 || dup2(err, 2) < 0)
        _exit(127);
    /* Nobody is left over when we are killed. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    execv("/proc/self/exe", argv);
    _exit(127);
}

int stand_spawn(pid_t *pid, const char *const *words, const char *errors)
{
    pid_t child = fork();

    if (child == 0)
        become(words, errors);
    if (child < 0)
        return -errno;
    *pid = child;
    return 0;
}

int stand_wait(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 256;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static void end(pid_t *pid)
{
    if (*pid <= 0)
        return;
    kill(*pid, SIGTERM);
    for (int i = 0; i < 10000 / PAUSE_MS; i++) {
        if (waitpid(*pid, NULL, WNOHANG) == *pid) {
            *pid = 0;
            return;
        }
        pause_ms(PAUSE_MS);
    }
    kill(*pid, SIGKILL);
    (void)stand_wait(*pid);
    *pid = 0;
}

/* What a process said last, in one line. */
static void last_words(struct buf *error, const char *path)
{
    CLEANUP(buf_deinit) struct buf said = BUF_INIT(FILE_MAX);
    struct mw_span rest, line, last = { NULL, 0 };

    if (file_read(path, &said) < 0)
        return;
    rest = buf_span(&said);
    while (span_line(&rest, &line))
        if (line.len > 0)
            last = line;
    text_safe(error, last, 500);
}

static int wait_ready(pid_t pid, const char *path, struct buf *content)
{
    int64_t until = mono_now().ns + STAND_WAIT_S * 1000000000LL;

    while (mono_now().ns < until) {
        if (access(path, F_OK) == 0)
            return file_read(path, content);
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return -ECHILD;
        pause_ms(PAUSE_MS);
    }
    return -ETIMEDOUT;
}

static bool has_role(pid_t pid, const char *role)
{
    CLEANUP(buf_deinit) struct buf words = BUF_INIT(1 << 20);
    char path[64];
    bool next = false;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    if (file_read(path, &words) < 0)
        return false;
    for (size_t at = 0; at < words.len; at += strlen((char *)words.data + at) + 1) {
        const char *word = (const char *)words.data + at;

        if (next)
            return strcmp(word, role) == 0;
        next = strcmp(word, "--role") == 0;
    }
    return false;
}

size_t gate_children(const struct gate *g, const char *role, pid_t *pids, size_t most)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 16);
    struct mw_span rest, field;
    char path[64];
    int64_t pid;
    size_t n = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)g->pid, (int)g->pid);
    if (file_read(path, &text) < 0)
        return 0;
    rest = buf_span(&text);
    while (n < most && span_field(&rest, ' ', &field))
        if (text_number(field, 1, INT_MAX, &pid) == 0 && has_role((pid_t)pid, role))
            pids[n++] = (pid_t)pid;
    return n;
}

/* ------------------------------------------------------------------------ lab ---- */

static int lab_words(struct stand *s)
{
    char path[PATH_MAX];
    json_t *whole;
    const char *port = NULL, *dns = NULL;
    int64_t number = 0;

    if (!path_put(path, s->folder, "lab/lab.json"))
        return -ENAMETOOLONG;
    whole = json_load_file(path, 0, NULL);
    if (whole == NULL ||
        json_unpack(whole, "{s:{s:s, s:s}}", "words", "tls-port", &port, "dns", &dns) < 0 ||
        text_number(span_str(port), 1, 65535, &number) < 0) {
        json_decref(whole);
        return -EPROTO;
    }
    s->lab_port = (uint16_t)number;
    snprintf(s->dns, sizeof(s->dns), "%s", dns);
    json_decref(whole);
    return 0;
}

static int lab_open(struct stand *s, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(64), list = BUF_INIT(FILE_MAX);
    char folder[PATH_MAX], ready[PATH_MAX], said[PATH_MAX], wrong[ERROR_TEXT] = "";
    const char *const words[] = { "midwatch", "lab",   "--state", folder, "--ready-file",
                                  ready,      NULL };
    int r;

    if (!path_put(folder, s->folder, "lab") || !path_put(ready, s->folder, "lab-ready") ||
        !path_put(said, s->folder, "lab-said"))
        return -ENAMETOOLONG;
    r = stand_spawn(&s->lab, words, said);
    if (r == 0)
        r = wait_ready(s->lab, ready, &content);
    if (r == 0)
        r = lab_words(s);
    if (r == 0)
        r = list_json(&list, folder, wrong);
    if (r < 0) {
        buf_printf(error, "the lab did not open: %s; ", wrong[0] != '\0' ? wrong : strerror(-r));
        last_words(error, said);
        return r;
    }
    s->cases = json_loadb((const char *)list.data, list.len, 0, NULL);
    return s->cases != NULL ? 0 : -ENOMEM;
}

/* Everything below selftest.test is us. */
static int write_hosts(struct stand *s)
{
    static const char *const names[] = {
        "alike",   "bypassed", "blocked",  "undefined", "bare",  "broken", "signed", "old",
        "looped",  "hello",    "renews",   "strips",    "one",   "two",    "strict", "v1",
    };
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(FILE_MAX);
    char path[PATH_MAX], to[PATH_MAX];
    int r;

    if (!path_put(path, s->folder, "lab/hosts") || !path_put(to, s->folder, "hosts"))
        return -ENAMETOOLONG;
    r = file_read(path, &all);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_printf(&all, "127.0.0.1 %s.selftest.test\n", names[i]);
    if (r == 0)
        r = buf_error(&all);
    return r < 0 ? r : file_replace(to, buf_span(&all), 0644);
}

/* ----------------------------------------------------------------------- gate ---- */

int stand_mint(struct stand *s, struct mill_spec spec, enum mill_key kind,
               const struct mill_cert *issuer, struct mill_cert **out)
{
    EVP_PKEY *key = NULL;
    int r;

    if (spec.not_before.s == 0)
        spec.not_before.s = wall_now().s - 30 * STAND_DAY_S;
    if (spec.not_after.s == 0)
        spec.not_after.s = wall_now().s + 60 * STAND_DAY_S;
    r = mill_key_new(&key, kind, true);
    if (r == 0)
        r = mill_issue(out, &spec, key, issuer != NULL ? issuer : s->authority);
    EVP_PKEY_free(key);
    return r;
}

static int authority_make(struct stand *s)
{
    const struct mill_spec spec = {
        .subject = "CN=Midwatch selftest root,O=Midwatch selftest",
        .ca = true,
        .not_before = { wall_now().s - 400LL * STAND_DAY_S },
        .not_after = { wall_now().s + 400LL * STAND_DAY_S },
    };
    EVP_PKEY *key = NULL;
    int r = mill_key_new(&key, MILL_P256, true);

    if (r == 0)
        r = mill_issue(&s->authority, &spec, key, NULL);
    EVP_PKEY_free(key);
    return r;
}

/* The gate's own root is among the roots, as on a computer where it is installed: point 22. */
static int write_roots(struct stand *s, const struct gate *g, char path[PATH_MAX])
{
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(FILE_MAX);
    char lab[PATH_MAX], own[PATH_MAX];
    int r;

    if (!path_put(lab, s->folder, "lab/roots.pem") || !path_put(own, g->state, "ca/root.pem") ||
        snprintf(path, PATH_MAX, "%s.roots", g->state) >= PATH_MAX)
        return -ENAMETOOLONG;
    r = file_read(lab, &all);
    if (r == 0)
        r = file_read(own, &all);
    mill_cert_pem(s->authority, &all);
    if (r == 0)
        r = buf_error(&all);
    return r < 0 ? r : file_replace(path, buf_span(&all), 0644);
}

static int root_read(struct gate *g)
{
    char path[PATH_MAX];
    FILE *file;

    if (!path_put(path, g->state, "ca/root.pem"))
        return -ENAMETOOLONG;
    file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    g->root = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    g->trusted = X509_STORE_new();
    if (g->root == NULL || g->trusted == NULL || X509_STORE_add_cert(g->trusted, g->root) != 1)
        return -ENOMEM;
    return 0;
}

static int gate_prepare(struct stand *s, struct gate *g, char roots[PATH_MAX], const char *said)
{
    /* The CA before the gate, so that its root can be among the gate's roots. */
    const char *const words[] = { "midwatch", "gate", "ca", "init", "--state", g->state, NULL };
    pid_t pid = 0;
    int r = stand_spawn(&pid, words, said);

    if (r == 0 && stand_wait(pid) != 0)
        r = -ECHILD;
    if (r == 0)
        r = write_roots(s, g, roots);
    return r == 0 ? root_read(g) : r;
}

/* What the configuration says of places outside goes to places of the test's: the gate that
 * works here already shall not notice. */
static void keep_apart(struct stand *s, const struct gate *g, struct buf *out)
{
    const struct gate_config *c = s->config;

    if (c->ca.folder != NULL || c->ca.passphrase_file != NULL)
        buf_printf(out, "ca { folder = \"%s/ca\"; passphrase-file = \"%s/ca/passphrase\"; }\n",
                   g->state, g->state);
    buf_printf(out, "audit { folder = \"%s/audit\"; }\n", g->state);
    if (c->users_file != NULL)
        buf_printf(out, "users-file = \"%s/users\";\n", s->folder);
    buf_str(out, "rule \"selftest bypass\" { names = [bypassed.selftest.test]; "
                 "action = bypass; reason = \"chosen by the selftest\"; }\n"
                 "rule \"selftest block\" { names = [blocked.selftest.test]; action = block; "
                 "reason = \"chosen by the selftest\"; }\n");
}

static int gate_run(struct stand *s, struct gate *g, const char *more, const char *said,
                    const char *roots, struct buf *urls)
{
    CLEANUP(buf_deinit) struct buf apart = BUF_INIT(1 << 16);
    char local[PATH_MAX], hosts[PATH_MAX], ready[PATH_MAX];
    const char *words[WORDS_MAX] = {
        "midwatch",      "gate",  "--listen",      "http://127.0.0.1:0", "--state", g->state,
        "--roots",       roots,   "--local-roots", local,   "--hosts-file", hosts,  "--dns",
        s->dns,          "--ready-file", ready,    "--set",
    };
    size_t n = 17;
    int r;

    if (!path_put(local, s->folder, "lab/local-roots.pem") ||
        !path_put(hosts, s->folder, "hosts") ||
        snprintf(ready, sizeof(ready), "%s.ready", g->state) >= PATH_MAX)
        return -ENAMETOOLONG;
    keep_apart(s, g, &apart);
    if (buf_error(&apart) != 0)
        return buf_error(&apart);
    words[n++] = (const char *)apart.data;
    if (s->extra != NULL) {
        words[n++] = "--set";
        words[n++] = s->extra;
    }
    if (more != NULL) {
        words[n++] = "--set";
        words[n++] = more;
    }
    words[n++] = "--config";
    words[n] = s->config_file != NULL ? s->config_file : "/dev/null";
    r = stand_spawn(&g->pid, words, said);
    return r == 0 ? wait_ready(g->pid, ready, urls) : r;
}

int gate_start(struct stand *s, struct gate *g, const char *more, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf urls = BUF_INIT(4096);
    char said[PATH_MAX], roots[PATH_MAX];
    int64_t port = 0;
    int r;

    *g = (struct gate){ 0 };
    if (snprintf(g->state, PATH_MAX, "%s/gate-%u", s->folder, s->gates++) >= PATH_MAX ||
        snprintf(said, PATH_MAX, "%s.said", g->state) >= PATH_MAX)
        return -ENAMETOOLONG;
    r = gate_prepare(s, g, roots, said);
    if (r == 0)
        r = gate_run(s, g, more, said, roots, &urls);
    if (r == 0) {
        struct mw_span text = span_trim(buf_span(&urls)), line = { NULL, 0 }, part;

        (void)span_line(&text, &line);
        while (span_field(&line, ':', &part))
            r = text_number(span_trim(part), 1, 65535, &port);      /* the last is the port */
        r = r == 0 && port > 0 ? 0 : -EPROTO;
    }
    g->port = (uint16_t)port;
    if (r < 0) {
        buf_printf(error, "the gate did not start: %s: ", strerror(-r));
        last_words(error, said);
        gate_stop(g);
    }
    return r;
}

void gate_stop(struct gate *g)
{
    end(&g->pid);
    X509_STORE_free(g->trusted);
    X509_free(g->root);
    g->trusted = NULL;
    g->root = NULL;
}

/* -------------------------------------------------------------------- the stand ---- */

static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char below[PATH_MAX];

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            !path_put(below, path, e->d_name))
            continue;
        if (unlink(below) < 0 && (errno == EISDIR || errno == EPERM))
            remove_folder(below);
    }
    if (d != NULL)
        closedir(d);
    (void)rmdir(path);
}

static int folder_make(struct stand *s)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(s->folder, PATH_MAX, "%s/midwatch-selftest-XXXXXX",
                     base != NULL && base[0] == '/' ? base : "/tmp");
    char path[PATH_MAX];

    if (n >= PATH_MAX || mkdtemp(s->folder) == NULL) {
        s->folder[0] = '\0';
        return -errno;
    }
    /* The gate's processes are another user where we are root. */
    if (chmod(s->folder, 0755) < 0)
        return -errno;
    if (!path_put(path, s->folder, "users"))
        return -ENAMETOOLONG;
    return file_replace(path, span_str(users), 0644);
}

static int config_read(struct stand *s, struct buf *error)
{
    struct gate_bundle *b = NULL;
    int r = gate_bundle_read(&b, s->config_file, s->extra != NULL ? s->extra : "", error);

    if (r == 0)
        r = gate_config_load(&s->config, b, error);
    gate_bundle_free(b);
    if (r == 0 && s->config->ca.pkcs11 != NULL) {
        buf_str(error, "the CA's key is in a token, which a test cannot have one of its own in; "
                       "test the configuration without ca.pkcs11");
        r = -ENOTSUP;
    }
    return r > 0 ? -EINVAL : r;
}

int stand_open(struct stand *s, struct buf *error)
{
    int r = config_read(s, error);

    if (r == 0)
        r = folder_make(s);
    if (r == 0)
        r = authority_make(s);
    if (r == 0)
        r = lab_open(s, error);
    if (r == 0)
        r = write_hosts(s);
    if (r == 0)
        r = gate_start(s, &s->gate, NULL, error);
    if (r < 0 && error->len == 0)
        buf_printf(error, "%s: %s", s->folder[0] != '\0' ? s->folder : "temporary folder",
                   strerror(-r));
    return r;
}

void stand_close(struct stand *s)
{
    gate_stop(&s->gate);
    end(&s->lab);
    json_decref(s->cases);
    mill_cert_free(s->authority);
    gate_config_unref(s->config);
    if (s->folder[0] != '\0')
        remove_folder(s->folder);
}
