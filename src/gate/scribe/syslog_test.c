/* Lines reach a collector over UDP, TCP and TLS, framed as the RFCs say; a collector that is not
 * there, goes away or shows the wrong certificate costs nothing but the oldest lines. */
#include "gate/scribe/syslog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/mill.h"
#include "net/sock.h"

static const struct mw_wall noon = { 1795348800 };

struct world {
    uv_loop_t loop;
    struct dns *dns;
    struct syslog *s;
    struct buf error;
};

static int setup(void **state)
{
    static const struct dns_options options = { .hosts_file = "" };
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    (void)signal(SIGPIPE, SIG_IGN);
    w->error = (struct buf)BUF_INIT(1000);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(dns_new(&w->dns, &w->loop, &options, NULL), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    syslog_free(w->s);
    dns_free(w->dns);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    buf_deinit(&w->error);
    free(w);
    return 0;
}

static void open_syslog(struct world *w, const char *scheme, uint16_t port, struct mw_span roots)
{
    char url[100];
    const struct syslog_options o = {
        .url = url, .roots = roots, .dns = w->dns, .hostname = "gate test", .backoff_ms = 20,
    };

    snprintf(url, sizeof(url), "%s127.0.0.1:%u", scheme, port);
    assert_int_equal(syslog_new(&w->s, &w->loop, &o, &w->error), 0);
}

static void turn(struct world *w)
{
    uv_run(&w->loop, UV_RUN_NOWAIT);
    usleep(1000);
}

static void expected(struct buf *out, bool counted, const char *line)
{
    CLEANUP(buf_deinit) struct buf m = BUF_INIT(4096);

    /* RFC 5424: facility 13, severity 6; a space is no part of a host name */
    buf_printf(&m, "<110>1 2026-11-22T12:00:00Z gate?test midwatch-gate %ld audit - %s",
               (long)getpid(), line);
    if (counted)
        buf_printf(out, "%zu ", m.len);
    buf_add(out, buf_span(&m));
}

static int collector(int type, uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

    at.sin_port = htons(*port);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* -------------------------------------------------------------------------------- UDP ---- */

static void test_udp(void **state)
{
    struct world *w = *state;
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(4096);
    uint16_t port = 0;
    CLEANUP(own_close) int fd = collector(SOCK_DGRAM, &port);
    char got[4096];
    ssize_t n = -1;

    open_syslog(w, "udp://", port, (struct mw_span){ NULL, 0 });
    syslog_send(w->s, SPAN_LIT("{\"a\":1}"), noon);
    while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) < 0)
        turn(w);
    expected(&want, false, "{\"a\":1}");
    assert_int_equal(n, want.len);
    assert_memory_equal(got, want.data, want.len);
    assert_int_equal(syslog_state(w->s).sent, 1);
    assert_int_equal(syslog_state(w->s).lost, 0);
}

static void test_a_datagram_has_an_end(void **state)
{
    struct world *w = *state;
    CLEANUP(own_free) char *large = calloc(1, 70000);
    uint16_t port = 0;
    CLEANUP(own_close) int fd = collector(SOCK_DGRAM, &port);

    assert_true(fd >= 0);
    memset(large, 'x', 70000);
    open_syslog(w, "udp://", port, (struct mw_span){ NULL, 0 });
    syslog_send(w->s, span_of(large, 70000), noon);
    assert_int_equal(syslog_state(w->s).lost, 1);
    assert_int_equal(syslog_state(w->s).waiting, 0);
}

/* -------------------------------------------------------------------------------- TCP ---- */

static int accept_one(struct world *w, int fd)
{
    int got;

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
        turn(w);
    return got;
}

static void read_until(struct world *w, int fd, struct buf *got, size_t len)
{
    while (got->len < len) {
        uint8_t *to = buf_reserve(got, len - got->len);
        ssize_t n;

        assert_non_null(to);
        n = recv(fd, to, len - got->len, MSG_DONTWAIT);
        assert_int_not_equal(n, 0);
        if (n > 0)
            buf_took(got, (size_t)n);
        else
            turn(w);
    }
}

