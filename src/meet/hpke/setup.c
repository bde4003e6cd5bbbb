/* Setting up a sender or a recipient: what midwatch/hpke.h's contexts and one-shot calls begin
 * with (RFC 9180 5.1). */
#include "meet/hpke/public.h"

void hpke_ready_wipe(struct hpke_ready *r)
{
    hpke_agreed_wipe(&r->agreed);
}

int hpke_result(int r, enum mw_hpke_error key_error)
{
    switch (r) {
    case CRYPT_E_KEY:
        return key_error;
    case CRYPT_E_FORGED:
        return MW_HPKE_E_OPEN;
    case CRYPT_E_UNSUPPORTED:
        return MW_HPKE_E_SUITE;
    case CRYPT_E_LENGTH:
        return MW_HPKE_E_LENGTH;
    default:
        return r;
    }
}

/* RFC 9180 7.2.1: what is left of the longest input of a hash beside the labels.  SHA-384 and
 * SHA-512 take more than an address space. */
static bool kdf_takes(enum crypt_hash h, size_t len, size_t less)
{
    return h != CRYPT_SHA256 || len <= ((uint64_t)1 << 61) - less;
}

int hpke_message_fits(const struct hpke_parts *p, struct mw_span aad, size_t plain_len)
{
    uint64_t most = p->aead == CRYPT_CHACHA20_POLY1305 ? ((uint64_t)1 << 38) - 64
                                                       : ((uint64_t)1 << 36) - 31;

    if (p->export_only)
        return MW_HPKE_E_EXPORT_ONLY;
    return plain_len <= most && aad.len < (uint64_t)1 << 61 ? 0 : MW_HPKE_E_LENGTH;
}

int hpke_export_fits(const struct hpke_parts *p, struct mw_span context, size_t len)
{
    return len <= 255 * crypt_hash_size(p->hash) && kdf_takes(p->hash, context.len, 120)
               ? 0
               : MW_HPKE_E_LENGTH;
}

static bool is_psk_mode(enum mw_hpke_mode mode)
{
    return mode == MW_HPKE_MODE_PSK || mode == MW_HPKE_MODE_AUTH_PSK;
}

static bool is_auth_mode(enum mw_hpke_mode mode)
{
    return mode == MW_HPKE_MODE_AUTH || mode == MW_HPKE_MODE_AUTH_PSK;
}

/* VerifyPSKInputs (5.1), and the same for the sender's key: what the mode wants is there, what
 * it does not want is not. */
static int check_inputs(const struct mw_hpke_setup *s, const struct hpke_parts *p, bool sending)
{
    bool psk = is_psk_mode(s->mode), auth = is_auth_mode(s->mode);

    if ((unsigned)s->mode > MW_HPKE_MODE_AUTH_PSK)
        return MW_HPKE_E_SUITE;
    if ((s->psk.len > 0) != psk || (s->psk_id.len > 0) != psk)
        return MW_HPKE_E_INPUTS;
    if ((s->sender_private.len > 0) != (auth && sending))
        return MW_HPKE_E_INPUTS;
    if (sending ? !auth && s->sender_public.len > 0 : (s->sender_public.len > 0) != auth)
        return MW_HPKE_E_INPUTS;
    if (psk && s->psk.len < 32)
        return MW_HPKE_E_PSK;   /* 5.1.2 MUST: at least 32 bytes of entropy */
    return kdf_takes(p->hash, s->psk.len, 88) && kdf_takes(p->hash, s->psk_id.len, 93) &&
                   kdf_takes(p->hash, s->info.len, 91)
               ? 0
               : MW_HPKE_E_LENGTH;
}

static int begin(const struct mw_hpke_setup *s, bool sending, struct hpke_parts *p,
                 struct hpke_inputs *in)
{
    const struct hpke_suite suite = { s->suite.kem, s->suite.kdf, s->suite.aead };

    if (!hpke_parts_of(suite, p))
        return MW_HPKE_E_SUITE;
    *in = (struct hpke_inputs){ .mode = (enum hpke_mode)s->mode, .info = s->info, .psk = s->psk,
                                .psk_id = s->psk_id };
    return check_inputs(s, p, sending);
}

/* The sender's own pair in the auth modes: its public half goes into the shared secret. */
static int sender_pair(const struct mw_crypto *c, const struct mw_hpke_setup *s,
                       const struct hpke_parts *p, uint8_t *point, struct hpke_pair *out)
{
    struct mw_span computed = span_of(point, crypt_point_size(p->group));
    int r;

    if (!is_auth_mode(s->mode))
        return 0;
    r = hpke_result(crypt_public(c, p->group, s->sender_private, point), MW_HPKE_E_SENDER_KEY);
    if (r != 0)
        return r;
    if (s->sender_public.len > 0 && !crypt_equal(s->sender_public, computed))
        return MW_HPKE_E_SENDER_KEY;
    *out = (struct hpke_pair){ s->sender_private, computed };
    return 0;
}

int hpke_ready_sender(struct hpke_ready *out, const struct mw_crypto *c,
                      const struct mw_hpke_setup *setup, struct mw_span public_key,
                      struct mw_random random, int want, uint8_t *enc)
{
    uint8_t point[CRYPT_POINT_MAX];
    struct hpke_inputs in;
    int r = begin(setup, true, &out->parts, &in);

    if (r == 0)
        r = sender_pair(c, setup, &out->parts, point, &in.sender);
    if (r == 0)
        return hpke_result(hpke_agree_sender(c, &out->parts, &in, random, public_key, want, enc,
                                             &out->agreed), MW_HPKE_E_PUBLIC_KEY);
    if (r != MW_HPKE_E_SUITE)
        secret_clear(enc, crypt_point_size(out->parts.group));
    return r;
}

/* Which key it was that Decap found to be none.  The recipient's own was tried before. */
static int blame(const struct mw_crypto *c, const struct hpke_parts *p, struct mw_span private_key,
                 struct mw_span enc)
{
    uint8_t shared[CRYPT_SHARED_MAX];
    int r = crypt_shared(c, p->group, private_key, enc, shared);

    secret_clear(shared, sizeof shared);
    return r == 0 ? MW_HPKE_E_SENDER_KEY : hpke_result(r, MW_HPKE_E_ENC);
}

int hpke_ready_recipient(struct hpke_ready *out, const struct mw_crypto *c,
                         const struct mw_hpke_setup *setup, struct mw_span private_key,
                         struct mw_span public_key, struct mw_span enc, int want)
{
    const struct hpke_pair own = { private_key, public_key };
    struct hpke_parts *p = &out->parts;
    struct hpke_inputs in;
    int r = begin(setup, false, p, &in);

    if (r != 0)
        return r;
    if (private_key.len != crypt_scalar_size(p->group) ||
        !crypt_scalar_fits(p->group, private_key.data))
        return MW_HPKE_E_PRIVATE_KEY;
    if (public_key.len > 0 && public_key.len != crypt_point_size(p->group))
        return MW_HPKE_E_PUBLIC_KEY;
    in.sender.point = setup->sender_public;
    r = hpke_agree_recipient(c, p, &in, own, enc, want, &out->agreed);
    return r == CRYPT_E_KEY ? blame(c, p, private_key, enc) : hpke_result(r, MW_HPKE_E_ENC);
}
