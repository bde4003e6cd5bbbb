/*
 * TLS secrets while an unlock is in force: STATE/unlock/keys-YYYYMMDD.log, mode 0600, in the
 * format of SSLKEYLOGFILE.  What comes without an unlock that covers it is dropped and counted.
 * Life:   keylog_init() -> keylog_unlock() and keylog_take()* -> keylog_deinit()
 * Time:   told.
 */
#ifndef GATE_SCRIBE_KEYLOG_H
#define GATE_SCRIBE_KEYLOG_H

#include "gate/wire/unlock.h"

struct keylog {
    char *folder;
    struct gate_unlock unlock;
    int fd;
    char date[16];              /* of the open file */
    uint64_t written, dropped;  /* since the unlock began */
};

MW_MUST_CHECK int keylog_init(struct keylog *k, const char *state_folder);
void keylog_deinit(struct keylog *k);

/* Another one replaces it; until 0: none. */
void keylog_unlock(struct keylog *k, const struct gate_unlock *u);

/* 0: written; 1: dropped, for nothing allows it; < 0: it could not be written. */
MW_MUST_CHECK int keylog_take(struct keylog *k, const struct gate_keylog *line,
                              struct mw_wall now);

/* true once: the time is over. */
bool keylog_tick(struct keylog *k, struct mw_wall now);

#endif
