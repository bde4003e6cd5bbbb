/*
 * For the tests of the secret tree and of framing: suites, bytes from hex, and message keys derived
 * the long way, straight from RFC 9420 section 9.
 */
#ifndef TESTS_KEYS_FIXTURE_H
#define TESTS_KEYS_FIXTURE_H

#include "meet/keys/schedule.h"
#include "meet/keys/secret_tree.h"

/* The library, opened once for the whole program. */
struct suited fixture_suite(uint16_t number);
void fixture_close(void);

/* At most 1,024 bytes; valid until sixteen others were asked for. */
struct mw_span fixture_hex(const char *hex);
/* nh bytes that only seed decides. */
struct secret fixture_secret(struct suited s, uint8_t seed);
struct secret fixture_secret_hex(const char *hex);

/* From the encryption secret down to one key, keeping nothing. */
struct message_key fixture_key(struct suited s, uint32_t leaves, const struct secret *encryption,
                               uint32_t leaf, enum ratchet_kind kind, uint32_t generation);

/* The tree's saved state; the caller wipes it. */
struct buf fixture_state(const struct secret_tree *t);

#endif
