/*
 * Bytes as text: hex, base64, and strings that are safe to show.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

/* Lower-case hex, `sep` between bytes unless it is 0. */
void text_hex(struct buf *out, struct mw_span bytes, char sep);

/* Upper or lower case, colons and spaces ignored.  -EINVAL: odd or foreign characters. */
MW_MUST_CHECK int text_unhex(struct buf *out, struct mw_span hex);

/* RFC 4648 section 4, padded, without line breaks. */
void text_base64(struct buf *out, struct mw_span bytes);

/* White space is ignored, padding is optional at the end.  -EINVAL: foreign characters. */
MW_MUST_CHECK int text_unbase64(struct buf *out, struct mw_span text);

/* For a terminal or a log: control characters, escape sequences, invisible characters,
 * bidirectional overrides and malformed UTF-8 come out as \xNN.  max_bytes 0 means no limit,
 * else the text is cut there on a character's border and "…" added. */
void text_safe(struct buf *out, struct mw_span text, size_t max_bytes);

/* Whole number in [min, max], decimal.  -EINVAL: anything else, an empty span included. */
MW_MUST_CHECK int text_number(struct mw_span text, int64_t min, int64_t max, int64_t *out);

#endif
