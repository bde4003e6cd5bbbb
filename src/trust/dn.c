/*
 * Distinguished names as people read them (RFC 4514).  Straight from DER: a report shows tens
 * of names, and OpenSSL's printer costs more than the rest of the report.
 */
#include <errno.h>
#include <openssl/objects.h>
#include <stdio.h>

#include "base/text.h"
#include "trust/cert.h"
#include "trust/der.h"

enum { DN_MAX_ATTRIBUTES = 64, DN_MAX_VALUE_BYTES = 256 };

enum {
    TAG_UTF8 = 0x0c, TAG_NUMERIC = 0x12, TAG_PRINTABLE = 0x13, TAG_T61 = 0x14, TAG_IA5 = 0x16,
    TAG_VISIBLE = 0x1a, TAG_UNIVERSAL = 0x1c, TAG_BMP = 0x1e,
};

struct attribute {
    struct mw_span oid;
    struct der value;
    bool joined;                /* belongs to the same RDN as the one before */
};

/* RFC 4514 section 3, and two that everybody knows by these names. */
static const struct {
    const char *name;
    uint8_t oid[10];
    uint8_t len;
} known[] = {
    { "CN", { 0x55, 0x04, 0x03 }, 3 },
    { "O", { 0x55, 0x04, 0x0a }, 3 },
    { "OU", { 0x55, 0x04, 0x0b }, 3 },
    { "C", { 0x55, 0x04, 0x06 }, 3 },
    { "L", { 0x55, 0x04, 0x07 }, 3 },
    { "ST", { 0x55, 0x04, 0x08 }, 3 },
    { "STREET", { 0x55, 0x04, 0x09 }, 3 },
    { "serialNumber", { 0x55, 0x04, 0x05 }, 3 },
    { "DC", { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 }, 10 },
    { "UID", { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 }, 10 },
    { "emailAddress", { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 }, 9 },
};

/* Fills list in the order of the DER; returns how many, at most DN_MAX_ATTRIBUTES.  *whole
 * (may be NULL): that was all, and well formed. */
static size_t dn_read(struct mw_span der_name, struct attribute *list, bool *whole)
{
    bool ok, ignored = false;
    struct reader rdns = { .rest = der_unwrap(der_name, DER_SEQUENCE, &ok) };
    size_t n = 0;

    whole = whole != NULL ? whole : &ignored;
    *whole = false;
    while (read_more(&rdns)) {
        struct reader set = { .rest = der_expect(&rdns, DER_SET) };
        bool joined = false;

        while (read_more(&set)) {
            struct reader pair = { .rest = der_expect(&set, DER_SEQUENCE) };
            struct mw_span oid = der_expect(&pair, DER_OID);
            struct der value = der_next(&pair);

            if (!read_done(&pair) || n == DN_MAX_ATTRIBUTES)
                return n;
            list[n++] = (struct attribute){ oid, value, joined };
            joined = true;
        }
        if (set.failed || !joined)
            return n;
    }
    *whole = ok && read_done(&rdns);
    return n;
}

static void utf8_put(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_u8(out, (uint8_t)(0xc0 | c >> 6));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_u8(out, (uint8_t)(0xe0 | c >> 12));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        buf_u8(out, (uint8_t)(0xf0 | (c >> 18 & 0x07)));
        buf_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* The value as UTF-8, not yet made safe.  T61String is read as Latin-1, as everybody does. */
static void value_utf8(struct buf *out, const struct der *value)
{
    struct reader r = { .rest = value->content };

    switch (value->tag) {
    case TAG_BMP:
        while (read_more(&r))
            utf8_put(out, read_u16(&r));
        break;
    case TAG_UNIVERSAL:
        while (read_more(&r))
            utf8_put(out, read_u32(&r));
        break;
    case TAG_T61:
        while (read_more(&r))
            utf8_put(out, read_u8(&r));
        break;
    case TAG_UTF8: case TAG_NUMERIC: case TAG_PRINTABLE: case TAG_IA5: case TAG_VISIBLE:
        buf_add(out, value->content);
        break;
    default:
        buf_str(out, "#");
        text_hex(out, value->whole, 0);
    }
}

/* Escaped as RFC 4514 2.4 asks, and safe to print. */
static void value_format(struct buf *out, const struct der *value, bool escape)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(MW_MAX_CERT_BYTES * 4);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(MW_MAX_CERT_BYTES * 4);

    value_utf8(&raw, value);
    for (size_t i = 0; i < raw.len; i++) {
        char c = (char)raw.data[i];
        bool edge = (i == 0 && (c == '#' || c == ' ')) || (i + 1 == raw.len && c == ' ');

        if (escape && (edge || (c != '\0' && strchr(",+\"\\<>;", c) != NULL)))
            buf_u8(&text, '\\');
        buf_u8(&text, (uint8_t)c);
    }
    if (buf_error(&raw) != 0 || buf_error(&text) != 0) {
        out->error = -ENOMEM;
        return;
    }
    text_safe(out, buf_span(&text), DN_MAX_VALUE_BYTES);
}

