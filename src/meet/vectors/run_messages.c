/* Everything that travels is read, and written as it was (RFC 9420 6, 7, 10, 12). */
#include "meet/vectors/kinds.h"
#include "meet/wire/again.h"

enum { MESSAGE_MAX = 64 << 20 };

static const struct {
    const char *field;
    const char *noun;           /* for again_find() */
    uint16_t proposal;          /* the file leaves out a proposal's type: it is put before */
    uint16_t format;            /* an MLSMessage's, and a public one's content type */
    uint8_t content;
} fields[] = {
    { "mls_welcome", "mls_message", 0, WIRE_WELCOME, 0 },
    { "mls_group_info", "mls_message", 0, WIRE_GROUP_INFO, 0 },
    { "mls_key_package", "mls_message", 0, WIRE_KEY_PACKAGE, 0 },
    { "ratchet_tree", "ratchet_tree", 0, 0, 0 },
    { "group_secrets", "group_secrets", 0, 0, 0 },
    { "add_proposal", "proposal", PROPOSAL_ADD, 0, 0 },
    { "update_proposal", "proposal", PROPOSAL_UPDATE, 0, 0 },
    { "remove_proposal", "proposal", PROPOSAL_REMOVE, 0, 0 },
    { "pre_shared_key_proposal", "proposal", PROPOSAL_PSK, 0, 0 },
    { "re_init_proposal", "proposal", PROPOSAL_REINIT, 0, 0 },
    { "external_init_proposal", "proposal", PROPOSAL_EXTERNAL_INIT, 0, 0 },
    { "group_context_extensions_proposal", "proposal", PROPOSAL_EXTENSIONS, 0, 0 },
    { "commit", "commit", 0, 0, 0 },
    { "public_message_application", "mls_message", 0, WIRE_PUBLIC_MESSAGE, CONTENT_APPLICATION },
    { "public_message_proposal", "mls_message", 0, WIRE_PUBLIC_MESSAGE, CONTENT_PROPOSAL },
    { "public_message_commit", "mls_message", 0, WIRE_PUBLIC_MESSAGE, CONTENT_COMMIT },
    { "private_message", "mls_message", 0, WIRE_PRIVATE_MESSAGE, 0 },
};

/* It is what the field's name says, not merely something that can be read. */
static void format_check(struct run *r, size_t i, struct mw_span wire)
{
    struct mls_message m;

    if (fields[i].format == 0 || r->failed)
        return;
    if (!mls_message_read(&m, wire)) {
        run_wrong(r, "%s: cannot be read", fields[i].field);
        return;
    }
    run_same_number(r, "wire_format", fields[i].format, m.format);
    if (fields[i].content != 0)
        run_same_number(r, "content_type", fields[i].content,
                        m.public_message.content.content_type);
}

static void field_check(struct run *r, size_t i, struct mw_span wire)
{
    CLEANUP(buf_deinit) struct buf in = BUF_INIT(MESSAGE_MAX), out = BUF_INIT(MESSAGE_MAX);
    enum again_result result;

    if (r->failed)
        return;
    if (fields[i].proposal != 0)
        buf_u16(&in, fields[i].proposal);
    buf_add(&in, wire);
    if (buf_error(&in) != 0) {
        run_wrong(r, "%s: out of memory", fields[i].field);
        return;
    }
    result = again_find(fields[i].noun)->run(&out, buf_span(&in));
    if (result == AGAIN_MALFORMED)
        run_wrong(r, "%s: cannot be read", fields[i].field);
    run_same(r, fields[i].field, buf_span(&in), buf_span(&out));
    run_true(r, fields[i].field, result == AGAIN_SAME);
}

int run_messages(struct run *r, const json_t *c)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct mw_span wire = run_hex(r, c, fields[i].field);

        field_check(r, i, wire);
        format_check(r, i, wire);
    }
    return 0;
}
