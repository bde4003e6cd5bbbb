#include "trust/name.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>

#include "base/own.h"

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 253 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Letters, digits, hyphens, and the underscore that real names carry. */
static bool is_name_char(uint8_t c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_';
}

/* Non-empty labels of at most 63 octets, 253 in all (RFC 1034 3.1). */
static bool is_dns_name(struct mw_span s)
{
    size_t label = 0;

    if (s.len == 0 || s.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!is_name_char(s.data[i]) || ++label > LABEL_MAX) {
            return false;
        }
    }
    return label > 0;
}

/* "0x7f.1", "2130706433", "010.0.0.1": what some resolvers take for an address. */
static bool ends_in_number(struct mw_span s)
{
    size_t from = s.len;
    bool digits = true;

    while (from > 0 && s.data[from - 1] != '.')
        from--;
    for (size_t i = from; i < s.len; i++)
        digits = digits && is_digit(s.data[i]);
    return digits ||
           (s.len - from > 1 && s.data[from] == '0' && lower(s.data[from + 1]) == 'x');
}

static bool address_parse(struct host *out, const char *text)
{
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(text);
    bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';

    if (brackets) {
        text++;
        len -= 2;
    }
    if (len >= sizeof bare)
        return false;
    memcpy(bare, text, len);
    bare[len] = '\0';
    if (!brackets && inet_pton(AF_INET, bare, out->ip) == 1)
        out->ip_len = 4;
    else if (inet_pton(AF_INET6, bare, out->ip) == 1)
        out->ip_len = 16;
    else
        return false;
    out->kind = HOST_IP;
    return inet_ntop(out->ip_len == 4 ? AF_INET : AF_INET6, out->ip, out->text,
                     sizeof out->text) != NULL;
}

static void own_idn2(char **at)
{
    idn2_free(*at);
}

static bool is_ascii(const char *s)
{
    while (*s != '\0' && ((uint8_t)*s & 0x80) == 0)
        s++;
    return *s == '\0';
}

int host_parse(struct host *out, const char *text)
{
    CLEANUP(own_idn2) char *ascii = NULL;
    struct host h = { .kind = HOST_NONE };
    struct mw_span name;

    if (text == NULL)
        return MW_E_NAME;
    if (address_parse(&h, text)) {
        *out = h;
        return 0;
    }
    if (!is_ascii(text)) {
        if (strlen(text) > 4 * NAME_MAX_BYTES ||
            idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
            return MW_E_NAME;
        text = ascii;
    }
    name = span_str(text);
    if (name.len > 1 && name.data[name.len - 1] == '.')
        name.len--;
    if (!is_dns_name(name) || ends_in_number(name))
        return MW_E_NAME;
    h = (struct host){ .kind = HOST_DNS };
    for (size_t i = 0; i < name.len; i++)
        h.text[i] = (char)lower(name.data[i]);
    *out = h;
    return 0;
}

/* Addresses that the internet does not route (RFC 6890).  Those for documentation stand in
 * for public ones, as example.com does. */
static bool address_is_private(const struct host *h)
{
    static const struct {
        uint8_t net[4], bits;
    } v4[] = {
        { { 0, 0, 0, 0 }, 8 },      { { 10, 0, 0, 0 }, 8 },    { { 100, 64, 0, 0 }, 10 },
        { { 127, 0, 0, 0 }, 8 },    { { 169, 254, 0, 0 }, 16 }, { { 172, 16, 0, 0 }, 12 },
        { { 192, 168, 0, 0 }, 16 }, { { 198, 18, 0, 0 }, 15 }, { { 224, 0, 0, 0 }, 3 },
    };
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t zero[15] = { 0 };
    const uint8_t *ip = h->ip;

    if (h->ip_len == 16) {
        if (memcmp(ip, mapped, sizeof mapped) != 0)
            return memcmp(ip, zero, sizeof zero) == 0 || (ip[0] & 0xfe) == 0xfc ||
                   ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0x80) != 0);
        ip += sizeof mapped;
    }
    for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
        uint32_t mask = 0xffffffffu << (32 - v4[i].bits), a = 0, b = 0;

        for (int k = 0; k < 4; k++) {
            a = a << 8 | ip[k];
            b = b << 8 | v4[i].net[k];
        }
        if ((a & mask) == b)
            return true;
    }
    return false;
}

