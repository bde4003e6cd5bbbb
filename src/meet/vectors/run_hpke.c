/* HPKE (RFC 9180 appendix A): each setup step by step, then through the public header, with all
 * its encryptions and exports. */
#include "meet/hpke/context.h"
#include "meet/hpke/public.h"
#include "meet/vectors/kinds.h"

enum { MESSAGE_MAX = 4096, EXPORT_MAX = 255 * CRYPT_HASH_MAX };

struct pair {
    struct mw_span ikm, scalar, point;
};

/* A setup's fields. */
struct setup {
    struct mw_hpke_setup with;
    struct hpke_parts parts;
    struct pair ephemeral, recipient, sender;
    struct mw_span enc;
};

/* "Random" bytes that are the vector's own. */
struct given {
    struct mw_span bytes;
    bool odd;                   /* we wanted another number of them */
};

static int given_fill(void *context, uint8_t *out, size_t len)
{
    struct given *g = context;

    g->odd = g->odd || len != g->bytes.len;
    for (size_t i = 0; i < len; i++)
        out[i] = i < g->bytes.len ? g->bytes.data[i] : 0;
    return 0;
}

static struct pair pair_read(struct run *r, const json_t *c, const char *ikm, const char *scalar,
                             const char *point)
{
    return (struct pair){ run_hex(r, c, ikm), run_hex(r, c, scalar), run_hex(r, c, point) };
}

/* DeriveKeyPair gives the pair, and the public key follows from the private one. */
static void pair_same(struct run *r, uint16_t kem, const char *who, const struct pair *p)
{
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];

    run_place(r, "%s", who);
    if (r->failed || !run_result(r, "DeriveKeyPair",
                                 mw_hpke_key_derive(r->crypto, kem, p->ikm, scalar, point)))
        return;
    run_same(r, "private key", p->scalar, span_of(scalar, p->scalar.len));
    run_same(r, "public key", p->point, span_of(point, p->point.len));
    if (run_result(r, "pk", mw_hpke_key_public(r->crypto, kem, p->scalar, point)))
        run_same(r, "pk", p->point, span_of(point, p->point.len));
    run_result(r, "validation", mw_hpke_key_check(r->crypto, kem, p->point));
}

static bool sizes_fit(struct run *r, const struct setup *s, const struct pair *p)
{
    return run_same_number(r, "private key's size", crypt_scalar_size(s->parts.group),
                           p->scalar.len) &&
           run_same_number(r, "public key's size", crypt_point_size(s->parts.group),
                           p->point.len);
}

static bool setup_read(struct run *r, const json_t *c, struct setup *s)
{
    uint16_t kem = (uint16_t)run_number(r, c, "kem_id", UINT16_MAX);
    uint16_t kdf = (uint16_t)run_number(r, c, "kdf_id", UINT16_MAX);
    uint16_t aead = (uint16_t)run_number(r, c, "aead_id", UINT16_MAX);
    bool psk, auth;

    s->with.suite = (struct mw_hpke_suite){ kem, kdf, aead };
    s->with.mode = (enum mw_hpke_mode)run_number(r, c, "mode", 3);
    s->with.info = run_hex(r, c, "info");
    psk = s->with.mode == MW_HPKE_MODE_PSK || s->with.mode == MW_HPKE_MODE_AUTH_PSK;
    auth = s->with.mode == MW_HPKE_MODE_AUTH || s->with.mode == MW_HPKE_MODE_AUTH_PSK;
    if (r->failed)
        return false;
    if (!hpke_parts_of((struct hpke_suite){ kem, kdf, aead }, &s->parts)) {
        run_skip(r, "KEM %u, KDF %u, AEAD %u: not all of them are of RFC 9180", kem, kdf, aead);
        return false;
    }
    s->ephemeral = pair_read(r, c, "ikmE", "skEm", "pkEm");
    s->recipient = pair_read(r, c, "ikmR", "skRm", "pkRm");
    s->enc = run_hex(r, c, "enc");
    if (!sizes_fit(r, s, &s->ephemeral) || !sizes_fit(r, s, &s->recipient) ||
        !run_same(r, "enc", s->ephemeral.point, s->enc))
        return false;
    if (psk) {
        s->with.psk = run_hex(r, c, "psk");
        s->with.psk_id = run_hex(r, c, "psk_id");
    }
    if (auth)
        s->sender = pair_read(r, c, "ikmS", "skSm", "pkSm");
    return !auth || sizes_fit(r, s, &s->sender);
}

/* ------------------------------------------------------------------ the steps inside ---- */

/* LabeledExtract (4), made from its parts: what lies between is compared too, so that a difference
 * shows where it begins. */
