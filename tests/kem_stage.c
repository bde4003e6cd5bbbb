#include "kem_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct mw_crypto *crypto;

int kem_crypto_open(void **state)
{
    (void)state;
    return mw_crypto_new(&crypto);
}

int kem_crypto_close(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

void kem_stage_init(struct kem_stage *st, uint16_t suite)
{
    struct suited s = { suite_find(suite), crypto };

    *st = (struct kem_stage){ .made = { .maker = NULL } };
    kem_world_init(&st->w, s, 31337);
    assert_int_equal(kem_found(&st->w), 0);
    for (uint32_t i = 1; i < KEM_STAGE_MEMBERS; i++) {
        uint8_t scalar[CRYPT_SCALAR_MAX];
        struct mw_span none = { NULL, 0 };
        struct model_leaf leaf;
        uint32_t at;

        assert_int_equal(kem_leaf_make(&st->w, &leaf, LEAF_KEY_PACKAGE, none, scalar), 0);
        for (uint32_t m = 0; m < i; m++)
            assert_int_equal(tree_add(st->w.members[m].tree, &leaf.leaf, &at), 0);
        assert_int_equal(kem_join(&st->w, 0, i, span_of(scalar, s.suite->nsk)), 0);
    }
    assert_int_equal(kem_path_make(&st->w, 0, NULL, 0, &st->made), 0);
}

void kem_stage_deinit(struct kem_stage *st)
{
    kem_path_deinit(&st->made);
    kem_world_deinit(&st->w);
}

struct kem_member *kem_stage_joiner(struct kem_stage *st, struct secret *secret)
{
    struct kem_member *m = &st->w.members[4];

    assert_int_equal(path_merge(m->tree, 0, &st->made.path), 0);
    assert_int_equal(path_maker_secret_for(st->made.maker, m->tree, 4, secret), 0);
    return m;
}

int kem_stage_open(struct kem_stage *st, const struct update_path *path, const uint32_t *skip,
                   size_t skips)
{
    CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
    CLEANUP(secret_wipe) struct secret commit = { .len = 0 };
    struct kem_member *m = &st->w.members[4];
    uint8_t context[160];
    int error;

    assert_int_equal(tree_keys_copy(&keys, m->keys), 0);
    tree_begin(m->tree);
    assert_int_equal(path_merge(m->tree, 0, path), 0);
    error = path_open(keys, m->tree, 0, path, kem_context(&st->w, m->tree, context), skip, skips,
                      &commit);
    tree_undo(m->tree);
    assert_int_equal(error == 0, commit.len > 0);
    return error;
}

struct kem_parts kem_parts_of(const struct update_path *path)
{
    struct reader r = { .rest = path->nodes };
    struct kem_parts p = { .n = 0 };

    while (read_more(&r)) {
        struct path_node v;

        path_node_read(&v, &r);
        p.keys[p.n] = v.encryption_key;
        p.sealed[p.n++] = v.ciphertexts;
    }
    assert_true(read_done(&r));
    return p;
}

struct update_path kem_parts_join(const struct update_path *path, const struct kem_parts *p,
                                  struct buf *nodes)
{
    struct update_path out = *path;

    buf_truncate(nodes, 0);
    for (size_t i = 0; i < p->n; i++) {
        vector_write(nodes, p->keys[i]);
        vector_write(nodes, p->sealed[i]);
    }
    assert_int_equal(buf_error(nodes), 0);
    out.nodes = buf_span(nodes);
    return out;
}
