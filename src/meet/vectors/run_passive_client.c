/* The "passive-client" kinds: somebody joins by a Welcome and follows what the others do. */
#include <errno.h>

#include "base/own.h"
#include "meet/group/member.h"
#include "meet/vectors/kinds.h"

struct follower {
    struct run *run;
    const json_t *psks;
};

/* The vectors know nothing of who may be believed. */
static int believe(void *context, const struct mw_mls_credential *who,
                   struct mw_span signature_key, const struct mw_mls_credential *before,
                   struct mw_wall now)
{
    (void)context, (void)who, (void)signature_key, (void)before, (void)now;
    return 0;
}

static int find_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len)
{
    const struct follower *f = context;
    const json_t *entry;
    size_t i;

    json_array_foreach (f->psks, i, entry) {
        struct mw_span psk;

        if (!span_eq(run_hex(f->run, entry, "psk_id"), id))
            continue;
        psk = run_hex(f->run, entry, "psk");
        if (psk.len > MW_MLS_PSK_MAX)
            return 1;
        memcpy(out, psk.data, psk.len);
        *len = psk.len;
        return 0;
    }
    return 1;
}

static void follow_epoch(struct run *r, struct mw_mls_group *g, const json_t *epoch,
                         struct mw_wall now)
{
    const json_t *proposals = run_list(r, epoch, "proposals"), *p;
    struct mw_mls_event event;
    size_t i;

    json_array_foreach (proposals, i, p) {
        if (!run_result(r, "proposal", mw_mls_receive(g, run_hex_of(r, p, "proposal"), now,
                                                      &event)))
            return;
    }
    if (run_result(r, "commit", mw_mls_receive(g, run_hex(r, epoch, "commit"), now, &event)))
        run_same(r, "epoch_authenticator", run_hex(r, epoch, "epoch_authenticator"),
                 mw_mls_epoch_authenticator(g));
}

static void follow(struct run *r, const json_t *c, const struct mw_mls_app *app,
                   const struct mw_mls_key_package *kp)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    const json_t *epochs = run_list(r, c, "epochs"), *epoch;
    /* Whenever it was that the vector was made, it was then. */
    struct mw_wall now = { (int64_t)kp->view.leaf.not_before + 3600 };
    struct mw_span tree;
    size_t i;

    run_hex_or_null(r, c, "ratchet_tree", &tree);
    if (!run_result(r, "join", mw_mls_join(&g, app, kp, run_hex(r, c, "welcome"), tree, NULL, 0,
                                           now)))
        return;
    run_same(r, "initial_epoch_authenticator", run_hex(r, c, "initial_epoch_authenticator"),
             mw_mls_epoch_authenticator(g));
    json_array_foreach (epochs, i, epoch) {
        run_place(r, "epochs[%zu]", i);
        if (!r->failed)
            follow_epoch(r, g, epoch, now);
    }
}

/* The suite is said twice. */
static void suite_same(struct run *r, const json_t *c, struct suited s)
{
    struct mw_span wire = run_hex(r, c, "key_package");
    struct mls_message m;

    if (!r->failed && run_true(r, "key_package: a KeyPackage in an MLSMessage",
                               mls_message_read(&m, wire) && m.format == WIRE_KEY_PACKAGE))
        run_same_number(r, "the key package's suite", s.suite->number, m.key_package.suite);
}

int run_passive_client(struct run *r, const json_t *c)
{
    CLEANUP(key_package_freep) struct mw_mls_key_package *kp = NULL;
    struct follower f = { .run = r, .psks = run_list(r, c, "external_psks") };
    struct mw_mls_app app = {
        .crypto = r->crypto, .random = r->random, .context = &f,
        .judge = believe, .find_psk = find_psk, .lifetime_max_s = UINT64_MAX,
    };
    struct suited s;

    if (!run_suite(r, c, &s))
        return 0;
    suite_same(r, c, s);
    if (run_result(r, "private keys that belong to the key package",
                   key_package_restore(
                       &kp, &app, run_hex(r, c, "key_package"),
                       run_private_key(r, c, "init_priv", s.suite->nsk),
                       run_private_key(r, c, "encryption_priv", s.suite->nsk),
                       run_private_key(r, c, "signature_priv",
                                 crypt_signing_key_size(s.suite->signer)))))
        follow(r, c, &app, kp);
    return 0;
}