static bool extracted(struct run *r, const struct setup *s, struct mw_span salt, const char *label,
                      struct mw_span ikm, struct secret *out)
{
    const struct mw_hpke_suite n = s->with.suite;
    const uint8_t id[] = { 'H', 'P', 'K', 'E', (uint8_t)(n.kem >> 8), (uint8_t)n.kem,
                           (uint8_t)(n.kdf >> 8), (uint8_t)n.kdf, (uint8_t)(n.aead >> 8),
                           (uint8_t)n.aead };
    const struct mw_span parts[] = { SPAN_LIT("HPKE-v1"), { id, sizeof(id) }, span_str(label),
                                     ikm };

    return !r->failed && run_result(r, label, crypt_extract(r->crypto, s->parts.hash, salt, parts,
                                                            ARRAY_LEN(parts), out));
}

/* KeySchedule's (5.1) key_schedule_context and secret. */
static void between_same(struct run *r, const json_t *c, const struct setup *s,
                         const struct secret *shared)
{
    struct mw_span want_context = run_hex(r, c, "key_schedule_context");
    struct mw_span want_secret = run_hex(r, c, "secret"), none = { NULL, 0 };
    CLEANUP(secret_wipe) struct secret id = { 0 }, info = { 0 }, secret = { 0 };
    uint8_t context[1 + 2 * CRYPT_HASH_MAX] = { (uint8_t)s->with.mode };

    if (!extracted(r, s, none, "psk_id_hash", s->with.psk_id, &id) ||
        !extracted(r, s, none, "info_hash", s->with.info, &info) ||
        !extracted(r, s, secret_span(shared), "secret", s->with.psk, &secret))
        return;
    memcpy(context + 1, id.bytes, id.len);
    memcpy(context + 1 + id.len, info.bytes, info.len);
    run_same(r, "key_schedule_context", want_context, span_of(context, 1 + id.len + info.len));
    run_same(r, "secret", want_secret, secret_span(&secret));
}

/* ComputeNonce (5.2): base_nonce with the sequence number in it. */
static void nonce_same(struct run *r, const json_t *c, struct mw_span base)
{
    uint64_t number = run_number(r, c, "sequence_number", UINT64_MAX - 1);
    struct mw_span want = run_hex(r, c, "nonce");
    uint8_t nonce[CRYPT_NONCE];

    if (!run_same_number(r, "base_nonce's length", sizeof(nonce), base.len))
        return;
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(base.data[i] ^
                             (i < 4 ? 0 : number >> 8 * (sizeof(nonce) - 1 - i)));
    run_same(r, "nonce", want, span_of(nonce, sizeof(nonce)));
}

static void schedule_same(struct run *r, const json_t *c, const struct setup *s,
                          const struct secret *shared)
{
    const struct hpke_inputs in = { .mode = (enum hpke_mode)s->with.mode, .info = s->with.info,
                                    .psk = s->with.psk, .psk_id = s->with.psk_id };
    struct mw_span key = run_hex(r, c, "key"), nonce = run_hex(r, c, "base_nonce");
    struct mw_span exporter = run_hex(r, c, "exporter_secret");
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    bool keyed = !s->parts.export_only;

    if (r->failed ||
        !run_result(r, "KeySchedule", hpke_schedule(r->crypto, &s->parts, &in, shared,
                                                    HPKE_WANT_AEAD | HPKE_WANT_EXPORTER, &a)))
        return;
    run_same(r, "key", key, span_of(a.key, keyed ? crypt_key_size(s->parts.aead) : 0));
    run_same(r, "base_nonce", nonce, span_of(a.nonce, keyed ? CRYPT_NONCE : 0));
    run_same(r, "exporter_secret", exporter, secret_span(&a.exporter));
    between_same(r, c, s, shared);
}

static void steps_same(struct run *r, const json_t *c, const struct setup *s)
{
    const struct hpke_pair ephemeral = { s->ephemeral.scalar, s->ephemeral.point };
    const struct hpke_pair own = { s->recipient.scalar, s->recipient.point };
    const struct hpke_pair sender = { s->sender.scalar, s->sender.point };
    struct mw_span want = run_hex(r, c, "shared_secret");
    CLEANUP(secret_wipe) struct secret shared = { 0 };

    run_place(r, "steps");
    if (r->failed ||
        !run_result(r, "Encap", hpke_encap(r->crypto, &s->parts, ephemeral, own.point, sender,
                                           &shared)) ||
        !run_same(r, "Encap's shared_secret", want, secret_span(&shared)) ||
        !run_result(r, "Decap", hpke_decap(r->crypto, &s->parts, own, s->enc, sender.point,
                                           &shared)) ||
        !run_same(r, "Decap's shared_secret", want, secret_span(&shared)))
        return;
    schedule_same(r, c, s, &shared);
}

