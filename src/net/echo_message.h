/*
 * The exporter echo: how a cooperating server says, signed, what it saw of this very
 * connection.  Both sides of docs/echo.md that need no socket: the request target, the answer,
 * and the bytes that are signed.
 *
 * Life:    server: echo_target_read() -> echo_answer_write()
 *          client: echo_target_write() -> echo_answer_read() -> echo_answer_deinit()
 * Memory:  an answer owns its ClientHello; everything else is in place.
 * Bounds:  ECHO_MAX_* below; more is malformed.
 * Errors:  0, < 0 -errno, > 0 enum echo_error.
 * Source:  docs/echo.md; RFC 9266 (tls-exporter), RFC 7469 section 2.4 (key text).
 */
#ifndef NET_ECHO_MESSAGE_H
#define NET_ECHO_MESSAGE_H

#include <openssl/evp.h>

#include "base/buf.h"

#define ECHO_ALPN "midwatch-echo/1"
#define ECHO_PATH "/.well-known/midwatch-echo"

/* RFC 9266 section 2: label, a context of zero length, 32 bytes. */
#define ECHO_EXPORTER_LABEL "EXPORTER-Channel-Binding"

enum {
    ECHO_NONCE_BYTES = 32,
    ECHO_EXPORTER_BYTES = 32,
    ECHO_MAX_HELLO = 16384,             /* ClientHello handshake message, header included */
    ECHO_MAX_ANSWER = 32768,            /* the JSON text */
    ECHO_PIN_TEXT = 64,                 /* room for "sha256/" and 44 characters of base64 */
};

enum echo_error {
    ECHO_E_NOT_OURS = 1,                /* another path than ECHO_PATH */
    ECHO_E_MALFORMED,
    ECHO_E_KEY,                         /* neither Ed25519 nor ECDSA on P-256 */
};

/* What the server says. */
struct echo_claim {
    uint8_t nonce[ECHO_NONCE_BYTES];            /* the client's, echoed */
    uint8_t exporter[ECHO_EXPORTER_BYTES];      /* of the connection the answer travels on */
    struct mw_span hello;                       /* the first ClientHello of that connection, as
                                                 * the handshake message: type, length, body */
    struct mw_wall at;                          /* the server's clock; for people, not judged */
};

struct echo_answer {
    struct echo_claim claim;            /* claim.hello points into `hello` */
    struct buf hello;
    char signer[ECHO_PIN_TEXT];         /* "sha256/…" of the key in the answer */
    bool nonce_good;                    /* it is the nonce we sent */
    bool key_expected;                  /* the signer is the key we expected */
    bool signature_good;                /* the three together: signed by the expected key,
                                         * over our nonce, and the signature holds */
};

/* "/.well-known/midwatch-echo?nonce=" and the nonce in hex. */
void echo_target_write(struct buf *out, const uint8_t nonce[ECHO_NONCE_BYTES]);

/* The nonce of a request target.  ECHO_E_NOT_OURS: some other path; ECHO_E_MALFORMED: ours,
 * but without a nonce of the right length. */
MW_MUST_CHECK int echo_target_read(struct mw_span target, uint8_t nonce[ECHO_NONCE_BYTES]);

/* The answer's JSON, signed with `key` (Ed25519 or P-256).  ECHO_E_MALFORMED: the hello is
 * empty or over ECHO_MAX_HELLO. */
MW_MUST_CHECK int echo_answer_write(struct buf *json, const struct echo_claim *claim,
                                    EVP_PKEY *key);

/* Reads an answer and checks it against our nonce and the key text ("sha256/…") expected.
 * 0: *out is the caller's, whatever its flags say; a wrong signature is a finding, no error.
 * ECHO_E_MALFORMED, ECHO_E_KEY, -ENOMEM: *out needs no deinit. */
MW_MUST_CHECK int echo_answer_read(struct echo_answer *out, struct mw_span json,
                                   const uint8_t nonce[ECHO_NONCE_BYTES],
                                   const char *expected_key);
void echo_answer_deinit(struct echo_answer *a);

/* "sha256/BASE64=" of a key's SubjectPublicKeyInfo, to print and to hand to the client.
 * -ENOMEM, or ECHO_E_KEY. */
MW_MUST_CHECK int echo_key_text(char out[ECHO_PIN_TEXT], EVP_PKEY *key);

#endif
