#include "meet/group/join.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/leaf.h"
#include "meet/group/member.h"
#include "meet/group/psk.h"

int message_error(struct mw_span message)
{
    struct reader r = { .rest = message };

    return read_u16(&r) != MLS_VERSION && !r.failed ? MW_MLS_E_VERSION : MW_MLS_E_MALFORMED;
}

/* --------------------------------------------------------------- the tree that is given ---- */

static int tree_content(const struct group_info *info, struct mw_span given, struct mw_span *out)
{
    struct reader r;

    if (!extension_find(info->extensions, EXT_RATCHET_TREE, &r.rest))
        r.rest = given;
    if (r.rest.len == 0)
        return MW_MLS_E_TREE_MISSING;
    r.failed = false;
    *out = vector_read(&r);
    return read_done(&r) ? 0 : MW_MLS_E_TREE;
}

/* Every member, and every external sender. */
static int check_people(const struct mw_mls_group *g, const struct group_context *context,
                        struct mw_wall now)
{
    struct leaf_place place = {
        .app = &g->app, .s = g->s, .group_id = context->group_id, .now = now,
    };
    struct mw_span none = { NULL, 0 };

    /* That everybody has what the context asks for is known of all at once (join_tree()). */
    for (uint32_t i = tree_next(g->tree, 0); i != TREE_NONE; i = tree_next(g->tree, i + 1)) {
        struct leaf_node leaf;
        int e;

        if (!tree_leaf(g->tree, i, &leaf))
            return MW_MLS_E_TREE;
        place.index = i;
        e = leaf_check_standing(&place, &leaf);
        if (e == 0)
            e = leaf_fits(g->tree, &leaf, none);
        if (e != 0)
            return e;
    }
    return external_senders_judge(&place, none, context->extensions);
}

static int check_info_signature(const struct mw_mls_group *g, const struct group_info *info)
{
    struct leaf_node signer;

    if (!tree_leaf(g->tree, info->signer, &signer))
        return MW_MLS_E_GROUP_INFO_SIGNER;
    return group_error_crypt(label_verify(g->s, signer.signature_key, "GroupInfoTBS",
                                          info->signed_part, info->signature),
                             MW_MLS_E_GROUP_INFO_SIGNATURE);
}

int join_tree(struct mw_mls_group *g, const struct group_info *info, struct mw_span given,
              struct mw_wall now)
{
    uint8_t hash[CRYPT_HASH_MAX];
    struct tree *tree = NULL;
    struct mw_span content;
    int e = tree_content(info, given, &content);

    /* More than anybody could propose here, and all of it is kept for each epoch. */
    if (e == 0 && info->context.extensions.len > GROUP_CONTEXT_MAX)
        e = MW_MLS_E_TOO_BIG;
    if (e != 0)
        return e;
    e = group_error_tree(tree_read(&tree, g->s, content));
    if (e != 0)
        return e;
    tree_free(g->tree);
    g->tree = tree;
    /* 12.4.3.1, in its order. */
    e = check_info_signature(g, info);
    if (e == 0)
        e = group_error_tree(tree_hash(tree, tree_root(tree), hash));
    if (e == 0 && !span_eq(span_of(hash, g->s.suite->nh), info->context.tree_hash))
        e = MW_MLS_E_TREE_HASH;
    if (e == 0)
        e = group_error_tree(tree_check_parents(tree));
    if (e == 0)
        e = extensions_fit(tree, g->s, info->context.extensions);
    return e != 0 ? e : check_people(g, &info->context, now);
}

/* ----------------------------------------------------------------------- by a Welcome ---- */

/* What is read and opened on the way; all in memory that wipes itself. */
struct joining {
    const struct mw_mls_key_package *kp;
    struct welcome welcome;
    struct buf secrets_plain, info_plain;
    struct group_secrets secrets;
    struct group_info info;
    struct psk_id *psks;
    size_t psks_count;
    const struct psk_id *founding;      /* the PSK of a reinit or branch, or NULL */
    struct secret joiner, psk;
};

static void joining_wipe(struct joining *j)
{
    buf_wipe(&j->secrets_plain);
    buf_wipe(&j->info_plain);
    secret_wipe(&j->joiner);
    secret_wipe(&j->psk);
    free(j->psks);
}

static int find_entry(const struct joining *j, struct encrypted_secrets *out)
{
    struct reader r = { .rest = j->welcome.secrets };
    struct mw_span ours = span_of(j->kp->reference, j->kp->s.suite->nh);

    while (read_more(&r)) {
        encrypted_secrets_read(out, &r);
        if (!r.failed && span_eq(out->new_member, ours))
            return 0;
    }
    return MW_MLS_E_NOT_FOR_US;
}