/* --------------------------------------------------------------- the public contexts ---- */

struct ends {
    struct mw_hpke_sender *sender;
    struct mw_hpke_recipient *recipient;
    struct mw_span base_nonce;
};

static void ends_free(struct ends *e)
{
    mw_hpke_sender_free(e->sender);
    mw_hpke_recipient_free(e->recipient);
}

static bool ends_make(struct run *r, const struct setup *s, struct ends *e)
{
    struct mw_hpke_setup sending = s->with, receiving = s->with;
    struct given given = { .bytes = s->ephemeral.ikm };
    uint8_t enc[MW_HPKE_PUBLIC_MAX];

    sending.sender_private = s->sender.scalar;
    receiving.sender_public = s->sender.point;
    run_place(r, "setup");
    return !r->failed &&
           run_result(r, "SetupS", mw_hpke_sender_new(&e->sender, r->crypto, &sending,
                                                      s->recipient.point,
                                                      (struct mw_random){ given_fill, &given },
                                                      enc)) &&
           run_true(r, "ikmE has Nsk bytes", !given.odd) &&
           run_same(r, "enc", s->enc, span_of(enc, s->enc.len)) &&
           run_result(r, "SetupR", mw_hpke_recipient_new(&e->recipient, r->crypto, &receiving,
                                                         s->recipient.scalar, s->recipient.point,
                                                         s->enc));
}

static void encryption(struct run *r, const json_t *c, const struct ends *e)
{
    uint64_t number = run_number(r, c, "sequence_number", UINT64_MAX - 1);
    struct mw_span pt = run_hex(r, c, "pt"), ct = run_hex(r, c, "ct"), aad = run_hex(r, c, "aad");
    uint8_t out[MESSAGE_MAX + MW_HPKE_TAG];

    if (!r->failed && (pt.len > MESSAGE_MAX || ct.len != pt.len + MW_HPKE_TAG))
        run_wrong(r, "a message of more than %d bytes, or of another length sealed", MESSAGE_MAX);
    if (r->failed)
        return;
    nonce_same(r, c, e->base_nonce);
    hpke_sender_seek(e->sender, number);
    hpke_recipient_seek(e->recipient, number);
    if (run_result(r, "Seal", mw_hpke_sender_seal(e->sender, aad, pt, out)))
        run_same(r, "ct", ct, span_of(out, ct.len));
    hpke_recipient_seek(e->recipient, number + 1);
    run_refused(r, "Open out of order", MW_HPKE_E_OPEN,
                mw_hpke_recipient_open(e->recipient, aad, ct, out));
    hpke_recipient_seek(e->recipient, number);
    if (run_result(r, "Open", mw_hpke_recipient_open(e->recipient, aad, ct, out)))
        run_same(r, "pt", pt, span_of(out, pt.len));
}

static void exported(struct run *r, const json_t *c, const struct ends *e)
{
    size_t len = (size_t)run_number(r, c, "L", EXPORT_MAX);
    struct mw_span context = run_hex(r, c, "exporter_context");
    struct mw_span want = run_hex(r, c, "exported_value");
    uint8_t out[EXPORT_MAX];

    if (r->failed)
        return;
    if (run_result(r, "Export", mw_hpke_sender_export(e->sender, context, out, len)))
        run_same(r, "the sender's export", want, span_of(out, len));
    if (run_result(r, "Export", mw_hpke_recipient_export(e->recipient, context, out, len)))
        run_same(r, "the recipient's export", want, span_of(out, len));
}

static void each(struct run *r, const json_t *c, const char *list, const struct ends *e,
                 void (*run)(struct run *r, const json_t *c, const struct ends *e))
{
    const json_t *items = run_list(r, c, list);

    for (size_t i = 0; i < json_array_size(items) && !r->failed; i++) {
        run_place(r, "%s[%zu]", list, i);
        run(r, json_array_get(items, i), e);
    }
}

int run_hpke(struct run *r, const json_t *c)
{
    CLEANUP(ends_free) struct ends ends = { 0 };
    struct setup s = { 0 };

    if (!setup_read(r, c, &s))
        return 0;
    pair_same(r, s.with.suite.kem, "ephemeral key", &s.ephemeral);
    pair_same(r, s.with.suite.kem, "recipient's key", &s.recipient);
    if (s.sender.point.len > 0)
        pair_same(r, s.with.suite.kem, "sender's key", &s.sender);
    steps_same(r, c, &s);
    ends.base_nonce = run_hex(r, c, "base_nonce");
    if (ends_make(r, &s, &ends)) {
        each(r, c, "encryptions", &ends, encryption);
        each(r, c, "exports", &ends, exported);
    }
    return 0;
}
