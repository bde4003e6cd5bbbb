/*
 * The door with somebody in the middle: ends the client's TLS with a leaf minted on the fly
 * under its own root, opens another TLS to the lab, and reads all that passes between.  Like
 * the careless ones it does not verify the server, and copies the dates it finds.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/own.h"
#include "lab/box.h"
#include "lab/hello.h"
#include "lab/proxy.h"
#include "lab/tls_stream.h"

enum { NAME_MAX_TEXT = 256, OUT_MAX = 6 << 20, PLAIN_MAX = 1 << 20 };

struct middle {
    struct proxy_talk talk;
    bool open;                  /* past the proxy talk */
    struct peer *client, *server;
    struct tls_stream *to_client, *to_server;
    SSL_CTX *client_ctx, *server_ctx;
    struct mill_cert *leaf;
    struct buf hello;
    char name[NAME_MAX_TEXT];
};

static void middle_free(struct middle *m)
{
    tls_stream_free(m->to_client);
    tls_stream_free(m->to_server);
    SSL_CTX_free(m->client_ctx);
    SSL_CTX_free(m->server_ctx);
    mill_cert_free(m->leaf);
    buf_deinit(&m->hello);
    free(m);
}

static void middle_gone(struct peer *p)
{
    struct middle *m = p->state;
    struct peer *other;

    if (m == NULL)
        return;
    other = p == m->client ? m->server : m->client;
    if (p == m->client)
        m->client = NULL;
    else
        m->server = NULL;
    if (other != NULL)
        peer_finish(other);
    else
        middle_free(m);
}

static void middle_end(struct middle *m)
{
    if (m->client != NULL)
        peer_finish(m->client);
    if (m->server != NULL)
        peer_finish(m->server);
}

static int time_copy(struct mw_wall *out, const ASN1_TIME *from, struct mw_wall now)
{
    ASN1_TIME *zero = ASN1_TIME_set(NULL, (time_t)now.s);
    int days = 0, seconds = 0, r;

    r = zero != NULL && ASN1_TIME_diff(&days, &seconds, zero, from) > 0 ? 0 : -EINVAL;
    out->s = now.s + (int64_t)days * 86400 + seconds;
    ASN1_TIME_free(zero);
    return r;
}

/* The leaf that the client will see. */
static int leaf_mint(struct middle *m, struct lab *lab, const X509 *origin)
{
    const struct mill_cert *root = lab_interceptor(lab);
    char subject[NAME_MAX_TEXT], names[NAME_MAX_TEXT + 8];
    struct mill_spec spec = { .subject = subject, .names = names };
    EVP_PKEY *key = NULL;
    int r;

    if (root == NULL)
        return -ENOMEM;
    snprintf(subject, sizeof(subject), "CN=%.64s", m->name);
    snprintf(names, sizeof(names), "DNS:%s", m->name);
    r = time_copy(&spec.not_before, X509_get0_notBefore(origin), lab->pki->now);
    if (r == 0)
        r = time_copy(&spec.not_after, X509_get0_notAfter(origin), lab->pki->now);
    if (r == 0)
        r = mill_key_new(&key, MILL_P256, false);
    if (r == 0)
        r = mill_issue(&m->leaf, &spec, key, root);
    EVP_PKEY_free(key);
    return r;
}

static int client_side_begin(struct middle *m, struct lab *lab)
{
    X509 *origin = SSL_get1_peer_certificate(tls_stream_ssl(m->to_server));
    int r = origin != NULL ? leaf_mint(m, lab, origin) : -EPROTO;

    X509_free(origin);
    if (r < 0)
        return r;
    m->client_ctx = SSL_CTX_new(TLS_server_method());
    if (m->client_ctx == NULL ||
        SSL_CTX_use_certificate(m->client_ctx, mill_cert_x509(m->leaf)) <= 0 ||
        SSL_CTX_use_PrivateKey(m->client_ctx, mill_cert_key(m->leaf)) <= 0)
        return -ENOMEM;
    SSL_CTX_set_num_tickets(m->client_ctx, 0);
    return tls_stream_new(&m->to_client, m->client_ctx, false, NULL);
}

