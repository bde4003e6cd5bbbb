/*
 * Messages out: proposals and data.  Framed as the application wants handshakes; data is always
 * private (RFC 9420 6).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/list.h"
#include "meet/group/receive.h"

int send_sign(struct mw_mls_group *g, struct authentic *a, uint8_t content_type,
              struct mw_span content, struct mw_span aad, uint8_t *signature)
{
    struct group_context context = group_context_of(&g->now);
    bool public = content_type != CONTENT_APPLICATION && g->app.public_handshakes;

    *a = (struct authentic){
        .wire_format = public ? WIRE_PUBLIC_MESSAGE : WIRE_PRIVATE_MESSAGE,
        .content = {
            .group_id = context.group_id,
            .epoch = context.epoch,
            .sender = { .type = SENDER_MEMBER, .index = group_own_leaf(g) },
            .aad = aad,
            .content_type = content_type,
            .content = content,
        },
    };
    return group_error_frame(frame_sign(g->s, a, owned_span(g->now.context),
                                        epoch_signing_key(&g->now, g->s), signature));
}

/* Zeros that bring a private message's content to a multiple of app.padding. */
static size_t padding_of(const struct mw_mls_group *g, const struct authentic *a)
{
    size_t to = g->app.padding, len = a->content.content.len + a->auth.signature.len;

    len += vector_header(a->auth.signature.len);
    if (a->content.content_type == CONTENT_APPLICATION)
        len += vector_header(a->content.content.len);
    if (a->content.content_type == CONTENT_COMMIT)
        len += vector_header(a->auth.confirmation_tag.len) + a->auth.confirmation_tag.len;
    return to == 0 ? 0 : (to - len % to) % to;
}

int send_frame(struct mw_mls_group *g, const struct authentic *a, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct frame_keys keys = group_frame_keys(g);
    int error = a->wire_format == WIRE_PUBLIC_MESSAGE
                    ? frame_public(&keys, a, &b)
                    : frame_private(&keys, a, padding_of(g, a), g->app.random, &b);

    return error != 0 ? group_error_frame(error) : bytes_take(&b, out);
}

/* ----------------------------------------------------------------------------- data ---- */

int mw_mls_protect(struct mw_mls_group *g, struct mw_span data, struct mw_span aad,
                   struct mw_mls_bytes *message)
{
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a;
    int error = group_check_active(g);

    if (error != 0)
        return error;
    if (data.len > MW_MLS_BYTES_MAX || aad.len > MW_MLS_BYTES_MAX)
        return MW_MLS_E_TOO_BIG;
    /* 12.4: who saw valid proposals MUST commit before sending data, so that whoever is to be
     * removed does not read it. */
    if (g->waiting != NULL)
        return MW_MLS_E_UNCOMMITTED;
    error = send_sign(g, &a, CONTENT_APPLICATION, data, aad, signature);
    return error != 0 ? error : send_frame(g, &a, message);
}

/* ------------------------------------------------------------------------- proposals ---- */

/* An Update's leaf with a fresh key, ours or of another identity. */
static int make_update(struct mw_mls_group *g, const struct mw_mls_identity *who,
                       struct owned_keys *keys, struct buf *out)
{
    struct mw_span signing = who != NULL ? who->signing_key : epoch_signing_key(&g->now, g->s);
    uint8_t point[CRYPT_POINT_MAX];
    struct leaf_node old;
    struct leaf_wish wish = {
        .old = &old,
        .who = who,
        .source = LEAF_UPDATE,
        .encryption_key = span_of(point, g->s.suite->npk),
        .group_id = mw_mls_group_id(g),
        .index = group_own_leaf(g),
        .signing_key = signing,
    };
    int error;

    if (!tree_leaf(g->tree, group_own_leaf(g), &old))
        return MW_MLS_E_SENDER;
    if (signing.len != crypt_signing_key_size(g->s.suite->signer))
        return MW_MLS_E_KEY;
    memcpy(keys->signing_key, signing.data, signing.len);
    error = group_error_crypt(
        hpke_pair_make(g->s.crypto, g->s.suite->hpke.kem, g->app.random, keys->leaf, point),
        MW_MLS_E_KEY);
    buf_u16(out, PROPOSAL_UPDATE);
    return error != 0 ? error : leaf_make(g->s, &wish, out);
}

static int check_own(struct mw_mls_group *g, const struct proposal *p, struct mw_wall now)
{
    struct sender sender = { .type = SENDER_MEMBER, .index = group_own_leaf(g) };
    struct listed one = listed_of(p, sender, NULL);
    struct proposal_list alone = { .all = &one, .count = 1 };
    struct sender nobody = { 0 };
    int error = proposal_check(g, p, &sender, now);

    if (error == 0)
        error = policy_check_one(g, &one, &nobody, (struct mw_span){ 0 });
    return error != 0 ? error : changes_allowed(g, &alone, TREE_NONE, NULL);
}

static int send_proposal(struct mw_mls_group *g, struct mw_span bytes, struct owned_keys **keys,
                         struct mw_wall now, struct mw_mls_bytes *message)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes made = { 0 };
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct reader r = { .rest = bytes };
    struct proposal p;
    struct authentic a;
    int error;

    proposal_read(&p, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;
    error = check_own(g, &p, now);
    if (error == 0)
        error = waiting_room(g, bytes.len);
    if (error == 0)
        error = send_sign(g, &a, CONTENT_PROPOSAL, bytes, (struct mw_span){ 0 }, signature);
    if (error == 0)
        error = send_frame(g, &a, &made);
    if (error == 0)
        error = waiting_add(g, &a, keys);
    if (error != 0)
        return error;
    *message = made;
    made = (struct mw_mls_bytes){ 0 };
    return 0;
}

int mw_mls_propose(struct mw_mls_group *g, const struct mw_mls_proposal *p, struct mw_wall now,
                   struct mw_mls_bytes *message)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(secret_freep) struct owned_keys *keys = NULL;
    int error = group_check_active(g);

    if (error != 0)
        return error;
    if (p->type == MW_MLS_UPDATE) {
        keys = crypt_secret(g->s.crypto, sizeof(*keys));
        error = keys == NULL ? -ENOMEM : make_update(g, p->who, keys, &b);
    } else {
        error = proposal_make(&g->app, g->s, mw_mls_group_id(g), p, &b);
    }
    if (error == 0)
        error = buf_error(&b);
    if (error != 0)
        return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
    return send_proposal(g, buf_span(&b), &keys, now, message);
}
