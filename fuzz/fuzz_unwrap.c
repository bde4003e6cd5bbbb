/* Fetched bodies: certificates and revocation lists in their wrappings. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/unwrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4 << 20);
    struct mw_span certs[UNWRAP_MAX_CERTS], crl;
    struct mw_wall next;
    size_t n = 0;

    if (unwrap_certs(span_of(data, len), &arena, certs, &n) != 0)
        return 0;
    if (n > UNWRAP_MAX_CERTS)
        abort();
    for (size_t i = 0; i < n; i++)
        if (certs[i].len == 0)
            abort();
    if (unwrap_crl(span_of(data, len), &arena, &crl, &next) == 0 && crl.len == 0)
        abort();
    return 0;
}
