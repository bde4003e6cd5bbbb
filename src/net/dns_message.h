/*
 * A DNS answer's records of one type.  RFC 1035 section 4.1.
 */
#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include <midwatch/types.h>

/* The RDATA of the answer section's records of that type and class IN, borrowed from wire; at
 * most `room`.  *ttl_s is the least of theirs.  -EPROTO: not a DNS message. */
MW_MUST_CHECK int dns_message_read(struct mw_span wire, uint16_t type, struct mw_span *items,
                                   size_t room, size_t *n, uint32_t *ttl_s);

#endif
