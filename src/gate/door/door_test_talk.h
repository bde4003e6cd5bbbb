/*
 * What the tests of the door share: two gates, and a client that says something in pieces.
 */
#ifndef GATE_DOOR_DOOR_TEST_TALK_H
#define GATE_DOOR_DOOR_TEST_TALK_H

#include "gate/door/door.h"

/* name midwatch.gate, listeners http://192.0.2.1:3128 and socks5://192.0.2.1:1080.  The second
 * asks people to sign in: alice with "open:sesame", bob with "". */
extern const struct gate_config open_gate, users_gate;

/* What came of it; `left`: how many bytes were not the door's.  door_free() it. */
struct talk {
    struct door *door;
    enum door_state state;
    size_t left;
    unsigned asked;             /* for a password */
};

/* In pieces of `step` bytes, kept and fed again as the contract says. */
struct talk talk(const struct gate_config *c, enum gate_entrance e, struct mw_span said,
                 size_t step);

const char *talk_out(const struct door *d);

#endif
