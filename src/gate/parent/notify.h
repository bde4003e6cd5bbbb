/*
 * Tells the service manager how we are.
 * Life:   notify_begin() -> notify_*() -> notify_end(); does nothing without $NOTIFY_SOCKET.
 * Source: sd_notify(3), sd_watchdog_enabled(3): datagrams of lines to a Unix socket.
 */
#ifndef GATE_PARENT_NOTIFY_H
#define GATE_PARENT_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct notify {
    int fd;                     /* -1: nobody wants to know */
    char *socket, *watchdog;    /* as they stood in the environment: a successor needs them */
    int64_t watchdog_ms;        /* how often to say that we live; 0: never */
};

/* Takes what concerns us out of the environment: what we start is not asked. */
void notify_begin(struct notify *n);
void notify_end(struct notify *n);

void notify_ready(const struct notify *n, const char *status);
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
void notify_alive(const struct notify *n);
void notify_successor(const struct notify *n, pid_t pid);       /* the main process is another */

/* Puts it back for a successor, and away again. */
void notify_export(const struct notify *n, bool there);

#endif
