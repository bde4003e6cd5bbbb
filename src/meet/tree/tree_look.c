#include "meet/tree/node.h"

struct mw_span node_key(const struct node *v)
{
    struct reader r = { .rest = { v->wire, v->len } };

    return vector_read(&r);
}

struct mw_span leaf_signature_key(const struct node *v)
{
    struct reader r = { .rest = { v->wire, v->len } };

    vector_read(&r);
    return vector_read(&r);
}

void node_leaf(const struct node *v, struct leaf_node *out)
{
    struct reader r = { .rest = { v->wire, v->len } };

    leaf_node_read(out, &r);
}

void node_parent(const struct node *v, struct parent_node *out)
{
    struct reader r = { .rest = { v->wire, v->len } };

    out->encryption_key = vector_read(&r);
    out->parent_hash = vector_read(&r);
    out->unmerged = vector_read(&r);
}

struct mw_span node_parent_head(const struct node *v)
{
    struct reader r = { .rest = { v->wire, v->len } };

    vector_read(&r);
    vector_read(&r);
    return span_of(v->wire, v->len - r.rest.len);
}

size_t leaves_before(struct mw_span list, uint32_t leaf)
{
    size_t low = 0, high = list.len / 4;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (u32_list_at(list, middle) < leaf)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct mw_span leaves_below(struct mw_span list, uint32_t x)
{
    size_t from = leaves_before(list, leaf_first(x)), to = leaves_before(list, leaf_last(x) + 1);

    return span_cut(list, 4 * from, 4 * (to - from));
}

/* ----------------------------------------------------------------------- resolution ---- */

void walk_begin(struct walk *w, const struct tree *t, uint32_t x)
{
    *w = (struct walk){ .t = t, .at = x, .last = x + ((1u << node_level(x)) - 1) };
}

/* The subtree right of x's, below the same whole. */
static uint32_t walk_past(const struct walk *w, uint32_t x)
{
    uint32_t above = x + (1u << node_level(x));

    return above > w->last ? TREE_NONE : node_right(above);
}

/* x is blank.  If all parents below it are, too, the leaves below it are what is left. */
static bool walk_leaves(struct walk *w, uint32_t x)
{
    uint32_t level = node_level(x), first = leaf_first(x);
    uint64_t all;

    if (level > 6)
        return false;
    all = level == 6 ? ~(uint64_t)0 : ((uint64_t)1 << (1u << level)) - 1;
    /* One parent less than leaves: the next bit is the parent above. */
    if ((w->t->parents[first / 64] >> first % 64 & all >> 1) != 0)
        return false;
    w->leaves = w->t->present[first / 64] >> first % 64 & all;
    w->first = first;
    return true;
}

static uint32_t walk_leaf(struct walk *w)
{
    uint32_t leaf = w->first + (uint32_t)__builtin_ctzll(w->leaves);

    w->leaves &= w->leaves - 1;
    return node_of_leaf(leaf);
}

uint32_t walk_next(struct walk *w)
{
    if (w->leaves != 0)
        return walk_leaf(w);
    if (w->unmerged.len > 0) {
        uint32_t leaf = u32_list_at(w->unmerged, 0);

        w->unmerged = span_cut(w->unmerged, 4, w->unmerged.len);
        return node_of_leaf(leaf);
    }
    for (uint32_t x = w->at; x != TREE_NONE;) {
        const struct node *v = w->t->nodes[x];

        if (v != NULL) {
            w->at = walk_past(w, x);
            if (!node_is_leaf(x)) {
                struct parent_node parent;

                node_parent(v, &parent);
                w->unmerged = parent.unmerged;
            }
            return x;
        }
        if (!walk_leaves(w, x)) {
            x = node_left(x);
            continue;
        }
        x = w->at = walk_past(w, x);
        if (w->leaves != 0)
            return walk_leaf(w);
    }
    w->at = TREE_NONE;
    return TREE_NONE;
}

size_t tree_resolution(const struct tree *t, uint32_t node, uint32_t *out, size_t room)
{
    struct walk w;
    size_t n = 0;

    if (node >= nodes_of(t->size))
        return 0;
    walk_begin(&w, t, node);
    for (uint32_t x = walk_next(&w); x != TREE_NONE; x = walk_next(&w)) {
        if (n < room)
            out[n] = x;
        n++;
    }
    return n;
}

/* -------------------------------------------------------------------------- looking ---- */

struct suited tree_suite(const struct tree *t)
{
    return t->suited;
}

uint32_t tree_size(const struct tree *t)
{
    return t->size;
}

uint32_t tree_members(const struct tree *t)
{
    return t->members;
}

uint32_t tree_root(const struct tree *t)
{
    return node_root(t->size);
}

bool tree_leaf(const struct tree *t, uint32_t leaf, struct leaf_node *out)
{
    const struct node *v = leaf < t->size ? t->nodes[node_of_leaf(leaf)] : NULL;

    if (v != NULL)
        node_leaf(v, out);
    return v != NULL;
}

bool tree_parent(const struct tree *t, uint32_t node, struct parent_node *out)
{
    const struct node *v = NULL;

    if (node < nodes_of(t->size) && !node_is_leaf(node))
        v = t->nodes[node];
    if (v != NULL)
        node_parent(v, out);
    return v != NULL;
}

uint32_t tree_next(const struct tree *t, uint32_t leaf)
{
    uint64_t word;

    if (leaf >= t->size)
        return TREE_NONE;
    word = t->present[leaf / 64] & ~(uint64_t)0 << leaf % 64;
    for (uint32_t i = leaf / 64;; word = t->present[i]) {
        if (word != 0)
            return 64 * i + (uint32_t)__builtin_ctzll(word);
        if (64 * ++i >= t->size)
            return TREE_NONE;
    }
}

uint32_t tree_find_signature_key(const struct tree *t, struct mw_span key)
{
    uint32_t x = key_index_find(&t->signers, key);

    return x == KEY_INDEX_NONE ? TREE_NONE : leaf_of_node(x);
}

uint32_t tree_find_encryption_key(const struct tree *t, struct mw_span key)
{
    uint32_t x = key_index_find(&t->keys, key);

    return x == KEY_INDEX_NONE ? TREE_NONE : x;
}

bool tree_has_encryption_key(const struct tree *t, struct mw_span key)
{
    return key_index_find(&t->keys, key) != KEY_INDEX_NONE;
}

uint32_t tree_supporters(const struct tree *t, enum census kind, uint16_t v)
{
    /* The defaults, whose numbers begin at 1 (7.2). */
    uint16_t last = kind == CENSUS_EXTENSION  ? EXT_EXTERNAL_SENDERS
                    : kind == CENSUS_PROPOSAL ? PROPOSAL_EXTENSIONS
                                              : 0;

    return v >= 1 && v <= last ? t->members : census_get(&t->census, kind, v);
}

uint32_t tree_users_of_credential(const struct tree *t, uint16_t type)
{
    return census_get(&t->census, CENSUS_USER, type);
}

bool tree_credentials_in(const struct tree *t, struct mw_span list)
{
    /* Others have no length and are in no tree (5.3). */
    static const uint16_t types[] = { CREDENTIAL_BASIC, CREDENTIAL_X509 };

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (tree_users_of_credential(t, types[i]) > 0 && !u16_list_has(list, types[i]))
            return false;
    return true;
}
