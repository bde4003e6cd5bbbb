#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/join.h"
#include "meet/group/member.h"

/* ------------------------------------------------------------------ external commits ---- */

#define EXTERNAL_INIT_LABEL "MLS 1.0 external init secret"      /* 8.3 */

/* ExternalInit, and the init secret that it carries to the others. */
static int external_init(const struct mw_mls_group *g, const struct group_info *info,
                         struct secret *init, struct buf *proposals)
{
    uint8_t kem_output[CRYPT_POINT_MAX];
    struct proposal p = { .type = PROPOSAL_EXTERNAL_INIT };
    struct mw_span data;
    struct reader r;
    int e;

    if (!extension_find(info->extensions, EXT_EXTERNAL_PUB, &data))
        return MW_MLS_E_EXTERNAL_PUB;
    r = (struct reader){ .rest = data };
    data = vector_read(&r);
    if (!read_done(&r) || data.len != g->s.suite->npk)
        return MW_MLS_E_EXTERNAL_PUB;
    init->len = g->s.suite->nh;
    e = hpke_export_to(g->s.crypto, g->s.suite->hpke, g->app.random, data,
                       (struct mw_span){ NULL, 0 }, SPAN_LIT(EXTERNAL_INIT_LABEL), kem_output,
                       init->bytes, init->len);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_EXTERNAL_PUB);
    p.kem_output = span_of(kem_output, g->s.suite->npk);
    proposal_write(proposals, &p);
    return buf_error(proposals);
}

/* 12.4.3.2: a resync takes out our former self, and nothing else. */
static int remove_former(const struct mw_mls_group *g, const struct mw_mls_identity *who,
                         struct buf *proposals)
{
    struct proposal p = { .type = PROPOSAL_REMOVE };

    p.remove = tree_find_signature_key(g->tree, who->signature_key);
    if (p.remove == TREE_NONE)
        return MW_MLS_E_PROPOSAL_REMOVE;
    proposal_write(proposals, &p);
    return buf_error(proposals);
}

static int external_proposals(const struct mw_mls_group *g, const struct group_info *info,
                              const struct mw_mls_identity *who, bool resync,
                              const struct mw_span *psks, size_t psks_count, struct secret *init,
                              struct buf *out)
{
    int e = external_init(g, info, init, out);

    if (e == 0 && resync)
        e = remove_former(g, who, out);
    for (size_t i = 0; i < psks_count && e == 0; i++) {
        struct mw_mls_proposal p = { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = psks[i] };

        e = proposal_make(&g->app, g->s, info->context.group_id, &p, out);
    }
    return e;
}

/* The epoch that the GroupInfo describes, as much as an outsider can know of it. */
static int stand_before(struct mw_mls_group *g, const struct group_info *info)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t interim[CRYPT_HASH_MAX];
    int e;

    group_context_write(&context, &info->context);
    e = buf_error(&context);
    if (e == 0)
        e = owned_set(&g->now.context, buf_span(&context));
    if (e != 0)
        return e;
    e = transcript_interim(g->s, info->context.confirmed_transcript_hash, info->confirmation_tag,
                           interim);
    return e != 0 ? group_error_crypt(e, MW_MLS_E_MALFORMED)
                  : owned_set(&g->now.interim, span_of(interim, g->s.suite->nh));
}

