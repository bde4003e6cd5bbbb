/*
 * Questions from the control socket to workers and the parent, as JSON text: {"ask": "why", …}.
 * The answer is one JSON object.  Who asks is root or the gate's own user.
 *
 * to workers:  {"ask":"top"}                    -> {"sessions":[…]}       (worker/history.h)
 *              {"ask":"why","host":H,"client":A or absent} -> {"attempts":[…]}
 * to parent:   {"ask":"reload"}  {"ask":"processes"}  {"ask":"upgrade"}  {"ask":"drain"}
 */
#ifndef GATE_WIRE_CONTROL_H
#define GATE_WIRE_CONTROL_H

#include "base/buf.h"

enum { CONTROL_MAX_JSON = 128 * 1024 };   /* of one answer: leave out what does not fit */

/* Both GATE_QUERY and GATE_QUERY_ANSWER: id, then the text. */
void control_write(struct buf *out, uint8_t type, uint64_t id, struct mw_span json);
MW_MUST_CHECK int control_read(uint64_t *id, struct mw_span *json, struct mw_span message);

#endif
