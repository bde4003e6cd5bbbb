#include "gate/policy/hello_make.h"

#define BODY(...)                                                                                  \
    {                                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })                 \
    }

static const uint16_t chrome_suites[] = { 0x9a9a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
                                          0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
                                          0x009c, 0x009d, 0x002f, 0x0035 };

static const struct hello_part chrome_parts[] = {
    { 0x3a3a, { NULL, 0 } },
    { 0x001b, BODY(2, 0, 2) },
    { 0x0000, BODY(0, 18, 0, 0, 15, 'w', 'w', 'w', '.', 's', 'i', 't', 'e', '.', 'e', 'x', 'a',
                   'm', 'p', 'l') },
    { 0x0017, { NULL, 0 } },
    { 0xff01, BODY(0) },
    { 0x000a, BODY(0, 8, 0x4a, 0x4a, 0, 29, 0, 23, 0, 24) },
    { 0x000b, BODY(1, 0) },
    { 0x0023, { NULL, 0 } },
    { 0x0010, BODY(0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1') },
    { 0x0005, BODY(1, 0, 0, 0, 0) },
    { 0x000d, BODY(0, 16, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1) },
    { 0x0012, { NULL, 0 } },
    { 0x0033, BODY(0, 5, 0x4a, 0x4a, 0, 1, 0) },
    { 0x002d, BODY(1, 1) },
    { 0x002b, BODY(6, 0x6a, 0x6a, 3, 4, 3, 3) },
    { 0x4469, BODY(0, 3, 2, 'h', '2') },
    { 0x7a7a, BODY(0) },
    { 0x0015, BODY(0, 0, 0, 0) },
};

const struct hello_plan hello_like_chrome = { chrome_suites, ARRAY_LEN(chrome_suites),
                                              chrome_parts, ARRAY_LEN(chrome_parts), 0 };

static void put(struct buf *out, uint16_t type, struct mw_span body)
{
    buf_u16(out, type);
    buf_u16(out, (uint16_t)body.len);
    buf_add(out, body);
}

void hello_make(struct buf *message, const struct hello_plan *plan)
{
    CLEANUP(buf_deinit) struct buf extensions = BUF_INIT(1 << 17), body = BUF_INIT(1 << 17);

    for (size_t i = 0; i < plan->n_parts; i++)
        put(&extensions, plan->parts[i].type, plan->parts[i].body);
    if (plan->key_share > 0) {
        buf_u16(&extensions, 0x0033);
        buf_u16(&extensions, (uint16_t)plan->key_share);
        buf_fill(&extensions, 'k', plan->key_share);
    }
    buf_u16(&body, 0x0303);
    buf_fill(&body, 'r', 32);
    buf_u8(&body, 32);
    buf_fill(&body, 's', 32);
    buf_u16(&body, (uint16_t)(2 * plan->n_suites));
    for (size_t i = 0; i < plan->n_suites; i++)
        buf_u16(&body, plan->suites[i]);
    buf_u16(&body, 0x0100);     /* one compression method: none */
    buf_u16(&body, (uint16_t)extensions.len);
    buf_add(&body, buf_span(&extensions));
    buf_u8(message, 1);
    buf_u24(message, (uint32_t)body.len);
    buf_add(message, buf_span(&body));
}

void hello_wrap(struct buf *raw, struct mw_span message, size_t most)
{
    for (size_t at = 0; at < message.len; at += most) {
        struct mw_span piece = span_cut(message, at, most);

        buf_u8(raw, 22);
        buf_u16(raw, 0x0301);
        buf_u16(raw, (uint16_t)piece.len);
        buf_add(raw, piece);
    }
}
