#include "meet/keys/content.h"

static size_t uint_put(uint8_t *at, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
    return bytes;
}

size_t content_parts(const struct framed_content *c, struct content_room *room,
                     struct mw_span parts[CONTENT_PARTS])
{
    size_t middle = 0, type = 1;

    parts[0] = span_of(room->group_id, vector_header_put(room->group_id, c->group_id.len));
    parts[1] = c->group_id;
    middle += uint_put(room->middle, c->epoch, 8);
    middle += uint_put(room->middle + middle, c->sender.type, 1);
    if (c->sender.type == SENDER_MEMBER || c->sender.type == SENDER_EXTERNAL)
        middle += uint_put(room->middle + middle, c->sender.index, 4);
    middle += vector_header_put(room->middle + middle, c->aad.len);
    parts[2] = span_of(room->middle, middle);
    parts[3] = c->aad;
    room->type[0] = c->content_type;
    if (c->content_type == CONTENT_APPLICATION)
        type += vector_header_put(room->type + 1, c->content.len);
    parts[4] = span_of(room->type, type);
    parts[5] = c->content;
    return CONTENT_PARTS;
}
