#include "trust/roots.h"

#include <errno.h>
#include <midwatch/trust.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

extern const unsigned char data_public_roots[];
extern const size_t data_public_roots_len;
extern const unsigned char data_root_limits[];
extern const size_t data_root_limits_len;

static int fingerprint_read(struct mw_span hex, uint8_t out[32])
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(32);

    if (text_unhex(&b, hex) != 0 || buf_error(&b) == -EMSGSIZE || b.len != 32)
        return b.error == -ENOMEM ? -ENOMEM : MW_E_SYNTAX;
    memcpy(out, b.data, 32);
    return 0;
}

static const char *copy_field(struct arena *arena, struct mw_span *rest)
{
    struct mw_span field = { 0 }, copy;

    span_field(rest, '\t', &field);
    return arena_copy(arena, field, &copy) == 0 ? (const char *)copy.data : NULL;
}

static bool is_record(struct mw_span line)
{
    return line.len > 0 && line.data[0] != '#';
}

static size_t records_count(struct mw_span text)
{
    struct mw_span line;
    size_t n = 0;

    while (span_line(&text, &line))
        n += is_record(line);
    return n;
}

/* fingerprint TAB name */
static int root_read(struct arena *arena, struct mw_span line, struct root *out)
{
    struct mw_span hex = { 0 };
    int error;

    span_field(&line, '\t', &hex);
    error = fingerprint_read(hex, out->sha256);
    if (error != 0)
        return error;
    out->name = copy_field(arena, &line);
    return out->name != NULL ? 0 : -ENOMEM;
}

/* fingerprint TAB kind TAB value TAB who TAB why TAB source */
static int limit_read(struct arena *arena, struct mw_span line, struct root_limit *out)
{
    struct mw_span hex = { 0 }, kind = { 0 }, value = { 0 };
    int error;

    span_field(&line, '\t', &hex);
    span_field(&line, '\t', &kind);
    error = fingerprint_read(hex, out->sha256);
    if (error != 0)
        return error;
    if (span_eq(kind, SPAN_LIT("distrusted"))) {
        out->kind = ROOT_DISTRUSTED;
        span_field(&line, '\t', &value);
    } else if (span_eq(kind, SPAN_LIT("not-after"))) {
        out->kind = ROOT_NOT_AFTER;
        span_field(&line, '\t', &value);
        if (wall_parse(value, &out->after) != 0)
            return MW_E_SYNTAX;
    } else if (span_eq(kind, SPAN_LIT("only-names"))) {
        out->kind = ROOT_ONLY_NAMES;
        out->names = copy_field(arena, &line);
        if (out->names == NULL)
            return -ENOMEM;
    } else {
        return MW_E_SYNTAX;
    }
    out->who = copy_field(arena, &line);
    out->why = copy_field(arena, &line);
    return out->who != NULL && out->why != NULL ? 0 : -ENOMEM;
}

/* Both kinds of record start with the fingerprint. */
static int fingerprint_cmp(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

int roots_load(struct roots *out, struct arena *arena)
{
    struct mw_span roots = span_of(data_public_roots, data_public_roots_len);
    struct mw_span limits = span_of(data_root_limits, data_root_limits_len), line;
    struct roots r = { 0 };
    int error;

    r.items = arena_calloc(arena, records_count(roots) + 1, sizeof *r.items);
    r.limits = arena_calloc(arena, records_count(limits) + 1, sizeof *r.limits);
    if (r.items == NULL || r.limits == NULL)
        return -ENOMEM;
    while (span_line(&roots, &line))
        if (is_record(line)) {
            error = root_read(arena, line, &r.items[r.n++]);
            if (error != 0)
                return error;
        }
    while (span_line(&limits, &line))
        if (is_record(line)) {
            error = limit_read(arena, line, &r.limits[r.n_limits++]);
            if (error != 0)
                return error;
        }
    qsort(r.items, r.n, sizeof *r.items, fingerprint_cmp);
    qsort(r.limits, r.n_limits, sizeof *r.limits, fingerprint_cmp);
    *out = r;
    return 0;
}

const struct root *roots_find(const struct roots *r, const uint8_t sha256[32])
{
    if (r->n == 0)
        return NULL;
    return bsearch(sha256, r->items, r->n, sizeof *r->items, fingerprint_cmp);
}

const struct root_limit *roots_limits(const struct roots *r, const uint8_t sha256[32], size_t *n)
{
    size_t first = 0;

    *n = 0;
    while (first < r->n_limits && memcmp(r->limits[first].sha256, sha256, 32) < 0)
        first++;
    while (first + *n < r->n_limits && memcmp(r->limits[first + *n].sha256, sha256, 32) == 0)
        ++*n;
    return &r->limits[first];
}
