#include "check/target.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"

enum { MAX_HOST = 1024 };       /* the engine says what is a name; this only bounds it */

static const struct {
    const char *word;
    uint16_t port;
} starttls_words[] = {
    [PROBE_TLS_DIRECT] = { NULL, 443 },
    [PROBE_STARTTLS_SMTP] = { "smtp", 25 },
    [PROBE_STARTTLS_IMAP] = { "imap", 143 },
    [PROBE_STARTTLS_POP3] = { "pop3", 110 },
    [PROBE_STARTTLS_FTP] = { "ftp", 21 },
    [PROBE_STARTTLS_XMPP] = { "xmpp", 5222 },
    [PROBE_STARTTLS_LDAP] = { "ldap", 389 },
    [PROBE_STARTTLS_POSTGRES] = { "postgres", 5432 },
    [PROBE_STARTTLS_MYSQL] = { "mysql", 3306 },
};

static const struct {
    const char *scheme;
    uint16_t port;
    enum probe_starttls starttls;
} schemes[] = {
    { "https", 443, PROBE_TLS_DIRECT },
    { "wss", 443, PROBE_TLS_DIRECT },
    { "tls", 443, PROBE_TLS_DIRECT },
    { "smtps", 465, PROBE_TLS_DIRECT },
    { "submissions", 465, PROBE_TLS_DIRECT },
    { "imaps", 993, PROBE_TLS_DIRECT },
    { "pop3s", 995, PROBE_TLS_DIRECT },
    { "ldaps", 636, PROBE_TLS_DIRECT },
    { "ftps", 990, PROBE_TLS_DIRECT },
    { "smtp", 25, PROBE_STARTTLS_SMTP },
    { "imap", 143, PROBE_STARTTLS_IMAP },
    { "pop3", 110, PROBE_STARTTLS_POP3 },
    { "ftp", 21, PROBE_STARTTLS_FTP },
    { "xmpp", 5222, PROBE_STARTTLS_XMPP },
    { "ldap", 389, PROBE_STARTTLS_LDAP },
    { "postgres", 5432, PROBE_STARTTLS_POSTGRES },
    { "postgresql", 5432, PROBE_STARTTLS_POSTGRES },
    { "mysql", 3306, PROBE_STARTTLS_MYSQL },
};

int starttls_parse(const char *word, enum probe_starttls *out)
{
    for (size_t i = 0; i < ARRAY_LEN(starttls_words); i++) {
        if (starttls_words[i].word == NULL || strcmp(starttls_words[i].word, word) != 0)
            continue;
        *out = (enum probe_starttls)i;
        return 0;
    }
    return -EINVAL;
}

const char *starttls_word(enum probe_starttls s)
{
    return starttls_words[s].word;
}

uint16_t starttls_port(enum probe_starttls s)
{
    return starttls_words[s].port;
}

static int target_fail(struct buf *error, struct mw_span text, const char *why)
{
    buf_str(error, "\"");
    text_safe(error, text, 80);
    buf_printf(error, "\" %s", why);
    return 1;
}

/* Where `needle` starts in `s`; s.len when it does not. */
static size_t span_find(struct mw_span s, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = 0; len <= s.len && i + len <= s.len; i++)
        if (memcmp(s.data + i, needle, len) == 0)
            return i;
    return s.len;
}

/* Takes "scheme://user@" off the front and "/path" off the end. */
static int url_strip(struct mw_span *rest, struct target *t, struct mw_span text,
                     struct buf *error)
{
    size_t colon = span_find(*rest, "://"), end = 0, at;
    struct mw_span scheme = span_cut(*rest, 0, colon);

    if (colon == rest->len)
        return 0;
    for (size_t i = 0;; i++) {
        if (i == ARRAY_LEN(schemes))
            return target_fail(error, text,
                               span_eq_nocase(scheme, SPAN_LIT("http"))
                                   ? "is plain HTTP, which anybody on the way can read; there is "
                                     "no TLS to check (try https://)"
                                   : "has a scheme that is not known; give HOST:PORT instead");
        if (!span_eq_nocase(scheme, span_str(schemes[i].scheme)))
            continue;
        t->port = schemes[i].port;
        if (schemes[i].starttls != PROBE_TLS_DIRECT)
            t->starttls = schemes[i].starttls;
        break;
    }
    *rest = span_cut(*rest, colon + 3, rest->len);
    while (end < rest->len && strchr("/?#", rest->data[end]) == NULL)
        end++;
    *rest = span_cut(*rest, 0, end);
    at = span_find(*rest, "@");
    if (at < rest->len)
        *rest = span_cut(*rest, at + 1, rest->len);
    return 0;
}

