#include "probe/ocsp_ask.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

static X509 *parse(struct mw_span der)
{
    const unsigned char *at = der.data;

    return der.len > 0 && der.len <= INT_MAX ? d2i_X509(NULL, &at, (long)der.len) : NULL;
}

static int encode(struct mw_span *out, struct arena *arena, OCSP_REQUEST *request)
{
    int len = i2d_OCSP_REQUEST(request, NULL);
    unsigned char *at;

    if (len <= 0)
        return -ENOMEM;
    at = arena_alloc(arena, (size_t)len);
    if (at == NULL)
        return -ENOMEM;
    *out = span_of(at, (size_t)len);
    return i2d_OCSP_REQUEST(request, &at) == len ? 0 : -ENOMEM;
}

int ocsp_ask_write(struct mw_span *out, struct arena *arena, struct mw_span leaf,
                   struct mw_span issuer)
{
    X509 *subject = parse(leaf), *by = parse(issuer);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = NULL;
    int rc = -ENOMEM;

    if (subject == NULL || by == NULL)
        rc = 1;
    else
        id = OCSP_cert_to_id(NULL, subject, by);
    if (id != NULL && request != NULL) {
        if (OCSP_request_add0_id(request, id) != NULL) {
            id = NULL; /* the request's now */
            rc = encode(out, arena, request);
        }
    }
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    X509_free(by);
    X509_free(subject);
    ERR_clear_error();
    return rc;
}
