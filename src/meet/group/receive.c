/*
 * Messages in: by kind, epoch and sender (RFC 9420 6, 12.1.8, 14).
 */
#include "meet/group/receive.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/list.h"

struct receiving {
    struct mw_mls_group *g;
    struct mw_wall now;
    struct authentic a;
    struct frame_keys keys;
    struct opened opened;
    size_t past;                /* index into g->past, GROUP_PAST_MAX: the epoch we are in */
};

/* ---------------------------------------------------------------- who may have signed ---- */

/* A past epoch's key of a leaf: what the first commit since then replaced, else what is there. */
static int past_key(const struct receiving *v, uint32_t leaf, struct mw_span *out)
{
    size_t older = v->past == GROUP_PAST_MAX ? 0 : v->past + 1;
    struct leaf_node node;

    for (size_t i = older; i-- > 0;) {
        const struct past *p = v->g->past[i];

        for (size_t k = 0; k < p->replaced_count; k++) {
            if (p->replaced[k].leaf != leaf)
                continue;
            *out = owned_span(p->replaced[k].signature_key);
            return out->len > 0 ? 0 : MW_MLS_E_SENDER;
        }
    }
    if (!tree_leaf(v->g->tree, leaf, &node))
        return MW_MLS_E_SENDER;
    *out = node.signature_key;
    return 0;
}

/* 6.3.2: at this leaf, in the message's epoch. */
static bool is_member(const void *context, uint32_t leaf)
{
    struct mw_span key;

    return past_key(context, leaf, &key) == 0;
}

static int external_key(const struct receiving *v, uint32_t index, struct mw_span *out)
{
    struct external_sender sender;
    struct mw_span data;

    /* 12.1.8: an entry of the context's external_senders, or nobody. */
    if (!extension_find(group_context_of(&v->g->now).extensions, EXT_EXTERNAL_SENDERS, &data) ||
        !external_sender_at(data, index, &sender))
        return MW_MLS_E_SENDER;
    *out = sender.signature_key;
    return 0;
}

/* 6.1: whose key the signature must be of. */
static int sender_key(const struct receiving *v, struct mw_span *out)
{
    const struct framed_content *c = &v->a.content;
    struct reader r = { .rest = c->content };
    struct proposal p;
    struct commit commit;

    switch (c->sender.type) {
    case SENDER_MEMBER:
        if (c->sender.index == group_own_leaf(v->g))
            return MW_MLS_E_OWN_MESSAGE;
        return past_key(v, c->sender.index, out);
    case SENDER_EXTERNAL:
        return external_key(v, c->sender.index, out);
    case SENDER_NEW_PROPOSAL:
        proposal_read(&p, &r);
        if (!read_done(&r))
            return MW_MLS_E_MALFORMED;
        if (c->content_type != CONTENT_PROPOSAL || p.type != PROPOSAL_ADD)
            return MW_MLS_E_PROPOSAL_SENDER;
        *out = p.add.leaf.signature_key;
        return 0;
    default:
        commit_read(&commit, &r);
        if (c->content_type != CONTENT_COMMIT || !read_done(&r))
            return MW_MLS_E_MALFORMED;
        if (!commit.has_path)           /* 12.4.3.2 */
            return MW_MLS_E_PATH_MISSING;
        *out = commit.path.leaf.signature_key;
        return 0;
    }
}

static int verify(const struct receiving *v)
{
    struct mw_span key;
    int error = sender_key(v, &key);

    return error != 0 ? error
                      : group_error_frame(
                            frame_verify(v->g->s, &v->a, v->keys.context, key));
}

/* ------------------------------------------------------------------------- proposals ---- */

int waiting_room(const struct mw_mls_group *g, size_t bytes)
{
    return g->waiting_count >= MW_MLS_PENDING_MAX ||
                   bytes > GROUP_WAITING_MAX - g->waiting_bytes
               ? MW_MLS_E_FULL
               : 0;
}

