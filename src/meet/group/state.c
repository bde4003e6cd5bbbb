#include "meet/group/state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/steps.h"

/* ------------------------------------------------------------------------- writing ---- */

static void write_epoch(const struct epoch *e, struct suited s, struct buf *b)
{
    size_t at;

    vector_write(b, owned_span(e->context));
    vector_write(b, owned_span(e->interim));
    vector_write(b, owned_span(e->confirmation_tag));
    buf_u8(b, e->keys != NULL);
    if (e->keys != NULL) {
        const struct epoch_secrets *k = &e->keys->secrets;
        const struct secret *all[] = {
            &k->sender_data, &k->encryption, &k->exporter, &k->external, &k->confirmation_key,
            &k->membership_key, &k->resumption_psk, &k->authenticator, &k->init,
        };

        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            vector_write(b, secret_span(all[i]));
        buf_add(b, span_of(e->keys->signing_key, crypt_signing_key_size(s.suite->signer)));
    }
    buf_u8(b, e->tree_keys != NULL);
    if (e->tree_keys != NULL) {
        at = vector_open(b);
        tree_keys_write(e->tree_keys, b);
        vector_close(b, at);
    }
    buf_u8(b, e->secrets != NULL);
    if (e->secrets != NULL) {
        at = vector_open(b);
        secret_tree_write(e->secrets, b);
        vector_close(b, at);
    }
}

static void write_waiting(const struct waiting *w, struct suited s, struct buf *b)
{
    buf_u8(b, w->sender.type);
    buf_u32(b, w->sender.index);
    buf_add(b, span_of(w->reference, s.suite->nh));
    vector_write(b, owned_span(w->bytes));
    buf_u8(b, w->update_keys != NULL);
    if (w->update_keys != NULL) {
        buf_add(b, span_of(w->update_keys->leaf, s.suite->nsk));
        buf_add(b, span_of(w->update_keys->signing_key, crypt_signing_key_size(s.suite->signer)));
    }
}

static void write_past(const struct past *p, struct buf *b)
{
    size_t at;

    buf_u64(b, p->epoch);
    vector_write(b, owned_span(p->context));
    vector_write(b, secret_span(p->sender_data));
    at = vector_open(b);
    secret_tree_write(p->secrets, b);
    vector_close(b, at);
    buf_u32(b, (uint32_t)p->replaced_count);
    for (size_t i = 0; i < p->replaced_count; i++) {
        buf_u32(b, p->replaced[i].leaf);
        vector_write(b, owned_span(p->replaced[i].signature_key));
    }
}

/* Bytes of each at most: VECTOR for a length, a flag besides where one is. */
enum { VECTOR = 4, SECRETS = 9 };

static size_t epoch_size(const struct epoch *e)
{
    size_t size = 3 * VECTOR + e->context.len + e->interim.len + e->confirmation_tag.len + 3;

    if (e->keys != NULL)
        size += SECRETS * (VECTOR + CRYPT_HASH_MAX) + CRYPT_SCALAR_MAX;
    if (e->tree_keys != NULL)
        size += VECTOR + tree_keys_size(e->tree_keys);
    if (e->secrets != NULL)
        size += VECTOR + secret_tree_size(e->secrets);
    return size;
}

static size_t past_size(const struct past *p)
{
    size_t size = 8 + 3 * VECTOR + p->context.len + CRYPT_HASH_MAX +
                  secret_tree_size(p->secrets) + 4;

    for (size_t i = 0; i < p->replaced_count; i++)
        size += 4 + VECTOR + p->replaced[i].signature_key.len;
    return size;
}

/* All that follows the tree. */
static size_t rest_size(const struct mw_mls_group *g)
{
    size_t size = epoch_size(&g->now) + 4 + 1 + 1 + 1 + VECTOR + g->reinit.len;

    for (const struct waiting *w = g->waiting; w != NULL; w = w->next)
        size += 5 + CRYPT_HASH_MAX + VECTOR + w->bytes.len + 1 + 2 * CRYPT_SCALAR_MAX;
    if (g->pending != NULL)
        size += VECTOR + g->pending->commit.len + epoch_size(&g->pending->next);
    for (size_t i = 0; i < GROUP_PAST_MAX && g->past[i] != NULL; i++)
        size += past_size(g->past[i]);
    return size + g->resumptions_count * (8 + VECTOR + CRYPT_HASH_MAX);
}

