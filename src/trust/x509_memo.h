/*
 * Certificates that OpenSSL has parsed already, by the hash of their bytes: a run over many
 * hosts meets the same intermediates again and again, and parsing one costs more than checking
 * its signature.  It only saves work: what is found is what parsing would have given.
 * Life:   x509_memo_new() -> find/keep -> x509_memo_free()
 * Memory: at most X509_MEMO_ENTRIES of at most X509_MEMO_BYTES each, the oldest go first.
 * Threads: any, at once.
 */
#ifndef TRUST_X509_MEMO_H
#define TRUST_X509_MEMO_H

#include <midwatch/types.h>
#include <openssl/x509.h>

enum { X509_MEMO_ENTRIES = 64, X509_MEMO_BYTES = 16 * 1024, X509_MEMO_KEY = 32 };

struct x509_memo;

/* NULL: out of memory. */
struct x509_memo *x509_memo_new(void);
void x509_memo_free(struct x509_memo *m);       /* NULL ok */

/* A reference of the caller's own; NULL: not there.  key: SHA-256 of the DER. */
X509 *x509_memo_find(struct x509_memo *m, const uint8_t key[X509_MEMO_KEY]);

/* Takes a reference of its own, if the certificate is not too large. */
void x509_memo_keep(struct x509_memo *m, const uint8_t key[X509_MEMO_KEY], size_t der_len,
                    X509 *x509);

#endif
