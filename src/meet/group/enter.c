/*
 * Groups that begin with us: made by us, or entered by an external commit (RFC 9420 11, 12.4.3.2).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/commit.h"
#include "meet/group/member.h"
#include "meet/group/receive.h"

#define DAY_S 86400

/* A fresh leaf key, and the leaf that goes with it as a key package would have it (11). */
static int first_leaf(struct mw_mls_group *g, const struct mw_mls_identity *who,
                      struct mw_wall now, uint8_t *scalar, struct buf *out, struct leaf_node *leaf)
{
    uint64_t most = g->app.lifetime_max_s != 0 ? g->app.lifetime_max_s : 90 * DAY_S;
    int64_t lasts = (int64_t)(most < INT32_MAX ? most : INT32_MAX);
    uint8_t point[CRYPT_POINT_MAX];
    struct leaf_wish wish = {
        .who = who,
        .source = LEAF_KEY_PACKAGE,
        .not_before = now,
        .encryption_key = span_of(point, g->s.suite->npk),
        .signing_key = who->signing_key,
    };
    struct reader r;
    int error;

    if (now.s < 0 || now.s > INT64_MAX - lasts)
        return MW_MLS_E_LIFETIME;
    wish.not_after.s = now.s + lasts;
    error = group_error_crypt(
        hpke_pair_make(g->s.crypto, g->s.suite->hpke.kem, g->app.random, scalar, point),
        MW_MLS_E_KEY);
    if (error == 0)
        error = leaf_make(g->s, &wish, out);
    if (error != 0)
        return error;
    r = (struct reader){ .rest = buf_span(out) };
    leaf_node_read(leaf, &r);
    return read_done(&r) ? 0 : MW_MLS_E_MALFORMED;
}

/* In the tree at the next free place, with its private key. */
static int sit_down(struct mw_mls_group *g, const struct mw_mls_identity *who, struct mw_wall now,
                    struct tree_keys **keys, uint32_t *at)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct leaf_node leaf;
    int error = first_leaf(g, who, now, scalar, &b, &leaf);

    if (error == 0)
        error = group_error_tree(tree_add(g->tree, &leaf, at));
    if (error == 0)
        error = group_error_tree(tree_keys_new(keys, *at, span_of(scalar, g->s.suite->nsk)));
    secret_clear(scalar, sizeof(scalar));
    return error;
}

/* ----------------------------------------------------------------------- a new group ---- */

static int first_context(struct mw_mls_group *g, struct mw_span group_id,
                         struct mw_span extensions, struct buf *out)
{
    uint8_t hash[CRYPT_HASH_MAX];
    struct group_context c = {
        .version = MLS_VERSION, .suite = g->s.suite->number, .group_id = group_id,
        .extensions = extensions,
    };
    int error = group_error_tree(tree_hash(g->tree, tree_root(g->tree), hash));

    if (error != 0)
        return error;
    c.tree_hash = span_of(hash, g->s.suite->nh);
    group_context_write(out, &c);
    error = buf_error(out);
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

/* 11: the first epoch's secrets come from a fresh random value. */
static int first_epoch(struct mw_mls_group *g, const struct mw_mls_identity *who,
                       struct mw_span context)
{
    CLEANUP(secret_wipe) struct secret start = { .len = g->s.suite->nh }, none = { 0 };
    int error = g->app.random.fill(g->app.random.context, start.bytes, start.len);

    schedule_no_psk(g->s, &none);
    if (error == 0)
        error = epoch_enter(&g->now, g->s, context, &start, &none, tree_size(g->tree));
    if (error == 0)
        error = epoch_set_signing_key(&g->now, g->s, who->signing_key);
    if (error == 0)
        error = epoch_confirm_own(&g->now, g->s);
    return error;
}

static int check_extensions(const struct mw_mls_group *g, uint32_t leaf, struct mw_span extensions,
                            struct mw_wall now)
{
    struct leaf_place at = { .app = &g->app, .s = g->s, .index = leaf, .now = now };
    struct mw_span none = { NULL, 0 };
    struct leaf_node v;
    int error;

    if (!tree_leaf(g->tree, leaf, &v))
        return MW_MLS_E_TREE;
    error = leaf_fits(g->tree, &v, extensions);
    return error != 0 ? error : external_senders_judge(&at, none, extensions);
}

int mw_mls_create(struct mw_mls_group **out, const struct mw_mls_app *app,
                  const struct mw_mls_identity *who, struct mw_span group_id,
                  struct mw_span extensions, struct mw_wall now)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(GROUP_CONTEXT_MAX + 4);
    struct reader r;
    uint32_t leaf = 0;
    int error;