static int open_secrets(struct joining *j)
{
    const struct mw_mls_key_package *kp = j->kp;
    struct encrypted_secrets entry;
    struct reader r;
    uint8_t *room;
    size_t len;
    int e = find_entry(j, &entry);

    if (e != 0)
        return e;
    if (entry.sealed.ciphertext.len < CRYPT_TAG)
        return MW_MLS_E_MALFORMED;
    len = entry.sealed.ciphertext.len - CRYPT_TAG;
    room = buf_reserve(&j->secrets_plain, len);
    if (room == NULL)
        return buf_error(&j->secrets_plain);
    e = label_open(kp->s, span_of(kp->secrets->init, kp->s.suite->nsk), kp->view.init_key,
                   "Welcome", j->welcome.encrypted_group_info, entry.sealed.kem_output,
                   entry.sealed.ciphertext, room);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_SEALED);
    buf_took(&j->secrets_plain, len);
    r = (struct reader){ .rest = buf_span(&j->secrets_plain) };
    group_secrets_read(&j->secrets, &r);
    if (!read_done(&r) || j->secrets.joiner_secret.len != kp->s.suite->nh)
        return MW_MLS_E_MALFORMED;
    return secret_set(&j->joiner, j->secrets.joiner_secret);
}

/* 12.2 lets a commit name one PSK twice with two nonces. */
static bool same_psk(const struct psk_id *a, const struct psk_id *b)
{
    if (a->type != b->type || !span_eq(a->nonce, b->nonce))
        return false;
    if (a->type == PSK_EXTERNAL)
        return span_eq(a->id, b->id);
    return a->usage == b->usage && a->epoch == b->epoch && span_eq(a->group_id, b->group_id);
}

static int add_psk(struct joining *j, const struct psk_id *id)
{
    int e = psk_check(j->kp->s, id);

    if (e != 0)
        return e;
    for (size_t i = 0; i < j->psks_count; i++)
        if (same_psk(&j->psks[i], id))
            return MW_MLS_E_PROPOSAL_TWICE;
    j->psks[j->psks_count++] = *id;
    return 0;
}

/* The PSKs that the Welcome names, looked up (12.4.3.1). */
static int gather_psks(struct joining *j, const struct mw_mls_app *app,
                       struct mw_mls_group *const *old, size_t old_count)
{
    struct psk_place place = {
        .app = app, .s = j->kp->s,
        .groups = (const struct mw_mls_group *const *)old, .groups_count = old_count,
    };
    struct reader r = { .rest = j->secrets.psks };
    size_t n = 0;

    while (read_more(&r)) {
        struct psk_id id;

        psk_id_read(&id, &r);
        n++;
    }
    if (n > MW_MLS_PENDING_MAX)
        return MW_MLS_E_TOO_BIG;
    j->psks = calloc(n > 0 ? n : 1, sizeof(*j->psks));
    if (j->psks == NULL)
        return -ENOMEM;
    r = (struct reader){ .rest = j->secrets.psks };
    while (read_more(&r)) {
        struct psk_id id;
        int e;

        psk_id_read(&id, &r);
        e = add_psk(j, &id);
        if (e != 0)
            return e;
    }
    /* 12.4.3.1: of reinit and branch there is at most one. */
    for (size_t i = 0; i < n; i++) {
        if (j->psks[i].type != PSK_RESUMPTION || j->psks[i].usage == PSK_USE_APPLICATION)
            continue;
        if (j->founding != NULL)
            return MW_MLS_E_PSK_USAGE;
        j->founding = &j->psks[i];
    }
    return psk_gather(&place, j->psks, n, &j->psk);
}

static int open_info(struct joining *j)
{
    CLEANUP(secret_wipe) struct secret welcome = { 0 };
    struct suited s = j->kp->s;
    struct mw_span sealed = j->welcome.encrypted_group_info;
    struct message_key key;
    struct reader r;
    uint8_t *room;
    int e;

    if (sealed.len < CRYPT_TAG)
        return MW_MLS_E_MALFORMED;
    room = buf_reserve(&j->info_plain, sealed.len - CRYPT_TAG);
    if (room == NULL)
        return buf_error(&j->info_plain);
    e = schedule_welcome(s, &j->joiner, &j->psk, &welcome);
    if (e == 0)
        e = schedule_welcome_key(s, &welcome, key.key, key.nonce);
    if (e == 0)
        e = crypt_open(s.crypto, s.suite->aead, span_of(key.key, s.suite->nk), key.nonce,
                       (struct mw_span){ NULL, 0 }, sealed, room);
    message_key_wipe(&key);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_SEALED);
    buf_took(&j->info_plain, sealed.len - CRYPT_TAG);
    r = (struct reader){ .rest = buf_span(&j->info_plain) };
    group_info_read(&j->info, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;
    if (j->info.context.version != MLS_VERSION)
        return MW_MLS_E_VERSION;
    return j->info.context.suite != s.suite->number ? MW_MLS_E_SUITE : 0;
}