void state_write(const struct mw_mls_group *g, struct buf *b)
{
    size_t at, past = 0;

    buf_u16(b, g->s.suite->number);
    buf_u8(b, (uint8_t)g->state);
    at = vector_open(b);
    tree_write(g->tree, b);
    vector_close(b, at);
    /* All at once: growing would leave secrets behind in memory that was freed. */
    if (buf_reserve(b, rest_size(g)) == NULL)
        return;
    write_epoch(&g->now, g->s, b);
    buf_u32(b, (uint32_t)g->waiting_count);
    for (const struct waiting *w = g->waiting; w != NULL; w = w->next)
        write_waiting(w, g->s, b);
    buf_u8(b, g->pending != NULL);
    if (g->pending != NULL) {
        vector_write(b, owned_span(g->pending->commit));
        write_epoch(&g->pending->next, g->s, b);
    }
    while (past < GROUP_PAST_MAX && g->past[past] != NULL)
        past++;
    buf_u8(b, (uint8_t)past);
    for (size_t i = 0; i < past; i++)
        write_past(g->past[i], b);
    buf_u8(b, (uint8_t)g->resumptions_count);
    for (size_t i = 0; i < g->resumptions_count; i++) {
        buf_u64(b, g->resumptions[i].epoch);
        vector_write(b, secret_span(&g->resumptions[i].psk));
    }
    vector_write(b, owned_span(g->reinit));
}

/* ------------------------------------------------------------------------- reading ---- */

/* Whatever does not fit marks the reader; only what is ours (-ENOMEM) is returned. */

static bool read_flag(struct reader *r)
{
    uint8_t v = read_u8(r);

    if (v > 1)
        read_fail(r);
    return v == 1 && !r->failed;
}

static int read_owned(struct owned *o, struct reader *r)
{
    struct mw_span v = vector_read(r);

    return r->failed ? 0 : owned_set(o, v);
}

/* A secret that is a hash long, or was wiped after its only use. */
static void read_secret(struct secret *out, struct suited s, struct reader *r)
{
    struct mw_span v = vector_read(r);

    if ((v.len != s.suite->nh && v.len != 0) || secret_set(out, v) != 0)
        read_fail(r);
}

static int read_keys(struct epoch *e, struct suited s, struct reader *r)
{
    size_t len = crypt_signing_key_size(s.suite->signer);
    struct mw_span signing;

    e->keys = crypt_secret(s.crypto, sizeof(*e->keys));
    if (e->keys == NULL)
        return -ENOMEM;
    {
        struct epoch_secrets *k = &e->keys->secrets;
        struct secret *all[] = {
            &k->sender_data, &k->encryption, &k->exporter, &k->external, &k->confirmation_key,
            &k->membership_key, &k->resumption_psk, &k->authenticator, &k->init,
        };

        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            read_secret(all[i], s, r);
    }
    signing = read_bytes(r, len);
    if (!r->failed)
        memcpy(e->keys->signing_key, signing.data, len);
    return 0;
}

static int read_trees(struct epoch *e, struct suited s, struct reader *r)
{
    struct reader in;
    int error = 0;

    if (read_flag(r)) {
        in = (struct reader){ .rest = vector_read(r) };
        error = r->failed ? 0 : tree_keys_read(&e->tree_keys, &in);
        if (error > 0 || (error == 0 && !read_done(&in)))
            read_fail(r);
    }
    if (error >= 0 && read_flag(r)) {
        in = (struct reader){ .rest = vector_read(r) };
        error = r->failed ? 0 : secret_tree_read(&e->secrets, s, &in);
        if (error > 0 || (error == 0 && !read_done(&in)))
            read_fail(r);
    }
    return error < 0 ? error : 0;
}

