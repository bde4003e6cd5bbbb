/* A host, a zero byte, a pattern: what is read reads back the same, and matches only itself. */
#include <stdlib.h>

#include "fuzz.h"
#include "trust/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len > 0 ? memchr(data, 0, len) : NULL;
    struct mw_span pattern;
    struct host h, again;

    if (end == NULL)
        return 0;
    pattern = span_of(end + 1, len - (size_t)(end - data) - 1);
    if (host_parse(&h, (const char *)data) != 0)
        return 0;
    if (host_parse(&again, h.text) != 0 || again.kind != h.kind || strcmp(again.text, h.text) != 0)
        abort();
    if (h.kind == HOST_DNS && name_match_dns(&h, span_str(h.text)) != NAME_MATCHES)
        abort();
    if (name_match_dns(&h, pattern) == NAME_MATCHES && h.kind != HOST_DNS)
        abort();
    (void)host_is_public(&h);
    (void)host_registrable(&h);
    return 0;
}
