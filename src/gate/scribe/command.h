/*
 * What the words after `midwatch gate log` share: which log is meant.
 */
#ifndef GATE_SCRIBE_COMMAND_H
#define GATE_SCRIBE_COMMAND_H

#include <limits.h>

#include "base/subcommand.h"

#define LOG_DEFAULT_CONFIG "/etc/midwatch/gate.conf"

struct log_where {
    const char *state, *config; /* as given; NULL: not */
};

struct log_place {
    char state[PATH_MAX], audit[PATH_MAX];
};

/* --state, else what the configuration says (--config, the default file, or built in).  0, or
 * SUBCOMMAND_USAGE with a line on standard error. */
MW_MUST_CHECK int log_place_find(struct log_place *out, const struct log_where *where,
                                 const struct subcommand *c);

int log_verify_command(int argc, char **argv);
int log_show_command(int argc, char **argv);
int log_unlock_command(int argc, char **argv);

/* show.c: one line as a person reads it.  false: it is none of the log's, or not asked for. */
struct log_filter {
    const char *host, *client;  /* NULL: any */
    int64_t since_ms;           /* 0: any */
    bool notes;                 /* the log's own lines too */
};
MW_MUST_CHECK bool log_line_show(struct buf *out, struct mw_span line,
                                 const struct log_filter *filter);

#endif
