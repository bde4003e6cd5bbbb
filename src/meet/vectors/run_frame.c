/* Messages protected, and what protects them taken off again (RFC 9420 6). */
#include "meet/frame/frame.h"
#include "meet/vectors/kinds.h"
#include "meet/wire/codec.h"

enum { SENDER = 1, LEAVES = 2 };

/* A case's group, of two members: leaf 1 sends. */
struct scene {
    struct run *r;
    struct frame_keys keys;
    struct secret membership, sender_data, encryption;
    struct mw_span group_id, signature_priv, signature_pub;
    uint64_t epoch;
    struct buf context;
};

static void scene_end(struct scene *s)
{
    buf_deinit(&s->context);
}

static void scene_read(struct scene *s, const json_t *c)
{
    struct run *r = s->r;
    struct group_context context = {
        .version = MLS_VERSION,
        .suite = s->keys.s.suite->number,
        .group_id = run_hex(r, c, "group_id"),
        .epoch = run_number(r, c, "epoch", INT64_MAX),
        .tree_hash = run_hex(r, c, "tree_hash"),
        .confirmed_transcript_hash = run_hex(r, c, "confirmed_transcript_hash"),
    };

    group_context_write(&s->context, &context);
    run_result(r, "context", buf_error(&s->context));
    s->group_id = context.group_id;
    s->epoch = context.epoch;
    s->signature_priv = run_private_key(r, c, "signature_priv",
                                        crypt_signing_key_size(s->keys.s.suite->signer));
    s->signature_pub = run_hex(r, c, "signature_pub");
    run_result(r, "membership_key",
               secret_set(&s->membership, run_hex(r, c, "membership_key")));
    run_result(r, "sender_data_secret",
               secret_set(&s->sender_data, run_hex(r, c, "sender_data_secret")));
    run_result(r, "encryption_secret",
               secret_set(&s->encryption, run_hex(r, c, "encryption_secret")));
    s->keys.context = buf_span(&s->context);
    s->keys.membership_key = &s->membership;
    s->keys.sender_data_secret = &s->sender_data;
}

static void verified(struct scene *s, const struct authentic *a, struct mw_span want)
{
    run_result(s->r, "signature", frame_verify(s->keys.s, a, s->keys.context, s->signature_pub));
    run_same(s->r, "content", want, a->content.content);
    run_same_number(s->r, "sender", SENDER, a->content.sender.index);
}

static void public_check(struct scene *s, struct mw_span message, struct mw_span want)
{
    struct mls_message m;
    struct authentic a;

    if (run_true(s->r, "a PublicMessage",
                 mls_message_read(&m, message) && m.format == WIRE_PUBLIC_MESSAGE) &&
        run_result(s->r, "membership tag", frame_public_open(&s->keys, &m.public_message, &a)))
        verified(s, &a, want);
}

static void private_check(struct scene *s, struct mw_span message, struct mw_span want)
{
    CLEANUP(secret_tree_freep) struct secret_tree *secrets = NULL;
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(1 << 24);
    struct frame_keys k = s->keys;
    struct mls_message m;
    struct authentic a;
    struct opened o;

    if (!run_true(s->r, "a PrivateMessage",
                  mls_message_read(&m, message) && m.format == WIRE_PRIVATE_MESSAGE) ||
        !run_result(s->r, "a tree", secret_tree_new(&secrets, k.s, LEAVES, &s->encryption)))
        return;
    k.secrets = secrets;
    if (!run_result(s->r, "unprotect",
                    frame_private_open(&k, &m.private_message, &plain, &a, &o)))
        return;
    verified(s, &a, want);
    frame_private_used(&k, &o);
    run_refused(s->r, "a message opened twice", FRAME_E_GENERATION,
                frame_private_open(&k, &m.private_message, &plain, &a, &o));
}

/* Content as leaf 1 would send it in this format, signed; a commit with a tag of some value. */
static bool signed_content(struct scene *s, uint16_t format, uint8_t type, struct mw_span content,
                           struct authentic *a, uint8_t *signature)
{
    *a = (struct authentic){
        .wire_format = format,
        .content = { .group_id = s->group_id, .epoch = s->epoch,
                     .sender = { SENDER_MEMBER, SENDER }, .content_type = type,
                     .content = content },
    };
    if (type == CONTENT_COMMIT)
        a->auth.confirmation_tag = secret_span(&s->membership);
    return run_result(s->r, "sign",
                      frame_sign(s->keys.s, a, s->keys.context, s->signature_priv, signature));
}

static void public_again(struct scene *s, uint8_t type, struct mw_span content)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 24);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a;

    if (!signed_content(s, WIRE_PUBLIC_MESSAGE, type, content, &a, signature))
        return;
    if (type == CONTENT_APPLICATION)
        run_refused(s->r, "application data in public", FRAME_E_PUBLIC_APPLICATION,
                    frame_public(&s->keys, &a, &out));
    else if (run_result(s->r, "protect in public", frame_public(&s->keys, &a, &out)))
        public_check(s, buf_span(&out), content);
}

static void private_again(struct scene *s, uint8_t type, struct mw_span content)
{
    CLEANUP(secret_tree_freep) struct secret_tree *secrets = NULL;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 24);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct frame_keys k = s->keys;
    struct authentic a;

    if (!signed_content(s, WIRE_PRIVATE_MESSAGE, type, content, &a, signature) ||
        !run_result(s->r, "a tree", secret_tree_new(&secrets, k.s, LEAVES, &s->encryption)))
        return;
    k.secrets = secrets;
    if (run_result(s->r, "protect", frame_private(&k, &a, 10, s->r->random, &out)))
        private_check(s, buf_span(&out), content);
}

int run_message_protection(struct run *r, const json_t *c)
{
    static const struct {
        uint8_t type;
        const char *content, *in_public, *in_private;
    } messages[] = {
        { CONTENT_PROPOSAL, "proposal", "proposal_pub", "proposal_priv" },
        { CONTENT_COMMIT, "commit", "commit_pub", "commit_priv" },
        { CONTENT_APPLICATION, "application", NULL, "application_priv" },
    };
    CLEANUP(scene_end) struct scene s = { .r = r, .context = BUF_INIT(1 << 20) };

    if (!run_suite(r, c, &s.keys.s))
        return 0;
    scene_read(&s, c);
    for (size_t i = 0; i < ARRAY_LEN(messages) && !r->failed; i++) {
        struct mw_span content = run_hex(r, c, messages[i].content);

        run_place(r, "%s", messages[i].content);
        if (messages[i].in_public != NULL)
            public_check(&s, run_hex(r, c, messages[i].in_public), content);
        private_check(&s, run_hex(r, c, messages[i].in_private), content);
        public_again(&s, messages[i].type, content);
        private_again(&s, messages[i].type, content);
    }
    return 0;
}
