/* A certificate, its issuer, and an OCSP response: read within bounds; what is believed is what
 * the response says. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "trust/staple.h"

static void look(struct mw_span bytes, const struct cert *cert, const struct cert *issuer)
{
    struct status_answer found = { .reason = -1 }, believed = { .reason = -1 };
    struct mw_span raw = { 0 }, scts = { 0 };
    struct staple s;

    (void)staple_required(cert);
    (void)staple_responder_named(cert);
    if (staple_parse(&s, bytes) != 0)
        return;
    if (staple_find(&s, cert, issuer, &found, &raw) != 0)
        found.status = STATUS_UNKNOWN;
    if (staple_check(&s, cert, issuer, &believed, &scts) == 0 && believed.status != found.status)
        abort();
    if (scts.len > raw.len)
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
