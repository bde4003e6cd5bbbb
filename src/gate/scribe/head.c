#include "gate/scribe/head.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/text.h"

#define HEAD_FIRST "midwatch audit head 1"

enum { HEAD_MAX = 8192, SIGNATURE_LINE = 10 + 88 + 1 };

static int head_path(char path[PATH_MAX], const char *folder)
{
    return snprintf(path, PATH_MAX, "%s/head", folder) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

struct head_file *head_find(struct head *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->files[i].name, name) == 0)
            return &h->files[i];
    return NULL;
}

struct head_file *head_put(struct head *h, const char *name)
{
    struct head_file *f = head_find(h, name);

    if (f != NULL || h->n == HEAD_FILES)
        return f;
    f = &h->files[h->n++];
    memset(f, 0, sizeof(*f));
    snprintf(f->name, sizeof(f->name), "%s", name);
    return f;
}

void head_drop(struct head *h, const char *name)
{
    struct head_file *f = head_find(h, name);

    if (f != NULL)
        *f = h->files[--h->n];
}

int head_store(const struct head *h, const char *folder, const struct log_key *s)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(HEAD_MAX);
    uint8_t sig[KEY_SIGNATURE];
    char path[PATH_MAX];
    int r = head_path(path, folder);

    buf_str(&out, HEAD_FIRST "\n");
    buf_printf(&out, "oldest %" PRIu64 "\nnewest %" PRIu64 "\n", h->oldest, h->newest);
    for (size_t i = 0; i < h->n; i++) {
        buf_printf(&out, "file %s %" PRIu64 " ", h->files[i].name, h->files[i].seq);
        text_hex(&out, span_of(h->files[i].hash, LINE_HASH), 0);
        buf_u8(&out, '\n');
    }
    if (r == 0)
        r = buf_error(&out);
    if (r == 0)
        r = log_key_sign(s, buf_span(&out), sig);
    if (r < 0)
        return r;
    buf_str(&out, "signature ");
    text_base64(&out, span_of(sig, sizeof(sig)));
    buf_u8(&out, '\n');
    return buf_error(&out) != 0 ? buf_error(&out) : file_replace(path, buf_span(&out), 0600);
}

static bool take_number(struct mw_span *rest, const char *word, uint64_t *out)
{
    struct mw_span line, key;
    int64_t v;

    if (!span_line(rest, &line) || !span_field(&line, ' ', &key) ||
        !span_eq(key, span_str(word)) || text_number(line, 0, INT64_MAX, &v) != 0)
        return false;
    *out = (uint64_t)v;
    return true;
}

static bool take_file(struct mw_span line, struct head *h)
{
    struct mw_span word, name, seq;
    struct head_file *f;
    uint8_t hash[LINE_HASH];
    char text[LOG_NAME];
    int64_t v;

    if (!span_field(&line, ' ', &word) || !span_eq(word, SPAN_LIT("file")) ||
        !span_field(&line, ' ', &name) || name.len >= LOG_NAME || name.len == 0 ||
        !span_field(&line, ' ', &seq) || text_number(seq, 0, INT64_MAX, &v) != 0 ||
        !hash_unhex(line, hash))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
    f = head_put(h, text);
    if (f == NULL)
        return false;
    f->seq = (uint64_t)v;
    memcpy(f->hash, hash, LINE_HASH);
    return true;
}

/* 0, EINVAL or -ENOMEM. */
static int signature_check(struct mw_span body, struct mw_span last, const struct verifier *v)
{
    CLEANUP(buf_deinit) struct buf sig = BUF_INIT(KEY_SIGNATURE);
    struct mw_span word;
    int r;

    if (!span_field(&last, ' ', &word) || !span_eq(word, SPAN_LIT("signature")) ||
        !span_field(&last, '\n', &word))
        return EINVAL;
    r = text_unbase64(&sig, word);
    if (r == 0 && sig.len == KEY_SIGNATURE)
        r = v == NULL ? 1 : verifier_good(v, body, sig.data);
    else if (r != -ENOMEM)
        r = 0;
    return r < 0 ? r : r > 0 ? 0 : EINVAL;
}

int head_load(struct head *out, const char *folder, const struct verifier *v)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(HEAD_MAX);
    struct head got = { 0 };
    struct mw_span body, rest, line;
    char path[PATH_MAX];
    int r = head_path(path, folder);

    if (r == 0)
        r = file_read(path, &text);
    if (r < 0)
        return r == -EMSGSIZE ? EINVAL : r;
    if (text.len < SIGNATURE_LINE)
        return EINVAL;
    body = span_cut(buf_span(&text), 0, text.len - SIGNATURE_LINE);
    r = signature_check(body, span_cut(buf_span(&text), body.len, text.len), v);
    if (r != 0)
        return r;
    rest = body;
    if (!span_line(&rest, &line) || !span_eq(line, SPAN_LIT(HEAD_FIRST)) ||
        !take_number(&rest, "oldest", &got.oldest) || !take_number(&rest, "newest", &got.newest))
        return EINVAL;
    while (span_line(&rest, &line))
        if (!take_file(line, &got))
            return EINVAL;
    *out = got;
    return 0;
}
