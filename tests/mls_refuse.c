#include "mls_refuse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"

void group_snapshot(const struct mw_mls_group *g, struct buf *out)
{
    tree_write(g->tree, out);
    buf_add(out, owned_span(g->now.context));
    buf_add(out, owned_span(g->now.interim));
    buf_add(out, owned_span(g->now.confirmation_tag));
    tree_keys_write(g->now.tree_keys, out);
    buf_add(out, span_of(&g->now.keys->secrets, sizeof(g->now.keys->secrets)));
    for (const struct waiting *w = g->waiting; w != NULL; w = w->next)
        buf_add(out, owned_span(w->bytes));
    buf_u64(out, g->waiting_count);
    buf_u64(out, g->waiting_bytes);
    buf_u64(out, g->state);
    assert_int_equal(buf_error(out), 0);
}

void refused(struct people *p, struct mw_span message, int error)
{
    CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);
    struct mw_mls_group *g = p->all[A].g;
    struct mw_mls_event event = { 0 };
    uint8_t hash[2][CRYPT_HASH_MAX] = { 0 };

    group_snapshot(g, &before);
    assert_int_equal(tree_hash(g->tree, tree_root(g->tree), hash[0]), 0);
    is(mw_mls_receive(g, message, PEOPLE_NOW, &event), error);
    assert_int_equal(event.kind, 0);
    group_snapshot(g, &after);
    assert_int_equal(tree_hash(g->tree, tree_root(g->tree), hash[1]), 0);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    assert_memory_equal(hash[0], hash[1], sizeof(hash[0]));
}

/* Of B's, of a type. */
void refuse_content(struct people *p, uint8_t content_type, struct mw_span content,
                           int error)
{
    struct mw_mls_bytes m = { 0 };

    assert_int_equal(craft_own(p->all[B].g, content_type, content, &m), 0);
    refused(p, bytes_span(&m), error);
    mw_mls_bytes_free(&m);
}

void refuse_proposal(struct people *p, const struct proposal *v, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

    proposal_write(&b, v);
    assert_int_equal(buf_error(&b), 0);
    refuse_content(p, CONTENT_PROPOSAL, buf_span(&b), error);
}

/* A commit of B's, by value and without a path. */
void refuse_list(struct people *p, const struct proposal *v, size_t n, int error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct commit c = { 0 };

    for (size_t i = 0; i < n; i++) {
        struct proposal_or_ref one = { .proposal = v[i] };

        proposal_or_ref_write(&list, &one);
    }
    c.proposals = buf_span(&list);
    commit_write(&b, &c);
    assert_int_equal(buf_error(&b), 0);
    refuse_content(p, CONTENT_COMMIT, buf_span(&b), error);
}

void refuse_refs(struct people *p, const struct mw_span *refs, size_t n, int error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct commit c = { 0 };

    for (size_t i = 0; i < n; i++) {
        struct proposal_or_ref one = { .by_reference = true, .reference = refs[i] };

        proposal_or_ref_write(&list, &one);
    }
    c.proposals = buf_span(&list);
    commit_write(&b, &c);
    assert_int_equal(buf_error(&b), 0);
    refuse_content(p, CONTENT_COMMIT, buf_span(&b), error);
}

int refuse_open(void **state)
{
    static struct people people;

    people_open(&people, 1);
    for (size_t i = 0; i < PEOPLE_MAX; i++)
        people.all[i].app.public_handshakes = true;
    people_found(&people, NONE);
    people_gather(&people, 4);
    *state = &people;
    return 0;
}

/* What is refused hurts nobody: life goes on. */
int refuse_close(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };

    people_commit(p, &p->all[B], &plain);
    people_agree(p);
    people_close(p);
    return 0;
}

struct key_package package_of(struct people *p, size_t who)
{
    struct mls_message m;

    assert_true(mls_message_read(&m, person_package(&p->all[who])));
    return m.key_package;
}

struct leaf_node leaf_of(struct people *p, size_t who)
{
    struct leaf_node v;

    assert_true(tree_leaf(p->all[who].g->tree, (uint32_t)who, &v));
    return v;
}
