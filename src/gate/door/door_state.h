/*
 * What door.c, door_http.c and door_socks.c share: a door from within.
 * Rules:  whatever is longer than its room is refused, never cut.
 */
#ifndef GATE_DOOR_DOOR_STATE_H
#define GATE_DOOR_DOOR_STATE_H

#include "gate/door/door.h"

enum door_step {
    DOOR_STEP_HTTP,             /* a request to a proxy */
    DOOR_STEP_INNER,            /* a request within a tunnel to our own name */
    DOOR_STEP_GREETING,         /* SOCKS5: which methods */
    DOOR_STEP_PASSWORD,
    DOOR_STEP_DESTINATION,
};

struct door {
    enum gate_entrance entrance;
    const struct gate_config *config;
    enum door_step step;
    enum door_state state;
    struct buf out;
    size_t scanned;             /* of the head, without its end in sight */
    unsigned sign_ins;          /* that failed */
    unsigned asked;             /* to sign in: 407s */
    bool answered;              /* door_accept or door_refuse was called, or the last word said */
    enum door_method method;
    char host[DOOR_MAX_HOST];
    uint16_t port;
    char *path;                 /* ours */
    char *user;                 /* ours */
    const char *const *groups;
    struct sign_in_question *question;  /* ours until it is fetched */
    char why[160];
};

/* One message; DOOR_MORE with bytes taken: call it again. */
enum door_state door_http_feed(struct door *d, struct mw_span *in);
enum door_state door_socks_feed(struct door *d, struct mw_span *in);

/* The client's fault; door_out() is what it is told.  DOOR_BAD, to be returned. */
enum door_state door_http_bad(struct door *d, int status, const char *why);
enum door_state door_socks_bad(struct door *d, uint8_t reply, const char *why);

void door_socks_reply(struct door *d, uint8_t reply);

/* A whole HTTP answer of ours: `page` as HTML, or `why` as text if there is no page. */
void door_http_answer(struct door *d, int status, const char *error, struct mw_span page);

/* Lower-case A-labels or an address into d->host; an IPv4 address in IPv6 clothes as the IPv4
 * address it is, so that rules on addresses see it.  bracketed: only an IPv6 address will do.
 * -EINVAL: neither. */
MW_MUST_CHECK int door_set_host(struct door *d, struct mw_span name, bool bracketed);

/* The destination is the gateway's own pages. */
bool door_is_own(const struct door *d);

/* 0: signed in.  -EACCES: wrong; -EAGAIN: it has to be asked, DOOR_ASK; -ENOMEM. */
MW_MUST_CHECK int door_sign_in(struct door *d, struct mw_span user, struct mw_span password);

/* What we could not do for want of memory; DOOR_BAD. */
enum door_state door_broken(struct door *d);

#endif
