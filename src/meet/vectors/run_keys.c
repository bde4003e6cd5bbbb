/* Key schedule, PSK secret, secret tree and transcript hashes (RFC 9420 8, 9). */
#include <errno.h>

#include "meet/keys/schedule.h"
#include "meet/keys/secret_tree.h"
#include "meet/vectors/kinds.h"
#include "meet/wire/codec.h"

/* A secret of the case, which is longer than a hash only by mistake. */
static struct secret secret_of(struct run *r, const json_t *o, const char *field)
{
    struct secret out = { 0 };

    run_result(r, field, secret_set(&out, run_hex(r, o, field)));
    return out;
}

static bool same_secret(struct run *r, const json_t *o, const char *field,
                        const struct secret *got)
{
    return run_same(r, field, run_hex(r, o, field), secret_span(got));
}

/* -------------------------------------------------------------------------- key schedule ---- */

static void context_check(struct run *r, struct suited s, const json_t *c, const json_t *epoch,
                          size_t i, struct mw_span *encoded)
{
    struct group_context context = {
        .version = MLS_VERSION,
        .suite = s.suite->number,
        .group_id = run_hex(r, c, "group_id"),
        .epoch = i,
        .tree_hash = run_hex(r, epoch, "tree_hash"),
        .confirmed_transcript_hash = run_hex(r, epoch, "confirmed_transcript_hash"),
    };
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

    *encoded = run_hex(r, epoch, "group_context");
    group_context_write(&b, &context);
    run_result(r, "group_context", buf_error(&b));
    run_same(r, "group_context", *encoded, buf_span(&b));
}

static void exporter_check(struct run *r, struct suited s, const struct secret *exporter,
                           const json_t *o)
{
    size_t len = run_number(r, o, "length", UINT16_MAX);
    uint8_t *out = arena_alloc(&r->arena, len + 1);

    if (!run_true(r, "memory", out != NULL))
        return;
    run_result(r, "MLS-Exporter",
               schedule_export(s, exporter, run_text(r, o, "label"), run_hex(r, o, "context"),
                               out, len));
    run_same(r, "exporter.secret", run_hex(r, o, "secret"), span_of(out, len));
}

