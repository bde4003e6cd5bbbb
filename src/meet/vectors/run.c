#include "meet/vectors/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/text.h"
#include "meet/label/label.h"

enum { SHOWN_BYTES = 24, LINE_MAX_BYTES = 4096 };

/* "file: case 3 (header): epochs[1]: what"; the file's own words are made safe to show. */
static void tell(struct run *r, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void tell(struct run *r, const char *format, va_list args)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * LINE_MAX_BYTES);

    buf_printf(&line, "%s: case %zu", r->file, r->index);
    if (r->section != NULL)
        buf_printf(&line, " of %s", r->section);
    buf_str(&line, ": ");
    if (r->place[0] != '\0')
        buf_printf(&line, "%s: ", r->place);
    buf_vprintf(&line, format, args);
    text_safe(&safe, buf_span(&line), 0);
    if (buf_error(&line) != 0 || buf_error(&safe) != 0)
        fprintf(r->out, "%s: case %zu: failed, and no memory to tell why\n", r->file, r->index);
    else
        fprintf(r->out, "%.*s\n", (int)safe.len, safe.data);
}

void run_wrong(struct run *r, const char *format, ...)
{
    va_list args;

    if (r->failed)
        return;
    r->failed = true;
    va_start(args, format);
    tell(r, format, args);
    va_end(args);
}

void run_skip(struct run *r, const char *format, ...)
{
    va_list args;

    if (r->failed || r->skipped)
        return;
    r->skipped = true;
    va_start(args, format);
    tell(r, format, args);
    va_end(args);
}

void run_place(struct run *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->place, sizeof(r->place), format, args);
    va_end(args);
}

/* ------------------------------------------------------------------------- fields ---- */

static const json_t *field_of(struct run *r, const json_t *o, const char *field)
{
    const json_t *v = r->failed ? NULL : json_object_get(o, field);

    if (v == NULL)
        run_wrong(r, "%s: missing", field);
    return v;
}

struct mw_span run_hex_of(struct run *r, const json_t *value, const char *what)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(SIZE_MAX / 4);
    struct mw_span text, out = { NULL, 0 };
    int e;

    if (r->failed)
        return out;
    if (!json_is_string(value)) {
        run_wrong(r, "%s: hex text expected", what);
        return out;
    }
    text = span_of(json_string_value(value), json_string_length(value));
    e = text_unhex(&bytes, text);
    if (e == 0)
        e = buf_error(&bytes);
    if (e == 0)
        e = arena_copy(&r->arena, buf_span(&bytes), &out);
    if (e == -EINVAL)
        run_wrong(r, "%s: not hex, or half a byte", what);
    else if (e != 0)
        run_wrong(r, "%s: out of memory", what);
    return out;
}

struct mw_span run_hex(struct run *r, const json_t *o, const char *field)
{
    return run_hex_of(r, field_of(r, o, field), field);
}

struct mw_span run_private_key(struct run *r, const json_t *o, const char *field, size_t size)
{
    struct mw_span given = run_hex(r, o, field);
    uint8_t *key;

    if (r->failed || given.len >= size)
        return given;
    key = arena_calloc(&r->arena, size, 1);     /* zeros */
    if (key == NULL) {
        run_wrong(r, "%s: out of memory", field);
        return span_of(NULL, 0);
    }
    if (given.len > 0)
        memcpy(key + size - given.len, given.data, given.len);
    return span_of(key, size);
}

bool run_hex_or_null(struct run *r, const json_t *o, const char *field, struct mw_span *out)
{
    const json_t *v = json_object_get(o, field);

    *out = (struct mw_span){ NULL, 0 };
    if (r->failed || v == NULL || json_is_null(v))
        return false;
    *out = run_hex_of(r, v, field);
    return !r->failed;
}

/* Decimal digits in quotes, as file.c leaves what is too long for a json_int_t. */
static bool digits_read(const json_t *v, uint64_t *out)
{
    struct mw_span text = span_of(json_string_value(v), json_string_length(v));

    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';

        if (digit > 9 || *out > (UINT64_MAX - digit) / 10)
            return false;
        *out = 10 * *out + digit;
    }
    return text.len > 0;
}

