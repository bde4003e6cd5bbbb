#include "trust/url.h"

#include <errno.h>

#include "trust/der.h"

static bool is_usable(struct mw_span s)
{
    if (s.len > URL_MAX_BYTES || (!span_eq_nocase(span_cut(s, 0, 7), SPAN_LIT("http://")) &&
                                  !span_eq_nocase(span_cut(s, 0, 8), SPAN_LIT("https://"))))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= 0x20 || s.data[i] >= 0x7f)
            return false;
    return true;
}

static size_t keep(struct mw_span *urls, size_t n, const struct san *name)
{
    if (n < URL_MAX && name->kind == SAN_URI && is_usable(name->value))
        urls[n++] = name->value;
    return n;
}

/* AuthorityInfoAccessSyntax ::= SEQUENCE OF { accessMethod, accessLocation } (RFC 5280
 * 4.2.2.1); the method's last arc tells: 1 is OCSP, 2 caIssuers. */
static size_t access_read(const struct cert *c, uint8_t last_arc, struct mw_span *urls)
{
    static const uint8_t oid[] = { 0x2b, 6, 1, 5, 5, 7, 1, 1 };
    const uint8_t method[] = { 0x2b, 6, 1, 5, 5, 7, 48, last_arc };
    const struct cert_extension *e = cert_extension(c, span_of(oid, sizeof oid));
    struct reader r;
    struct san name;
    size_t n = 0;
    bool ok;

    if (e == NULL)
        return 0;
    r = (struct reader){ .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };
    while (read_more(&r)) {
        struct reader d = { .rest = der_expect(&r, DER_SEQUENCE) };
        struct mw_span got = der_expect(&d, DER_OID);

        if (general_name_read(&d, &name) && span_eq(got, span_of(method, sizeof method)))
            n = keep(urls, n, &name);
    }
    return n;
}

/* CRLDistributionPoints ::= SEQUENCE OF { distributionPoint [0] { fullName [0] } … } (RFC 5280
 * 4.2.1.13) */
static size_t points_read(const struct cert *c, struct mw_span *urls)
{
    static const uint8_t oid[] = { 0x55, 0x1d, 0x1f };
    const struct cert_extension *e = cert_extension(c, span_of(oid, sizeof oid));
    struct reader r;
    struct san name;
    size_t n = 0;
    bool ok;

    if (e == NULL)
        return 0;
    r = (struct reader){ .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };
    while (read_more(&r)) {
        struct reader point = { .rest = der_expect(&r, DER_SEQUENCE) };
        struct reader where = { .rest = der_expect(&point, DER_CONTEXT_CONSTRUCTED(0)) };
        struct reader full = { .rest = der_expect(&where, DER_CONTEXT_CONSTRUCTED(0)) };

        while (read_more(&full) && general_name_read(&full, &name))
            n = keep(urls, n, &name);
    }
    return n;
}

int urls_read(struct arena *arena, const struct cert *c, enum url_kind kind,
              const char *const **out, size_t *n)
{
    struct mw_span found[URL_MAX], copy;
    size_t count = kind == URL_CRL ? points_read(c, found)
                                   : access_read(c, kind == URL_OCSP ? 1 : 2, found);
    const char **list = NULL;

    if (count > 0) {
        list = arena_calloc(arena, count, sizeof *list);
        if (list == NULL)
            return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (arena_copy(arena, found[i], &copy) != 0)
            return -ENOMEM;
        list[i] = (const char *)copy.data;
    }
    *out = list;
    *n = count;
    return 0;
}
