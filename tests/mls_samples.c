#include "mls_samples.h"


/* len bytes that differ from one another and from those of another seed. */
static void opaque(struct buf *b, uint8_t seed, size_t len)
{
    size_t at = vector_open(b);

    for (size_t i = 0; i < len; i++)
        buf_u8(b, (uint8_t)(seed + 3 * i));
    vector_close(b, at);
}

static void extensions_make(struct buf *b)
{
    size_t at = vector_open(b);

    buf_u16(b, EXT_APPLICATION_ID);
    opaque(b, 1, 9);
    buf_u16(b, 0x2a2a);
    opaque(b, 2, 0);
    vector_close(b, at);
}

static void u16s(struct buf *b, uint16_t first, uint16_t second)
{
    size_t at = vector_open(b);

    buf_u16(b, first);
    buf_u16(b, second);
    vector_close(b, at);
}

static void certificates(struct buf *b)
{
    size_t at;

    buf_u16(b, CREDENTIAL_X509);
    at = vector_open(b);
    opaque(b, 3, 70);
    opaque(b, 4, 20);
    vector_close(b, at);
}

static void leaf_make(struct buf *b, enum leaf_source source)
{
    opaque(b, 5, 32);
    opaque(b, 6, 32);
    if (source == LEAF_UPDATE) {
        certificates(b);
    } else {
        buf_u16(b, CREDENTIAL_BASIC);
        opaque(b, 7, 5);
    }
    u16s(b, MLS_VERSION, 0x1a1a);
    u16s(b, 1, 0x2a2a);
    u16s(b, 0x3a3a, 0xf001);
    u16s(b, 0x4a4a, 0xf002);
    u16s(b, CREDENTIAL_BASIC, CREDENTIAL_X509);
    buf_u8(b, (uint8_t)source);
    if (source == LEAF_KEY_PACKAGE) {
        buf_u64(b, 1700000000);
        buf_u64(b, 1800000000);
    } else if (source == LEAF_COMMIT) {
        opaque(b, 8, 32);
    }
    extensions_make(b);
    opaque(b, 9, 64);
}

static void leaf_fresh(struct buf *b)
{
    leaf_make(b, LEAF_KEY_PACKAGE);
}

static void leaf_update(struct buf *b)
{
    leaf_make(b, LEAF_UPDATE);
}

static void leaf_commit(struct buf *b)
{
    leaf_make(b, LEAF_COMMIT);
}

static void parent(struct buf *b)
{
    size_t at;

    opaque(b, 10, 32);
    opaque(b, 11, 32);
    at = vector_open(b);
    buf_u32(b, 0);
    buf_u32(b, 3);
    buf_u32(b, 0xffffffff);
    vector_close(b, at);
}

static void key_package(struct buf *b)
{
    buf_u16(b, MLS_VERSION);
    buf_u16(b, 1);
    opaque(b, 12, 32);
    leaf_fresh(b);
    extensions_make(b);
    opaque(b, 13, 64);
}

static void psk_external(struct buf *b)
{
    buf_u8(b, PSK_EXTERNAL);
    opaque(b, 14, 7);
    opaque(b, 15, 32);
}

static void psk_resumption(struct buf *b)
{
    buf_u8(b, PSK_RESUMPTION);
    buf_u8(b, PSK_USE_BRANCH);
    opaque(b, 16, 16);
    buf_u64(b, 0x0102030405060708);
    opaque(b, 17, 32);
}

static void add(struct buf *b)
{
    buf_u16(b, PROPOSAL_ADD);
    key_package(b);
}

static void update(struct buf *b)
{
    buf_u16(b, PROPOSAL_UPDATE);
    leaf_update(b);
}

static void remove_member(struct buf *b)
{
    buf_u16(b, PROPOSAL_REMOVE);
    buf_u32(b, 0x01020304);
}

static void psk(struct buf *b)
{
    buf_u16(b, PROPOSAL_PSK);
    psk_resumption(b);
}

static void reinit(struct buf *b)
{
    buf_u16(b, PROPOSAL_REINIT);
    opaque(b, 18, 16);
    buf_u16(b, MLS_VERSION);
    buf_u16(b, 7);
    extensions_make(b);
}