static void test_tcp_and_a_collector_that_comes_late_and_goes(void **state)
{
    struct world *w = *state;
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(4096), got = BUF_INIT(4096),
                                   again = BUF_INIT(4096);
    uint16_t port = 0;
    int fd = collector(SOCK_STREAM, &port), one;

    close(fd); /* nobody listens there yet */
    open_syslog(w, "tcp://", port, (struct mw_span){ NULL, 0 });
    syslog_send(w->s, SPAN_LIT("first"), noon);
    while (syslog_state(w->s).why[0] == '\0')
        turn(w);
    assert_false(syslog_state(w->s).up);
    assert_int_equal(syslog_state(w->s).waiting, 1);

    fd = collector(SOCK_STREAM, &port);
    one = accept_one(w, fd);
    syslog_send(w->s, SPAN_LIT("second"), noon);
    expected(&want, true, "first");
    expected(&want, true, "second");
    read_until(w, one, &got, want.len);
    assert_true(span_eq(buf_span(&got), buf_span(&want)));

    close(one); /* it goes, and another comes */
    while (syslog_state(w->s).up)
        turn(w);
    syslog_send(w->s, SPAN_LIT("third"), noon);
    one = accept_one(w, fd);
    buf_truncate(&want, 0);
    expected(&want, true, "third");
    read_until(w, one, &again, want.len);
    assert_true(span_eq(buf_span(&again), buf_span(&want)));
    assert_int_equal(syslog_state(w->s).sent, 3);
    close(one);
    close(fd);
}

static void take_some(int fd, struct buf *got)
{
    uint8_t *to = buf_reserve(got, 65536);
    ssize_t n;

    assert_non_null(to);
    n = recv(fd, to, 65536, MSG_DONTWAIT);
    assert_int_not_equal(n, 0);
    if (n > 0)
        buf_took(got, (size_t)n);
}

/* Whole messages, however the collector reads: nothing is cut in the middle of the stream. */
static void test_the_oldest_go(void **state)
{
    struct world *w = *state;
    CLEANUP(own_free) char *large = calloc(1, 60001);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(64 << 20), head = BUF_INIT(4096);
    uint16_t port = 0;
    CLEANUP(own_close) int fd = collector(SOCK_STREAM, &port);
    CLEANUP(own_close) int one = -1;
    uint64_t sent = 0;
    struct mw_span rest, count;
    int64_t last = -1, number, len;
    size_t seen = 0, whole;

    open_syslog(w, "tcp://", port, (struct mw_span){ NULL, 0 });
    one = accept_one(w, fd);
    for (sent = 0; sent < 300; sent++) { /* twice the queue, while nobody reads */
        memset(large, 'x', 60000);
        snprintf(large, 8, "%06d", (int)sent);
        large[6] = 'x';
        syslog_send(w->s, span_of(large, 60000), noon);
        turn(w);
    }
    assert_true(syslog_state(w->s).lost > 0);
    while (syslog_state(w->s).waiting > 0) {
        take_some(one, &got);
        turn(w);
    }
    expected(&head, false, "");
    whole = (sent - syslog_state(w->s).lost) * (strlen("60000 ") + head.len + 60000);
    while (got.len < whole)
        take_some(one, &got);
    assert_int_equal(got.len, whole);
    rest = buf_span(&got);
    while (span_field(&rest, ' ', &count)) { /* the stream is a row of whole messages, in order */
        assert_int_equal(text_number(count, 60000, 61000, &len), 0);
        assert_true(rest.len >= (size_t)len);
        assert_int_equal(text_number(span_cut(rest, (size_t)len - 60000, 6), 0, 1000, &number), 0);
        assert_true(number > last);
        last = number;
        seen++;
        rest = span_cut(rest, (size_t)len, rest.len);
    }
    assert_int_equal(last, 299); /* the newest is there */
    assert_int_equal(seen + syslog_state(w->s).lost, sent);
}

/* -------------------------------------------------------------------------------- TLS ---- */

struct tls_world {
    struct mill_cert *root, *leaf, *other_name;
    struct buf root_pem;
};

static struct mill_cert *issue(const char *subject, const char *names, bool ca,
                               const struct mill_cert *issuer)
{
    struct mw_wall now = wall_now();
    const struct mill_spec spec = {
        .subject = subject, .names = names, .ca = ca,
        .not_before = { now.s - 3600 }, .not_after = { now.s + 86400 },
    };
    struct mill_cert *c;
    EVP_PKEY *key;

    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&c, &spec, key, issuer), 0);
    EVP_PKEY_free(key);
    return c;
}

