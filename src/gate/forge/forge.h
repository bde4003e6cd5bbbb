/*
 * The forge: holds the CA's keys and mints leaves, in a process without network.  And the
 * `midwatch gate ca` commands, which make and show the CA.
 *
 * Keys in CA_FOLDER: root.pem, root.key (encrypted; needed only to renew the intermediates),
 * intermediate-ec.{pem,key}, intermediate-rsa.{pem,key}, untrusted-ec.{pem,key},
 * untrusted-rsa.{pem,key}.  The untrusted CA is self-made and never to be installed anywhere.
 */
#ifndef GATE_FORGE_FORGE_H
#define GATE_FORGE_FORGE_H

#include "gate/policy/config.h"

/* `midwatch gate ca init|export|rotate|show`; argv[0] is "ca".  The exit status. */
int ca_command(int argc, char **argv);

/* Makes the CA if there is none yet, and renews intermediates that end soon.  For the parent,
 * before it starts the forge.  0, or with `error`. */
MW_MUST_CHECK int ca_ensure(const struct gate_config *c, struct buf *error);

/* The root's certificate, DER: no secret.  0, or with `error`. */
MW_MUST_CHECK int ca_root(const struct gate_config *c, struct buf *der, struct buf *error);

/* Every certificate the gate signs with or signed with that is not over, PEM. */
MW_MUST_CHECK int ca_own(const struct gate_config *c, struct buf *pem, struct buf *error);

/* A digest of the certificates in use: another one after ca_ensure() means that a forge that
 * runs has the old keys, and is to be started anew. */
MW_MUST_CHECK int ca_stamp(const struct gate_config *c, uint8_t sha256[32], struct buf *error);

#endif
