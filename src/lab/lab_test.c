/*
 * The lab as others use it: a plain OpenSSL client shakes hands with cases over a socket while
 * the lab's own loop runs, and sees what each case promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "lab/box.h"
#include "lab/list.h"

enum { PATIENCE_MS = 15000 };

struct bench {
    uv_loop_t loop;
    struct lab *lab;
    char folder[64], error[256];
    SSL_CTX *client;            /* trusts roots.pem */
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct lab_options options = { .echo = true };
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(256);

    signal(SIGPIPE, SIG_IGN);
    snprintf(b->folder, sizeof(b->folder), "/tmp/lab_test.XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    options.folder = b->folder;
    assert_int_equal(uv_loop_init(&b->loop), 0);
    assert_int_equal(lab_new(&b->lab, &b->loop, &options, b->error), 0);
    if (lab_start(b->lab, b->error) != 0)
        fail_msg("%s", b->error);
    b->client = SSL_CTX_new(TLS_client_method());
    buf_printf(&path, "%s/roots.pem", b->folder);
    assert_int_equal(SSL_CTX_load_verify_file(b->client, (const char *)path.data), 1);
    SSL_CTX_set_max_cert_list(b->client, 8 << 20);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = { "roots.pem", "local-roots.pem", "ct-logs.json", "hosts",
                                         "crls.pem",  "pins",            "lab.json" };
    struct bench *b = *state;

    lab_stop(b->lab);
    assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    lab_free(b->lab);
    SSL_CTX_free(b->client);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", b->folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(b->folder), 0);
    free(b);
    return 0;
}

static int dial(struct bench *b, enum lab_door door)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(lab_port(b->lab, door)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void turn(struct bench *b)
{
    uv_run(&b->loop, UV_RUN_NOWAIT);
    poll(NULL, 0, 1);
}

static struct mono patience_end(void)
{
    return (struct mono){ mono_now().ns + (int64_t)PATIENCE_MS * 1000000 };
}

/* 1: shaken hands; else what SSL_get_error() says. */
static int handshake(struct bench *b, SSL *ssl)
{
    struct mono end = patience_end();

    for (;;) {
        int r = SSL_connect(ssl);
        int error = r > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, r);

        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return r > 0 ? 1 : -error;
        assert_true(mono_diff_ns(mono_now(), end) > 0);
        turn(b);
    }
}

static SSL *client_new(struct bench *b, enum lab_door door, const char *name)
{
    SSL *ssl = SSL_new(b->client);

    SSL_set_tlsext_host_name(ssl, name);
    SSL_set1_host(ssl, name);
    SSL_set_fd(ssl, dial(b, door));
    return ssl;
}

static void client_free(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    ERR_clear_error();
}

static long verify_result(struct bench *b, enum lab_door door, const char *name)
{
    SSL *ssl = client_new(b, door, name);
    long r;

    assert_int_equal(handshake(b, ssl), 1);
    r = SSL_get_verify_result(ssl);
    client_free(ssl);
    return r;
}

