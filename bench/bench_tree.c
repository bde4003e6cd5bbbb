/*
 * What the ratchet tree costs from 2 to 10,000 members, without the group around it (suite 1).
 *   add, remove    one change, the root's hash, and undone again
 *   derive + seal  a path made by a member and its secrets sealed to all others
 *   merge + open   that path followed by the last member
 *   read + hash    a tree as a joiner gets it: read, hashed, parent hashes checked
 * cold: nobody else has ever set a path; warm: everybody has.  "x pk" is the time against the
 * public-key operations in it, counted, and priced by a loop of the same calls in this run.
 * Processor time: nothing here waits, and what else the machine does must not decide.
 *
 * usage: bench_tree [SUITE]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "meet/tree/kem.h"
#include "meet/tree/math.h"

struct prices {
    double public_s, shared_s;
};

struct group {
    struct suited s;
    struct mw_random random;
    struct tree *tree;
    struct tree_keys *first, *last;     /* of leaf 0 and of the last leaf */
    uint32_t members;
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_tree: %s\n", what);
        exit(1);
    }
}

static struct prices prices_take(struct suited s, struct mw_random random)
{
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], out[CRYPT_POINT_MAX];
    struct mw_span key = span_of(scalar, s.suite->nsk), to = span_of(point, s.suite->npk);
    struct prices p;
    double from;
    int n = 0;

    check(hpke_pair_make(s.crypto, s.suite->hpke.kem, random, scalar, point) == 0, "a key pair");
    for (from = seconds(); seconds() - from < 0.3; n++)
        check(crypt_public(s.crypto, s.suite->group, key, out) == 0, "crypt_public");
    p.public_s = (seconds() - from) / n;
    n = 0;
    for (from = seconds(); seconds() - from < 0.3; n++)
        check(crypt_shared(s.crypto, s.suite->group, key, to, out) == 0, "crypt_shared");
    p.shared_s = (seconds() - from) / n;
    return p;
}

/* ------------------------------------------------------------------------------ leaves ---- */

static void leaf_write(struct buf *out, struct group *g, uint8_t source, struct mw_span key,
                       struct mw_span parent_hash)
{
    static const uint8_t one[] = { 0, 1 }, suites[] = { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7 };
    uint8_t signer[32], signature[64];
    const struct leaf_node v = {
        .encryption_key = key,
        .signature_key = span_of(signer, sizeof(signer)),
        .credential = { CREDENTIAL_BASIC, span_str("somebody@meeting.example") },
        .capabilities = { .versions = span_of(one, 2),
                          .suites = span_of(suites, sizeof(suites)),
                          .credentials = span_of(one, 2) },
        .source = source,
        .not_after = UINT64_MAX,
        .parent_hash = parent_hash,
        .signature = span_of(signature, sizeof(signature)),
    };

    check(g->random.fill(g->random.context, signer, sizeof(signer)) == 0, "randomness");
    check(g->random.fill(g->random.context, signature, sizeof(signature)) == 0, "randomness");
    leaf_node_write(out, &v);
    check(buf_error(out) == 0, "memory");
}

static void leaf_read(struct leaf_node *v, const struct buf *b)
{
    struct reader r = { .rest = buf_span(b) };

    leaf_node_read(v, &r);
    check(!r.failed, "a leaf");
}

static void member_add(struct group *g, struct tree_keys **keys)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(4096);
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    struct mw_span none = { NULL, 0 };
    struct leaf_node v;
    uint32_t leaf;

    check(hpke_pair_make(g->s.crypto, g->s.suite->hpke.kem, g->random, scalar, point) == 0,
          "a key pair");
    leaf_write(&b, g, LEAF_KEY_PACKAGE, span_of(point, g->s.suite->npk), none);
    leaf_read(&v, &b);
    check(tree_add(g->tree, &v, &leaf) == 0, "tree_add");
    if (keys != NULL) {
        tree_keys_free(*keys);
        check(tree_keys_new(keys, leaf, span_of(scalar, g->s.suite->nsk)) == 0, "tree_keys_new");
    }
}

/* -------------------------------------------------------------------------------- paths ---- */