static int read_epoch(struct epoch *e, struct suited s, struct reader *r)
{
    struct group_context context;
    struct reader in;
    int error = read_owned(&e->context, r);

    if (error == 0)
        error = read_owned(&e->interim, r);
    if (error == 0)
        error = read_owned(&e->confirmation_tag, r);
    if (error == 0 && read_flag(r))
        error = read_keys(e, s, r);
    if (error == 0)
        error = read_trees(e, s, r);
    if (error != 0 || r->failed)
        return error;
    in = (struct reader){ .rest = owned_span(e->context) };
    group_context_read(&context, &in);
    if (!read_done(&in) || context.suite != s.suite->number || e->interim.len != s.suite->nh ||
        e->confirmation_tag.len != s.suite->nh)
        read_fail(r);
    return 0;
}

static int read_one_waiting(struct waiting *w, struct suited s, struct reader *r)
{
    size_t len = crypt_signing_key_size(s.suite->signer);
    struct proposal p;
    struct mw_span v;
    struct reader in;
    int error;

    w->sender.type = read_u8(r);
    w->sender.index = read_u32(r);
    v = read_bytes(r, s.suite->nh);
    if (!r->failed)
        memcpy(w->reference, v.data, v.len);
    error = read_owned(&w->bytes, r);
    if (error != 0)
        return error;
    in = (struct reader){ .rest = owned_span(w->bytes) };
    proposal_read(&p, &in);
    if (!read_done(&in) || w->sender.type < SENDER_MEMBER || w->sender.type > SENDER_NEW_COMMIT)
        read_fail(r);
    if (!read_flag(r))
        return 0;
    w->update_keys = crypt_secret(s.crypto, sizeof(*w->update_keys));
    if (w->update_keys == NULL)
        return -ENOMEM;
    v = read_bytes(r, s.suite->nsk);
    if (!r->failed)
        memcpy(w->update_keys->leaf, v.data, v.len);
    v = read_bytes(r, len);
    if (!r->failed)
        memcpy(w->update_keys->signing_key, v.data, v.len);
    return 0;
}

static int read_waiting(struct mw_mls_group *g, struct reader *r)
{
    struct waiting **tail = &g->waiting;
    uint32_t count = read_u32(r);

    if (count > MW_MLS_PENDING_MAX)
        read_fail(r);
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct waiting *w = calloc(1, sizeof(*w));
        int error;

        if (w == NULL)
            return -ENOMEM;
        *tail = w;
        tail = &w->next;
        error = read_one_waiting(w, g->s, r);
        if (error != 0)
            return error;
        g->waiting_count++;
        g->waiting_bytes += w->bytes.len;
    }
    return 0;
}

static int read_pending(struct mw_mls_group *g, struct reader *r)
{
    int error;

    if (!read_flag(r))
        return 0;
    g->pending = calloc(1, sizeof(*g->pending));
    if (g->pending == NULL)
        return -ENOMEM;
    error = read_owned(&g->pending->commit, r);
    return error != 0 ? error : read_epoch(&g->pending->next, g->s, r);
}

static int read_replaced(struct past *p, struct reader *r)
{
    uint32_t count = read_u32(r);

    /* Five bytes at least for each: what is not there is not made room for. */
    if (count > r->rest.len / 5)
        read_fail(r);
    if (r->failed || count == 0)
        return 0;
    p->replaced = calloc(count, sizeof(*p->replaced));
    if (p->replaced == NULL)
        return -ENOMEM;
    for (; p->replaced_count < count && !r->failed; p->replaced_count++) {
        struct replaced *one = &p->replaced[p->replaced_count];
        int error;

        one->leaf = read_u32(r);
        error = read_owned(&one->signature_key, r);
        if (error != 0)
            return error;
    }
    return 0;
}

