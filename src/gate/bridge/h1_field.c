/* Which fields are for one connection only, and what they say (RFC 9110 section 7.6.1). */
#include "gate/bridge/h1.h"

static inline bool is(struct mw_span name, const char *what)
{
    return span_eq_nocase(name, span_str(what));
}

/* Most fields are told apart by their length. */
enum h1_field h1_field_kind(struct mw_span name)
{
    if (name.len > 6 && (name.data[0] | 0x20) == 'p' && is(span_of(name.data, 6), "proxy-"))
        return H1_HOP;
    switch (name.len) {
    case 2:
        return is(name, "te") ? H1_TE : H1_OTHER;
    case 4:
        return is(name, "host") ? H1_HOST : H1_OTHER;
    case 6:
        return is(name, "expect") ? H1_EXPECT : H1_OTHER;
    case 7:
        return is(name, "upgrade") ? H1_UPGRADE : is(name, "trailer") ? H1_TRAILER : H1_OTHER;
    case 10:
        return is(name, "connection") ? H1_CONNECTION : is(name, "keep-alive") ? H1_HOP : H1_OTHER;
    case 13:
        return is(name, "authorization") ? H1_AUTHORIZATION : H1_OTHER;
    case 14:
        return is(name, "content-length") ? H1_CONTENT_LENGTH
               : is(name, "http2-settings") ? H1_HOP
                                            : H1_OTHER;
    case 16:
        return is(name, "www-authenticate") ? H1_CHALLENGE : H1_OTHER;
    case 17:
        return is(name, "transfer-encoding") ? H1_HOP : H1_OTHER;
    default:
        return H1_OTHER;
    }
}

/* For everybody on the way, not for one connection only. */
static bool goes_on(enum h1_field kind)
{
    return kind == H1_OTHER || kind == H1_EXPECT || kind == H1_TRAILER ||
           kind == H1_AUTHORIZATION || kind == H1_CHALLENGE;
}

/* ---------------------------------------------------------------------- options ---- */

struct named {
    struct mw_span names[H1_MAX_NAMED];
    size_t n;
};

static bool read_connection(struct mw_span value, struct h1_options *o, struct named *named)
{
    struct mw_span option;

    while (span_field(&value, ',', &option)) {
        option = span_trim(option);
        if (option.len == 0)
            continue;               /* RFC 9110 section 5.6.1: empty elements are ignored */
        if (span_eq_nocase(option, SPAN_LIT("close"))) {
            o->close = true;
        } else if (span_eq_nocase(option, SPAN_LIT("keep-alive"))) {
            o->keep_alive = true;
        } else if (span_eq_nocase(option, SPAN_LIT("upgrade"))) {
            o->upgrade = true;
        } else {
            enum h1_field kind = h1_field_kind(option);

            /* Section 7.6.1: nobody may name what all recipients must see; and what frames or
             * routes a message is not to be talked away. */
            if (!http_is_token(option) || kind == H1_HOST || kind == H1_CONTENT_LENGTH ||
                named->n == H1_MAX_NAMED)
                return false;
            if (goes_on(kind))
                named->names[named->n++] = option;
        }
    }
    return true;
}

static bool lists(struct mw_span value, struct mw_span word)
{
    struct mw_span item;

    while (span_field(&value, ',', &item)) {
        struct mw_span name = { NULL, 0 };

        (void)span_field(&item, ';', &name);
        if (span_eq_nocase(span_trim(name), word))
            return true;
    }
    return false;
}

static bool is_named(const struct named *named, struct mw_span name)
{
    for (size_t i = 0; i < named->n; i++) {
        if (span_eq_nocase(named->names[i], name))
            return true;
    }
    return false;
}

/* Each request says by itself who asks (RFC 7617, 6750, 7616); NTLM and Negotiate (RFC 4559) say
 * it once for a connection, and of what is not known that is assumed. */
static bool is_bound(struct mw_span credentials)
{
    static const char *const unbound[] = { "basic", "bearer", "digest" };
    struct mw_span scheme = { NULL, 0 };

    (void)span_field(&credentials, ' ', &scheme);
    for (size_t i = 0; i < ARRAY_LEN(unbound); i++)
        if (is(scheme, unbound[i]))
            return false;
    return true;
}

