/*
 * A key that never leaves its token (PKCS#11): a small process beside the forge has the token's
 * module loaded, which needs files or devices that the forge gave up.  It signs SHA-256 digests
 * and knows nothing else; only the forge has the other end of its socket.
 * Life:   keyholder_start() before the walls -> keyholder_sign()*; it ends with its last peer.
 */
#ifndef GATE_FORGE_KEYHOLDER_H
#define GATE_FORGE_KEYHOLDER_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/buf.h"

enum { KEYHOLDER_LIMIT_MS = 2000 };

struct keyholder_place {
    const char *uri;            /* "pkcs11:token=…;object=…" */
    const char *module;         /* path of the token's library; NULL: the system's */
    const char *pin_file;       /* NULL: the URI brings its own, or none is needed */
};

/* Forks; *fd is the socket to sign over, close-on-exec.  `inherited`: descriptors that the child
 * closes.  0, or -errno with `error`: which step failed and what to do. */
MW_MUST_CHECK int keyholder_start(int *fd, const struct keyholder_place *place, struct buf *error);

/* Appends the DER signature.  -EIO: the token refused, is gone, or did not answer in time. */
MW_MUST_CHECK int keyholder_sign(int fd, const uint8_t digest[32], struct buf *out);

/* The token's key in this process: for `ca init`, which needs its public half once, and for the
 * keyholder itself (forge/pkcs11.c).  EVP_PKEY_free it. */
MW_MUST_CHECK int pkcs11_open(EVP_PKEY **out, const struct keyholder_place *place,
                              struct buf *error);

#endif