static void cases_are_wrong_in_the_way_they_say(void **state)
{
    static const struct {
        const char *name;
        long result;
    } cases[] = {
        { "good.lab.test", X509_V_OK },
        { "n417.fleet.lab.test", X509_V_OK },
        { "any.wildcard.lab.test", X509_V_OK },
        { "wrong-host.lab.test", X509_V_ERR_HOSTNAME_MISMATCH },
        { "expired.lab.test", X509_V_ERR_CERT_HAS_EXPIRED },
        { "not-yet-valid.lab.test", X509_V_ERR_CERT_NOT_YET_VALID },
        { "self-signed.lab.test", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
        { "untrusted-root-sent.lab.test", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN },
        { "incomplete-chain.lab.test", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
        { "reversed-chain.lab.test", X509_V_OK },
        { "cross-sign-expired.lab.test", X509_V_OK },
        { "bad-signature.lab.test", X509_V_ERR_CERT_SIGNATURE_FAILURE },
        { "path-length.lab.test", X509_V_ERR_PATH_LENGTH_EXCEEDED },
        { "name-constraint.lab.test", X509_V_ERR_PERMITTED_VIOLATION },
        { "name-constraint-met.lab.test", X509_V_OK },
        { "wrong-purpose.lab.test", X509_V_ERR_INVALID_PURPOSE },
        { "critical-extension.lab.test", X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION },
        { "sans-10000.lab.test", X509_V_OK },
        { "slow.lab.test", X509_V_OK },
        { "fortigate.lab.test", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
    };
    struct bench *b = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        long r = verify_result(b, DOOR_TLS, cases[i].name);

        if (r != cases[i].result)
            fail_msg("%s: %s", cases[i].name, X509_verify_cert_error_string(r));
    }
}

/* Every case that has a certificate can be minted; a table with a mistake would show here. */
static void every_case_can_be_minted(void **state)
{
    struct bench *b = *state;

    for (size_t i = 0; i < case_count(); i++)
        if (lab_site_named(b->lab, span_str(case_at(i)->name)) == NULL)
            fail_msg("%s cannot be minted", case_at(i)->name);
    assert_true(case_count() >= 75);
}

static void names_are_unique_and_hosts_lead_to_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count(); i++) {
        const struct lab_case *c = case_at(i);
        char host[CASE_HOST_TEXT];

        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(c->name, case_at(k)->name);
        case_server_name(c, host);
        assert_true(case_find(span_str(host)) >= 0);
        assert_true(strstr(c->wrong, "  ") == NULL && c->wrong[strlen(c->wrong) - 1] != '.');
    }
    assert_int_equal(case_find(SPAN_LIT("no-such.lab.test")), -1);
}

/* Reads until the peer is done, and says how it ended: 0 FIN, else errno. */
static int outcome(struct bench *b, const char *name, uint8_t *first, size_t room, size_t *n)
{
    SSL *ssl = client_new(b, DOOR_TLS, name);
    int fd = SSL_get_fd(ssl), r;
    struct mono end = patience_end();

    *n = 0;
    SSL_connect(ssl);           /* sends the hello; then we read raw */
    for (;;) {
        ssize_t got = recv(fd, first + *n, room - *n, 0);

        assert_true(mono_diff_ns(mono_now(), end) > 0);
        if (got > 0)
            *n += (size_t)got < room - *n ? (size_t)got : 0;
        else if (got == 0 || errno != EAGAIN)
            break;
        turn(b);
    }
    r = *n == room ? 0 : errno == EAGAIN ? 0 : errno;
    client_free(ssl);
    return r;
}

static void faults_are_what_they_say(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[4096];
    size_t n = 0;

    errno = 0;
    assert_int_equal(outcome(b, "reset.lab.test", bytes, sizeof(bytes), &n), ECONNRESET);
    assert_int_equal(n, 0);
    errno = 0;
    assert_int_equal(outcome(b, "fin.lab.test", bytes, sizeof(bytes), &n), 0);
    assert_int_equal(n, 0);
    errno = 0;
    assert_int_equal(outcome(b, "alert-40.lab.test", bytes, sizeof(bytes), &n), 0);
    assert_int_equal(n, 7);
    assert_int_equal(bytes[0], 21);
    assert_int_equal(bytes[6], 40);
    errno = 0;
    assert_int_equal(outcome(b, "no-such.lab.test", bytes, sizeof(bytes), &n), 0);
    assert_int_equal(bytes[6], 112);
    errno = 0;
    assert_int_equal(outcome(b, "truncated.lab.test", bytes, sizeof(bytes), &n), 0);
    assert_int_equal(n, 700);
    errno = 0;
    assert_int_equal(outcome(b, "ssh.lab.test", bytes, sizeof(bytes), &n), 0);
    assert_memory_equal(bytes, "SSH-2.0", 7);
    errno = 0;
    outcome(b, "reset-late.lab.test", bytes, sizeof(bytes), &n);
    assert_true(n > 0);
}