static void type_format(struct buf *out, struct mw_span oid)
{
    struct reader r = { .rest = oid };
    uint64_t arc = 0;
    bool first = true;

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(oid, span_of(known[i].oid, known[i].len))) {
            buf_str(out, known[i].name);
            return;
        }
    while (read_more(&r)) {
        uint8_t b = read_u8(&r);

        arc = arc << 7 | (b & 0x7f);
        if ((b & 0x80) != 0)
            continue;
        if (first) {
            uint64_t top = arc < 80 ? arc / 40 : 2;

            buf_printf(out, "%llu.%llu", (unsigned long long)top,
                       (unsigned long long)(arc - top * 40));
        } else {
            buf_printf(out, ".%llu", (unsigned long long)arc);
        }
        first = false;
        arc = 0;
    }
}

void name_format(struct buf *out, struct mw_span der_name)
{
    struct attribute list[DN_MAX_ATTRIBUTES];
    size_t n = dn_read(der_name, list, NULL);

    /* RFC 4514 2.1: the last RDN first, each RDN in its own order. */
    for (size_t end = n; end > 0;) {
        size_t start = end - 1;

        while (start > 0 && list[start].joined)
            start--;
        for (size_t i = start; i < end; i++) {
            if (i > start)
                buf_str(out, "+");
            else if (end < n)
                buf_str(out, ",");
            type_format(out, list[i].oid);
            buf_str(out, "=");
            value_format(out, &list[i].value, true);
        }
        end = start;
    }
}

void name_attribute(struct buf *out, struct mw_span der_name, int nid)
{
    const ASN1_OBJECT *object = OBJ_nid2obj(nid);
    struct attribute list[DN_MAX_ATTRIBUTES];
    size_t n = dn_read(der_name, list, NULL);
    struct mw_span oid;

    if (object == NULL)
        return;
    oid = span_of(OBJ_get0_data(object), OBJ_length(object));
    while (n-- > 0)
        if (span_eq(list[n].oid, oid)) {
            value_format(out, &list[n].value, false);
            return;
        }
}

void name_format_short(struct buf *out, struct mw_span der_name)
{
    static const int order[] = { NID_commonName, NID_organizationName,
                                 NID_organizationalUnitName };
    size_t before = out->len;

    for (size_t i = 0; i < ARRAY_LEN(order) && out->len == before; i++)
        name_attribute(out, der_name, order[i]);
    if (out->len == before)
        name_format(out, der_name);
}

bool name_is_readable(struct mw_span der_name)
{
    struct attribute list[DN_MAX_ATTRIBUTES];
    bool whole;

    dn_read(der_name, list, &whole);
    return whole;
}

bool name_is_empty(struct mw_span der_name)
{
    bool ok;

    return der_unwrap(der_name, DER_SEQUENCE, &ok).len == 0;
}

struct mw_span name_email(struct mw_span der_name, size_t nth)
{
    static const struct mw_span oid = { known[ARRAY_LEN(known) - 1].oid, 9 };
    struct attribute list[DN_MAX_ATTRIBUTES];
    size_t n = dn_read(der_name, list, NULL);

    for (size_t i = 0; i < n; i++)
        if (span_eq(list[i].oid, oid) && nth-- == 0)
            return list[i].value.content;
    return (struct mw_span){ 0 };
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next byte of a folded value: lower case, runs of spaces as one, none at the ends. */
static int fold_next(struct mw_span s, size_t *at)
{
    uint8_t c;

    if (*at == s.len)
        return -1;
    c = s.data[(*at)++];
    if (!is_space(c))
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    while (*at < s.len && is_space(s.data[*at]))
        ++*at;
    return *at == s.len ? -1 : ' ';
}

static bool value_same(const struct der *a, const struct der *b)
{
    CLEANUP(buf_deinit) struct buf x = BUF_INIT(MW_MAX_CERT_BYTES * 4);
    CLEANUP(buf_deinit) struct buf y = BUF_INIT(MW_MAX_CERT_BYTES * 4);
    size_t i = 0, k = 0;
    int c, d;

    if (span_eq(a->whole, b->whole))
        return true;
    value_utf8(&x, a);
    value_utf8(&y, b);
    if (buf_error(&x) != 0 || buf_error(&y) != 0)
        return false;
    while (i < x.len && is_space(x.data[i]))
        i++;
    while (k < y.len && is_space(y.data[k]))
        k++;
    do {
        c = fold_next(buf_span(&x), &i);
        d = fold_next(buf_span(&y), &k);
    } while (c == d && c >= 0);
    return c == d;
}

bool name_within(struct mw_span name, struct mw_span base)
{
    struct attribute have[DN_MAX_ATTRIBUTES], want[DN_MAX_ATTRIBUTES];
    size_t n_have = dn_read(name, have, NULL), n_want = dn_read(base, want, NULL);

    if (n_want > n_have || (n_want < n_have && have[n_want].joined))
        return false;
    for (size_t i = 0; i < n_want; i++)
        if (!span_eq(have[i].oid, want[i].oid) || have[i].joined != want[i].joined ||
            !value_same(&have[i].value, &want[i].value))
            return false;
    return true;
}
