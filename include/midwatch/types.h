/*
 * The few types that every header of Midwatch speaks in.
 */
#ifndef MIDWATCH_TYPES_H
#define MIDWATCH_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_API        __attribute__((visibility("default")))
#define MW_MUST_CHECK __attribute__((warn_unused_result))

/* Bytes that belong to somebody else.  {NULL, 0} is "none". */
struct mw_span {
    const uint8_t *data;
    size_t len;
};

/* A time to judge by: whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
 * Certificates know nothing finer; a reading with a fraction is rounded down. */
struct mw_wall {
    int64_t s;
};

#ifdef __cplusplus
}
#endif

#endif
