/* A certificate, its issuer, and a revocation list: read within bounds; what is believed is what
 * the entries say. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "trust/crl.h"

static void look(struct mw_span bytes, const struct cert *cert, const struct cert *issuer)
{
    struct status_answer found = { .reason = -1 }, believed = { .reason = -1 };
    struct mw_span urls[4];
    struct crl l;

    if (crl_urls(cert, urls, ARRAY_LEN(urls)) > ARRAY_LEN(urls))
        abort();
    if (crl_parse(&l, bytes) != 0)
        return;
    if (crl_find(&l, cert, &found) != 0)
        found.status = STATUS_UNKNOWN;
    if (crl_check(&l, cert, issuer, &believed) == 0 && believed.status != found.status)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = { .rest = span_of(data, len) };
    struct cert *cert = NULL, *issuer = NULL;

    if (cert_parse(&cert, read_vec16(&r)) == 0 && cert_parse(&issuer, read_vec16(&r)) == 0)
        look(r.rest, cert, issuer);
    cert_free(cert);
    cert_free(issuer);
    return 0;
}