static void external_init(struct buf *b)
{
    buf_u16(b, PROPOSAL_EXTERNAL_INIT);
    opaque(b, 19, 133);
}

static void group_extensions(struct buf *b)
{
    buf_u16(b, PROPOSAL_EXTENSIONS);
    extensions_make(b);
}

static void by_value(struct buf *b)
{
    buf_u8(b, 1);
    remove_member(b);
}

static void by_reference(struct buf *b)
{
    buf_u8(b, 2);
    opaque(b, 20, 32);
}

static void ciphertext(struct buf *b)
{
    opaque(b, 21, 32);
    opaque(b, 22, 48);
}

static void path_node(struct buf *b)
{
    size_t at;

    opaque(b, 23, 32);
    at = vector_open(b);
    ciphertext(b);
    ciphertext(b);
    vector_close(b, at);
}

static void update_path(struct buf *b)
{
    size_t at;

    leaf_commit(b);
    at = vector_open(b);
    path_node(b);
    path_node(b);
    vector_close(b, at);
}

static void commit_bare(struct buf *b)
{
    size_t at = vector_open(b);

    by_reference(b);
    buf_u8(b, 1);
    add(b);
    by_value(b);
    vector_close(b, at);
    buf_u8(b, 0);
}

static void commit_path(struct buf *b)
{
    size_t at = vector_open(b);

    by_reference(b);
    vector_close(b, at);
    buf_u8(b, 1);
    update_path(b);
}

static void context(struct buf *b)
{
    buf_u16(b, MLS_VERSION);
    buf_u16(b, 2);
    opaque(b, 24, 16);
    buf_u64(b, 0x1112131415161718);
    opaque(b, 25, 32);
    opaque(b, 26, 32);
    extensions_make(b);
}

static void group_info(struct buf *b)
{
    context(b);
    extensions_make(b);
    opaque(b, 27, 32);
    buf_u32(b, 5);
    opaque(b, 28, 64);
}

static void secrets_full(struct buf *b)
{
    size_t at;

    opaque(b, 29, 32);
    buf_u8(b, 1);
    opaque(b, 30, 32);
    at = vector_open(b);
    psk_external(b);
    psk_resumption(b);
    vector_close(b, at);
}

static void secrets_bare(struct buf *b)
{
    opaque(b, 31, 32);
    buf_u8(b, 0);
    opaque(b, 0, 0);
}

static void encrypted(struct buf *b)
{
    opaque(b, 32, 32);
    ciphertext(b);
}

static void welcome(struct buf *b)
{
    size_t at;

    buf_u16(b, 1);
    at = vector_open(b);
    encrypted(b);
    encrypted(b);
    vector_close(b, at);
    opaque(b, 33, 300);
}

static void framed(struct buf *b, enum sender_type sender, enum content_type content)
{
    opaque(b, 34, 16);
    buf_u64(b, 9);
    buf_u8(b, (uint8_t)sender);
    if (sender == SENDER_MEMBER || sender == SENDER_EXTERNAL)
        buf_u32(b, 3);
    opaque(b, 35, 4);
    buf_u8(b, (uint8_t)content);
    if (content == CONTENT_APPLICATION)
        opaque(b, 36, 40);
    else if (content == CONTENT_PROPOSAL)
        psk(b);
    else
        commit_path(b);
}

static void framed_proposal(struct buf *b)
{
    framed(b, SENDER_NEW_PROPOSAL, CONTENT_PROPOSAL);
}

static void public_application(struct buf *b)
{
    framed(b, SENDER_MEMBER, CONTENT_APPLICATION);
    opaque(b, 37, 64);
    opaque(b, 38, 32);
}

static void public_proposal(struct buf *b)
{
    framed(b, SENDER_EXTERNAL, CONTENT_PROPOSAL);
    opaque(b, 37, 64);
}

static void public_commit(struct buf *b)
{
    framed(b, SENDER_MEMBER, CONTENT_COMMIT);
    opaque(b, 37, 64);
    opaque(b, 38, 32);
    opaque(b, 39, 32);
}

