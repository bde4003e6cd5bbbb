/* Labelled operations (RFC 9420 5.1, 5.2, 8, 9.1). */
#include "meet/label/label.h"
#include "meet/vectors/kinds.h"

enum { LENGTH_MAX = 1024 };

static void ref_hash(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span value = run_hex(r, o, "value"), want = run_hex(r, o, "out");
    uint8_t got[CRYPT_HASH_MAX];

    if (r->failed)
        return;
    if (run_result(r, "RefHash", label_ref_whole(s, span_str(label), value, got)))
        run_same(r, "out", want, span_of(got, s.suite->nh));
}

static void expand(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span secret = run_hex(r, o, "secret"), context = run_hex(r, o, "context");
    size_t length = run_number(r, o, "length", LENGTH_MAX);
    struct mw_span want = run_hex(r, o, "out");
    uint8_t got[LENGTH_MAX];

    if (r->failed)
        return;
    if (run_result(r, "ExpandWithLabel", label_expand(s, secret, label, context, got, length)))
        run_same(r, "out", want, span_of(got, length));
}

static void derive(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span secret = run_hex(r, o, "secret"), want = run_hex(r, o, "out");
    CLEANUP(secret_wipe) struct secret got = { 0 };

    if (r->failed)
        return;
    if (run_result(r, "DeriveSecret", label_derive(s, secret, label, &got)))
        run_same(r, "out", want, secret_span(&got));
}

static void tree_secret(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span secret = run_hex(r, o, "secret"), want = run_hex(r, o, "out");
    uint32_t generation = (uint32_t)run_number(r, o, "generation", UINT32_MAX);
    size_t length = run_number(r, o, "length", LENGTH_MAX);
    uint8_t got[LENGTH_MAX];

    if (r->failed)
        return;
    if (run_result(r, "DeriveTreeSecret",
                   label_tree_secret(s, secret, label, generation, got, length)))
        run_same(r, "out", want, span_of(got, length));
}

/* Theirs verifies, ours does, and neither does for content that is another. */
static void sign(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span key = run_hex(r, o, "priv"), point = run_hex(r, o, "pub");
    struct mw_span content = run_hex(r, o, "content"), theirs = run_hex(r, o, "signature");
    uint8_t ours[CRYPT_SIGNATURE_MAX];
    size_t len;

    if (r->failed)
        return;
    run_result(r, "VerifyWithLabel", label_verify(s, point, label, content, theirs));
    run_result(r, "SignWithLabel", label_sign(s, key, label, content, ours, &len));
    if (r->failed)
        return;
    run_result(r, "VerifyWithLabel of our own",
               label_verify(s, point, label, content, span_of(ours, len)));
    run_refused(r, "VerifyWithLabel with another label", CRYPT_E_FORGED,
                label_verify(s, point, "another", content, theirs));
}

/* Theirs opens, and ours does. */
static void encrypt(struct run *r, struct suited s, const json_t *o)
{
    const char *label = run_text(r, o, "label");
    struct mw_span scalar = run_hex(r, o, "priv"), point = run_hex(r, o, "pub");
    struct mw_span context = run_hex(r, o, "context"), plain = run_hex(r, o, "plaintext");
    struct mw_span enc = run_hex(r, o, "kem_output"), sealed = run_hex(r, o, "ciphertext");
    uint8_t our_enc[CRYPT_POINT_MAX], *our_sealed, *opened;
    struct mw_span ours;

    run_same_number(r, "ciphertext's length", plain.len + CRYPT_TAG, sealed.len);
    our_sealed = arena_alloc(&r->arena, plain.len + CRYPT_TAG);
    opened = arena_alloc(&r->arena, plain.len + 1);
    if (our_sealed == NULL || opened == NULL)
        run_wrong(r, "out of memory");
    if (r->failed)
        return;
    if (run_result(r, "DecryptWithLabel",
                   label_open(s, scalar, point, label, context, enc, sealed, opened)))
        run_same(r, "plaintext", plain, span_of(opened, plain.len));
    if (!run_result(r, "EncryptWithLabel",
                    label_seal(s, r->random, point, label, context, plain, our_enc, our_sealed)))
        return;
    ours = span_of(our_enc, s.suite->npk);
    if (run_result(r, "DecryptWithLabel of our own, without the public key",
                   label_open(s, scalar, span_of(NULL, 0), label, context, ours,
                              span_of(our_sealed, plain.len + CRYPT_TAG), opened)))
        run_same(r, "plaintext of our own", plain, span_of(opened, plain.len));
}

int run_crypto_basics(struct run *r, const json_t *c)
{
    static const struct {
        const char *field;
        void (*run)(struct run *r, struct suited s, const json_t *o);
    } parts[] = {
        { "ref_hash", ref_hash },
        { "expand_with_label", expand },
        { "derive_secret", derive },
        { "derive_tree_secret", tree_secret },
        { "sign_with_label", sign },
        { "encrypt_with_label", encrypt },
    };
    struct suited s;

    if (!run_suite(r, c, &s))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const json_t *o = run_object(r, c, parts[i].field);

        run_place(r, "%s", parts[i].field);
        parts[i].run(r, s, o);
        run_place(r, "%s", "");
    }
    return 0;
}
