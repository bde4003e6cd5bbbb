/* A certificate and a list of SCTs: no more than there is room for, all inside the list; the
 * precertificate is smaller than the certificate by the extension, and still one element. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "trust/der.h"
#include "trust/sct.h"

enum { ROOM = 3 };

static void list_look(struct mw_span list)
{
    struct sct scts[ROOM];
    size_t n = 0;

    (void)sct_list_read(list, SCT_HANDSHAKE, scts, ROOM, &n);
    if (n > ROOM)
        abort();
    for (size_t i = 0; i < n; i++)
        if (scts[i].log_id.len != 32 || scts[i].signature.len > list.len ||
            sct_time(&scts[i]).s < 0)
            abort();
}

static void cert_look(const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(MW_MAX_CERT_BYTES);
    struct mw_span list;
    bool ok;

    if (sct_embedded(c, &list))
        list_look(list);
    if (sct_precert(c, &tbs) != 0)
        return;
    (void)der_unwrap(buf_span(&tbs), DER_SEQUENCE, &ok);
    if (!ok || tbs.len >= c->tbs.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = { .rest = span_of(data, len) };
    struct cert *cert = NULL;

    if (cert_parse(&cert, read_vec16(&r)) == 0)
        cert_look(cert);
    cert_free(cert);
    list_look(r.rest);
    return 0;
}
