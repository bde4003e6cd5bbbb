/*
 * What the HTTP/1.1 bridge itself costs, without sockets and without TLS.
 *   exchange   a small GET as a browser sends it and a small answer
 *   bulk       one large body: by its length, in chunks, through body limits, and the floor:
 *              the same bytes through a queue alone
 * Processor time: nothing here waits, and what else the machine does must not decide.
 *
 * usage: bench_bridge [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gate/bridge/bridge.h"

enum { PIECE = 16384 };

static const char get[] =
    "GET /assets/app.js?v=20260101 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: no-cors\r\n"
    "Sec-Fetch-Dest: script\r\n"
    "Referer: https://www.example.com/start\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n";

static const char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "Date: Sun, 22 Nov 2026 02:00:00 GMT\r\n"
    "Content-Type: application/javascript\r\n"
    "Content-Length: 100\r\n"
    "Connection: keep-alive\r\n"
    "Last-Modified: Sun, 22 Nov 2026 01:00:00 GMT\r\n"
    "ETag: \"0123456789abcdef\"\r\n"
    "Cache-Control: public, max-age=31536000, immutable\r\n"
    "Strict-Transport-Security: max-age=63072000\r\n\r\n"
    "0123456789012345678901234567890123456789012345678901234567890123456789"
    "012345678901234567890123456789";

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_bridge: %s\n", what);
        exit(1);
    }
}

static enum bridge_ruling on_request(void *context, const struct bridge_request *r,
                                     struct bridge_answer *out)
{
    (void)r;
    (void)out;
    (*(size_t *)context)++;
    return BRIDGE_GO;
}

static struct bridge *make(const struct content_row *row, size_t *asked)
{
    static const struct bridge_events events = { .on_request = on_request };
    const struct bridge_options o = {
        .kind = BRIDGE_H1, .events = &events, .context = asked, .stages = row
    };
    struct bridge *b;

    check(bridge_new(&b, &o) == 0, "no bridge");
    return b;
}

static size_t take(struct bridge *b, enum bridge_side to)
{
    struct mw_span s;
    size_t n = 0;

    while ((s = bridge_out(b, to)).len > 0) {
        n += s.len;
        bridge_sent(b, to, s.len);
    }
    return n;
}

static void exchanges(const char *name, const struct content_row *row, size_t rounds)
{
    size_t asked = 0, up = 0, down = 0;
    struct bridge *b = make(row, &asked);
    double before = seconds(), spent;

    for (size_t i = 0; i < rounds; i++) {
        check(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT(get)) == 0, "request");
        up += take(b, BRIDGE_SERVER);
        check(bridge_feed(b, BRIDGE_SERVER, SPAN_LIT(answer)) == 0, "answer");
        down += take(b, BRIDGE_CLIENT);
    }
    spent = seconds() - before;
    check(asked == rounds && up > rounds * 500 && down > rounds * 300, "exchanges were lost");
    bridge_free(b);
    printf("exchange, %-22s %8.0f ns   (%zu bytes up, %zu down)\n", name,
           spent * 1e9 / (double)rounds, up / rounds, down / rounds);
}

static void bulk_line(const char *name, double spent, size_t bytes)
{
    printf("bulk, %-26s %8.2f GB/s %6.3f s/GB\n", name, (double)bytes / spent / 1e9,
           spent / ((double)bytes / 1e9));
}

static void bulk(const char *name, const struct content_row *row, bool chunked,
                 const uint8_t *piece, size_t pieces)
{
    size_t asked = 0, down = 0, bytes = PIECE * pieces;
    struct bridge *b = make(row, &asked);
    char head[100];
    double before;

    if (chunked)
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes);
    check(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT(get)) == 0, "request");
    take(b, BRIDGE_SERVER);
    check(bridge_feed(b, BRIDGE_SERVER, span_str(head)) == 0, "head");
    before = seconds();
    for (size_t i = 0; i < pieces; i++) {
        if (chunked)
            check(bridge_feed(b, BRIDGE_SERVER, SPAN_LIT("4000\r\n")) == 0, "size");
        check(bridge_feed(b, BRIDGE_SERVER, span_of(piece, PIECE)) == 0, "piece");
        if (chunked)
            check(bridge_feed(b, BRIDGE_SERVER, SPAN_LIT("\r\n")) == 0, "end");
        down += take(b, BRIDGE_CLIENT);
    }
    check(down >= bytes, "bytes were lost");
    bulk_line(name, seconds() - before, bytes);
    bridge_free(b);
}

static void floor_line(const uint8_t *piece, size_t pieces)
{
    struct queue q = QUEUE_INIT(BRIDGE_HIGH_WATER);
    double before = seconds();

    for (size_t i = 0; i < pieces; i++) {
        check(queue_add(&q, span_of(piece, PIECE)) == 0, "queue");
        while (q.len > 0)
            bridge_dropped(&q, queue_front(&q).len);
    }
    bulk_line("a queue alone", seconds() - before, PIECE * pieces);
    queue_deinit(&q);
}

int main(int argc, char **argv)
{
    static const struct content_limits limits = { (uint64_t)1 << 40, (uint64_t)1 << 40 };
    const struct content_stage stage = content_limits_stage(&limits);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    uint8_t *piece = calloc(1, PIECE);

    check(piece != NULL && rounds >= 16, "usage: bench_bridge [ROUNDS]");
    exchanges("no stages", NULL, rounds);
    exchanges("with body limits", &row, rounds);
    floor_line(piece, rounds / 16);
    bulk("by length", NULL, false, piece, rounds / 16);
    bulk("by length, body limits", &row, false, piece, rounds / 16);
    bulk("in chunks", NULL, true, piece, rounds / 16);
    free(piece);
    return 0;
}
