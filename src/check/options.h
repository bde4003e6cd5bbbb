/*
 * The settings of `midwatch check`: from the config files, the environment and the command
 * line, each over the one before.
 * Life:   options_read() -> reads -> options_deinit()
 * Memory: strings live in options->arena, argv or the environment.
 */
#ifndef CHECK_OPTIONS_H
#define CHECK_OPTIONS_H

#include "base/args.h"
#include "base/layout.h"
#include "check/target.h"

/* Filled through the table in options.c. */
struct check_settings {
    bool help;
    /* the connection */
    bool ipv4, ipv6, no_proxy;
    const char *sni, *alpn, *proxy, *starttls, *connect_to;
    int64_t timeout_s, parallel;
    struct config_list dns;
    /* the judgement */
    const char *chain, *roots, *local_roots, *crls, *ct_logs, *interceptors, *at, *echo;
    bool no_network_evidence, ocsp;
    struct config_list controls, time_servers, pins;
    const char *portal, *hosts_file;
    /* the report */
    bool certs, pem, json, quiet, verbose, exit_class;
    const char *html, *junit, *color;
    /* what to do about it */
    bool ask, unattended;
    const char *reason;
    int64_t for_s;
    const char *state, *config;
};

struct check_options {
    struct check_settings set;
    enum colour colour;         /* parsed from the words above */
    enum probe_starttls starttls;
    bool at_set;
    struct mw_wall at;
    struct target_list targets;
    struct arena arena;
};

/* The table, for other commands that check hosts too. */
extern const struct arg check_args[];
extern const size_t n_check_args;

/* Defaults, then the config files, then argv.  read_stdin: a "-" among the operands reads a
 * list there.  0; < 0 -errno; > 0 an enum check_exit and one line in `error`. */
MW_MUST_CHECK int options_read(struct check_options *o, int argc, char **argv,
                               struct buf *error);
void options_deinit(struct check_options *o);

/* An all-zero struct check_settings with the defaults. */
void settings_default(struct check_settings *s);

/* Reads --config's file, or those in their usual places, over what *set holds. */
MW_MUST_CHECK int settings_load(const char *config, const struct arg *args, size_t n_args,
                                void *set, struct arena *arena, struct buf *error);

/* Checks words and combinations, fills the parsed fields and parses the targets. */
MW_MUST_CHECK int options_finish(struct check_options *o, const struct config_list *operands,
                                 struct buf *error);

#endif
