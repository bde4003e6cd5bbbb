/*
 * The blocks of a packet capture with its TLS secrets inside, for Wireshark and its like.  What a
 * leg sent is known as a stream; the IP and TCP headers around its pieces are made here, so packet
 * borders, TTL and window are not those of the wire.
 * Source: draft-ietf-opsawg-pcapng, RFC 791, RFC 8200, RFC 9293.
 */
#ifndef GATE_SCRIBE_PCAPNG_H
#define GATE_SCRIBE_PCAPNG_H

#include "gate/wire/packet.h"

/* A section and its one interface: raw IP, microseconds. */
void pcapng_begin(struct buf *out);

/* Lines of SSLKEYLOGFILE, each with its newline.  Readers want them before what they open. */
void pcapng_secrets(struct buf *out, struct mw_span lines);

void pcapng_packet(struct buf *out, const struct gate_packet *p);

#endif