static void versions_are_kept_to(void **state)
{
    struct bench *b = *state;
    SSL *ssl = client_new(b, DOOR_TLS, "tls-1-3.lab.test");

    assert_int_equal(handshake(b, ssl), 1);
    assert_int_equal(SSL_version(ssl), TLS1_3_VERSION);
    client_free(ssl);
    ssl = client_new(b, DOOR_TLS, "tls-1-0.lab.test");
    assert_true(handshake(b, ssl) < 0);
    client_free(ssl);
    ssl = client_new(b, DOOR_TLS, "tls-1-0.lab.test");
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
    assert_int_equal(handshake(b, ssl), 1);
    assert_int_equal(SSL_version(ssl), TLS1_VERSION);
    client_free(ssl);
}

static void staples_and_scts_are_sent(void **state)
{
    struct bench *b = *state;
    SSL *ssl = client_new(b, DOOR_TLS, "staple-good.lab.test");
    const unsigned char *staple = NULL;

    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    assert_int_equal(handshake(b, ssl), 1);
    assert_true(SSL_get_tlsext_status_ocsp_resp(ssl, &staple) > 0);
    client_free(ssl);
    ssl = client_new(b, DOOR_TLS, "must-staple.lab.test");
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    assert_int_equal(handshake(b, ssl), 1);
    assert_int_equal(SSL_get_tlsext_status_ocsp_resp(ssl, &staple), -1);
    client_free(ssl);
}

/* The leaf's issuer as the client behind `door` sees it. */
static void issuer_seen(struct bench *b, enum lab_door door, const char *name, char *text,
                        int room)
{
    SSL *ssl = client_new(b, door, name);

    assert_int_equal(handshake(b, ssl), 1);
    X509_NAME_get_text_by_NID(X509_get_issuer_name(SSL_get0_peer_certificate(ssl)),
                              NID_organizationName, text, room);
    client_free(ssl);
}

/* Sends and receives in clear while the lab's loop turns. */
static size_t exchange(struct bench *b, int fd, const char *say, size_t len, char *hear,
                       size_t room, const char *until)
{
    struct mono end = patience_end();
    size_t n = 0;

    if (len > 0)
        assert_int_equal(send(fd, say, len, 0), len);
    memset(hear, 0, room);
    while (n + 1 < room && (n == 0 || (until != NULL && strstr(hear, until) == NULL))) {
        ssize_t got = recv(fd, hear + n, room - n - 1, 0);

        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        assert_true(mono_diff_ns(mono_now(), end) > 0);
        turn(b);
    }
    return n;
}

static void the_interceptor_re_signs_and_the_proxy_does_not(void **state)
{
    static const char connect_text[] = "CONNECT good.lab.test:443 HTTP/1.1\r\n"
                                       "Host: good.lab.test:443\r\n\r\n";
    struct bench *b = *state;
    char issuer[128], text[256];
    SSL *ssl;

    issuer_seen(b, DOOR_TLS, "good.lab.test", issuer, sizeof(issuer));
    assert_string_equal(issuer, "Midwatch Lab");
    issuer_seen(b, DOOR_INTERCEPT, "good.lab.test", issuer, sizeof(issuer));
    assert_string_equal(issuer, "Fortinet");

    ssl = client_new(b, DOOR_PROXY, "good.lab.test");
    exchange(b, SSL_get_fd(ssl), connect_text, sizeof(connect_text) - 1, text, sizeof(text),
             "\r\n\r\n");
    assert_non_null(strstr(text, " 200 "));
    assert_int_equal(handshake(b, ssl), 1);
    assert_int_equal(SSL_get_verify_result(ssl), X509_V_OK);
    client_free(ssl);

    ssl = client_new(b, DOOR_INTERCEPT, "good.lab.test");
    assert_int_equal(exchange(b, SSL_get_fd(ssl), "\x05\x01\x00", 3, text, sizeof(text), NULL), 2);
    assert_int_equal(exchange(b, SSL_get_fd(ssl), "\x05\x01\x00\x03\x0dgood.lab.test\x01\xbb", 20,
                              text, sizeof(text), NULL),
                     10);
    assert_int_equal(text[1], 0);
    assert_int_equal(handshake(b, ssl), 1);
    assert_int_not_equal(SSL_get_verify_result(ssl), X509_V_OK);
    client_free(ssl);
}

