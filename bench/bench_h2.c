/*
 * What a bridge for HTTP/2 costs: both sides' bytes are made once, beforehand, and played to it.
 *   exchange   a small GET and its answer on an open connection, nanoseconds
 *   bodies     a response, in 16 KiB frames, gigabytes a second
 *   raw        the same bytes through BRIDGE_RAW, which only queues them: the floor
 *   idle       bytes that a bridge holds when nothing is under way, and of these resident
 *
 * Processor time: nothing here waits, and what else the machine does must not decide.
 *
 * usage: bench_h2 [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "gate/bridge/h2.h"

enum { EXCHANGES = 1000, BODY = 16 * 1024 * 1024, FRAME = 16384, IDLE = 2000 };

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_h2: %s\n", what);
        exit(1);
    }
}

static double seconds(clock_t from)
{
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

static void frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t id, struct mw_span payload)
{
    buf_u24(out, (uint32_t)payload.len);
    buf_u8(out, type);
    buf_u8(out, flags);
    buf_u32(out, id);
    buf_add(out, payload);
}

static struct bridge *make(void)
{
    const struct bridge_options o = { .kind = BRIDGE_H2, .via = "midwatch.gate" };
    struct bridge *b;

    check(bridge_new(&b, &o) == 0, "no bridge");
    return b;
}

static void take_all(struct bridge *b)
{
    for (int side = 0; side < 2; side++)
        for (size_t n; (n = bridge_out(b, (enum bridge_side)side).len) > 0;)
            bridge_sent(b, (enum bridge_side)side, n);
}

static void feed(struct bridge *b, enum bridge_side side, struct mw_span bytes)
{
    check(bridge_room(b, side) >= bytes.len && bridge_feed(b, side, bytes) == 0, "not fed");
}

static void greet(struct bridge *b)
{
    feed(b, BRIDGE_CLIENT, SPAN_LIT(NGHTTP2_CLIENT_MAGIC "\0\0\0\4\0\0\0\0\0"));
    feed(b, BRIDGE_SERVER, SPAN_LIT("\0\0\0\4\0\0\0\0\0"));
    take_all(b);
}

static void deflate(struct buf *out, nghttp2_hd_deflater *d, const char *const *fields)
{
    nghttp2_nv nv[20];
    uint8_t block[1000];
    size_t n = 0;
    ssize_t len;

    for (; fields[2 * n] != NULL; n++)
        nv[n] = (nghttp2_nv){ (uint8_t *)(uintptr_t)fields[2 * n],
                              (uint8_t *)(uintptr_t)fields[2 * n + 1], strlen(fields[2 * n]),
                              strlen(fields[2 * n + 1]), 0 };
    len = nghttp2_hd_deflate_hd(d, block, sizeof block, nv, n);
    check(len > 0, "deflate");
    buf_truncate(out, 0);
    buf_add(out, span_of(block, (size_t)len));
}

/* What a browser sends and a server answers. */
static const char *const request[] = {
    ":method", "GET", ":scheme", "https", ":authority", "www.bench.test",
    ":path", "/assets/application-3f9d21.js", "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
    "accept", "*/*", "accept-encoding", "gzip, deflate, br, zstd", "accept-language",
    "en-US,en;q=0.9", "cookie", "session=8c2fb1d6e0a94f4f8a1c", "referer",
    "https://www.bench.test/", NULL,
};
static const char *const response[] = {
    ":status", "200", "content-type", "text/javascript; charset=utf-8", "content-length", "1000",
    "cache-control", "public, max-age=31536000, immutable", "etag", "\"3f9d21-3e8\"", "server",
    "bench", "date", "Sun, 22 Nov 2026 12:00:00 GMT", NULL,
};

/* Both sides' bytes of so many exchanges; offsets say where each piece ends. */
struct script {
    struct buf bytes;
    size_t ends[2 * EXCHANGES];
};

static void script_make(struct script *s, uint32_t first, nghttp2_hd_deflater *client,
                        nghttp2_hd_deflater *server)
{
    static const uint8_t body[1000];
    struct buf head = BUF_INIT(1000);

    buf_truncate(&s->bytes, 0);
    for (uint32_t i = 0; i < EXCHANGES; i++) {
        uint32_t id = 2 * (first + i) + 1;

        deflate(&head, client, request);
        if (i % 16 == 0)        /* as its window is used up */
            frame(&s->bytes, NGHTTP2_WINDOW_UPDATE, 0, 0, SPAN_LIT("\0\0\x3e\x80"));
        frame(&s->bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
              buf_span(&head));
        s->ends[2 * i] = s->bytes.len;
        deflate(&head, server, response);
        frame(&s->bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, buf_span(&head));
        frame(&s->bytes, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id, span_of(body, sizeof body));
        s->ends[2 * i + 1] = s->bytes.len;
    }
    buf_deinit(&head);
}

