#include "net/ancient.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/reader.h"
#include "net/sock.h"

enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_MAX = (1 << 14) + 2048 };

/* What OpenSSL does not build any more, roughly from better to worse; the first two so that a
 * server that only lacks a newer version than SSL 3.0 finds something. */
static const struct {
    uint16_t suite;
    const char *name;
} suites[] = {
    { 0x0035, "AES256-SHA" },          { 0x002f, "AES128-SHA" },
    { 0xc012, "ECDHE-RSA-DES-CBC3-SHA" },  { 0xc008, "ECDHE-ECDSA-DES-CBC3-SHA" },
    { 0x0016, "DHE-RSA-DES-CBC3-SHA" },    { 0x0013, "DHE-DSS-DES-CBC3-SHA" },
    { 0x000a, "DES-CBC3-SHA" },        { 0x0007, "IDEA-CBC-SHA" },
    { 0xc011, "ECDHE-RSA-RC4-SHA" },   { 0xc007, "ECDHE-ECDSA-RC4-SHA" },
    { 0x0005, "RC4-SHA" },             { 0x0004, "RC4-MD5" },
    { 0x0015, "DHE-RSA-DES-CBC-SHA" }, { 0x0012, "DHE-DSS-DES-CBC-SHA" },
    { 0x0009, "DES-CBC-SHA" },         { 0x0062, "EXP1024-DES-CBC-SHA" },
    { 0x0064, "EXP1024-RC4-SHA" },     { 0x0014, "EXP-DHE-RSA-DES-CBC-SHA" },
    { 0x0011, "EXP-DHE-DSS-DES-CBC-SHA" }, { 0x0008, "EXP-DES-CBC-SHA" },
    { 0x0006, "EXP-RC2-CBC-MD5" },     { 0x0003, "EXP-RC4-MD5" },
    { 0x003b, "NULL-SHA256" },         { 0x0002, "NULL-SHA" },
    { 0x0001, "NULL-MD5" },
};

struct ancient {
    int fd;
    struct buf hello;           /* what is still to be sent */
    struct ancient_reader reader;
};

const char *ancient_suite_name(uint16_t suite)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        if (suites[i].suite == suite)
            return suites[i].name;
    }
    return NULL;
}

