/* Slots and what follows from them: hashes forgotten, keys and census kept, and the journal. */
#include <errno.h>
#include <stdlib.h>

#include "meet/tree/node.h"

enum { JOURNAL_MIN = 32, JOURNAL_KEPT = 256 };

struct node *node_new(struct mw_span wire)
{
    struct node *v = malloc(sizeof(*v) + wire.len);

    if (v == NULL)
        return NULL;
    v->stamp = 0;
    v->len = (uint32_t)wire.len;
    if (wire.len > 0)
        memcpy(v->wire, wire.data, wire.len);
    return v;
}

static uint8_t *put_vector(uint8_t *at, struct mw_span s)
{
    uint8_t length[4];
    size_t n = vector_header_put(length, s.len);

    memcpy(at, length, n);
    if (s.data != NULL)
        memcpy(at + n, s.data, s.len);
    return at + n + s.len;
}

struct node *node_new_parent(struct mw_span key, struct mw_span hash, struct mw_span unmerged)
{
    size_t len = vector_header(key.len) + key.len + vector_header(hash.len) + hash.len
                 + vector_header(unmerged.len) + unmerged.len;
    struct node *v = malloc(sizeof(*v) + len);

    if (v == NULL)
        return NULL;
    v->stamp = 0;
    v->len = (uint32_t)len;
    put_vector(put_vector(put_vector(v->wire, key), hash), unmerged);
    return v;
}

