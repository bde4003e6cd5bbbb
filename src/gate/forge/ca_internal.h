/*
 * What ca.c and ca_tend.c share: the table of the parts, and reading them.
 */
#ifndef GATE_FORGE_CA_INTERNAL_H
#define GATE_FORGE_CA_INTERNAL_H

#include "gate/forge/ca.h"

struct ca_kind {
    const char *file;
    const char *common_name;    /* then the first 8 digits of the key's identifier */
    enum signer_kind key;
    unsigned rsa_bits;          /* 0 for P-256 */
    bool self_signed;
    int path_len;
    int64_t life_s;
};
const struct ca_kind *ca_kind(enum ca_part part);

bool ca_in_token(const struct ca_place *place, enum ca_part part);
struct keyholder_place ca_token(const struct ca_place *place);

/* *out NULL: there is none. */
MW_MUST_CHECK int ca_read_cert(struct cert **out, struct vault *v, enum ca_part part,
                               struct buf *error);

/* The private key from the folder, matching the certificate.  -ENOENT: none; -EKEYREJECTED: it
 * is another certificate's. */
MW_MUST_CHECK int ca_read_key(EVP_PKEY **out, struct vault *v, enum ca_part part,
                              const struct cert *cert, struct buf *error);

MW_MUST_CHECK int ca_read_retired(struct ca *out, struct vault *v, struct buf *error);

#endif
