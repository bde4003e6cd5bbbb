/*
 * What a running lab leaves in its folder, for programs that test against it.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/box.h"
#include "net/echo_message.h"

enum { FILE_MAX = 4 << 20, ERROR_TEXT = 256 };

typedef int content_fn(struct lab *lab, struct buf *out);

static int roots(struct lab *lab, struct buf *out)
{
    return pki_roots_pem(lab->pki, out);
}

static int local_roots(struct lab *lab, struct buf *out)
{
    return pki_local_roots_pem(lab->pki, out);
}

static int ct_logs(struct lab *lab, struct buf *out)
{
    return pki_log_list(lab->pki, out);
}

/* Every name on one line is what a hosts file takes, but lines are easier to remove again. */
static int hosts(struct lab *lab, struct buf *out)
{
    (void)lab;
    buf_str(out, "# Midwatch lab: append to a hosts file to reach the cases by name.\n");
    for (size_t i = 0; i < case_count(); i++) {
        char host[CASE_HOST_TEXT];

        case_server_name(case_at(i), host);
        if (strspn(host, "0123456789.:") < strlen(host))
            buf_printf(out, "127.0.0.1 %s\n", host);
    }
    for (int i = 1; i <= 500; i++)
        buf_printf(out, "127.0.0.1 n%d.fleet.lab.test\n", i);
    return buf_error(out);
}

static int crl_pem(struct buf *out, const struct mill_cert *issuer,
                   const struct mill_revoked *revoked, size_t n, const struct pki *p)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(65536), text = BUF_INIT(131072);
    struct mw_span rest;
    int r = mill_crl(&der, issuer, revoked, n, pki_day(p, -1), pki_day(p, 30));

    if (r < 0)
        return r;
    text_base64(&text, buf_span(&der));
    buf_str(out, "-----BEGIN X509 CRL-----\n");
    for (rest = buf_span(&text); rest.len > 0; rest = span_cut(rest, 64, SIZE_MAX)) {
        buf_add(out, span_cut(rest, 0, 64));
        buf_str(out, "\n");
    }
    buf_str(out, "-----END X509 CRL-----\n");
    return buf_error(out);
}

/* For --crls: the lab's CA has revoked the case "revoked-in-file", the root nobody. */
static int crls(struct lab *lab, struct buf *out)
{
    const struct site *s = lab_site_named(lab, SPAN_LIT("revoked-in-file"));
    struct mill_revoked listed;
    int r;

    if (s == NULL)
        return -EINVAL;
    listed = (struct mill_revoked){ s->leaf, pki_day(lab->pki, -2), 4 };
    r = crl_pem(out, lab->pki->ca, &listed, 1, lab->pki);
    return r == 0 ? crl_pem(out, lab->pki->root, NULL, 0, lab->pki) : r;
}

static int pins(struct lab *lab, struct buf *out)
{
    for (size_t i = 0; i < lab->pki->n_pins; i++) {
        char text[ECHO_PIN_TEXT];

        if (echo_key_text(text, lab->pki->pins[i].key) != 0)
            return -EINVAL;
        buf_printf(out, "%s %s\n", lab->pki->pins[i].name, text);
    }
    return buf_error(out);
}

static void word_put(void *context, const char *name, const char *value)
{
    /* Out of memory leaves the word out, and the dump below would fail too. */
    (void)json_object_set_new(context, name, json_string(value));
}

static int lab_json(struct lab *lab, struct buf *out)
{
    json_t *words = json_object(), *whole;
    char *text = NULL;
    int r = words != NULL ? lab_words(lab, word_put, words) : -ENOMEM;

    whole = json_pack("{s:s, s:i, s:o}", "format", "midwatch.lab/1", "pid", (int)getpid(),
                      "words", words);
    if (whole != NULL)
        text = json_dumps(whole, JSON_INDENT(2));
    if (text != NULL)
        buf_printf(out, "%s\n", text);
    else
        r = r < 0 ? r : -ENOMEM;
    free(text);
    json_decref(whole);
    return r < 0 ? r : buf_error(out);
}

int lab_write(struct lab *lab, char *error)
{
    /* lab.json last: who waits for it finds the others. */
    static const struct {
        const char *name;
        content_fn *content;
    } files[] = {
        { "roots.pem", roots }, { "local-roots.pem", local_roots }, { "ct-logs.json", ct_logs },
        { "hosts", hosts },     { "crls.pem", crls },               { "pins", pins },
        { "lab.json", lab_json },
    };
    int r = file_make_folders(lab->options.folder);

    if (r < 0) {
        snprintf(error, ERROR_TEXT, "lab: %s: %s", lab->options.folder, strerror(-r));
        return r;
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        CLEANUP(buf_deinit) struct buf content = BUF_INIT(FILE_MAX);
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", lab->options.folder, files[i].name) >=
            (int)sizeof(path))
            r = -ENAMETOOLONG;
        if (r == 0)
            r = files[i].content(lab, &content);
        if (r == 0)
            r = file_replace(path, buf_span(&content), 0644);
        if (r < 0) {
            snprintf(error, ERROR_TEXT, "lab: %s/%s: %s", lab->options.folder, files[i].name,
                     strerror(-r));
            return r;
        }
    }
    return 0;
}
