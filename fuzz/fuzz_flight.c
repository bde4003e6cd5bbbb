/* A server's handshake messages one after another, without anybody checking them first. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "net/flight.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct flight f = FLIGHT_INIT(1 << 16);
    struct mw_span rest = span_of(data, len);

    while (rest.len > 0) {
        struct reader r = { .rest = rest };
        size_t whole;

        (void)read_u8(&r);
        whole = read_vec24(&r).len + 4;
        if (r.failed)
            whole = rest.len;
        must(flight_read(&f, span_cut(rest, 0, whole)) == 0);
        rest = span_cut(rest, whole, SIZE_MAX);
    }
    must(f.n_certs <= MW_MAX_CERTS && f.bytes.len <= 1 << 16);
    for (size_t i = 0; i < f.n_certs; i++)
        must(f.certs[i].data >= f.bytes.data &&
             f.certs[i].data + f.certs[i].len <= f.bytes.data + f.bytes.len);
    for (const char *c = f.alpn; *c != 0; c++)
        must(*c > ' ' && *c < 0x7f);
    must((f.error == FLIGHT_OK) == (f.error_in == NULL));
    flight_deinit(&f);
    return 0;
}
