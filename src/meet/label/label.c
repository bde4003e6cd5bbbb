/* Hashing and key derivation with a label (RFC 9420 5.2, 8, 9.1): nothing is copied together, the
 * pieces are hashed one after the other. */
#include "meet/label/label.h"

#include "meet/wire/vector.h"

#define VERSION "MLS 1.0 "

enum { PREFIX = sizeof(VERSION) - 1, VECTOR_MAX = (1 << 30) - 1 };

static bool too_long(struct mw_span a, struct mw_span b)
{
    return a.len > VECTOR_MAX - PREFIX || b.len > VECTOR_MAX;
}

int label_ref_whole(struct suited s, struct mw_span label, struct mw_span value, uint8_t *out)
{
    uint8_t first[4], second[4];
    const struct mw_span parts[] = {
        { first, vector_header_put(first, label.len) },
        label,
        { second, vector_header_put(second, value.len) },
        value,
    };

    if (too_long(label, value)) {
        secret_clear(out, s.suite->nh);
        return CRYPT_E_LENGTH;
    }
    return crypt_digest(s.crypto, s.suite->hash, parts, ARRAY_LEN(parts), out);
}

int label_ref(struct suited s, const char *label, struct mw_span value, uint8_t *out)
{
    struct mw_span name = span_str(label);
    uint8_t first[4], second[4];
    const struct mw_span parts[] = {
        { first, vector_header_put(first, PREFIX + name.len) },
        SPAN_LIT(VERSION),
        name,
        { second, vector_header_put(second, value.len) },
        value,
    };

    if (too_long(name, value)) {
        secret_clear(out, s.suite->nh);
        return CRYPT_E_LENGTH;
    }
    return crypt_digest(s.crypto, s.suite->hash, parts, ARRAY_LEN(parts), out);
}

/* KDFLabel: uint16 length, label<V>, context<V>. */
int label_expand(struct suited s, struct mw_span secret, const char *label,
                 struct mw_span context, uint8_t *out, size_t len)
{
    struct mw_span name = span_str(label);
    uint8_t first[2 + 4], second[4];
    const struct mw_span parts[] = {
        { first, 2 + vector_header_put(first + 2, PREFIX + name.len) },
        SPAN_LIT(VERSION),
        name,
        { second, vector_header_put(second, context.len) },
        context,
    };

    first[0] = (uint8_t)(len >> 8);
    first[1] = (uint8_t)len;
    if (len > UINT16_MAX || too_long(name, context)) {
        secret_clear(out, len);
        return CRYPT_E_LENGTH;
    }
    return crypt_expand(s.crypto, s.suite->hash, secret, parts, ARRAY_LEN(parts), out, len);
}

int label_derive(struct suited s, struct mw_span secret, const char *label, struct secret *out)
{
    const struct mw_span none = { NULL, 0 };
    uint8_t derived[CRYPT_HASH_MAX];    /* secret may be what *out holds */
    int r = label_expand(s, secret, label, none, derived, s.suite->nh);

    secret_wipe(out);
    if (r == 0)
        r = secret_set(out, span_of(derived, s.suite->nh));
    secret_clear(derived, sizeof(derived));
    return r;
}

int label_tree_secret(struct suited s, struct mw_span secret, const char *label,
                      uint32_t generation, uint8_t *out, size_t len)
{
    const uint8_t context[4] = { (uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
                                 (uint8_t)(generation >> 8), (uint8_t)generation };

    return label_expand(s, secret, label, span_of(context, sizeof(context)), out, len);
}
