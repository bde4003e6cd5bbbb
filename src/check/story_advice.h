/*
 * What to do about a reader, by what kind of thing it is, and the command that prints the
 * exception for it.
 */
#ifndef CHECK_STORY_ADVICE_H
#define CHECK_STORY_ADVICE_H

#include <midwatch/trust.h>

#include "base/arena.h"

/* One or two sentences for the person; never NULL. */
const char *advice_for_reader(const struct mw_reader *r);

/* "midwatch exempt --for fortios --ticket HOST"; never NULL. */
const char *advice_exempt_command(struct arena *arena, const struct mw_reader *r,
                                  const char *host);

#endif
