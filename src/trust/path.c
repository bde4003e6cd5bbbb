#include "trust/path.h"

#include <errno.h>

#include "trust/key.h"

/* Paths of real servers take a handful of steps and two or three signatures. */
enum { MAX_STEPS = 4000, MAX_PATHS = 48, MAX_SIGNATURE_COST = 10000 };

enum signature { SIGNATURE_UNKNOWN, SIGNATURE_GOOD, SIGNATURE_BAD };

struct node;

struct edge {
    struct node *issuer;
    enum signature signature;
    int score;                  /* higher is tried first */
};

struct node {
    struct cert *cert;
    const struct anchor *anchor;        /* NULL: not trusted by itself */
    struct edge *edges;                 /* to whom its issuer's name points */
    size_t n_edges;
    bool expanded, fetched, on_path;
    struct node *next;
};

struct chain_work {
    struct node *nodes;         /* a list: there are few, and they never go away */
    struct node **last;
    struct node *leaf;
    int cost_left;
};

struct walk {
    struct judge *j;
    struct chain_work *work;
    struct mw_wall at;
    path_offer *offer;
    void *context;
    struct path_search *out;
    struct node *stack[MW_MAX_DEPTH];
    size_t cursor[MW_MAX_DEPTH];        /* the next edge to try */
    bool led_on[MW_MAX_DEPTH];          /* some edge was followed, or the node is an anchor */
    size_t depth;
    unsigned steps, paths;
};

static struct node *node_find(const struct chain_work *w, const struct cert *c)
{
    for (struct node *n = w->nodes; n != NULL; n = n->next)
        if (cert_same(n->cert, c))
            return n;
    return NULL;
}

/* The node of this certificate, made if there is none yet.  NULL: out of memory. */
static struct node *node_get(struct judge *j, struct cert *c, bool fetched)
{
    struct chain_work *w = j->work;
    struct node *n = node_find(w, c);

    if (n != NULL)
        return n;
    n = arena_alloc(j->arena, sizeof *n);
    if (n == NULL)
        return NULL;
    *n = (struct node){ .cert = c, .anchor = policy_anchor(j->policy, c), .fetched = fetched };
    *w->last = n;
    w->last = &n->next;
    return n;
}

static int work_start(struct judge *j)
{
    struct chain_work *w = arena_alloc(j->arena, sizeof *w);

    if (w == NULL)
        return -ENOMEM;
    *w = (struct chain_work){ .cost_left = MAX_SIGNATURE_COST };
    w->last = &w->nodes;
    j->work = w;
    for (size_t i = 0; i < j->n_certs; i++)
        if (node_get(j, j->certs[i], i >= j->n_sent) == NULL)
            return -ENOMEM;
    w->leaf = node_find(w, j->leaf);
    return 0;
}

static bool names_issuer(const struct cert *child, const struct cert *issuer)
{
    return span_eq(child->issuer, issuer->subject) ||
           X509_NAME_cmp(X509_get_issuer_name(child->x509),
                         X509_get_subject_name(issuer->x509)) == 0;
}

/* 1: the key identifiers agree, -1: they differ, 0: one is absent. */
static int key_ids_agree(const struct cert *child, const struct cert *issuer)
{
    if (child->aki.len == 0 || issuer->ski.len == 0)
        return 0;
    return span_eq(child->aki, issuer->ski) ? 1 : -1;
}

/* RFC 4158 section 3.5, in the order of what decides soonest. */
static int edge_score(const struct node *child, const struct edge *e, struct mw_wall at)
{
    const struct cert *c = e->issuer->cert;
    int score = 0;

    if (e->issuer->anchor != NULL)
        score += e->issuer->anchor->as == MW_ANCHOR_PUBLIC ? 96 : 64;
    score += 16 * key_ids_agree(child->cert, c);
    if (at.s >= c->not_before.s && at.s <= c->not_after.s)
        score += 8;
    if (c->is_ca)
        score += 4;
    if (!e->issuer->fetched)
        score += 2;
    return score;
}

/* Insertion: stable, and the lists are short or the budget ends the search. */
static void edges_sort(struct node *n, struct mw_wall at)
{
    for (size_t i = 0; i < n->n_edges; i++)
        n->edges[i].score = edge_score(n, &n->edges[i], at);
    for (size_t i = 1; i < n->n_edges; i++) {
        struct edge moving = n->edges[i];
        size_t to = i;

        for (; to > 0 && n->edges[to - 1].score < moving.score; to--)
            n->edges[to] = n->edges[to - 1];
        n->edges[to] = moving;
    }
}

static bool is_candidate(const struct node *n, const struct node *child)
{
    return n != child && n->anchor == NULL && names_issuer(child->cert, n->cert);
}

/* Finds everything the node's issuer name may mean: anchors, and what was sent or fetched. */
static int node_expand(struct judge *j, struct node *n, struct mw_wall at)
{
    size_t n_anchors, room;
    const struct anchor *anchors = policy_issuers(j->policy, n->cert, &n_anchors);

    n->expanded = true;
    room = n_anchors;
    for (const struct node *other = j->work->nodes; other != NULL; other = other->next)
        room += is_candidate(other, n);
    if (room == 0)
        return 0;
    n->edges = arena_calloc(j->arena, room, sizeof *n->edges);
    if (n->edges == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_anchors; i++) {
        struct node *issuer = node_get(j, anchors[i].cert, false);

        if (issuer == NULL)
            return -ENOMEM;
        if (issuer != n)
            n->edges[n->n_edges++].issuer = issuer;
    }
    for (struct node *other = j->work->nodes; other != NULL; other = other->next)
        if (is_candidate(other, n) && n->n_edges < room)
            n->edges[n->n_edges++].issuer = other;
    edges_sort(n, at);
    return 0;
}

