/*
 * What the forge signs, and what it refuses whoever asks.  A worker faces the network and may be
 * taken over: it must not get more out of the forge than this.
 *
 * The leaf, made from the origin's certificate:
 *   names       subjectAltName byte for byte; of the subject the common name alone, since what
 *               else stands there (organisation, country) was vouched for by somebody else
 *   purpose     serverAuth, and nothing else the origin had
 *   usage       digitalSignature; keyEncipherment too with RSA; never a CA
 *   time        begins with the origin's or RULES_BACKDATE_S ago, ends with the origin's, after
 *               leaf_s or with the CA's, whichever is least; less than 199 days in all
 *   key ids     SKI of the leaf's own key, AKI the CA's SKI
 *   signature   SHA-256, whatever the origin's was
 *   left out    SCTs and Must-Staple (no log and no responder knows this certificate), pointers
 *               to the origin's CRLs and OCSP (they speak of another certificate), policies.
 *               Nothing links to the origin's fingerprint: the audit log does, and a private
 *               extension would tell every site's script which gateway this is
 *
 * With MINT_UNTRUSTED, for an origin that must not be trusted or that there is none of:
 *   a CA's certificate may be the origin (many devices sign their own so), it comes out cA=FALSE;
 *   its time is copied even where it is over, its purpose even where it is not serverAuth, so that
 *   a client finds what is wrong by itself; without any readable name, or any readable origin, the
 *   only name is the host that was asked for.
 */
#ifndef GATE_FORGE_RULES_H
#define GATE_FORGE_RULES_H

#include "gate/forge/ca.h"
#include "gate/forge/certificate.h"
#include "gate/wire/mint.h"

enum {
    RULES_BACKDATE_S = 3600,
    RULES_MAX_S = 199 * CA_DAY_S - 1,   /* RULES_BACKDATE_S included; browsers refuse 200 days */
    RULES_NO_ORIGIN_S = CA_DAY_S,       /* life of a leaf for a block page */
    RULES_CLOCK_S = CA_DAY_S,           /* how far the worker's clock may be from ours */
    RULES_USABLE_KEYS = 32,
    RULES_MAX_ORIGIN = 128 * 1024,      /* so that the answer fits into a message */
};

enum rule {
    RULE_FINE,
    RULE_CLOCK,                 /* the worker's clock is not ours */
    RULE_KEY_KIND,              /* the leaf's key is no P-256 or RSA 2048, as was asked for */
    RULE_KEY_WEAK,              /* it is one nobody should use, or spelt in an unusual way */
    RULE_KEY_OF_CA,             /* it is a CA's of ours */
    RULE_NO_ORIGIN,
    RULE_ORIGIN_LARGE,
    RULE_ORIGIN_UNREADABLE,
    RULE_ORIGIN_CA,
    RULE_ORIGIN_OURS,           /* signed by us: somebody shows us our own work */
    RULE_ORIGIN_TIME,
    RULE_ORIGIN_PURPOSE,
    RULE_HOST,                  /* no host name and no address */
    RULE_HOST_NOT_COVERED,
    RULE_CA_OVER,               /* the intermediate itself is not valid now */
    RULES,
};
const char *rule_words(enum rule rule); /* one clause; RULE_FINE: "" */

/* What is to be signed.  plan borrows from the ask, from `origin` and from the bufs. */
struct leaf {
    struct certificate_plan plan;
    struct cert *origin;        /* owned; NULL: none */
    struct buf subject, names;  /* owned; DER */
};
void leaf_deinit(struct leaf *l);       /* an all-zero one is fine */

/* Leaf keys that lie on their curve: each worker asks with the same one for a day, and to find out
 * costs more than to sign.  The latest over the oldest. */
struct usable_keys {
    uint8_t sha256[RULES_USABLE_KEYS][32];      /* of the SubjectPublicKeyInfo */
    size_t n;                   /* ever added */
};

struct rules {
    const struct ca *ca;
    int64_t leaf_s;             /* as configured */
    struct usable_keys *usable; /* filled and asked; NULL: each is looked at anew */
};

/* clock: the forge's own.  0: *out is the caller's to deinit.  > 0: enum rule.  -ENOMEM. */
MW_MUST_CHECK int rules_apply(struct leaf *out, const struct rules *rules,
                              const struct mint_ask *ask, struct mw_wall clock);

/* Who signs it. */
enum ca_part rules_signer(const struct mint_ask *ask);

#endif
