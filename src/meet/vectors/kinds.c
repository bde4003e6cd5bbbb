#include "meet/vectors/kinds.h"

const struct kind kinds[] = {
    { "crypto-basics", { "ref_hash", "expand_with_label" }, run_crypto_basics },
    { "deserialization", { "vlbytes_header", "length" }, run_deserialization },
    { "hpke", { "kem_id", "encryptions" }, run_hpke },
    { "key-schedule", { "initial_init_secret", "epochs" }, run_key_schedule },
    { "message-protection", { "membership_key", "proposal_pub" }, run_message_protection },
    { "messages", { "mls_welcome", "mls_group_info" }, run_messages },
    { "passive-client", { "signature_priv", "init_priv", "epochs" }, run_passive_client },
    { "psk_secret", { "psks", "psk_secret" }, run_psk_secret },
    { "secret-tree", { "sender_data", "leaves" }, run_secret_tree },
    { "sframe", { "header", "sframe" }, run_sframe },
    { "transcript-hashes", { "authenticated_content", "confirmation_key" }, run_transcript_hashes },
    { "tree-math", { "n_leaves", "n_nodes" }, run_tree_math },
    { "tree-operations", { "tree_before", "tree_after" }, run_tree_operations },
    { "tree-validation", { "resolutions", "tree_hashes" }, run_tree_validation },
    { "treekem", { "leaves_private", "update_paths" }, run_treekem },
    { "welcome", { "init_priv", "signer_pub", "welcome" }, run_welcome },
};
const size_t n_kinds = ARRAY_LEN(kinds);

const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < n_kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static bool looks_like(const struct kind *k, const json_t *first)
{
    for (size_t i = 0; i < ARRAY_LEN(k->signs); i++)
        if (k->signs[i] != NULL && json_object_get(first, k->signs[i]) == NULL)
            return false;
    return true;
}

const struct kind *kind_of(const json_t *first)
{
    for (size_t i = 0; i < n_kinds; i++)
        if (looks_like(&kinds[i], first))
            return &kinds[i];
    return NULL;
}
