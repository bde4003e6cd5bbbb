/*
 * MLS's structures as they travel (RFC 9420 section 6, 7, 10, 12).  Reading allocates nothing:
 * every span is borrowed from what was read.  Lists stay as their bytes, checked once while
 * reading to be well formed down to the last entry, so that going through them later with the
 * same _read functions cannot fail.  Each _write gives the bytes that were read.
 * `wire` is the whole structure, `signed_part` what its signature covers of it (the TBS without
 * what the section adds from outside).
 * Errors:  a reader that failed: malformed.
 */
#ifndef MEET_WIRE_WIRE_H
#define MEET_WIRE_WIRE_H

#include "meet/wire/numbers.h"
#include "meet/wire/vector.h"

struct credential {             /* 5.3 */
    uint16_t type;
    struct mw_span body;        /* basic: the identity; X.509: list of cert_data<V>, leaf first */
};

struct capabilities {           /* 7.2: lists of uint16 */
    struct mw_span versions, suites, extensions, proposals, credentials;
};

struct leaf_node {              /* 7.2 */
    struct mw_span encryption_key, signature_key;
    struct credential credential;
    struct capabilities capabilities;
    uint8_t source;             /* enum leaf_source */
    uint64_t not_before, not_after;     /* key_package: seconds since 1970 */
    struct mw_span parent_hash;         /* commit */
    struct mw_span extensions;
    struct mw_span signature;
    struct mw_span signed_part, wire;
};

struct parent_node {            /* 7.1 */
    struct mw_span encryption_key, parent_hash;
    struct mw_span unmerged;    /* list of uint32 leaf indices, increasing */
};

struct key_package {            /* 10 */
    uint16_t version, suite;
    struct mw_span init_key;
    struct leaf_node leaf;
    struct mw_span extensions, signature;
    struct mw_span signed_part, wire;
};

struct psk_id {                 /* 8.4 */
    uint8_t type;               /* enum psk_type */
    struct mw_span id;          /* external */
    uint8_t usage;              /* resumption: enum psk_usage, */
    struct mw_span group_id;
    uint64_t epoch;
    struct mw_span nonce;
};

struct reinit {                 /* 12.1.5 */
    struct mw_span group_id;
    uint16_t version, suite;
    struct mw_span extensions;
};

struct proposal {               /* 12.1 */
    uint16_t type;
    union {
        struct key_package add;
        struct leaf_node update;
        uint32_t remove;        /* leaf index */
        struct psk_id psk;
        struct reinit reinit;
        struct mw_span kem_output;      /* external init */
        struct mw_span extensions;      /* group context extensions */
    };
    struct mw_span wire;
};

struct proposal_or_ref {        /* 12.4 */
    bool by_reference;
    struct mw_span reference;
    struct proposal proposal;
};

struct hpke_ciphertext {        /* 5.1.3 */
    struct mw_span kem_output, ciphertext;
};

struct path_node {              /* 7.6 */
    struct mw_span encryption_key;
    struct mw_span ciphertexts; /* list of HPKECiphertext */
};

struct update_path {
    struct leaf_node leaf;
    struct mw_span nodes;       /* list of UpdatePathNode */
};

struct commit {                 /* 12.4 */
    struct mw_span proposals;   /* list of ProposalOrRef */
    bool has_path;
    struct update_path path;
};

struct group_context {          /* 8.1 */
    uint16_t version, suite;
    struct mw_span group_id;
    uint64_t epoch;
    struct mw_span tree_hash, confirmed_transcript_hash, extensions;
};

struct group_info {             /* 12.4.3 */
    struct group_context context;
    struct mw_span extensions, confirmation_tag;
    uint32_t signer;
    struct mw_span signature;
    struct mw_span signed_part, wire;
};

struct group_secrets {          /* 12.4.3.1 */
    struct mw_span joiner_secret;
    bool has_path_secret;
    struct mw_span path_secret;
    struct mw_span psks;        /* list of PreSharedKeyID */
};

struct encrypted_secrets {
    struct mw_span new_member;  /* a KeyPackageRef */
    struct hpke_ciphertext sealed;
};

struct welcome {
    uint16_t suite;
    struct mw_span secrets;     /* list of EncryptedGroupSecrets */
    struct mw_span encrypted_group_info;
};

struct sender {                 /* 6 */
    uint8_t type;               /* enum sender_type */
    uint32_t index;             /* of a leaf, or in external_senders */
};

struct framed_content {         /* 6 */
    struct mw_span group_id;
    uint64_t epoch;
    struct sender sender;
    struct mw_span aad;
    uint8_t content_type;
    struct mw_span content;     /* application data, or the Proposal or Commit as they travel */
    struct mw_span wire;
};

struct content_auth {           /* 6.1 */
    struct mw_span signature;
    struct mw_span confirmation_tag;    /* a commit's; else none */
};

struct public_message {         /* 6.2 */
    struct framed_content content;
    struct content_auth auth;
    struct mw_span membership_tag;      /* a member's; else none */
};

struct private_message {        /* 6.3 */
    struct mw_span group_id;
    uint64_t epoch;
    uint8_t content_type;
    struct mw_span aad, encrypted_sender_data, ciphertext;
};

struct mls_message {            /* 6 */
    uint16_t version, format;
    union {
        struct public_message public_message;
        struct private_message private_message;
        struct welcome welcome;
        struct group_info group_info;
        struct key_package key_package;
    };
    struct mw_span wire;
};

#endif
