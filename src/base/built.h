/*
 * What the build knows of itself.
 */
#ifndef BASE_BUILT_H
#define BASE_BUILT_H

#include <midwatch/types.h>

const char *built_version(void); /* "0.1.0" */

/* When it was configured ($SOURCE_DATE_EPOCH if that was set): no right clock is before it. */
struct mw_wall built_at(void);

#endif
