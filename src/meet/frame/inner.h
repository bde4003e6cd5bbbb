/*
 * What the files of this folder share.
 */
#ifndef MEET_FRAME_INNER_H
#define MEET_FRAME_INNER_H

#include <errno.h>

#include "meet/frame/frame.h"
#include "meet/keys/content.h"

/* The longest that a variable-size vector can be (RFC 9420 2.1.2). */
#define FRAME_VECTOR_MAX ((size_t)0x3fffffff)

#define FRAME_TBS_PARTS  (1 + CONTENT_PARTS + 1)
#define FRAME_AUTH_PARTS 4

/* What stands between the spans of an authentic content. */
struct frame_room {
    uint8_t start[4];
    struct content_room content;
    uint8_t signature[4], tag[4];
};

/* No field is longer than a vector can be: -EMSGSIZE. */
MW_MUST_CHECK int frame_fits(const struct authentic *a);

/* FramedContentTBS and FramedContentAuthData in parts; how many. */
size_t frame_tbs(const struct authentic *a, struct mw_span context, struct frame_room *room,
                 struct mw_span *parts);
size_t frame_auth(const struct authentic *a, struct frame_room *room, struct mw_span *parts);

size_t frame_length(const struct mw_span *parts, size_t n);
void frame_add(struct buf *b, const struct mw_span *parts, size_t n);

/* May this sender send this content?  0 or FRAME_E_SENDER. */
MW_MUST_CHECK int frame_sender_check(const struct framed_content *c);

int frame_ours(int r);

#endif
