/*
 * Pins in the state: which keys a name must show.
 */
#ifndef CHECK_PINS_H
#define CHECK_PINS_H

#include <midwatch/trust.h>

#include "base/store.h"

/* Adds what is remembered to the policy, the expired ones too (the engine says so). */
MW_MUST_CHECK int pins_load(struct store *s, struct mw_policy *p);

/* Remembers the pin (same host and key: replaced) and logs it.  The pin has been accepted by
 * mw_policy_add_pin() before. */
MW_MUST_CHECK int pins_save(struct store *s, struct mw_wall now, const struct mw_pin *pin);

/* spki NULL: all of the host's. */
MW_MUST_CHECK int pins_remove(struct store *s, struct mw_wall now, const char *host,
                              const char *spki, size_t *n_removed);

typedef int pin_each_fn(void *context, const struct mw_pin *pin);
MW_MUST_CHECK int pins_each(struct store *s, pin_each_fn *each, void *context);

/* midwatch pin add|list|remove|import */
int pin_command(int argc, char **argv);

#endif