static void script_play(const struct script *s, struct bridge *b)
{
    size_t at = 0;

    for (size_t i = 0; i < 2 * EXCHANGES; i++) {
        feed(b, i % 2 == 0 ? BRIDGE_CLIENT : BRIDGE_SERVER,
             span_cut(buf_span(&s->bytes), at, s->ends[i] - at));
        take_all(b);
        at = s->ends[i];
    }
}

static double exchange_ns(int rounds)
{
    static struct script script = { .bytes = BUF_INIT(4 << 20) };
    struct bridge *b = make();
    nghttp2_hd_deflater *client, *server;
    double spent = 0;

    check(nghttp2_hd_deflate_new(&client, 4096) == 0 && nghttp2_hd_deflate_new(&server, 4096) == 0,
          "deflater");
    greet(b);
    for (int i = 0; i < rounds; i++) {
        clock_t from;

        script_make(&script, (uint32_t)(i * EXCHANGES), client, server);
        from = clock();
        script_play(&script, b);
        spent += seconds(from);
    }
    check(bridge_idle(b) && bridge_why(b, NULL) == NULL, "exchanges failed");
    check(bridge_counts(b).requests == (uint32_t)(EXCHANGES * rounds), "exchanges lost");
    nghttp2_hd_deflate_del(client);
    nghttp2_hd_deflate_del(server);
    buf_deinit(&script.bytes);
    bridge_free(b);
    return spent * 1e9 / EXCHANGES / rounds;
}

static double body_gbs(int rounds)
{
    struct bridge *b = make();
    struct buf in = BUF_INIT(1 << 16);
    static uint8_t body[FRAME];
    uint64_t passed = 0;
    clock_t from;

    greet(b);
    /* Windows that never end. */
    frame(&in, NGHTTP2_SETTINGS, 0, 0, SPAN_LIT("\0\4\x7f\xff\xff\xff"));
    frame(&in, NGHTTP2_WINDOW_UPDATE, 0, 0, SPAN_LIT("\x7f\xfe\0\0"));
    frame(&in, NGHTTP2_HEADERS, 5, 1, SPAN_LIT("\x82\x87\x84\x41\x0e" "www.bench.test"));
    feed(b, BRIDGE_CLIENT, buf_span(&in));
    feed(b, BRIDGE_SERVER, SPAN_LIT("\0\0\1\1\4\0\0\0\1\x88"));
    take_all(b);
    buf_truncate(&in, 0);
    frame(&in, NGHTTP2_DATA, 0, 1, span_of(body, sizeof body));
    from = clock();
    for (int i = 0; i < rounds * (BODY / FRAME); i++) {
        feed(b, BRIDGE_SERVER, buf_span(&in));
        passed += bridge_out(b, BRIDGE_CLIENT).len;
        take_all(b);
    }
    check(passed >= (uint64_t)rounds * BODY, "bytes lost");
    buf_deinit(&in);
    bridge_free(b);
    return (double)rounds * BODY / seconds(from) / 1e9;
}

static double raw_gbs(int rounds)
{
    const struct bridge_options o = { .kind = BRIDGE_RAW };
    static uint8_t body[FRAME];
    struct bridge *b;
    clock_t from;

    check(bridge_new(&b, &o) == 0, "no bridge");
    from = clock();
    for (int i = 0; i < rounds * (BODY / FRAME); i++) {
        feed(b, BRIDGE_SERVER, span_of(body, sizeof body));
        take_all(b);
    }
    bridge_free(b);
    return (double)rounds * BODY / seconds(from) / 1e9;
}

static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    char line[128] = "", *second;

    check(f != NULL && fgets(line, sizeof line, f) != NULL, "no /proc/self/statm");
    fclose(f);
    second = strchr(line, ' ');
    check(second != NULL, "no number in /proc/self/statm");
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void idle_print(void)
{
    static struct bridge *many[IDLE];
    size_t before = resident(), held, silent;

    for (size_t i = 0; i < IDLE; i++) {
        many[i] = make();
        greet(many[i]);
        feed(many[i], BRIDGE_CLIENT,
             SPAN_LIT("\0\0\x13\1\5\0\0\0\1\x82\x87\x84\x41\x0e" "www.bench.test"));
        feed(many[i], BRIDGE_SERVER, SPAN_LIT("\0\0\1\1\5\0\0\0\1\x88"));
        take_all(many[i]);
        check(bridge_idle(many[i]), "not idle");
    }
    held = h2_memory_of(many[0])->used;
    silent = (resident() - before) / IDLE;
    for (size_t i = 0; i < IDLE; i++)
        bridge_rest(many[i]);
    printf("h2 idle      %7zu bytes held, %7zu resident, %7zu at rest\n", held, silent,
           (resident() - before) / IDLE);
    for (size_t i = 0; i < IDLE; i++)
        bridge_free(many[i]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 50;

    rounds = rounds > 0 ? rounds : 1;
    idle_print();
    printf("h2 exchange  %7.0f ns\n", exchange_ns(rounds));
    printf("h2 bodies    %7.2f GB/s\n", body_gbs(rounds));
    printf("raw          %7.2f GB/s\n", raw_gbs(rounds));
    return 0;
}
