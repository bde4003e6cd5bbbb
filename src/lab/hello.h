/*
 * A client's first flight, as far as a lab needs it: the name it asks for and what it offers.
 * Memory: spans borrow from the message, which is the caller's buffer.
 * Source: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3.
 */
#ifndef LAB_HELLO_H
#define LAB_HELLO_H

#include <stdbool.h>

#include "base/buf.h"

enum { HELLO_MAX = 65536 };

struct hello {
    struct mw_span server_name; /* empty: none */
    struct mw_span random;      /* 32 bytes */
    struct mw_span suites;      /* two bytes each */
};

enum hello_state { HELLO_MORE, HELLO_DONE, HELLO_NOT_TLS };

/* Takes the handshake message (header included) out of the records of `wire` into *message,
 * which is emptied first, and reads it. */
enum hello_state lab_hello_read(struct hello *h, struct mw_span wire, struct buf *message);

bool lab_hello_offers(const struct hello *h, uint16_t suite);

#endif
