#include "meet/vectors/file.h"

#include <errno.h>

#include "base/file.h"

enum { FILE_MAX_BYTES = 256 << 20, CASE_MAX_BYTES = 256 << 20 };

static void json_freep(json_t **at)
{
    json_decref(*at);
}

static int complain(const struct run *r, const char *what)
{
    fprintf(r->out, "%s: %s\n", r->file, what);
    return -1;
}

static size_t digits_at(struct mw_span text, size_t at)
{
    size_t n = 0;

    while (at + n < text.len && text.data[at + n] >= '0' && text.data[at + n] <= '9')
        n++;
    return n;
}

/* Are the n digits at `at` a whole number that may not fit 63 bits? */
static bool is_long(struct mw_span text, size_t at, size_t n)
{
    enum { DIGITS_OF_63_BITS = 18 };
    uint8_t before = at > 0 ? text.data[at - 1] : ' ';
    uint8_t after = at + n < text.len ? text.data[at + n] : ' ';

    return n > DIGITS_OF_63_BITS && strchr("-+.eE", before) == NULL &&
           strchr(".eE", after) == NULL;
}

/* What follows in one piece: of a string up to its end or an escape, of the rest a number or what
 * is none. */
static size_t piece_at(struct mw_span text, size_t at, bool string)
{
    size_t end = at + 1;

    if (string && text.data[at] == '\\')
        return at + 1 < text.len ? 2 : 1;
    if (string)
        while (end < text.len && text.data[end] != '"' && text.data[end] != '\\')
            end++;
    else if (digits_at(text, at) > 0)
        return digits_at(text, at);
    return end - at;
}

/* JSON's whole numbers have no bound, but jansson's have 63 bits and an SFrame counter has 64:
 * what is longer is put in quotes, and run_number() reads both. */
static void numbers_quote(struct buf *out, struct mw_span text)
{
    bool string = false;

    for (size_t at = 0, n; at < text.len; at += n) {
        const char *quote;

        if (text.data[at] == '"') {
            string = !string;
            buf_u8(out, '"');
            n = 1;
            continue;
        }
        n = piece_at(text, at, string);
        quote = !string && digits_at(text, at) > 0 && is_long(text, at, n) ? "\"" : "";
        buf_str(out, quote);
        buf_add(out, span_of(text.data + at, n));
        buf_str(out, quote);
    }
}

static json_t *file_parse(const struct run *r, const char *path)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    CLEANUP(buf_deinit) struct buf quoted = BUF_INIT(FILE_MAX_BYTES);
    json_error_t error;
    json_t *whole;
    int e = file_read(path, &text);

    if (e == 0) {
        numbers_quote(&quoted, buf_span(&text));
        e = buf_error(&quoted);
    }
    if (e == -EMSGSIZE)
        complain(r, "larger than 256 MiB");
    else if (e != 0)
        complain(r, strerror(-e));
    else if (text.len == 0)
        e = complain(r, "an empty file");
    if (e != 0)
        return NULL;
    whole = json_loadb((const char *)quoted.data, quoted.len, JSON_REJECT_DUPLICATES, &error);
    if (whole == NULL)
        fprintf(r->out, "%s:%d:%d: no JSON: %s\n", r->file, error.line, error.column, error.text);
    return whole;
}

static void case_count(struct run *r)
{
    if (r->failed)
        r->counts.failed++;
    else if (r->skipped)
        r->counts.skipped++;
    else
        r->counts.passed++;
}

static void case_run(struct run *r, const struct kind *kind, const json_t *c)
{
    int e = 0;

    r->failed = r->skipped = false;
    run_place(r, "%s", "");
    if (!json_is_object(c))
        run_wrong(r, "an object expected");
    else
        e = kind->run(r, c);
    if (e < 0)
        run_wrong(r, "%s", strerror(-e));
    arena_deinit(&r->arena);
    case_count(r);
}

static void list_run(struct run *r, const struct kind *kind, const json_t *list)
{
    for (r->index = 0; r->index < json_array_size(list); r->index++)
        case_run(r, kind, json_array_get(list, r->index));
}

/* An object that has lists only: each is a section. */
static bool has_sections(json_t *whole)
{
    const char *name;
    json_t *list;

    json_object_foreach (whole, name, list)
        if (!json_is_array(list))
            return false;
    return json_object_size(whole) > 0;
}

static void sections_run(struct run *r, const struct kind *kind, json_t *whole)
{
    json_t *list;

    json_object_foreach (whole, r->section, list)
        list_run(r, kind, list);
}

int vectors_file_run(struct run *r, const char *path, const struct kind *kind)
{
    CLEANUP(json_freep) json_t *whole = NULL;

    r->file = path;
    r->kind = kind != NULL ? kind->name : "unknown";
    r->section = NULL;
    r->index = 0;
    r->counts = (struct run_counts){ 0 };
    r->arena = (struct arena)ARENA_INIT(CASE_MAX_BYTES);
    whole = file_parse(r, path);
    if (whole == NULL)
        return -1;
    if (json_is_array(whole) && json_array_size(whole) == 0)
        return complain(r, "an empty list");
    if (kind == NULL)
        kind = kind_of(json_is_array(whole) ? json_array_get(whole, 0) : whole);
    if (kind == NULL)
        return complain(r, "no kind of vectors that we know; say which with --kind");
    r->kind = kind->name;
    if (json_is_array(whole))
        list_run(r, kind, whole);
    else if (has_sections(whole))
        sections_run(r, kind, whole);
    else
        case_run(r, kind, whole);
    return 0;
}
