/*
 * A verdict as one self-contained HTML page to attach to a ticket: no script, nothing fetched,
 * readable on a phone and on paper, dark and light.
 */
#ifndef CHECK_HTML_H
#define CHECK_HTML_H

#include <midwatch/trust.h>

#include "base/buf.h"

/* One page for any number of verdicts: html_begin, html_verdict for each, html_end. */
void html_begin(struct buf *out, struct mw_wall at, size_t n_targets);
void html_verdict(struct buf *out, const struct mw_evidence *ev, const struct mw_verdict *v);
void html_end(struct buf *out, const char *version);

#endif
