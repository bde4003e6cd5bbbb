#include "probe/serving.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/response.h"
#include "net/addr.h"

enum { TURN_MS = 20, PATIENCE_MS = 10000 };

static void *tcp_main(void *at)
{
    struct serving *s = at;
    sigset_t pipe;

    /* A client may go at any time.  Only here: what is tested has to see to it itself. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while (!s->stop) {
        struct pollfd p = { .fd = s->fd, .events = POLLIN };
        int fd;

        if (poll(&p, 1, TURN_MS) <= 0)
            continue;
        fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            continue;
        s->served++;
        s->tcp(s->context, fd);
        close(fd);
    }
    return NULL;
}

static void *udp_main(void *at)
{
    struct serving *s = at;

    while (!s->stop) {
        struct pollfd p = { .fd = s->fd, .events = POLLIN };
        struct sockaddr_storage from;
        socklen_t from_len = sizeof from;
        struct buf out = BUF_INIT(65536);
        uint8_t in[4096];
        ssize_t n;

        if (poll(&p, 1, TURN_MS) <= 0)
            continue;
        n = recvfrom(s->fd, in, sizeof in, 0, (struct sockaddr *)&from, &from_len);
        if (n < 0)
            continue;
        s->served++;
        s->udp(s->context, span_of(in, (size_t)n), &out);
        if (out.len > 0 &&
            sendto(s->fd, out.data, out.len, 0, (struct sockaddr *)&from, from_len) < 0)
            perror("sendto");
        buf_deinit(&out);
    }
    return NULL;
}

static struct addr loopback(void)
{
    const uint8_t ip[4] = { 127, 0, 0, 1 };

    return addr_make(AF_INET, ip, 0);
}

static void serving_start(struct serving *s, struct addr at, int type, void *(*body)(void *))
{
    s->stop = false;
    s->served = 0;
    s->fd = socket(addr_family(&at), type | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, &at.sa.any, at.len) != 0 ||
        (type == SOCK_STREAM && listen(s->fd, 128) != 0) ||
        getsockname(s->fd, &at.sa.any, &at.len) != 0)
        abort();
    s->port = addr_port(&at);
    if (pthread_create(&s->thread, NULL, body, s) != 0)
        abort();
}

void serving_tcp_at(struct serving *s, const struct addr *at, serving_tcp_fn *fn, void *context)
{
    s->tcp = fn;
    s->context = context;
    serving_start(s, *at, SOCK_STREAM, tcp_main);
}

void serving_tcp(struct serving *s, serving_tcp_fn *fn, void *context)
{
    struct addr at = loopback();

    serving_tcp_at(s, &at, fn, context);
}

void serving_udp(struct serving *s, serving_udp_fn *fn, void *context)
{
    s->udp = fn;
    s->context = context;
    serving_start(s, loopback(), SOCK_DGRAM, udp_main);
}

void serving_stop(struct serving *s)
{
    s->stop = true;
    pthread_join(s->thread, NULL);
    close(s->fd);
}

bool serving_read_request(int fd, struct http_request *request)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint8_t bytes[4096];
        struct mw_span in;
        ssize_t n;

        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return false;
        n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return false;
        in = span_of(bytes, (size_t)n);
        switch (http_request_feed(request, &in)) {
        case HTTP_DONE:
            return true;
        case HTTP_BAD:
            return false;
        case HTTP_MORE:
            break;
        }
    }
}

static void wait_for_close(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    uint8_t byte;

    while (poll(&p, 1, PATIENCE_MS) > 0 && read(fd, &byte, 1) > 0)
        ;
}

static void route_answer(int fd, const struct serving_route *route)
{
    struct buf out = BUF_INIT(64 << 20);
    const struct http_field field = { span_str(route->field), span_str(route->value) };
    size_t at = 0;

    if (http_response_write(&out, route->status, &field, route->field != NULL ? 1 : 0, route->body,
                            false) != 0)
        abort();
    while (at < out.len) {
        ssize_t n = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buf_deinit(&out);
}

void serving_http(void *context, int fd)
{
    static const struct serving_route nothing = { .status = 404 };
    struct serving_routes *routes = context;
    struct http_request request = HTTP_REQUEST_INIT(1 << 20);
    struct serving_route *found = NULL;

    if (serving_read_request(fd, &request)) {
        for (size_t i = 0; i < routes->n; i++)
            if (span_eq(request.target, span_str(routes->items[i].path)))
                found = &routes->items[i];
        if (found != NULL)
            found->asked++;
        else
            routes->strangers++;
        if (found != NULL && found->silent)
            wait_for_close(fd);
        else
            route_answer(fd, found != NULL ? found : &nothing);
    }
    http_request_deinit(&request);
}

void serving_url(const struct serving *s, const char *path, char url[128])
{
    snprintf(url, 128, "http://127.0.0.1:%u%s", (unsigned)s->port, path);
}

void serving_caa(void *context, struct mw_span in, struct buf *out)
{
    static const uint8_t apex[] = "\x07"
                                  "example\x04"
                                  "test\0\x01\x01\0\x01";
    static const uint8_t caa[] = "\xc0\x0c\x01\x01\0\x01\0\0\0\x3c\0\x11\0\x05"
                                 "issueca.test;x";
    bool match = in.len >= 12 + sizeof apex - 1 && memcmp(in.data + 12, apex, sizeof apex - 1) == 0;
    size_t end = 12;

    (void)context;
    while (end < in.len && in.data[end] != 0)
        end += 1u + in.data[end];
    end += 5;
    if (end > in.len)
        return;
    buf_add(out, span_cut(in, 0, 2));
    buf_u16(out, 0x8180);
    buf_u16(out, 1);
    buf_u16(out, match ? 1 : 0);
    buf_u32(out, 0);
    buf_add(out, span_cut(in, 12, end - 12));
    if (match) {
        buf_add(out, span_of(caa, 10));
        buf_u16(out, sizeof caa - 1 - 12);
        buf_add(out, span_of(caa + 12, sizeof caa - 1 - 12));
    }
}

void serving_sntp(void *context, struct mw_span in, struct buf *out)
{
    const int64_t *ahead_s = context;
    int64_t s = wall_now().s + 2208988800 + (ahead_s != NULL ? *ahead_s : 0);

    buf_u8(out, 4 << 3 | 4);
    buf_u8(out, 1);
    buf_fill(out, 0, 22);
    buf_add(out, span_cut(in, 40, 8));
    for (int i = 0; i < 2; i++) {
        buf_u32(out, (uint32_t)s);
        buf_u32(out, 0);
    }
}