static int read_one_past(struct past *p, struct suited s, struct reader *r)
{
    struct group_context context;
    struct reader in;
    int error;

    p->epoch = read_u64(r);
    error = read_owned(&p->context, r);
    p->sender_data = crypt_secret(s.crypto, sizeof(*p->sender_data));
    if (error != 0 || p->sender_data == NULL)
        return -ENOMEM;
    read_secret(p->sender_data, s, r);
    in = (struct reader){ .rest = owned_span(p->context) };
    group_context_read(&context, &in);
    if (!read_done(&in))
        read_fail(r);
    in = (struct reader){ .rest = vector_read(r) };
    error = r->failed ? 0 : secret_tree_read(&p->secrets, s, &in);
    if (error < 0)
        return error;
    if (error > 0 || !read_done(&in))
        read_fail(r);
    return read_replaced(p, r);
}

static int read_pasts(struct mw_mls_group *g, struct reader *r)
{
    uint8_t count = read_u8(r);

    if (count > GROUP_PAST_MAX)
        read_fail(r);
    for (uint8_t i = 0; i < count && !r->failed; i++) {
        int error;

        g->past[i] = calloc(1, sizeof(*g->past[i]));
        if (g->past[i] == NULL)
            return -ENOMEM;
        error = read_one_past(g->past[i], g->s, r);
        if (error != 0)
            return error;
    }
    /* This application keeps fewer than the one that saved. */
    for (uint32_t i = g->app.past_epochs; i < GROUP_PAST_MAX; i++) {
        past_free(g->past[i]);
        g->past[i] = NULL;
    }
    return 0;
}

static void read_resumptions(struct mw_mls_group *g, struct reader *r)
{
    uint8_t count = read_u8(r);

    if (count > GROUP_RESUMPTIONS)
        read_fail(r);
    for (uint8_t i = 0; i < count && !r->failed; i++) {
        g->resumptions[i].epoch = read_u64(r);
        read_secret(&g->resumptions[i].psk, g->s, r);
        g->resumptions_count++;
    }
}

/* What the parts say of each other. */
static bool epoch_is_whole(const struct mw_mls_group *g, const struct epoch *e)
{
    struct leaf_node leaf;

    return e->keys != NULL && e->tree_keys != NULL && e->secrets != NULL &&
           tree_leaf(g->tree, tree_keys_leaf(e->tree_keys), &leaf);
}

static bool fits_together(const struct mw_mls_group *g)
{
    const struct epoch *e = &g->now;

    if (g->state == GROUP_REMOVED)
        return e->keys == NULL && e->tree_keys == NULL && e->secrets == NULL &&
               g->pending == NULL;
    if (!epoch_is_whole(g, e) || secret_tree_leaves(e->secrets) != tree_size(g->tree))
        return false;
    return g->pending == NULL ||
           (g->state == GROUP_ACTIVE && epoch_is_whole(g, &g->pending->next));
}

static int read_state(struct mw_mls_group *g, struct reader *r)
{
    struct tree *tree = NULL;
    uint8_t state = read_u8(r);
    struct mw_span content = vector_read(r);
    int error = 0;

    if (state > GROUP_CLOSED)
        read_fail(r);
    if (r->failed)
        return 0;
    g->state = (enum group_state)state;
    if (content.len > 0) {
        error = tree_read(&tree, g->s, content);
        if (error != 0)
            return error > 0 ? MW_MLS_E_STATE : error;
        tree_free(g->tree);
        g->tree = tree;
    }
    error = read_epoch(&g->now, g->s, r);
    if (error == 0)
        error = read_waiting(g, r);
    if (error == 0)
        error = read_pending(g, r);
    if (error == 0)
        error = read_pasts(g, r);
    if (error != 0)
        return error;
    read_resumptions(g, r);
    return read_owned(&g->reinit, r);
}

int state_read(struct mw_mls_group **out, const struct mw_mls_app *app, struct mw_span state)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    struct reader r = { .rest = state };
    uint16_t suite = read_u16(&r);
    int error = group_new(&g, app, suite);

    if (error == MW_MLS_E_SUITE)
        return MW_MLS_E_STATE;
    if (error == 0)
        error = read_state(g, &r);
    if (error != 0)
        return error;
    if (!read_done(&r) || !fits_together(g))
        return MW_MLS_E_STATE;
    *out = own_steal(&g);
    return 0;
}
