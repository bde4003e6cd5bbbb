/*
 * Proposals checked: one alone (RFC 9420 12.1) and a commit's list together (12.2).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/list.h"
#include "meet/group/twice.h"

void list_deinit(struct proposal_list *l)
{
    free(l->all);
    l->all = NULL;
    l->count = 0;
}

/* ------------------------------------------------------------------ one by itself ---- */

static int psk_check_alone(struct suited s, const struct psk_id *id, uint8_t founding)
{
    /* 12.1.4: a nonce MUST be KDF.Nh bytes. */
    if (id->nonce.len != s.suite->nh)
        return MW_MLS_E_PSK_NONCE;
    if (id->type == PSK_EXTERNAL || id->usage == PSK_USE_APPLICATION)
        return 0;
    /* 12.1.4: reinit and branch only in the first commit of the group that they found. */
    return founding != 0 && id->usage == founding ? 0 : MW_MLS_E_PSK_USAGE;
}

/* 12.1.8, 17.4: what each kind of sender may propose. */
static int sender_may(const struct proposal *p, const struct sender *sender)
{
    switch (sender->type) {
    case SENDER_MEMBER:
        /* 12.2: an ExternalInit is for external commits alone. */
        return p->type == PROPOSAL_EXTERNAL_INIT ? MW_MLS_E_PROPOSAL_EXTERNAL : 0;
    case SENDER_EXTERNAL:
        return p->type == PROPOSAL_UPDATE || p->type == PROPOSAL_EXTERNAL_INIT
                   ? MW_MLS_E_PROPOSAL_SENDER
                   : 0;
    case SENDER_NEW_PROPOSAL:
        return p->type == PROPOSAL_ADD ? 0 : MW_MLS_E_PROPOSAL_SENDER;
    case SENDER_NEW_COMMIT:
        return p->type == PROPOSAL_EXTERNAL_INIT || p->type == PROPOSAL_REMOVE ||
                       p->type == PROPOSAL_PSK
                   ? 0
                   : MW_MLS_E_PROPOSAL_EXTERNAL;
    default:
        return MW_MLS_E_SENDER;
    }
}

static int reinit_check(const struct mw_mls_group *g, const struct reinit *r)
{
    /* 12.1.5: not to an older version. */
    if (r->version < group_context_of(&g->now).version)
        return MW_MLS_E_PROPOSAL_REINIT;
    return r->extensions.len > GROUP_CONTEXT_MAX ? MW_MLS_E_TOO_BIG : 0;
}

static int check_alone(const struct mw_mls_group *g, const struct proposal *p,
                       const struct sender *sender, uint8_t founding, struct mw_wall now)
{
    struct leaf_place at = {
        .app = &g->app, .s = g->s, .group_id = mw_mls_group_id(g), .index = TREE_NONE, .now = now,
    };
    struct leaf_node old;
    int error = sender_may(p, sender);

    if (error != 0)
        return error;
    switch (p->type) {
    case PROPOSAL_ADD:          /* 12.1.1 */
        return key_package_check(&at, &p->add);
    case PROPOSAL_UPDATE:       /* 12.1.2 */
        if (!tree_leaf(g->tree, sender->index, &old))
            return MW_MLS_E_SENDER;
        at.index = sender->index;
        at.before = &old;
        return leaf_check(&at, &p->update, LEAF_UPDATE);
    case PROPOSAL_REMOVE:       /* 12.1.3 */
        return tree_leaf(g->tree, p->remove, &old) ? 0 : MW_MLS_E_PROPOSAL_REMOVE;
    case PROPOSAL_PSK:
        return psk_check_alone(g->s, &p->psk, founding);
    case PROPOSAL_REINIT:
        return reinit_check(g, &p->reinit);
    case PROPOSAL_EXTENSIONS:   /* the rest of 12.1.7 once the new tree is there: list_fits() */
        if (p->extensions.len > GROUP_CONTEXT_MAX)
            return MW_MLS_E_TOO_BIG;
        return external_senders_judge(&at, group_context_of(&g->now).extensions, p->extensions);
    case PROPOSAL_EXTERNAL_INIT:
        return p->kem_output.len == g->s.suite->npk ? 0 : MW_MLS_E_KEY;
    default:
        return MW_MLS_E_PROPOSAL_UNSUPPORTED;
    }
}

int proposal_check(const struct mw_mls_group *g, const struct proposal *p,
                   const struct sender *sender, struct mw_wall now)
{
    return check_alone(g, p, sender, 0, now);
}

