#include "meet/keys/schedule.h"

#include "meet/keys/content.h"

void epoch_secrets_wipe(struct epoch_secrets *e)
{
    secret_clear(e, sizeof *e);
}

static int extract(struct suited s, const struct secret *salt, struct mw_span ikm,
                   struct secret *out)
{
    return crypt_extract(s.crypto, s.suite->hash, secret_span(salt), &ikm, 1, out);
}

/* nh bytes were written to out, unless r. */
static int written(struct suited s, struct secret *out, int r)
{
    out->len = r == 0 ? s.suite->nh : 0;
    secret_clear(out->bytes + out->len, sizeof out->bytes - out->len);
    return r;
}

static int expand(struct suited s, const struct secret *from, const char *label,
                  struct mw_span context, struct secret *out)
{
    return written(s, out, label_expand(s, secret_span(from), label, context, out->bytes,
                                        s.suite->nh));
}

int schedule_joiner(struct suited s, const struct secret *init, const struct secret *commit,
                    struct mw_span context, struct secret *joiner)
{
    CLEANUP(secret_wipe) struct secret prk = { 0 };
    int r = extract(s, init, secret_span(commit), &prk);

    return r != 0 ? r : expand(s, &prk, "joiner", context, joiner);
}

/* What welcome_secret and epoch_secret are both made from. */
static int member_secret(struct suited s, const struct secret *joiner, const struct secret *psk,
                         struct secret *out)
{
    return extract(s, joiner, secret_span(psk), out);
}

int schedule_welcome(struct suited s, const struct secret *joiner, const struct secret *psk,
                     struct secret *out)
{
    CLEANUP(secret_wipe) struct secret member = { 0 };
    int r = member_secret(s, joiner, psk, &member);

    return r != 0 ? r : label_derive(s, secret_span(&member), "welcome", out);
}

int schedule_welcome_key(struct suited s, const struct secret *welcome, uint8_t *key,
                         uint8_t nonce[CRYPT_NONCE])
{
    struct mw_span none = { NULL, 0 };
    int r = label_expand(s, secret_span(welcome), "key", none, key, s.suite->nk);

    if (r == 0)
        r = label_expand(s, secret_span(welcome), "nonce", none, nonce, CRYPT_NONCE);
    if (r != 0)
        secret_clear(key, s.suite->nk);
    return r;
}

int schedule_epoch(struct suited s, const struct secret *joiner, const struct secret *psk,
                   struct mw_span context, struct epoch_secrets *out)
{
    struct {
        const char *label;
        struct secret *out;
    } const derived[] = {
        { "sender data", &out->sender_data },   { "encryption", &out->encryption },
        { "exporter", &out->exporter },         { "external", &out->external },
        { "confirm", &out->confirmation_key },  { "membership", &out->membership_key },
        { "resumption", &out->resumption_psk }, { "authentication", &out->authenticator },
        { "init", &out->init },
    };
    CLEANUP(secret_wipe) struct secret member = { 0 };
    CLEANUP(secret_wipe) struct secret epoch = { 0 };
    int r = member_secret(s, joiner, psk, &member);

    if (r == 0)
        r = expand(s, &member, "epoch", context, &epoch);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(derived); i++)
        r = label_derive(s, secret_span(&epoch), derived[i].label, derived[i].out);
    if (r != 0)
        epoch_secrets_wipe(out);
    return r;
}

void schedule_no_psk(struct suited s, struct secret *out)
{
    *out = (struct secret){ .len = s.suite->nh };
}

/* psk_input_[i] = ExpandWithLabel(Extract(0, psk), "derived psk", PSKLabel). */
static int psk_input_make(struct suited s, const struct psk_input *psk, size_t index, size_t count,
                          struct secret *out)
{
    CLEANUP(buf_deinit) struct buf label = BUF_INIT(SIZE_MAX);
    CLEANUP(secret_wipe) struct secret extracted = { 0 };
    struct secret zero;
    int r;

    schedule_no_psk(s, &zero);
    buf_add(&label, psk->id);
    buf_u16(&label, (uint16_t)index);
    buf_u16(&label, (uint16_t)count);
    r = buf_error(&label);
    if (r == 0)
        r = extract(s, &zero, psk->psk, &extracted);
    return r != 0 ? r : expand(s, &extracted, "derived psk", buf_span(&label), out);
}

