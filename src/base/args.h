/*
 * A command line, read against a table of options.  --help prints the same table, and a config
 * file is read by it too: a setting has one name, one meaning and one place where it is
 * explained.
 *
 *     --name value   --name=value   -n value   -nvalue   -46 (flags together)   -- (operands only)
 *
 * A flag --name that a config file switched on is switched off by --no-name.
 * Memory: strings live in the arena or in argv.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include "base/config.h"

enum { ARG_WHOLE = 1 };    /* `min` of a CONFIG_LIST: commas belong to the value */

struct arg {
    const char *name;      /* without "--"; NULL: a heading for --help, which is `help` */
    char letter;           /* 0: none */
    enum config_kind kind; /* CONFIG_BOOL takes no value; CONFIG_LIST may be repeated and
                            * split by commas */
    size_t offset;         /* of the value in the caller's struct */
    int64_t min, max;      /* CONFIG_NUMBER and CONFIG_SECONDS */
    const char *value;     /* what --help calls the value: "FILE" */
    const char *help;
    bool line_only; /* means nothing in a config file */
};

/* Fills *target from argv[1] on.  Operands (what is no option) go to *operands, a lone "-" is
 * one.  0, -ENOMEM, or > 0 with one line in `error`: what is wrong and what to do.  A list
 * given here replaces the one that stood in *target before. */
MW_MUST_CHECK int args_parse(const struct arg *args, size_t n, int argc, char **argv, void *target,
                             struct arena *arena, struct config_list *operands, struct buf *error);

/* The table as keys for config_read(); *n_keys counts.  NULL: out of memory. */
MW_MUST_CHECK struct config_key *args_config_keys(const struct arg *args, size_t n,
                                                  struct arena *arena, size_t *n_keys);

/* The table as --help prints it, wrapped at `width`. */
void args_help(struct buf *out, const struct arg *args, size_t n, size_t width);

/* "90", "90s", "5min", "12h", "7d", "2w" in seconds.  -EINVAL: anything else. */
MW_MUST_CHECK int args_seconds(struct mw_span text, int64_t *out);

#endif
