/*
 * The frame of a small command: usage, help, and where its words go.
 */
#ifndef BASE_SUBCOMMAND_H
#define BASE_SUBCOMMAND_H

#include "base/args.h"

struct subcommand {
    const char *name;           /* "midwatch pin" */
    const char *usage;          /* what follows the name, a form a line */
    const char *about;          /* a paragraph or two */
    const struct arg *args;
    size_t n_args;
    const char *footer;         /* examples; NULL none */
};

enum { SUBCOMMAND_USAGE = 2 };     /* exit status: it makes no sense, or we broke */

enum subcommand_next { SUBCOMMAND_GO_ON, SUBCOMMAND_HELPED, SUBCOMMAND_BAD };

/* Reads the arguments into *settings.  `help` points at the bool inside it that --help sets:
 * the help is then printed.  What is wrong goes to standard error. */
enum subcommand_next subcommand_read(const struct subcommand *c, int argc, char **argv,
                                     void *settings, const bool *help, struct arena *arena,
                                     struct config_list *operands);

/* Reads the arguments and, unless --help was all, runs the command with what was read.  Returns
 * its exit status. */
typedef int subcommand_fn(const struct config_list *words, const void *settings,
                          struct arena *arena);
int subcommand_main(const struct subcommand *c, int argc, char **argv, void *settings,
                    const bool *help, subcommand_fn *run);

/* One line on standard error that ends with how to get help; returns the usage status, 2. */
int subcommand_usage(const struct subcommand *c, const char *format, ...) PRINTF_LIKE(2, 3);

/* One line on standard error; returns 2, the status for "we broke, or a file makes no sense". */
int subcommand_fail(const struct subcommand *c, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
