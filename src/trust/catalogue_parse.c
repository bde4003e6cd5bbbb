/*
 * Reads the catalogue's text. Every refusal names line and column, because people keep their
 * own lists.
 */
#include "trust/catalogue_parse.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"

enum {
    MAX_TEXT_BYTES = 1 << 20,
    MAX_PRODUCTS = 4096,
    MAX_ALTERNATIVES = 64,
    MAX_CONDITIONS = 8,
    MAX_VALUE_BYTES = 128,
    COLUMNS = 9,
};

enum column { PRODUCT, VENDOR, KIND, GRADE, MARKS, MATCH, EXAMPLE, NEAR, SOURCE };

static const char *const columns[COLUMNS] = {
    "product", "vendor", "kind", "grade", "marks", "match", "example", "near", "source",
};

static const char *const kinds[] = {
    "antivirus",   "corporate-gateway", "home-filter", "vpn",
    "debug-proxy", "malware",           "state-ca",    "captive-portal",
};

/* Where the parser stands. */
struct parser {
    struct catalogue *c;
    struct buf *error;
    struct mw_span line; /* all of it, for the column */
    size_t number;       /* of the line, from 1 */
    struct mw_span rest; /* of the match column, */
    const uint8_t *end;  /* which ends here */
    size_t conditions_room, alternatives_room, hashes_room;
};

static int fail_at(struct parser *p, const uint8_t *at, const char *what)
{
    buf_printf(p->error, "line %zu, column %zu: %s", p->number, (size_t)(at - p->line.data) + 1,
               what);
    return MW_E_SYNTAX;
}

static const uint8_t *here(const struct parser *p)
{
    return p->end - p->rest.len;
}

static int too_many(struct parser *p, const char *what)
{
    buf_printf(p->error, "line %zu, column 1: %s", p->number, what);
    return MW_E_TOO_MANY;
}

/* Room for one more item in an array that lives in the arena. */
static void *grow(struct arena *a, void *items, size_t n, size_t *room, size_t size)
{
    void *wider;

    if (n < *room)
        return items;
    *room = *room == 0 ? 256 : *room * 2;
    wider = arena_calloc(a, *room, size);
    if (wider != NULL && n > 0)
        memcpy(wider, items, n * size);
    return wider;
}

static void skip_blanks(struct parser *p)
{
    while (p->rest.len > 0 && p->rest.data[0] == ' ')
        p->rest = span_cut(p->rest, 1, p->rest.len);
}

static bool take(struct parser *p, const char *token)
{
    struct mw_span t = span_str(token);

    skip_blanks(p);
    if (!span_eq(span_cut(p->rest, 0, t.len), t))
        return false;
    p->rest = span_cut(p->rest, t.len, p->rest.len);
    return true;
}

static int field_read(struct parser *p, enum field *field)
{
    /* A name that begins with a shorter one stands before it. */
    static const struct {
        const char *name;
        enum field field;
    } names[] = {
        {"CN",         FIELD_CN       },
        { "OU",        FIELD_OU       },
        { "O",         FIELD_O        },
        { "C",         FIELD_C        },
        { "email",     FIELD_EMAIL    },
        { "any",       FIELD_ANY      },
        { "header",    FIELD_HEADER   },
        { "self",      FIELD_SELF     },
        { "not-after", FIELD_ENDS     },
        { "sha1",      FIELD_SHA1     },
        { "sha256",    FIELD_SHA256   },
        { "spki",      FIELD_SPKI     },
        { "leaf-spki", FIELD_LEAF_SPKI},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (take(p, names[i].name)) {
            *field = names[i].field;
            return 0;
        }
    }
    return fail_at(p, here(p),
                   "expected CN, O, OU, C, email, any, header, self, not-after, sha1, sha256, "
                   "spki or leaf-spki");
}

