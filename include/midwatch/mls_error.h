/*
 * Why MLS refused something: one code for each reason, with the section of RFC 9420 that demands
 * it.  A message that was refused changed nothing.
 */
#ifndef MIDWATCH_MLS_ERROR_H
#define MIDWATCH_MLS_ERROR_H

#include <midwatch/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mw_mls_error {
    MW_MLS_E_OK,

    /* the bytes */
    MW_MLS_E_MALFORMED,             /* does not parse as what it should be                       */
    MW_MLS_E_VERSION,               /* a protocol version other than mls10                       */
    MW_MLS_E_SUITE,                 /* a cipher suite that we lack, or that is not the group's   */
    MW_MLS_E_KIND,                  /* a message of a kind that this call does not take          */
    MW_MLS_E_GROUP,                 /* for another group (6.1, 12.2)                             */
    MW_MLS_E_TOO_BIG,               /* over a limit that the call's comment states               */

    /* framing (section 6) */
    MW_MLS_E_EPOCH,                 /* of an epoch that is not, or no longer, ours               */
    MW_MLS_E_SENDER,                /* a sender that may not send this, or does not exist        */
    MW_MLS_E_MEMBERSHIP_TAG,
    MW_MLS_E_SIGNATURE,
    MW_MLS_E_SEALED,                /* does not decrypt                                          */
    MW_MLS_E_GENERATION,            /* a message key that was used, or let go (9.2)              */
    MW_MLS_E_TOO_FAR,               /* more generations ahead than are skipped at once           */
    MW_MLS_E_EXHAUSTED,             /* all generations or epochs are used up                     */
    MW_MLS_E_PUBLIC_APPLICATION,    /* application data not encrypted (6.2)                      */
    MW_MLS_E_OWN_MESSAGE,           /* our own, which we cannot decrypt                          */

    /* leaves and key packages (7.3, 10.1) */
    MW_MLS_E_LEAF_SIGNATURE,
    MW_MLS_E_LEAF_SOURCE,           /* its leaf_node_source is not that of where it stands       */
    MW_MLS_E_LEAF_CAPABILITIES,     /* does not list what it uses itself, or version or suite    */
    MW_MLS_E_LEAF_UNSUPPORTED,      /* lacks what the group requires, uses or has in its context */
    MW_MLS_E_CREDENTIAL_UNSUPPORTED,/* its credential's type is not everybody's, or reversed     */
    MW_MLS_E_CREDENTIAL,            /* the application's judge refused it (5.3.1)                */
    MW_MLS_E_LIFETIME,              /* not valid now, or for too long                            */
    MW_MLS_E_KEY,                   /* a public key that is none                                 */
    MW_MLS_E_KEY_TWICE,             /* an encryption or signature key that is there already      */
    MW_MLS_E_KEY_SAME,              /* an update or path whose encryption key is the old one     */
    MW_MLS_E_INIT_KEY,              /* init_key equals the leaf's encryption key                 */
    MW_MLS_E_KEY_PACKAGE_SIGNATURE,

    /* lists of proposals (12.2) */
    MW_MLS_E_PROPOSAL_UNKNOWN,      /* a reference to no proposal that we have                   */
    MW_MLS_E_PROPOSAL_REFUSED,      /* ... to one that we refused: see mw_mls_receive()          */
    MW_MLS_E_PROPOSAL_TWICE,        /* the same reference, leaf, PSK or kind twice               */
    MW_MLS_E_PROPOSAL_COMMITTER,    /* updates or removes the committer itself                   */
    MW_MLS_E_PROPOSAL_REMOVE,       /* removes a leaf that is blank or not there                 */
    MW_MLS_E_PROPOSAL_REINIT,       /* a ReInit beside others, or to an older version            */
    MW_MLS_E_PROPOSAL_EXTERNAL,     /* an ExternalInit where it must not be, or not one          */
    MW_MLS_E_PROPOSAL_SENDER,       /* of a kind that its sender may not propose (12.1.8, 12.2)  */
    MW_MLS_E_PROPOSAL_UNSUPPORTED,  /* of a kind that not all members list                       */
    MW_MLS_E_PSK_UNKNOWN,           /* a PSK that the application does not have                  */
    MW_MLS_E_PSK_USAGE,             /* a resumption PSK of a usage that does not belong here     */
    MW_MLS_E_PSK_NONCE,             /* its nonce is not as long as the suite's hash              */
    MW_MLS_E_EXTENSIONS,            /* context extensions that a member lacks, or malformed      */

    /* commits (12.4) and the tree (section 7) */
    MW_MLS_E_PATH_MISSING,
    MW_MLS_E_PATH_LENGTH,           /* nodes or ciphertexts other than the tree asks for         */
    MW_MLS_E_PATH_SECRET,           /* does not decrypt, or gives other public keys              */
    MW_MLS_E_PARENT_HASH,
    MW_MLS_E_TREE,                  /* a ratchet tree that breaks 7.9 or 12.4.3.1                */
    MW_MLS_E_TREE_HASH,
    MW_MLS_E_TREE_MISSING,          /* neither in the message nor given                          */
    MW_MLS_E_CONFIRMATION_TAG,

    /* joining (12.4.3) */
    MW_MLS_E_NOT_FOR_US,            /* a Welcome without our key package                         */
    MW_MLS_E_GROUP_INFO_SIGNATURE,
    MW_MLS_E_GROUP_INFO_SIGNER,     /* its signer is no member                                   */
    MW_MLS_E_EXTERNAL_PUB,          /* no external_pub extension, or no key                      */
    MW_MLS_E_REINIT,                /* the group is not the one its ReInit or branch promised    */

    /* our own state */
    MW_MLS_E_PENDING,               /* a commit of ours waits for _merge() or _drop()            */
    MW_MLS_E_NOT_PENDING,
    MW_MLS_E_REMOVED,               /* we are no member any more                                 */
    MW_MLS_E_CLOSED,                /* a ReInit ended the group (11.2)                           */
    MW_MLS_E_NO_CHANGE,             /* nothing to commit and no path wanted                      */
    MW_MLS_E_FULL,                  /* over 2^20 members, or too many proposals wait             */
    MW_MLS_E_UNCOMMITTED,           /* proposals wait: commit before sending data (12.4)         */

    /* saved state */
    MW_MLS_E_STATE,                 /* truncated, altered, of another version, or another key    */

    /* the meeting's policy (midwatch/mls_meeting.h) */
    MW_MLS_E_POLICY_ADD,            /* an Add that no host signed                                */
    MW_MLS_E_POLICY_LOCKED,         /* the meeting is locked                                     */
    MW_MLS_E_POLICY_LINK,           /* an add without the link's secret                          */
    MW_MLS_E_POLICY_EXTERNAL,       /* an external sender may only remove                        */
    MW_MLS_E_POLICY_CHANGE,         /* the policy changed by somebody who is no host             */
    MW_MLS_E_REFUSED,               /* the application's allow() said no                         */
    MW_MLS_E_COUNT
};

/* What it means, in plain words; never NULL.  Also for -errno. */
MW_API const char *mw_mls_error_text(int error);

/* "PATH_MISSING": for logs. */
MW_API const char *mw_mls_error_name(int error);

#ifdef __cplusplus
}
#endif

#endif
