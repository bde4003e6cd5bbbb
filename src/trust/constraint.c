#include "trust/constraint.h"

#include "base/text.h"
#include "trust/der.h"

static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e };

/* NameConstraints ::= SEQUENCE { permittedSubtrees [0], excludedSubtrees [1] } */
struct subtrees {
    struct mw_span permitted, excluded;         /* lists of GeneralSubtree */
    bool present, malformed;
};

static struct subtrees subtrees_find(const struct cert *ca)
{
    const struct cert_extension *e =
        cert_extension(ca, span_of(oid_name_constraints, sizeof oid_name_constraints));
    struct subtrees t = { 0 };
    struct reader r;
    bool ok;

    if (e == NULL)
        return t;
    t.present = true;
    r = (struct reader){ .rest = der_unwrap(e->value, DER_SEQUENCE, &ok) };
    t.malformed = !ok || r.rest.len == 0;       /* "MUST NOT be an empty sequence" */
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0))) {
        t.permitted = der_expect(&r, DER_CONTEXT_CONSTRUCTED(0));
        t.malformed = t.malformed || t.permitted.len == 0;
    }
    if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(1))) {
        t.excluded = der_expect(&r, DER_CONTEXT_CONSTRUCTED(1));
        t.malformed = t.malformed || t.excluded.len == 0;
    }
    t.malformed = t.malformed || !read_done(&r);
    return t;
}

/* GeneralSubtree ::= SEQUENCE { base, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }.  RFC 5280
 * allows neither a minimum nor a maximum. */
static bool subtree_next(struct reader *r, struct san *base)
{
    struct reader s = { .rest = der_expect(r, DER_SEQUENCE) };

    if (!general_name_read(&s, base) || !read_done(&s)) {
        read_fail(r);
        return false;
    }
    return !r->failed;
}

/* Non-empty labels of letters, digits, hyphen and underscore, 253 octets in all (RFC 1034
 * 3.1). */
