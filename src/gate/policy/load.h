/*
 * A configuration under construction: what settings.c, rule.c and config.c pass each other.
 */
#ifndef GATE_POLICY_LOAD_H
#define GATE_POLICY_LOAD_H

#include "base/config.h"
#include "gate/policy/bundle.h"
#include "gate/policy/findings.h"
#include "gate/policy/users.h"

enum { LOAD_MAX_RULES = 10000, LOAD_MAX_LISTS = 1000 };

/* `list "name" { ... }` */
struct named_list {
    const char *name;
    struct ucl_place at;
    struct names names;
    struct named_list *next;
};

/* What gate_config does not show. */
struct gate_private {
    struct arena arena;         /* all that the config points to */
    unsigned references;
    struct gate_rule *rules;
    bool on_set[MW_CODES];      /* by the admin: holds whatever the severity */
    struct named_list *lists;
    struct users users;
    bool taken_class[GATE_BY_RULE + 1];         /* of the catalogue */
    struct words except, also;
    struct names catalogue;     /* tag: gate_exception_at()'s index */
    const char **catalogue_rules;       /* "catalogue: zoom", by index */
};

/* A file that a setting names, whose bytes belong in the bundle. */
struct load_wanted {
    const char *path;
    struct ucl_place at;
    struct load_wanted *next;
};

/* Rules in the order of one source. */
struct load_rules {
    struct load_rule {
        struct gate_rule rule;
        struct load_rule *next;
    } *first, **end;
    size_t n;
};

struct load {
    struct gate_config *config;
    struct gate_private *own;
    struct arena *arena;        /* own->arena */
    const struct gate_bundle *bundle;   /* NULL: it is being made, files are only noted */
    struct buf *error;
    const char *folder;         /* where relative file names of this source begin; "" here */
    struct load_wanted *wanted;
    struct load_rules *rules;   /* of this source */
    size_t n_rules, n_lists;
    enum tri private_destinations;
    bool listeners_new;         /* the next listener replaces what another source set */
};

/* A file name as it may be opened: relative ones begin at the config file's folder. */
MW_MUST_CHECK int load_path(struct load *l, const struct ucl *node, const char **out);

/* Likewise for a file whose bytes travel in the bundle; *bytes is empty while it is made. */
MW_MUST_CHECK int load_file(struct load *l, const struct ucl *node, const char **path,
                            struct mw_span *bytes);

MW_MUST_CHECK int load_words(struct load *l, const struct ucl *node, struct words *out);

/* A source's tree. */
MW_MUST_CHECK int settings_read(struct load *l, const struct ucl *root);

/* Everything the sources set: bundle_read() throws it away, gate_config_load() goes on. */
MW_MUST_CHECK int load_sources(struct load *l, const struct gate_bundle *b,
                               struct load_rules sources[3]);

/* `catalogue { ... }` and `list "name" { ... }`: config_node_fn. */
MW_MUST_CHECK int catalogue_read(void *context, const struct ucl *node, void *to);
MW_MUST_CHECK int list_read(void *context, const struct ucl *node, void *to);

/* Which of the catalogue is taken. */
MW_MUST_CHECK int catalogue_finish(struct load *l);
bool catalogue_takes(const struct gate_private *own, const struct gate_exception *e);

/* Letters, digits and "_" as in "t13d1516h2_8daaf6152771_e5627efa2ab1"; "*" at the end. */
bool ja4_pattern_is_good(const char *text);

#endif
