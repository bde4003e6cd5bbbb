/*
 * Two legs talk TLS to each other over a socket pair, as the gate's client side and server side
 * would: what each can say of how it ended is what logs and the pin learner live on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>
#include <fcntl.h>

#include "gate/worker/algorithms.h"
#include "base/pages.h"
#include "gate/worker/sides.h"
#include "gate/worker/wipe.h"
#include "lab/mill.h"

struct kept {
    SSL_SESSION *session;
    unsigned offered;
};

/* The leg's owner keeps the newest session. */
static void on_session(struct leg *server, SSL_SESSION *session)
{
    struct kept *k = server->owner;

    k->offered++;
    SSL_SESSION_free(k->session);
    SSL_SESSION_up_ref(session);
    k->session = session;
}

struct fixture {
    struct algorithms algorithms;
    struct sides sides;
    struct mill_cert *cert;
    struct kept kept;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct mill_spec spec = { .subject = "CN=leg.test", .names = "DNS:leg.test",
                              .not_before = { 1700000000 }, .not_after = { 1900000000 } };
    EVP_PKEY *key;

    assert_non_null(f);
    assert_int_equal(algorithms_init(&f->algorithms), 0);
    assert_int_equal(sides_init(&f->sides, f->algorithms.context, on_session), 0);
    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&f->cert, &spec, key, NULL), 0);
    EVP_PKEY_free(key);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    SSL_SESSION_free(f->kept.session);
    mill_cert_free(f->cert);
    sides_deinit(&f->sides);
    algorithms_deinit(&f->algorithms);
    free(f);
    return 0;
}

/* `sides` may be another worker's. */
static void greet(struct fixture *f, struct sides *sides, struct leg *server, int fd,
                  const char *context)
{
    leg_open(server, fd);
    assert_int_equal(leg_secure(server, sides->to_client), 0);
    SSL_set_accept_state(leg_ssl(server));
    assert_int_equal(SSL_use_certificate(leg_ssl(server), mill_cert_x509(f->cert)), 1);
    assert_int_equal(SSL_use_PrivateKey(leg_ssl(server), mill_cert_key(f->cert)), 1);
    assert_int_equal(SSL_set_session_id_context(leg_ssl(server), (const uint8_t *)context,
                                                (unsigned)strlen(context)),
                     1);
}

static void dial(struct fixture *f, struct leg *client, int fd, SSL_SESSION *session)
{
    leg_open(client, fd);
    client->owner = &f->kept;
    assert_int_equal(leg_secure(client, f->sides.to_server), 0);
    SSL_set_connect_state(leg_ssl(client));
    if (session != NULL)
        assert_int_equal(SSL_set_session(leg_ssl(client), session), 1);
}

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void shake(struct leg *a, struct leg *b)
{
    enum io x = IO_WANT_READ, y = IO_WANT_READ;

    for (int i = 0; i < 20 && (x != IO_OK || y != IO_OK); i++) {
        leg_wake(a);
        if (x != IO_OK)
            x = leg_handshake(a);
        leg_wake(b);
        if (y != IO_OK)
            y = leg_handshake(b);
        assert_true(x != IO_FAILED && y != IO_FAILED);
    }
    assert_int_equal(x, IO_OK);
    assert_int_equal(y, IO_OK);
}

/* A client and "one", greeted. */
static void shaken(struct fixture *f, struct leg *a, struct leg *b, int fds[2])
{
    pair(fds);
    dial(f, a, fds[0], NULL);
    greet(f, &f->sides, b, fds[1], "one");
    shake(a, b);
}

static void say(struct leg *from, struct leg *to, const char *words)
{
    char got[64] = "";
    size_t n;

    assert_int_equal(leg_write(from, span_str(words), &n), IO_OK);
    assert_int_equal(n, strlen(words));
    leg_wake(to);
    assert_int_equal(leg_read(to, got, sizeof(got) - 1, &n), IO_OK);
    assert_int_equal(n, strlen(words));
    assert_memory_equal(got, words, n);
}

static void test_talk_and_half_close(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    char got[16];
    int fds[2];
    size_t n;

    shaken(f, &a, &b, fds);
    say(&a, &b, "up");
    say(&b, &a, "down");
    assert_int_equal(leg_finish(&a), IO_OK);
    leg_wake(&b);
    assert_int_equal(leg_read(&b, got, sizeof(got), &n), IO_CLOSED);
    assert_true(b.fin_in && b.failure == LEG_WELL);
    say(&b, &a, "still"); /* the other direction stands */
    leg_close(&a);
    leg_close(&b);
}

