/* PEM files: any bytes give blocks no longer than themselves, or one printable line. */
#include <stdlib.h>

#include "check/pem.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(8 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct pem_list list;
    size_t bytes = 0;
    int rc = pem_read(span_of(data, len), "CERTIFICATE", "f", &arena, &list, &error);

    if ((rc > 0) != (error.len > 0))
        abort();
    for (size_t i = 0; i < error.len; i++)
        if (error.data[i] < 0x20 || error.data[i] == 0x7f)
            abort();
    if (rc != 0)
        return 0;
    if (list.n == 0 || list.n > PEM_BLOCKS)
        abort();
    for (size_t i = 0; i < list.n; i++)
        bytes += list.blocks[i].len;
    if (bytes > len)
        abort();
    return 0;
}
