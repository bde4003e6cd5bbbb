/*
 * The catalogue of apps that inspection breaks or that their makers want left alone
 * (data/apps.tsv, built in).
 */
#ifndef CHECK_EXEMPT_APPS_H
#define CHECK_EXEMPT_APPS_H

#include "base/arena.h"

/* One domain of an app; every string is borrowed from the built-in text. */
struct exempt_app {
    struct mw_span app, name, domain, class, grade, source, note;
};

struct exempt_apps {
    struct exempt_app *items;
    size_t n;
};

/* Parses a catalogue.  0, -ENOMEM, or > 0 the number of the line that is wrong. */
MW_MUST_CHECK int exempt_apps_parse(struct arena *arena, struct mw_span tsv,
                                    struct exempt_apps *out);

/* The built-in one. */
MW_MUST_CHECK int exempt_apps_builtin(struct arena *arena, struct exempt_apps *out);

#endif
