/* Framing (RFC 9420 6). */
#include <errno.h>

#include "meet/wire/codec.h"
#include "meet/wire/list.h"

static void sender_read(struct sender *v, struct reader *r)
{
    v->type = enum_read(r, SENDER_NEW_COMMIT);
    v->index = 0;
    if (v->type == SENDER_MEMBER || v->type == SENDER_EXTERNAL)
        v->index = read_u32(r);
}

static void sender_write(struct buf *b, const struct sender *v)
{
    buf_u8(b, v->type);
    if (v->type == SENDER_MEMBER || v->type == SENDER_EXTERNAL)
        buf_u32(b, v->index);
}

struct mw_span content_read(uint8_t content_type, struct reader *r)
{
    struct mw_span start = r->rest;
    struct proposal proposal;
    struct commit commit;

    switch (content_type) {
    case CONTENT_APPLICATION:
        return vector_read(r);
    case CONTENT_PROPOSAL:
        proposal_read(&proposal, r);
        break;
    case CONTENT_COMMIT:
        commit_read(&commit, r);
        break;
    default:
        read_fail(r);
    }
    return wire_since(start, r);
}

void content_write(struct buf *b, uint8_t content_type, struct mw_span content)
{
    if (content_type == CONTENT_APPLICATION)
        vector_write(b, content);
    else
        buf_add(b, content);
}

void framed_content_read(struct framed_content *v, struct reader *r)
{
    struct mw_span start = r->rest;

    v->group_id = vector_read(r);
    v->epoch = read_u64(r);
    sender_read(&v->sender, r);
    v->aad = vector_read(r);
    v->content_type = enum_read(r, CONTENT_COMMIT);
    v->content = content_read(v->content_type, r);
    v->wire = wire_since(start, r);
}

void framed_content_write(struct buf *b, const struct framed_content *v)
{
    vector_write(b, v->group_id);
    buf_u64(b, v->epoch);
    sender_write(b, &v->sender);
    vector_write(b, v->aad);
    buf_u8(b, v->content_type);
    content_write(b, v->content_type, v->content);
}

void content_auth_read(struct content_auth *v, uint8_t content_type, struct reader *r)
{
    v->signature = vector_read(r);
    v->confirmation_tag = (struct mw_span){ NULL, 0 };
    if (content_type == CONTENT_COMMIT)
        v->confirmation_tag = vector_read(r);
}

void content_auth_write(struct buf *b, uint8_t content_type, const struct content_auth *v)
{
    vector_write(b, v->signature);
    if (content_type == CONTENT_COMMIT)
        vector_write(b, v->confirmation_tag);
}

void public_message_read(struct public_message *v, struct reader *r)
{
    framed_content_read(&v->content, r);
    content_auth_read(&v->auth, v->content.content_type, r);
    v->membership_tag = (struct mw_span){ NULL, 0 };
    if (v->content.sender.type == SENDER_MEMBER)
        v->membership_tag = vector_read(r);
}

void public_message_write(struct buf *b, const struct public_message *v)
{
    framed_content_write(b, &v->content);
    content_auth_write(b, v->content.content_type, &v->auth);
    if (v->content.sender.type == SENDER_MEMBER)
        vector_write(b, v->membership_tag);
}

void private_message_read(struct private_message *v, struct reader *r)
{
    v->group_id = vector_read(r);
    v->epoch = read_u64(r);
    v->content_type = enum_read(r, CONTENT_COMMIT);
    v->aad = vector_read(r);
    v->encrypted_sender_data = vector_read(r);
    v->ciphertext = vector_read(r);
}

void private_message_write(struct buf *b, const struct private_message *v)
{
    vector_write(b, v->group_id);
    buf_u64(b, v->epoch);
    buf_u8(b, v->content_type);
    vector_write(b, v->aad);
    vector_write(b, v->encrypted_sender_data);
    vector_write(b, v->ciphertext);
}

static void message_body_read(struct mls_message *v, struct reader *r)
{
    switch (v->format) {
    case WIRE_PUBLIC_MESSAGE:
        public_message_read(&v->public_message, r);
        break;
    case WIRE_PRIVATE_MESSAGE:
        private_message_read(&v->private_message, r);
        break;
    case WIRE_WELCOME:
        welcome_read(&v->welcome, r);
        break;
    case WIRE_GROUP_INFO:
        group_info_read(&v->group_info, r);
        break;
    case WIRE_KEY_PACKAGE:
        key_package_read(&v->key_package, r);
        /* Section 10: MUST have the same version as the message that it comes in. */
        if (v->key_package.version != v->version)
            read_fail(r);
        break;
    default:
        read_fail(r);
    }
}

bool mls_message_read(struct mls_message *v, struct mw_span bytes)
{
    struct reader r = { .rest = bytes };

    *v = (struct mls_message){ .wire = bytes };
    v->version = read_u16(&r);
    v->format = read_u16(&r);
    if (v->version != MLS_VERSION)
        read_fail(&r);
    message_body_read(v, &r);
    return read_done(&r);
}

void mls_message_write(struct buf *b, const struct mls_message *v)
{
    buf_u16(b, v->version);
    buf_u16(b, v->format);
    switch (v->format) {
    case WIRE_PUBLIC_MESSAGE:
        public_message_write(b, &v->public_message);
        break;
    case WIRE_PRIVATE_MESSAGE:
        private_message_write(b, &v->private_message);
        break;
    case WIRE_WELCOME:
        welcome_write(b, &v->welcome);
        break;
    case WIRE_GROUP_INFO:
        group_info_write(b, &v->group_info);
        break;
    case WIRE_KEY_PACKAGE:
        key_package_write(b, &v->key_package);
        break;
    default:
        b->error = b->error != 0 ? b->error : -EINVAL;
    }
}