static void bit_set(uint64_t *bits, uint32_t i, bool on)
{
    if (on)
        bits[i / 64] |= (uint64_t)1 << i % 64;
    else
        bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

static bool bit_get(const uint64_t *bits, uint32_t i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

/* Forgets the hashes above x and of x.  One that is forgotten already has none above it. */
static void hash_forget(struct tree *t, uint32_t x)
{
    uint32_t root = node_root(t->size);

    if (x >= nodes_of(t->size))
        return;
    while (node_is_leaf(x) || bit_get(t->hashed, x / 2)) {
        if (!node_is_leaf(x))
            bit_set(t->hashed, x / 2, false);
        if (x == root)
            return;
        x = node_above(x);
    }
}

static void leave_index(struct tree *t, uint32_t x, const struct node *v)
{
    struct leaf_node leaf;

    key_index_drop(&t->keys, node_key(v), x);
    if (!node_is_leaf(x)) {
        bit_set(t->parents, x / 2, false);
        return;
    }
    node_leaf(v, &leaf);
    key_index_drop(&t->signers, leaf.signature_key, x);
    census_count(&t->census, &leaf, -1);
    bit_set(t->present, leaf_of_node(x), false);
    t->members--;
    if (leaf_of_node(x) < t->blank_from)
        t->blank_from = leaf_of_node(x);
}

static void enter_index(struct tree *t, uint32_t x, const struct node *v)
{
    struct leaf_node leaf;

    key_index_add(&t->keys, node_key(v), x);
    if (!node_is_leaf(x)) {
        bit_set(t->parents, x / 2, true);
        return;
    }
    node_leaf(v, &leaf);
    key_index_add(&t->signers, leaf.signature_key, x);
    census_count(&t->census, &leaf, 1);
    bit_set(t->present, leaf_of_node(x), true);
    t->members++;
}

/* Cannot fail: room in the tables was made before, or was there when the journal was written. */
static void exchange(struct tree *t, uint32_t x, struct node *v)
{
    if (t->nodes[x] != NULL)
        leave_index(t, x, t->nodes[x]);
    t->nodes[x] = v;
    if (v != NULL)
        enter_index(t, x, v);
    hash_forget(t, x);
}

static int room_for(struct tree *t, uint32_t x, const struct node *v)
{
    struct leaf_node leaf;
    int error = key_index_reserve(&t->keys, node_key(v));

    if (error != 0 || !node_is_leaf(x))
        return error;
    node_leaf(v, &leaf);
    error = key_index_reserve(&t->signers, leaf.signature_key);
    return error != 0 ? error : census_reserve(&t->census, &leaf);
}

static int remember(struct journal *j, uint32_t x, struct node *old)
{
    if (j->n == j->room) {
        size_t room = j->room == 0 ? JOURNAL_MIN : 2 * j->room;
        struct change *changes = realloc(j->changes, room * sizeof(*changes));

        if (changes == NULL)
            return -ENOMEM;
        j->changes = changes;
        j->room = room;
    }
    j->changes[j->n++] = (struct change){ x, old };
    return 0;
}

int tree_put(struct tree *t, uint32_t x, struct node *v)
{
    struct journal *j = &t->journal;
    struct node *old = t->nodes[x];
    bool kept = j->on && (old == NULL || old->stamp != j->stamp);
    int error = 0;

    if (old == NULL && v == NULL)
        return 0;
    if (v != NULL) {
        v->stamp = j->on ? j->stamp : 0;
        error = room_for(t, x, v);
    }
    if (error == 0 && kept)
        error = remember(j, x, old);
    if (error != 0) {
        free(v);
        return error;
    }
    exchange(t, x, v);
    if (!kept)
        free(old);
    return 0;
}

int tree_blank_path(struct tree *t, uint32_t leaf)
{
    int error = 0;

    for (uint32_t x = node_of_leaf(leaf); x != node_root(t->size) && error == 0;) {
        x = node_above(x);
        error = tree_put(t, x, NULL);
    }
    return error;
}

/* ---------------------------------------------------------------------- transaction ---- */

static void journal_close(struct journal *j)
{
    j->on = false;
    j->n = 0;
    if (j->room <= JOURNAL_KEPT)
        return;
    free(j->changes);
    j->changes = NULL;
    j->room = 0;
}

void tree_begin(struct tree *t)
{
    struct journal *j = &t->journal;

    if (j->on)
        return;
    j->on = true;
    j->stamp++;
    j->size = t->size;
}

void tree_keep(struct tree *t)
{
    struct journal *j = &t->journal;

    for (size_t i = 0; i < j->n; i++)
        free(j->changes[i].old);
    journal_close(j);
    census_tidy(&t->census);
}

/* Going back, no more nodes are there at any moment than there were going forth, so the tables
 * have room. */
void tree_undo(struct tree *t)
{
    struct journal *j = &t->journal;

    if (!j->on)
        return;
    t->size = j->size;
    while (j->n > 0) {
        const struct change *c = &j->changes[--j->n];
        struct node *made = t->nodes[c->at];

        exchange(t, c->at, c->old);
        free(made);
    }
    if (t->blank_from > t->size)
        t->blank_from = t->size;
    journal_close(j);
    census_tidy(&t->census);
}

/* ----------------------------------------------------------------------------- room ---- */

static size_t words_of(uint32_t bits)
{
    return (bits + 63) / 64;
}

/* Longer by what is zeroed; *at keeps its content. */
static int lengthen(void *at, size_t from, size_t to, size_t each)
{
    void **p = at;
    uint8_t *longer = realloc(*p, to * each);

    if (longer == NULL)
        return -ENOMEM;
    *p = longer;
    memset(longer + from * each, 0, (to - from) * each);
    return 0;
}

static int make_room(struct tree *t, uint32_t room)
{
    size_t words = words_of(t->room);

    if (lengthen(&t->nodes, nodes_of(t->room), nodes_of(room), sizeof(void *)) != 0
        || lengthen(&t->present, words, words_of(room), sizeof(*t->present)) != 0
        || lengthen(&t->parents, words, words_of(room), sizeof(*t->parents)) != 0
        || lengthen(&t->hashed, words, words_of(room), sizeof(*t->hashed)) != 0
        || lengthen(&t->hashes, t->room, room, t->suited.suite->nh) != 0)
        return -ENOMEM;
    t->room = room;
    return 0;
}

int tree_grow(struct tree *t)
{
    uint32_t size = t->size == 0 ? 1 : 2 * t->size;

    if (size > TREE_LEAVES_MAX)
        return TREE_E_TOO_BIG;
    if (size > t->room) {
        int error = make_room(t, size);

        if (error != 0)
            return error;
    }
    /* Slots there are blank, but hashes may be an earlier tree's. */
    for (uint32_t i = t->size == 0 ? 0 : t->size - 1; i < size; i++)
        bit_set(t->hashed, i, false);
    t->size = size;
    return 0;
}