static bool dns_is_valid(struct mw_span s)
{
    size_t label = 0;

    if (s.len > 253)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '.' && label == 0)
            return false;
        if (c != '.' && !((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                          c == '-' || c == '_'))
            return false;
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static size_t count_of(struct mw_span s, uint8_t c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.data[i] == c;
    return n;
}

/* An address mask is ones, then zeros. */
static bool mask_is_valid(struct mw_span base)
{
    bool zeros = false;

    if (base.len != 8 && base.len != 32)
        return false;
    for (size_t i = base.len / 2; i < base.len; i++)
        for (int bit = 7; bit >= 0; bit--) {
            bool one = (base.data[i] >> bit & 1) != 0;

            if (one && zeros)
                return false;
            zeros = zeros || !one;
        }
    return true;
}

static struct mw_span without_dot(struct mw_span s)
{
    return s.len > 0 && s.data[0] == '.' ? span_cut(s, 1, s.len) : s;
}

/* A host, or with a leading dot everything below one. */
static bool host_base_is_valid(struct mw_span s)
{
    return dns_is_valid(without_dot(s));
}

static bool base_is_valid(const struct san *base, bool strict)
{
    const struct mw_span v = base->value;
    const uint8_t *at;

    switch (base->kind) {
    case SAN_DNS:
        return v.len == 0 || dns_is_valid(strict ? v : without_dot(v));
    case SAN_IP:
        return mask_is_valid(v);
    case SAN_EMAIL:
        at = v.len > 0 ? memchr(v.data, '@', v.len) : NULL;
        if (at == NULL)
            return host_base_is_valid(v);
        return at != v.data && count_of(v, '@') == 1 &&
               dns_is_valid(span_cut(v, (size_t)(at - v.data) + 1, v.len));
    case SAN_URI:
        return host_base_is_valid(v);
    case SAN_DIRECTORY:
    case SAN_OTHER:
        break;
    }
    return true;
}

bool constraint_well_formed(const struct cert *ca, bool strict)
{
    struct subtrees t = subtrees_find(ca);
    struct reader lists[] = { { .rest = t.permitted }, { .rest = t.excluded } };
    struct san base;

    if (!t.present)
        return true;
    if (t.malformed)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        while (read_more(&lists[i]))
            if (!subtree_next(&lists[i], &base) || !base_is_valid(&base, strict))
                return false;
    return true;
}

/* `name` ends in `base` at a label's border. */
static bool dns_below(struct mw_span name, struct mw_span base)
{
    return name.len > base.len && name.data[name.len - base.len - 1] == '.' &&
           span_ends_nocase(name, base);
}

static bool host_matches(struct mw_span host, struct mw_span base)
{
    if (base.len > 0 && base.data[0] == '.')
        return dns_below(host, without_dot(base));
    return span_eq_nocase(host, base);
}

/* A wildcard stands for every name it can: all of them must be permitted, none excluded. */
static bool dns_matches(struct mw_span name, struct mw_span base, bool excluding)
{
    bool wildcard = name.len > 2 && name.data[0] == '*' && name.data[1] == '.';
    struct mw_span below;

    if (base.len == 0)
        return true;
    if (wildcard) {
        struct mw_span parent = span_cut(name, 2, name.len);

        if (excluding && base.data[0] != '.' && dns_below(base, parent) &&
            count_of(base, '.') == count_of(parent, '.') + 1)
            return true;
        if (base.data[0] == '.')
            return span_eq_nocase(parent, without_dot(base)) ||
                   dns_below(parent, without_dot(base));
        return span_eq_nocase(parent, base) || dns_below(parent, base);
    }
    below = without_dot(base);
    return (base.data[0] != '.' && span_eq_nocase(name, base)) || dns_below(name, below);
}

static bool ip_matches(struct mw_span name, struct mw_span base)
{
    if (base.len != 2 * name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (((name.data[i] ^ base.data[i]) & base.data[name.len + i]) != 0)
            return false;
    return true;
}

/* The local part exactly, the host without case (RFC 5321 2.4). */
static bool email_matches(struct mw_span name, struct mw_span base)
{
    const uint8_t *at = memchr(name.data, '@', name.len);
    size_t host = at != NULL ? (size_t)(at - name.data) + 1 : 0;

    if (memchr(base.data, '@', base.len) == NULL)
        return host_matches(span_cut(name, host, name.len), base);
    return base.len == name.len &&
           span_eq(span_cut(name, 0, host), span_cut(base, 0, host)) &&
           span_eq_nocase(span_cut(name, host, name.len), span_cut(base, host, base.len));
}

/* The host of "scheme://user@host:port/…"; empty when there is none, or an address. */
static struct mw_span uri_host(struct mw_span uri)
{
    struct mw_span none = { 0 };
    size_t start = 0, end;

    while (start + 2 < uri.len && memcmp(uri.data + start, "://", 3) != 0)
        start++;
    if (start + 2 >= uri.len)
        return none;
    start += 3;
    for (end = start; end < uri.len && strchr("/?#", uri.data[end]) == NULL; end++)
        if (uri.data[end] == '@')
            start = end + 1;
    for (size_t i = start; i < end; i++)
        if (uri.data[i] == ':')
            end = i;
    uri = span_cut(uri, start, end - start);
    for (size_t i = uri.len; i > 0 && uri.data[i - 1] != '.'; i--)
        if (uri.data[i - 1] < '0' || uri.data[i - 1] > '9')
            return dns_is_valid(uri) ? uri : none;
    return none;
}

/* Can this name be compared at all?  A name that cannot is outside of everything. */
static bool name_is_valid(const struct san *name)
{
    struct mw_span v = name->value;
    const uint8_t *at;

    switch (name->kind) {
    case SAN_DNS:
        return dns_is_valid(v.len > 2 && v.data[0] == '*' && v.data[1] == '.'
                                ? span_cut(v, 2, v.len) : v);
    case SAN_EMAIL:
        at = v.len > 0 ? memchr(v.data, '@', v.len) : NULL;
        return at != NULL && at != v.data && count_of(v, '@') == 1 &&
               dns_is_valid(span_cut(v, (size_t)(at - v.data) + 1, v.len));
    case SAN_URI:
        return uri_host(v).len > 0;
    case SAN_IP:
        return v.len == 4 || v.len == 16;
    case SAN_DIRECTORY:
    case SAN_OTHER:
        break;
    }
    return true;
}

static bool name_matches(const struct san *name, const struct san *base, bool excluding)
{
    switch (name->kind) {
    case SAN_DNS:
        return dns_matches(name->value, base->value, excluding);
    case SAN_IP:
        return ip_matches(name->value, base->value);
    case SAN_EMAIL:
        return email_matches(name->value, base->value);
    case SAN_URI:
        return host_matches(uri_host(name->value), base->value);
    case SAN_DIRECTORY:
        return name_within(name->value, base->value);
    case SAN_OTHER:
        break;
    }
    return excluding;
}

/* otherName's type-id, so that constraints on one type leave the others alone. */
static struct mw_span other_type(struct mw_span whole)
{
    struct reader outer = { .rest = whole };
    struct reader inner = { .rest = der_next(&outer).content };

    return der_expect(&inner, DER_OID);
}

static bool same_kind(const struct san *a, const struct san *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind != SAN_OTHER)
        return true;
    if (a->value.data[0] != b->value.data[0])
        return false;
    return a->value.data[0] != DER_CONTEXT_CONSTRUCTED(0) ||
           span_eq(other_type(a->value), other_type(b->value));
}

struct check {
    struct subtrees trees;
    bool name_valid;            /* the name under way: asked once, since it may be long */
    size_t *work_left;
    struct buf *why;
};

static void why_name(struct buf *why, const struct san *name)
{
    static const char *const prefix[] = { "DNS:", "IP:", "email:", "URI:", "directory name ", "" };

    if (why == NULL)
        return;
    buf_str(why, prefix[name->kind]);
    if (name->kind == SAN_DIRECTORY)
        name_format(why, name->value);
    else if (name->kind == SAN_IP || name->kind == SAN_OTHER)
        text_hex(why, span_cut(name->value, 0, 16), 0);
    else
        text_safe(why, name->value, 100);
}

/* What a comparison costs, in those of two ordinary names.  Names may be a megabyte long, and
 * those of directories are decoded before they are compared. */
static size_t cost_of(const struct san *name, const struct san *base)
{
    size_t bytes = name->value.len + base->value.len;

    return 1 + bytes / (name->kind == SAN_DIRECTORY ? 8 : 64);
}

/* false: it ran out. */
static bool work_take(const struct check *k, size_t cost)
{
    if (*k->work_left < cost)
        *k->work_left = 0;
    else
        *k->work_left -= cost;
    return *k->work_left > 0;
}

/* One list.  *constrained: the list has a subtree of the name's kind. */
static enum constraint_result list_check(const struct check *k, struct mw_span list,
                                         bool excluding, const struct san *name,
                                         bool *constrained, bool *matched)
{
    struct reader r = { .rest = list };
    struct san base;

    *constrained = *matched = false;
    while (read_more(&r) && !*matched) {
        if (!work_take(k, 1))
            return CONSTRAINT_TOO_COMPLEX;
        if (!subtree_next(&r, &base))
            break;
        if (!same_kind(name, &base))
            continue;
        if (!work_take(k, cost_of(name, &base)))
            return CONSTRAINT_TOO_COMPLEX;
        *constrained = true;
        if (name->kind == SAN_OTHER)
            return CONSTRAINT_UNSUPPORTED;
        *matched = k->name_valid ? name_matches(name, &base, excluding) : excluding;
    }
    return CONSTRAINT_HOLDS;
}

static enum constraint_result name_check(struct check *k, const struct san *name)
{
    bool constrained, matched;
    enum constraint_result r;

    k->name_valid = name_is_valid(name);
    r = list_check(k, k->trees.excluded, true, name, &constrained, &matched);
    if (r == CONSTRAINT_HOLDS && matched)
        r = CONSTRAINT_VIOLATED;
    if (r == CONSTRAINT_HOLDS) {
        r = list_check(k, k->trees.permitted, false, name, &constrained, &matched);
        if (r == CONSTRAINT_HOLDS && constrained && !matched)
            r = CONSTRAINT_VIOLATED;
    }
    if (r != CONSTRAINT_HOLDS)
        why_name(k->why, name);
    return r;
}

enum constraint_result constraint_check(const struct cert *ca, const struct cert *below,
                                        size_t *work_left, struct buf *why)
{
    struct check k = { .trees = subtrees_find(ca), .work_left = work_left, .why = why };
    enum constraint_result r = CONSTRAINT_HOLDS;
    struct san name = { SAN_DIRECTORY, below->subject };
    bool email_in_san = false;

    if (!k.trees.present)
        return CONSTRAINT_HOLDS;
    if (!name_is_empty(below->subject))
        r = name_check(&k, &name);
    for (size_t i = 0; i < below->n_sans && r == CONSTRAINT_HOLDS; i++) {
        email_in_san = email_in_san || below->sans[i].kind == SAN_EMAIL;
        r = name_check(&k, &below->sans[i]);
    }
    if (email_in_san)
        return r;
    name = (struct san){ SAN_EMAIL, name_email(below->subject, 0) };
    for (size_t i = 1; name.value.len > 0 && r == CONSTRAINT_HOLDS; i++) {
        r = name_check(&k, &name);
        name.value = name_email(below->subject, i);
    }
    return r;
}
