/*
 * JA4: a fingerprint of the TLS client by what it offers, the same however it shuffles its
 * extensions.
 * Source: FoxIO, JA4 technical details (TLS client fingerprint; BSD-licensed method).
 */
#ifndef GATE_POLICY_JA4_H
#define GATE_POLICY_JA4_H

#include "gate/policy/hello.h"

enum { JA4_TEXT = 37 };         /* "t13d1516h2_8daaf6152771_e5627efa2ab1" and its NUL */

/* transport: 't' over TCP, 'q' over QUIC.  "" when out of memory. */
void ja4_text(const struct hello *h, char transport, char out[JA4_TEXT]);

#endif
