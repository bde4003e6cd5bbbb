/*
 * The packet capture of one unlock: STATE/unlock/packets-YYYY-MM-DD-N.pcapng, mode 0600, with the
 * secrets that open it.  It is made with the first secret and takes CAPTURE_MAX_BYTES.
 * Life:   CAPTURE_NONE -> capture_secret() and capture_packet()* -> capture_close()
 * Memory: the folder's name is borrowed for each call.
 */
#ifndef GATE_SCRIBE_CAPTURE_H
#define GATE_SCRIBE_CAPTURE_H

#include "gate/wire/packet.h"

enum { CAPTURE_MAX_BYTES = 64 << 20 };

struct capture {
    int fd;
    bool full;
    uint64_t bytes, packets, dropped;
};

#define CAPTURE_NONE ((struct capture){ .fd = -1 })

/* 0: written; 1: dropped and counted, for it is full (said once, in the log); < 0: it could not be
 * written, and the file ends with the block before. */
MW_MUST_CHECK int capture_secret(struct capture *c, const char *folder, struct mw_span line,
                                 struct mw_wall now);
MW_MUST_CHECK int capture_packet(struct capture *c, const char *folder,
                                 const struct gate_packet *p, struct mw_wall now);

void capture_close(struct capture *c);  /* the counts stay */

#endif
