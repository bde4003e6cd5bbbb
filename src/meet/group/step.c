#include "meet/group/step.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

void step_deinit(struct step *s)
{
    if (s->begun)
        tree_undo(s->g->tree);
    s->begun = false;
    list_deinit(&s->list);
    epoch_free(&s->next);
    free(s->psks);
    s->psks = NULL;
    secret_wipe(&s->psk);
    secret_wipe(&s->commit);
    past_free(s->past);
    s->past = NULL;
    owned_free(&s->reinit);
}

int step_member(struct step *s, uint32_t leaf)
{
    struct leaf_node v;

    if (!tree_leaf(s->g->tree, leaf, &v))
        return MW_MLS_E_SENDER;
    s->committer = leaf;
    s->list.committer = (struct sender){ .type = SENDER_MEMBER, .index = leaf };
    s->list.committer_key = v.signature_key;
    return 0;
}

/* --------------------------------------------------------------------------- the tree ---- */

/* Our keys of the next epoch, before a path: an Update of ours that is committed brings its own. */
static int own_keys(struct step *s)
{
    const struct mw_mls_group *g = s->g;
    int error;

    if (g->now.tree_keys == NULL)
        return 0;               /* we are only joining */
    s->next.keys = crypt_secret(g->s.crypto, sizeof(*s->next.keys));
    if (s->next.keys == NULL)
        return -ENOMEM;
    error = epoch_set_signing_key(&s->next, g->s, epoch_signing_key(&g->now, g->s));
    if (error == 0)
        error = group_error_tree(tree_keys_copy(&s->next.tree_keys, g->now.tree_keys));
    for (size_t i = 0; i < s->list.count && error == 0; i++) {
        const struct listed *one = &s->list.all[i];
        const struct owned_keys *keys = one->waiting != NULL ? one->waiting->update_keys : NULL;

        if (one->p.type != PROPOSAL_UPDATE || one->leaf != group_own_leaf(g))
            continue;
        if (keys == NULL)
            return MW_MLS_E_PROPOSAL_UNKNOWN;
        error = group_error_tree(
            tree_keys_set_leaf(s->next.tree_keys, span_of(keys->leaf, g->s.suite->nsk)));
        if (error == 0)
            error = epoch_set_signing_key(
                &s->next, g->s,
                span_of(keys->signing_key, crypt_signing_key_size(g->s.suite->signer)));
    }
    if (error == 0)
        tree_keys_prune(s->next.tree_keys, g->tree);
    return error;
}

int step_begin(struct step *s)
{
    int error;

    s->extensions = group_context_of(&s->g->now).extensions;
    tree_begin(s->g->tree);
    s->begun = true;
    error = list_apply(&s->list, s->g->tree, &s->extensions);
    if (error == 0) {
        s->list.culprit = s->list.count;
        error = own_keys(s);
    }
    return error;
}

int step_former(struct step *s, struct owned *kept, struct leaf_node *out, bool *found)
{
    const struct listed *removed = list_first(&s->list, PROPOSAL_REMOVE);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct leaf_node old;
    struct reader r;
    int error;

    *found = removed != NULL && tree_leaf(s->g->tree, removed->leaf, &old);
    if (!*found)
        return 0;
    leaf_node_write(&b, &old);
    error = buf_error(&b);
    if (error == 0)
        error = owned_set(kept, buf_span(&b));
    r = (struct reader){ .rest = owned_span(*kept) };
    if (error == 0)
        leaf_node_read(out, &r);
    return error;
}

/* -------------------------------------------------------------------------- the epoch ---- */

struct mw_span step_old_confirmed(const struct step *s)
{
    return group_context_of(&s->g->now).confirmed_transcript_hash;
}