struct listed listed_of(const struct proposal *p, struct sender sender,
                        const struct waiting *waiting)
{
    return (struct listed){
        .p = *p,
        .sender = sender,
        .waiting = waiting,
        .leaf = p->type == PROPOSAL_REMOVE   ? p->remove
                : p->type == PROPOSAL_UPDATE ? sender.index
                                             : TREE_NONE,
    };
}

/* --------------------------------------------------------------------- gathering ---- */

struct referred {
    const struct waiting *to;
};

static int by_reference(const void *a, const void *b)
{
    const struct referred *x = a, *y = b;

    return memcmp(x->to->reference, y->to->reference, sizeof(x->to->reference));
}

/* What waits, in order of reference, so that a long list does not cost its square. */
static int waiting_sorted(const struct mw_mls_group *g, struct referred **out)
{
    struct referred *all = calloc(g->waiting_count + 1, sizeof(*all));
    size_t n = 0;

    if (all == NULL)
        return -ENOMEM;
    for (const struct waiting *w = g->waiting; w != NULL; w = w->next)
        all[n++].to = w;
    qsort(all, n, sizeof(*all), by_reference);
    *out = all;
    return 0;
}

static const struct waiting *waiting_find(const struct mw_mls_group *g,
                                          const struct referred *sorted, struct mw_span reference)
{
    struct waiting key = { 0 };
    struct referred at = { &key };
    const struct referred *found;

    if (reference.len != g->s.suite->nh)
        return NULL;
    memcpy(key.reference, reference.data, reference.len);
    found = bsearch(&at, sorted, g->waiting_count, sizeof(*sorted), by_reference);
    return found != NULL ? found->to : NULL;
}

/* What it is that a reference names and we do not have. */
static int missing(const struct mw_mls_group *g, struct mw_span reference)
{
    size_t n = g->refused_count < GROUP_REFUSED ? g->refused_count : GROUP_REFUSED;

    for (size_t i = 0; i < n; i++)
        if (span_eq(span_of(g->refused[i], g->s.suite->nh), reference))
            return MW_MLS_E_PROPOSAL_REFUSED;
    return MW_MLS_E_PROPOSAL_UNKNOWN;
}

static int gather_one(struct proposal_list *l, const struct mw_mls_group *g,
                      const struct referred *sorted, const struct proposal_or_ref *v)
{
    struct listed *one = &l->all[l->count];
    const struct waiting *w;
    struct proposal p;
    struct reader r;

    if (!v->by_reference) {
        *one = listed_of(&v->proposal, l->committer, NULL);
        l->count++;
        return 0;
    }
    /* 12.2: an external commit MUST NOT hold proposals by reference. */
    if (l->committer.type == SENDER_NEW_COMMIT)
        return MW_MLS_E_PROPOSAL_EXTERNAL;
    w = waiting_find(g, sorted, v->reference);
    if (w == NULL)
        return missing(g, v->reference);
    r = (struct reader){ .rest = owned_span(w->bytes) };
    proposal_read(&p, &r);
    *one = listed_of(&p, w->sender, w);
    l->count++;
    return 0;
}

/* As many as are taken of this committer: an entry takes a hundred times the memory that it takes
 * in the message.  From outside (12.2) it is one ExternalInit, one Remove, and PSKs. */
static size_t most_of(const struct proposal_list *l)
{
    return l->committer.type == SENDER_NEW_COMMIT ? 2 + MW_MLS_PENDING_MAX : MW_MLS_COMMIT_MAX;
}

int list_gather(struct proposal_list *l, const struct mw_mls_group *g, struct mw_span proposals)
{
    CLEANUP(own_free) struct referred *sorted = NULL;
    struct reader r = { .rest = proposals };
    struct proposal_or_ref v;
    size_t n = 0;
    int error = waiting_sorted(g, &sorted);

    if (error != 0)
        return error;
    for (; read_more(&r); n++)
        proposal_or_ref_read(&v, &r);
    if (n > most_of(l))
        return MW_MLS_E_TOO_BIG;
    l->all = calloc(n + 1, sizeof(*l->all));
    if (l->all == NULL)
        return -ENOMEM;
    l->count = 0;
    r = (struct reader){ .rest = proposals };
    for (size_t i = 0; i < n && error == 0; i++) {
        proposal_or_ref_read(&v, &r);
        error = gather_one(l, g, sorted, &v);
    }
    return error;
}

/* ---------------------------------------------------------------------- together ---- */

const struct listed *list_first(const struct proposal_list *l, uint16_t type)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->all[i].p.type == type)
            return &l->all[i];
    return NULL;
}

