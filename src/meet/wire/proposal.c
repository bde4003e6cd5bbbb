/* Proposals and what they are made of (RFC 9420 8.4, 12.1, 12.4). */
#include <errno.h>

#include "meet/wire/codec.h"
#include "meet/wire/list.h"

void psk_id_read(struct psk_id *v, struct reader *r)
{
    *v = (struct psk_id){ .type = enum_read(r, PSK_RESUMPTION) };
    if (v->type == PSK_EXTERNAL) {
        v->id = vector_read(r);
    } else if (v->type == PSK_RESUMPTION) {
        v->usage = enum_read(r, PSK_USE_BRANCH);
        v->group_id = vector_read(r);
        v->epoch = read_u64(r);
    }
    v->nonce = vector_read(r);
}

void psk_id_write(struct buf *b, const struct psk_id *v)
{
    buf_u8(b, v->type);
    if (v->type == PSK_EXTERNAL) {
        vector_write(b, v->id);
    } else {
        buf_u8(b, v->usage);
        vector_write(b, v->group_id);
        buf_u64(b, v->epoch);
    }
    vector_write(b, v->nonce);
}

static void reinit_read(struct reinit *v, struct reader *r)
{
    v->group_id = vector_read(r);
    v->version = read_u16(r);
    v->suite = read_u16(r);
    v->extensions = extensions_read(r);
}

static void reinit_write(struct buf *b, const struct reinit *v)
{
    vector_write(b, v->group_id);
    buf_u16(b, v->version);
    buf_u16(b, v->suite);
    vector_write(b, v->extensions);
}

/* 12.1: as with credentials, an unknown type has no length and ends all reading. */
static void proposal_body_read(struct proposal *v, struct reader *r)
{
    switch (v->type) {
    case PROPOSAL_ADD:
        key_package_read(&v->add, r);
        break;
    case PROPOSAL_UPDATE:
        leaf_node_read(&v->update, r);
        break;
    case PROPOSAL_REMOVE:
        v->remove = read_u32(r);
        break;
    case PROPOSAL_PSK:
        psk_id_read(&v->psk, r);
        break;
    case PROPOSAL_REINIT:
        reinit_read(&v->reinit, r);
        break;
    case PROPOSAL_EXTERNAL_INIT:
        v->kem_output = vector_read(r);
        break;
    case PROPOSAL_EXTENSIONS:
        v->extensions = extensions_read(r);
        break;
    default:
        read_fail(r);
    }
}

void proposal_read(struct proposal *v, struct reader *r)
{
    struct mw_span start = r->rest;

    *v = (struct proposal){ .type = read_u16(r) };
    proposal_body_read(v, r);
    v->wire = wire_since(start, r);
}

void proposal_write(struct buf *b, const struct proposal *v)
{
    buf_u16(b, v->type);
    switch (v->type) {
    case PROPOSAL_ADD:
        key_package_write(b, &v->add);
        break;
    case PROPOSAL_UPDATE:
        leaf_node_write(b, &v->update);
        break;
    case PROPOSAL_REMOVE:
        buf_u32(b, v->remove);
        break;
    case PROPOSAL_PSK:
        psk_id_write(b, &v->psk);
        break;
    case PROPOSAL_REINIT:
        reinit_write(b, &v->reinit);
        break;
    case PROPOSAL_EXTERNAL_INIT:
        vector_write(b, v->kem_output);
        break;
    case PROPOSAL_EXTENSIONS:
        vector_write(b, v->extensions);
        break;
    default:
        b->error = b->error != 0 ? b->error : -EINVAL;
    }
}

enum or_ref { BY_VALUE = 1, BY_REFERENCE };

void proposal_or_ref_read(struct proposal_or_ref *v, struct reader *r)
{
    v->by_reference = enum_read(r, BY_REFERENCE) == BY_REFERENCE;
    v->reference = (struct mw_span){ NULL, 0 };
    if (v->by_reference) {
        v->reference = vector_read(r);
        v->proposal = (struct proposal){ 0 };
    } else {
        proposal_read(&v->proposal, r);
    }
}

void proposal_or_ref_write(struct buf *b, const struct proposal_or_ref *v)
{
    buf_u8(b, v->by_reference ? BY_REFERENCE : BY_VALUE);
    if (v->by_reference)
        vector_write(b, v->reference);
    else
        proposal_write(b, &v->proposal);
}

void hpke_ciphertext_read(struct hpke_ciphertext *v, struct reader *r)
{
    v->kem_output = vector_read(r);
    v->ciphertext = vector_read(r);
}

static void hpke_ciphertext_skip(struct reader *r)
{
    struct hpke_ciphertext v;

    hpke_ciphertext_read(&v, r);
}

void hpke_ciphertext_write(struct buf *b, const struct hpke_ciphertext *v)
{
    vector_write(b, v->kem_output);
    vector_write(b, v->ciphertext);
}

void path_node_read(struct path_node *v, struct reader *r)
{
    v->encryption_key = vector_read(r);
    v->ciphertexts = entries_read(r, hpke_ciphertext_skip);
}

static void path_node_skip(struct reader *r)
{
    struct path_node v;

    path_node_read(&v, r);
}

void path_node_write(struct buf *b, const struct path_node *v)
{
    vector_write(b, v->encryption_key);
    vector_write(b, v->ciphertexts);
}

void update_path_read(struct update_path *v, struct reader *r)
{
    leaf_node_read(&v->leaf, r);
    v->nodes = entries_read(r, path_node_skip);
}

void update_path_write(struct buf *b, const struct update_path *v)
{
    leaf_node_write(b, &v->leaf);
    vector_write(b, v->nodes);
}

static void proposal_or_ref_skip(struct reader *r)
{
    struct proposal_or_ref v;

    proposal_or_ref_read(&v, r);
}

void commit_read(struct commit *v, struct reader *r)
{
    v->proposals = entries_read(r, proposal_or_ref_skip);
    v->has_path = present_read(r);
    if (v->has_path)
        update_path_read(&v->path, r);
    else
        v->path = (struct update_path){ 0 };
}

void commit_write(struct buf *b, const struct commit *v)
{
    vector_write(b, v->proposals);
    buf_u8(b, v->has_path);
    if (v->has_path)
        update_path_write(b, &v->path);
}
