/*
 * FramedContent in the pieces that it lies in, to be hashed, authenticated or signed one after
 * another: a commit in a group of 10,000 is near a megabyte and is not copied for that.
 * Memory:  the pieces borrow from the content and from the room.
 * Source:  RFC 9420 section 6.
 */
#ifndef MEET_KEYS_CONTENT_H
#define MEET_KEYS_CONTENT_H

#include "meet/wire/wire.h"

#define CONTENT_PARTS 6

/* What stands between the content's own spans. */
struct content_room {
    uint8_t group_id[4], middle[8 + 5 + 4], type[1 + 4];
};

/* Fills parts and returns how many; together they are the bytes of FramedContent, taken from c's
 * fields: c->wire is not looked at. */
size_t content_parts(const struct framed_content *c, struct content_room *room,
                     struct mw_span parts[CONTENT_PARTS]);

#endif