static void public_external_commit(struct buf *b)
{
    framed(b, SENDER_NEW_COMMIT, CONTENT_COMMIT);
    opaque(b, 37, 64);
    opaque(b, 38, 32);
}

static void private_message(struct buf *b)
{
    opaque(b, 40, 16);
    buf_u64(b, 9);
    buf_u8(b, CONTENT_COMMIT);
    opaque(b, 41, 4);
    opaque(b, 42, 28);
    opaque(b, 43, 100);
}

static void message_of(struct buf *b, enum wire_format format, void (*make)(struct buf *b))
{
    buf_u16(b, MLS_VERSION);
    buf_u16(b, (uint16_t)format);
    make(b);
}

static void message_public(struct buf *b)
{
    message_of(b, WIRE_PUBLIC_MESSAGE, public_commit);
}

static void message_private(struct buf *b)
{
    message_of(b, WIRE_PRIVATE_MESSAGE, private_message);
}

static void message_welcome(struct buf *b)
{
    message_of(b, WIRE_WELCOME, welcome);
}

static void message_group_info(struct buf *b)
{
    message_of(b, WIRE_GROUP_INFO, group_info);
}

static void message_key_package(struct buf *b)
{
    message_of(b, WIRE_KEY_PACKAGE, key_package);
}

static void required(struct buf *b)
{
    u16s(b, 0xf001, 0xf002);
    u16s(b, 0xf003, 0xf004);
    u16s(b, CREDENTIAL_BASIC, CREDENTIAL_X509);
}

static void senders(struct buf *b)
{
    size_t at = vector_open(b);

    opaque(b, 44, 32);
    certificates(b);
    opaque(b, 45, 32);
    buf_u16(b, CREDENTIAL_BASIC);
    opaque(b, 46, 3);
    vector_close(b, at);
}

const struct mls_sample mls_samples[] = {
    { "credential", "certificates", certificates },
    { "leaf_node", "leaf_fresh", leaf_fresh },
    { "leaf_node", "leaf_update", leaf_update },
    { "leaf_node", "leaf_commit", leaf_commit },
    { "parent_node", "parent", parent },
    { "key_package", "key_package", key_package },
    { "psk_id", "psk_external", psk_external },
    { "psk_id", "psk_resumption", psk_resumption },
    { "proposal", "add", add },
    { "proposal", "update", update },
    { "proposal", "remove_member", remove_member },
    { "proposal", "psk", psk },
    { "proposal", "reinit", reinit },
    { "proposal", "external_init", external_init },
    { "proposal", "group_extensions", group_extensions },
    { "proposal_or_ref", "by_value", by_value },
    { "proposal_or_ref", "by_reference", by_reference },
    { "hpke_ciphertext", "ciphertext", ciphertext },
    { "path_node", "path_node", path_node },
    { "update_path", "update_path", update_path },
    { "commit", "commit_bare", commit_bare },
    { "commit", "commit_path", commit_path },
    { "group_context", "context", context },
    { "group_info", "group_info", group_info },
    { "group_secrets", "secrets_full", secrets_full },
    { "group_secrets", "secrets_bare", secrets_bare },
    { "encrypted_secrets", "encrypted", encrypted },
    { "welcome", "welcome", welcome },
    { "framed_content", "framed_proposal", framed_proposal },
    { "public_message", "public_application", public_application },
    { "public_message", "public_proposal", public_proposal },
    { "public_message", "public_commit", public_commit },
    { "public_message", "public_external_commit", public_external_commit },
    { "private_message", "private_message", private_message },
    { "mls_message", "message_public", message_public },
    { "mls_message", "message_private", message_private },
    { "mls_message", "message_welcome", message_welcome },
    { "mls_message", "message_group_info", message_group_info },
    { "mls_message", "message_key_package", message_key_package },
    { "extensions", "extensions_make", extensions_make },
    { "required_capabilities", "required", required },
    { "external_senders", "senders", senders },
};
const size_t mls_samples_len = ARRAY_LEN(mls_samples);