int mw_mls_join_external(struct mw_mls_group **out, const struct mw_mls_app *app,
                         const struct mw_mls_identity *who, struct mw_span group_info,
                         struct mw_span tree, bool resync, const struct mw_span *psks,
                         size_t psks_count, struct mw_wall now, struct mw_mls_bytes *commit)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    CLEANUP(buf_deinit) struct buf proposals = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(secret_wipe) struct secret init = { 0 };
    const struct group_info *info;
    struct mls_message m;
    int e;

    if (group_info.len > MW_MLS_BYTES_MAX || tree.len > MW_MLS_BYTES_MAX ||
        psks_count > MW_MLS_PENDING_MAX)
        return MW_MLS_E_TOO_BIG;
    if (!mls_message_read(&m, group_info))
        return message_error(group_info);
    if (m.format != WIRE_GROUP_INFO)
        return MW_MLS_E_KIND;
    info = &m.group_info;
    if (info->context.version != MLS_VERSION)
        return MW_MLS_E_VERSION;
    if (info->context.suite != who->suite)
        return MW_MLS_E_SUITE;
    e = group_new(&g, app, who->suite);
    if (e == 0)
        e = join_tree(g, info, tree, now);
    if (e == 0)
        e = stand_before(g, info);
    if (e == 0)
        e = external_proposals(g, info, who, resync, psks, psks_count, &init, &proposals);
    if (e == 0)
        e = commit_external(g, who, buf_span(&proposals), &init, now, commit);
    if (e == 0)
        *out = own_steal(&g);
    return e;
}

/* ---------------------------------------------------------- proposals from outside ---- */

/* A PublicMessage with one proposal, signed by somebody who is no member (12.1.8): no context goes
 * into the signature and no membership tag is made. */
static int send_proposal(struct suited s, struct mw_span group_id, uint64_t epoch,
                         struct sender sender, struct mw_span proposal, struct mw_span key,
                         struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct frame_keys keys = { .s = s };
    struct authentic a = {
        .wire_format = WIRE_PUBLIC_MESSAGE,
        .content = {
            .group_id = group_id, .epoch = epoch, .sender = sender,
            .content_type = CONTENT_PROPOSAL, .content = proposal,
        },
    };
    int e = frame_sign(s, &a, (struct mw_span){ NULL, 0 }, key, signature);

    if (e == 0)
        e = frame_public(&keys, &a, &message);
    return e != 0 ? group_error_frame(e) : bytes_take(&message, out);
}

int mw_mls_external_propose(const struct mw_mls_app *app, uint16_t suite, struct mw_span group_id,
                            uint64_t epoch, uint32_t index, struct mw_span signing_key,
                            const struct mw_mls_proposal *p, struct mw_mls_bytes *message)
{
    CLEANUP(buf_deinit) struct buf proposal = BUF_INIT(MW_MLS_BYTES_MAX);
    struct suited s = { suite_find(suite), app->crypto };
    struct sender sender = { .type = SENDER_EXTERNAL, .index = index };
    int e;

    if (s.suite == NULL)
        return MW_MLS_E_SUITE;
    if (signing_key.len != crypt_signing_key_size(s.suite->signer))
        return MW_MLS_E_KEY;
    /* 12.1.8.1: an outsider can neither update a leaf nor bring an init secret. */
    if (p->type == MW_MLS_UPDATE || p->type == MW_MLS_EXTERNAL_INIT)
        return MW_MLS_E_PROPOSAL_SENDER;
    e = proposal_make(app, s, group_id, p, &proposal);
    return e != 0 ? e : send_proposal(s, group_id, epoch, sender, buf_span(&proposal),
                                      signing_key, message);
}

int mw_mls_ask_to_join(const struct mw_mls_app *app, const struct mw_mls_key_package *kp,
                       struct mw_span group_id, uint64_t epoch, struct mw_mls_bytes *message)
{
    CLEANUP(buf_deinit) struct buf proposal = BUF_INIT(MW_MLS_BYTES_MAX);
    struct sender sender = { .type = SENDER_NEW_PROPOSAL };
    struct mw_mls_proposal p = {
        .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(kp),
    };
    int e = proposal_make(app, kp->s, group_id, &p, &proposal);

    return e != 0 ? e
                  : send_proposal(kp->s, group_id, epoch, sender, buf_span(&proposal),
                                  span_of(kp->secrets->signing,
                                          crypt_signing_key_size(kp->s.suite->signer)),
                                  message);
}
