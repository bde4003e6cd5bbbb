/*
 * Two ends of HPKE for tests: keys of a KEM and setups of any mode.
 */
#ifndef TESTS_HPKE_FIXTURE_H
#define TESTS_HPKE_FIXTURE_H

#include <midwatch/hpke.h>

#include "crypto_fixture.h"

#define HPKE_INFO   SPAN_LIT("what this is for")
#define HPKE_AAD    SPAN_LIT("in the clear")
#define HPKE_PLAIN  SPAN_LIT("what only one may read")
#define HPKE_PSK    SPAN_LIT("thirty-two bytes of shared secret")
#define HPKE_PSK_ID SPAN_LIT("which one it is")
#define HPKE_NONE   ((struct mw_span){ NULL, 0 })

enum { HPKE_SEALED = 22 + MW_HPKE_TAG, HPKE_KEMS = 5, HPKE_MODES = 4 };

extern const uint16_t hpke_kems[HPKE_KEMS];

struct hpke_keys {
    uint8_t private_bytes[MW_HPKE_PRIVATE_MAX], public_bytes[MW_HPKE_PUBLIC_MAX];
    struct mw_span private_key, public_key;
};

/* Who takes part, in one KEM. */
struct hpke_world {
    const struct mw_crypto *crypto;
    struct mw_hpke_suite suite;
    struct hpke_keys sender, recipient, stranger;
};

void hpke_keys_make(struct hpke_keys *k, const struct mw_crypto *c, uint16_t kem);
void hpke_world_make(struct hpke_world *w, const struct mw_crypto *c, uint16_t kem);

/* What each side says; spans into w. */
struct mw_hpke_setup hpke_sending(const struct hpke_world *w, enum mw_hpke_mode mode);
struct mw_hpke_setup hpke_receiving(const struct hpke_world *w, enum mw_hpke_mode mode);

#endif
