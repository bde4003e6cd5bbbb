/*
 * A hosts file: fixed addresses for names, one line each.  hosts(5).
 * Life:   hosts_load() -> hosts_find()* -> hosts_deinit()
 * Bounds: 4 MiB; a longer file is cut with a warning nowhere but here: -EMSGSIZE.
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include "net/addr.h"

struct hosts {
    struct buf text;
};

/* 0 (also if the file is missing), or what reading said. */
MW_MUST_CHECK int hosts_load(struct hosts *h, const char *path);
void hosts_deinit(struct hosts *h);

/* The addresses of `name` (case ignored) in the order they stand there; *line is the first
 * one's, counted from 1.  Returns how many of the room were filled.  family AF_UNSPEC: all. */
size_t hosts_find(const struct hosts *h, const char *name, int family, struct addr *out,
                  size_t room, unsigned *line);

#endif