/* 12.4.3.1: our leaf is the one of our key package, bit for bit. */
static int find_ourselves(const struct mw_mls_group *g, const struct mw_mls_key_package *kp,
                          uint32_t *leaf)
{
    struct leaf_node v;

    *leaf = tree_find_signature_key(g->tree, kp->view.leaf.signature_key);
    if (*leaf == TREE_NONE || !tree_leaf(g->tree, *leaf, &v) ||
        !span_eq(v.wire, kp->view.leaf.wire))
        return MW_MLS_E_NOT_FOR_US;
    return 0;
}

static int take_keys(struct mw_mls_group *g, const struct joining *j, uint32_t leaf)
{
    const struct mw_mls_key_package *kp = j->kp;
    int e = group_error_tree(tree_keys_new(&g->now.tree_keys, leaf,
                                           span_of(kp->secrets->encryption, g->s.suite->nsk)));

    if (e == 0 && j->secrets.has_path_secret) {
        if (j->info.signer == leaf)
            return MW_MLS_E_GROUP_INFO_SIGNER;
        if (j->secrets.path_secret.len != g->s.suite->nh)
            return MW_MLS_E_MALFORMED;
        e = group_error_tree(tree_keys_implant(g->now.tree_keys, g->s, g->tree, j->info.signer,
                                               j->secrets.path_secret));
    }
    return e;
}

static int enter(struct mw_mls_group *g, const struct joining *j)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    const struct mw_mls_key_package *kp = j->kp;
    int e;

    group_context_write(&context, &j->info.context);
    e = buf_error(&context);
    if (e == 0)
        e = epoch_enter(&g->now, g->s, buf_span(&context), &j->joiner, &j->psk,
                        tree_size(g->tree));
    if (e == 0)
        e = epoch_confirm(&g->now, g->s, j->info.confirmation_tag);
    if (e == 0)
        e = epoch_set_signing_key(&g->now, g->s,
                                  span_of(kp->secrets->signing,
                                          crypt_signing_key_size(g->s.suite->signer)));
    return e;
}

/* 11.2, 11.3: a group under an old one's PSK is the one that the old one promised, and the one
 * that it promised comes under its PSK. */
static int check_founding(const struct mw_mls_group *g, const struct joining *j,
                          struct mw_mls_group *const *old, size_t old_count)
{
    const struct psk_id *psk = j->founding;

    for (size_t i = 0; i < old_count; i++) {
        struct mw_span known;

        if (psk == NULL && succeed_promised(old[i], j->info.context.group_id))
            return MW_MLS_E_REINIT;
        if (psk != NULL && span_eq(mw_mls_group_id(old[i]), psk->group_id) &&
            psk_resumption(old[i], psk->epoch, &known))
            return succeed_check(old[i], psk, &g->app, &j->info.context, g->tree);
    }
    return psk == NULL ? 0 : MW_MLS_E_PSK_UNKNOWN;
}

static int join(struct mw_mls_group *g, struct joining *j, struct mw_span tree,
                struct mw_mls_group *const *old, size_t old_count, struct mw_wall now)
{
    uint32_t leaf;
    int e = open_secrets(j);

    if (e == 0)
        e = gather_psks(j, &g->app, old, old_count);
    if (e == 0)
        e = open_info(j);
    if (e == 0)
        e = join_tree(g, &j->info, tree, now);
    if (e == 0)
        e = find_ourselves(g, j->kp, &leaf);
    if (e == 0)
        e = check_founding(g, j, old, old_count);
    if (e == 0)
        e = take_keys(g, j, leaf);
    return e != 0 ? e : enter(g, j);
}

int mw_mls_join(struct mw_mls_group **out, const struct mw_mls_app *app,
                const struct mw_mls_key_package *kp, struct mw_span welcome, struct mw_span tree,
                struct mw_mls_group *const *old, size_t old_count, struct mw_wall now)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    CLEANUP(joining_wipe) struct joining j = {
        .kp = kp,
        .secrets_plain = BUF_INIT(MW_MLS_BYTES_MAX),
        .info_plain = BUF_INIT(MW_MLS_BYTES_MAX),
    };
    struct mls_message m;
    int e;

    if (welcome.len > MW_MLS_BYTES_MAX || tree.len > MW_MLS_BYTES_MAX)
        return MW_MLS_E_TOO_BIG;
    if (!mls_message_read(&m, welcome))
        return message_error(welcome);
    if (m.format != WIRE_WELCOME)
        return MW_MLS_E_KIND;
    if (m.welcome.suite != kp->s.suite->number)
        return MW_MLS_E_SUITE;
    j.welcome = m.welcome;
    e = group_new(&g, app, kp->s.suite->number);
    if (e == 0)
        e = join(g, &j, tree, old, old_count, now);
    if (e == 0)
        *out = own_steal(&g);
    return e;
}
