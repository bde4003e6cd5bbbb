/*
 * Groups made and freed, and the secrets of an epoch put together.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/steps.h"

int owned_set(struct owned *o, struct mw_span bytes)
{
    uint8_t *data = NULL;

    if (bytes.len > 0) {
        data = malloc(bytes.len);
        if (data == NULL)
            return -ENOMEM;
        memcpy(data, bytes.data, bytes.len);
    }
    owned_free(o);
    *o = (struct owned){ data, bytes.len };
    return 0;
}

void owned_free(struct owned *o)
{
    if (o->data != NULL)
        secret_clear(o->data, o->len);
    free(o->data);
    *o = (struct owned){ 0 };
}

int bytes_take(struct buf *b, struct mw_mls_bytes *out)
{
    int error = buf_error(b);

    if (error != 0)
        return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
    *out = (struct mw_mls_bytes){ b->data, b->len };
    *b = (struct buf){ .max = b->max };
    return 0;
}

void mw_mls_bytes_free(struct mw_mls_bytes *b)
{
    if (b->data != NULL)
        secret_clear(b->data, b->len);
    free(b->data);
    *b = (struct mw_mls_bytes){ 0 };
}

void mw_mls_committed_free(struct mw_mls_committed *c)
{
    mw_mls_bytes_free(&c->commit);
    mw_mls_bytes_free(&c->welcome);
    c->left_out = 0;
}

static void replaced_free(struct replaced *r, size_t count)
{
    for (size_t i = 0; i < count; i++)
        owned_free(&r[i].signature_key);
    free(r);
}

void epoch_free(struct epoch *e)
{
    owned_free(&e->context);
    owned_free(&e->interim);
    owned_free(&e->confirmation_tag);
    secret_free(e->keys);
    tree_keys_free(e->tree_keys);
    secret_tree_free(e->secrets);
    free(e->changes);
    owned_free(&e->change_bytes);
    replaced_free(e->replaced, e->replaced_count);
    *e = (struct epoch){ 0 };
}

void past_free(struct past *p)
{
    if (p == NULL)
        return;
    owned_free(&p->context);
    secret_free(p->sender_data);
    secret_tree_free(p->secrets);
    replaced_free(p->replaced, p->replaced_count);
    free(p);
}

void waiting_free(struct waiting *w)
{
    if (w == NULL)
        return;
    owned_free(&w->bytes);
    secret_free(w->update_keys);
    free(w);
}

void pending_free(struct pending *p)
{
    if (p == NULL)
        return;
    owned_free(&p->commit);
    epoch_free(&p->next);
    free(p);
}

int group_new(struct mw_mls_group **out, const struct mw_mls_app *app, uint16_t suite)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    const struct suite *found = suite_find(suite);
    int error;

    if (found == NULL)
        return MW_MLS_E_SUITE;
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        return -ENOMEM;
    g->app = *app;
    g->s = (struct suited){ found, app->crypto };
    g->plain.max = MW_MLS_BYTES_MAX;
    g->resumptions = secret_new(GROUP_RESUMPTIONS * sizeof(*g->resumptions));
    if (g->resumptions == NULL)
        return -ENOMEM;
    error = group_error_tree(tree_new(&g->tree, g->s));
    if (error == 0)
        *out = own_steal(&g);
    return error;
}

void mw_mls_free(struct mw_mls_group *g)
{
    if (g == NULL)
        return;
    group_forget_waiting(g);
    group_forget_past(g);
    pending_free(g->pending);
    epoch_free(&g->now);
    tree_free(g->tree);
    secret_free(g->resumptions);
    owned_free(&g->reinit);
    buf_wipe(&g->plain);
    owned_free(&g->aad);
    secret_clear(g, sizeof(*g));
    free(g);
}

void group_freep(struct mw_mls_group **at)
{
    mw_mls_free(*at);
}

void group_forget_waiting(struct mw_mls_group *g)
{
    struct waiting *next;

    for (struct waiting *w = g->waiting; w != NULL; w = next) {
        next = w->next;
        waiting_free(w);
    }
    g->waiting = NULL;
    g->waiting_count = 0;
    g->waiting_bytes = 0;
    g->refused_count = 0;
}

void group_forget_past(struct mw_mls_group *g)
{
    for (size_t i = 0; i < GROUP_PAST_MAX; i++) {
        past_free(g->past[i]);
        g->past[i] = NULL;
    }
}

struct group_context group_context_of(const struct epoch *e)
{
    struct reader r = { .rest = owned_span(e->context) };
    struct group_context c = { 0 };

    group_context_read(&c, &r);
    return c;
}

struct frame_keys group_frame_keys(struct mw_mls_group *g)
{
    return (struct frame_keys){
        .s = g->s,
        .context = owned_span(g->now.context),
        .membership_key = &g->now.keys->secrets.membership_key,
        .sender_data_secret = &g->now.keys->secrets.sender_data,
        .secrets = g->now.secrets,
    };
}

/* ----------------------------------------------------------------------- an epoch ---- */

int epoch_set_signing_key(struct epoch *e, struct suited s, struct mw_span key)
{
    if (key.len != crypt_signing_key_size(s.suite->signer))
        return MW_MLS_E_KEY;
    memmove(e->keys->signing_key, key.data, key.len);
    return 0;
}

struct mw_span epoch_signing_key(const struct epoch *e, struct suited s)
{
    return span_of(e->keys->signing_key, crypt_signing_key_size(s.suite->signer));
}