/* What one verification with this key costs, in microseconds of an ordinary machine: only
 * used to keep the sum bounded the same way everywhere. */
static int signature_cost(const struct cert *issuer)
{
    struct key_facts k = key_facts_read(issuer->spki);

    switch (k.kind) {
    case KEY_UNREADABLE:
        return 1;
    case KEY_RSA:
        return k.bits > 16384 || k.exponent.len > 8 ? MAX_SIGNATURE_COST
                                                    : 20 + k.bits / 256 * (k.bits / 256);
    case KEY_EC:
        return k.bits == 256 ? 150 : 1200;
    case KEY_ED25519:
    case KEY_ED448:
        return 300;
    case KEY_EC_EXPLICIT:
    case KEY_OTHER:
        break;
    }
    return 2000;
}

/* false: the budget for signatures is gone. */
static bool edge_check(struct walk *w, const struct node *child, struct edge *e)
{
    if (e->signature != SIGNATURE_UNKNOWN)
        return true;
    if (w->work->cost_left <= 0) {
        w->out->too_complex = true;
        return false;
    }
    w->work->cost_left -= signature_cost(e->issuer->cert);
    e->signature =
        cert_signed_by(child->cert, e->issuer->cert) == 1 ? SIGNATURE_GOOD : SIGNATURE_BAD;
    return true;
}

/* RFC 4158 2.4.2: the same subject with the same key twice is a loop. */
static bool would_loop(const struct walk *w, const struct node *n)
{
    if (n->on_path)
        return true;
    for (size_t i = 1; i < w->depth; i++)
        if (cert_same_key(w->stack[i]->cert, n->cert) &&
            span_eq(w->stack[i]->cert->subject, n->cert->subject))
            return true;
    return false;
}

static void path_take(const struct walk *w, struct path *out)
{
    *out = (struct path){ .n = w->depth };
    for (size_t i = 0; i < w->depth; i++) {
        out->certs[i] = w->stack[i]->cert;
        out->used_fetched = out->used_fetched || w->stack[i]->fetched;
    }
}

/* The way so far ends here.  Keeps the longest: it explains most. */
static void dead_end_note(struct walk *w)
{
    const struct node *end = w->stack[w->depth - 1];

    if (w->paths > 0 || w->depth <= w->out->dead_end.n)
        return;
    path_take(w, &w->out->dead_end);
    w->out->impostor = NULL;
    w->out->impostor_same_id = false;
    for (size_t i = 0; i < end->n_edges; i++) {
        const struct edge *e = &end->edges[i];
        bool same_id = key_ids_agree(end->cert, e->issuer->cert) == 1;

        if (e->signature == SIGNATURE_BAD && (w->out->impostor == NULL || same_id)) {
            w->out->impostor = e->issuer->cert;
            w->out->impostor_same_id = same_id;
        }
    }
}

/* false: no more paths are wanted. */
static bool push(struct walk *w, struct node *n)
{
    struct path path;

    w->stack[w->depth] = n;
    w->cursor[w->depth] = 0;
    w->led_on[w->depth] = n->anchor != NULL;
    w->depth++;
    n->on_path = true;
    if (n->anchor == NULL)
        return true;
    path_take(w, &path);
    path.anchor = n->anchor->as;
    w->paths++;
    if (!w->offer(w->context, &path))
        return false;
    w->out->too_complex = w->out->too_complex || w->paths == MAX_PATHS;
    return w->paths < MAX_PATHS;
}

static void pop(struct walk *w)
{
    if (!w->led_on[w->depth - 1])
        dead_end_note(w);
    w->depth--;
    w->stack[w->depth]->on_path = false;
}

/* One step: follows the next edge of the top, or goes back.  *more: there is more to do. */
static int step(struct walk *w, bool *more)
{
    struct node *top = w->stack[w->depth - 1];
    struct edge *e;

    if (!top->expanded) {
        int error = node_expand(w->j, top, w->at);

        if (error != 0)
            return error;
    }
    if (w->cursor[w->depth - 1] == top->n_edges) {
        pop(w);
        *more = w->depth > 0;
        return 0;
    }
    e = &top->edges[w->cursor[w->depth - 1]++];
    if (would_loop(w, e->issuer))
        return 0;
    if (w->depth == MW_MAX_DEPTH) {
        w->out->too_long = true;
        return 0;
    }
    if (!edge_check(w, top, e)) {
        *more = false;
        return 0;
    }
    if (e->signature == SIGNATURE_BAD)
        return 0;
    w->led_on[w->depth - 1] = true;
    *more = push(w, e->issuer);
    return 0;
}

int path_search(struct judge *j, struct mw_wall at, path_offer *offer, void *context,
                struct path_search *out)
{
    struct walk w = { .j = j, .at = at, .offer = offer, .context = context, .out = out };
    int error = j->work == NULL ? work_start(j) : 0;
    bool more;

    *out = (struct path_search){ 0 };
    if (error != 0)
        return error;
    w.work = j->work;
    for (struct node *n = w.work->nodes; n != NULL; n = n->next)
        edges_sort(n, at);
    for (more = push(&w, w.work->leaf); more && error == 0; w.steps++) {
        if (w.steps == MAX_STEPS) {
            out->too_complex = true;
            break;
        }
        error = step(&w, &more);
    }
    while (w.depth > 0)
        pop(&w);
    return error;
}
