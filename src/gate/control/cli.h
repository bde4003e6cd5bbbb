/*
 * What the commands that ask a running gate have in common: which gate, and how its answer is
 * read.
 */
#ifndef GATE_CONTROL_CLI_H
#define GATE_CONTROL_CLI_H

#include <jansson.h>

#include "base/layout.h"
#include "base/subcommand.h"

/* The options that all of them take; the first member of each command's settings. */
struct cli {
    const char *state, *config;
    bool json, help;
};

#define CLI_ARGS                                                                                   \
    { "state", 's', CONFIG_STRING, offsetof(struct cli, state), 0, 0, "DIR",                       \
      "the gate's state folder; default: that of its configuration", true },                       \
    { "config", 'c', CONFIG_STRING, offsetof(struct cli, config), 0, 0, "FILE",                    \
      "the gate's configuration, to find its state folder", true },                                \
    { "json", 'j', CONFIG_BOOL, offsetof(struct cli, json), 0, 0, NULL, "the answer as JSON",      \
      true },                                                                                      \
    { "help", 'h', CONFIG_BOOL, offsetof(struct cli, help), 0, 0, NULL, "this text", true }

/* Asks the gate; the question is taken (json_decref).  NULL: standard error says why, which
 * includes what the gate itself answered as an error. */
json_t *cli_ask(const struct subcommand *c, const struct cli *cli, json_t *question);

/* Prints the answer as JSON.  The exit status. */
int cli_print_json(const struct subcommand *c, const json_t *answer);

/* Prints what was laid out.  The exit status. */
int cli_print(const struct subcommand *c, const struct buf *text);

/* "  label     text", wrapped under itself. */
void cli_row(struct layout *l, const char *label, const char *text);

/* A member as text, "" if it is absent; as a number, 0. */
const char *cli_text(const json_t *o, const char *key);
int64_t cli_number(const json_t *o, const char *key);

/* "1,234", "5.6 GB", "3 minutes". */
void cli_count(struct buf *out, int64_t n);
void cli_bytes(struct buf *out, int64_t n);
void cli_time(struct buf *out, int64_t ms);

/* The configuration file that a gate started without --config reads; NULL: there is none. */
const char *cli_default_config(void);

#endif
