/* A DNS answer: records lie inside it. */
#include <stdlib.h>

#include "base/compiler.h"
#include "fuzz.h"
#include "net/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint16_t types[] = { 1, 65, 257 };
    struct mw_span items[16], wire = { data, len };
    uint32_t ttl_s;
    size_t n;

    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        if (dns_message_read(wire, types[t], items, ARRAY_LEN(items), &n, &ttl_s) != 0)
            continue;
        if (n > ARRAY_LEN(items))
            abort();
        for (size_t i = 0; i < n; i++) {
            if (items[i].len == 0)
                continue;               /* empty data lies nowhere */
            if (items[i].data < data || items[i].data + items[i].len > data + len)
                abort();
        }
    }
    return 0;
}
