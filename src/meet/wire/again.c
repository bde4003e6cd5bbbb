#include "meet/wire/again.h"

#include "meet/wire/list.h"

enum { LIST_MAX = 64 << 20 };

/* Reads one entry and writes it.  false: a promise about its inside is broken. */
typedef bool entry_again(struct buf *b, struct reader *r);

/* The entries of a list that was checked, read one after the other, give the list. */
static bool list_again(struct mw_span list, entry_again *entry)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(LIST_MAX);
    struct reader r = { .rest = list };

    while (read_more(&r))
        if (!entry(&b, &r))
            return false;
    return read_done(&r) && buf_error(&b) == 0 && span_eq(buf_span(&b), list);
}

/* What a signature covers stands before it, and nothing after it. */
static bool signed_again(struct mw_span wire, struct mw_span part, struct mw_span signature)
{
    size_t tail = vector_header(signature.len) + signature.len;

    return part.data == wire.data && part.len + tail == wire.len;
}

static bool certificate_entry(struct buf *b, struct reader *r)
{
    vector_write(b, vector_read(r));
    return true;
}

static bool extension_entry(struct buf *b, struct reader *r)
{
    struct extension v;

    extension_read(&v, r);
    extension_write(b, &v);
    return true;
}

static bool extensions_again(struct mw_span list)
{
    return list_again(list, extension_entry);
}

static bool credential_inside(const struct credential *v)
{
    return v->type != CREDENTIAL_X509 || list_again(v->body, certificate_entry);
}

static bool leaf_node_inside(const struct leaf_node *v)
{
    return credential_inside(&v->credential) && extensions_again(v->extensions) &&
           signed_again(v->wire, v->signed_part, v->signature);
}

static bool parent_node_inside(const struct parent_node *v)
{
    for (size_t i = 1; i < v->unmerged.len / 4; i++)
        if (u32_list_at(v->unmerged, i - 1) >= u32_list_at(v->unmerged, i))
            return false;
    return true;
}

static bool key_package_inside(const struct key_package *v)
{
    return leaf_node_inside(&v->leaf) && extensions_again(v->extensions) &&
           signed_again(v->wire, v->signed_part, v->signature);
}

static bool psk_id_inside(const struct psk_id *v)
{
    return v->type == PSK_EXTERNAL ? v->usage == 0 && v->group_id.len == 0 : v->id.len == 0;
}

static bool proposal_inside(const struct proposal *v)
{
    switch (v->type) {
    case PROPOSAL_ADD:
        return key_package_inside(&v->add);
    case PROPOSAL_UPDATE:
        return leaf_node_inside(&v->update);
    case PROPOSAL_PSK:
        return psk_id_inside(&v->psk);
    case PROPOSAL_REINIT:
        return extensions_again(v->reinit.extensions);
    case PROPOSAL_EXTENSIONS:
        return extensions_again(v->extensions);
    default:
        return true;
    }
}

static bool proposal_or_ref_inside(const struct proposal_or_ref *v)
{
    return v->by_reference ? v->proposal.wire.len == 0 : proposal_inside(&v->proposal);
}

static bool hpke_ciphertext_inside(const struct hpke_ciphertext *v)
{
    (void)v;
    return true;
}

/* noun_entry(): one entry of a list.  noun_again(): a whole one with nothing after it. */
#define ENTRY(noun)                                                                                \
    static bool noun##_entry(struct buf *b, struct reader *r)                                      \
    {                                                                                              \
        struct noun v;                                                                             \
                                                                                                   \
        noun##_read(&v, r);                                                                        \
        noun##_write(b, &v);                                                                       \
        return !r->failed && noun##_inside(&v);                                                    \
    }

