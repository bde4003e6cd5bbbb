#include "gate/scribe/pcapng.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BLOCK_SECRETS = 10,
    ORDER_MARK = 0x1a2b3c4d,    /* as buf writes integers: the big end first */
    OPTION_END = 0,
    OPTION_APPLICATION = 4,
    LINKTYPE_RAW = 101,         /* IPv4 or IPv6 without anything before it */
    SECRETS_TLS = 0x544c534b,   /* "TLSK" */
    TCP_BYTES = 20,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    PROTOCOL_TCP = 6,
    WINDOW = 65535,
};

/* ----------------------------------------------------------------------------- blocks ---- */

static void pad(struct buf *out, size_t len)
{
    buf_fill(out, '\0', (4 - len % 4) % 4);
}

/* Each block says its whole length twice, before and after. */
static size_t block_begin(struct buf *out, uint32_t type)
{
    size_t at = out->len;

    buf_u32(out, type);
    buf_u32(out, 0);
    return at;
}

static void block_end(struct buf *out, size_t at)
{
    uint32_t len = (uint32_t)(out->len - at + 4);

    buf_u32(out, len);
    if (buf_error(out) != 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        out->data[at + 4 + i] = (uint8_t)(len >> (24 - 8 * i));
}

void pcapng_begin(struct buf *out)
{
    const struct mw_span application = SPAN_LIT("midwatch gate");
    size_t at = block_begin(out, BLOCK_SECTION);

    buf_u32(out, ORDER_MARK);
    buf_u16(out, 1); /* version 1.0 */
    buf_u16(out, 0);
    buf_u64(out, UINT64_MAX); /* its length: not known */
    buf_u16(out, OPTION_APPLICATION);
    buf_u16(out, (uint16_t)application.len);
    buf_add(out, application);
    pad(out, application.len);
    buf_u32(out, OPTION_END);
    block_end(out, at);

    at = block_begin(out, BLOCK_INTERFACE);
    buf_u16(out, LINKTYPE_RAW);
    buf_u16(out, 0);
    buf_u32(out, 0); /* packets of any length */
    block_end(out, at);
}

void pcapng_secrets(struct buf *out, struct mw_span lines)
{
    size_t at = block_begin(out, BLOCK_SECRETS);

    buf_u32(out, SECRETS_TLS);
    buf_u32(out, (uint32_t)lines.len);
    buf_add(out, lines);
    pad(out, lines.len);
    block_end(out, at);
}

/* ---------------------------------------------------------------------------- headers ---- */

/* RFC 1071: the sum of all 16-bit words, carried over at the end. */
static uint32_t sum(uint32_t so_far, struct mw_span s)
{
    for (size_t i = 0; i + 1 < s.len; i += 2)
        so_far += (uint32_t)s.data[i] << 8 | s.data[i + 1];
    if (s.len % 2 != 0)
        so_far += (uint32_t)s.data[s.len - 1] << 8;
    return so_far;
}

static uint16_t checksum(uint32_t total)
{
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static void put16(struct buf *out, size_t at, uint16_t v)
{
    if (buf_error(out) != 0)
        return;
    out->data[at] = (uint8_t)(v >> 8);
    out->data[at + 1] = (uint8_t)v;
}

static struct mw_span since(const struct buf *out, size_t at)
{
    return span_cut(buf_span(out), at, out->len);
}

/* RFC 791 section 3.1. */
static void ipv4(struct buf *out, const struct gate_packet *p)
{
    size_t at = out->len;

    buf_u16(out, 0x4500); /* version 4, five words */
    buf_u16(out, (uint16_t)(IPV4_BYTES + TCP_BYTES + p->data.len));
    buf_u16(out, 0);
    buf_u16(out, 0x4000); /* not to be fragmented, so its number means nothing (RFC 6864) */
    buf_u8(out, 64);
    buf_u8(out, PROTOCOL_TCP);
    buf_u16(out, 0);
    buf_add(out, addr_ip(&p->from));
    buf_add(out, addr_ip(&p->to));
    put16(out, at + 10, checksum(sum(0, since(out, at))));
}

/* RFC 8200 section 3. */
static void ipv6(struct buf *out, const struct gate_packet *p)
{
    buf_u32(out, 0x60000000);
    buf_u16(out, (uint16_t)(TCP_BYTES + p->data.len));
    buf_u8(out, PROTOCOL_TCP);
    buf_u8(out, 64);
    buf_add(out, addr_ip(&p->from));
    buf_add(out, addr_ip(&p->to));
}

/* RFC 9293 section 3.1. */
static void tcp(struct buf *out, const struct gate_packet *p)
{
    size_t at = out->len;
    uint32_t total;

    buf_u16(out, addr_port(&p->from));
    buf_u16(out, addr_port(&p->to));
    buf_u32(out, p->seq);
    buf_u32(out, (p->flags & PACKET_ACK) != 0 ? p->ack : 0);
    buf_u8(out, TCP_BYTES / 4 << 4);
    buf_u8(out, p->flags);
    buf_u16(out, WINDOW);
    buf_u32(out, 0); /* checksum, no urgent data */
    buf_add(out, p->data);
    total = sum(0, addr_ip(&p->from)) + sum(0, addr_ip(&p->to)) + PROTOCOL_TCP;
    total += (uint32_t)(TCP_BYTES + p->data.len);
    put16(out, at + 16, checksum(sum(total, since(out, at))));
}

void pcapng_packet(struct buf *out, const struct gate_packet *p)
{
    bool is_v4 = addr_family(&p->from) == AF_INET;
    size_t len = (size_t)(is_v4 ? IPV4_BYTES : IPV6_BYTES) + TCP_BYTES + p->data.len;
    size_t at = block_begin(out, BLOCK_PACKET);

    buf_u32(out, 0); /* of the first interface */
    buf_u64(out, (uint64_t)p->when_us);
    buf_u32(out, (uint32_t)len);
    buf_u32(out, (uint32_t)len);
    if (is_v4)
        ipv4(out, p);
    else
        ipv6(out, p);
    tcp(out, p);
    pad(out, len);
    block_end(out, at);
}
