/*
 * MLS (RFC 9420): a group of members agrees on keys that nobody else has, as members come and go.
 *
 * Pure: bytes, randomness and the time come in, bytes go out.  No sockets, no clock, no globals.
 * The application carries the messages, and gives all members an epoch's commit in the same order.
 *
 *     member                        everybody else
 *     mw_mls_commit()  -- bytes --> mw_mls_receive()          both are in the next epoch then
 *     mw_mls_merge()                                          once the order is settled
 *
 * Memory:  what a call lends in a span lives until the next call on the same object.  What it gives
 *          in a struct mw_mls_bytes is the caller's: mw_mls_bytes_free().
 * Errors:  0 well, < 0 -errno ours (-ENOMEM, -EIO), > 0 enum mw_mls_error, the input's fault.  A
 *          call that fails leaves the group as it was.
 * Threads: one object, one thread at a time.
 * Link:    pkg-config --cflags --libs libmidwatch-sealed
 */
#ifndef MIDWATCH_MLS_H
#define MIDWATCH_MLS_H

#include <stdbool.h>

#include <midwatch/crypto.h>
#include <midwatch/mls_error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_MLS_BYTES_MAX   (64u << 20)  /* of any one message taken or made                   */
#define MW_MLS_SECRET_MAX  64           /* of any secret that goes in or out by value         */
#define MW_MLS_PSK_MAX     1024         /* bytes of an external PSK                           */
#define MW_MLS_PENDING_MAX 4096         /* proposals that wait for a commit in one epoch      */
#define MW_MLS_LEAF_MAX    (256u << 10) /* of a leaf: credential, capabilities, extensions    */
#define MW_MLS_COMMIT_MAX  65536        /* proposals in one commit, made or followed          */

struct mw_mls_change;

struct mw_mls_bytes { uint8_t *data; size_t len; };
MW_API void mw_mls_bytes_free(struct mw_mls_bytes *b);  /* wipes */

enum mw_mls_credential_type { MW_MLS_BASIC = 1, MW_MLS_X509 = 2 };      /* 5.3 */

struct mw_mls_credential {
    uint16_t type;
    struct mw_span body;        /* basic: the identity; X.509: cert_data<V> each, leaf first */
};

/* What only the application can say.  All of it outlives every object made with it. */
struct mw_mls_app {
    const struct mw_crypto *crypto;
    struct mw_random random;
    void *context;              /* given back to the functions below */

    /* Is this signature key theirs (the Authentication Service, 5.3.1)?  before: the credential
     * that it takes the place of, or NULL.  Asked for members, and for the external senders of a
     * context when they come or change.  0: yes.  > 0: no.  Required: there is no default. */
    int (*judge)(void *context, const struct mw_mls_credential *who, struct mw_span signature_key,
                 const struct mw_mls_credential *before, struct mw_wall now);
    /* Whom a credential names, as bytes that are equal for one and the same client: members of a
     * group that succeeds another are compared by them (11.2, 11.3).  *out may lie in the
     * credential, and lives until the call that asked returns.  0 well, > 0: nobody.  NULL: the
     * credential itself, byte for byte. */
    int (*name)(void *context, const struct mw_mls_credential *who, struct mw_span *out);
    /* The external PSK of an id: 0 and *len bytes in out; > 0: unknown.  NULL: there are none. */
    int (*find_psk)(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len);
    /* May this be proposed and committed?  Asked for every proposal before anything changes, ours
     * and theirs.  0: yes.  NULL: what the RFC and the meeting's policy allow. */
    int (*allow)(void *context, const struct mw_mls_change *change);
    /* Seconds a key package's lifetime may be long at most; 0: 90 days and an hour (10.1, 7.2). */
    uint64_t lifetime_max_s;
    uint32_t past_epochs;       /* epochs whose late messages can still be read: 0 to 8 */
    uint32_t padding;           /* private messages are padded to a multiple of it; 0: not */
    bool public_handshakes;     /* proposals and commits as PublicMessage: the relay reads them */
};

/* Somebody, as the group knows them. */
struct mw_mls_member {
    uint32_t leaf;              /* leaf index: theirs as long as they are in */
    struct mw_mls_credential credential;
    struct mw_span signature_key, encryption_key;
};

enum mw_mls_sender { MW_MLS_MEMBER = 1, MW_MLS_EXTERNAL, MW_MLS_NEW_PROPOSAL, MW_MLS_NEW_COMMIT };

enum mw_mls_change_kind {
    MW_MLS_ADDED = 1, MW_MLS_UPDATED, MW_MLS_REMOVED, MW_MLS_PSK, MW_MLS_REINIT,
    MW_MLS_JOINED,              /* by an external commit */
    MW_MLS_EXTENSIONS,          /* of the group context */
};

struct mw_mls_change {
    enum mw_mls_change_kind kind;
    enum mw_mls_sender sender;  /* who proposed it */
    uint32_t sender_index;      /* a member's leaf, or the external sender's number */
    uint32_t committer;         /* leaf; UINT32_MAX: not committed yet; in allow() also of a
                                 * commit by which somebody joins, who has no leaf yet */
    struct mw_mls_member who;   /* added, updated, removed, joined */
    struct mw_span data;        /* PSK: its id; extensions: the list; reinit: the group id */
};

/* ----------------------------------------------------------------- being somebody ---- */

/* Who we are.  Copied by the calls that take it. */
struct mw_mls_identity {
    uint16_t suite;             /* 1 to 7 (17.1) */
    struct mw_mls_credential credential;
    struct mw_span signing_key; /* private, as RFC 9420 5.1.1 and RFC 8032 write it */
    struct mw_span signature_key;
    const uint16_t *extensions; /* more extension types that we take than 1 to 5 */
    size_t extensions_count;
    const uint16_t *proposals;  /* more types than 1 to 7 to list, where a group requires them: this
                                 * library reads none, and a commit with one is MALFORMED */
    size_t proposals_count;
    struct mw_span leaf_extensions;     /* list as it travels, {NULL, 0}: none */
};

/* A fresh signature key pair; its bytes are the caller's to keep. */
MW_API MW_MUST_CHECK int mw_mls_signature_pair(const struct mw_mls_app *app, uint16_t suite,
                                               struct mw_mls_bytes *signing_key,
                                               struct mw_mls_bytes *signature_key);

/* A key package (10) with its private keys: public bytes for whoever adds us, one Welcome each. */
struct mw_mls_key_package;
MW_API MW_MUST_CHECK int mw_mls_key_package_new(struct mw_mls_key_package **out,
                                                const struct mw_mls_app *app,
                                                const struct mw_mls_identity *who,
                                                struct mw_wall not_before,
                                                struct mw_wall not_after);
MW_API void mw_mls_key_package_free(struct mw_mls_key_package *kp);     /* NULL ok; wipes */
/* The MLSMessage to publish. */
MW_API struct mw_span mw_mls_key_package_bytes(const struct mw_mls_key_package *kp);
/* Sealed with a 32-byte key, so that a client can restart before it is welcomed. */
MW_API MW_MUST_CHECK int mw_mls_key_package_save(const struct mw_mls_key_package *kp,
                                                 const uint8_t key[32], struct mw_mls_bytes *out);
MW_API MW_MUST_CHECK int mw_mls_key_package_load(struct mw_mls_key_package **out,
                                                 const struct mw_mls_app *app,
                                                 const uint8_t key[32], struct mw_span saved);

#ifdef __cplusplus
}
#endif

#endif
