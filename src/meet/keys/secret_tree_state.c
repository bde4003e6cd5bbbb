/* A secret tree at rest: version, suite, leaves, and then every node from the root down, left
 * before right.  A node is its secret, or two nodes that follow, or a leaf's two ratchets. */
#include <errno.h>

#include "base/own.h"
#include "meet/keys/ratchet.h"

enum { STATE_VERSION = 1 };
enum node_state { NODE_SECRET, NODE_INNER, NODE_LEAF };

static enum node_state node_state(const struct node *n)
{
    if (n->child[0] != NULL)
        return NODE_INNER;
    return n->ratchet[0] != NULL ? NODE_LEAF : NODE_SECRET;
}

size_t secret_tree_size(const struct secret_tree *t)
{
    size_t nh = t->s.suite->nh, kept = 4 + t->s.suite->nk + CRYPT_NONCE;
    struct walk w = { .stack = { t->root }, .n = 1 };
    size_t size = 1 + 2 + 4;

    for (const struct node *n = secret_tree_walk(&w); n != NULL; n = secret_tree_walk(&w)) {
        size += 1 + (node_state(n) == NODE_SECRET ? nh : 0);
        for (int i = 0; i < 2 && node_state(n) == NODE_LEAF; i++)
            size += 4 + 4 + 4 + nh + n->ratchet[i]->n_kept * kept;
    }
    return size;
}

static void ratchet_write(const struct secret_tree *t, const struct ratchet *r, struct buf *out)
{
    buf_u32(out, r->next);
    buf_u32(out, r->floor);
    buf_add(out, span_of(r->secret, t->s.suite->nh));
    buf_u32(out, r->n_kept);
    for (const struct kept *k = r->first; k != NULL; k = k->next) {
        buf_u32(out, k->generation);
        buf_add(out, span_of(k->key, t->s.suite->nk));
        buf_add(out, span_of(k->nonce, sizeof k->nonce));
    }
}

void secret_tree_write(const struct secret_tree *t, struct buf *out)
{
    struct walk w = { .stack = { t->root }, .n = 1 };

    /* All at once: growing would leave secrets behind in memory that was freed. */
    if (buf_reserve(out, secret_tree_size(t)) == NULL)
        return;
    buf_u8(out, STATE_VERSION);
    buf_u16(out, t->s.suite->number);
    buf_u32(out, t->leaves);
    for (const struct node *n = secret_tree_walk(&w); n != NULL; n = secret_tree_walk(&w)) {
        buf_u8(out, (uint8_t)node_state(n));
        if (node_state(n) == NODE_SECRET)
            buf_add(out, span_of(n->secret, t->s.suite->nh));
        for (int i = 0; i < 2 && node_state(n) == NODE_LEAF; i++)
            ratchet_write(t, n->ratchet[i], out);
    }
}

/* --------------------------------------------------------------------------- reading ---- */

static int malformed(struct reader *r)
{
    read_fail(r);
    return SECRET_TREE_E_MALFORMED;
}

/* size bytes to `at`, which is left alone when there are fewer. */
static void bytes_read(struct reader *r, uint8_t *at, size_t size)
{
    struct mw_span s = read_bytes(r, size);

    if (s.len == size)
        memcpy(at, s.data, size);
}

static int kept_read(struct secret_tree *t, struct ratchet *ratchet, struct reader *r)
{
    struct kept *k = cells_take(&t->cells);

    if (k == NULL)
        return -ENOMEM;
    k->generation = read_u32(r);
    bytes_read(r, k->key, t->s.suite->nk);
    bytes_read(r, k->nonce, sizeof k->nonce);
    if (r->failed || k->generation >= ratchet->floor ||
        (ratchet->last != NULL && k->generation <= ratchet->last->generation)) {
        cells_give(&t->cells, k);
        return malformed(r);
    }
    kept_append(ratchet, k);
    t->kept_all++;
    return 0;
}

static int ratchet_read(struct secret_tree *t, struct ratchet **out, struct reader *r)
{
    struct ratchet *ratchet = cells_take(&t->cells);
    uint32_t kept;
    int e = 0;

    if (ratchet == NULL)
        return -ENOMEM;
    *out = ratchet;
    ratchet->next = read_u32(r);
    ratchet->floor = read_u32(r);
    bytes_read(r, ratchet->secret, t->s.suite->nh);
    kept = read_u32(r);
    if (r->failed || ratchet->floor < ratchet->next ||
        ratchet->floor - ratchet->next > RATCHET_GAP_MAX || kept > SECRET_TREE_KEPT ||
        kept > SECRET_TREE_KEPT_ALL - t->kept_all)
        return malformed(r);
    for (; e == 0 && kept > 0; kept--)
        e = kept_read(t, ratchet, r);
    return e;
}

/* width: how many leaves are below n. */
static int node_read(struct secret_tree *t, struct node *n, uint32_t width, struct reader *r)
{
    uint8_t state = read_u8(r);
    int e = 0;

    if (state == NODE_INNER && width > 1) {
        n->child[0] = cells_take(&t->cells);
        n->child[1] = cells_take(&t->cells);
        return n->child[0] == NULL || n->child[1] == NULL ? -ENOMEM : 0;
    }
    if (state == NODE_LEAF && width == 1) {
        for (int i = 0; i < 2 && e == 0; i++)
            e = ratchet_read(t, &n->ratchet[i], r);
        return e;
    }
    if (state == NODE_SECRET)
        bytes_read(r, n->secret, t->s.suite->nh);
    return state != NODE_SECRET || r->failed ? malformed(r) : 0;
}

static int nodes_read(struct secret_tree *t, struct reader *r)
{
    struct {
        struct node *node;
        uint32_t width;
    } stack[34] = { { t->root, t->leaves } };
    int e = 0;

    for (size_t n = 1; n > 0 && e == 0;) {
        struct node *node = stack[--n].node;
        uint32_t half = stack[n].width / 2;

        e = node_read(t, node, stack[n].width, r);
        if (e == 0 && node->child[0] != NULL) {
            stack[n].node = node->child[1];
            stack[n++].width = half;
            stack[n].node = node->child[0];
            stack[n++].width = half;
        }
    }
    return e;
}

int secret_tree_read(struct secret_tree **out, struct suited s, struct reader *r)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    uint8_t version = read_u8(r);
    uint16_t suite = read_u16(r);
    uint32_t leaves = read_u32(r);
    int e;

    if (r->failed || version != STATE_VERSION || suite != s.suite->number)
        return malformed(r);
    e = secret_tree_bare(&t, s, leaves);
    if (e > 0)
        return malformed(r);
    if (e == 0)
        e = nodes_read(t, r);
    if (e != 0)
        return e;
    *out = own_steal(&t);
    return 0;
}
