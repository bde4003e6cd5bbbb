/*
 * A verdict in words, before any layout: the terminal, the HTML page and the ticket all tell
 * the same story.  Words of certainty follow mw_certainty and nothing else.
 * Memory: everything lives in the arena that is passed in.
 */
#ifndef CHECK_STORY_H
#define CHECK_STORY_H

#include <midwatch/trust.h>

#include "base/arena.h"

enum { STORY_LINES = 24 };

struct story_list {
    const char *lines[STORY_LINES];     /* each a sentence or clause, without a full stop */
    size_t n;
};

struct story {
    const char *word;           /* "PRIVATE", "NOT PRIVATE", "INSPECTED", "BLOCKED", … */
    const char *headline;       /* who can read this, one sentence without a full stop */
    const char *expected;       /* the name that was expected */
    const char *issuer;         /* whose certificate it is: the issuer; NULL none seen */
    const char *subject;        /* whom the certificate is for; NULL none seen */
    const char *causes;         /* "name, clock": the groups of the errors; NULL none */
    const char *vpn;            /* whether a VPN is up, and what that means; NULL not known */
    struct story_list why;      /* what was seen, most telling first */
    struct story_list isnt;     /* what it is not, with the reason */
    struct story_list sees;     /* what a reader, or an attacker, could see */
    struct story_list person;   /* what the person can do, as an order of steps */
    struct story_list it;       /* what IT or the server's operator can do */
};

/* 0 or -ENOMEM. */
MW_MUST_CHECK int story_tell(struct arena *arena, const struct mw_evidence *ev,
                             const struct mw_verdict *v, struct story *out);

/* "is", "is most likely", "may be": for sentences. */
const char *story_is(enum mw_certainty c);

/* "on this computer", "on this network", "at the VPN", …; NULL for unknown. */
const char *story_where(enum mw_place place);

#endif
