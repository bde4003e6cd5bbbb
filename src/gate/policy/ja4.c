#include "gate/policy/ja4.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"

enum { EXT_SERVER_NAME = 0, EXT_ALPN = 16, HASH_TEXT = 12, MOST_SHOWN = 99 };

static const char hex[] = "0123456789abcdef";

struct values {
    uint16_t v[HELLO_MAX_SUITES];
    size_t n;
};

static int value_cmp(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The list without GREASE, in its order. */
static void values_take(struct values *out, struct mw_span list)
{
    out->n = 0;
    for (size_t i = 0; i < list.len / 2 && out->n < ARRAY_LEN(out->v); i++)
        if (!hello_is_grease(hello_item(list, i)))
            out->v[out->n++] = hello_item(list, i);
}

static void extensions_take(struct values *out, const struct hello *h)
{
    struct reader r = { .rest = h->extensions };

    out->n = 0;
    while (read_more(&r) && out->n < ARRAY_LEN(out->v)) {
        uint16_t type = read_u16(&r);

        (void)read_vec16(&r);
        if (!r.failed && !hello_is_grease(type))
            out->v[out->n++] = type;
    }
}

/* What is hashed: both lists in hex, at most. */
struct hashed {
    char text[(2 * HELLO_MAX_SUITES) * 5 + 1];
    size_t len;
};

static void add_values(struct hashed *h, char before, const struct values *values)
{
    for (size_t i = 0; i < values->n; i++) {
        unsigned v = values->v[i];

        if (i > 0 || before != '\0')
            h->text[h->len++] = i > 0 ? ',' : before;
        for (int shift = 12; shift >= 0; shift -= 4)
            h->text[h->len++] = hex[v >> shift & 15];
    }
}

/* Twelve digits of the hash over both lists; zeros if the first is empty.  false: no memory. */
static bool hash_text(char out[HASH_TEXT + 1], const struct values *values,
                      const struct values *more)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct hashed h;

    snprintf(out, HASH_TEXT + 1, "000000000000");
    if (values->n == 0)
        return true;
    h.len = 0;
    add_values(&h, '\0', values);
    add_values(&h, '_', more);
    if (EVP_Digest(h.text, h.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (size_t i = 0; i < HASH_TEXT; i++)
        out[i] = hex[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    return true;
}

static const char *version_text(uint16_t version)
{
    static const char *const names[] = { "s3", "10", "11", "12", "13" };

    return version >> 8 == 3 && (version & 0xff) < ARRAY_LEN(names) ? names[version & 0xff] : "00";
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol; of its hex form if one is not printable so. */
static void alpn_text(char out[3], const struct hello *h)
{
    struct reader r = { .rest = h->alpn };
    struct mw_span name = read_vec8(&r);
    uint8_t first, last;

    snprintf(out, 3, "00");
    if (name.len == 0)
        return;
    first = name.data[0];
    last = name.data[name.len - 1];
    if (is_alphanumeric(first) && is_alphanumeric(last)) {
        out[0] = (char)first;
        out[1] = (char)last;
    } else {
        out[0] = hex[first >> 4];
        out[1] = hex[last & 15];
    }
}

static bool take_out(struct values *values, uint16_t value)
{
    size_t kept = 0, before = values->n;

    for (size_t i = 0; i < values->n; i++)
        if (values->v[i] != value)
            values->v[kept++] = values->v[i];
    values->n = kept;
    return kept < before;
}

static int shown_count(size_t n)
{
    return n > MOST_SHOWN ? MOST_SHOWN : (int)n;
}

void ja4_text(const struct hello *h, char transport, char out[JA4_TEXT])
{
    char suites_hash[HASH_TEXT + 1], extensions_hash[HASH_TEXT + 1], alpn[3];
    struct values suites, extensions, schemes;
    const struct values none = { .n = 0 };
    size_t n_extensions;
    bool has_name, ok;

    values_take(&suites, h->suites);
    values_take(&schemes, h->signature_schemes);        /* in the client's order */
    extensions_take(&extensions, h);
    n_extensions = extensions.n;
    has_name = take_out(&extensions, EXT_SERVER_NAME);
    take_out(&extensions, EXT_ALPN);
    qsort(suites.v, suites.n, sizeof suites.v[0], value_cmp);
    qsort(extensions.v, extensions.n, sizeof extensions.v[0], value_cmp);
    ok = hash_text(suites_hash, &suites, &none) &&
         hash_text(extensions_hash, &extensions, &schemes);
    alpn_text(alpn, h);
    if (ok)
        snprintf(out, JA4_TEXT, "%c%s%c%02d%02d%s_%s_%s", transport,
                 version_text(h->highest_version), has_name ? 'd' : 'i', shown_count(suites.n),
                 shown_count(n_extensions), alpn, suites_hash, extensions_hash);
    else
        out[0] = '\0';
}
