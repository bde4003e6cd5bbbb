#include <midwatch/mls_error.h>

#include "base/compiler.h"

static const struct {
    const char *name, *text;
} errors[MW_MLS_E_COUNT] = {
    [MW_MLS_E_OK] = { "OK", "nothing is wrong" },
    [MW_MLS_E_MALFORMED] = { "MALFORMED", "the bytes are not what they should be" },
    [MW_MLS_E_VERSION] = { "VERSION", "a protocol version other than MLS 1.0" },
    [MW_MLS_E_SUITE] = { "SUITE", "a cipher suite that is not known here, or not the group's" },
    [MW_MLS_E_KIND] = { "KIND", "a message of a kind that is not taken here" },
    [MW_MLS_E_GROUP] = { "GROUP", "the message is for another group" },
    [MW_MLS_E_TOO_BIG] = { "TOO_BIG", "larger than is taken" },
    [MW_MLS_E_EPOCH] = { "EPOCH", "the message is of an epoch that is over, or not here yet" },
    [MW_MLS_E_SENDER] = { "SENDER", "whoever sent this does not exist, or may not send it" },
    [MW_MLS_E_MEMBERSHIP_TAG] = { "MEMBERSHIP_TAG",
        "the membership tag is wrong: no member sent this" },
    [MW_MLS_E_SIGNATURE] = { "SIGNATURE", "the signature is not its sender's" },
    [MW_MLS_E_SEALED] = { "SEALED", "the message does not decrypt with the group's keys" },
    [MW_MLS_E_GENERATION] = { "GENERATION", "the message's key was used already, or let go" },
    [MW_MLS_E_TOO_FAR] = { "TOO_FAR",
        "too many messages of this sender are missing before this one" },
    [MW_MLS_E_EXHAUSTED] = { "EXHAUSTED",
        "the counter of messages or epochs is used up: start a new group" },
    [MW_MLS_E_PUBLIC_APPLICATION] = { "PUBLIC_APPLICATION", "application data came unencrypted" },
    [MW_MLS_E_OWN_MESSAGE] = { "OWN_MESSAGE",
        "this is our own message, which only the others can decrypt" },
    [MW_MLS_E_LEAF_SIGNATURE] = { "LEAF_SIGNATURE", "a member's leaf is not signed by its key" },
    [MW_MLS_E_LEAF_SOURCE] = { "LEAF_SOURCE", "a leaf that was made for another place" },
    [MW_MLS_E_LEAF_CAPABILITIES] = { "LEAF_CAPABILITIES",
        "a leaf that does not list what it uses itself" },
    [MW_MLS_E_LEAF_UNSUPPORTED] = { "LEAF_UNSUPPORTED", "a member lacks what this group requires" },
    [MW_MLS_E_CREDENTIAL_UNSUPPORTED] = { "CREDENTIAL_UNSUPPORTED",
        "a kind of credential that not everybody in the group takes" },
    [MW_MLS_E_CREDENTIAL] = { "CREDENTIAL", "the credential is not believed" },
    [MW_MLS_E_LIFETIME] = { "LIFETIME", "a key package that is not valid now, or for too long" },
    [MW_MLS_E_KEY] = { "KEY", "a public key that is none, or does not fit its private one" },
    [MW_MLS_E_KEY_TWICE] = { "KEY_TWICE", "a key that is in the group already" },
    [MW_MLS_E_KEY_SAME] = { "KEY_SAME", "an update that keeps the old encryption key" },
    [MW_MLS_E_INIT_KEY] = { "INIT_KEY", "a key package whose two encryption keys are the same" },
    [MW_MLS_E_KEY_PACKAGE_SIGNATURE] = { "KEY_PACKAGE_SIGNATURE",
        "a key package that is not signed by its owner" },
    [MW_MLS_E_PROPOSAL_UNKNOWN] = { "PROPOSAL_UNKNOWN",
        "the commit names a proposal that did not arrive here" },
    [MW_MLS_E_PROPOSAL_REFUSED] = { "PROPOSAL_REFUSED",
        "others committed a proposal that was refused here: take it after all, or join anew" },
    [MW_MLS_E_PROPOSAL_TWICE] = { "PROPOSAL_TWICE", "the commit says the same thing twice" },
    [MW_MLS_E_PROPOSAL_COMMITTER] = { "PROPOSAL_COMMITTER",
        "the committer updates or removes itself" },
    [MW_MLS_E_PROPOSAL_REMOVE] = { "PROPOSAL_REMOVE", "a removal of somebody who is not there" },
    [MW_MLS_E_PROPOSAL_REINIT] = { "PROPOSAL_REINIT",
        "a restart of the group beside other changes, or to an older version" },
    [MW_MLS_E_PROPOSAL_EXTERNAL] = { "PROPOSAL_EXTERNAL",
        "an external join that is not formed as it must be" },
    [MW_MLS_E_PROPOSAL_SENDER] = { "PROPOSAL_SENDER", "its sender may not propose this" },
    [MW_MLS_E_PROPOSAL_UNSUPPORTED] = { "PROPOSAL_UNSUPPORTED",
        "a kind of change that not everybody in the group takes" },
    [MW_MLS_E_PSK_UNKNOWN] = { "PSK_UNKNOWN", "a pre-shared key that is not known here" },
    [MW_MLS_E_PSK_USAGE] = { "PSK_USAGE", "a pre-shared key that does not belong here" },
    [MW_MLS_E_PSK_NONCE] = { "PSK_NONCE", "a pre-shared key's nonce of the wrong length" },
    [MW_MLS_E_EXTENSIONS] = { "EXTENSIONS",
        "group extensions that are malformed, or that a member lacks" },
    [MW_MLS_E_PATH_MISSING] = { "PATH_MISSING", "the commit must bring fresh keys and does not" },
    [MW_MLS_E_PATH_LENGTH] = { "PATH_LENGTH", "the commit's fresh keys do not fit the tree" },
    [MW_MLS_E_PATH_SECRET] = { "PATH_SECRET",
        "the commit's fresh keys do not decrypt, or are not those announced" },
    [MW_MLS_E_PARENT_HASH] = { "PARENT_HASH", "the tree's nodes do not vouch for each other" },
    [MW_MLS_E_TREE] = { "TREE", "the ratchet tree is broken" },
    [MW_MLS_E_TREE_HASH] = { "TREE_HASH",
        "the ratchet tree is not the one that the group agreed on" },
    [MW_MLS_E_TREE_MISSING] = { "TREE_MISSING", "the ratchet tree is missing: ask for it" },
    [MW_MLS_E_CONFIRMATION_TAG] = { "CONFIRMATION_TAG",
        "the confirmation tag is wrong: the sender has another state of the group" },
    [MW_MLS_E_NOT_FOR_US] = { "NOT_FOR_US", "the Welcome is for other key packages" },
    [MW_MLS_E_GROUP_INFO_SIGNATURE] = { "GROUP_INFO_SIGNATURE",
        "the group's description is not signed by its signer" },
    [MW_MLS_E_GROUP_INFO_SIGNER] = { "GROUP_INFO_SIGNER",
        "the signer of the group's description is no member" },
    [MW_MLS_E_EXTERNAL_PUB] = { "EXTERNAL_PUB",
        "the group's description does not let anybody join by themselves" },
    [MW_MLS_E_REINIT] = { "REINIT", "the new group is not the one that the old one announced" },
    [MW_MLS_E_PENDING] = { "PENDING", "a commit of our own waits: merge or drop it first" },
    [MW_MLS_E_NOT_PENDING] = { "NOT_PENDING", "no commit of our own waits" },
    [MW_MLS_E_REMOVED] = { "REMOVED", "we were removed from the group" },
    [MW_MLS_E_CLOSED] = { "CLOSED", "the group was ended in favour of a new one" },
    [MW_MLS_E_NO_CHANGE] = { "NO_CHANGE", "there is nothing to commit" },
    [MW_MLS_E_FULL] = { "FULL", "the group, or the list of proposals, is full" },
    [MW_MLS_E_UNCOMMITTED] = { "UNCOMMITTED", "proposals wait: commit before sending data" },
    [MW_MLS_E_STATE] = { "STATE",
        "the saved state is truncated, altered or sealed with another key" },
    [MW_MLS_E_POLICY_ADD] = { "POLICY_ADD", "somebody was to be added whom no host let in" },
    [MW_MLS_E_POLICY_LOCKED] = { "POLICY_LOCKED", "the meeting is locked" },
    [MW_MLS_E_POLICY_LINK] = { "POLICY_LINK",
        "somebody was to be added who does not have the meeting's link" },
    [MW_MLS_E_POLICY_EXTERNAL] = { "POLICY_EXTERNAL",
        "whoever is not in the meeting may only remove" },
    [MW_MLS_E_POLICY_CHANGE] = { "POLICY_CHANGE", "only a host may change the meeting's rules" },
    [MW_MLS_E_REFUSED] = { "REFUSED", "the application refused it" },
};

const char *mw_mls_error_text(int error)
{
    if (error >= 0 && error < MW_MLS_E_COUNT)
        return errors[error].text;
    return error < 0 ? "this computer could not do it: out of memory, or its cryptography failed"
                     : "an unknown error";
}

const char *mw_mls_error_name(int error)
{
    if (error >= 0 && error < MW_MLS_E_COUNT)
        return errors[error].name;
    return error < 0 ? "SYSTEM" : "UNKNOWN";
}
