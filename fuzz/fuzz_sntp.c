/* SNTP answers: what is accepted is a server's, to our request, with sane uncertainty. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/sntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t cookie[SNTP_COOKIE_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const int64_t sent_ms = INT64_C(1795000000000);
    struct sntp_answer a;

    if (sntp_response_read(&a, span_of(data, len), cookie, sent_ms, sent_ms + 40,
                           (struct mw_wall){ 1767225600 }) != 0)
        return 0;
    if (len < SNTP_PACKET_BYTES || (data[0] & 7) != 4 || data[1] == 0 ||
        memcmp(data + 24, cookie, sizeof cookie) != 0 || a.uncertainty_ms < 0)
        abort();
    return 0;
}
