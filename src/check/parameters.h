/*
 * IANA's numbers of a TLS handshake as the names people know.
 */
#ifndef CHECK_PARAMETERS_H
#define CHECK_PARAMETERS_H

#include <midwatch/trust.h>

#include "base/buf.h"

const char *tls_version_name(uint16_t version);     /* "TLS 1.3"; NULL unknown */
const char *tls_group_name(uint16_t group);         /* "X25519"; NULL unknown */
const char *tls_scheme_name(uint16_t scheme);       /* "ecdsa_secp256r1_sha256"; NULL unknown */
const char *reach_name(enum mw_reach reach);        /* "handshake", "dns-failed", … */

/* "TLS 1.3, TLS_AES_128_GCM_SHA256, X25519, h2"; nothing when there was no handshake. */
void parameters_text(struct buf *out, const struct mw_evidence *ev);

/* A URL as it may be shown: without user name and password, safe to print. */
void url_shown(struct buf *out, const char *url);

#endif