#define WHOLE(noun)                                                                                \
    static enum again_result noun##_again(struct buf *b, struct mw_span wire)                      \
    {                                                                                              \
        struct reader r = { .rest = wire };                                                        \
        struct noun v;                                                                             \
                                                                                                   \
        noun##_read(&v, &r);                                                                       \
        if (!read_done(&r))                                                                        \
            return AGAIN_MALFORMED;                                                                \
        noun##_write(b, &v);                                                                       \
        return result(b, wire, noun##_inside(&v));                                                 \
    }

static enum again_result result(const struct buf *b, struct mw_span wire, bool inside)
{
    bool same = buf_error(b) == 0 && span_eq(buf_span(b), wire);

    return same && inside ? AGAIN_SAME : AGAIN_BROKEN;
}

ENTRY(hpke_ciphertext)

static bool path_node_inside(const struct path_node *v)
{
    return list_again(v->ciphertexts, hpke_ciphertext_entry);
}

ENTRY(path_node)
ENTRY(proposal_or_ref)
ENTRY(psk_id)

static bool encrypted_secrets_inside(const struct encrypted_secrets *v)
{
    return hpke_ciphertext_inside(&v->sealed);
}

ENTRY(encrypted_secrets)

static bool update_path_inside(const struct update_path *v)
{
    return leaf_node_inside(&v->leaf) && list_again(v->nodes, path_node_entry);
}

static bool commit_inside(const struct commit *v)
{
    return list_again(v->proposals, proposal_or_ref_entry) &&
           (!v->has_path || update_path_inside(&v->path));
}

static bool group_context_inside(const struct group_context *v)
{
    return extensions_again(v->extensions);
}

static bool group_info_inside(const struct group_info *v)
{
    return group_context_inside(&v->context) && extensions_again(v->extensions) &&
           signed_again(v->wire, v->signed_part, v->signature);
}

static bool group_secrets_inside(const struct group_secrets *v)
{
    return list_again(v->psks, psk_id_entry);
}

static bool welcome_inside(const struct welcome *v)
{
    return list_again(v->secrets, encrypted_secrets_entry);
}

/* A handshake's content is one that reads. */
static bool framed_content_inside(const struct framed_content *v)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(LIST_MAX);
    struct reader r = { .rest = v->content };
    struct proposal proposal;
    struct commit commit;

    switch (v->content_type) {
    case CONTENT_PROPOSAL:
        proposal_read(&proposal, &r);
        proposal_write(&b, &proposal);
        return read_done(&r) && proposal_inside(&proposal) && span_eq(buf_span(&b), v->content);
    case CONTENT_COMMIT:
        commit_read(&commit, &r);
        commit_write(&b, &commit);
        return read_done(&r) && commit_inside(&commit) && span_eq(buf_span(&b), v->content);
    default:
        return true;
    }
}

static bool public_message_inside(const struct public_message *v)
{
    return framed_content_inside(&v->content);
}

static bool private_message_inside(const struct private_message *v)
{
    return v->content_type >= CONTENT_APPLICATION && v->content_type <= CONTENT_COMMIT;
}

WHOLE(credential)
WHOLE(leaf_node)
WHOLE(parent_node)
WHOLE(key_package)
WHOLE(psk_id)
WHOLE(proposal)
WHOLE(proposal_or_ref)
WHOLE(hpke_ciphertext)
WHOLE(path_node)
WHOLE(update_path)
WHOLE(commit)
WHOLE(group_context)
WHOLE(group_info)
WHOLE(group_secrets)
WHOLE(encrypted_secrets)
WHOLE(welcome)
WHOLE(framed_content)
WHOLE(public_message)
WHOLE(private_message)

static bool message_inside(const struct mls_message *v)
{
    switch (v->format) {
    case WIRE_PUBLIC_MESSAGE:
        return public_message_inside(&v->public_message);
    case WIRE_PRIVATE_MESSAGE:
        return private_message_inside(&v->private_message);
    case WIRE_WELCOME:
        return welcome_inside(&v->welcome);
    case WIRE_GROUP_INFO:
        return group_info_inside(&v->group_info);
    default:
        return key_package_inside(&v->key_package);
    }
}

