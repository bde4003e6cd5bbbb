/*
 * The numbers that MLS's structures are told apart by (RFC 9420 section 17 and where named).
 */
#ifndef MEET_WIRE_NUMBERS_H
#define MEET_WIRE_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#define MLS_VERSION 1           /* mls10 */

enum wire_format {              /* 17.2 */
    WIRE_PUBLIC_MESSAGE = 1, WIRE_PRIVATE_MESSAGE, WIRE_WELCOME, WIRE_GROUP_INFO,
    WIRE_KEY_PACKAGE,
};
enum extension_type {           /* 17.3 */
    EXT_APPLICATION_ID = 1, EXT_RATCHET_TREE, EXT_REQUIRED_CAPABILITIES, EXT_EXTERNAL_PUB,
    EXT_EXTERNAL_SENDERS,
};
enum proposal_type {            /* 17.4 */
    PROPOSAL_ADD = 1, PROPOSAL_UPDATE, PROPOSAL_REMOVE, PROPOSAL_PSK, PROPOSAL_REINIT,
    PROPOSAL_EXTERNAL_INIT, PROPOSAL_EXTENSIONS,
};
enum credential_type { CREDENTIAL_BASIC = 1, CREDENTIAL_X509 };
enum leaf_source { LEAF_KEY_PACKAGE = 1, LEAF_UPDATE, LEAF_COMMIT };
enum sender_type { SENDER_MEMBER = 1, SENDER_EXTERNAL, SENDER_NEW_PROPOSAL, SENDER_NEW_COMMIT };
enum content_type { CONTENT_APPLICATION = 1, CONTENT_PROPOSAL, CONTENT_COMMIT };
enum psk_type { PSK_EXTERNAL = 1, PSK_RESUMPTION };
enum psk_usage { PSK_USE_APPLICATION = 1, PSK_USE_REINIT, PSK_USE_BRANCH };

/* GREASE values of 13.5: 0x0A0A, 0x1A1A … 0xEAEA. */
bool wire_grease(uint16_t v);

#endif