static int op_read(struct parser *p, enum field field, enum pattern_op *op)
{
    static const char *const ops[] = {
        [PATTERN_IS] = "=",
        [PATTERN_BEGINS] = "^=",
        [PATTERN_ENDS] = "$=",
        [PATTERN_HAS_WORD] = "~=",
    };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        const uint8_t *at = here(p);

        if (!take(p, ops[i]))
            continue;
        *op = (enum pattern_op)i;
        if (*op != PATTERN_IS && field > FIELD_HEADER)
            return fail_at(p, at, "this field only knows =");
        return 0;
    }
    return fail_at(p, here(p), "expected =, ^=, $= or ~=");
}

static int value_read(struct parser *p, struct mw_span *value)
{
    const uint8_t *at;
    size_t len = 0;

    skip_blanks(p);
    at = here(p);
    if (!take(p, "\""))
        return fail_at(p, at, "expected a value in double quotes");
    while (len < p->rest.len && p->rest.data[len] != '"')
        len++;
    if (len == p->rest.len)
        return fail_at(p, at, "the double quote is not closed");
    *value = span_cut(p->rest, 0, len);
    if (span_trim(*value).len == 0)
        return fail_at(p, at, "the value is empty");
    if (len > MAX_VALUE_BYTES)
        return fail_at(p, at, "the value is longer than 128 bytes");
    p->rest = span_cut(p->rest, len + 1, p->rest.len);
    return 0;
}

static int hash_read(struct parser *p, enum field field, struct mw_span text,
                     struct known_hash *out)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(64);
    static const char pin[] = "sha256/";
    const size_t want = field == FIELD_SHA1 ? 20 : 32;
    int r;

    if (field == FIELD_SHA1 || field == FIELD_SHA256)
        r = text_unhex(&bytes, text);
    else if (!span_eq(span_cut(text, 0, sizeof(pin) - 1), SPAN_LIT(pin)))
        r = -EINVAL;
    else
        r = text_unbase64(&bytes, span_cut(text, sizeof(pin) - 1, text.len));
    if (r == -ENOMEM || bytes.error == -ENOMEM)
        return -ENOMEM;
    if (r < 0 || bytes.error < 0 || bytes.len != want)
        return fail_at(p, text.data,
                       field == FIELD_SHA1     ? "expected 40 hex digits"
                       : field == FIELD_SHA256 ? "expected 64 hex digits"
                                               : "expected sha256/ and 32 bytes in base64");
    out->field = field;
    out->len = (uint8_t)want;
    memcpy(out->bytes, bytes.data, want);
    return 0;
}

static int hash_add(struct parser *p, enum field field, struct mw_span text)
{
    struct catalogue *c = p->c;
    struct known_hash h = { .product = (uint16_t)c->n_products };
    int r = hash_read(p, field, text, &h);

    if (r != 0)
        return r;
    c->hashes = grow(&c->arena, c->hashes, c->n_hashes, &p->hashes_room, sizeof(*c->hashes));
    if (c->hashes == NULL)
        return -ENOMEM;
    c->hashes[c->n_hashes++] = h;
    return 0;
}

/* What a condition says besides its text: kept with the product. */
static int special_read(struct parser *p, const struct condition *cond)
{
    struct product *product = &p->c->products[p->c->n_products];

    if (cond->field == FIELD_SELF) {
        if (!span_eq(cond->text, SPAN_LIT("yes")))
            return fail_at(p, cond->text.data, "self is only ever \"yes\"");
        product->self_signed = true;
    }
    if (cond->field == FIELD_ENDS &&
        (cond->text.len != 10 || wall_parse(cond->text, &product->ends) < 0))
        return fail_at(p, cond->text.data, "expected a day like \"2026-10-27\"");
    return 0;
}

static int condition_read(struct parser *p, struct condition *cond)
{
    int r = field_read(p, &cond->field);

    if (r == 0)
        r = op_read(p, cond->field, &cond->op);
    if (r == 0)
        r = value_read(p, &cond->text);
    if (r == 0)
        r = special_read(p, cond);
    return r;
}

static int condition_add(struct parser *p, const struct condition *cond)
{
    struct catalogue *c = p->c;

    c->conditions = grow(&c->arena, c->conditions, c->n_conditions, &p->conditions_room,
                         sizeof(*c->conditions));
    if (c->conditions == NULL)
        return -ENOMEM;
    c->conditions[c->n_conditions++] = *cond;
    return 0;
}

