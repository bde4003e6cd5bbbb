/*
 * The inside of midwatch/hpke.h's contexts that tests need: nobody seals 2^64 messages to see
 * what comes after.
 */
#ifndef MEET_HPKE_CONTEXT_H
#define MEET_HPKE_CONTEXT_H

#include <midwatch/hpke.h>

/* The next message is number `next`. */
void hpke_sender_seek(struct mw_hpke_sender *s, uint64_t next);
void hpke_recipient_seek(struct mw_hpke_recipient *r, uint64_t next);

#endif
