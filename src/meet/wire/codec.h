/*
 * Reading and writing what wire.h describes.  A list is gone through with
 *     struct reader r = { .rest = commit.proposals };
 *     while (read_more(&r)) proposal_or_ref_read(&p, &r);
 */
#ifndef MEET_WIRE_CODEC_H
#define MEET_WIRE_CODEC_H

#include "meet/wire/wire.h"

void credential_read(struct credential *v, struct reader *r);
void leaf_node_read(struct leaf_node *v, struct reader *r);
void parent_node_read(struct parent_node *v, struct reader *r);
void key_package_read(struct key_package *v, struct reader *r);
void psk_id_read(struct psk_id *v, struct reader *r);
void proposal_read(struct proposal *v, struct reader *r);
void proposal_or_ref_read(struct proposal_or_ref *v, struct reader *r);
void hpke_ciphertext_read(struct hpke_ciphertext *v, struct reader *r);
void path_node_read(struct path_node *v, struct reader *r);
void update_path_read(struct update_path *v, struct reader *r);
void commit_read(struct commit *v, struct reader *r);
void group_context_read(struct group_context *v, struct reader *r);
void group_info_read(struct group_info *v, struct reader *r);
void group_secrets_read(struct group_secrets *v, struct reader *r);
void encrypted_secrets_read(struct encrypted_secrets *v, struct reader *r);
void welcome_read(struct welcome *v, struct reader *r);
void framed_content_read(struct framed_content *v, struct reader *r);
/* What framed_content's and PrivateMessageContent's select holds (6, 6.3.1): application data
 * without its length, else the Proposal or Commit as they travel, well formed. */
struct mw_span content_read(uint8_t content_type, struct reader *r);
void content_auth_read(struct content_auth *v, uint8_t content_type, struct reader *r);
void public_message_read(struct public_message *v, struct reader *r);
void private_message_read(struct private_message *v, struct reader *r);

/* A whole MLSMessage with nothing after it.  false: malformed, or of another version. */
MW_MUST_CHECK bool mls_message_read(struct mls_message *v, struct mw_span bytes);

void credential_write(struct buf *b, const struct credential *v);
void capabilities_write(struct buf *b, const struct capabilities *v);
/* Up to before the signature: what is signed, and then the signature's vector follows. */
void leaf_node_write_signed(struct buf *b, const struct leaf_node *v);
void leaf_node_write(struct buf *b, const struct leaf_node *v);
void parent_node_write(struct buf *b, const struct parent_node *v);
void key_package_write_signed(struct buf *b, const struct key_package *v);
void key_package_write(struct buf *b, const struct key_package *v);
void psk_id_write(struct buf *b, const struct psk_id *v);
void proposal_write(struct buf *b, const struct proposal *v);
void proposal_or_ref_write(struct buf *b, const struct proposal_or_ref *v);
void hpke_ciphertext_write(struct buf *b, const struct hpke_ciphertext *v);
void path_node_write(struct buf *b, const struct path_node *v);
void update_path_write(struct buf *b, const struct update_path *v);
void commit_write(struct buf *b, const struct commit *v);
void group_context_write(struct buf *b, const struct group_context *v);
void group_info_write_signed(struct buf *b, const struct group_info *v);
void group_info_write(struct buf *b, const struct group_info *v);
void group_secrets_write(struct buf *b, const struct group_secrets *v);
void encrypted_secrets_write(struct buf *b, const struct encrypted_secrets *v);
void welcome_write(struct buf *b, const struct welcome *v);
void framed_content_write(struct buf *b, const struct framed_content *v);
void content_write(struct buf *b, uint8_t content_type, struct mw_span content);
void content_auth_write(struct buf *b, uint8_t content_type, const struct content_auth *v);
void public_message_write(struct buf *b, const struct public_message *v);
void private_message_write(struct buf *b, const struct private_message *v);
void mls_message_write(struct buf *b, const struct mls_message *v);

/* Extensions: a list of { uint16 type, opaque data<V> } (13.4). */
struct extension {
    uint16_t type;
    struct mw_span data;
};

/* The body of extensions<V>: well formed, no type twice. */
struct mw_span extensions_read(struct reader *r);
void extension_read(struct extension *v, struct reader *r);
void extension_write(struct buf *b, const struct extension *v);
bool extension_find(struct mw_span list, uint16_t type, struct mw_span *data);

struct required_capabilities {  /* 11.1: lists of uint16 */
    struct mw_span extensions, proposals, credentials;
};

struct external_sender {        /* 12.1.8.1 */
    struct mw_span signature_key;
    struct credential credential;
};

MW_MUST_CHECK bool required_capabilities_read(struct required_capabilities *v,
                                              struct mw_span data);
void required_capabilities_write(struct buf *b, const struct required_capabilities *v);
/* The list inside of external_senders' data, well formed, for external_sender_read(). */
MW_MUST_CHECK bool external_senders_read(struct mw_span data, struct mw_span *list);
void external_sender_read(struct external_sender *v, struct reader *r);
/* data is the extension's; entry i.  false: malformed or no such entry. */
MW_MUST_CHECK bool external_sender_at(struct mw_span data, uint32_t i, struct external_sender *v);
void external_sender_write(struct buf *b, const struct external_sender *v);

#endif
