#include "tree_model.h"

#include <stdlib.h>

#include "meet/tree/math.h"

uint64_t dice(struct model_dice *d)
{
    uint64_t v = d->state += 0x9e3779b97f4a7c15;

    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
    v = (v ^ v >> 27) * 0x94d049bb133111eb;
    return v ^ v >> 31;
}

uint32_t dice_below(struct model_dice *d, uint32_t n)
{
    return (uint32_t)(dice(d) % n);
}

void dice_bytes(struct model_dice *d, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)dice(d);
}

static void must(bool good)
{
    if (!good)
        abort();
}

/* ---------------------------------------------------------------------------- leaves ---- */

static struct mw_span some_values(struct model_dice *d, uint8_t *out, uint16_t always)
{
    static const uint16_t values[] = { 0x0a0a, 0x1a1a, 3, 8, 9, 0xf001, 0xf002, 0x0a0a };
    struct buf b = BUF_INIT(64);
    size_t len;

    buf_u16(&b, always);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (dice_below(d, 2) == 0)
            buf_u16(&b, values[i]);
    must(buf_error(&b) == 0);
    len = b.len;
    memcpy(out, b.data, len);
    buf_deinit(&b);
    return span_of(out, len);
}

void model_leaf_keyed(struct model_leaf *out, struct model_dice *d, uint8_t source,
                      struct mw_span parent_hash, struct mw_span encryption_key,
                      struct mw_span signature_key)
{
    uint8_t key[32], signer[32], lists[5][32], signature[64];
    struct leaf_node v = {
        .encryption_key = encryption_key,
        .signature_key = signature_key,
        .credential = { CREDENTIAL_BASIC, span_str("member.example") },
        .capabilities = { .versions = some_values(d, lists[0], 1),
                          .suites = some_values(d, lists[1], 1),
                          .extensions = some_values(d, lists[2], 7),
                          .proposals = some_values(d, lists[3], 9),
                          .credentials = some_values(d, lists[4], 1) },
        .source = source,
        .not_after = UINT64_MAX,
        .parent_hash = parent_hash,
        .signature = span_of(signature, sizeof(signature)),
    };
    struct buf b = BUF_INIT(MODEL_WIRE);
    struct reader r;

    dice_bytes(d, key, sizeof(key));
    dice_bytes(d, signer, sizeof(signer));
    dice_bytes(d, signature, sizeof(signature));
    if (encryption_key.len == 0)
        v.encryption_key = span_of(key, sizeof(key));
    if (signature_key.len == 0)
        v.signature_key = span_of(signer, sizeof(signer));
    if (dice_below(d, 4) == 0) {
        v.credential.type = CREDENTIAL_X509;
        v.credential.body = SPAN_LIT("\3abc");
    }
    leaf_node_write(&b, &v);
    must(buf_error(&b) == 0);
    memcpy(out->wire, b.data, b.len);
    r = (struct reader){ .rest = { out->wire, b.len } };
    leaf_node_read(&out->leaf, &r);
    must(read_done(&r));
    buf_deinit(&b);
}

void model_leaf_make(struct model_leaf *out, struct model_dice *d, uint8_t source,
                     struct mw_span parent_hash)
{
    struct mw_span none = { NULL, 0 };

    model_leaf_keyed(out, d, source, parent_hash, none, none);
}

void model_set_leaf(struct model *m, uint32_t leaf, const struct leaf_node *v)
{
    struct model_node *n = &m->nodes[2 * leaf];

    *n = (struct model_node){ .there = true, .wire_len = v->wire.len };
    must(v->encryption_key.len == sizeof(n->key) && v->wire.len <= sizeof(n->wire));
    memcpy(n->key, v->encryption_key.data, sizeof(n->key));
    memcpy(n->wire, v->wire.data, v->wire.len);
}

/* --------------------------------------------------------------------------- changes ---- */

static void blank(struct model *m, uint32_t x)
{
    m->nodes[x] = (struct model_node){ .there = false };
}

static bool is_above(uint32_t x, uint32_t leaf)
{
    uint32_t half = (1u << node_level(x)) - 1;

    return x - half <= 2 * leaf && 2 * leaf <= x + half;
}

static void blank_above(struct model *m, uint32_t leaf)
{
    for (uint32_t x = 1; x < nodes_of(m->size); x += 2)
        if (is_above(x, leaf))
            blank(m, x);
}