static void test_early_bytes(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    uint8_t hello[4096];
    int fds[2];
    ssize_t n;

    pair(fds);
    dial(f, &a, fds[0], NULL);
    assert_int_equal(leg_handshake(&a), IO_WANT_READ);
    n = read(fds[1], hello, sizeof(hello)); /* as the stages before TLS do */
    assert_true(n > 100);
    greet(f, &f->sides, &b, fds[1], "one");
    assert_int_equal(leg_unread(&b, span_of(hello, (size_t)n)), 0);
    assert_true(leg_holds(&b));
    shake(&a, &b);
    say(&a, &b, "up");
    leg_close(&a);
    leg_close(&b);
}

/* Rest takes buffers and nothing that is in them, wherever a leg is. */
static void test_rest(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    char got[16];
    int fds[2];
    size_t n;

    pair(fds);
    leg_open(&a, fds[0]);
    leg_rest(&a);               /* no TLS yet */
    dial(f, &a, fds[0], NULL);
    leg_rest(&a);
    greet(f, &f->sides, &b, fds[1], "one");
    leg_rest(&b);               /* the handshake is not over */
    shake(&a, &b);
    leg_wake(&a);
    assert_int_equal(leg_read(&a, got, sizeof(got), &n), IO_WANT_READ); /* the ticket alone */
    leg_rest(&a);
    leg_rest(&b);
    say(&a, &b, "one");
    assert_int_equal(leg_write(&b, SPAN_LIT("hello "), &n), IO_OK);
    assert_int_equal(leg_write(&b, SPAN_LIT("world"), &n), IO_OK);
    leg_wake(&a);
    assert_int_equal(leg_read(&a, got, 2, &n), IO_OK);
    leg_rest(&a);               /* half a record was read, and one waits behind it */
    assert_int_equal(leg_read(&a, got + 2, sizeof(got) - 2, &n), IO_OK);
    assert_int_equal(n, 4);
    leg_rest(&a);
    assert_int_equal(leg_read(&a, got + 6, sizeof(got) - 6, &n), IO_OK);
    assert_memory_equal(got, "hello world", 11);
    leg_rest(&a);
    say(&b, &a, "again");
    leg_close(&a);
    leg_close(&b);
}

static void rests(struct leg *l)
{
    unsigned char there[4];
    size_t room = wipe_pages(l->tls);

    leg_rest(l);
    if (!pages_fit())
        return;
    assert_non_null(l->packed);
    assert_true(l->packed_size < room / 2);
    assert_in_range(room, PAGES_SIZE, sizeof(there) * PAGES_SIZE);
    assert_int_equal(mincore(l->tls, room, there), 0);
    for (size_t i = 0; i < room / PAGES_SIZE; i++)
        assert_int_equal(there[i] & 1, 0);
    leg_rest(l);
}

/* A leg whose SSL is packed is like any other, whatever it is asked for first. */
static void test_packed(void **state)
{
    struct fixture *f = *state;
    struct leg a, b, c;
    char got[16];
    int fds[2];
    size_t n;

    shaken(f, &a, &b, fds);
    say(&b, &a, "x");           /* reading takes the ticket in */
    for (int i = 0; i < 3; i++) {
        rests(&a);
        rests(&b);
        assert_false(leg_holds(&a) || leg_holds(&b));
        assert_int_equal(a.version, TLS1_3_VERSION);
        assert_int_not_equal(a.suite, 0);
        say(&a, &b, "up");
        assert_true(a.packed == NULL && b.packed == NULL);
        rests(&b);
        say(&b, &a, "down");
    }
    assert_int_equal(SSL_key_update(leg_ssl(&a), SSL_KEY_UPDATE_REQUESTED), 1);
    say(&a, &b, "with new keys");
    rests(&a);
    rests(&b);
    say(&b, &a, "with new keys");
    rests(&a);
    leg_move(&c, &a);
    assert_true(a.tls == NULL && a.packed == NULL && leg_of(leg_ssl(&c)) == &c);
    say(&b, &c, "moved");
    rests(&b);
    rests(&c);
    assert_int_equal(leg_finish(&c), IO_OK);
    leg_wake(&b);
    assert_int_equal(leg_read(&b, got, sizeof(got), &n), IO_CLOSED);
    assert_int_equal(b.failure, LEG_WELL);
    leg_rest(&b);
    leg_rest(&c);
    leg_close(&b);
    leg_close(&c);
}

/* Closed while it rests: nothing is lost, and what it left can be resumed. */
static void test_packed_and_closed(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    int fds[2];

    shaken(f, &a, &b, fds);
    say(&b, &a, "x");
    rests(&a);
    rests(&b);
    leg_close(&a);
    leg_close(&b);
    assert_true(a.packed == NULL && b.packed == NULL);
    pair(fds);
    dial(f, &a, fds[0], f->kept.session);
    greet(f, &f->sides, &b, fds[1], "one");
    shake(&a, &b);
    assert_true(a.resumed && b.resumed);
    leg_close(&a);
    leg_close(&b);
}