/* A collector in a process of its own: what comes goes into the pipe. */
static pid_t tls_collector(int fd, int to, const struct mill_cert *leaf, int max_version)
{
    pid_t pid = fork();
    SSL_CTX *ctx;

    if (pid != 0)
        return pid;
    ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, mill_cert_x509(leaf));
    SSL_CTX_use_PrivateKey(ctx, mill_cert_key(leaf));
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, max_version);
    for (;;) {
        SSL *ssl = SSL_new(ctx);
        char got[4096];
        int n;

        SSL_set_fd(ssl, accept(fd, NULL, NULL));
        if (SSL_accept(ssl) == 1)
            while ((n = SSL_read(ssl, got, sizeof(got))) > 0)
                if (write(to, got, (size_t)n) != n)
                    _exit(1);
        close(SSL_get_fd(ssl));
        SSL_free(ssl);
    }
}

static void with_tls(struct world *w, const struct mill_cert *leaf, const struct mill_cert *root,
                     int max_version, const char *failure)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(65536), want = BUF_INIT(4096),
                                   got = BUF_INIT(4096);
    uint16_t port = 0;
    CLEANUP(own_close) int fd = collector(SOCK_STREAM, &port);
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
    pid = tls_collector(fd, pipes[1], leaf, max_version);
    mill_cert_pem(root, &pem);
    open_syslog(w, "tls://", port, buf_span(&pem));
    syslog_send(w->s, SPAN_LIT("secret"), noon);
    if (failure != NULL) {
        while (syslog_state(w->s).why[0] == '\0')
            turn(w);
        if (strstr(syslog_state(w->s).why, failure) == NULL)
            fail_msg("%s", syslog_state(w->s).why);
        assert_int_equal(syslog_state(w->s).sent, 0);
        assert_int_equal(read(pipes[0], &pid, 0) <= 0, 1);
    } else {
        expected(&want, true, "secret");
        while (got.len < want.len) {
            uint8_t *to = buf_reserve(&got, want.len - got.len);
            ssize_t n = read(pipes[0], to, want.len - got.len);

            if (n > 0)
                buf_took(&got, (size_t)n);
            turn(w);
        }
        assert_true(span_eq(buf_span(&got), buf_span(&want)));
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void run_tls(struct world *w, const char *names, bool right_root, int max_version,
                    const char *failure)
{
    struct mill_cert *root = issue("CN=Collector Root", NULL, true, NULL);
    struct mill_cert *other = issue("CN=Other Root", NULL, true, NULL);
    struct mill_cert *leaf = issue("CN=collector.test", names, false, root);

    with_tls(w, leaf, right_root ? root : other, max_version, failure);
    mill_cert_free(leaf);
    mill_cert_free(other);
    mill_cert_free(root);
}

static void test_tls(void **state)
{
    run_tls(*state, "IP:127.0.0.1", true, TLS1_3_VERSION, NULL);
}

static void test_tls_12(void **state)
{
    run_tls(*state, "IP:127.0.0.1", true, TLS1_2_VERSION, NULL);
}

static void test_tls_of_another_host(void **state)
{
    run_tls(*state, "DNS:127.0.0.1,IP:127.0.0.2", true, TLS1_3_VERSION, "IP address mismatch");
}

static void test_tls_of_another_authority(void **state)
{
    run_tls(*state, "IP:127.0.0.1", false, TLS1_3_VERSION, "certificate");
}

static void test_tls_too_old(void **state)
{
    run_tls(*state, "IP:127.0.0.1", true, TLS1_1_VERSION, "TLS: ");
}

static void test_bad_settings(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "", "http://a.test", "tls:a.test", "udp://", "tcp://a.test:0x1", "tcp://a.test:99999",
        "tls://a.test",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct syslog_options o = { .url = bad[i], .dns = w->dns };

        buf_truncate(&w->error, 0);
        assert_int_equal(syslog_new(&w->s, &w->loop, &o, &w->error), -EINVAL);
        assert_true(w->error.len > 0);
        assert_null(w->s);
    }
}

int main(void)
{
#define SYSLOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SYSLOG_TEST(test_udp),
        SYSLOG_TEST(test_a_datagram_has_an_end),
        SYSLOG_TEST(test_tcp_and_a_collector_that_comes_late_and_goes),
        SYSLOG_TEST(test_the_oldest_go),
        SYSLOG_TEST(test_tls),
        SYSLOG_TEST(test_tls_12),
        SYSLOG_TEST(test_tls_of_another_host),
        SYSLOG_TEST(test_tls_of_another_authority),
        SYSLOG_TEST(test_tls_too_old),
        SYSLOG_TEST(test_bad_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
