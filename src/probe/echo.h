/*
 * Asks a cooperating server, on the connection that was just judged, what it saw of it.
 * Life:   echo_begin() -> callback once -> gone; or echo_cancel() before that.
 * Memory: the stream stays the caller's and must outlive the echo; the answer is the
 *         callback's.
 * Bounds: limit_ms; the answer's size as docs/echo.md has it.
 */
#ifndef PROBE_ECHO_H
#define PROBE_ECHO_H

#include <midwatch/trust.h>
#include <uv.h>

#include "net/echo_message.h"
#include "net/tls.h"

struct echo;

/* answered: MW_SEEN_YES with an answer, else NULL: MW_SEEN_NO, the server has no echo, or
 * MW_COULD_NOT_LOOK, the connection broke or time ran out. */
typedef void echo_fn(void *context, enum mw_seen answered, struct echo_answer *answer);

/* host: for the Host field, with its port unless that is 443.  key: "sha256/…". */
MW_MUST_CHECK int echo_begin(struct echo **out, uv_loop_t *loop, struct tls *stream,
                             const char *host, const char *key, int64_t limit_ms,
                             echo_fn *on_done, void *context);
void echo_cancel(struct echo *e);       /* NULL ok */

#endif