/* An UpdatePath of `sender`, in the tree and sealed to all; returns the seconds of that alone. */
static double path_make(struct group *g, struct tree_keys *keys, struct buf *out)
{
    CLEANUP(path_maker_freep) struct path_maker *m = NULL;
    uint8_t context[150] = { 1 };
    struct leaf_node v;
    double from = seconds();
    size_t at;

    check(path_derive(&m, g->tree, keys, g->random) == 0, "path_derive");
    leaf_write(out, g, LEAF_COMMIT, path_maker_leaf_key(m), path_maker_parent_hash(m));
    leaf_read(&v, out);
    check(tree_set_leaf(g->tree, tree_keys_leaf(keys), &v) == 0, "tree_set_leaf");
    check(tree_hash(g->tree, tree_root(g->tree), context) == 0, "tree_hash");
    at = vector_open(out);
    check(path_seal(m, g->tree, g->random, span_of(context, sizeof(context)), NULL, 0, out) == 0,
          "path_seal");
    vector_close(out, at);
    check(buf_error(out) == 0, "memory");
    return seconds() - from;
}

static double path_take(struct group *g, const struct tree_keys *keys, uint32_t sender,
                        const struct buf *bytes)
{
    CLEANUP(tree_keys_freep) struct tree_keys *mine = NULL;
    CLEANUP(secret_wipe) struct secret commit = { .len = 0 };
    uint8_t context[150] = { 1 };
    struct reader r = { .rest = buf_span(bytes) };
    struct update_path path;
    double from;

    update_path_read(&path, &r);
    check(read_done(&r), "an UpdatePath");
    from = seconds();
    check(tree_keys_copy(&mine, keys) == 0, "tree_keys_copy");
    check(path_merge(g->tree, sender, &path) == 0, "path_merge");
    check(tree_hash(g->tree, tree_root(g->tree), context) == 0, "tree_hash");
    check(path_open(mine, g->tree, sender, &path, span_of(context, sizeof(context)), NULL, 0,
                    &commit) == 0, "path_open");
    return seconds() - from;
}

static size_t ciphertexts(const struct buf *bytes)
{
    struct reader r = { .rest = buf_span(bytes) };
    struct update_path path;
    struct reader nodes;
    size_t n = 0;

    update_path_read(&path, &r);
    nodes.rest = path.nodes;
    nodes.failed = false;
    while (read_more(&nodes)) {
        struct path_node v;
        struct reader list;

        path_node_read(&v, &nodes);
        list = (struct reader){ .rest = v.ciphertexts };
        for (struct hpke_ciphertext c; read_more(&list); n++)
            hpke_ciphertext_read(&c, &list);
    }
    return n;
}

/* ------------------------------------------------------------------------------ measures ---- */

enum change { ADD, REMOVE };

static double change_time(struct group *g, enum change what)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(4096);
    uint8_t hash[CRYPT_HASH_MAX], scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    struct mw_span none = { NULL, 0 };
    struct leaf_node v;
    uint32_t leaf;
    double from, spent;
    int n = 0;

    check(hpke_pair_make(g->s.crypto, g->s.suite->hpke.kem, g->random, scalar, point) == 0,
          "a key pair");
    leaf_write(&b, g, LEAF_KEY_PACKAGE, span_of(point, g->s.suite->npk), none);
    leaf_read(&v, &b);
    from = seconds();
    do {
        tree_begin(g->tree);
        if (what == ADD)
            check(tree_add(g->tree, &v, &leaf) == 0, "tree_add");
        else
            check(tree_remove(g->tree, g->members / 2) == 0, "tree_remove");
        check(tree_hash(g->tree, tree_root(g->tree), hash) == 0, "tree_hash");
        tree_undo(g->tree);
        check(tree_hash(g->tree, tree_root(g->tree), hash) == 0, "tree_hash");
        n++;
        spent = seconds() - from;
    } while (spent < 0.1);
    return spent / n;
}

