/* Records in the clear: whole or in pieces, the same is read. */
#include <stdlib.h>

#include "fuzz.h"
#include "net/ancient.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

static enum io feed(struct ancient_reader *r, struct mw_span all, size_t step)
{
    enum io io = IO_WANT_READ;

    while (io == IO_WANT_READ && all.len > 0) {
        io = ancient_read(r, span_cut(all, 0, step));
        all = span_cut(all, step, SIZE_MAX);
    }
    return io;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ancient_reader a = ANCIENT_READER_INIT(1 << 14), b = ANCIENT_READER_INIT(1 << 14);
    enum io io;

    if (len == 0 || len > 1 << 15)
        return 0;
    io = feed(&a, span_of(data + 1, len - 1), len);
    must(io == IO_WANT_READ || io == IO_OK || io == IO_FAILED);
    must(feed(&b, span_of(data + 1, len - 1), 1u + data[0]) == io);
    must(a.flight.n_certs == b.flight.n_certs && a.flight.error == b.flight.error);
    must(a.flight.tls.cipher_suite == b.flight.tls.cipher_suite);
    (void)ancient_is_broken(&a.flight.tls);
    ancient_reader_deinit(&a);
    ancient_reader_deinit(&b);
    return 0;
}
