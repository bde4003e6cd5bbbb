/*
 * What a lab says over a finished TLS connection: a line about the case, or the exporter echo.
 */
#ifndef LAB_ANSWER_H
#define LAB_ANSWER_H

#include "http/request.h"
#include "lab/box.h"

/* The whole HTTP response.  hello: the ClientHello of this connection as a handshake message. */
MW_MUST_CHECK int answer_write(struct buf *out, const struct lab *lab, const struct site *site,
                               SSL *ssl, struct mw_span hello,
                               const struct http_request *request);

#endif
