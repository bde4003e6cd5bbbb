/*
 * For the tests of framing: an epoch of two members, each with its own view of the secret tree.
 */
#ifndef TESTS_FRAME_FIXTURE_H
#define TESTS_FRAME_FIXTURE_H

#include "meet/frame/frame.h"
#include "keys_fixture.h"
#include "meet/wire/codec.h"

struct pair {
    struct suited s;
    uint8_t private_key[CRYPT_SCALAR_MAX], public_key[CRYPT_POINT_MAX];     /* member 1's */
    struct secret membership, sender_data, encryption;
    uint8_t context[64];
    struct frame_keys sender, receiver;     /* member 1's view and member 0's */
};

void pair_init(struct pair *p, uint16_t suite);
void pair_deinit(struct pair *p);
struct mw_span pair_signing_key(const struct pair *p);
struct mw_span pair_verifying_key(const struct pair *p);

/* Content of each type, from member 1; what a sender of that type could send. */
struct framed_content pair_content(uint8_t content_type);

/* Signed by member 1; signature as frame_sign() wants it.  A commit gets a confirmation tag. */
struct authentic pair_sign(const struct pair *p, uint16_t wire_format,
                           struct framed_content content, uint8_t *signature);

/* Signed and encrypted by member 1, appended to out. */
void pair_seal(const struct pair *p, struct framed_content content, size_t padding,
               struct buf *out);

/* All of receiving: read, open, verify, and the key is used up if all that went well. */
int pair_open(const struct pair *p, struct mw_span message, struct buf *plain,
              struct authentic *a);
int pair_public_open(const struct pair *p, struct mw_span message, struct authentic *a);

#endif