void model_add(struct model *m, const struct leaf_node *v, uint32_t *leaf)
{
    uint32_t at = 0;

    while (at < m->size && m->nodes[2 * at].there)
        at++;
    if (at == m->size)
        m->size = m->size == 0 ? 1 : 2 * m->size;
    must(m->size <= MODEL_LEAVES);
    for (uint32_t x = 1; x < nodes_of(m->size); x += 2) {
        struct model_node *n = &m->nodes[x];
        size_t i;

        if (!n->there || !is_above(x, at))
            continue;
        for (i = n->n_unmerged++; i > 0 && n->unmerged[i - 1] > at; i--)
            n->unmerged[i] = n->unmerged[i - 1];
        n->unmerged[i] = (uint16_t)at;
    }
    model_set_leaf(m, at, v);
    *leaf = at;
}

void model_update(struct model *m, uint32_t leaf, const struct leaf_node *v)
{
    blank_above(m, leaf);
    model_set_leaf(m, leaf, v);
}

static bool any_there(const struct model *m, uint32_t from)
{
    for (uint32_t x = from; x < nodes_of(m->size); x++)
        if (m->nodes[x].there)
            return true;
    return false;
}

void model_remove(struct model *m, uint32_t leaf)
{
    blank_above(m, leaf);
    blank(m, 2 * leaf);
    while (m->size > 1 && !any_there(m, m->size)) {
        blank(m, node_root(m->size));
        m->size /= 2;
    }
    if (!any_there(m, 0))
        m->size = 0;
}

void model_path_make(struct model *m, struct model_dice *d, uint32_t leaf, struct model_path *p)
{
    uint32_t scratch[MODEL_NODES], x = 2 * leaf;

    *p = (struct model_path){ .n = 0 };
    blank_above(m, leaf);
    while (x != node_root(m->size)) {
        uint32_t copath = node_sibling(x);

        x = node_above(x);
        if (model_resolution(m, copath, scratch) == 0)
            continue;
        p->node[p->n] = x;
        p->copath[p->n] = copath;
        dice_bytes(d, p->key[p->n++], 32);
    }
    for (size_t i = p->n; i-- > 0;) {
        struct model_node *n = &m->nodes[p->node[i]];
        struct buf b = BUF_INIT(1000);
        uint8_t sibling[MODEL_NH];
        struct mw_span whole;

        *n = (struct model_node){ .there = true, .hash_len = p->hash_len };
        memcpy(n->key, p->key[i], 32);
        memcpy(n->hash, p->hash, p->hash_len);
        model_hash(m, p->copath[i], sibling);
        vector_write(&b, span_of(n->key, 32));
        vector_write(&b, span_of(n->hash, n->hash_len));
        vector_write(&b, span_of(sibling, MODEL_NH));
        whole = buf_span(&b);
        must(crypt_digest(m->s.crypto, m->s.suite->hash, &whole, 1, p->hash) == 0);
        p->hash_len = MODEL_NH;
        buf_deinit(&b);
    }
}

/* --------------------------------------------------------------------------- looking ---- */

uint32_t model_members(const struct model *m)
{
    uint32_t n = 0;

    for (uint32_t x = 0; x < nodes_of(m->size); x += 2)
        n += m->nodes[x].there;
    return n;
}

uint32_t model_pick(const struct model *m, struct model_dice *d)
{
    uint32_t leaf = dice_below(d, m->size);

    while (!m->nodes[2 * leaf].there)
        leaf = (leaf + 1) % m->size;
    return leaf;
}

size_t model_resolution(const struct model *m, uint32_t x, uint32_t *out)
{
    const struct model_node *n = &m->nodes[x];
    size_t count = 0;

    if (n->there) {
        out[count++] = x;
        for (size_t i = 0; i < n->n_unmerged; i++)
            out[count++] = 2u * n->unmerged[i];
        return count;
    }
    if ((x & 1) == 0)
        return 0;
    count = model_resolution(m, node_left(x), out);
    return count + model_resolution(m, node_right(x), out + count);
}

static void parent_write(struct buf *b, const struct model_node *n)
{
    size_t at;

    vector_write(b, span_of(n->key, 32));
    vector_write(b, span_of(n->hash, n->hash_len));
    at = vector_open(b);
    for (size_t i = 0; i < n->n_unmerged; i++)
        buf_u32(b, n->unmerged[i]);
    vector_close(b, at);
}