size_t list_count(const struct proposal_list *l, uint16_t type)
{
    size_t n = 0;

    for (size_t i = 0; i < l->count; i++)
        n += l->all[i].p.type == type;
    return n;
}

bool list_needs_path(const struct proposal_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        uint16_t type = l->all[i].p.type;

        if (type != PROPOSAL_ADD && type != PROPOSAL_PSK && type != PROPOSAL_REINIT)
            return true;
    }
    return l->count == 0;
}

/* What a rule of 12.2 says may be there once: of each entry a key, or none. */
typedef struct mw_span key_of(const struct listed *one);

static struct mw_span key_reference(const struct listed *one)
{
    return one->waiting != NULL ? span_of(one->waiting->reference, CRYPT_HASH_MAX)
                                : (struct mw_span){ 0 };
}

static struct mw_span key_leaf(const struct listed *one)
{
    return one->p.type == PROPOSAL_UPDATE || one->p.type == PROPOSAL_REMOVE
               ? span_of(&one->leaf, sizeof(one->leaf))
               : (struct mw_span){ 0 };
}

/* PreSharedKeyID is all of the proposal but its type. */
static struct mw_span key_psk(const struct listed *one)
{
    return one->p.type == PROPOSAL_PSK ? one->p.wire : (struct mw_span){ 0 };
}

static struct mw_span key_extensions(const struct listed *one)
{
    return one->p.type == PROPOSAL_EXTENSIONS ? SPAN_LIT("extensions") : (struct mw_span){ 0 };
}

/* 12.2: who is added twice is told by the signature key. */
static struct mw_span key_added(const struct listed *one)
{
    return one->p.type == PROPOSAL_ADD ? one->p.add.leaf.signature_key : (struct mw_span){ 0 };
}

static int list_check_twice(struct proposal_list *l)
{
    static key_of *const rules[] = {
        key_reference, key_leaf, key_psk, key_extensions, key_added,
    };
    CLEANUP(own_free) struct keyed *keys = calloc(l->count + 1, sizeof(*keys));

    if (keys == NULL)
        return -ENOMEM;
    for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
        size_t n = 0;

        for (size_t i = 0; i < l->count; i++) {
            struct mw_span key = rules[k](&l->all[i]);

            if (key.data != NULL)
                keys[n++] = (struct keyed){ .key = key, .at = i };
        }
        if (keyed_twice(keys, n, &l->culprit))
            return MW_MLS_E_PROPOSAL_TWICE;
    }
    return 0;
}

/* 12.2, of a member's commit. */
static int list_check_member(struct proposal_list *l)
{
    uint32_t committer = l->committer.index;

    for (size_t i = 0; i < l->count; i++) {
        const struct listed *one = &l->all[i];

        l->culprit = i;
        if (one->p.type == PROPOSAL_EXTERNAL_INIT)
            return MW_MLS_E_PROPOSAL_EXTERNAL;
        /* Its own Update is the path; it cannot remove itself. */
        if ((one->p.type == PROPOSAL_UPDATE || one->p.type == PROPOSAL_REMOVE) &&
            one->leaf == committer)
            return MW_MLS_E_PROPOSAL_COMMITTER;
        /* A ReInit stands alone. */
        if (one->p.type == PROPOSAL_REINIT && l->count != 1)
            return MW_MLS_E_PROPOSAL_REINIT;
    }
    return 0;
}

/* 12.2, of an external commit: one ExternalInit, a Remove at most, PSKs, nothing else. */
static int list_check_external(struct proposal_list *l)
{
    l->culprit = l->count;
    if (list_count(l, PROPOSAL_EXTERNAL_INIT) != 1 || list_count(l, PROPOSAL_REMOVE) > 1)
        return MW_MLS_E_PROPOSAL_EXTERNAL;
    return 0;
}

int list_check(struct proposal_list *l, const struct mw_mls_group *g, struct mw_wall now)
{
    bool external = l->committer.type == SENDER_NEW_COMMIT;
    int error;

    l->culprit = l->count;
    if (l->count > most_of(l))
        return MW_MLS_E_TOO_BIG;        /* nobody would follow what we make */
    error = external ? list_check_external(l) : list_check_member(l);

    for (size_t i = 0; i < l->count && error == 0; i++) {
        const struct listed *one = &l->all[i];

        l->culprit = i;
        if (one->waiting == NULL)
            error = check_alone(g, &one->p, &one->sender, l->founding, now);
    }
    if (error == 0)
        error = list_check_twice(l);
    if (error == 0) {
        l->culprit = l->count;
        error = policy_check(g, l);
    }
    return error;
}