bool host_is_public(const struct host *h)
{
    static const char *const private_trees[] = {
        ".local", ".internal", ".home.arpa", ".lan", ".corp", ".home",
        ".intranet", ".private", ".localhost", ".localdomain",
    };

    if (h->kind == HOST_IP)
        return !address_is_private(h);
    if (h->kind != HOST_DNS || strchr(h->text, '.') == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(private_trees); i++)
        if (span_ends_nocase(span_str(h->text), span_str(private_trees[i])))
            return false;
    return true;
}

const char *host_registrable(const struct host *h)
{
    return h->kind == HOST_DNS ? psl_registrable_domain(psl_builtin(), h->text) : NULL;
}

/* `whole` is `tail` with exactly "www." before it. */
static bool is_www_of(struct mw_span whole, struct mw_span tail)
{
    return whole.len == tail.len + 4 && span_eq_nocase(span_cut(whole, 0, 4), SPAN_LIT("www.")) &&
           span_eq_nocase(span_cut(whole, 4, tail.len), tail);
}

/* Does the pattern cover the name if what lies between its first and last "*" may stand for
 * anything?  Only used to say why a wildcard did not count, so it errs on the generous side. */
static bool loosely_covers(struct mw_span pattern, struct mw_span name)
{
    size_t head = 0, tail = 0;

    while (pattern.data[head] != '*')
        head++;
    while (pattern.data[pattern.len - 1 - tail] != '*')
        tail++;
    return head + tail <= name.len &&
           span_eq_nocase(span_cut(pattern, 0, head), span_cut(name, 0, head)) &&
           span_eq_nocase(span_cut(pattern, pattern.len - tail, tail),
                          span_cut(name, name.len - tail, tail));
}

/* A wildcard must not reach beyond one registrant: nothing directly below a public suffix,
 * the private section included. */
static bool wildcard_too_wide(struct mw_span base)
{
    char text[NAME_MAX_BYTES + 1];

    for (size_t i = 0; i < base.len; i++)
        text[i] = (char)lower(base.data[i]);
    text[base.len] = '\0';
    return memchr(base.data, '.', base.len) == NULL || psl_is_public_suffix(psl_builtin(), text);
}

enum name_match name_match_dns(const struct host *h, struct mw_span pattern)
{
    struct mw_span name = span_str(h->text), base;
    size_t first = 0;

    if (h->kind != HOST_DNS)
        return NAME_DIFFERS;
    if (pattern.len == 0 || memchr(pattern.data, '*', pattern.len) == NULL) {
        if (!is_dns_name(pattern))
            return NAME_DIFFERS;
        if (span_eq_nocase(pattern, name))
            return NAME_MATCHES;
        return is_www_of(pattern, name) || is_www_of(name, pattern) ? NAME_DIFFERS_WWW
                                                                      : NAME_DIFFERS;
    }
    /* RFC 9525 6.3: the whole leftmost label, and only there. */
    base = span_cut(pattern, 2, pattern.len);
    if (pattern.len < 3 || pattern.data[0] != '*' || pattern.data[1] != '.' ||
        !is_dns_name(base) || wildcard_too_wide(base))
        return loosely_covers(pattern, name) ? NAME_WILDCARD_REFUSED : NAME_DIFFERS;
    while (first < name.len && name.data[first] != '.')
        first++;
    if (span_eq_nocase(span_cut(name, first + 1, name.len), base))
        return NAME_MATCHES;
    if (name.len > base.len + 1 && name.data[name.len - base.len - 1] == '.' &&
        span_ends_nocase(name, base))
        return NAME_TOO_DEEP;
    return NAME_DIFFERS;
}
