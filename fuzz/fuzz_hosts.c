/* A hosts file: every address found can be written. */
#include <stdlib.h>

#include "fuzz.h"
#include "net/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct hosts h = { .text = BUF_INIT(1 << 20) };
    struct addr found[8];
    char text[ADDR_TEXT];
    unsigned line = 0;
    size_t n;

    buf_add(&h.text, span_of(data, len));
    n = hosts_find(&h, "www.example.test", AF_UNSPEC, found, ARRAY_LEN(found), &line);
    if (n > ARRAY_LEN(found) || (n > 0 && line == 0))
        abort();
    for (size_t i = 0; i < n; i++)
        addr_text(&found[i], true, text);
    hosts_deinit(&h);
    return 0;
}
