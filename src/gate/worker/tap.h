/*
 * What a leg's socket carries, told to the scribe while an unlock with packets covers the session.
 * Life:   tap_begin() after leg_secure() -> the leg calls it -> freed with its leg
 * Order:  a reader needs the secrets before what they open, so that what passes before the
 *         handshake is over waits for its end, up to TAP_WAIT_BYTES.
 * Bounds: what the channel to the scribe has no room for is dropped; audit records come first.
 */
#ifndef GATE_WORKER_TAP_H
#define GATE_WORKER_TAP_H

#include <stdbool.h>

#include "gate/worker/leg.h"

enum {
    TAP_WAIT_BYTES = 256 * 1024,
    TAP_CHANNEL_BYTES = 1 << 20,        /* waiting for the scribe: more is dropped */
};

struct session;

/* Nothing, if no unlock covers it.  peer_began: the other end opened the connection. */
void tap_begin(struct session *s, struct leg *l, bool peer_began);

#endif