/* A request over TLS, and its whole answer. */
static void request(struct bench *b, enum lab_door door, const char *host, const char *path,
                    char *text, size_t room)
{
    SSL *ssl = client_new(b, door, host);
    struct mono end = patience_end();
    char line[512];
    size_t n = 0, sent = 0;

    assert_int_equal(handshake(b, ssl), 1);
    snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    assert_int_equal(SSL_write_ex(ssl, line, strlen(line), &sent), 1);
    for (;;) {
        size_t got = 0;
        int r = SSL_read_ex(ssl, text + n, room - n - 1, &got);

        n += got;
        if (r <= 0 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ)
            break;
        assert_true(mono_diff_ns(mono_now(), end) > 0);
        turn(b);
    }
    text[n] = '\0';
    client_free(ssl);
}

static void answers_over_tls_pass_the_interceptor(void **state)
{
    struct bench *b = *state;
    char text[8192];

    request(b, DOOR_TLS, "good.lab.test", "/", text, sizeof(text));
    assert_non_null(strstr(text, "case good"));
    request(b, DOOR_INTERCEPT, "good.lab.test", "/", text, sizeof(text));
    assert_non_null(strstr(text, "case good"));
    request(b, DOOR_TLS, "good.lab.test",
            "/.well-known/midwatch-echo?nonce="
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            text, sizeof(text));
    assert_non_null(strstr(text, "midwatch.echo/1"));
}

static void side_doors_answer(void **state)
{
    struct bench *b = *state;
    char text[65536];
    int fd = dial(b, DOOR_HTTP);

    exchange(b, fd, "GET /crl/revoked HTTP/1.1\r\nHost: lab\r\n\r\n", 40, text, sizeof(text),
             "pkix-crl");
    assert_non_null(strstr(text, " 200 "));
    close(fd);
    fd = dial(b, DOOR_HTTP);
    exchange(b, fd, "GET /crl/crl-missing HTTP/1.1\r\nHost: lab\r\n\r\n", 44, text, sizeof(text),
             "\r\n\r\n");
    assert_non_null(strstr(text, " 404 "));
    close(fd);
    fd = dial(b, DOOR_SMTP);
    exchange(b, fd, "", 0, text, sizeof(text), "\r\n");
    assert_non_null(strstr(text, "220 "));
    exchange(b, fd, "EHLO me\r\n", 9, text, sizeof(text), "250 STARTTLS\r\n");
    assert_non_null(strstr(text, "STARTTLS"));
    exchange(b, fd, "STARTTLS\r\n", 10, text, sizeof(text), "\r\n");
    assert_non_null(strstr(text, "220 "));
    close(fd);
}

static void the_list_is_complete_with_and_without_a_lab(void **state)
{
    struct bench *b = *state;
    const char *folders[] = { NULL, b->folder };

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
        json_t *list, *first;

        assert_int_equal(list_json(&text, folders[i], b->error), 0);
        list = json_loadb((const char *)text.data, text.len, 0, NULL);
        assert_int_equal(json_array_size(list), case_count());
        first = json_array_get(list, 0);
        assert_string_equal(json_string_value(json_object_get(first, "name")), "good");
        assert_true(i == 0 ? json_is_null(json_object_get(first, "port"))
                           : json_integer_value(json_object_get(first, "port")) ==
                                 lab_port(b->lab, DOOR_TLS));
        assert_int_equal(strstr((const char *)text.data, "{dir}") == NULL, i == 1);
        assert_true(i == 0 || strchr((const char *)text.data, '{') != NULL);
        json_decref(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_hosts_lead_to_a_case),
        cmocka_unit_test(every_case_can_be_minted),
        cmocka_unit_test(cases_are_wrong_in_the_way_they_say),
        cmocka_unit_test(faults_are_what_they_say),
        cmocka_unit_test(versions_are_kept_to),
        cmocka_unit_test(staples_and_scts_are_sent),
        cmocka_unit_test(the_interceptor_re_signs_and_the_proxy_does_not),
        cmocka_unit_test(answers_over_tls_pass_the_interceptor),
        cmocka_unit_test(side_doors_answer),
        cmocka_unit_test(the_list_is_complete_with_and_without_a_lab),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
