/*
 * The root certificates that a system keeps in one PEM file.
 */
#ifndef BASE_SYSTEM_ROOTS_H
#define BASE_SYSTEM_ROOTS_H

#include "base/buf.h"

/* $SSL_CERT_FILE, else the first of the usual places that is there; *from: which.  -ENOENT: none;
 * else what file_read() said of *from. */
MW_MUST_CHECK int system_roots_read(struct buf *pem, const char **from);

#endif
