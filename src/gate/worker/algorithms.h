/*
 * OpenSSL's algorithms as far as TLS needs them, in a library context of their own.  OpenSSL 3.0
 * asks every decoder it knows about each certificate it reads, forty of them, which costs more than
 * the signature on it; in here it knows those that a certificate's key can have.
 * Life:   algorithms_init() -> contexts, keys, certificates -> algorithms_deinit()
 * See docs/decisions/0050-few-algorithms.md.
 */
#ifndef GATE_WORKER_ALGORITHMS_H
#define GATE_WORKER_ALGORITHMS_H

#include <openssl/provider.h>

#include "base/compiler.h"

struct algorithms {
    OSSL_LIB_CTX *context;      /* NULL: the process's own, which is right too, and slower */
    OSSL_PROVIDER *few;
};

/* Where something else than OpenSSL's default provider was set up (a validated one, a token's),
 * that stays what is used.  0 or -ENOMEM. */
MW_MUST_CHECK int algorithms_init(struct algorithms *a);
void algorithms_deinit(struct algorithms *a);           /* an all-zero one is fine */

#endif
