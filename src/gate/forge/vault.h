/*
 * The CA's files: a folder for its owner alone, keys encrypted with a passphrase (PKCS#8, scrypt
 * and AES-256), each file replaced in one step, one writer at a time.
 * Errors: 0, -ENOMEM, or another -errno with one line in `error`: which file, what is wrong, what
 *         to do.
 */
#ifndef GATE_FORGE_VAULT_H
#define GATE_FORGE_VAULT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"

enum { VAULT_PASSPHRASE_MAX = 1024 };

struct vault {
    const char *folder;         /* borrowed */
    const char *passphrase_file;        /* borrowed; NULL: FOLDER/passphrase */
    int lock_fd;
    struct buf passphrase;      /* empty until a key is read or written */
};

/* Takes the lock, shared to read, alone to write; waits for others.  make: the folder may be
 * made.  -ENOENT: there is none.  -EPERM: it belongs to another user, or others may enter. */
MW_MUST_CHECK int vault_open(struct vault *out, const char *folder, const char *passphrase_file,
                             bool make, struct buf *error);
void vault_close(struct vault *v);      /* all-zero with lock_fd -1 is fine; wipes */

/* *out NULL: there is no such file. */
MW_MUST_CHECK int vault_read_cert(struct vault *v, const char *name, X509 **out,
                                  struct buf *error);
MW_MUST_CHECK int vault_read_key(struct vault *v, const char *name, EVP_PKEY **out,
                                 struct buf *error);

MW_MUST_CHECK int vault_write_cert(struct vault *v, const char *name, X509 *cert,
                                   struct buf *error);

/* Makes the passphrase first if it is ours to make and there is none. */
MW_MUST_CHECK int vault_write_key(struct vault *v, const char *name, EVP_PKEY *key,
                                  struct buf *error);

/* Any file of the folder, as it is: PEM with several certificates. */
MW_MUST_CHECK int vault_read(struct vault *v, const char *name, struct buf *out,
                             struct buf *error);
MW_MUST_CHECK int vault_write(struct vault *v, const char *name, struct mw_span bytes,
                              struct buf *error);

/* The first line of a file that only its owner may read; without the line's end. */
MW_MUST_CHECK int vault_read_secret(const char *path, struct buf *out, struct buf *error);

/* buf_deinit() for what must not stay in memory; usable with CLEANUP. */
void vault_wipe(struct buf *b);

#endif