static bool read_option(const struct http_field *f, enum h1_field kind, struct h1_options *o,
                        struct named *named)
{
    switch (kind) {
    case H1_CONNECTION:
        return read_connection(f->value, o, named);
    case H1_UPGRADE:
        o->websocket = o->websocket || lists(f->value, SPAN_LIT("websocket"));
        return true;
    case H1_TE:
        o->trailers = o->trailers || lists(f->value, SPAN_LIT("trailers"));
        return true;
    case H1_EXPECT:
        o->expects = true;
        return true;
    case H1_TRAILER:
        o->trailer_named = true;
        return true;
    case H1_AUTHORIZATION:
        o->bound = o->bound || is_bound(f->value);
        return true;
    case H1_CHALLENGE:
        o->bound = true;
        return true;
    default:
        return true;
    }
}

bool h1_fields_filter(struct http_head *head, struct h1_options *options, struct mw_span *host)
{
    uint8_t kinds[HTTP_MAX_FIELDS];
    struct named named;
    size_t hosts = 0, n = 0;

    named.n = 0;
    *options = (struct h1_options){ 0 };
    *host = (struct mw_span){ NULL, 0 };
    for (size_t i = 0; i < head->n_fields; i++) {
        enum h1_field kind = h1_field_kind(head->fields[i].name);

        kinds[i] = (uint8_t)kind;
        if (kind == H1_HOST) {
            *host = head->fields[i].value;
            hosts++;
        } else if (kind != H1_OTHER && !read_option(&head->fields[i], kind, options, &named)) {
            return false;
        }
    }
    for (size_t i = 0; i < head->n_fields; i++) {
        enum h1_field kind = kinds[i];

        if (goes_on(kind) || kind == H1_CONTENT_LENGTH) {
            if (named.n == 0 || !is_named(&named, head->fields[i].name))
                head->fields[n++] = head->fields[i];
        }
    }
    head->n_fields = n;
    return hosts <= 1;
}

void h1_fields_drop(struct http_head *head, enum h1_field kind)
{
    size_t n = 0;

    for (size_t i = 0; i < head->n_fields; i++) {
        if (h1_field_kind(head->fields[i].name) != kind)
            head->fields[n++] = head->fields[i];
    }
    head->n_fields = n;
}

/* What frames, routes, authenticates or says how to read the content comes before it or not at
 * all. */
bool h1_trailer_allowed(struct mw_span name)
{
    static const char *const refused[] = {
        "age", "authorization", "cache-control", "content-encoding", "content-range",
        "content-type", "cookie", "date", "expires", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "location", "max-forwards", "pragma",
        "range", "retry-after", "set-cookie", "strict-transport-security", "vary", "warning",
        "www-authenticate",
    };

    if (h1_field_kind(name) != H1_OTHER)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (span_eq_nocase(name, span_str(refused[i])))
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------- authority ---- */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The address in brackets that s begins with, or the name; its length, 0: neither. */
static size_t host_len(struct mw_span s)
{
    size_t i = 0;

    if (s.len > 0 && s.data[0] == '[') {
        for (i = 1; i < s.len && s.data[i] != ']'; i++) {
            if (!is_alnum(s.data[i]) && s.data[i] != ':' && s.data[i] != '.')
                return 0;
        }
        return i > 2 && i < s.len ? i + 1 : 0;
    }
    while (i < s.len && (is_alnum(s.data[i]) || s.data[i] == '-' || s.data[i] == '.' ||
                         s.data[i] == '_'))
        i++;
    return i;
}

bool h1_authority_check(struct mw_span *authority)
{
    size_t i = host_len(*authority);
    uint32_t port = 0;

    if (i == 0 || i > H1_MAX_HOST)
        return false;
    if (i == authority->len)
        return true;
    if (authority->data[i] != ':' || authority->len - i > 6)
        return false;
    for (size_t at = i + 1; at < authority->len; at++) {
        if (authority->data[at] < '0' || authority->data[at] > '9')
            return false;
        port = port * 10 + (authority->data[at] - '0');
    }
    if (authority->len == i + 1)
        authority->len = i;
    return port <= 65535 && (port > 0 || authority->len == i);
}