static enum again_result mls_message_again(struct buf *b, struct mw_span wire)
{
    struct mls_message v;

    if (!mls_message_read(&v, wire))
        return AGAIN_MALFORMED;
    mls_message_write(b, &v);
    return result(b, wire, message_inside(&v));
}

static enum again_result extension_list_again(struct buf *b, struct mw_span wire)
{
    struct reader r = { .rest = wire };
    struct mw_span list = extensions_read(&r);

    if (!read_done(&r))
        return AGAIN_MALFORMED;
    vector_write(b, list);
    return result(b, wire, extensions_again(list));
}

static enum again_result required_capabilities_again(struct buf *b, struct mw_span wire)
{
    struct required_capabilities v;

    if (!required_capabilities_read(&v, wire))
        return AGAIN_MALFORMED;
    required_capabilities_write(b, &v);
    return result(b, wire, true);
}

static bool external_sender_entry(struct buf *b, struct reader *r)
{
    struct external_sender v;

    external_sender_read(&v, r);
    external_sender_write(b, &v);
    return !r->failed && credential_inside(&v.credential);
}

static enum again_result external_senders_again(struct buf *b, struct mw_span wire)
{
    struct mw_span list;

    if (!external_senders_read(wire, &list))
        return AGAIN_MALFORMED;
    vector_write(b, list);
    return result(b, wire, list_again(list, external_sender_entry));
}

/* optional<Node> of the ratchet_tree extension (12.4.3.3): its form alone, which says nothing yet
 * about what the nodes are to one another. */
static bool node_entry(struct buf *b, struct reader *r)
{
    enum { NODE_LEAF = 1, NODE_PARENT };
    bool present = present_read(r), inside = true;
    uint8_t type = present ? enum_read(r, NODE_PARENT) : 0;
    struct parent_node parent;
    struct leaf_node leaf;

    buf_u8(b, present);
    if (present)
        buf_u8(b, type);
    if (type == NODE_LEAF) {
        leaf_node_read(&leaf, r);
        leaf_node_write(b, &leaf);
        inside = r->failed || leaf_node_inside(&leaf);
    } else if (type == NODE_PARENT) {
        parent_node_read(&parent, r);
        parent_node_write(b, &parent);
        inside = r->failed || parent_node_inside(&parent);
    }
    return inside;
}

static enum again_result ratchet_tree_again(struct buf *b, struct mw_span wire)
{
    struct reader r = { .rest = wire }, nodes = { 0 };
    size_t at = vector_open(b);
    bool inside = true;

    nodes.rest = vector_read(&r);
    while (inside && read_more(&nodes))
        inside = node_entry(b, &nodes);
    if (!read_done(&r) || nodes.failed) {
        buf_truncate(b, at);
        return AGAIN_MALFORMED;
    }
    vector_close(b, at);
    return result(b, wire, inside);
}

static const struct again kinds[] = {
    { "credential", credential_again },
    { "leaf_node", leaf_node_again },
    { "parent_node", parent_node_again },
    { "key_package", key_package_again },
    { "psk_id", psk_id_again },
    { "proposal", proposal_again },
    { "proposal_or_ref", proposal_or_ref_again },
    { "hpke_ciphertext", hpke_ciphertext_again },
    { "path_node", path_node_again },
    { "update_path", update_path_again },
    { "commit", commit_again },
    { "group_context", group_context_again },
    { "group_info", group_info_again },
    { "group_secrets", group_secrets_again },
    { "encrypted_secrets", encrypted_secrets_again },
    { "welcome", welcome_again },
    { "framed_content", framed_content_again },
    { "public_message", public_message_again },
    { "private_message", private_message_again },
    { "mls_message", mls_message_again },
    { "extensions", extension_list_again },
    { "ratchet_tree", ratchet_tree_again },
    { "required_capabilities", required_capabilities_again },
    { "external_senders", external_senders_again },
};

const struct again *again_find(const char *noun)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].noun, noun) == 0)
            return &kinds[i];
    return NULL;
}
