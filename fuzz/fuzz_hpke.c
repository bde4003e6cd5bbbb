/* HPKE with everything chosen by somebody else: suite, mode, inputs, keys, encapsulated key and
 * message.  Whatever they are, the context and the one-shot call agree, and what is sealed to a
 * key that is accepted opens with it. */
#include <midwatch/hpke.h>
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "meet/crypt/crypt.h"

enum { MOST = 1 << 16 };

static const uint16_t kems[] = { MW_HPKE_X25519, MW_HPKE_P256, MW_HPKE_P384, MW_HPKE_P521,
                                 MW_HPKE_X448, 0 };
static const uint16_t aeads[] = { 1, 2, 3, MW_HPKE_EXPORT_ONLY, 0 };

struct input {
    struct mw_hpke_setup setup;
    struct mw_span private_key, public_key, enc, aad, sealed;
};

static void promise(bool kept)
{
    if (!kept)
        abort();
}

/* 0 or an error of the header. */
static void told(int r)
{
    promise(r >= 0 && r <= MW_HPKE_E_DERIVE);
}

static bool input_read(struct input *in, struct mw_span bytes)
{
    struct reader r = { .rest = bytes };

    in->setup.suite.kem = kems[read_u8(&r) % (sizeof kems / sizeof *kems)];
    in->setup.suite.kdf = read_u8(&r) % 5;
    in->setup.suite.aead = aeads[read_u8(&r) % (sizeof aeads / sizeof *aeads)];
    in->setup.mode = (enum mw_hpke_mode)(read_u8(&r) % 5);
    in->setup.info = read_vec16(&r);
    in->setup.psk = read_vec16(&r);
    in->setup.psk_id = read_vec16(&r);
    in->setup.sender_public = read_vec16(&r);
    in->private_key = read_vec16(&r);
    in->public_key = read_vec16(&r);
    in->enc = read_vec16(&r);
    in->aad = read_vec16(&r);
    in->sealed = read_vec16(&r);
    return !r.failed;
}

static int steady_fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(i + 1);
    return 0;
}

static void receive(const struct mw_crypto *c, const struct input *in)
{
    static uint8_t one[MOST], other[MOST];
    struct mw_hpke_recipient *t = NULL;
    int r = mw_hpke_open(c, &in->setup, in->private_key, in->public_key, in->enc, in->aad,
                         in->sealed, one);
    int again = mw_hpke_recipient_new(&t, c, &in->setup, in->private_key, in->public_key,
                                      in->enc);

    told(r);
    told(again);
    promise((again == 0) == (t != NULL));
    if (again == 0) {
        told(mw_hpke_recipient_export(t, in->aad, other, in->sealed.len));
        again = mw_hpke_recipient_open(t, in->aad, in->sealed, other);
        promise(r == again);
        promise(r != 0 || memcmp(one, other, in->sealed.len - MW_HPKE_TAG) == 0);
    }
    mw_hpke_recipient_free(t);
}

static void send(const struct mw_crypto *c, const struct input *in)
{
    static uint8_t sealed[MOST + MW_HPKE_TAG], opened[MOST];
    const struct mw_random steady = { steady_fill, NULL };
    uint8_t enc[MW_HPKE_PUBLIC_MAX], point[MW_HPKE_PUBLIC_MAX];
    struct mw_hpke_setup setup = in->setup;
    struct mw_hpke_sizes sizes;
    struct mw_span to = in->public_key;
    bool own;
    int r;

    if (mw_hpke_sizes(setup.suite, &sizes) != 0)
        return;
    told(mw_hpke_key_check(c, setup.suite.kem, in->public_key));
    r = mw_hpke_key_public(c, setup.suite.kem, in->private_key, point);
    told(r);
    own = r == 0;
    if (own)
        to = span_of(point, sizes.public_key);
    if (setup.mode >= MW_HPKE_MODE_AUTH && own) {
        setup.sender_private = in->private_key;         /* to oneself */
        setup.sender_public = to;
    }
    r = mw_hpke_seal(c, &setup, to, steady, in->aad, in->sealed, enc, sealed);
    told(r);
    if (r != 0 || !own)
        return;
    setup.sender_private = (struct mw_span){ NULL, 0 };
    promise(mw_hpke_open(c, &setup, in->private_key, to, span_of(enc, sizes.public_key), in->aad,
                         span_of(sealed, in->sealed.len + MW_HPKE_TAG), opened) == 0);
    promise(span_eq(span_of(opened, in->sealed.len), in->sealed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(crypt_freep) struct mw_crypto *c = NULL;
    struct input in = { 0 };

    if (!input_read(&in, span_of(data, len)))
        return 0;
    promise(mw_crypto_new(&c) == 0);
    receive(c, &in);
    send(c, &in);
    return 0;
}
