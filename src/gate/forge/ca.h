/*
 * The gate's own authorities: a root that people install, intermediates that sign leaves, and an
 * untrusted pair that signs for origins nobody should trust.
 * Life:   ca_tend() makes what is missing and renews what ends soon; ca_load() -> reads ->
 *         ca_deinit() in the forge.
 * Memory: struct ca owns all it points to; keys only where signer.key or keyholder_fd is set.
 * Source: RFC 5280; CA/Browser Baseline Requirements 6.1.5 for key sizes.
 */
#ifndef GATE_FORGE_CA_H
#define GATE_FORGE_CA_H

#include "gate/forge/forge.h"
#include "gate/forge/signer.h"
#include "gate/forge/vault.h"
#include "trust/cert.h"

enum ca_part {
    CA_ROOT,
    CA_INTERMEDIATE_EC,
    CA_INTERMEDIATE_RSA,
    CA_UNTRUSTED_EC,            /* self-signed, and never to be installed anywhere */
    CA_UNTRUSTED_RSA,
    CA_PARTS,
};

enum {
    CA_DAY_S = 86400,
    CA_ROOT_LIFE_S = 3650 * CA_DAY_S,
    CA_LIFE_S = 90 * CA_DAY_S,          /* of all but the root */
    CA_RENEW_S = 30 * CA_DAY_S,         /* less is left: renewed */
    CA_BACKDATE_S = CA_DAY_S,           /* clients' clocks are slow at times */
    CA_RETIRED_MAX = 64,
};

/* Where it lies and what it is called; all borrowed. */
struct ca_place {
    const char *folder, *passphrase_file;       /* as in struct gate_config */
    const char *name;                           /* the gateway's */
    const char *pkcs11, *pkcs11_module, *pin_file;
};
struct ca_place ca_place_of(const struct gate_config *c);

const char *ca_part_file(enum ca_part part);    /* "root", "intermediate-ec", … */

enum ca_wish {
    CA_KEEP,                    /* only what is missing, damaged or ends soon */
    CA_ROTATE,                  /* everything but the root anew */
    CA_ROTATE_ROOT,             /* everything anew: people have to install the new root */
};

/* In this process: keys pass through its memory.  0, -ENOMEM or another -errno with `error`. */
MW_MUST_CHECK int ca_tend(const struct ca_place *place, enum ca_wish wish, struct mw_wall now,
                          struct buf *error);

/* The same in a process of its own, so that no key is ever in ours. */
MW_MUST_CHECK int ca_tend_apart(const struct ca_place *place, enum ca_wish wish,
                                struct mw_wall now, struct buf *error);

struct ca_member {
    struct cert *cert;
    struct signer signer;
};

struct ca {
    struct ca_member members[CA_PARTS]; /* the root without its key */
    struct cert *retired[CA_RETIRED_MAX];       /* replaced, and not over yet */
    size_t n_retired;
};

/* Certificates only: no passphrase is needed.  Missing ones are NULL.  -ENOENT: no folder. */
MW_MUST_CHECK int ca_load_certs(struct ca *out, const struct ca_place *place, struct buf *error);

/* With the keys to sign with, each checked against its certificate. */
MW_MUST_CHECK int ca_load(struct ca *out, const struct ca_place *place, struct buf *error);
void ca_deinit(struct ca *ca);          /* an all-zero one is fine */

void ca_write_pem(struct buf *out, struct mw_span der);       /* RFC 7468 */

#endif
