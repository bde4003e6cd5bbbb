/*
 * What a non-blocking operation came to, in every layer above a socket.
 */
#ifndef NET_IO_H
#define NET_IO_H

enum io {
    IO_OK,              /* done, or bytes moved */
    IO_WANT_READ,       /* call again when the socket can be read … */
    IO_WANT_WRITE,      /* … or written */
    IO_CLOSED,          /* the peer finished, orderly (FIN, close_notify) */
    IO_FAILED,          /* it broke; the object says how */
};

/* How a socket failed.  The words differ for people: a refusal comes from a machine that is
 * there, a reset in the middle often comes from a filter on the way. */
enum sock_error {
    SOCK_OK,
    SOCK_REFUSED,       /* nothing listens there */
    SOCK_TIMEOUT,       /* no answer */
    SOCK_NO_ROUTE,      /* no network, host unreachable, address family missing, not permitted */
    SOCK_RESET,         /* RST on an open connection */
    SOCK_CLOSED,        /* FIN where more was needed */
    SOCK_BROKEN,        /* any other errno */
};

/* From an errno value. */
enum sock_error sock_error_of(int error);

#endif
