/*
 * SNTP: a time server's clock beside ours.  The codec only; clocks.h asks.
 * Source: RFC 5905 sections 7.3 and 14 (client mode), RFC 4330 section 5 (what to refuse).
 * Time:   milliseconds since 1970 as this computer counts them, right or wrong.
 */
#ifndef PROBE_SNTP_H
#define PROBE_SNTP_H

#include "base/span.h"

enum {
    SNTP_PORT = 123,
    SNTP_PACKET_BYTES = 48,
    SNTP_COOKIE_BYTES = 8,
};

enum sntp_error {
    SNTP_E_MALFORMED = 1,       /* too short, not a server's answer, or absurd numbers */
    SNTP_E_NOT_OURS,            /* not an answer to our request: the origin differs */
    SNTP_E_KISS,                /* kiss-o'-death: the server will not serve us */
    SNTP_E_UNSYNCHRONISED,      /* the server says that it does not know the time */
};

struct sntp_answer {
    int64_t offset_ms;          /* its time minus ours */
    int64_t uncertainty_ms;     /* half the round trip plus what the server admits to */
};

/* The cookie, random, stands in the transmit timestamp: the server returns it as origin, and
 * our clock is nobody's business. */
void sntp_request_write(uint8_t out[SNTP_PACKET_BYTES], const uint8_t cookie[SNTP_COOKIE_BYTES]);

/* sent_ms, received_ms: our clock then.  not_before: a time known to be past, which tells the
 * era of the timestamps; they wrap in 2036.  0, or enum sntp_error. */
MW_MUST_CHECK int sntp_response_read(struct sntp_answer *out, struct mw_span datagram,
                                     const uint8_t cookie[SNTP_COOKIE_BYTES], int64_t sent_ms,
                                     int64_t received_ms, struct mw_wall not_before);

#endif
