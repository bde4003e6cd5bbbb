/*
 * Waits for one file descriptor, with a time limit: a uv_poll and a uv_timer together.
 * Life:   watch_new() -> watch_want()/watch_limit()* -> watch_free()
 *         watch_free() may be called from its own callback; no callback comes afterwards, and
 *         the descriptor may be closed or watched anew at once.
 * Memory: the caller keeps the descriptor.  The handles' memory goes a turn of the loop later.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include <uv.h>

#include "base/compiler.h"
#include "net/io.h"

enum watch_event { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_TIMEOUT = 4 };

struct watch;

/* events: of enum watch_event.  An error on the descriptor is told as readable and writable:
 * the next operation on it says what it is. */
typedef void watch_fn(void *context, unsigned events);

/* fd -1: a timer only. */
MW_MUST_CHECK int watch_new(struct watch **out, uv_loop_t *loop, int fd, watch_fn *on_event,
                            void *context);
void watch_free(struct watch *w);       /* NULL ok */

/* Which of WATCH_READ and WATCH_WRITE to wait for from now on; 0: none. */
MW_MUST_CHECK int watch_want(struct watch *w, unsigned events);

/* For what an operation asked for: IO_WANT_READ or IO_WANT_WRITE. */
MW_MUST_CHECK int watch_io(struct watch *w, enum io io);

/* WATCH_TIMEOUT once, ms from now; < 0: never.  Replaces an earlier limit. */
void watch_limit(struct watch *w, int64_t ms);

#endif