int schedule_psk(struct suited s, const struct psk_input *psks, size_t n, struct secret *out)
{
    CLEANUP(secret_wipe) struct secret chain = { 0 };
    CLEANUP(secret_wipe) struct secret input = { 0 };
    CLEANUP(secret_wipe) struct secret next = { 0 };
    int r = 0;

    secret_wipe(out);
    if (n > UINT16_MAX)
        return CRYPT_E_LENGTH;
    schedule_no_psk(s, &chain);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = psk_input_make(s, &psks[i], i, n, &input);
        if (r == 0)
            r = extract(s, &input, secret_span(&chain), &next);
        chain = next;
    }
    if (r == 0)
        *out = chain;
    return r;
}

int schedule_export(struct suited s, const struct secret *exporter, const char *label,
                    struct mw_span context, uint8_t *out, size_t len)
{
    CLEANUP(secret_wipe) struct secret derived = { 0 };
    uint8_t hash[CRYPT_HASH_MAX];
    int r;

    if (len > UINT16_MAX || len > (size_t)255 * s.suite->nh) {
        secret_clear(out, len);
        return CRYPT_E_LENGTH;
    }
    r = label_derive(s, secret_span(exporter), label, &derived);
    if (r == 0)
        r = crypt_digest(s.crypto, s.suite->hash, &context, 1, hash);
    if (r == 0)
        r = label_expand(s, secret_span(&derived), "exported", span_of(hash, s.suite->nh), out,
                         len);
    if (r != 0)
        secret_clear(out, len);
    return r;
}

int schedule_external(struct suited s, const struct secret *external, uint8_t *scalar,
                      uint8_t *point)
{
    return hpke_pair_derive(s.crypto, s.suite->hpke.kem, secret_span(external), scalar, point);
}

static const char init_label[] = "MLS 1.0 external init secret";

int schedule_init_send(struct suited s, struct mw_random random, struct mw_span point,
                       uint8_t *kem_output, struct secret *init)
{
    struct mw_span none = { NULL, 0 };

    return written(s, init,
                   hpke_export_to(s.crypto, s.suite->hpke, random, point, none,
                                  span_str(init_label), kem_output, init->bytes, s.suite->nh));
}

int schedule_init_receive(struct suited s, const struct secret *external, struct mw_span kem_output,
                          struct secret *init)
{
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    struct mw_span none = { NULL, 0 };
    int r = schedule_external(s, external, scalar, point);

    if (r == 0)
        r = hpke_export_from(s.crypto, s.suite->hpke, span_of(scalar, s.suite->nsk),
                             span_of(point, s.suite->npk), kem_output, none,
                             span_str(init_label), init->bytes, s.suite->nh);
    secret_clear(scalar, sizeof scalar);
    return written(s, init, r);
}

int transcript_confirm(struct suited s, struct mw_span interim, uint16_t wire_format,
                       const struct framed_content *content, struct mw_span signature,
                       uint8_t *out)
{
    const uint8_t format[] = { (uint8_t)(wire_format >> 8), (uint8_t)wire_format };
    uint8_t header[4];
    struct mw_span parts[4 + CONTENT_PARTS] = { interim, span_of(format, sizeof format) };
    struct content_room room;
    size_t n = 2;

    n += content_parts(content, &room, parts + n);
    parts[n++] = span_of(header, vector_header_put(header, signature.len));
    parts[n++] = signature;
    return crypt_digest(s.crypto, s.suite->hash, parts, n, out);
}

int transcript_interim(struct suited s, struct mw_span confirmed, struct mw_span confirmation_tag,
                       uint8_t *out)
{
    uint8_t header[4];
    struct mw_span parts[] = { confirmed,
                               span_of(header, vector_header_put(header, confirmation_tag.len)),
                               confirmation_tag };

    return crypt_digest(s.crypto, s.suite->hash, parts, ARRAY_LEN(parts), out);
}

int confirmation_tag(struct suited s, const struct secret *key, struct mw_span confirmed,
                     uint8_t *out)
{
    return crypt_hmac(s.crypto, s.suite->hash, secret_span(key), &confirmed, 1, out);
}

int confirmation_check(struct suited s, const struct secret *key, struct mw_span confirmed,
                       struct mw_span tag)
{
    uint8_t own[CRYPT_HASH_MAX];
    int r = confirmation_tag(s, key, confirmed, own);

    if (r != 0)
        return r;
    return crypt_equal(span_of(own, s.suite->nh), tag) ? 0 : CRYPT_E_FORGED;
}
