/*
 * What tests of the sealed core begin with: an opened library, and hex.
 */
#ifndef TESTS_CRYPTO_FIXTURE_H
#define TESTS_CRYPTO_FIXTURE_H

#include "base/buf.h"
#include "meet/crypt/crypt.h"

/* cmocka's group setup and teardown: *state is a struct mw_crypto. */
int test_crypto_open(void **state);
int test_crypto_close(void **state);

/* The bytes of a hex string, until the next call with the same slot (0 to 7). */
struct mw_span test_hex(int slot, const char *hex);

#endif
