/*
 * What the application looks at.
 */
#include <errno.h>

#include "meet/group/receive.h"

struct mw_span mw_mls_group_id(const struct mw_mls_group *g)
{
    return group_context_of(&g->now).group_id;
}

uint64_t mw_mls_epoch(const struct mw_mls_group *g)
{
    return group_context_of(&g->now).epoch;
}

uint16_t mw_mls_suite(const struct mw_mls_group *g)
{
    return g->s.suite->number;
}

uint32_t mw_mls_own_leaf(const struct mw_mls_group *g)
{
    return group_own_leaf(g);
}

uint32_t mw_mls_member_count(const struct mw_mls_group *g)
{
    return tree_members(g->tree);
}

bool mw_mls_active(const struct mw_mls_group *g)
{
    return g->state == GROUP_ACTIVE;
}

int group_check_active(const struct mw_mls_group *g)
{
    switch (g->state) {
    case GROUP_REMOVED:
        return MW_MLS_E_REMOVED;
    case GROUP_CLOSED:
        return MW_MLS_E_CLOSED;
    default:
        return 0;
    }
}

bool mw_mls_member_next(const struct mw_mls_group *g, uint32_t from, struct mw_mls_member *out)
{
    uint32_t leaf = tree_next(g->tree, from);
    struct leaf_node v;

    if (leaf == TREE_NONE || !tree_leaf(g->tree, leaf, &v))
        return false;
    *out = (struct mw_mls_member){
        .leaf = leaf,
        .credential = { .type = v.credential.type, .body = v.credential.body },
        .signature_key = v.signature_key,
        .encryption_key = v.encryption_key,
    };
    return true;
}

const struct mw_mls_change *mw_mls_changes(const struct mw_mls_group *g, size_t *count)
{
    *count = g->now.changes_count;
    return g->now.changes;
}

struct mw_span mw_mls_epoch_authenticator(const struct mw_mls_group *g)
{
    return g->now.keys != NULL ? secret_span(&g->now.keys->secrets.authenticator)
                               : (struct mw_span){ 0 };
}

struct mw_span mw_mls_context_extensions(const struct mw_mls_group *g)
{
    return group_context_of(&g->now).extensions;
}

int mw_mls_export(const struct mw_mls_group *g, const char *label, struct mw_span context,
                  uint8_t *out, size_t len)
{
    if (g->now.keys == NULL)
        return MW_MLS_E_REMOVED;
    return group_error_crypt(
        schedule_export(g->s, &g->now.keys->secrets.exporter, label, context, out, len),
        MW_MLS_E_TOO_BIG);
}

/* -------------------------------------------------------------------------- GroupInfo ---- */

static int info_extensions(struct suited s, const struct tree *tree, const struct epoch *e,
                           bool with_tree, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    struct extension x = { .type = EXT_EXTERNAL_PUB };
    size_t at;
    int error = group_error_crypt(
        schedule_external(s, &e->keys->secrets.external, scalar, point), MW_MLS_E_KEY);

    secret_clear(scalar, sizeof(scalar));
    if (error != 0)
        return error;
    vector_write(&data, span_of(point, s.suite->npk));
    x.data = buf_span(&data);
    extension_write(out, &x);
    if (with_tree) {
        buf_truncate(&data, 0);
        at = vector_open(&data);
        tree_write(tree, &data);
        vector_close(&data, at);
        x = (struct extension){ .type = EXT_RATCHET_TREE, .data = buf_span(&data) };
        extension_write(out, &x);
    }
    return buf_error(&data) != 0 ? buf_error(&data) : buf_error(out);
}

int group_info_make(struct suited s, struct tree *tree, const struct epoch *e, uint32_t signer,
                    struct mw_span signing_key, bool with_tree, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf extensions = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct group_info v = {
        .context = group_context_of(e),
        .confirmation_tag = owned_span(e->confirmation_tag),
        .signer = signer,
    };
    size_t len = 0;
    int error = info_extensions(s, tree, e, with_tree, &extensions);

    v.extensions = buf_span(&extensions);
    if (error == 0) {
        group_info_write_signed(&content, &v);
        error = buf_error(&content);
    }
    if (error == 0)
        error = group_error_crypt(label_sign(s, signing_key, "GroupInfoTBS", buf_span(&content),
                                             signature, &len),
                                  MW_MLS_E_KEY);
    if (error == 0) {
        v.signature = span_of(signature, len);
        group_info_write(out, &v);
        error = buf_error(out);
    }
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

int mw_mls_group_info(struct mw_mls_group *g, bool with_tree, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    int error = group_check_active(g);

    if (error != 0)
        return error;
    buf_u16(&b, MLS_VERSION);
    buf_u16(&b, WIRE_GROUP_INFO);
    error = group_info_make(g->s, g->tree, &g->now, group_own_leaf(g),
                            epoch_signing_key(&g->now, g->s), with_tree, &b);
    return error != 0 ? error : bytes_take(&b, out);
}

int mw_mls_tree(const struct mw_mls_group *g, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    size_t at = vector_open(&b);

    tree_write(g->tree, &b);
    vector_close(&b, at);
    return bytes_take(&b, out);
}