/* Cuts ":PORT" off.  A bare IPv6 address has colons, but no port. */
static int port_cut(struct mw_span *rest, struct target *t, struct mw_span text,
                    struct buf *error)
{
    struct mw_span port = { 0 };
    int64_t number;

    if (rest->len > 0 && rest->data[0] == '[') {
        size_t close = span_find(*rest, "]");

        if (close == rest->len)
            return target_fail(error, text, "opens a bracket and does not close it");
        port = span_cut(*rest, close + 1, rest->len);
        *rest = span_cut(*rest, 1, close - 1);
        if (port.len == 0)
            return 0;
        if (port.data[0] != ':')
            return target_fail(error, text, "has something other than :PORT behind the bracket");
        port = span_cut(port, 1, port.len);
    } else {
        size_t colon = span_find(*rest, ":");

        if (colon == rest->len)
            return 0;
        port = span_cut(*rest, colon + 1, rest->len);
        if (span_find(port, ":") < port.len)
            return 0;
        *rest = span_cut(*rest, 0, colon);
    }
    if (text_number(port, 1, UINT16_MAX, &number) != 0)
        return target_fail(error, text, "has no port between 1 and 65535 behind its colon");
    t->port = (uint16_t)number;
    return 0;
}

int target_parse(struct target *out, struct mw_span text, enum probe_starttls starttls,
                 struct arena *arena, struct buf *error)
{
    struct target t = { .starttls = starttls, .port = starttls_port(starttls) };
    struct mw_span rest = span_trim(text), host;
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * MAX_HOST + 1);
    int rc;

    text = rest;
    rc = url_strip(&rest, &t, text, error);
    if (rc == 0)
        rc = port_cut(&rest, &t, text, error);
    if (rc != 0)
        return rc;
    if (rest.len == 0)
        return target_fail(error, text, "names no host");
    if (rest.len > MAX_HOST)
        return target_fail(error, text, "is too long for a host name");
    for (size_t i = 0; i < rest.len; i++)
        if (rest.data[i] <= ' ' || rest.data[i] == 127 || strchr("/\\?#@", rest.data[i]) != NULL)
            return target_fail(error, text, "is no host name: give HOST, HOST:PORT or a URL");
    text_safe(&safe, text, MAX_HOST);
    if (buf_error(&safe) != 0 || arena_copy(arena, rest, &host) != 0)
        return -ENOMEM;
    t.host = (const char *)host.data;
    t.typed = arena_strdup(arena, (const char *)safe.data);
    if (t.typed == NULL)
        return -ENOMEM;
    *out = t;
    return 0;
}

int target_list_add(struct target_list *list, const struct target *t)
{
    if (list->n == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 16;
        struct target *items = realloc(list->items, room * sizeof *items);

        if (items == NULL)
            return -ENOMEM;
        list->items = items;
        list->room = room;
    }
    list->items[list->n++] = *t;
    return 0;
}

void target_list_deinit(struct target_list *list)
{
    free(list->items);
    *list = (struct target_list){ 0 };
}

int target_list_read(struct target_list *list, struct mw_span text, const char *file,
                     enum probe_starttls starttls, struct arena *arena, struct buf *error)
{
    struct mw_span line, part;
    size_t number = 0;

    while (span_line(&text, &line)) {
        struct target t;
        size_t start = error->len;
        int rc;

        number++;
        if (!span_field(&line, '#', &part))
            continue;
        part = span_trim(part);
        if (part.len == 0)
            continue;
        if (list->n >= TARGETS_MAX) {
            buf_printf(error, "%s:%zu: more than %d targets; split the list", file, number,
                       (int)TARGETS_MAX);
            return 1;
        }
        buf_printf(error, "%s:%zu: ", file, number);
        rc = target_parse(&t, part, starttls, arena, error);
        if (rc == 0)
            rc = target_list_add(list, &t);
        if (rc != 0)
            return rc;
        buf_truncate(error, start);
    }
    return 0;
}
