#include "mls_craft.h"

#include "meet/group/steps.h"

int craft_message(struct mw_mls_group *g, struct sender sender, uint8_t content_type,
                  struct mw_span content, struct mw_span key, struct mw_span tag,
                  struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    static const uint8_t zeros[CRYPT_HASH_MAX];
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct frame_keys keys = group_frame_keys(g);
    struct authentic a = {
        .wire_format = WIRE_PUBLIC_MESSAGE,
        .content = {
            .group_id = mw_mls_group_id(g),
            .epoch = mw_mls_epoch(g),
            .sender = sender,
            .content_type = content_type,
            .content = content,
        },
    };
    int error = frame_sign(g->s, &a, owned_span(g->now.context), key, signature);

    if (content_type == CONTENT_COMMIT)
        a.auth.confirmation_tag = tag.data != NULL ? tag : span_of(zeros, g->s.suite->nh);
    if (error == 0)
        error = frame_public(&keys, &a, &b);
    return error != 0 ? error : bytes_take(&b, out);
}

int craft_own(struct mw_mls_group *g, uint8_t content_type, struct mw_span content,
              struct mw_mls_bytes *out)
{
    struct sender sender = { .type = SENDER_MEMBER, .index = group_own_leaf(g) };

    return craft_message(g, sender, content_type, content, epoch_signing_key(&g->now, g->s),
                         (struct mw_span){ 0 }, out);
}

int craft_leaf(const struct mw_mls_group *g, const struct leaf_node *v, uint32_t index,
               struct mw_span key, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct leaf_node made = *v;
    size_t len = 0;
    int error;

    leaf_node_write_signed(&b, &made);
    if (made.source != LEAF_KEY_PACKAGE) {
        vector_write(&b, mw_mls_group_id(g));
        buf_u32(&b, index);
    }
    error = buf_error(&b);
    if (error == 0)
        error = label_sign(g->s, key, "LeafNodeTBS", buf_span(&b), signature, &len);
    if (error != 0)
        return error;
    made.signature = span_of(signature, len);
    leaf_node_write(out, &made);
    return buf_error(out);
}

int craft_package(const struct mw_mls_group *g, const struct key_package *v, struct mw_span key,
                  struct buf *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct key_package made = *v;
    size_t len = 0;
    int error;

    key_package_write_signed(&b, &made);
    error = buf_error(&b);
    if (error == 0)
        error = label_sign(g->s, key, "KeyPackageTBS", buf_span(&b), signature, &len);
    if (error != 0)
        return error;
    made.signature = span_of(signature, len);
    key_package_write(out, &made);
    return buf_error(out);
}
