/*
 * Pins: which keys must stand behind a name.
 * Source: RFC 7469 sections 2.4 to 2.6, and what went wrong with it: pins here are set by hand,
 *         want a backup, and lapse open, with a word.
 */
#ifndef TRUST_PIN_H
#define TRUST_PIN_H

#include <midwatch/trust.h>

#include "base/arena.h"
#include "base/buf.h"

enum { PIN_MAX = 4096, PIN_MAX_LINE = 1024 };

/* "sha256/BASE64" of 32 bytes, as people write it; out gets the one canonical form.
 * 0, -ENOMEM or MW_E_SYNTAX. */
MW_MUST_CHECK int pin_normalize(struct mw_span text, struct buf *out);

struct cert;

/* Is this the certificate's key?  spki in the canonical form.  1, 0 or -ENOMEM. */
MW_MUST_CHECK int pin_is_key(const struct cert *c, const char *spki);

/* One line of a list of pins:
 *     HOST sha256/… [backup] [tree] [until=DATE]
 * "*.HOST" and ".HOST" mean HOST with its tree.  An empty line or a comment (#) leaves
 * out->host NULL.  Strings live in `arena`.  0, -ENOMEM, or MW_E_SYNTAX / MW_E_NAME with one
 * line in `error` that says what and what was expected. */
MW_MUST_CHECK int pin_parse_line(struct mw_span line, struct arena *arena, struct mw_pin *out,
                                 struct buf *error);

#endif