uint64_t run_number(struct run *r, const json_t *o, const char *field, uint64_t max)
{
    const json_t *v = field_of(r, o, field);
    uint64_t n = 0;
    bool well = false;

    if (r->failed)
        return 0;
    if (json_is_integer(v)) {
        well = json_integer_value(v) >= 0;
        n = (uint64_t)json_integer_value(v);
    } else if (json_is_string(v)) {
        well = digits_read(v, &n);
    }
    if (well && n <= max)
        return n;
    run_wrong(r, "%s: a whole number from 0 to %" PRIu64 " expected", field, max);
    return 0;
}

const char *run_text(struct run *r, const json_t *o, const char *field)
{
    const json_t *v = field_of(r, o, field);

    if (!r->failed && !json_is_string(v))
        run_wrong(r, "%s: text expected", field);
    return r->failed ? "" : json_string_value(v);
}

const json_t *run_list(struct run *r, const json_t *o, const char *field)
{
    const json_t *v = field_of(r, o, field);

    if (!r->failed && !json_is_array(v))
        run_wrong(r, "%s: a list expected", field);
    return r->failed ? NULL : v;
}

const json_t *run_object(struct run *r, const json_t *o, const char *field)
{
    const json_t *v = field_of(r, o, field);

    if (!r->failed && !json_is_object(v))
        run_wrong(r, "%s: an object expected", field);
    return r->failed ? NULL : v;
}

bool run_suite(struct run *r, const json_t *o, struct suited *out)
{
    uint16_t number = (uint16_t)run_number(r, o, "cipher_suite", UINT16_MAX);

    *out = (struct suited){ suite_find(number), r->crypto };
    if (out->suite == NULL)
        run_skip(r, "cipher_suite: %u is none that we have", number);
    return !r->failed && out->suite != NULL;
}

/* ------------------------------------------------------------------------ judging ---- */

/* From byte `from` on, shortened: "0a0b… (40 bytes)". */
static void show(struct buf *b, struct mw_span s, size_t from)
{
    if (from > 0)
        buf_str(b, "…");
    text_hex(b, span_cut(s, from, SHOWN_BYTES), 0);
    if (s.len > from + SHOWN_BYTES)
        buf_str(b, "…");
    buf_printf(b, " (%zu bytes)", s.len);
}

bool run_same(struct run *r, const char *what, struct mw_span want, struct mw_span got)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(LINE_MAX_BYTES);
    size_t at = 0;

    if (r->failed)
        return false;
    if (span_eq(want, got))
        return true;
    while (at < want.len && at < got.len && want.data[at] == got.data[at])
        at++;
    buf_str(&b, "expected ");
    show(&b, want, at);
    buf_str(&b, ", got ");
    show(&b, got, at);
    if (buf_error(&b) != 0)
        run_wrong(r, "%s: differs from byte %zu on", what, at);
    else
        run_wrong(r, "%s: differs from byte %zu on: %.*s", what, at, (int)b.len, b.data);
    return false;
}

bool run_same_number(struct run *r, const char *what, uint64_t want, uint64_t got)
{
    if (want != got)
        run_wrong(r, "%s: expected %" PRIu64 ", got %" PRIu64, what, want, got);
    return !r->failed;
}

bool run_true(struct run *r, const char *what, bool it_is)
{
    if (!it_is)
        run_wrong(r, "%s: it is not so", what);
    return !r->failed;
}

bool run_result(struct run *r, const char *what, int result)
{
    if (result < 0)
        run_wrong(r, "%s: %s", what, strerror(-result));
    else if (result > 0)
        run_wrong(r, "%s: refused, error %d", what, result);
    return !r->failed;
}

bool run_refused(struct run *r, const char *what, int want, int result)
{
    if (result != want)
        run_wrong(r, "%s: to be refused with error %d, got %d", what, want, result);
    return !r->failed;
}
