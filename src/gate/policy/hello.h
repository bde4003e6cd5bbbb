/*
 * The first flight of a TLS client, read without TLS code and without memory of its own: the
 * bytes stay where they are, so that they can be handed on untouched.
 *
 * Life:   hello_read() again whenever more has arrived, from the first byte each time, until it
 *         no longer answers HELLO_MORE.
 * Memory: borrows from the bytes, or from `scratch` when the message spans several records.
 * Bounds: HELLO_MAX_BYTES of records, HELLO_MAX_EXTENSIONS.
 * Source: RFC 8446 sections 4.1.2, 4.2 and 5.1; RFC 6066 section 3; RFC 7301; RFC 8701 (GREASE);
 *         draft-ietf-tls-esni (encrypted_client_hello, 0xfe0d).
 */
#ifndef GATE_POLICY_HELLO_H
#define GATE_POLICY_HELLO_H

#include <stdbool.h>

#include "base/span.h"

enum {
    HELLO_MAX_BYTES = 64 * 1024,        /* with record headers; post-quantum shares are 2 KiB */
    HELLO_MAX_EXTENSIONS = 128,
    HELLO_MAX_SUITES = 512,
};

enum hello_state {
    HELLO_MORE,                 /* fine so far */
    HELLO_DONE,
    HELLO_NOT_TLS,              /* the first bytes are no TLS handshake record */
    HELLO_BAD,                  /* TLS, but malformed: hello->wrong says what */
    HELLO_TOO_BIG,              /* over one of the bounds: hello->wrong says which */
};

struct hello {
    struct mw_span message;     /* the handshake message, header included */
    uint16_t legacy_version;    /* ClientHello.legacy_version */
    uint16_t highest_version;   /* of supported_versions without GREASE, else legacy_version */
    struct mw_span random, session_id;
    struct mw_span suites;      /* uint16 each, GREASE included */
    struct mw_span extensions;  /* the block: type, length, body … */
    struct mw_span server_name; /* host_name as sent; empty: none (see has_server_name) */
    struct mw_span alpn;        /* ProtocolNameList's content: uint8 length, name … */
    struct mw_span versions, groups, signature_schemes; /* uint16 each; empty: absent */
    bool has_server_name;
    bool has_ech;               /* encrypted_client_hello, outer, with a payload that is not
                                 * known to be GREASE: nobody can tell those apart */
    bool has_psk, has_early_data;
    const char *wrong;          /* with HELLO_BAD and HELLO_TOO_BIG: one clause */
    size_t records_len;         /* HELLO_DONE: how many of the raw bytes the hello took */
};

/* raw: everything the client has sent so far.  scratch: HELLO_MAX_BYTES of room, used only for a
 * message in several records; NULL is HELLO_BAD for those. */
enum hello_state hello_read(struct hello *h, struct mw_span raw, uint8_t *scratch);

/* For lists of uint16: the i-th, and whether one is there. */
uint16_t hello_item(struct mw_span list, size_t i);
bool hello_has_item(struct mw_span list, uint16_t value);

/* A value that is reserved to be ignored (RFC 8701). */
bool hello_is_grease(uint16_t value);

/* Is this protocol in the client's offer? */
bool hello_offers_alpn(const struct hello *h, const char *protocol);

/* Does the client take ECDSA certificates on P-256 (signature_algorithms, groups)? */
bool hello_takes_ecdsa(const struct hello *h);

#endif
