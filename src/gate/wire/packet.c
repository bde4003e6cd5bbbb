#include "gate/wire/packet.h"

#include <errno.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

static void address_write(struct buf *out, const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    buf_u8(out, (uint8_t)ip.len);
    buf_add(out, ip);
    buf_u16(out, addr_port(a));
}

static void text_write(struct buf *out, const char *s, size_t room)
{
    struct mw_span text = span_cut(span_str(s), 0, room - 1);

    buf_u16(out, (uint16_t)text.len);
    buf_add(out, text);
}

void packet_write(struct buf *out, const struct gate_packet *p)
{
    buf_u8(out, GATE_PACKET);
    text_write(out, p->client, sizeof(p->client));
    text_write(out, p->host, sizeof(p->host));
    buf_u64(out, (uint64_t)p->when_us);
    address_write(out, &p->from);
    address_write(out, &p->to);
    buf_u32(out, p->seq);
    buf_u32(out, p->ack);
    buf_u8(out, p->flags);
    buf_add(out, span_cut(p->data, 0, PACKET_DATA_MAX));
}

static void address_read(struct addr *a, struct reader *r)
{
    struct mw_span ip = read_vec8(r);
    uint16_t port = read_u16(r);

    if (ip.len == 4 || ip.len == 16)
        *a = addr_make(ip.len == 4 ? AF_INET : AF_INET6, ip.data, port);
    else
        read_fail(r);
}

static void text_read(char *to, size_t room, struct reader *r)
{
    struct mw_span text = read_vec16(r);

    if (text.len >= room || (text.len > 0 && memchr(text.data, 0, text.len) != NULL)) {
        read_fail(r);
        return;
    }
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    to[text.len] = '\0';
}

int packet_read(struct gate_packet *p, struct mw_span message)
{
    struct gate_packet got = { .when_us = 0 };
    struct reader r = { .rest = message };

    if (read_u8(&r) != GATE_PACKET)
        return -EINVAL;
    text_read(got.client, sizeof(got.client), &r);
    text_read(got.host, sizeof(got.host), &r);
    got.when_us = (int64_t)read_u64(&r);
    address_read(&got.from, &r);
    address_read(&got.to, &r);
    got.seq = read_u32(&r);
    got.ack = read_u32(&r);
    got.flags = read_u8(&r);
    got.data = r.rest;
    if (r.failed || got.data.len > PACKET_DATA_MAX || got.when_us < 0 ||
        addr_family(&got.from) != addr_family(&got.to))
        return -EINVAL;
    *p = got;
    return 0;
}
