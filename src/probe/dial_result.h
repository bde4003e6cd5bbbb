/*
 * From a TLS connection to what a dial hands over.  Used by probe/dial.c alone.
 */
#ifndef PROBE_DIAL_RESULT_H
#define PROBE_DIAL_RESULT_H

#include "probe/dial.h"
#include "probe/talk.h"

/* A result without any findings yet; NULL: out of memory. */
struct dial_result *dial_result_new(size_t max_bytes);

/* Sets reach and the detail, printf-like; the text is safe to print already.  Without memory
 * for the detail there is none. */
void dial_result_end(struct dial_result *r, enum mw_reach reach, const char *format, ...)
    PRINTF_LIKE(3, 4);
void dial_result_vend(struct dial_result *r, enum mw_reach reach, const char *format,
                      va_list args) PRINTF_LIKE(3, 0);

/* Copies what the connection showed (certificates, parameters, hello, exporter) over what an
 * earlier attempt left.  -ENOMEM: part of it is missing. */
MW_MUST_CHECK int dial_result_take(struct dial_result *r, struct tls *t, enum dial_offer offer);

/* The same from an answer that was only read; see net/ancient.h. */
MW_MUST_CHECK int dial_result_take_ancient(struct dial_result *r, const struct flight *f);

/* What the end of a handshake means: io as tls_handshake() gave it. */
void dial_result_judge(struct dial_result *r, struct tls *t, enum io io);

/* Says that only an older offer was taken; refusal is what the usual one met. */
void dial_result_older(struct dial_result *r, const char *refusal);

#endif
