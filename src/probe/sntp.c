#include "probe/sntp.h"

#include "base/reader.h"

enum {
    VERSION = 4,
    MODE_CLIENT = 3,
    MODE_SERVER = 4,
    LEAP_UNKNOWN = 3,
    MAX_STRATUM = 15,
    MAX_ROOT_MS = 16000, /* RFC 5905 MAXDISP */
};

/* Seconds from 1900, where era 0 begins, to 1970. */
#define NTP_EPOCH_S INT64_C(2208988800)
#define ERA_S       (INT64_C(1) << 32)

/* The build date is a lower bound of the present, but a generous one: a distribution may set
 * it to anything from its last few years. */
#define GRACE_S (INT64_C(10) * 366 * 86400)

void sntp_request_write(uint8_t out[SNTP_PACKET_BYTES], const uint8_t cookie[SNTP_COOKIE_BYTES])
{
    memset(out, 0, SNTP_PACKET_BYTES);
    out[0] = VERSION << 3 | MODE_CLIENT;
    memcpy(out + SNTP_PACKET_BYTES - SNTP_COOKIE_BYTES, cookie, SNTP_COOKIE_BYTES);
}

/* A timestamp (RFC 5905 section 6) in the first era that is not before not_before. */
static int64_t timestamp_ms(uint64_t t, struct mw_wall not_before)
{
    int64_t s = (int64_t)(t >> 32) - NTP_EPOCH_S;
    int64_t least = not_before.s - GRACE_S;

    if (s < least)
        s += (least - s + ERA_S - 1) / ERA_S * ERA_S;
    return s * 1000 + (int64_t)((t & UINT32_MAX) * 1000 >> 32);
}

/* 16.16 fixed point, seconds. */
static int64_t short_ms(uint32_t v)
{
    return (int64_t)((uint64_t)v * 1000 >> 16);
}

int sntp_response_read(struct sntp_answer *out, struct mw_span datagram,
                       const uint8_t cookie[SNTP_COOKIE_BYTES], int64_t sent_ms,
                       int64_t received_ms, struct mw_wall not_before)
{
    struct reader r = { .rest = datagram };
    uint8_t flags = read_u8(&r), stratum = read_u8(&r);
    uint32_t delay, dispersion;
    struct mw_span origin;
    uint64_t received, sent;
    int64_t server_in, server_out, delay_ms;

    (void)read_u16(&r); /* poll, precision */
    delay = read_u32(&r);
    dispersion = read_u32(&r);
    (void)read_u32(&r); /* reference identifier, or the kiss code */
    (void)read_u64(&r); /* reference timestamp */
    origin = read_bytes(&r, SNTP_COOKIE_BYTES);
    received = read_u64(&r);
    sent = read_u64(&r);

    /* Extension fields and a MAC may follow; we asked for none. */
    if (r.failed || (flags & 7) != MODE_SERVER || (flags >> 3 & 7) < 3 || (flags >> 3 & 7) > 4)
        return SNTP_E_MALFORMED;
    if (!span_eq(origin, span_of(cookie, SNTP_COOKIE_BYTES)))
        return SNTP_E_NOT_OURS;
    if (stratum == 0)
        return SNTP_E_KISS;
    if (flags >> 6 == LEAP_UNKNOWN || stratum > MAX_STRATUM)
        return SNTP_E_UNSYNCHRONISED;
    if (sent == 0 || received == 0 || short_ms(delay) / 2 + short_ms(dispersion) > MAX_ROOT_MS)
        return SNTP_E_MALFORMED;

    server_in = timestamp_ms(received, not_before);
    server_out = timestamp_ms(sent, not_before);
    delay_ms = (received_ms - sent_ms) - (server_out - server_in);
    if (server_out < server_in || received_ms < sent_ms)
        return SNTP_E_MALFORMED;
    out->offset_ms = ((server_in - sent_ms) + (server_out - received_ms)) / 2;
    out->uncertainty_ms =
        (delay_ms > 0 ? delay_ms / 2 : 0) + short_ms(delay) / 2 + short_ms(dispersion) + 1;
    return 0;
}
