/*
 * The catalogue of apps that inspection breaks or that their makers want left alone
 * (data/exceptions.tsv, built in).
 */
#ifndef CHECK_EXEMPT_APPS_H
#define CHECK_EXEMPT_APPS_H

#include "base/span.h"

/* One domain of an app. */
struct exempt_app {
    struct mw_span app, name, domain, class, grade, source, note;
};

struct exempt_apps {
    const struct exempt_app *items;
    size_t n;
};

struct exempt_apps exempt_apps_builtin(void);

#endif