/* Half a record was read: there is more to be had without the socket saying so. */
static void test_no_rest_in_a_record(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    char got[16];
    int fds[2];
    size_t n;

    shaken(f, &a, &b, fds);
    say(&b, &a, "x");
    assert_int_equal(leg_write(&b, SPAN_LIT("hello world"), &n), IO_OK);
    leg_wake(&a);
    assert_int_equal(leg_read(&a, got, 5, &n), IO_OK);
    leg_rest(&a);
    assert_null(a.packed);
    assert_true(leg_holds(&a));
    assert_int_equal(leg_read(&a, got + 5, sizeof(got) - 5, &n), IO_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(got, "hello world", 11);
    rests(&a);
    say(&b, &a, "again");
    leg_close(&a);
    leg_close(&b);
}

static void test_cut_and_alert(void **state)
{
    struct fixture *f = *state;
    struct leg a, b;
    char got[16];
    int fds[2];
    size_t n;

    shaken(f, &a, &b, fds);
    leg_wake(&a);
    (void)leg_read(&a, got, sizeof(got), &n); /* the ticket */
    assert_int_equal(shutdown(fds[0], SHUT_RDWR), 0);
    leg_wake(&b);
    assert_int_equal(leg_read(&b, got, sizeof(got), &n), IO_FAILED);
    assert_int_equal(b.failure, LEG_CUT);
    leg_close(&a);
    leg_close(&b);

    pair(fds);
    dial(f, &a, fds[0], NULL);
    leg_open(&b, fds[1]);
    assert_int_equal(leg_handshake(&a), IO_WANT_READ);
    assert_int_equal(write(fds[1], "\x15\x03\x03\x00\x02\x02\x30", 7), 7); /* unknown_ca */
    leg_wake(&a);
    assert_int_equal(leg_handshake(&a), IO_FAILED);
    assert_int_equal(a.failure, LEG_ALERTED);
    assert_int_equal(a.alert_in, 48);
    leg_close(&a);
    leg_close(&b);
}

/* Tickets are good with every worker that has the seed, in this period and the next, and for the
 * same context only. */
static void test_tickets(void **state)
{
    static const uint8_t seed[TICKET_SEED] = { 7 }, other[TICKET_SEED] = { 8 };
    static const struct {
        const uint8_t *seed;
        const char *context;
        unsigned later;
        bool resumes;
    } cases[] = {
        { seed, "one", 0, true },  { seed, "two", 0, false }, { other, "one", 0, false },
        { seed, "one", 1, true },  { seed, "one", 2, false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sides second;
        struct leg a, b;
        int fds[2];

        assert_int_equal(sides_seed(&f->sides, span_of(seed, sizeof(seed)), 5), 0);
        assert_int_equal(sides_init(&second, f->algorithms.context, on_session), 0);
        for (unsigned n = 0; n <= cases[i].later; n++)
            assert_int_equal(
                sides_seed(&second, span_of(cases[i].seed, TICKET_SEED), 5 + n), 0);
        pair(fds);
        dial(f, &a, fds[0], NULL);
        greet(f, &f->sides, &b, fds[1], "one");
        f->kept.offered = 0;
        shake(&a, &b);
        say(&b, &a, "x"); /* reading takes the ticket in */
        assert_int_equal(f->kept.offered, 1);
        leg_close(&a);
        leg_close(&b);

        pair(fds);
        dial(f, &a, fds[0], f->kept.session);
        greet(f, &second, &b, fds[1], cases[i].context);
        shake(&a, &b);
        assert_int_equal(b.resumed, cases[i].resumes);
        assert_int_equal(a.resumed, cases[i].resumes);
        leg_close(&a);
        leg_close(&b);
        sides_deinit(&second);
    }
}

static void test_alpn_is_the_servers(void **state)
{
    struct fixture *f = *state;
    const unsigned char *name;
    unsigned int len;
    struct leg a, b;
    int fds[2];

    pair(fds);
    dial(f, &a, fds[0], NULL);
    assert_int_equal(SSL_set_alpn_protos(leg_ssl(&a), (const uint8_t *)"\x02h2\x08http/1.1", 12),
                     0);
    greet(f, &f->sides, &b, fds[1], "one");
    b.alpn = "http/1.1";
    shake(&a, &b);
    SSL_get0_alpn_selected(leg_ssl(&a), &name, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(name, "http/1.1", 8);
    leg_close(&a);
    leg_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_talk_and_half_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_and_alert, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_packed_and_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_rest_in_a_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tickets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alpn_is_the_servers, setup, teardown),
    };

    return wipe_begin() == 0 ? cmocka_run_group_tests_name("leg", tests, NULL, NULL) : 1;
}
