/*
 * "Mint a leaf for this origin certificate", and the answer.
 * Source of the rules a forge holds to: see forge/rules.h.
 */
#ifndef GATE_WIRE_MINT_H
#define GATE_WIRE_MINT_H

#include <midwatch/types.h>

#include "base/buf.h"

enum mint_ca { MINT_TRUSTED, MINT_UNTRUSTED };
enum mint_key { MINT_P256, MINT_RSA2048 };

struct mint_ask {
    uint64_t id;
    enum mint_ca ca;
    enum mint_key key;
    struct mw_span spki;        /* DER, of the worker's leaf key of that kind */
    struct mw_span host;        /* as asked for */
    struct mw_span origin;      /* the origin's leaf, DER; empty only with MINT_UNTRUSTED: there
                                 * is none, `host` becomes the only name */
    struct mw_wall now;
};

enum mint_status {
    MINT_OK,
    MINT_BUSY,                  /* over the rate: try later */
    MINT_REFUSED,               /* against the rules; `why` says which */
    MINT_BROKEN,                /* no usable CA: missing, expired, wrong passphrase */
};

struct mint_answer {
    uint64_t id;
    enum mint_status status;
    struct mw_span why;         /* one clause; empty with MINT_OK */
    struct mw_span leaf, intermediate;  /* DER */
    struct mw_wall not_after;   /* of the leaf */
};

/* Writers append a whole message, type byte included.  Readers take one, type byte included;
 * spans borrow from it; -EINVAL: malformed. */
void mint_ask_write(struct buf *out, const struct mint_ask *ask);
MW_MUST_CHECK int mint_ask_read(struct mint_ask *ask, struct mw_span message);
void mint_answer_write(struct buf *out, const struct mint_answer *answer);
MW_MUST_CHECK int mint_answer_read(struct mint_answer *answer, struct mw_span message);

#endif
