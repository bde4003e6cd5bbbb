/*
 * Non-blocking sockets: raw file descriptors that never raise SIGPIPE and close on exec.
 * Errors: enum io, with enum sock_error saying how it failed; int functions return -errno.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "net/addr.h"
#include "net/io.h"

/* A TCP socket whose connection to `to` is begun; *fd is the caller's.  When it can be
 * written, sock_connected() tells how it went.  An immediate refusal is -errno. */
MW_MUST_CHECK int sock_tcp_begin(int *fd, const struct addr *to);
enum sock_error sock_connected(int fd);

/* A UDP socket connected to `to`: only its answers are received, and its ICMP errors. */
MW_MUST_CHECK int sock_udp(int *fd, const struct addr *to);

/* A listening TCP socket (port 0: any; *at is then what it got).  For tests and the lab. */
MW_MUST_CHECK int sock_listen(int *fd, struct addr *at, int backlog);

/* At most room bytes; *n is how many came.  UDP: one datagram. */
enum io sock_read(int fd, void *to, size_t room, size_t *n, enum sock_error *error);

/* *n may be short of bytes.len. */
enum io sock_write(int fd, struct mw_span bytes, size_t *n, enum sock_error *error);

/* One word for a report: "refused", "timed out", … */
const char *sock_error_text(enum sock_error error);

#endif