static bool stands_alone(enum field field)
{
    return field == FIELD_HEADER || field >= FIELD_SHA1;
}

/* CONDITION { "&" CONDITION }.  Hashes go to their own table. */
static int alternative_read(struct parser *p)
{
    struct catalogue *c = p->c;
    struct alternative a = {
        .product = (uint16_t)c->n_products,
        .first = (uint32_t)c->n_conditions,
    };
    struct condition cond;
    bool alone = false;

    do {
        const uint8_t *at = here(p);
        int r = condition_read(p, &cond);

        if (r != 0)
            return r;
        if (alone || (a.n > 0 && stands_alone(cond.field)))
            return fail_at(p, at, "header and hash patterns stand alone, not with &");
        if (a.n == MAX_CONDITIONS)
            return fail_at(p, at, "more than 8 conditions in one alternative");
        alone = stands_alone(cond.field);
        if (cond.field >= FIELD_SHA1)
            r = hash_add(p, cond.field, cond.text);
        else
            r = condition_add(p, &cond);
        if (r != 0)
            return r;
        a.n = (uint16_t)(a.n + (cond.field < FIELD_SHA1));
    } while (take(p, "&"));
    if (a.n == 0)
        return 0;
    c->alternatives = grow(&c->arena, c->alternatives, c->n_alternatives, &p->alternatives_room,
                           sizeof(*c->alternatives));
    if (c->alternatives == NULL)
        return -ENOMEM;
    c->alternatives[c->n_alternatives++] = a;
    return 0;
}

static int match_read(struct parser *p, struct mw_span text, enum catalogue_grade grade)
{
    size_t n = 0;

    p->rest = text;
    p->end = text.data + text.len;
    if (span_eq(text, SPAN_LIT("-")))
        return 0;
    if (grade == GRADE_D)
        return fail_at(p, text.data, "grade D has no pattern: write -");
    do {
        int r;

        if (++n > MAX_ALTERNATIVES)
            return fail_at(p, here(p), "more than 64 alternatives");
        r = alternative_read(p);
        if (r != 0)
            return r;
    } while (take(p, "|"));
    skip_blanks(p);
    return p->rest.len == 0 ? 0 : fail_at(p, here(p), "expected &, | or the end");
}

/* "-" is NULL. */
static int text_keep(struct parser *p, struct mw_span text, const char **out)
{
    struct mw_span copy;

    if (span_eq(text, SPAN_LIT("-")))
        return 0;
    if (arena_copy(&p->c->arena, text, &copy) < 0)
        return -ENOMEM;
    *out = (const char *)copy.data;
    return 0;
}

static int kind_read(struct parser *p, struct mw_span text, const char **out)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (span_eq(text, span_str(kinds[i]))) {
            *out = kinds[i];
            return 0;
        }
    }
    return fail_at(p, text.data,
                   "expected antivirus, corporate-gateway, home-filter, vpn, debug-proxy, malware, "
                   "state-ca or captive-portal");
}

static int words_read(struct parser *p, const struct mw_span *f, struct product *product)
{
    if (f[GRADE].len != 1 || f[GRADE].data[0] < 'A' || f[GRADE].data[0] > 'D')
        return fail_at(p, f[GRADE].data, "expected grade A, B, C or D");
    product->grade = (enum catalogue_grade)(f[GRADE].data[0] - 'A');
    if (span_eq(f[MARKS], SPAN_LIT("bad-root")))
        product->bad_root = true;
    else if (span_eq(f[MARKS], SPAN_LIT("also-genuine")))
        product->also_genuine = true;
    else if (!span_eq(f[MARKS], SPAN_LIT("-")))
        return fail_at(p, f[MARKS].data, "expected bad-root, also-genuine or -");
    return kind_read(p, f[KIND], &product->kind);
}