int epoch_enter(struct epoch *e, struct suited s, struct mw_span context,
                const struct secret *joiner, const struct secret *psk, uint32_t leaves)
{
    int error = owned_set(&e->context, context);

    if (error == 0 && e->keys == NULL) {
        e->keys = crypt_secret(s.crypto, sizeof(*e->keys));
        if (e->keys == NULL)
            error = -ENOMEM;
    }
    if (error == 0)
        error = group_error_crypt(
            schedule_epoch(s, joiner, psk, owned_span(e->context), &e->keys->secrets),
            MW_MLS_E_MALFORMED);
    secret_tree_free(e->secrets);
    e->secrets = NULL;
    if (error == 0)
        error = group_error_crypt(
            secret_tree_new(&e->secrets, s, leaves, &e->keys->secrets.encryption),
            MW_MLS_E_MALFORMED);
    /* What message keys come from is deleted as soon as they can come from the tree (9.2). */
    if (e->keys != NULL)
        secret_wipe(&e->keys->secrets.encryption);
    return error;
}

int epoch_next(struct epoch *e, struct suited s, struct mw_span context, const struct secret *init,
               const struct secret *commit, const struct secret *psk, uint32_t leaves,
               struct secret *joiner)
{
    CLEANUP(secret_wipe) struct secret zero = { .len = s.suite->nh }, made = { 0 };
    int error;

    /* Section 8: without a path the commit secret is a string of zeros. */
    error = group_error_crypt(
        schedule_joiner(s, init, commit != NULL ? commit : &zero, context, &made),
        MW_MLS_E_MALFORMED);
    if (error == 0)
        error = epoch_enter(e, s, context, &made, psk, leaves);
    if (error == 0 && joiner != NULL)
        *joiner = made;
    return error;
}

int epoch_confirm_own(struct epoch *e, struct suited s)
{
    struct mw_span confirmed = group_context_of(e).confirmed_transcript_hash;
    uint8_t tag[CRYPT_HASH_MAX], interim[CRYPT_HASH_MAX];
    int error = group_error_crypt(
        confirmation_tag(s, &e->keys->secrets.confirmation_key, confirmed, tag),
        MW_MLS_E_MALFORMED);

    if (error == 0)
        error = group_error_crypt(
            transcript_interim(s, confirmed, span_of(tag, s.suite->nh), interim),
            MW_MLS_E_MALFORMED);
    if (error == 0)
        error = owned_set(&e->confirmation_tag, span_of(tag, s.suite->nh));
    if (error == 0)
        error = owned_set(&e->interim, span_of(interim, s.suite->nh));
    return error;
}

int epoch_confirm(struct epoch *e, struct suited s, struct mw_span tag)
{
    int error = epoch_confirm_own(e, s);

    if (error != 0)
        return error;
    /* 12.4.2: the tag MUST be that of the new epoch. */
    return crypt_equal(owned_span(e->confirmation_tag), tag) ? 0 : MW_MLS_E_CONFIRMATION_TAG;
}

/* ------------------------------------------------------- errors of the layers below ---- */

int group_error_tree(int error)
{
    switch (error) {
    case TREE_E_MALFORMED:
    case TREE_E_UNMERGED:
        return MW_MLS_E_TREE;
    case TREE_E_TOO_BIG:
        return MW_MLS_E_FULL;
    case TREE_E_PARENT_HASH:
        return MW_MLS_E_PARENT_HASH;
    case TREE_E_KEY_TWICE:
        return MW_MLS_E_KEY_TWICE;
    case TREE_E_BLANK:
        return MW_MLS_E_PROPOSAL_REMOVE;
    case TREE_E_PATH_LENGTH:
    case TREE_E_PATH_CIPHERTEXTS:
        return MW_MLS_E_PATH_LENGTH;
    case TREE_E_PATH_KEY:
    case TREE_E_PATH_SEALED:
    case TREE_E_NO_KEY:
        return MW_MLS_E_PATH_SECRET;
    case TREE_E_KEY:
        return MW_MLS_E_KEY;
    default:
        return error;
    }
}

int group_error_frame(int error)
{
    switch (error) {
    case FRAME_E_MALFORMED:
    case FRAME_E_FORMAT:
        return MW_MLS_E_MALFORMED;
    case FRAME_E_MEMBERSHIP_TAG:
        return MW_MLS_E_MEMBERSHIP_TAG;
    case FRAME_E_SIGNATURE:
        return MW_MLS_E_SIGNATURE;
    case FRAME_E_SENDER_DATA:
    case FRAME_E_SEALED:
        return MW_MLS_E_SEALED;
    case FRAME_E_LEAF:
    case FRAME_E_SENDER:
        return MW_MLS_E_SENDER;
    case FRAME_E_KEY:
        return MW_MLS_E_KEY;
    case FRAME_E_GENERATION:
        return MW_MLS_E_GENERATION;
    case FRAME_E_TOO_FAR:
        return MW_MLS_E_TOO_FAR;
    case FRAME_E_EXHAUSTED:
        return MW_MLS_E_EXHAUSTED;
    case FRAME_E_PUBLIC_APPLICATION:
        return MW_MLS_E_PUBLIC_APPLICATION;
    case -EMSGSIZE:
        return MW_MLS_E_TOO_BIG;
    default:
        return error;
    }
}

int group_error_crypt(int error, enum mw_mls_error otherwise)
{
    return error > 0 ? (int)otherwise : error;
}
