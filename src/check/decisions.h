/*
 * Remembered "Trust anyway" decisions, in the state.  What one covers is the trust engine's to
 * say; this file only keeps them.
 */
#ifndef CHECK_DECISIONS_H
#define CHECK_DECISIONS_H

#include <midwatch/trust.h>

#include "base/store.h"

enum {
    DECISION_LIFETIME_S = 7 * 86400, /* unless --for says otherwise */
    DECISION_LIFETIME_MAX_S = 90 * 86400,
    DECISION_KEEP_EXPIRED_S = 30 * 86400, /* so that a report can say "expired 3 days ago" */
};

/* Adds what is remembered to the policy; decisions long expired are left out. */
MW_MUST_CHECK int decisions_load(struct store *s, struct mw_wall now, struct mw_policy *p);

/* Remembers d in place of any earlier decision for the same host, port and key, and logs it. */
MW_MUST_CHECK int decisions_save(struct store *s, const struct mw_decision *d);

/* Forgets those for `host`, and `port` unless it is 0; logs each.  *n_removed counts. */
MW_MUST_CHECK int decisions_remove(struct store *s, struct mw_wall now, const char *host,
                                   uint16_t port, size_t *n_removed);

/* By host and port.  Strings are borrowed until `each` returns. */
typedef int decision_each_fn(void *context, const struct mw_decision *d);
MW_MUST_CHECK int decisions_each(struct store *s, decision_each_fn *each, void *context);

/* midwatch trust list|remove|log */
int trust_command(int argc, char **argv);

#endif