int waiting_add(struct mw_mls_group *g, const struct authentic *a, struct owned_keys **keys)
{
    struct waiting **end = &g->waiting, *w = calloc(1, sizeof(*w));
    int error;

    if (w == NULL)
        return -ENOMEM;
    w->sender = a->content.sender;
    error = group_error_frame(frame_proposal_ref(g->s, a, w->reference));
    if (error == 0)
        error = owned_set(&w->bytes, a->content.content);
    while (error == 0 && *end != NULL) {
        /* The very same message again is one proposal. */
        if (memcmp((*end)->reference, w->reference, sizeof(w->reference)) == 0)
            error = MW_MLS_E_PROPOSAL_TWICE;
        end = &(*end)->next;
    }
    if (error != 0) {
        waiting_free(w);
        return error;
    }
    w->update_keys = keys != NULL ? own_steal(keys) : NULL;
    *end = w;
    g->waiting_count++;
    g->waiting_bytes += w->bytes.len;
    return 0;
}

/* A commit may name it all the same: then we can say what happened (proposals.c). */
static int refused_add(struct mw_mls_group *g, const struct authentic *a, int why)
{
    uint8_t reference[CRYPT_HASH_MAX] = { 0 };
    int error = group_error_frame(frame_proposal_ref(g->s, a, reference));

    if (error == 0)
        memcpy(g->refused[g->refused_count++ % GROUP_REFUSED], reference, sizeof(reference));
    return error != 0 ? error : why;
}