    if (extensions.len > GROUP_CONTEXT_MAX || group_id.len > GROUP_CONTEXT_MAX)
        return MW_MLS_E_TOO_BIG;
    vector_write(&list, extensions);
    if (buf_error(&list) != 0)
        return buf_error(&list);
    r = (struct reader){ .rest = buf_span(&list) };
    extensions_read(&r);
    if (!read_done(&r))
        return MW_MLS_E_EXTENSIONS;
    error = identity_check(app->crypto, who);
    if (error == 0)
        error = group_new(&g, app, who->suite);
    if (error == 0)
        error = sit_down(g, who, now, &g->now.tree_keys, &leaf);
    if (error == 0)
        error = extensions_fit(g->tree, g->s, extensions);
    if (error == 0)
        error = check_extensions(g, leaf, extensions, now);
    if (error == 0)
        error = first_context(g, group_id, extensions, &context);
    if (error == 0)
        error = first_epoch(g, who, buf_span(&context));
    if (error == 0)
        *out = own_steal(&g);
    return error;
}

/* ------------------------------------------------------------------ an external commit ---- */

/* The committer's place, and the leaf that it takes out, copied. */
static int take_place(struct making *m, struct owned *kept, struct leaf_node *former, bool *found)
{
    struct mw_mls_group *g = m->s.g;
    int error = list_collect(&m->s.list, g, buf_span(&m->by_value), false, &m->left_out);

    if (error == 0)
        error = list_check(&m->s.list, g, m->now);
    if (error == 0)
        error = step_former(&m->s, kept, former, found);
    if (error == 0)
        error = step_begin(&m->s);
    if (error != 0)
        return error;
    m->s.next.keys = crypt_secret(g->s.crypto, sizeof(*m->s.next.keys));
    if (m->s.next.keys == NULL)
        return -ENOMEM;
    return sit_down(g, m->who, m->now, &m->s.next.tree_keys, &m->s.committer);
}

static int sign_external(struct making *m)
{
    struct mw_mls_group *g = m->s.g;
    struct group_context context = group_context_of(&g->now);

    m->a.wire_format = WIRE_PUBLIC_MESSAGE;
    m->a.content = (struct framed_content){
        .group_id = context.group_id,
        .epoch = context.epoch,
        .sender = { .type = SENDER_NEW_COMMIT },
        .content_type = CONTENT_COMMIT,
        .content = buf_span(&m->commit),
    };
    return group_error_frame(frame_sign(g->s, &m->a, owned_span(g->now.context),
                                        m->who->signing_key, m->signature));
}

static int frame_external(struct making *m, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_group *g = m->s.g;
    struct frame_keys keys = { .s = g->s, .context = owned_span(g->now.context) };
    int error = group_error_frame(frame_public(&keys, &m->a, &b));

    return error != 0 ? error : bytes_take(&b, out);
}

int commit_external(struct mw_mls_group *g, const struct mw_mls_identity *who,
                    struct mw_span proposals, const struct secret *init, struct mw_wall now,
                    struct mw_mls_bytes *out)
{
    CLEANUP(making_deinit) struct making m = MAKING_INIT(g, who, now);
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes made = { 0 };
    CLEANUP(owned_free) struct owned kept = { 0 };
    struct update_path path = { 0 };
    struct leaf_node former = { 0 };
    bool found = false;
    int error = identity_check(g->s.crypto, who);

    if (error == 0 && group_context_of(&g->now).epoch == UINT64_MAX)
        error = MW_MLS_E_EXHAUSTED;
    m.s.list.committer.type = SENDER_NEW_COMMIT;
    m.s.list.committer_key = who->signature_key;
    buf_add(&m.by_value, proposals);
    if (error == 0)
        error = buf_error(&m.by_value);
    if (error == 0)
        error = take_place(&m, &kept, &former, &found);
    if (error == 0)
        error = making_path(&m, found ? &former : NULL, &path);
    if (error == 0)
        error = making_write(&m, &path);
    if (error == 0)
        error = sign_external(&m);
    if (error == 0)
        error = making_secrets(&m, NULL, init);
    if (error == 0)
        error = frame_external(&m, &made);
    if (error == 0)
        error = step_ready(&m.s);
    if (error != 0)
        return error;
    *out = made;
    made = (struct mw_mls_bytes){ 0 };
    tree_keys_prune(m.s.next.tree_keys, g->tree);
    step_take(&m.s);
    return 0;
}
