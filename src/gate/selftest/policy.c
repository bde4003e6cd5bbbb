/*
 * Points 42 to 50 but 48: what policy says is what happens, and it is recorded.
 */
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/selftest/hello_split.h"
#include "gate/selftest/memory.h"
#include "gate/selftest/points.h"

enum { WORKERS_MAX = 8, SECRET = 16, ROUNDS = 6, TRIES = 100, PAUSE_NS = 100000000 };

static void pause_once(void)
{
    nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
}

/* The server's own chain, byte for byte, through the gate. */
static void expect_untouched(struct trial *t, const char *host, uint16_t port, const char *sni)
{
    struct call c = { .host = host, .port = port, .sni = sni, .direct = true };
    struct answer own, seen = { 0 };
    bool same = false;

    if (trial_call(t, &t->stand->gate, &c, &own)) {
        c.direct = false;
        if (trial_call(t, &t->stand->gate, &c, &seen)) {
            same = own.leaf != NULL && seen.leaf != NULL &&
                   sk_X509_num(own.chain) == sk_X509_num(seen.chain);
            for (int i = 0; same && i < sk_X509_num(own.chain); i++)
                same = X509_cmp(sk_X509_value(own.chain, i), sk_X509_value(seen.chain, i)) == 0;
        }
        expect(t, same, "%s: not the server's own certificates (CONNECT %d)", host, seen.connect);
    }
    answer_deinit(&own);
    answer_deinit(&seen);
}

static void expect_blocked(struct trial *t, const char *host, uint16_t port)
{
    struct answer a;

    if (trial_call(t, &t->stand->gate, &(struct call){ .host = host, .port = port }, &a))
        expect(t, a.connect == 403 || (a.greeted && !a.trusted && a.status == 403),
               "%s: not blocked (CONNECT %d, HTTP %d)", host, a.connect, a.status);
    answer_deinit(&a);
}

static bool takes(const char *text)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    int r = gate_bundle_read(&b, NULL, text, &error);

    if (r == 0)
        r = gate_config_load(&c, b, &error);
    gate_config_unref(c);
    gate_bundle_free(b);
    return r == 0;
}

