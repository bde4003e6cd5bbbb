/*
 * TLS secrets while an unlock is in force: STATE/unlock/keys-YYYYMMDD.log, mode 0600, in the
 * format of SSLKEYLOGFILE; an unlock with packets also has a capture.  What comes without an unlock
 * that covers it is dropped and counted.
 * Life:   keylog_init() -> keylog_unlock() and keylog_take()* -> keylog_deinit()
 * Time:   told.
 */
#ifndef GATE_SCRIBE_KEYLOG_H
#define GATE_SCRIBE_KEYLOG_H

#include "gate/scribe/capture.h"
#include "gate/wire/unlock.h"

struct keylog {
    char *folder;
    struct gate_unlock unlock;
    int fd;
    char date[16];              /* of the open file */
    struct capture capture;
    uint64_t written, dropped;  /* since the unlock began */
};

MW_MUST_CHECK int keylog_init(struct keylog *k, const char *state_folder);
void keylog_deinit(struct keylog *k);

/* Another one replaces it; until 0: none. */
void keylog_unlock(struct keylog *k, const struct gate_unlock *u);

/* 0: written; 1: dropped, for nothing allows it; < 0: it could not be written. */
MW_MUST_CHECK int keylog_take(struct keylog *k, const struct gate_keylog *line,
                              struct mw_wall now);

/* The same of a packet. */
MW_MUST_CHECK int keylog_packet(struct keylog *k, const struct gate_packet *p,
                                struct mw_wall now);

/* "7 lines and 40 packets were written, 3 packets were dropped". */
void keylog_tell(const struct keylog *k, struct buf *out);

/* true once: the time is over. */
bool keylog_tick(struct keylog *k, struct mw_wall now);

#endif