/* A path by leaf 0, made and followed several times and undone again. */
static void path_times(struct group *g, const struct prices *p, const char *kind)
{
    double made = 0, taken = 0, pk_made = 0, pk_taken = 0;
    size_t size = 0, sealed = 0;
    uint32_t depth = node_level(tree_root(g->tree));
    int n = 0;

    for (double from = seconds(); n < 2 || seconds() - from < 0.3; n++) {
        CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 26);
        CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;

        check(tree_keys_copy(&keys, g->first) == 0, "tree_keys_copy");
        tree_begin(g->tree);
        made += path_make(g, keys, &bytes);
        tree_undo(g->tree);
        size = bytes.len;
        sealed = ciphertexts(&bytes);
        tree_begin(g->tree);
        taken += path_take(g, g->last, 0, &bytes);
        tree_undo(g->tree);
    }
    pk_made = (double)sealed * (p->public_s + p->shared_s) + (depth + 1) * p->public_s;
    /* Leaf 0 and the last one meet at the root: one secret opened, one pair derived. */
    pk_taken = p->shared_s + p->public_s;
    printf("  %-4s path %7zu B %6zu sealed: made %9.3f ms, x pk %5.2f; followed %8.3f ms, "
           "+ %6.3f ms\n", kind, size, sealed, 1e3 * made / n, made / n / pk_made,
           1e3 * taken / n, 1e3 * (taken / n - pk_taken));
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void join_time(struct group *g)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 26);
    uint8_t hash[CRYPT_HASH_MAX];
    double read = 0, hashed = 0, checked = 0;
    size_t memory = 0;
    int n = 0;

    tree_write(g->tree, &bytes);
    check(buf_error(&bytes) == 0, "memory");
    for (double from = seconds(); n < 2 || seconds() - from < 0.2; n++) {
        CLEANUP(tree_freep) struct tree *t = NULL;
        size_t before = allocated();
        double at = seconds();

        check(tree_read(&t, g->s, buf_span(&bytes)) == 0, "tree_read");
        read += seconds() - at;
        memory = allocated() - before;
        at = seconds();
        check(tree_hash(t, tree_root(t), hash) == 0, "tree_hash");
        hashed += seconds() - at;
        at = seconds();
        check(tree_check_parents(t) == 0, "tree_check_parents");
        checked += seconds() - at;
    }
    printf("  a tree of %zu B in %zu B of memory: read %.3f ms, hashed %.3f ms, parents checked "
           "%.3f ms\n", bytes.len, memory, 1e3 * read / n, 1e3 * hashed / n, 1e3 * checked / n);
}

/* Everybody sets a path; nothing is sealed for it, so that it takes no minutes. */
static void warm(struct group *g)
{
    for (uint32_t leaf = 0; leaf < g->members; leaf++) {
        CLEANUP(path_maker_freep) struct path_maker *m = NULL;
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(4096);
        CLEANUP(tree_keys_freep) struct tree_keys *other = NULL;
        uint8_t any[CRYPT_SCALAR_MAX] = { 1 };
        struct tree_keys *keys = leaf == 0 ? g->first : leaf == g->members - 1 ? g->last : NULL;
        struct leaf_node v;

        if (keys == NULL) {
            check(tree_keys_new(&other, leaf, span_of(any, g->s.suite->nsk)) == 0, "keys");
            keys = other;
        }
        check(path_derive(&m, g->tree, keys, g->random) == 0, "path_derive");
        leaf_write(&b, g, LEAF_COMMIT, path_maker_leaf_key(m), path_maker_parent_hash(m));
        leaf_read(&v, &b);
        check(tree_set_leaf(g->tree, leaf, &v) == 0, "tree_set_leaf");
    }
}

static void group_run(struct suited s, const struct prices *p, uint32_t members)
{
    struct group g = { .s = s, .random = mw_random_system(), .members = members };

    check(tree_new(&g.tree, s) == 0, "tree_new");
    for (uint32_t i = 0; i < members; i++)
        member_add(&g, i == 0 ? &g.first : i == members - 1 ? &g.last : NULL);
    printf("%u members: add %.1f us, remove %.1f us\n", members, 1e6 * change_time(&g, ADD),
           members > 2 ? 1e6 * change_time(&g, REMOVE) : 0);
    path_times(&g, p, "cold");
    join_time(&g);
    warm(&g);
    path_times(&g, p, "warm");
    join_time(&g);
    tree_keys_free(g.first);
    tree_keys_free(g.last);
    tree_free(g.tree);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = { 2, 10, 100, 1000, 10000 };
    struct mw_crypto *crypto = NULL;
    struct suited s;
    struct prices p;
    int64_t suite = 1;

    check(mw_crypto_new(&crypto) == 0, "OpenSSL");
    s.crypto = crypto;
    check(argc < 2 || text_number(span_str(argv[1]), 0, UINT16_MAX, &suite) == 0, "no number");
    s.suite = suite_find((uint16_t)suite);
    check(s.suite != NULL, "no such suite");
    p = prices_take(s, mw_random_system());
    printf("%s: a public key %.1f us, an agreement %.1f us\n", s.suite->name, 1e6 * p.public_s,
           1e6 * p.shared_s);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        group_run(s, &p, sizes[i]);
    mw_crypto_free(crypto);
    return 0;
}