static void actions(struct trial *t)
{
    struct origin o;
    bool block = t->stand->config->undefined == GATE_BLOCK;

    expect_cases_inspected(t, "good");
    if (trial_origin(t, "bypassed.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB }, &o))
        expect_untouched(t, "bypassed.selftest.test", o.port, NULL);
    origin_stop(&o);
    expect_blocked(t, "blocked.selftest.test", t->stand->lab_port);
    if (trial_origin(t, "undefined.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB },
                     &o)) {
        if (block)
            expect_blocked(t, "undefined.selftest.test", o.port);
        else
            expect_inspected(t, "undefined.selftest.test", o.port);
    }
    origin_stop(&o);
    expect(t, !takes("undefined = bypass;"), "undefined = bypass can be configured");
    note(t, "inspect, bypass and block do so; what no rule names is %s, and cannot be let pass",
         block ? "blocked" : "inspected");
}

static void identical(struct trial *t)
{
    struct origin o;

    if (trial_origin(t, "bypassed.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB }, &o))
        expect_untouched(t, "bypassed.selftest.test", o.port, NULL);
    origin_stop(&o);
    note(t, "all certificates that the server sends arrive as they are");
}

static void client_certificates(struct trial *t)
{
    static const struct {
        const char *host;
        int max;
    } tries[] = { { "old.selftest.test", TLS1_2_VERSION }, { "bare.selftest.test", 0 } };
    static const char *const words[] = { "passed on untouched", "blocked",
                                         "inspected without one" };
    enum gate_client_cert wish = t->stand->config->client_cert;

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        const char *host = tries[i].host;
        const struct origin_plan plan = { .kind = ORIGIN_WEB, .max = tries[i].max, .asks = true };
        struct origin o;

        if (trial_origin(t, host, plan, &o)) {
            if (wish == GATE_MTLS_BYPASS)
                expect_untouched(t, host, o.port, NULL);
            else if (wish == GATE_MTLS_BLOCK)
                expect_refused(t, host, o.port);
            else
                expect_inspected(t, host, o.port);
        }
        origin_stop(&o);
    }
    expect(t, takes("client-cert = block;") && takes("client-cert = without;") &&
                  takes("client-cert = bypass;"),
           "client-cert cannot be configured");
    note(t, "servers that ask for a client's certificate are %s, as configured",
         words[wish <= GATE_MTLS_WITHOUT ? wish : 0]);
}

/* -------------------------------------------------------------------- plaintext ---- */

/* Asks for our secret again and again; false: what came was not ours alone. */
static bool ask_rounds(const struct gate *g, const char *host, uint16_t port, const char *mine,
                       const char *theirs)
{
    bool good = true;

    for (int i = 0; i < ROUNDS && good; i++) {
        const struct call c = { .host = host, .port = port, .path = mine };
        struct answer a;

        good = call_make(&a, g, &c) == 0 && a.status == 200 &&
               strstr((const char *)a.body.data, mine) != NULL &&
               strstr((const char *)a.body.data, theirs) == NULL;
        answer_deinit(&a);
    }
    return good;
}

/* What is left of the secrets once the sessions are over; -1: it is closed to us. */
static int left_over(struct trial *t, const char *one, const char *two)
{
    const struct mw_span needles[2] = { span_str(one), span_str(two) };
    size_t counts[MEMORY_NEEDLES], all = 0;
    pid_t workers[WORKERS_MAX];
    size_t n = gate_children(&t->stand->gate, "worker", workers, WORKERS_MAX);

    for (int k = 0; k < TRIES / 4; k++) {
        all = 0;
        for (size_t i = 0; i < n; i++) {
            int r = memory_find(workers[i], needles, 2, counts);

            if (r == -EACCES || r == -EPERM)
                return -1;
            expect(t, r == 0, "a worker's memory: %s", strerror(-r));
            all += counts[0] + counts[1];
        }
        if (all == 0)
            return 0;
        pause_once();           /* the last session may not be over yet */
    }
    return (int)all;
}

static void secret_make(char out[2 * SECRET + 2])
{
    CLEANUP(buf_deinit) struct buf hex = BUF_INIT(2 * SECRET + 1);
    uint8_t raw[SECRET] = { 0 };

    (void)RAND_bytes(raw, sizeof(raw));
    text_hex(&hex, span_of(raw, sizeof(raw)), 0);
    snprintf(out, 2 * SECRET + 2, "/%s", hex.len > 0 ? (char *)hex.data : "");
}

static void isolation(struct trial *t)
{
    const struct gate *g = &t->stand->gate;
    struct origin a = { .told = -1 }, b = { .told = -1 };
    char one[2 * SECRET + 2], two[2 * SECRET + 2];
    int left = 0;

    secret_make(one);
    secret_make(two);
    if (trial_origin(t, "one.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB }, &a) &&
        trial_origin(t, "two.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB }, &b)) {
        pid_t other = fork();

        if (other == 0)
            _exit(ask_rounds(g, "one.selftest.test", a.port, one, two) ? 0 : 1);
        expect(t, ask_rounds(g, "two.selftest.test", b.port, two, one),
               "a session got another's bytes, or none");
        expect(t, other > 0 && stand_wait(other) == 0, "a session got another's bytes, or none");
        left = left_over(t, one, two);
        expect(t, left <= 0, "%d traces of plaintext are in the workers' memory after the sessions",
               left);
    }
    origin_stop(&a);
    origin_stop(&b);
    note(t, "%d sessions at once got their own bytes alone; %s", 2 * ROUNDS,
         left < 0 ? "the workers' memory is closed even to their own user"
                  : "nothing of them is in the workers' memory afterwards");
}

/* --------------------------------------------------------------------- the record ---- */

static bool served(struct trial *t, const struct gate *g)
{
    const struct call c = { .host = "good.lab.test", .port = t->stand->lab_port };
    struct answer a;
    bool good = trial_call(t, g, &c, &a) && a.greeted && a.trusted && a.status == 200;

    answer_deinit(&a);
    return good;
}

/* Sets a limit on the size of a process's files, as its own user: another user may not, not even
 * root where that has lost its capabilities.  The hard limit stays, so that ours can go again. */
static bool files_limit(pid_t pid, rlim_t bytes)
{
    struct stat st;
    char path[64];
    pid_t child;

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &st) < 0)
        return false;
    child = fork();
    if (child == 0) {
        struct rlimit now;

        if (geteuid() == 0 && (setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
                               setresuid(st.st_uid, st.st_uid, st.st_uid) < 0))
            _exit(1);
        if (prlimit(pid, RLIMIT_FSIZE, NULL, &now) < 0)
            _exit(1);
        now.rlim_cur = bytes < now.rlim_max ? bytes : now.rlim_max;
        _exit(prlimit(pid, RLIMIT_FSIZE, &now, NULL) < 0 ? 1 : 0);
    }
    return child > 0 && stand_wait(child) == 0;
}

/* A full disk, as the scribe sees it. */
static void sink_fails(struct trial *t)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate g;
    pid_t scribe = 0;
    int i = 0;

    if (gate_start(t->stand, &g, NULL, &error) < 0) {
        expect(t, false, "%s", (char *)error.data);
        return;
    }
    expect(t, served(t, &g), "a second gate serves nobody");
    expect(t, gate_children(&g, "scribe", &scribe, 1) == 1 && files_limit(scribe, 1),
           "the scribe's files cannot be limited");
    while (t->result != POINT_FAILED && i < TRIES && served(t, &g)) {
        pause_once();
        i++;
    }
    expect(t, i < TRIES, "sessions go on that cannot be recorded");
    if (t->result != POINT_FAILED && files_limit(scribe, RLIM_INFINITY)) {
        for (i = 0; i < TRIES && !served(t, &g); i++)
            pause_once();
        expect(t, i < TRIES, "once it can be recorded again, sessions do not go on");
    }
    gate_stop(&g);
    note(t, "with a log that cannot be written new sessions are refused, until it can");
}

static bool fingerprint_is(const json_t *record, const char *path, X509 *cert)
{
    CLEANUP(buf_deinit) struct buf hex = BUF_INIT(128);
    const char *text = json_string_value(record_member(record, path));
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (text == NULL || cert == NULL || X509_digest(cert, EVP_sha256(), digest, &len) != 1)
        return false;
    text_hex(&hex, span_of(digest, len), 0);
    return span_eq_nocase(span_str(text), buf_span(&hex));
}

static void linked(struct trial *t)
{
    const char *host = "signed.selftest.test";
    struct origin o;
    struct call c = { .host = host, .direct = true };
    struct answer own = { 0 }, seen = { 0 };
    json_t *record;

    if (!trial_origin(t, host, (struct origin_plan){ .kind = ORIGIN_WEB }, &o))
        return;
    c.port = o.port;
    if (trial_call(t, &t->stand->gate, &c, &own)) {
        c.direct = false;
        if (trial_call(t, &t->stand->gate, &c, &seen)) {
            record = gate_record(&t->stand->gate, host);
            expect(t, record != NULL, "the session is not in the audit log");
            expect(t, fingerprint_is(record, "midwatch.certificate.origin_sha256", own.leaf) &&
                          fingerprint_is(record, "midwatch.certificate.forged_sha256", seen.leaf),
                   "the audit log does not link the server's certificate and the leaf");
            json_decref(record);
        }
    }
    answer_deinit(&own);
    answer_deinit(&seen);
    origin_stop(&o);
    note(t, "the audit log has both fingerprints, of the server's certificate and of the leaf");
}

/* ------------------------------------------------------------------- revocation, names ---- */

static void revocation_unknown(struct trial *t)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    enum gate_on_finding wish = t->stand->config->on_finding[MW_REVOCATION_UNKNOWN];
    static const char strict[] = "rule \"selftest strict\" { names = [crl-missing.lab.test]; "
                                 "action = inspect; on { revocation-unknown = refuse; } }";
    bool logged = false;
    json_t *record, *list;
    struct gate g;

    if (wish == GATE_ON_ACCEPT)
        expect_cases_inspected(t, "crl-missing");
    else
        expect_cases_refused(t, "crl-missing");
    record = gate_record(&t->stand->gate, "crl-missing.lab.test");
    list = json_object_get(json_object_get(record, "midwatch"), "findings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));

        logged = logged || (one != NULL && strcmp(one, "revocation-unknown") == 0);
    }
    expect(t, logged, "the audit log does not say that revocation is unknown");
    json_decref(record);
    if (wish == GATE_ON_ACCEPT) {
        struct answer a;

        if (gate_start(t->stand, &g, strict, &error) < 0) {
            expect(t, false, "%s", (char *)error.data);
            return;
        }
        if (trial_call(t, &g, &(struct call){ .host = "crl-missing.lab.test",
                                              .port = t->stand->lab_port }, &a))
            expect(t, a.connect != 0 && !(a.greeted && a.trusted),
                   "revocation-unknown = refuse does not refuse");
        answer_deinit(&a);
        gate_stop(&g);
    }
    note(t, "crl-missing: %s as configured, recorded; refused where it is so configured",
         wish == GATE_ON_ACCEPT ? "accepted" : "not accepted");
}

static void mismatch(struct trial *t)
{
    const struct call host = { .host = "good.lab.test", .port = t->stand->lab_port,
                               .http_host = "wildcard.lab.test" };
    struct call borrowed = { .host = "undefined.selftest.test",
                             .sni = "bypassed.selftest.test" };
    struct answer a, own = { 0 };
    struct origin o;

    if (trial_call(t, &t->stand->gate, &host, &a))
        expect(t, a.greeted && a.status != 0 && a.status != 200,
               "a Host that is not the SNI is served (HTTP %d)", a.status);
    answer_deinit(&a);
    if (!trial_origin(t, "undefined.selftest.test", (struct origin_plan){ .kind = ORIGIN_WEB },
                      &o))
        return;
    borrowed.port = o.port;
    borrowed.direct = true;
    if (trial_call(t, &t->stand->gate, &borrowed, &own)) {
        borrowed.direct = false;
        if (trial_call(t, &t->stand->gate, &borrowed, &a))
            expect(t, a.connect != 0 && (a.leaf == NULL || X509_cmp(a.leaf, own.leaf) != 0),
                   "an excepted name as SNI opens a way to another server");
        answer_deinit(&a);
    }
    answer_deinit(&own);
    origin_stop(&o);
    note(t, "a Host other than the SNI is not served; an excepted name as SNI does not except "
            "another server");
}

static const struct point points[] = {
    { 42, "inspect, bypass, block; nothing undefined passes", actions },
    { 43, "a bypass delivers the server's certificates untouched", identical },
    { 44, "client certificates: block, bypass or none, as configured", client_certificates },
    { 45, "sessions' plaintext is kept apart and wiped", isolation },
    { 46, "no session where it cannot be recorded", sink_fails },
    { 47, "the link from the server's certificate to the leaf is recorded", linked },
    { 48, "a ClientHello split anywhere, GREASE and post-quantum sizes are read", hello_split },
    { 49, "revocation that is unknown is a matter of policy", revocation_unknown },
    { 50, "an SNI that is not the Host, or not the destination, does not pass", mismatch },
};

const struct point_table points_policy = { points, ARRAY_LEN(points) };
