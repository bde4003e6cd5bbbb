/* The "welcome" kind: a Welcome opened step by step, without a tree. */
#include <errno.h>

#include "meet/keys/schedule.h"
#include "meet/keys/secret_tree.h"
#include "meet/vectors/kinds.h"
#include "meet/wire/codec.h"

#define ROOM (1u << 16)

struct opened_welcome {
    struct suited s;
    struct key_package key_package;
    struct welcome welcome;
    struct secret joiner, no_psk;
    uint8_t secrets_plain[ROOM], info_plain[ROOM];
    struct group_info info;
};

static void open_secrets(struct run *r, struct opened_welcome *w, struct mw_span init)
{
    struct reader list = { .rest = w->welcome.secrets };
    struct encrypted_secrets entry = { 0 };
    struct group_secrets secrets;
    uint8_t ours[CRYPT_HASH_MAX];
    bool found = false;
    struct reader in;

    if (!run_result(r, "KeyPackageRef", label_ref(w->s, "KeyPackage Reference",
                                                  w->key_package.wire, ours)))
        return;
    while (!found && read_more(&list)) {
        encrypted_secrets_read(&entry, &list);
        found = span_eq(entry.new_member, span_of(ours, w->s.suite->nh));
    }
    if (!run_true(r, "an entry for the key package", found) ||
        !run_true(r, "secrets that fit", entry.sealed.ciphertext.len >= CRYPT_TAG &&
                                             entry.sealed.ciphertext.len < ROOM))
        return;
    if (!run_result(r, "GroupSecrets opened",
                    label_open(w->s, init, w->key_package.init_key, "Welcome",
                               w->welcome.encrypted_group_info, entry.sealed.kem_output,
                               entry.sealed.ciphertext, w->secrets_plain)))
        return;
    in = (struct reader){
        .rest = { w->secrets_plain, entry.sealed.ciphertext.len - CRYPT_TAG },
    };
    group_secrets_read(&secrets, &in);
    if (run_true(r, "GroupSecrets read", read_done(&in)))
        run_result(r, "joiner secret", secret_set(&w->joiner, secrets.joiner_secret));
}

static void open_info(struct run *r, struct opened_welcome *w)
{
    CLEANUP(secret_wipe) struct secret secret = { 0 };
    struct mw_span sealed = w->welcome.encrypted_group_info;
    struct message_key key;
    struct reader in;

    schedule_no_psk(w->s, &w->no_psk);
    if (!run_true(r, "a GroupInfo that fits", sealed.len >= CRYPT_TAG && sealed.len < ROOM) ||
        !run_result(r, "welcome secret",
                    schedule_welcome(w->s, &w->joiner, &w->no_psk, &secret)) ||
        !run_result(r, "welcome key",
                    schedule_welcome_key(w->s, &secret, key.key, key.nonce)) ||
        !run_result(r, "GroupInfo opened",
                    crypt_open(r->crypto, w->s.suite->aead, span_of(key.key, w->s.suite->nk),
                               key.nonce, (struct mw_span){ NULL, 0 }, sealed, w->info_plain)))
        return;
    in = (struct reader){ .rest = { w->info_plain, sealed.len - CRYPT_TAG } };
    group_info_read(&w->info, &in);
    run_true(r, "GroupInfo read", read_done(&in));
}

static void check_info(struct run *r, struct opened_welcome *w, struct mw_span signer)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(ROOM);
    CLEANUP(epoch_secrets_wipe) struct epoch_secrets epoch = { 0 };
    uint8_t tag[CRYPT_HASH_MAX];

    if (!run_result(r, "GroupInfo signature",
                    label_verify(w->s, signer, "GroupInfoTBS", w->info.signed_part,
                                 w->info.signature)))
        return;
    group_context_write(&context, &w->info.context);
    if (!run_result(r, "GroupContext", buf_error(&context)) ||
        !run_result(r, "key schedule", schedule_epoch(w->s, &w->joiner, &w->no_psk,
                                                      buf_span(&context), &epoch)) ||
        !run_result(r, "confirmation tag",
                    confirmation_tag(w->s, &epoch.confirmation_key,
                                     w->info.context.confirmed_transcript_hash, tag)))
        return;
    run_same(r, "confirmation_tag", w->info.confirmation_tag, span_of(tag, w->s.suite->nh));
}

int run_welcome(struct run *r, const json_t *c)
{
    struct opened_welcome *w = arena_alloc(&r->arena, sizeof(*w));
    struct mw_span init = run_hex(r, c, "init_priv"), signer = run_hex(r, c, "signer_pub");
    struct mls_message kp, welcome;

    if (w == NULL)
        return -ENOMEM;
    if (!run_suite(r, c, &w->s))
        return 0;
    if (!run_true(r, "key_package read",
                  mls_message_read(&kp, run_hex(r, c, "key_package")) &&
                      kp.format == WIRE_KEY_PACKAGE) ||
        !run_true(r, "welcome read", mls_message_read(&welcome, run_hex(r, c, "welcome")) &&
                                         welcome.format == WIRE_WELCOME))
        return 0;
    w->key_package = kp.key_package;
    w->welcome = welcome.welcome;
    open_secrets(r, w, init);
    if (!r->failed)
        open_info(r, w);
    if (!r->failed)
        check_info(r, w, signer);
    return 0;
}