void model_hash(const struct model *m, uint32_t x, uint8_t *out)
{
    const struct model_node *n = &m->nodes[x];
    struct buf b = BUF_INIT(10000);
    uint8_t child[MODEL_NH];
    struct mw_span whole;

    if ((x & 1) == 0) {
        buf_u8(&b, 1);
        buf_u32(&b, x / 2);
        buf_u8(&b, n->there);
        buf_add(&b, span_of(n->wire, n->wire_len));
    } else {
        buf_u8(&b, 2);
        buf_u8(&b, n->there);
        if (n->there)
            parent_write(&b, n);
        model_hash(m, node_left(x), child);
        vector_write(&b, span_of(child, sizeof(child)));
        model_hash(m, node_right(x), child);
        vector_write(&b, span_of(child, sizeof(child)));
    }
    must(buf_error(&b) == 0);
    whole = buf_span(&b);
    must(crypt_digest(m->s.crypto, m->s.suite->hash, &whole, 1, out) == 0);
    buf_deinit(&b);
}

static bool has(const uint16_t *list, size_t n, uint32_t v)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

/* The tree hash of s as it was when p was set: without p's unmerged leaves (7.9). */
static void original_hash(const struct model *m, uint32_t p, uint32_t s, uint8_t *out)
{
    const struct model_node *top = &m->nodes[p];
    size_t bytes = offsetof(struct model, nodes) + nodes_of(m->size) * sizeof(m->nodes[0]);
    struct model *copy = malloc(bytes);

    must(copy != NULL);
    memcpy(copy, m, bytes);
    for (size_t i = 0; i < top->n_unmerged; i++)
        blank(copy, 2u * top->unmerged[i]);
    for (uint32_t x = 1; x < nodes_of(m->size); x += 2) {
        struct model_node *n = &copy->nodes[x];
        size_t kept = 0;

        for (size_t i = 0; i < n->n_unmerged; i++)
            if (!has(top->unmerged, top->n_unmerged, n->unmerged[i]))
                n->unmerged[kept++] = n->unmerged[i];
        n->n_unmerged = kept;
    }
    model_hash(copy, s, out);
    free(copy);
}

static bool carries(const struct model *m, uint32_t d, const uint8_t *hash)
{
    const struct model_node *n = &m->nodes[d];
    struct reader r = { .rest = { n->wire, n->wire_len } };
    struct leaf_node leaf;

    if ((d & 1) != 0)
        return n->hash_len == MODEL_NH && memcmp(n->hash, hash, MODEL_NH) == 0;
    leaf_node_read(&leaf, &r);
    return span_eq(leaf.parent_hash, span_of(hash, MODEL_NH));
}

/* How many below c vouch for p, by the three criteria as they are written. */
static unsigned vouchers(const struct model *m, uint32_t p, uint32_t c, uint32_t s)
{
    const struct model_node *n = &m->nodes[p];
    uint32_t res[MODEL_NODES], below = 0;
    size_t count = model_resolution(m, c, res);
    uint8_t sibling[MODEL_NH], hash[MODEL_NH];
    struct buf b = BUF_INIT(1000);
    struct mw_span whole;
    unsigned found = 0;

    original_hash(m, p, s, sibling);
    vector_write(&b, span_of(n->key, 32));
    vector_write(&b, span_of(n->hash, n->hash_len));
    vector_write(&b, span_of(sibling, MODEL_NH));
    whole = buf_span(&b);
    must(crypt_digest(m->s.crypto, m->s.suite->hash, &whole, 1, hash) == 0);
    buf_deinit(&b);
    for (size_t i = 0; i < n->n_unmerged; i++)
        below += is_above(c, n->unmerged[i]);
    for (size_t i = 0; i < count; i++) {
        bool rest_unmerged = below == count - 1;

        for (size_t k = 0; k < count; k++)
            if (k != i && ((res[k] & 1) != 0 || !has(n->unmerged, n->n_unmerged, res[k] / 2)))
                rest_unmerged = false;
        found += rest_unmerged && carries(m, res[i], hash);
    }
    return found;
}

bool model_parents_hold(const struct model *m)
{
    for (uint32_t p = 1; p < nodes_of(m->size); p += 2)
        if (m->nodes[p].there
            && vouchers(m, p, node_left(p), node_right(p))
                       + vouchers(m, p, node_right(p), node_left(p)) != 1)
            return false;
    return true;
}

void model_write(const struct model *m, struct buf *out)
{
    uint32_t n = nodes_of(m->size);

    while (n > 0 && !m->nodes[n - 1].there)
        n--;
    for (uint32_t x = 0; x < n; x++) {
        const struct model_node *v = &m->nodes[x];

        buf_u8(out, v->there);
        if (!v->there)
            continue;
        buf_u8(out, (x & 1) == 0 ? 1 : 2);
        if ((x & 1) == 0)
            buf_add(out, span_of(v->wire, v->wire_len));
        else
            parent_write(out, v);
    }
}