bool ancient_is_broken(const struct mw_parameters *tls)
{
    if (tls->version < 0x0303)
        return true;
    for (size_t i = 2; i < ARRAY_LEN(suites); i++) {
        if (suites[i].suite == tls->cipher_suite)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------------- the hello ---- */

static void add_server_name(struct buf *b, const char *name)
{
    size_t len = strlen(name);

    buf_u16(b, 0);                          /* server_name, RFC 6066 section 3 */
    buf_u16(b, (uint16_t)(len + 5));
    buf_u16(b, (uint16_t)(len + 3));
    buf_u8(b, 0);
    buf_u16(b, (uint16_t)len);
    buf_str(b, name);
}

static void add_list(struct buf *b, uint16_t extension, const uint16_t *values, size_t n)
{
    buf_u16(b, extension);
    buf_u16(b, (uint16_t)(2 * n + 2));
    buf_u16(b, (uint16_t)(2 * n));
    for (size_t i = 0; i < n; i++)
        buf_u16(b, values[i]);
}

static void add_extensions(struct buf *b, const char *server_name)
{
    static const uint16_t groups[] = { 0x001d, 0x0017, 0x0018, 0x0019, 0x0013, 0x0015, 0x0016 };
    static const uint16_t schemes[] = { 0x0401, 0x0403, 0x0501, 0x0503, 0x0601, 0x0603,
                                        0x0201, 0x0203, 0x0202, 0x0101 };

    if (server_name != NULL)
        add_server_name(b, server_name);
    add_list(b, 10, groups, ARRAY_LEN(groups));     /* RFC 8422 section 5.1.1 */
    buf_u16(b, 11);                         /* ec_point_formats: uncompressed */
    buf_u16(b, 2);
    buf_u16(b, 0x0100);
    add_list(b, 13, schemes, ARRAY_LEN(schemes));   /* RFC 5246 section 7.4.1.4.1 */
}

static int write_hello(struct buf *out, const char *server_name)
{
    CLEANUP(buf_deinit) struct buf exts = BUF_INIT(1024), body = BUF_INIT(2048);
    uint8_t random[32];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -EIO;
    add_extensions(&exts, server_name);
    buf_u16(&body, 0x0303);
    buf_add(&body, span_of(random, sizeof(random)));
    buf_u8(&body, 0);                       /* session_id */
    buf_u16(&body, (uint16_t)(2 * ARRAY_LEN(suites) + 2));
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        buf_u16(&body, suites[i].suite);
    buf_u16(&body, 0x00ff);                 /* RFC 5746 section 3.3 */
    buf_u16(&body, 0x0100);                 /* no compression */
    buf_u16(&body, (uint16_t)exts.len);
    buf_add(&body, buf_span(&exts));
    if (buf_error(&exts) != 0 || buf_error(&body) != 0)
        return -ENOMEM;
    buf_u8(out, RECORD_HANDSHAKE);
    buf_u16(out, 0x0301);                   /* RFC 5246 appendix E.1 */
    buf_u16(out, (uint16_t)(body.len + 4));
    buf_u8(out, 1);
    buf_u24(out, (uint32_t)body.len);
    buf_add(out, buf_span(&body));
    return buf_error(out);
}

/* --------------------------------------------------------------------- the answer ---- */

void ancient_reader_deinit(struct ancient_reader *r)
{
    buf_deinit(&r->records);
    buf_deinit(&r->messages);
    flight_deinit(&r->flight);
}

/* Whole handshake messages in what has come so far. */
static enum io read_messages(struct ancient_reader *r)
{
    struct mw_span rest = buf_span(&r->messages);
    int error = 0;

    while (!r->flight.done_seen && r->flight.error == FLIGHT_OK && error == 0) {
        struct reader at = { .rest = rest };
        size_t len;

        (void)read_u8(&at);
        len = read_vec24(&at).len + 4;
        if (at.failed)
            break;
        error = flight_read(&r->flight, span_cut(rest, 0, len));
        rest = span_cut(rest, len, SIZE_MAX);
    }
    buf_drop(&r->messages, r->messages.len - rest.len);
    if (error < 0 || r->flight.error != FLIGHT_OK)
        return IO_FAILED;
    return r->flight.done_seen ? IO_OK : IO_WANT_READ;
}

static enum io read_record(struct ancient_reader *r, uint8_t type, struct mw_span content)
{
    if (type == RECORD_ALERT && content.len == 2) {
        r->flight.tls.alert = content.data[1];
        return content.data[0] == 1 ? IO_WANT_READ : IO_FAILED;     /* a warning */
    }
    if (type != RECORD_HANDSHAKE)
        return IO_FAILED;
    buf_add(&r->messages, content);
    return buf_error(&r->messages) == 0 ? read_messages(r) : IO_FAILED;
}

/* The next whole record's content, taken off *rest.  IO_WANT_READ: not whole yet. */
static enum io take_record(struct mw_span *rest, uint8_t *type, struct mw_span *content)
{
    struct reader at = { .rest = *rest };
    uint8_t major;

    *type = read_u8(&at);
    major = read_u8(&at);
    if (rest->len >= 2 && major != 3)
        return IO_FAILED;
    (void)read_u8(&at);
    *content = read_vec16(&at);
    if (at.failed)
        return rest->len > RECORD_MAX + 5 ? IO_FAILED : IO_WANT_READ;
    *rest = at.rest;
    return IO_OK;
}

enum io ancient_read(struct ancient_reader *r, struct mw_span bytes)
{
    enum io io = IO_WANT_READ, taken = IO_OK;
    struct mw_span rest, content;
    uint8_t type;

    r->total += bytes.len;
    buf_add(&r->records, bytes);
    if (buf_error(&r->records) != 0 || r->total > r->messages.max)
        return IO_FAILED;
    rest = buf_span(&r->records);
    while (io == IO_WANT_READ) {
        taken = take_record(&rest, &type, &content);
        if (taken != IO_OK)
            break;
        io = read_record(r, type, content);
    }
    buf_drop(&r->records, r->records.len - rest.len);
    return taken == IO_FAILED ? IO_FAILED : io;
}

/* --------------------------------------------------------------------- life, verbs ---- */

int ancient_new(struct ancient **out, int fd, const char *server_name, size_t max_bytes)
{
    struct ancient *a = calloc(1, sizeof(*a));
    int r;

    if (a == NULL)
        return -ENOMEM;
    a->fd = -1;
    a->hello = (struct buf)BUF_INIT(4096);
    a->reader = (struct ancient_reader)ANCIENT_READER_INIT(max_bytes);
    r = write_hello(&a->hello, server_name);
    if (r < 0) {
        ancient_free(a);
        return r;
    }
    a->fd = fd;
    *out = a;
    return 0;
}

void ancient_free(struct ancient *a)
{
    if (a == NULL)
        return;
    buf_deinit(&a->hello);
    ancient_reader_deinit(&a->reader);
    own_close(&a->fd);
    free(a);
}

enum io ancient_step(struct ancient *a)
{
    uint8_t bytes[8192];
    enum sock_error error;
    size_t n;
    enum io io;

    while (a->hello.len > 0) {
        io = sock_write(a->fd, buf_span(&a->hello), &n, &error);
        if (io != IO_OK)
            return io;
        buf_drop(&a->hello, n);
    }
    do {
        io = sock_read(a->fd, bytes, sizeof(bytes), &n, &error);
        if (io != IO_OK)
            return io;
        io = ancient_read(&a->reader, span_of(bytes, n));
    } while (io == IO_WANT_READ);
    return io;
}

const struct flight *ancient_seen(const struct ancient *a)
{
    return &a->reader.flight;
}
