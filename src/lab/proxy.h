/*
 * Getting through a proxy door: CONNECT (RFC 9110 section 9.3.6) or SOCKS5 (RFC 1928), whichever
 * the client speaks.
 */
#ifndef LAB_PROXY_H
#define LAB_PROXY_H

#include "lab/peer.h"

enum proxy_state {
    PROXY_MORE,
    PROXY_OPEN,                 /* the way is free: bytes of the tunnel follow in p->in */
    PROXY_REFUSED,              /* answered and finished */
};

struct proxy_talk {
    bool greeted;               /* SOCKS5: the method was agreed */
};

/* The way to DOOR_CLOSED is refused; every other leads to the lab itself. */
enum proxy_state proxy_talk_on(struct proxy_talk *t, struct peer *p);

#endif
