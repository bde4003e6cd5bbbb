/* What a group tells of itself, and welcomes (RFC 9420 8.1, 12.4.3). */
#include "meet/wire/codec.h"
#include "meet/wire/list.h"

void group_context_read(struct group_context *v, struct reader *r)
{
    v->version = read_u16(r);
    v->suite = read_u16(r);
    v->group_id = vector_read(r);
    v->epoch = read_u64(r);
    v->tree_hash = vector_read(r);
    v->confirmed_transcript_hash = vector_read(r);
    v->extensions = extensions_read(r);
}

void group_context_write(struct buf *b, const struct group_context *v)
{
    buf_u16(b, v->version);
    buf_u16(b, v->suite);
    vector_write(b, v->group_id);
    buf_u64(b, v->epoch);
    vector_write(b, v->tree_hash);
    vector_write(b, v->confirmed_transcript_hash);
    vector_write(b, v->extensions);
}

void group_info_read(struct group_info *v, struct reader *r)
{
    struct mw_span start = r->rest;

    group_context_read(&v->context, r);
    v->extensions = extensions_read(r);
    v->confirmation_tag = vector_read(r);
    v->signer = read_u32(r);
    v->signed_part = wire_since(start, r);
    v->signature = vector_read(r);
    v->wire = wire_since(start, r);
}

void group_info_write_signed(struct buf *b, const struct group_info *v)
{
    group_context_write(b, &v->context);
    vector_write(b, v->extensions);
    vector_write(b, v->confirmation_tag);
    buf_u32(b, v->signer);
}

void group_info_write(struct buf *b, const struct group_info *v)
{
    group_info_write_signed(b, v);
    vector_write(b, v->signature);
}

static void psk_id_skip(struct reader *r)
{
    struct psk_id v;

    psk_id_read(&v, r);
}

void group_secrets_read(struct group_secrets *v, struct reader *r)
{
    v->joiner_secret = vector_read(r);
    v->has_path_secret = present_read(r);
    v->path_secret = (struct mw_span){ NULL, 0 };
    if (v->has_path_secret)
        v->path_secret = vector_read(r);
    v->psks = entries_read(r, psk_id_skip);
}

void group_secrets_write(struct buf *b, const struct group_secrets *v)
{
    vector_write(b, v->joiner_secret);
    buf_u8(b, v->has_path_secret);
    if (v->has_path_secret)
        vector_write(b, v->path_secret);
    vector_write(b, v->psks);
}

void encrypted_secrets_read(struct encrypted_secrets *v, struct reader *r)
{
    v->new_member = vector_read(r);
    hpke_ciphertext_read(&v->sealed, r);
}

static void encrypted_secrets_skip(struct reader *r)
{
    struct encrypted_secrets v;

    encrypted_secrets_read(&v, r);
}

void encrypted_secrets_write(struct buf *b, const struct encrypted_secrets *v)
{
    vector_write(b, v->new_member);
    hpke_ciphertext_write(b, &v->sealed);
}

void welcome_read(struct welcome *v, struct reader *r)
{
    v->suite = read_u16(r);
    v->secrets = entries_read(r, encrypted_secrets_skip);
    v->encrypted_group_info = vector_read(r);
}

void welcome_write(struct buf *b, const struct welcome *v)
{
    buf_u16(b, v->suite);
    vector_write(b, v->secrets);
    vector_write(b, v->encrypted_group_info);
}
