/*
 * What `midwatch gate` without a command takes on its command line, and what of it is
 * configuration.
 */
#ifndef GATE_PARENT_START_H
#define GATE_PARENT_START_H

#include "base/log.h"
#include "base/subcommand.h"

struct start {
    const char *config, *state, *roots, *local_roots, *hosts_file, *ready_file, *log_level;
    struct config_list listen, dns, set;
    int64_t workers;
    bool help;
};

extern const struct subcommand start_subcommand;

/* As config text, which goes before the file's settings. */
void start_text(struct buf *out, const struct start *s);

/* "error", "warning", "info", "debug".  -EINVAL: none of them. */
MW_MUST_CHECK int start_log_level(const char *word, enum log_level *out);

#endif
