/* RDATA of CAA and HTTPS records: the first byte says which. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/dnsrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct mw_caa caa;
    bool has_ech;

    if (len == 0)
        return 0;
    if (data[0] % 2 == 0) {
        if (dnsrecord_caa(&caa, span_of(data + 1, len - 1), &arena) != 0)
            return 0;
        for (const char *c = caa.value; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                abort(); /* escaped, or it could forge a line of a report */
    } else {
        (void)!dnsrecord_https(&has_ech, span_of(data + 1, len - 1));
    }
    return 0;
}