static int receive_proposal(struct receiving *v)
{
    const struct framed_content *c = &v->a.content;
    struct reader r = { .rest = c->content };
    struct sender nobody = { 0 };
    struct proposal p;
    struct listed one;
    struct proposal_list alone = { .all = &one, .count = 1 };
    int error;

    proposal_read(&p, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;
    error = waiting_room(v->g, c->content.len);
    if (error == 0)
        error = proposal_check(v->g, &p, &c->sender, v->now);
    one = listed_of(&p, c->sender, NULL);
    if (error == 0)
        error = policy_check_one(v->g, &one, &nobody, (struct mw_span){ 0 });
    if (error == 0)
        error = changes_allowed(v->g, &alone, TREE_NONE, NULL);
    if (error > 0)
        return refused_add(v->g, &v->a, error);
    return error != 0 ? error : waiting_add(v->g, &v->a, NULL);
}

/* ------------------------------------------------------------------------------ data ---- */

static int receive_data(struct receiving *v, struct mw_mls_event *out)
{
    struct mw_mls_group *g = v->g;
    int error = owned_set(&g->aad, v->a.content.aad);

    if (error != 0)
        return error;
    out->data = v->a.content.content;
    out->aad = owned_span(g->aad);
    return 0;
}

static int receive_content(struct receiving *v, struct mw_mls_event *out)
{
    const struct framed_content *c = &v->a.content;
    struct mw_mls_event event = {
        .sender = (enum mw_mls_sender)c->sender.type,
        .sender_index = c->sender.index,
        .epoch = c->epoch,
    };
    int error;

    switch (c->content_type) {
    case CONTENT_APPLICATION:
        event.kind = MW_MLS_GOT_DATA;
        error = receive_data(v, &event);
        break;
    case CONTENT_PROPOSAL:
        event.kind = MW_MLS_GOT_PROPOSAL;
        error = receive_proposal(v);
        break;
    default:
        error = follow_commit(v->g, &v->a, v->now, &event);
    }
    if (error == 0)
        *out = event;
    return error;
}

/* ----------------------------------------------------------------------- the framing ---- */

static void use_past(struct receiving *v)
{
    const struct past *p = v->g->past[v->past];

    v->keys = (struct frame_keys){
        .s = v->g->s,
        .context = owned_span(p->context),
        .sender_data_secret = p->sender_data,
        .secrets = p->secrets,
    };
}

/* The epoch it was sent in: ours, or, for data, one whose late messages we can still read. */
static int find_epoch(struct receiving *v, uint64_t epoch, uint8_t content_type)
{
    struct mw_mls_group *g = v->g;

    if (epoch == group_context_of(&g->now).epoch) {
        int error = group_check_active(g);

        /* One commit of an epoch can be everybody's. */
        if (error == 0 && content_type == CONTENT_COMMIT && g->pending != NULL)
            error = MW_MLS_E_PENDING;
        v->past = GROUP_PAST_MAX;
        if (error == 0)
            v->keys = group_frame_keys(g);
        return error;
    }
    for (v->past = 0; v->past < GROUP_PAST_MAX && g->past[v->past] != NULL; v->past++) {
        if (g->past[v->past]->epoch != epoch || content_type != CONTENT_APPLICATION)
            continue;
        use_past(v);
        return 0;
    }
    return g->state == GROUP_REMOVED ? MW_MLS_E_REMOVED : MW_MLS_E_EPOCH;
}

static int open_public(struct receiving *v, const struct public_message *m)
{
    int error = MW_MLS_E_PUBLIC_APPLICATION;

    if (m->content.content_type != CONTENT_APPLICATION)
        error = find_epoch(v, m->content.epoch, m->content.content_type);
    return error != 0 ? error : group_error_frame(frame_public_open(&v->keys, m, &v->a));
}

static int open_private(struct receiving *v, const struct private_message *m)
{
    int error = find_epoch(v, m->epoch, m->content_type);

    if (error != 0)
        return error;
    v->opened.leaf = TREE_NONE;
    v->keys.member = is_member;
    v->keys.member_context = v;
    error = group_error_frame(
        frame_private_open(&v->keys, m, &v->g->plain, &v->a, &v->opened));
    /* Keys of our own messages are gone as soon as they are sent. */
    return error == MW_MLS_E_GENERATION && v->opened.leaf == group_own_leaf(v->g)
               ? MW_MLS_E_OWN_MESSAGE
               : error;
}

static int receive(struct receiving *v, const struct mls_message *m, struct mw_mls_event *out)
{
    bool public = m->format == WIRE_PUBLIC_MESSAGE;
    struct mw_span group_id =
        public ? m->public_message.content.group_id : m->private_message.group_id;
    struct opened opened;
    int error;

    if (!span_eq(group_id, mw_mls_group_id(v->g)))
        return MW_MLS_E_GROUP;
    error = public ? open_public(v, &m->public_message) : open_private(v, &m->private_message);
    if (error == 0)
        error = verify(v);
    if (error != 0)
        return error;
    opened = v->opened;
    error = receive_content(v, out);
    /* 9.2: what was read once is never read again.  What was refused can be tried again, when the
     * application has the PSK, or memory.  A commit left all keys of its epoch behind. */
    if (error == 0 && !public && v->a.content.content_type != CONTENT_COMMIT)
        frame_private_used(&v->keys, &opened);
    return error;
}

int mw_mls_receive(struct mw_mls_group *g, struct mw_span message, struct mw_wall now,
                   struct mw_mls_event *out)
{
    struct receiving v = { .g = g, .now = now, .past = GROUP_PAST_MAX };
    struct mls_message m;
    struct reader r = { .rest = message };

    buf_wipe(&g->plain);
    g->plain.max = MW_MLS_BYTES_MAX;
    owned_free(&g->aad);
    if (message.len > MW_MLS_BYTES_MAX)
        return MW_MLS_E_TOO_BIG;
    if (read_u16(&r) != MLS_VERSION)
        return r.failed ? MW_MLS_E_MALFORMED : MW_MLS_E_VERSION;
    if (!mls_message_read(&m, message))
        return MW_MLS_E_MALFORMED;
    if (m.format != WIRE_PUBLIC_MESSAGE && m.format != WIRE_PRIVATE_MESSAGE)
        return MW_MLS_E_KIND;
    return receive(&v, &m, out);
}
