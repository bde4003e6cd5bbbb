#include "hpke_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const uint16_t hpke_kems[HPKE_KEMS] = { MW_HPKE_X25519, MW_HPKE_P256, MW_HPKE_P384, MW_HPKE_P521,
                                        MW_HPKE_X448 };

void hpke_keys_make(struct hpke_keys *k, const struct mw_crypto *c, uint16_t kem)
{
    struct mw_hpke_sizes sizes;

    assert_int_equal(mw_hpke_sizes((struct mw_hpke_suite){ kem, 1, 1 }, &sizes), 0);
    assert_int_equal(mw_hpke_key_make(c, kem, mw_random_system(), k->private_bytes,
                                      k->public_bytes), 0);
    k->private_key = span_of(k->private_bytes, sizes.private_key);
    k->public_key = span_of(k->public_bytes, sizes.public_key);
}

void hpke_world_make(struct hpke_world *w, const struct mw_crypto *c, uint16_t kem)
{
    w->crypto = c;
    w->suite = (struct mw_hpke_suite){ kem, MW_HPKE_HKDF_SHA256, MW_HPKE_AES_128_GCM };
    hpke_keys_make(&w->sender, c, kem);
    hpke_keys_make(&w->recipient, c, kem);
    hpke_keys_make(&w->stranger, c, kem);
}

static struct mw_hpke_setup common(const struct hpke_world *w, enum mw_hpke_mode mode)
{
    struct mw_hpke_setup s = { .suite = w->suite, .mode = mode, .info = HPKE_INFO };

    if (mode == MW_HPKE_MODE_PSK || mode == MW_HPKE_MODE_AUTH_PSK) {
        s.psk = HPKE_PSK;
        s.psk_id = HPKE_PSK_ID;
    }
    return s;
}

struct mw_hpke_setup hpke_sending(const struct hpke_world *w, enum mw_hpke_mode mode)
{
    struct mw_hpke_setup s = common(w, mode);

    if (mode >= MW_HPKE_MODE_AUTH)
        s.sender_private = w->sender.private_key;
    return s;
}

struct mw_hpke_setup hpke_receiving(const struct hpke_world *w, enum mw_hpke_mode mode)
{
    struct mw_hpke_setup s = common(w, mode);

    if (mode >= MW_HPKE_MODE_AUTH)
        s.sender_public = w->sender.public_key;
    return s;
}
