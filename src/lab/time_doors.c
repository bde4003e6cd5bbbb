/*
 * What answers datagrams: time servers, the right and the wrong (SNTP, RFC 5905 section 7.3,
 * RFC 4330), and a name server that knows no name (RFC 1035).
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "lab/box.h"
#include "lab/roughtime_server.h"

enum {
    SNTP_BYTES = 48,
    DAY_S = 86400,
};

static const int64_t ntp_to_unix_s = 2208988800;        /* 1900 to 1970 */

static const int64_t ahead_s[DOORS] = {
    [DOOR_SNTP_HOUR] = 3600,
    [DOOR_SNTP_AHEAD] = 250 * DAY_S,
    [DOOR_ROUGHTIME_AHEAD] = 250 * DAY_S,
    [DOOR_ROUGHTIME_BEHIND] = -50 * DAY_S,
    [DOOR_ROUGHTIME_BEHIND_TOO] = -50 * DAY_S,
};

static void timestamp(uint8_t at[8], int64_t ahead)
{
    uv_timeval64_t now;
    uint64_t seconds, fraction;

    uv_gettimeofday(&now);
    seconds = (uint64_t)(now.tv_sec + ahead + ntp_to_unix_s);
    fraction = ((uint64_t)now.tv_usec << 32) / 1000000;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(seconds >> (24 - 8 * i));
        at[4 + i] = (uint8_t)(fraction >> (24 - 8 * i));
    }
}

static size_t sntp_answer(uint8_t out[SNTP_BYTES], struct mw_span in, int64_t ahead)
{
    enum { LEAP_MASK = 0xc0, MODE_MASK = 7, CLIENT = 3, SERVER = 4 };
    static const uint8_t reference[] = { 'L', 'A', 'B' };

    if (in.len < SNTP_BYTES || (in.data[0] & MODE_MASK) != CLIENT)
        return 0;
    memset(out, 0, SNTP_BYTES);
    out[0] = (uint8_t)((in.data[0] & ~(LEAP_MASK | MODE_MASK)) | SERVER);
    out[1] = 1;                         /* stratum: a reference clock */
    out[2] = in.data[2];
    out[3] = 0xec;                      /* precision, 2^-20 s */
    memcpy(out + 12, reference, sizeof(reference));
    timestamp(out + 16, ahead - 1);     /* last set */
    memcpy(out + 24, in.data + 40, 8);  /* originate: their transmit time */
    timestamp(out + 32, ahead);         /* receive */
    timestamp(out + 40, ahead);         /* transmit */
    return SNTP_BYTES;
}

/* NXDOMAIN, to the first question alone. */
static size_t dns_answer(uint8_t out[LAB_DATAGRAM], struct mw_span in)
{
    enum { HEADER = 12, QUERY_BIT = 0x80, RECURSION_ASKED = 1, NAME_ERROR = 3, TYPE_CLASS = 4 };
    size_t end = HEADER;

    while (end < in.len && in.data[end] != 0 && in.data[end] < 64)
        end += 1U + in.data[end];
    end += 1 + TYPE_CLASS;
    if (end > in.len || end > LAB_DATAGRAM || (in.data[2] & QUERY_BIT) != 0)
        return 0;
    memcpy(out, in.data, end);
    out[2] = (uint8_t)(QUERY_BIT | (in.data[2] & RECURSION_ASKED));
    out[3] = QUERY_BIT | NAME_ERROR;    /* this bit: recursion is available */
    memset(out + 4, 0, HEADER - 4);
    out[5] = 1;
    return end;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct lab *lab = h->data;

    (void)suggested;
    *buf = uv_buf_init(lab->datagram, sizeof(lab->datagram));
}

static size_t answer(struct lab *lab, enum lab_door door, struct mw_span in,
                     uint8_t out[LAB_DATAGRAM])
{
    struct mw_wall then = { wall_now().s + ahead_s[door] };

    switch (door) {
    case DOOR_SNTP:
    case DOOR_SNTP_HOUR:
    case DOOR_SNTP_AHEAD:
        return sntp_answer(out, in, ahead_s[door]);
    case DOOR_ROUGHTIME:
    case DOOR_ROUGHTIME_AHEAD:
    case DOOR_ROUGHTIME_BEHIND:
    case DOOR_ROUGHTIME_BEHIND_TOO:
        return roughtime_answer_write(out, LAB_DATAGRAM, in, lab->time_key, then);
    case DOOR_ROUGHTIME_LIAR:
        return roughtime_answer_write(out, LAB_DATAGRAM, in, lab->liar_key, then);
    case DOOR_DNS:
        return dns_answer(out, in);
    default:
        return 0;
    }
}

static void on_datagram(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    struct lab *lab = udp->data;
    uint8_t out[LAB_DATAGRAM];
    uv_buf_t reply;
    size_t len, door = 0;

    (void)flags;
    if (n <= 0 || from == NULL)
        return;
    while (door < DOORS && &lab->doors[door].udp != udp)
        door++;
    if (door == DOORS)
        return;
    len = answer(lab, (enum lab_door)door, span_of(buf->base, (size_t)n), out);
    reply = uv_buf_init((char *)out, (unsigned)len);
    if (len > 0)
        uv_udp_try_send(udp, &reply, 1, from);
}

static int door_open(struct lab *lab, enum lab_door door)
{
    uv_udp_t *udp = &lab->doors[door].udp;
    struct sockaddr_in at;
    int len = sizeof(lab->at[door]);
    int r = uv_udp_init(lab->loop, udp);

    if (r < 0)
        return r;
    udp->data = lab;
    lab->open[door] = true;
    uv_ip4_addr("127.0.0.1", 0, &at);
    r = uv_udp_bind(udp, (const struct sockaddr *)&at, 0);
    if (r == 0)
        r = uv_udp_getsockname(udp, (struct sockaddr *)&lab->at[door], &len);
    return r == 0 ? uv_udp_recv_start(udp, on_alloc, on_datagram) : r;
}

int time_doors_open(struct lab *lab)
{
    int r = 0;

    for (int door = DOOR_SNTP; r == 0 && door < DOORS; door++)
        r = door_open(lab, (enum lab_door)door);
    return r;
}
