/*
 * GATE_CONFIG: a bundle in numbered parts, since it may be larger than a message.
 * Life:   the parent calls config_part_write() for each part in order; the receiver feeds them to
 *         config_part_take() until it answers CONFIG_PART_WHOLE.
 */
#ifndef GATE_WIRE_CONFIG_PART_H
#define GATE_WIRE_CONFIG_PART_H

#include "base/buf.h"

enum {
    CONFIG_PART_BYTES = 64 * 1024,
    CONFIG_PART_TOTAL = 32 << 20,
};

enum config_part_result {
    CONFIG_PART_WHOLE = 1,      /* *whole is the bundle's bytes */
    CONFIG_PART_MORE,
};

/* The part that begins at `offset`, at most CONFIG_PART_BYTES of it.  Appends a message. */
void config_part_write(struct buf *out, struct mw_span bundle, size_t offset);

/* whole is empty before the first part; its maximum is CONFIG_PART_TOTAL.  A part at offset 0
 * begins anew.  -EINVAL: malformed or out of turn; -ENOMEM, -EMSGSIZE. */
MW_MUST_CHECK int config_part_take(struct buf *whole, struct mw_span message);

#endif
