/*
 * What OpenSSL frees is wiped: its record buffers hold plaintext that was decrypted in place.
 * SSL_OP_CLEANSE_PLAINTEXT does the same eight bytes at a time, which took a fifth of the
 * processor time of a small request.
 */
#ifndef GATE_WORKER_WIPE_H
#define GATE_WORKER_WIPE_H

#include "base/compiler.h"

/* Before anything else of OpenSSL.  -EBUSY: it has memory already. */
MW_MUST_CHECK int wipe_begin(void);

/* How many bytes of an object of OpenSSL's are whole pages of its own, from its first byte on
 * (base/pages.h).  An SSL has some; 0: it is not on pages. */
size_t wipe_pages(void *block);

#endif