int step_context(struct step *s, struct mw_span confirmed, struct buf *out)
{
    struct group_context c = group_context_of(&s->g->now);
    uint8_t hash[CRYPT_HASH_MAX];
    int error = group_error_tree(tree_hash(s->g->tree, tree_root(s->g->tree), hash));

    if (error != 0)
        return error;
    c.epoch++;
    c.tree_hash = span_of(hash, s->g->s.suite->nh);
    c.confirmed_transcript_hash = confirmed;
    c.extensions = s->extensions;
    group_context_write(out, &c);
    error = buf_error(out);
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

int step_secrets(struct step *s, const struct authentic *a, const struct secret *init,
                 struct secret *joiner)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_group *g = s->g;
    uint8_t confirmed[CRYPT_HASH_MAX];
    int error = group_error_crypt(transcript_confirm(g->s, owned_span(g->now.interim),
                                                     a->wire_format, &a->content,
                                                     a->auth.signature, confirmed),
                                  MW_MLS_E_MALFORMED);

    if (error == 0)
        error = step_context(s, span_of(confirmed, g->s.suite->nh), &context);
    if (error == 0)
        error = epoch_next(&s->next, g->s, buf_span(&context),
                           init != NULL ? init : &g->now.keys->secrets.init,
                           s->has_path ? &s->commit : NULL, &s->psk, tree_size(g->tree), joiner);
    return error;
}

/* ------------------------------------------------------------------------ taking over ---- */

int step_ready(struct step *s)
{
    const struct listed *reinit = list_first(&s->list, PROPOSAL_REINIT);
    const struct mw_mls_group *g = s->g;
    int error = 0;

    if (reinit != NULL)
        error = owned_set(&s->reinit, reinit->p.wire);
    if (error != 0 || g->app.past_epochs == 0 || g->now.keys == NULL)
        return error;
    s->past = calloc(1, sizeof(*s->past));
    return s->past == NULL ? -ENOMEM : 0;
}

static void remember_resumption(struct mw_mls_group *g, uint64_t epoch)
{
    if (g->resumptions_count < GROUP_RESUMPTIONS)
        g->resumptions_count++;
    memmove(&g->resumptions[1], &g->resumptions[0],
            (g->resumptions_count - 1) * sizeof(g->resumptions[0]));
    g->resumptions[0].epoch = epoch;
    g->resumptions[0].psk = g->now.keys->secrets.resumption_psk;
}

/* Of an epoch's keys the first, in the block that was all of theirs: another would cost four
 * system calls.  The rest is wiped. */
static struct secret *sender_data_alone(struct epoch_keys *k)
{
    _Static_assert(offsetof(struct epoch_keys, secrets.sender_data) == 0, "it begins the block");
    secret_clear((uint8_t *)k + sizeof(struct secret), sizeof(*k) - sizeof(struct secret));
    return &k->secrets.sender_data;
}

/* The epoch we leave, as far as its late messages need it (14, and app.past_epochs). */
static void remember_past(struct step *s, uint64_t epoch)
{
    struct mw_mls_group *g = s->g;
    size_t keep = g->app.past_epochs < GROUP_PAST_MAX ? g->app.past_epochs : GROUP_PAST_MAX;
    struct past *p = s->past;

    if (p == NULL)
        return;
    s->past = NULL;
    past_free(g->past[keep - 1]);
    for (size_t i = keep - 1; i > 0; i--)
        g->past[i] = g->past[i - 1];
    g->past[0] = p;
    p->epoch = epoch;
    p->sender_data = sender_data_alone(own_steal(&g->now.keys));
    p->context = g->now.context;
    p->secrets = g->now.secrets;
    p->replaced = s->next.replaced;
    p->replaced_count = s->next.replaced_count;
    g->now.context = (struct owned){ 0 };
    g->now.secrets = NULL;
    s->next.replaced = NULL;
    s->next.replaced_count = 0;
}

void step_take(struct step *s)
{
    struct mw_mls_group *g = s->g;
    uint64_t epoch = group_context_of(&g->now).epoch;

    tree_keep(g->tree);
    s->begun = false;
    if (g->now.keys != NULL) {
        remember_resumption(g, epoch);
        remember_past(s, epoch);
    }
    epoch_free(&g->now);
    g->now = s->next;
    s->next = (struct epoch){ 0 };
    if (s->reinit.data != NULL) {       /* 11.2: nothing is sent in this group any more */
        g->reinit = s->reinit;
        s->reinit = (struct owned){ 0 };
        g->state = GROUP_CLOSED;
    }
    /* The list borrows from what waited. */
    list_deinit(&s->list);
    group_forget_waiting(g);
}
