#include "lab/list.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/case.h"

enum { STATE_MAX = 65536, WORD_MAX = 1024, ERROR_TEXT = 256 };

static void own_json(json_t **j)
{
    json_decref(*j);
}

/* The words of a running lab, from its lab.json. */
static int words_load(json_t **out, const char *folder, char *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(STATE_MAX);
    CLEANUP(own_json) json_t *state = NULL;
    char path[PATH_MAX];
    json_t *words;
    int r;

    if (snprintf(path, sizeof(path), "%s/lab.json", folder) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    r = file_read(path, &text);
    if (r < 0) {
        snprintf(error, ERROR_TEXT, "lab: %.120s: %s; is a lab running with this --state?",
                 path, strerror(-r));
        return r;
    }
    state = json_loadb((const char *)text.data, text.len, 0, NULL);
    words = json_object_get(state, "words");
    if (!json_is_object(words)) {
        snprintf(error, ERROR_TEXT, "lab: %.150s is not the state of a lab; start it again", path);
        return -EPROTO;
    }
    *out = json_incref(words);
    return 0;
}

static const char *word_value(const json_t *words, struct mw_span name)
{
    char key[64];

    if (name.len >= sizeof(key))
        return NULL;
    memcpy(key, name.data, name.len);
    key[name.len] = '\0';
    return json_string_value(json_object_get(words, key));
}

/* "{dir}/crls.pem" with what {dir} stands for, if that is known. */
static void word_fill(struct buf *out, struct mw_span option, const json_t *words)
{
    while (option.len > 0) {
        const uint8_t *end = option.data[0] == '{' ? memchr(option.data, '}', option.len) : NULL;
        size_t n = end != NULL ? (size_t)(end - option.data) + 1 : 1;
        const char *value =
            end != NULL ? word_value(words, span_cut(option, 1, n - 2)) : NULL;

        if (value != NULL)
            buf_str(out, value);
        else
            buf_add(out, span_cut(option, 0, n));
        option = span_cut(option, n, SIZE_MAX);
    }
}

static json_t *words_list(const char *text, const json_t *words)
{
    struct mw_span rest = span_str(text), one;
    json_t *list = json_array();

    while (list != NULL && span_field(&rest, ' ', &one)) {
        CLEANUP(buf_deinit) struct buf filled = BUF_INIT(WORD_MAX);

        word_fill(&filled, one, words);
        if (buf_error(&filled) < 0 ||
            json_array_append_new(list, json_stringn((const char *)filled.data, filled.len)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static const char *const door_words[DOORS] = {
    [DOOR_TLS] = "tls-port",           [DOOR_HTTP] = "http-port",
    [DOOR_PROXY] = "proxy-port",       [DOOR_INTERCEPT] = "intercept-port",
    [DOOR_SMTP] = "smtp-port",         [DOOR_IMAP] = "imap-port",
    [DOOR_POP3] = "pop3-port",         [DOOR_FTP] = "ftp-port",
    [DOOR_XMPP] = "xmpp-port",         [DOOR_LDAP] = "ldap-port",
    [DOOR_POSTGRES] = "postgres-port", [DOOR_MYSQL] = "mysql-port",
    [DOOR_SMTP_PLAIN] = "smtp-plain-port", [DOOR_CLOSED] = "closed-port",
};

static json_t *case_port(const struct lab_case *c, const json_t *words)
{
    const char *port = json_string_value(json_object_get(words, door_words[c->door]));

    return port != NULL ? json_integer(strtol(port, NULL, 10)) : json_null();
}

static json_t *case_json(const struct lab_case *c, const json_t *words)
{
    char host[CASE_HOST_TEXT];

    case_host(c, host);
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:{s:s, s:o, s:o}, s:o}", "name", c->name,
                     "host", host, "port", case_port(c, words), "wrong", c->wrong, "group",
                     c->group, "expect", "verdict", c->verdict, "findings",
                     words_list(c->must, NULL), "not", words_list(c->not_, NULL), "options",
                     words_list(c->options, words));
}

int list_json(struct buf *out, const char *folder, char *error)
{
    CLEANUP(own_json) json_t *words = NULL;
    CLEANUP(own_json) json_t *list = json_array();
    char *text;
    int r = folder != NULL ? words_load(&words, folder, error) : 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < case_count(); i++)
        if (json_array_append_new(list, case_json(case_at(i), words)) < 0)
            r = -ENOMEM;
    text = r == 0 ? json_dumps(list, JSON_INDENT(2)) : NULL;
    if (text == NULL) {
        snprintf(error, ERROR_TEXT, "lab: out of memory");
        return -ENOMEM;
    }
    buf_str(out, text);
    buf_str(out, "\n");
    free(text);
    return buf_error(out);
}

int list_text(struct buf *out)
{
    const char *group = "";

    for (size_t i = 0; i < case_count(); i++) {
        const struct lab_case *c = case_at(i);
        char host[CASE_HOST_TEXT];

        case_host(c, host);
        if (strcmp(c->group, group) != 0)
            buf_printf(out, "%s%s\n", i > 0 ? "\n" : "", c->group);
        group = c->group;
        buf_printf(out, "  %-26s %-11s %s\n", c->name, c->verdict, c->wrong);
    }
    return buf_error(out);
}