static int row_read(struct parser *p, const struct mw_span *f)
{
    struct product *product = &p->c->products[p->c->n_products];
    int r = words_read(p, f, product);

    if (r == 0)
        r = text_keep(p, f[PRODUCT], &product->name);
    if (r == 0)
        r = text_keep(p, f[VENDOR], &product->vendor);
    if (r == 0)
        r = text_keep(p, f[EXAMPLE], &product->example);
    if (r == 0)
        r = text_keep(p, f[NEAR], &product->near);
    if (r == 0)
        r = text_keep(p, f[SOURCE], &product->source);
    if (r != 0)
        return r;
    if (product->name == NULL)
        return fail_at(p, f[PRODUCT].data, "a product needs a name");
    r = match_read(p, f[MATCH], product->grade);
    if (r == 0)
        p->c->n_products++;
    return r;
}

/* Nothing that could play tricks on a terminal or break a report. */
static int line_check(struct parser *p)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(5 * MAX_TEXT_BYTES);
    struct mw_span rest = p->line, field;

    while (span_field(&rest, '\t', &field)) {
        buf_truncate(&safe, 0);
        text_safe(&safe, field, 0);
        if (buf_error(&safe) == -ENOMEM)
            return -ENOMEM;
        if (!span_eq(buf_span(&safe), field))
            return fail_at(p, field.data, "holds control characters or is not UTF-8");
    }
    return 0;
}

/* Splits the line; every column must be there and filled. */
static int columns_read(struct parser *p, struct mw_span f[COLUMNS])
{
    struct mw_span rest = p->line, field;
    size_t n = 0;

    while (span_field(&rest, '\t', &field)) {
        if (n == COLUMNS)
            return fail_at(p, field.data, "more than nine columns");
        if (field.len == 0)
            return fail_at(p, field.data, "an empty column: write - for none");
        f[n++] = field;
    }
    if (n < COLUMNS)
        return fail_at(p, p->line.data + p->line.len, "fewer than nine columns");
    return 0;
}

static int line_read(struct parser *p, bool *head_seen)
{
    struct mw_span f[COLUMNS];
    int r = line_check(p);

    if (r == 0)
        r = columns_read(p, f);
    if (r != 0 || *head_seen)
        return r != 0 ? r : row_read(p, f);
    for (size_t i = 0; i < COLUMNS; i++)
        if (!span_eq(f[i], span_str(columns[i])))
            return fail_at(p, f[i].data,
                           "the first line names the columns: product vendor kind grade marks "
                           "match example near source");
    *head_seen = true;
    return 0;
}

static int lines_read(struct parser *p, struct mw_span rest)
{
    bool head_seen = false;

    while (span_line(&rest, &p->line)) {
        int r;

        p->number++;
        if (p->line.len == 0 || p->line.data[0] == '#')
            continue;
        if (p->c->n_products == MAX_PRODUCTS)
            return too_many(p, "more than 4096 products");
        r = line_read(p, &head_seen);
        if (r != 0)
            return r;
    }
    p->line = span_of(rest.data, 0);
    return head_seen ? 0 : fail_at(p, p->line.data, "there is no catalogue in this text");
}

static size_t lines_count(struct mw_span text)
{
    struct mw_span line;
    size_t n = 0;

    while (n <= MAX_PRODUCTS && span_line(&text, &line))
        n++;
    return n;
}

static void catalogue_freep(struct catalogue **at)
{
    catalogue_free(*at);
}

int catalogue_parse(struct catalogue **out, struct mw_span tsv, struct buf *error)
{
    CLEANUP(catalogue_freep) struct catalogue *c = calloc(1, sizeof(*c));
    struct parser p = { .c = c, .error = error };
    struct mw_span copy;
    int r;

    if (c == NULL)
        return -ENOMEM;
    if (tsv.len > MAX_TEXT_BYTES)
        return too_many(&p, "more than 1 MiB");
    c->arena.max_bytes = 32 << 20;
    c->products = arena_calloc(&c->arena, lines_count(tsv) + 1, sizeof(*c->products));
    if (c->products == NULL || arena_copy(&c->arena, tsv, &copy) < 0)
        return -ENOMEM;
    r = lines_read(&p, copy);
    if (r != 0)
        return r;
    *out = own_steal(&c);
    return 0;
}
