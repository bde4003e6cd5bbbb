/*
 * What an epoch changes, as the application is told: copies, made before anything is applied.
 */
#include <errno.h>
#include <stdlib.h>

#include "meet/group/list.h"

static struct mw_mls_member member_of(uint32_t leaf, const struct leaf_node *v)
{
    return (struct mw_mls_member){
        .leaf = leaf,
        .credential = { .type = v->credential.type, .body = v->credential.body },
        .signature_key = v->signature_key,
        .encryption_key = v->encryption_key,
    };
}

/* UINT32_MAX is "not yet" to the application, and TREE_NONE to us. */
static struct mw_mls_change change_by(const struct sender *sender, uint32_t committer)
{
    return (struct mw_mls_change){
        .sender = (enum mw_mls_sender)sender->type,
        .sender_index = sender->index,
        .committer = committer,
        .who.leaf = TREE_NONE,
    };
}

struct mw_mls_change change_of(const struct tree *t, const struct listed *one)
{
    struct mw_mls_change c = change_by(&one->sender, TREE_NONE);
    struct leaf_node old;

    switch (one->p.type) {
    case PROPOSAL_ADD:
        c.kind = MW_MLS_ADDED;
        c.who = member_of(TREE_NONE, &one->p.add.leaf);
        break;
    case PROPOSAL_UPDATE:
        c.kind = MW_MLS_UPDATED;
        c.who = member_of(one->leaf, &one->p.update);
        break;
    case PROPOSAL_REMOVE:
        c.kind = MW_MLS_REMOVED;
        if (tree_leaf(t, one->leaf, &old))
            c.who = member_of(one->leaf, &old);
        break;
    case PROPOSAL_PSK:
        c.kind = MW_MLS_PSK;
        c.data = one->p.psk.type == PSK_EXTERNAL ? one->p.psk.id : one->p.psk.group_id;
        break;
    case PROPOSAL_REINIT:
        c.kind = MW_MLS_REINIT;
        c.data = one->p.reinit.group_id;
        break;
    case PROPOSAL_EXTENSIONS:
        c.kind = MW_MLS_EXTENSIONS;
        c.data = one->p.extensions;
        break;
    default:
        c.kind = MW_MLS_JOINED;
    }
    return c;
}

int changes_allowed(const struct mw_mls_group *g, struct proposal_list *l, uint32_t committer,
                    const struct leaf_node *joining)
{
    if (g->app.allow == NULL)
        return 0;
    for (size_t i = 0; i < l->count; i++) {
        struct mw_mls_change c = change_of(g->tree, &l->all[i]);
        int error;

        l->culprit = i;
        c.committer = committer;
        if (c.kind == MW_MLS_JOINED && joining != NULL)
            c.who = member_of(TREE_NONE, joining);
        error = g->app.allow(g->app.context, &c);
        if (error != 0)
            return error < 0 ? error : MW_MLS_E_REFUSED;
    }
    return 0;
}

/* ------------------------------------------------------------------------- copies ---- */

static size_t bytes_of(const struct mw_mls_change *c)
{
    return c->who.credential.body.len + c->who.signature_key.len + c->who.encryption_key.len +
           c->data.len;
}

static void copy_span(struct mw_span *s, uint8_t **to)
{
    if (s->len == 0) {
        *s = (struct mw_span){ 0 };
        return;
    }
    memcpy(*to, s->data, s->len);
    s->data = *to;
    *to += s->len;
}

static int changes_copy(struct epoch *e)
{
    size_t len = 0;
    uint8_t *to;

    for (size_t i = 0; i < e->changes_count; i++)
        len += bytes_of(&e->changes[i]);
    to = malloc(len + 1);
    if (to == NULL)
        return -ENOMEM;
    owned_free(&e->change_bytes);
    e->change_bytes = (struct owned){ to, len };
    for (size_t i = 0; i < e->changes_count; i++) {
        struct mw_mls_change *c = &e->changes[i];

        copy_span(&c->who.credential.body, &to);
        copy_span(&c->who.signature_key, &to);
        copy_span(&c->who.encryption_key, &to);
        copy_span(&c->data, &to);
    }
    return 0;
}

