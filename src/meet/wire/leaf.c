/* Nodes of the tree and key packages (RFC 9420 5.3, 7.1, 7.2, 10). */
#include "meet/wire/codec.h"
#include "meet/wire/list.h"

static void certificate_skip(struct reader *r)
{
    vector_read(r);
}

/* 5.3: what an unknown type carries has no length of its own, so that nothing after it could be
 * found. */
void credential_read(struct credential *v, struct reader *r)
{
    v->type = read_u16(r);
    v->body = (struct mw_span){ NULL, 0 };
    switch (v->type) {
    case CREDENTIAL_BASIC:
        v->body = vector_read(r);
        break;
    case CREDENTIAL_X509:
        v->body = entries_read(r, certificate_skip);
        break;
    default:
        read_fail(r);
    }
}

void credential_write(struct buf *b, const struct credential *v)
{
    buf_u16(b, v->type);
    vector_write(b, v->body);
}

static void capabilities_read(struct capabilities *v, struct reader *r)
{
    v->versions = u16_list_read(r);
    v->suites = u16_list_read(r);
    v->extensions = u16_list_read(r);
    v->proposals = u16_list_read(r);
    v->credentials = u16_list_read(r);
}

void capabilities_write(struct buf *b, const struct capabilities *v)
{
    vector_write(b, v->versions);
    vector_write(b, v->suites);
    vector_write(b, v->extensions);
    vector_write(b, v->proposals);
    vector_write(b, v->credentials);
}

void leaf_node_read(struct leaf_node *v, struct reader *r)
{
    struct mw_span start = r->rest;

    v->encryption_key = vector_read(r);
    v->signature_key = vector_read(r);
    credential_read(&v->credential, r);
    capabilities_read(&v->capabilities, r);
    v->source = enum_read(r, LEAF_COMMIT);
    v->not_before = v->source == LEAF_KEY_PACKAGE ? read_u64(r) : 0;
    v->not_after = v->source == LEAF_KEY_PACKAGE ? read_u64(r) : 0;
    v->parent_hash = (struct mw_span){ NULL, 0 };
    if (v->source == LEAF_COMMIT)
        v->parent_hash = vector_read(r);
    v->extensions = extensions_read(r);
    v->signed_part = wire_since(start, r);
    v->signature = vector_read(r);
    v->wire = wire_since(start, r);
}

void leaf_node_write_signed(struct buf *b, const struct leaf_node *v)
{
    vector_write(b, v->encryption_key);
    vector_write(b, v->signature_key);
    credential_write(b, &v->credential);
    capabilities_write(b, &v->capabilities);
    buf_u8(b, v->source);
    if (v->source == LEAF_KEY_PACKAGE) {
        buf_u64(b, v->not_before);
        buf_u64(b, v->not_after);
    } else if (v->source == LEAF_COMMIT) {
        vector_write(b, v->parent_hash);
    }
    vector_write(b, v->extensions);
}

void leaf_node_write(struct buf *b, const struct leaf_node *v)
{
    leaf_node_write_signed(b, v);
    vector_write(b, v->signature);
}

void parent_node_read(struct parent_node *v, struct reader *r)
{
    v->encryption_key = vector_read(r);
    v->parent_hash = vector_read(r);
    v->unmerged = u32_list_read(r);
    /* 7.1: MUST be sorted in increasing order. */
    for (size_t i = 1; i < v->unmerged.len / 4; i++)
        if (u32_list_at(v->unmerged, i - 1) >= u32_list_at(v->unmerged, i)) {
            read_fail(r);
            v->unmerged = (struct mw_span){ NULL, 0 };
        }
}

void parent_node_write(struct buf *b, const struct parent_node *v)
{
    vector_write(b, v->encryption_key);
    vector_write(b, v->parent_hash);
    vector_write(b, v->unmerged);
}

void key_package_read(struct key_package *v, struct reader *r)
{
    struct mw_span start = r->rest;

    v->version = read_u16(r);
    v->suite = read_u16(r);
    v->init_key = vector_read(r);
    leaf_node_read(&v->leaf, r);
    v->extensions = extensions_read(r);
    v->signed_part = wire_since(start, r);
    v->signature = vector_read(r);
    v->wire = wire_since(start, r);
}

void key_package_write_signed(struct buf *b, const struct key_package *v)
{
    buf_u16(b, v->version);
    buf_u16(b, v->suite);
    vector_write(b, v->init_key);
    leaf_node_write(b, &v->leaf);
    vector_write(b, v->extensions);
}

void key_package_write(struct buf *b, const struct key_package *v)
{
    key_package_write_signed(b, v);
    vector_write(b, v->signature);
}