/* What one side said in clear goes out on the other. */
static int carry(struct tls_stream *from, struct tls_stream *to, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf plain = BUF_INIT(PLAIN_MAX);
    bool ended = false;
    int r;

    if (!tls_stream_ready(from))
        return 0;
    r = tls_stream_read(from, &plain, &ended);
    if (r == 0 && plain.len > 0)
        r = tls_stream_write(to, buf_span(&plain), out);
    if (r == 0 && ended)
        tls_stream_close(to, out);
    return r;
}

static void client_bytes(struct middle *m)
{
    CLEANUP(buf_deinit) struct buf back = BUF_INIT(OUT_MAX), on = BUF_INIT(OUT_MAX);
    int r = tls_stream_feed(m->to_client, buf_span(&m->client->in), &back);

    buf_truncate(&m->client->in, 0);
    if (r == 0)
        r = carry(m->to_client, m->to_server, &on);
    peer_send(m->client, buf_span(&back));
    if (m->server != NULL)
        peer_send(m->server, buf_span(&on));
    if (r < 0)
        middle_end(m);
}

static void server_data(struct peer *p)
{
    CLEANUP(buf_deinit) struct buf back = BUF_INIT(OUT_MAX), on = BUF_INIT(OUT_MAX);
    struct middle *m = p->state;
    int r;

    if (m->to_server == NULL || m->client == NULL)
        return;
    r = tls_stream_feed(m->to_server, buf_span(&p->in), &back);
    buf_truncate(&p->in, 0);
    peer_send(p, buf_span(&back));
    if (r == 0 && tls_stream_ready(m->to_server) && m->to_client == NULL) {
        r = client_side_begin(m, p->lab);
        if (r == 0)
            client_bytes(m);
    }
    if (r == 0 && m->to_client != NULL)
        r = carry(m->to_server, m->to_client, &on);
    peer_send(m->client, buf_span(&on));
    if (r < 0)
        middle_end(m);
}

static void server_opened(struct peer *p)
{
    struct middle *m = p->state;

    m->server_ctx = SSL_CTX_new(TLS_client_method());
    if (m->server_ctx == NULL ||
        tls_stream_new(&m->to_server, m->server_ctx, true, m->name) < 0) {
        middle_end(m);
        return;
    }
    SSL_set_security_level(tls_stream_ssl(m->to_server), 0);
    server_data(p);
}

static void middle_ended(struct peer *p)
{
    middle_end(p->state);
}

static const struct peer_role role_server = {
    .data = server_data, .opened = server_opened, .ended = middle_ended, .gone = middle_gone
};

static void server_dial(struct peer *p, struct middle *m, const struct hello *hello)
{
    size_t n = hello->server_name.len;

    if (n == 0 || n >= sizeof(m->name) || memchr(hello->server_name.data, '\0', n) != NULL) {
        peer_reset(p);
        return;
    }
    memcpy(m->name, hello->server_name.data, n);
    m->name[n] = '\0';
    m->server = peer_dial(p->lab, DOOR_TLS, &role_server, m);
    if (m->server == NULL)
        peer_reset(p);
}

static void hello_wait(struct peer *p, struct middle *m)
{
    struct hello hello;

    if (m->server != NULL)
        return;                 /* dialling; what comes waits in p->in */
    switch (lab_hello_read(&hello, buf_span(&p->in), &m->hello)) {
    case HELLO_MORE:
        break;
    case HELLO_NOT_TLS:
        peer_finish(p);
        break;
    case HELLO_DONE:
        server_dial(p, m, &hello);
        break;
    }
}

static void client_data(struct peer *p)
{
    struct middle *m = p->state;

    if (m == NULL) {
        m = p->state = calloc(1, sizeof(*m));
        if (m == NULL) {
            peer_reset(p);
            return;
        }
        m->client = p;
        m->hello = (struct buf)BUF_INIT(HELLO_MAX);
        m->open = p->in.data[0] == 22;  /* a TLS record: a transparent interceptor */
    }
    if (!m->open)
        m->open = proxy_talk_on(&m->talk, p) == PROXY_OPEN;
    if (!m->open || p->in.len == 0)
        return;
    if (m->to_client != NULL)
        client_bytes(m);
    else
        hello_wait(p, m);
}

const struct peer_role role_intercept = {
    .data = client_data, .ended = NULL, .gone = middle_gone
};