/* ---------------------------------------------------------- the keys that are replaced ---- */

static int replaced_add(struct epoch *e, uint32_t leaf, struct mw_span key)
{
    struct replaced *r = &e->replaced[e->replaced_count];
    int error = owned_set(&r->signature_key, key);

    if (error == 0) {
        r->leaf = leaf;
        e->replaced_count++;
    }
    return error;
}

/* Room for one entry more than that of each proposal: the path's. */
static int replaced_make(struct epoch *e, const struct tree *t, const struct proposal_list *l,
                         uint32_t committer, const struct leaf_node *path)
{
    struct leaf_node old;
    int error = 0;

    e->replaced = calloc(l->count + 1, sizeof(*e->replaced));
    if (e->replaced == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < l->count && error == 0; i++) {
        const struct listed *one = &l->all[i];

        if (one->leaf == TREE_NONE || one->p.type == PROPOSAL_ADD ||
            !tree_leaf(t, one->leaf, &old))
            continue;
        if (one->p.type == PROPOSAL_REMOVE ||
            !span_eq(old.signature_key, one->p.update.signature_key))
            error = replaced_add(e, one->leaf, old.signature_key);
    }
    if (error == 0 && path != NULL && committer != TREE_NONE && tree_leaf(t, committer, &old) &&
        !span_eq(old.signature_key, path->signature_key))
        error = replaced_add(e, committer, old.signature_key);
    return error;
}

/* --------------------------------------------------------------------------- all ---- */

static void changes_fill(struct epoch *e, const struct tree *t, const struct proposal_list *l,
                         uint32_t committer, const struct leaf_node *path)
{
    /* 12.3 */
    static const uint16_t order[] = {
        PROPOSAL_EXTENSIONS, PROPOSAL_UPDATE,        PROPOSAL_REMOVE, PROPOSAL_ADD,
        PROPOSAL_PSK,        PROPOSAL_EXTERNAL_INIT, PROPOSAL_REINIT,
    };
    bool joined = false;

    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        for (size_t i = 0; i < l->count; i++) {
            struct mw_mls_change *c = &e->changes[e->changes_count];

            if (l->all[i].p.type != order[k])
                continue;
            *c = change_of(t, &l->all[i]);
            c->committer = committer;
            if (c->kind == MW_MLS_JOINED && path != NULL)
                c->who = member_of(TREE_NONE, path);
            joined = joined || c->kind == MW_MLS_JOINED;
            e->changes_count++;
        }
    }
    if (path != NULL && !joined) {
        e->changes[e->changes_count] = change_by(&l->committer, committer);
        e->changes[e->changes_count].kind = MW_MLS_UPDATED;
        e->changes[e->changes_count++].who = member_of(committer, path);
    }
}

int changes_make(struct epoch *e, const struct tree *t, const struct proposal_list *l,
                 uint32_t committer, const struct leaf_node *leaf)
{
    int error;

    e->changes = calloc(l->count + 1, sizeof(*e->changes));
    if (e->changes == NULL)
        return -ENOMEM;
    changes_fill(e, t, l, committer, leaf);
    error = changes_copy(e);
    return error != 0 ? error : replaced_make(e, t, l, committer, leaf);
}

void changes_place(struct epoch *e, const struct proposal_list *l, uint32_t committer)
{
    size_t at = 0;

    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].p.type != PROPOSAL_ADD)
            continue;
        while (at < e->changes_count && e->changes[at].kind != MW_MLS_ADDED)
            at++;
        if (at < e->changes_count)
            e->changes[at++].who.leaf = l->all[i].leaf;
        e->replaced[e->replaced_count++] = (struct replaced){ .leaf = l->all[i].leaf };
    }
    for (size_t i = 0; i < e->changes_count; i++) {
        struct mw_mls_change *c = &e->changes[i];

        c->committer = committer;
        if (c->sender == MW_MLS_NEW_COMMIT)
            c->sender_index = committer;
        if (c->kind != MW_MLS_JOINED)
            continue;
        c->who.leaf = committer;
        e->replaced[e->replaced_count++] = (struct replaced){ .leaf = committer };
    }
}