static void secrets_check(struct run *r, const json_t *epoch, const struct epoch_secrets *e)
{
    const struct {
        const char *field;
        const struct secret *got;
    } all[] = {
        { "sender_data_secret", &e->sender_data },    { "encryption_secret", &e->encryption },
        { "exporter_secret", &e->exporter },          { "external_secret", &e->external },
        { "confirmation_key", &e->confirmation_key }, { "membership_key", &e->membership_key },
        { "resumption_psk", &e->resumption_psk },     { "epoch_authenticator", &e->authenticator },
        { "init_secret", &e->init },
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        same_secret(r, epoch, all[i].field, all[i].got);
}

/* init comes in of the epoch before and goes out of this one. */
static void epoch_check(struct run *r, struct suited s, const json_t *epoch,
                        struct mw_span context, struct secret *init)
{
    struct secret commit = secret_of(r, epoch, "commit_secret"), psk, joiner, welcome;
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    struct epoch_secrets e = { 0 };
    struct mw_span given;

    schedule_no_psk(s, &psk);
    if (run_hex_or_null(r, epoch, "psk_secret", &given))
        run_result(r, "psk_secret", secret_set(&psk, given));
    if (!run_result(r, "joiner", schedule_joiner(s, init, &commit, context, &joiner)) ||
        !run_result(r, "welcome", schedule_welcome(s, &joiner, &psk, &welcome)) ||
        !run_result(r, "epoch", schedule_epoch(s, &joiner, &psk, context, &e)) ||
        !run_result(r, "external", schedule_external(s, &e.external, scalar, point)))
        return;
    same_secret(r, epoch, "joiner_secret", &joiner);
    same_secret(r, epoch, "welcome_secret", &welcome);
    secrets_check(r, epoch, &e);
    run_same(r, "external_pub", run_hex(r, epoch, "external_pub"),
             span_of(point, s.suite->npk));
    exporter_check(r, s, &e.exporter, run_object(r, epoch, "exporter"));
    *init = e.init;
}

int run_key_schedule(struct run *r, const json_t *c)
{
    struct secret init = secret_of(r, c, "initial_init_secret");
    const json_t *epochs = run_list(r, c, "epochs");
    struct suited s;

    if (!run_suite(r, c, &s))
        return 0;
    for (size_t i = 0; i < json_array_size(epochs) && !r->failed; i++) {
        const json_t *epoch = json_array_get(epochs, i);
        struct mw_span context;

        run_place(r, "epochs[%zu]", i);
        context_check(r, s, c, epoch, i, &context);
        epoch_check(r, s, epoch, context, &init);
    }
    return 0;
}

/* ----------------------------------------------------------------------------- psk_secret ---- */

static struct mw_span psk_id_of(struct run *r, const json_t *o)
{
    struct psk_id id = { .type = PSK_EXTERNAL,
                         .id = run_hex(r, o, "psk_id"),
                         .nonce = run_hex(r, o, "psk_nonce") };
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    struct mw_span out = { NULL, 0 };

    psk_id_write(&b, &id);
    run_result(r, "psk_id", buf_error(&b));
    if (!r->failed)
        run_result(r, "psk_id", arena_copy(&r->arena, buf_span(&b), &out));
    return out;
}

int run_psk_secret(struct run *r, const json_t *c)
{
    const json_t *list = run_list(r, c, "psks");
    size_t n = json_array_size(list);
    struct psk_input *psks = arena_calloc(&r->arena, n + 1, sizeof *psks);
    struct secret got = { 0 };
    struct suited s;

    if (psks == NULL)
        return -ENOMEM;
    if (!run_suite(r, c, &s))
        return 0;
    for (size_t i = 0; i < n && !r->failed; i++) {
        const json_t *o = json_array_get(list, i);

        run_place(r, "psks[%zu]", i);
        psks[i].id = psk_id_of(r, o);
        psks[i].psk = run_hex(r, o, "psk");
    }
    run_place(r, "%s", "");
    if (run_result(r, "psk_secret", r->failed ? 0 : schedule_psk(s, psks, n, &got)))
        same_secret(r, c, "psk_secret", &got);
    return 0;
}

/* ---------------------------------------------------------------------------- secret tree ---- */

static void key_check(struct run *r, struct suited s, const json_t *o, const char *key_field,
                      const char *nonce_field, const struct message_key *k)
{
    run_same(r, key_field, run_hex(r, o, key_field), span_of(k->key, s.suite->nk));
    run_same(r, nonce_field, run_hex(r, o, nonce_field), span_of(k->nonce, sizeof k->nonce));
}

static void sender_data_check(struct run *r, struct suited s, const json_t *o)
{
    struct secret secret = secret_of(r, o, "sender_data_secret");
    struct message_key k = { 0 };

    run_result(r, "sender data", sender_data_key(s, &secret, run_hex(r, o, "ciphertext"), &k));
    key_check(r, s, o, "key", "nonce", &k);
}

static void generation_check(struct run *r, struct suited s, struct secret_tree *t, uint32_t leaf,
                             const json_t *o)
{
    static const struct {
        enum ratchet_kind kind;
        const char *key, *nonce;
    } ratchets[] = {
        { RATCHET_HANDSHAKE, "handshake_key", "handshake_nonce" },
        { RATCHET_APPLICATION, "application_key", "application_nonce" },
    };
    uint32_t generation = (uint32_t)run_number(r, o, "generation", UINT32_MAX);

    for (size_t i = 0; i < ARRAY_LEN(ratchets); i++) {
        struct message_key k = { 0 };

        if (!run_result(r, ratchets[i].key,
                        secret_tree_key(t, leaf, ratchets[i].kind, generation, &k)))
            return;
        key_check(r, s, o, ratchets[i].key, ratchets[i].nonce, &k);
        secret_tree_used(t, leaf, ratchets[i].kind, generation);
        run_refused(r, "a used key", SECRET_TREE_E_USED,
                    secret_tree_key(t, leaf, ratchets[i].kind, generation, &k));
    }
}

int run_secret_tree(struct run *r, const json_t *c)
{
    struct secret encryption = secret_of(r, c, "encryption_secret");
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    const json_t *leaves = run_list(r, c, "leaves");
    struct suited s;

    if (!run_suite(r, c, &s))
        return 0;
    run_place(r, "sender_data");
    sender_data_check(r, s, run_object(r, c, "sender_data"));
    run_place(r, "%s", "");
    if (!run_result(r, "a tree", secret_tree_new(&t, s, (uint32_t)json_array_size(leaves),
                                                 &encryption)))
        return 0;
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *leaf = json_array_get(leaves, i);

        for (size_t j = 0; j < json_array_size(leaf) && !r->failed; j++) {
            run_place(r, "leaves[%zu][%zu]", i, j);
            generation_check(r, s, t, (uint32_t)i, json_array_get(leaf, j));
        }
    }
    return 0;
}

/* ---------------------------------------------------------------------- transcript hashes ---- */

int run_transcript_hashes(struct run *r, const json_t *c)
{
    struct secret key = secret_of(r, c, "confirmation_key");
    struct mw_span before = run_hex(r, c, "interim_transcript_hash_before");
    struct reader in = { .rest = run_hex(r, c, "authenticated_content") };
    uint8_t confirmed[CRYPT_HASH_MAX], interim[CRYPT_HASH_MAX];
    struct framed_content content;
    struct content_auth auth;
    uint16_t format = read_u16(&in);
    struct mw_span hash;
    struct suited s;

    framed_content_read(&content, &in);
    content_auth_read(&auth, content.content_type, &in);
    run_true(r, "authenticated_content is well formed", read_done(&in));
    run_true(r, "authenticated_content is a commit", content.content_type == CONTENT_COMMIT);
    if (!run_suite(r, c, &s) || r->failed)
        return 0;
    hash = span_of(confirmed, s.suite->nh);
    if (run_result(r, "confirmed", transcript_confirm(s, before, format, &content, auth.signature,
                                                      confirmed)))
        run_same(r, "confirmed_transcript_hash_after",
                 run_hex(r, c, "confirmed_transcript_hash_after"), hash);
    if (run_result(r, "interim", transcript_interim(s, hash, auth.confirmation_tag, interim)))
        run_same(r, "interim_transcript_hash_after",
                 run_hex(r, c, "interim_transcript_hash_after"), span_of(interim, s.suite->nh));
    run_result(r, "confirmation_tag", confirmation_check(s, &key, hash, auth.confirmation_tag));
    return 0;
}
